"""What a storm is made of, without the storm."""

import runpy
from collections import Counter
from dataclasses import replace

import pytest

from compose.chaos.act import shares, together
from compose.chaos.altered import GATEWAY_CONFIG, GUARDED_CONFIG, altered, without
from compose.chaos.guards import VARIABLE
from compose.chaos.journal import BEGUN, FAILED, OK, UNKNOWN, Journal, wrong
from compose.chaos.proxy import FAULTS
from compose.chaos.schedule import CABLE, DISK, FREEZE, FULL, KILL, MEMORY, OURS, SERVERS, schedule
from compose.chaos.written import WrittenOverlay, written
from compose.demo.api import DemoFailed
from compose.program import Program


def test_a_seed_reproduces_the_schedule():
    assert schedule(7, FULL) == schedule(7, FULL)
    assert schedule(7, FULL) != schedule(8, FULL)


def test_a_full_storm_kills_ours_fifty_times_and_each_server_five_times():
    killed = Counter(blow.victim for blow in schedule(7, FULL) if blow.kind == KILL)

    assert sum(killed[name] for name in OURS) == 50
    assert {server: killed[server] for server in SERVERS} == dict.fromkeys(SERVERS, 5)


def test_the_smallest_storm_has_every_kind_of_blow():
    blows = schedule(7, 1)

    assert {blow.kind for blow in blows} == {KILL, FREEZE, MEMORY, DISK, CABLE}
    assert {blow.fault for blow in blows if blow.kind == CABLE} == set(FAULTS)


def program(name, tmp_path):
    addresses = {"AMQP_URI": "amqp://u:p@127.0.0.1:5673/v", "PUBLIC_URL": "http://127.0.0.1:8000"}
    return Program(name, ("run", name), tmp_path, ready=lambda: None, environment=addresses)


def test_a_program_is_told_of_the_cable_and_of_nothing_else(tmp_path):
    changed = altered(program("campaign", tmp_path), {5673: 40001}, "")

    assert changed.environment == {
        "AMQP_URI": "amqp://u:p@127.0.0.1:40001/v",
        "PUBLIC_URL": "http://127.0.0.1:8000",
    }
    assert changed.command == ("run", "campaign")


def test_a_guard_is_taken_off_a_service_and_not_off_the_gateway(tmp_path):
    service = altered(program("campaign", tmp_path), {}, "inbox")
    gateway = altered(program("gateway", tmp_path), {}, "inbox")

    assert service.environment[VARIABLE] == "inbox"
    assert service.command[-2:] == ("compose.chaos.guarded", "campaign")
    assert VARIABLE not in gateway.environment


def test_a_guard_of_the_gateway_is_taken_off_the_gateway_alone(tmp_path):
    service, gateway = (
        without(
            replace(program(name, tmp_path), command=("gunicorn", "--config", GATEWAY_CONFIG)), "fallback"
        )
        for name in ("campaign", "gateway")
    )

    assert VARIABLE not in service.environment
    assert gateway.environment[VARIABLE] == "fallback"
    assert gateway.command[-1] == GUARDED_CONFIG


def test_the_configuration_of_an_unguarded_gateway_is_the_gateways_own(monkeypatch):
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", "not made by us")

    own, unguarded = runpy.run_path(GATEWAY_CONFIG), runpy.run_path(GUARDED_CONFIG)

    assert unguarded["worker_class"] == own["worker_class"]
    assert {*unguarded} - {*own} == {"runpy", "guards", "post_worker_init"}


@pytest.fixture
def journal(tmp_path):
    own = Journal(tmp_path / "journal")
    yield own
    own.close()


class Told:
    """A platform that answers as it is told; `seen` is what the journal said when it was asked."""

    def __init__(self, journal, *answers):
        self.journal, self.answers, self.seen = journal, list(answers), []

    def tell(self, path, body):
        self.seen.append(dict(self.journal.outcomes))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer, False


def overlay(journal, *answers):
    own = WrittenOverlay(Told(journal, *answers), "token", "honest")
    own.journal, own.session_id = journal, "ses_1"
    return own


BATCH = [{"id": "a"}, {"id": "b"}]
ALL_TAKEN = {"accepted": 2, "refused": []}
ONE_REFUSED = {"accepted": 1, "refused": [{"id": "b", "reason": "too_old"}]}
ALL_REPLAYED = {"accepted": 0, "refused": [{"id": one, "reason": "replayed"} for one in "ab"]}


def test_a_showing_is_written_down_before_it_is_sent(journal):
    own = overlay(journal, ALL_TAKEN)

    own._post(BATCH)

    assert own.api.seen == [{"a": BEGUN, "b": BEGUN}]


@pytest.mark.parametrize(
    ("answer", "outcomes"),
    [
        (ALL_TAKEN, {"a": OK, "b": OK}),
        (ONE_REFUSED, {"a": OK, "b": FAILED}),
        (ALL_REPLAYED, {"a": OK, "b": OK}),
    ],
)
def test_what_an_overlay_is_told_of_each_showing_is_written_down(journal, answer, outcomes):
    overlay(journal, answer)._post(BATCH)

    assert journal.outcomes == outcomes


def test_nobody_knows_of_showings_that_were_not_answered(journal):
    with pytest.raises(DemoFailed):
        overlay(journal, DemoFailed("no answer"))._post(BATCH)

    assert journal.outcomes == {"a": UNKNOWN, "b": UNKNOWN}


@pytest.mark.parametrize(("status", "outcome"), [(409, FAILED), (422, FAILED), (503, UNKNOWN), (0, UNKNOWN)])
def test_a_refused_command_has_done_nothing_and_of_an_unanswered_one_nobody_knows(journal, status, outcome):
    def work():
        raise DemoFailed("no", status)

    with pytest.raises(DemoFailed):
        written(journal, ["key"], work)

    assert journal.outcomes == {"key": outcome}


def test_a_call_without_an_end_may_have_been_done_once(journal):
    journal.note(["key"], BEGUN)

    assert wrong(journal.outcomes, Counter(), {}) == {}
    assert wrong(journal.outcomes, Counter({"key": 1}), {}) == {}
    assert wrong(journal.outcomes, Counter({"key": 2}), {}) != {}


def test_the_shares_of_all_brands_are_at_least_what_was_asked_for():
    found = list(shares(10_000, 4, 70, 60, 300.0))

    assert sum(share.showings for share in found) >= 10_000
    assert sum(share.campaigns for share in found) >= 70
    assert sum(share.payouts for share in found) >= 60


def test_what_is_done_together_says_what_failed_and_the_rest_is_done():
    done = []

    def fail():
        raise DemoFailed("no")

    assert together([fail, lambda: done.append(1)]) == ["no"]
    assert done == [1]
