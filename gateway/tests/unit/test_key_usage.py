from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from chassis.errors import NotFound
from gateway.tests.conftest import ACCOUNTS, NOW, Door, MemoryUsage
from gateway.tests.unit.test_api_keys import KEY_ID, WITH_THE_KEY, keyed
from gateway.usage import counter
from gateway.usage.counter import UsageCounter
from gateway.usage.store import DAYS_KEPT, UsageUnavailable

__all__ = ["keyed"]

TODAY = NOW.date()
USAGE = f"/v1/api-keys/{KEY_ID}/usage"


def day(*figures: int, at: date = TODAY) -> dict[str, Any]:
    return dict(zip(("requests", "errors", "limited"), figures, strict=True), date=at.isoformat())


def usage_of(door: Door, query: str = "", session_id: str | None = None) -> Any:
    door.services.answers["identity.get_api_key"] = {"id": KEY_ID}
    door.state.used.run_once()
    return door.client.get(f"{USAGE}{query}", headers=door.as_("brand", session_id))


def test_requests_of_a_key_are_counted_by_how_they_ended(keyed: Door) -> None:
    answered = [
        keyed.client.get(path, headers=WITH_THE_KEY).status_code
        for path in ("/v1/campaigns", "/v1/campaigns", "/v1/wallet", "/v1/campaigns?limit=many")
    ]

    assert answered == [200, 200, 403, 422]
    assert usage_of(keyed).json["items"][-1] == day(4, 2, 0)


def test_a_request_over_the_keys_limit_is_counted_as_limited(make_door: Any) -> None:
    door = make_door(rate_limits=("read-key=1/60",))
    token = door.issued.issue("brand", ACCOUNTS["brand"], ["campaigns:read"], KEY_ID)
    door.services.answers["identity.exchange_api_key"] = {"access_token": token, "expires_in": 900}

    answered = [door.client.get("/v1/campaigns", headers=WITH_THE_KEY).status_code for _ in range(3)]

    assert answered == [200, 429, 429]
    assert usage_of(door).json["items"][-1] == day(3, 0, 2)


def test_what_a_person_does_and_a_key_that_is_none_are_no_use_of_a_key(door: Door) -> None:
    door.services.fail("identity.exchange_api_key", NotFound())

    door.client.get("/v1/campaigns", headers=door.as_("brand"))
    door.client.get("/v1/campaigns", headers=WITH_THE_KEY)
    door.state.used.run_once()

    assert door.usage.kept == {}


def test_days_without_use_are_zeros_and_thirty_are_shown(keyed: Door) -> None:
    keyed.client.get("/v1/campaigns", headers=WITH_THE_KEY)

    items = usage_of(keyed).json["items"]

    before = [day(0, 0, 0, at=TODAY - timedelta(days=number)) for number in range(29, 0, -1)]
    assert items == [*before, day(1, 0, 0)]


@pytest.mark.parametrize(
    ("since", "until", "days"),
    [
        (0, 0, 1),
        (89, 0, 90),
        (89, 89, 1),
        (89, 60, 30),
        (None, 70, 20),
        (None, 80, 10),
        (3, None, 4),
        (-2, None, 1),
    ],
)
def test_the_days_that_are_asked_for_are_told(
    keyed: Door, since: int | None, until: int | None, days: int
) -> None:
    query = "&".join(
        f"{name}={TODAY - timedelta(days=ago)}"
        for name, ago in (("from", since), ("to", until))
        if ago is not None
    )

    answer = usage_of(keyed, f"?{query}")

    assert (answer.status_code, len(answer.json["items"])) == (200, days)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        (f"from={TODAY - timedelta(days=DAYS_KEPT)}", "from"),
        (f"to={TODAY - timedelta(days=DAYS_KEPT)}", "to"),
        (f"from={TODAY}&to={TODAY - timedelta(days=1)}", "to"),
        (f"from={TODAY}&to={TODAY + timedelta(days=DAYS_KEPT)}", "to"),
        ("from=0001-01-01", "from"),
        ("to=0001-01-01", "to"),
        ("from=yesterday", "from"),
    ],
)
def test_days_that_are_not_kept_are_refused(keyed: Door, query: str, field: str) -> None:
    answer = usage_of(keyed, f"?{query}")

    assert (answer.status_code, answer.content_type) == (422, "application/problem+json")
    assert list(answer.json["errors"]) == [field]


def test_another_brands_key_answers_as_a_missing_one(keyed: Door) -> None:
    keyed.services.fail("identity.get_api_key", NotFound("API key not found"))

    answer = keyed.client.get(USAGE, headers=keyed.as_("brand"))

    assert answer.status_code == 404
    assert keyed.services.last == ("identity.get_api_key", {"key_id": KEY_ID})


def test_a_key_cannot_read_what_keys_are_used_for(keyed: Door) -> None:
    assert keyed.client.get(USAGE, headers=WITH_THE_KEY).status_code == 403


def test_without_redis_requests_are_served_and_their_count_is_caught_up_on(keyed: Door) -> None:
    keyed.usage.fails = True
    assert keyed.client.get("/v1/campaigns", headers=WITH_THE_KEY).status_code == 200
    refused = usage_of(keyed)
    assert (refused.status_code, refused.json["code"]) == (503, "usage_unavailable")
    keyed.client.get("/v1/campaigns", headers=WITH_THE_KEY)

    keyed.usage.fails = False

    assert usage_of(keyed).json["items"][-1] == day(2, 0, 0)


class LosesTheAnswer(MemoryUsage):
    def __init__(self) -> None:
        super().__init__()
        self.loses = 1

    def add(self, batch_id: str, counts: Any) -> None:
        super().add(batch_id, counts)
        if self.loses:
            self.loses -= 1
            raise UsageUnavailable("the answer did not arrive")


def test_a_report_whose_answer_was_lost_is_counted_once() -> None:
    usage = LosesTheAnswer()
    used = UsageCounter(usage)
    used.count(KEY_ID, TODAY, 200)
    used.run_once()
    used.count(KEY_ID, TODAY, 200)

    used.run_once()

    assert usage.of(KEY_ID, [TODAY])[0].requests == 2


def test_a_report_is_cut_into_scripts_of_a_bounded_length(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counter, "MOST_AT_ONCE", 2)
    usage = MemoryUsage()
    used = UsageCounter(usage)
    for number in range(5):
        used.count(f"key_{number}", TODAY, 200)

    used.run_once()

    assert len(usage.batches) == 3
    assert sum(usage.kept.values()) == 5


def test_a_redis_that_stays_away_does_not_take_all_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counter, "MOST_COUNTED", 2)
    usage = MemoryUsage()
    used = UsageCounter(usage)

    for key_id in ("key_1", "key_2", "key_3", "key_1"):
        used.count(key_id, TODAY, 200)

    used.run_once()
    kept = {key_id: usage.of(key_id, [TODAY])[0].requests for key_id in ("key_1", "key_2", "key_3")}
    assert kept == {"key_1": 2, "key_2": 1, "key_3": 0}


def test_nothing_is_reported_when_nothing_was_counted() -> None:
    usage = MemoryUsage()

    UsageCounter(usage).run_once()

    assert usage.batches == set()
