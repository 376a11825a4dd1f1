import argparse
import json

import pytest

from compose.__main__ import parser
from compose.errors import ComposeError
from compose.layout import REPOSITORY
from compose.operations import ages, commands, outbox, peek, queues
from compose.operations.read_models import READ_MODELS


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "-"), (0.4, "0 s"), (59.9, "59 s"), (60, "1 min"), (7200, "2 h"), (200_000, "2 d")],
)
def test_an_age_is_told_in_the_largest_unit_that_fits(seconds, text):
    assert ages.as_text(seconds) == text


@pytest.mark.parametrize("body", ["{", "[]", '{"time": 5}', '{"time": "2026-11-23T05:00:00"}', b"\xff"])
def test_what_is_no_event_has_no_age(body):
    assert ages.seconds_since_event(body) is None


@pytest.mark.parametrize("event_id", ["", "evt_1", "5f0c9c1e-0000-4000-8000-000000000000"])
def test_an_id_that_is_not_ours_has_no_age(event_id):
    assert ages.seconds_since_id(event_id) is None


@pytest.mark.parametrize(
    ("key", "is_routed"),
    [
        ("asset_ready", True),
        ("#", True),
        ("*", True),
        ("#.asset_ready", True),
        ("#.#", True),
        ("asset_refused", False),
        ("*.asset_ready", False),
        ("*.*", False),
        ("", False),
    ],
)
def test_a_binding_routes_an_event_as_a_topic_exchange_does(key, is_routed):
    assert outbox.matches(key, "asset_ready") is is_routed


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("campaign.on_earnings", "handler"),
        ("campaign.dead-letters", "dead letters"),
        ("campaign.delay.1000", "delay"),
        ("rpc-campaign", "requests"),
        ("rpc.reply-gateway-1", "replies"),
        ("gateway.listener-1", "listener"),
        ("evt-asset-asset_ready--another_team.on_asset", "other"),
    ],
)
def test_a_queue_is_known_by_its_name(name, kind):
    assert queues.kind_of(name) == kind


def test_the_first_message_of_each_queue_is_read_from_what_the_broker_prints():
    assert peek.parsed("campaign.on_a evt_1\npayment.on_b \nok\n") == {
        "campaign.on_a": "evt_1",
        "payment.on_b": "",
    }


def test_no_queues_name_becomes_a_part_of_the_program(monkeypatch):
    programs = []
    monkeypatch.setattr(peek, "evaluated", lambda access, program: programs.append(program) or "ok\n")
    access = argparse.Namespace(broker_cli=("x",), vhost="/v")

    peek.first_messages(access, ["campaign.on_a", 'x">>]), halt(). %'])

    assert '<<"campaign.on_a">>' in programs[0]
    assert "halt" not in programs[0]


@pytest.mark.parametrize("given", [["campaign"], ["campaign", "evt_1", "--all"], []])
def test_what_is_thrown_away_must_be_said_clearly(given):
    arguments = parser().parse_args(["dead-letters", "drop", *given])

    with pytest.raises(ComposeError, match="Say which"):
        commands.one_or_all(arguments)


@pytest.mark.parametrize(("given", "chosen"), [(["campaign", "evt_1"], "evt_1"), (["--all"], None)])
def test_one_or_all_may_be_chosen(given, chosen):
    assert commands.one_or_all(parser().parse_args(["dead-letters", "replay", *given])) == chosen


def test_what_could_not_be_asked_makes_the_command_fail_after_telling_the_rest(capsys):
    status = commands.answered(argparse.Namespace(json=True), {"a": 1}, "a 1", ["payment: gone."])

    printed = capsys.readouterr()
    assert status == 1
    assert json.loads(printed.out) == {"a": 1}
    assert printed.err == "payment: gone.\n"


@pytest.mark.parametrize("name", READ_MODELS)
def test_what_can_be_rebuilt_is_an_rpc_that_its_service_tells_of(name):
    """test_readmes holds that README to the code."""
    model = READ_MODELS[name]

    assert f"`{model.method}`" in (REPOSITORY / model.service / "README.md").read_text()
