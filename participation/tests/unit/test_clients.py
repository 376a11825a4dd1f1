"""What neighbours answer, in this service's terms."""

from typing import Any

import pytest

from chassis.errors import DeadlineExceeded
from chassis.ids import new_id
from participation.clients import Assets, Audience, Campaigns
from participation.recently import Recently
from participation.tests.mothers import NOON_MS, NOVA, PICTURE, WINTER_LAUNCH


class Neighbour:
    """A proxy that answers each method with what it was given, and counts the calls."""

    def __init__(self, **answers: Any) -> None:
        self._answers = answers
        self.calls: list[Any] = []

    def __getattr__(self, method: str) -> Any:
        def call(request: dict[str, Any], timeout: float) -> Any:
            self.calls.append(request)
            answer = self._answers[method]
            if isinstance(answer, Exception):
                raise answer
            return answer

        return call


AUDIENCE = {
    "live": True,
    "viewers": 40,
    "platform": "twitch",
    "country": None,
    "sampled_at": "2026-11-23T12:00:00Z",
}


def test_the_audience_is_asked_for_once_in_a_few_seconds() -> None:
    streamer = Neighbour(audience=AUDIENCE)
    audience = Audience(streamer)  # type: ignore[arg-type]

    samples = [audience.sample(NOVA) for _ in range(5)]

    assert len(streamer.calls) == 1
    assert {(sample.viewers, sample.sampled_ms) for sample in samples if sample} == {(40, NOON_MS)}


def test_an_audience_that_cannot_be_asked_for_is_unknown_and_not_zero() -> None:
    audience = Audience(Neighbour(audience=DeadlineExceeded()))  # type: ignore[arg-type]

    assert audience.sample(NOVA) is None


def test_what_is_remembered_is_forgotten_in_time_and_when_there_is_too_much() -> None:
    now = [0.0]
    recently: Recently[str] = Recently(2, lambda: now[0])
    for name in "abc":
        recently.put(name, name, seconds=10)

    assert [recently.get(name) for name in "abc"] == [None, "b", "c"]
    now[0] = 10.0
    assert recently.get("c") is None


def test_an_asset_is_asked_for_again_until_it_is_ready() -> None:
    processing = {"asset_id": PICTURE, "status": "processing", "media": None, "variants": []}
    asset = Neighbour(describe={"assets": [processing]})
    assets = Assets(asset)  # type: ignore[arg-type]

    views = [assets.describe([PICTURE])[PICTURE] for _ in range(2)]

    assert len(asset.calls) == 2
    assert not any(view.is_ready for view in views)


@pytest.mark.parametrize(("reasons", "told"), [(["too small"], ["too small"]), ([], 1)])
def test_whoever_is_not_eligible_has_a_reason(reasons: list[str], told: Any) -> None:
    answer = {
        "campaign_id": WINTER_LAUNCH,
        "brand_id": "brd",
        "name": "Winter launch",
        "status": "active",
        "funded": True,
        "approval": "manual",
        "eligible": False,
        "reasons": reasons,
        "category": None,
        "terms": {"compensation": {"type": "cpm"}, "currency": "USD"},
        "eligibility": {"platforms": []},
        "max_participants": 7,
    }

    joining = Campaigns(Neighbour(check_joining=answer)).check_joining(WINTER_LAUNCH, NOVA)  # type: ignore[arg-type]

    assert joining.reasons == told or len(joining.reasons) == told
    assert joining.max_participants == 7


def test_the_plans_of_many_campaigns_are_asked_for_in_few_calls() -> None:
    campaign = Neighbour(delivery_plans={"plans": []})

    plans = Campaigns(campaign).delivery_plans([new_id("cmp") for _ in range(150)])  # type: ignore[arg-type]

    assert [len(call["campaign_ids"]) for call in campaign.calls] == [100, 50]
    assert plans == {}
