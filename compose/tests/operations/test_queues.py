from dataclasses import replace

import pytest

from chassis.testing import eventually
from compose.errors import ComposeError
from compose.operations import queues

# The management API's figures are up to five seconds old.
SECONDS_UNTIL_COUNTED = 20


def by_name(found):
    return {queue["name"]: queue for queue in found["queues"]}


def test_a_queue_tells_how_much_waits_and_that_nobody_takes_it(access, handler, publish_event):
    campaign = handler("campaign", "on_asset")
    for _ in range(3):
        publish_event("asset", "asset_ready", {})

    found = eventually(
        lambda: (
            by_name(queues.overview(access))[campaign.queue]["depth"] == 3
            and by_name(queues.overview(access))[campaign.queue]
        ),
        SECONDS_UNTIL_COUNTED,
        every=0.5,
    )

    assert (found["waiting"], found["in_hand"], found["consumers"], found["kind"]) == (3, 0, 0, "handler")


def test_a_queue_tells_how_many_of_its_messages_were_given_up(access, handler):
    campaign, neighbour = handler("campaign", "on_asset"), handler("campaign", "on_asset_too")
    for _ in range(2):
        campaign.give_up()

    found = queues.overview(access)

    assert by_name(found)[campaign.queue]["dead_letters"] == 2
    assert by_name(found)[neighbour.queue]["dead_letters"] == 0
    assert found["dead_letters"] == 2


def test_letters_of_a_queue_that_is_gone_are_not_forgotten(access, handler):
    old = handler("campaign", "on_old")
    old.give_up()
    old.delete_queue()

    found = by_name(queues.overview(access))[old.queue]

    assert (found["kind"], found["dead_letters"]) == ("gone", 1)
    assert old.queue in queues.as_text(queues.overview(access), everything=False)


def test_the_oldest_message_is_told_by_its_events_id(access, handler, publish_event, command_line):
    campaign = handler("campaign", "on_asset")
    publish_event("asset", "asset_ready", {})
    command_line.answers(f"{campaign.queue} evt_01m83k0pjdeqybz98ebvjqkx5e\nok\n")

    found = eventually(
        lambda: by_name(queues.overview(command_line.of(access)))[campaign.queue]["oldest_seconds"],
        SECONDS_UNTIL_COUNTED,
        every=0.5,
    )

    assert found == pytest.approx(queues.ages.seconds_since_id("evt_01m83k0pjdeqybz98ebvjqkx5e"), abs=60)


def test_without_the_brokers_command_line_the_rest_is_shown(access, handler, publish_event, command_line):
    campaign = handler("campaign", "on_asset")
    publish_event("asset", "asset_ready", {})
    command_line.fails()

    found = eventually(
        lambda: (seen := queues.overview(command_line.of(access)))["warnings"] and seen,
        SECONDS_UNTIL_COUNTED,
        every=0.5,
    )

    assert "The age of the oldest messages is not known" in found["warnings"][0]
    assert by_name(found)[campaign.queue]["depth"] == 1


def test_looking_at_queues_delivers_nothing(access, handler, publish_event, broker):
    """A quorum queue gives up what it has delivered too often, even when each was given back."""
    campaign = handler("campaign", "on_asset")
    publish_event("asset", "asset_ready", {})

    for _ in range(3):
        queues.overview(access)

    connection = campaign._connect()
    message = connection.channel().basic_get(campaign.queue)
    connection.close()
    assert message.headers.get("x-delivery-count", 0) == 0


def test_a_management_api_that_is_gone_is_a_sentence(access):
    with pytest.raises(ComposeError, match="The broker does not answer"):
        queues.overview(replace(access, api_uri="http://x:y@127.0.0.1:1"))


def test_somebody_elses_broker_is_not_asked(access):
    with pytest.raises(ComposeError, match="AMQP_URI is set"):
        queues.overview(replace(access, api_uri=""))


class CommandLine:
    """Stands for the broker's command line."""

    def __init__(self, path):
        self.path = path

    def answers(self, text):
        self._write(f"cat <<'END'\n{text}END\n")

    def fails(self):
        self._write("exit 69\n")

    def of(self, access):
        return replace(access, broker_cli=(str(self.path),))

    def _write(self, script):
        self.path.write_text(f"#!/bin/sh\n{script}")
        self.path.chmod(0o755)


@pytest.fixture
def command_line(tmp_path):
    return CommandLine(tmp_path / "rabbitmqctl")
