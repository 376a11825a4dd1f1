"""The rules of who waits too long, on a clock of the tests' own."""

from __future__ import annotations

import itertools
import socket
import time

import pytest

from gateway.waiting import AdaptiveLimit, Patience, StandingQueue, waited

PATIENCE = Patience(target=0.02, interval=0.1, fewest=16)
LATE, IN_TIME = 0.03, 0.01


def late_ones(queue: StandingQueue, count: int, since: float = 0.0, every: float = 0.01) -> float:
    """The moment after so many who were late, one after the other."""
    for number in range(count):
        queue.note(LATE, since + number * every)
    return since + count * every


def test_a_queue_stands_when_everybody_in_it_was_late_for_a_while() -> None:
    queue = StandingQueue(PATIENCE)

    now = late_ones(queue, 16)

    assert queue.note(LATE, now)


def test_a_burst_that_is_worked_off_does_not_stand() -> None:
    queue = StandingQueue(PATIENCE)

    now = late_ones(queue, 80, every=0.001)

    assert not queue.note(LATE, now)


def test_one_who_was_in_time_shows_that_nothing_stands() -> None:
    queue = StandingQueue(PATIENCE)
    now = late_ones(queue, 15)

    queue.note(IN_TIME, now)

    assert not queue.note(LATE, now + 0.01)


def test_a_few_who_are_late_are_no_queue() -> None:
    queue = StandingQueue(PATIENCE)

    now = late_ones(queue, 15, every=0.05)
    apart = late_ones(queue, 100, since=now + 1, every=0.2)

    assert not queue.note(LATE, apart)


def test_a_queue_stands_until_nobody_was_late_for_a_while() -> None:
    queue = StandingQueue(PATIENCE)
    now = late_ones(queue, 17)

    queue.note(IN_TIME, now)
    soon = queue.note(LATE, now + 0.05)
    queue.note(IN_TIME, now + 0.2)
    later = queue.note(LATE, now + 0.21)

    assert (soon, later) == (True, False)


def test_a_queue_stands_although_the_process_itself_stood_still() -> None:
    queue = StandingQueue(PATIENCE)
    now = late_ones(queue, 17)

    assert queue.note(0.5, now + 0.5)


def test_who_was_in_time_is_never_too_late() -> None:
    queue = StandingQueue(PATIENCE)

    now = late_ones(queue, 17)

    assert not queue.note(IN_TIME, now)


@pytest.fixture
def limit() -> AdaptiveLimit:
    return AdaptiveLimit(Patience(target=0.1, interval=0.1, fewest=4), floor=4, most=32)


def answers(limit: AdaptiveLimit, count: int, took: float, since: float, under_way: int = 32) -> float:
    for number in range(count):
        limit.note(took, under_way, since + number * 0.05)
    return since + count * 0.05


def allowed(limit: AdaptiveLimit) -> int:
    return next(count for count in itertools.count() if not limit.allows(count))


def test_a_limit_begins_with_what_is_possible(limit: AdaptiveLimit) -> None:
    assert allowed(limit) == 32


def test_a_limit_shrinks_once_for_what_was_sent_before_it_did(limit: AdaptiveLimit) -> None:
    answers(limit, 6, took=0.5, since=10)

    assert allowed(limit) == 16


def test_a_service_that_stays_slow_keeps_its_floor(limit: AdaptiveLimit) -> None:
    answers(limit, 1000, took=0.5, since=10)

    assert allowed(limit) == 4


def test_a_limit_grows_again_by_one_when_as_many_as_it_allows_came_back_in_time(limit: AdaptiveLimit) -> None:
    now = answers(limit, 1000, took=0.5, since=10)

    answers(limit, 5, took=0.01, since=now, under_way=4)

    assert allowed(limit) == 5


def test_a_limit_that_nobody_reaches_does_not_grow(limit: AdaptiveLimit) -> None:
    now = answers(limit, 1000, took=0.5, since=10)

    answers(limit, 100, took=0.01, since=now, under_way=1)

    assert allowed(limit) == 4


def test_a_limit_forgets_a_queue_of_long_ago(limit: AdaptiveLimit) -> None:
    now = answers(limit, 1000, took=0.5, since=10)

    answers(limit, 1, took=0.01, since=now + 10, under_way=1)

    assert allowed(limit) == 32


def waits(rate: float, queue: StandingQueue | None) -> tuple[list[float], list[float]]:
    """How long who was served waited, and who was refused: `rate` a second come, and 1,000 can be served."""
    now, served, refused = 0.0, [], []
    for number in range(int(5 * rate)):
        came = number / rate
        now = max(now, came)
        if queue is not None and queue.note(now - came, now):
            refused.append(now - came)
            now += 0.00006
        else:
            served.append(now - came)
            now += 0.001
    return served[len(served) // 4 :], refused[len(refused) // 4 :]


def test_of_twice_what_can_be_served_almost_as_much_is_served_and_nobody_waits_for_long() -> None:
    served, refused = waits(2000, StandingQueue(PATIENCE))

    assert max(served) <= 0.03
    assert max(refused) <= 0.03
    assert len(served) >= 0.9 * 5 * 1000 * 0.75


def test_without_the_rule_everybody_waits_ever_longer() -> None:
    served, refused = waits(2000, None)

    assert (max(served) > 2, refused) == (True, [])


def test_nobody_is_refused_below_what_can_be_served() -> None:
    assert waits(900, StandingQueue(PATIENCE))[1] == []


def test_how_long_a_request_was_there_is_known_also_of_the_time_before_it_was_accepted() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        with socket.create_connection(listener.getsockname()) as client:
            client.sendall(b"GET / HTTP/1.1\r\n\r\n")
            time.sleep(0.05)
            accepted, _ = listener.accept()
            with accepted:
                assert 0.04 <= waited(accepted) < 5


def test_what_is_no_connection_has_waited_for_no_time() -> None:
    assert waited(None) == 0.0
    with socket.socketpair()[0] as local:
        assert waited(local) == 0.0
