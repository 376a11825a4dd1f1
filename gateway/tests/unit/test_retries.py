from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from chassis.errors import DeadlineExceeded, Error, Forbidden, ServiceUnavailable
from gateway.breakers import BulkheadFull, CircuitOpen
from gateway.retries import MOST_SAVED
from gateway.tests.conftest import Door


def failing(times: int, error: Error) -> Callable[[Any], Any]:
    left = [error] * times

    def answer(_: Any) -> Any:
        if left:
            raise left.pop()
        return {"id": "x_1"}

    return answer


def read(door: Door) -> Any:
    return door.client.get("/v1/wallet", headers=door.as_("brand"))


def test_a_read_that_nobody_took_is_tried_once_more(door: Door) -> None:
    door.services.answers["payment.wallet"] = failing(1, ServiceUnavailable("payment is not running"))

    assert read(door).status_code == 200
    assert len(door.services.calls) == 2


def test_it_is_tried_once_and_not_again(door: Door) -> None:
    door.services.answers["payment.wallet"] = failing(2, ServiceUnavailable("payment is not running"))

    assert read(door).status_code == 503
    assert len(door.services.calls) == 2


@pytest.mark.parametrize(
    "error", [DeadlineExceeded(), CircuitOpen(), BulkheadFull("payment", bool), Forbidden()], ids=str
)
def test_no_other_failure_is_tried_again(door: Door, error: Error) -> None:
    door.services.answers["payment.wallet"] = failing(1, error)

    assert read(door).status_code == error.status
    assert len(door.services.calls) == 1


@pytest.mark.parametrize("path", ["/v1/overlay-link", "/v1/overlay-link/test"])
def test_what_changes_something_is_never_tried_again(door: Door, path: str) -> None:
    for method in ("participation.replace_overlay_link", "participation.show_test"):
        door.services.answers[method] = failing(1, ServiceUnavailable())

    assert door.client.post(path, headers=door.as_("streamer")).status_code == 503
    assert len(door.services.calls) == 1


def test_who_has_waited_long_already_is_not_made_to_wait_again(door: Door) -> None:
    def slowly(_: Any) -> Any:
        time.sleep(1.05)
        raise ServiceUnavailable()

    door.services.answers["payment.wallet"] = slowly

    assert read(door).status_code == 503
    assert len(door.services.calls) == 1


def test_the_second_try_gets_what_is_left_of_the_deadline(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    timeouts: list[float | None] = []
    call = door.services.call

    def watched(*args: Any, timeout: float | None = None, **kwargs: Any) -> Any:
        timeouts.append(timeout)
        return call(*args, timeout=timeout, **kwargs)

    monkeypatch.setattr(door.services, "call", watched)
    door.services.answers["payment.wallet"] = failing(1, ServiceUnavailable())

    read(door)

    assert timeouts[0] is None
    assert timeouts[1] is not None
    assert 4 < timeouts[1] < 5


def test_while_a_service_is_down_a_tenth_of_the_reads_is_tried_again(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: None)
    door.services.fail("payment.wallet", ServiceUnavailable("payment is not running"))

    statuses = {read(door).status_code for _ in range(200)}

    assert statuses == {503}
    assert 200 + 19 <= len(door.services.calls) <= 200 + 20 + MOST_SAVED


def test_one_services_trouble_uses_up_no_other_services_retries(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: None)
    door.services.fail("payment.wallet", ServiceUnavailable())
    for _ in range(50):
        read(door)
    door.services.answers["brand.get_profile"] = failing(1, ServiceUnavailable())

    assert door.client.get("/v1/brands/me", headers=door.as_("brand")).status_code == 200
