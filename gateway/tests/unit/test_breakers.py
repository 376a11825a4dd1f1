from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from gevent import GreenletExit

from chassis.errors import DeadlineExceeded, NotFound, ServiceUnavailable
from gateway.breakers import BulkheadFull, CircuitOpen, GuardedConnection, Policy
from gateway.tests.conftest import Door
from gateway.waiting import Patience

POLICY = Policy(calls=4, bad_share=0.5, probes=3, rest_seconds=1.0, slow_seconds=3.0, in_flight=2)


class Service:
    """Answers, fails or takes its time, as it is told."""

    is_ready = True

    def __init__(self) -> None:
        self.now = 100.0
        self.takes = 0.0
        self.raises: Exception | None = None
        self.asked = 0
        self.meanwhile: Any = None

    def close(self) -> None:
        self.is_ready = False

    def call(self, *_: Any, **__: Any) -> str:
        self.asked += 1
        self.now += self.takes
        if self.meanwhile:
            self.meanwhile()
        if self.raises:
            raise self.raises
        return "answer"


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def guarded(service: Service) -> GuardedConnection:
    return GuardedConnection(service, POLICY, lambda: service.now)


def fail(guarded: GuardedConnection, times: int) -> None:
    for _ in range(times):
        with pytest.raises(ServiceUnavailable):
            guarded.call("payment", "wallet", {})


def test_a_service_that_fails_is_left_alone_and_no_other_is(
    service: Service, guarded: GuardedConnection
) -> None:
    service.raises = DeadlineExceeded("no answer")
    fail(guarded, 4)

    with pytest.raises(CircuitOpen):
        guarded.call("payment", "wallet", {})

    assert service.asked == 4
    assert guarded.breakers == {"payment": "open"}
    service.raises = None
    assert guarded.call("campaign", "list", {}) == "answer"


def test_a_service_that_answers_slowly_is_left_alone_too(
    service: Service, guarded: GuardedConnection
) -> None:
    service.takes = 3.5
    for _ in range(4):
        guarded.call("payment", "wallet", {})

    assert guarded.breakers == {"payment": "open"}


def test_a_call_that_may_take_long_does_not_count_as_slow(
    service: Service, guarded: GuardedConnection
) -> None:
    service.takes = 3.5
    for _ in range(4):
        guarded.call("payment", "verify_ledger", {}, timeout=30)

    assert guarded.breakers == {"payment": "closed"}


def test_an_error_that_a_service_answers_says_that_it_is_well(
    service: Service, guarded: GuardedConnection
) -> None:
    service.raises = NotFound()
    for _ in range(8):
        with pytest.raises(NotFound):
            guarded.call("payment", "wallet", {})

    assert guarded.breakers == {"payment": "closed"}


def test_after_its_rest_one_caller_at_a_time_tries_and_three_good_answers_close_it(
    service: Service, guarded: GuardedConnection
) -> None:
    service.raises = ServiceUnavailable()
    fail(guarded, 4)
    service.now += 1.0
    service.raises = None
    turned_away = []

    def another_one() -> None:
        service.meanwhile = None
        with pytest.raises(CircuitOpen):
            guarded.call("payment", "wallet", {})
        turned_away.append(True)

    service.meanwhile = another_one

    states = []
    for _ in range(3):
        states.append(guarded.breakers["payment"])
        assert guarded.call("payment", "wallet", {}) == "answer"

    assert turned_away == [True]
    assert states == ["half_open", "half_open", "half_open"]
    assert guarded.breakers == {"payment": "closed"}


def test_a_call_from_before_it_opened_decides_nothing_when_it_ends(
    service: Service, guarded: GuardedConnection
) -> None:
    def the_breaker_opens_and_a_probe_is_under_way() -> None:
        service.meanwhile = None
        service.raises = ServiceUnavailable()
        fail(guarded, 4)
        service.now += 1.0
        service.raises = None
        assert guarded.breakers == {"payment": "half_open"}

    service.meanwhile = the_breaker_opens_and_a_probe_is_under_way
    for _ in range(3):
        guarded.call("payment", "wallet", {}, timeout=30)

    # The first of the three was sent before; the two others were probes.
    assert guarded.breakers == {"payment": "half_open"}


def test_a_caller_that_gives_up_waiting_does_not_vouch_for_the_service(
    service: Service, guarded: GuardedConnection
) -> None:
    service.meanwhile = lambda: (_ for _ in ()).throw(GreenletExit())

    for _ in range(4):
        with pytest.raises(GreenletExit):
            guarded.call("payment", "wallet", {})

    assert guarded.breakers == {"payment": "open"}


def test_a_probe_that_fails_opens_it_for_another_rest(service: Service, guarded: GuardedConnection) -> None:
    service.raises = ServiceUnavailable()
    fail(guarded, 4)
    service.now += 1.0

    fail(guarded, 1)

    assert guarded.breakers == {"payment": "open"}
    assert service.asked == 5


def test_a_service_takes_no_more_than_its_share_of_the_requests(
    service: Service, guarded: GuardedConnection
) -> None:
    def nest() -> None:
        if service.asked < 2:
            guarded.call("payment", "wallet", {})
            return
        service.meanwhile = None
        with pytest.raises(BulkheadFull):
            guarded.call("payment", "wallet", {})
        assert guarded.call("campaign", "list", {}) == "answer"

    service.meanwhile = nest
    guarded.call("payment", "wallet", {})

    assert service.asked == 3
    assert guarded.call("payment", "wallet", {}) == "answer"


def test_fewer_may_wait_for_a_service_before_which_calls_queue(service: Service) -> None:
    patience = Patience(target=0.1, interval=0.5, fewest=4)
    policy = replace(POLICY, in_flight=8, fewest_in_flight=3, patience=patience)
    guarded = GuardedConnection(service, policy, lambda: service.now)
    waiting: list[int] = []

    def one_more() -> None:
        waiting[-1] += 1
        with suppress(BulkheadFull):
            guarded.call("payment", "wallet", {})

    def as_many_as_may_wait() -> int:
        waiting.append(0)
        service.meanwhile = one_more
        one_more()
        service.meanwhile = None
        return waiting[-1] - 1

    at_first = as_many_as_may_wait()
    service.takes = 0.4
    for _ in range(20):
        guarded.call("payment", "wallet", {})

    assert (at_first, as_many_as_may_wait()) == (8, 3)


def test_readiness_tells_the_state_of_the_breakers(door: Door) -> None:
    door.services.breakers = {"payment": "open"}

    answer = door.client.get("/health/ready")

    assert (answer.status_code, answer.json["breakers"]) == (200, {"payment": "open"})
