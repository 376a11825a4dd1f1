from chassis import runtime

runtime.patch()

from collections.abc import Collection, Iterator

import eventlet
import pytest
from eventlet.event import Event

from notification.domain.webhooks import Message
from notification.lanes import Lanes
from notification.tests.mothers import a_message


class Due:
    """Messages by endpoint, oldest first; `sent` is what was given to the sender, in order."""

    def __init__(self, **by_endpoint: int) -> None:
        numbers = iter(range(1, 1000))
        self.waiting = [
            a_message(next(numbers), endpoint_id=endpoint)
            for endpoint, messages in by_endpoint.items()
            for _ in range(messages)
        ]
        self.sent: list[str] = []
        self.answered: list[str] = []
        self.slow: dict[str, Event] = {}
        self.failing: set[str] = set()

    def lease(self, of: str | None = None, except_of: Collection[str] = ()) -> tuple[Message, str] | None:
        for message in self.waiting:
            if of in (None, message.endpoint_id) and message.endpoint_id not in except_of:
                self.waiting.remove(message)
                return message, "token"
        return None

    def send(self, message: Message, token: str) -> bool:
        self.sent.append(message.endpoint_id)
        if message.endpoint_id in self.slow:
            self.slow[message.endpoint_id].wait()
        self.answered.append(message.endpoint_id)
        if message.endpoint_id == "broken":
            raise ConnectionError
        return message.endpoint_id not in self.failing


@pytest.fixture(autouse=True)
def in_time() -> Iterator[None]:
    with eventlet.Timeout(5):
        yield


def settle() -> None:
    for _ in range(5):
        eventlet.sleep(0)


def test_nothing_due_opens_no_lane() -> None:
    assert Lanes().run_once(Due().lease, Due().send) == 0


def test_an_endpoint_has_one_lane_which_sends_all_that_is_due() -> None:
    due = Due(acme=3)

    opened = Lanes().run_once(due.lease, due.send)
    settle()

    assert (opened, due.sent) == (1, ["acme"] * 3)


def test_a_slow_endpoint_delays_nobody_else_and_is_asked_one_thing_at_a_time() -> None:
    due, lanes = Due(slow=2, quick=2), Lanes()
    due.slow["slow"] = Event()

    for _ in range(3):
        lanes.run_once(due.lease, due.send)
        settle()

    assert sorted(due.sent) == ["quick", "quick", "slow"]
    due.slow["slow"].send()
    settle()
    assert sorted(due.sent) == ["quick", "quick", "slow", "slow"]


def test_an_endpoint_that_fails_is_left_in_peace_until_the_next_round() -> None:
    due, lanes = Due(acme=2), Lanes()
    due.failing.add("acme")

    lanes.run_once(due.lease, due.send)
    settle()
    assert due.sent == ["acme"]
    lanes.run_once(due.lease, due.send)
    settle()

    assert due.sent == ["acme", "acme"]


def test_a_lane_that_breaks_can_be_opened_again() -> None:
    due, lanes = Due(broken=2), Lanes()

    for _ in range(2):
        lanes.run_once(due.lease, due.send)
        settle()

    assert due.sent == ["broken", "broken"]


def test_lanes_are_bounded() -> None:
    due, lanes = Due(one=1, two=1, three=1), Lanes(most=2)
    due.slow = {name: Event() for name in ("one", "two", "three")}

    opened = lanes.run_once(due.lease, due.send)
    settle()

    assert (opened, due.sent) == (2, ["one", "two"])


def test_whoever_finishes_sends_what_is_on_its_way_and_takes_nothing_new() -> None:
    due, lanes = Due(acme=2), Lanes()
    due.slow["acme"] = Event()
    lanes.run_once(due.lease, due.send)
    settle()

    eventlet.spawn_after(0.05, due.slow["acme"].send)
    lanes.finish()

    assert due.sent == due.answered == ["acme"]
    assert lanes.run_once(due.lease, due.send) == 0
