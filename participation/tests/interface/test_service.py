"""The real service on the real broker and store, with neighbours that say what they are told to."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chassis.errors import Error, ServiceUnavailable
from chassis.ids import new_id
from chassis.testing import eventually
from chassis.times import rfc3339
from participation.service import ParticipationService
from participation.tests.mothers import ACME, BANNER, NOVA, PICTURE, OverlayPage


def joining(campaign_id: str, **changes: Any) -> dict[str, Any]:
    answer = {
        "campaign_id": campaign_id,
        "brand_id": ACME,
        "name": "Winter launch",
        "status": "active",
        "funded": True,
        "approval": "auto",
        "eligible": True,
        "reasons": [],
        "category": "beverages",
        "terms": {
            "compensation": {
                "type": "cpm",
                "cpm_minor": 10_000,
                "flat_minor": None,
                "required_deliveries": None,
            },
            "currency": "USD",
        },
        "eligibility": {"platforms": [{"name": "twitch", "username": "nova", "average_viewers": 120}]},
    }
    return answer | changes


def plan(campaign_id: str) -> dict[str, Any]:
    creative = {
        "creative_id": BANNER,
        "asset_id": PICTURE,
        "placement": "banner",
        "duration_s": 8,
        "weight": 2,
    }
    return {
        "campaign_id": campaign_id,
        "status": "active",
        "creatives": [creative],
        "frequency": {"min_seconds_between": 0, "max_per_hour": 600, "max_per_stream": None},
        "pacing": "even",
        "start_at": "2026-01-01T00:00:00.000000Z",
        "end_at": "2096-01-01T00:00:00.000000Z",
    }


def described(asset_ids: list[str]) -> dict[str, Any]:
    variant = {
        "placement": "banner",
        "format": "webp",
        "width": 1920,
        "height": 270,
        "url": "/media/banner.webp",
    }
    return {
        "assets": [
            {
                "asset_id": asset_id,
                "owner_id": ACME,
                "status": "ready",
                "media": "image",
                "duration_s": None,
                "variants": [variant, variant | {"format": "png", "url": "/media/banner.png"}],
            }
            for asset_id in asset_ids
        ]
    }


def audience(viewers: int = 100) -> dict[str, Any]:
    return {
        "live": True,
        "viewers": viewers,
        "platform": "twitch",
        "country": "DE",
        "sampled_at": rfc3339(datetime.now(UTC)),
    }


class Platform:
    """The service, its neighbours, and callers of each kind."""

    def __init__(self, rpc: Any, tokens: Any, stub_service: Any) -> None:
        self._rpc, self._tokens = rpc, tokens
        self.campaign = stub_service(
            "campaign",
            check_joining=lambda request: joining(request["campaign_id"]),
            delivery_plans=lambda request: {"plans": [plan(one) for one in request["campaign_ids"]]},
        )
        self.asset = stub_service("asset", describe=lambda request: described(request["asset_ids"]))
        self.streamer = stub_service("streamer", audience=lambda request: audience())
        self.campaign_id = new_id("cmp")

    def as_streamer(self, streamer_id: str = NOVA) -> Any:
        return self._rpc("participation", token=self._tokens.issue("streamer", streamer_id))

    def as_brand(self, brand_id: str = ACME) -> Any:
        return self._rpc("participation", token=self._tokens.issue("brand", brand_id))

    def as_approver(self, brand_id: str = ACME) -> Any:
        """Somebody in the brand's team."""
        acts_for = {"acts_for": brand_id, "sub_kind": "member", "role": "approver"}
        return self._rpc("participation", token=self._tokens.issue("brand", new_id("mem"), **acts_for))

    def as_admin(self) -> Any:
        return self._rpc("participation", token=self._tokens.issue("admin", new_id("adm")))

    def as_overlay(self) -> Any:
        return self._rpc("participation")

    def as_campaign(self) -> Any:
        return self._rpc("participation", user="campaign")

    def join(self, streamer_id: str = NOVA) -> dict[str, Any]:
        return self.as_streamer(streamer_id).apply({"campaign_id": self.campaign_id})

    def open_page(self, streamer_id: str = NOVA) -> tuple[str, OverlayPage, dict[str, Any]]:
        token = self.as_streamer(streamer_id).overlay_link({})["token"]
        manifest = self.as_overlay().manifest({"token": token})
        return token, OverlayPage(manifest["session"]["id"], manifest["session"]["key"]), manifest

    def post(self, token: str, page: OverlayPage, *batch: Any) -> dict[str, Any]:
        request = {"token": token, "session_id": page.session_id, "deliveries": list(batch)}
        return self.as_overlay().post_deliveries(request)


@pytest.fixture
def platform(run_service: Callable[..., Any], rpc: Any, tokens: Any, stub_service: Any) -> Platform:
    platform = Platform(rpc, tokens, stub_service)
    run_service(ParticipationService, clock_tolerance_ms=60_000)
    return platform


def just_now(page: OverlayPage, participation_id: str, count: int = 1) -> list[dict[str, Any]]:
    """Showings of a second each, that end now; the clock's tolerance of these tests allows it."""
    start = datetime.now(UTC) - timedelta(seconds=2 * count)
    return page.show_many(participation_id, start, count, every=2, seconds=1.5)


def test_from_the_application_to_earnings_that_are_told(platform: Platform, capture_events: Any) -> None:
    captured = capture_events("participation")
    participation = platform.join()
    token, page, manifest = platform.open_page()

    posted = platform.post(token, page, *just_now(page, participation["id"], 3))

    assert posted == {"accepted": 3, "refused": []}
    (creative,) = manifest["creatives"]
    assert creative == {
        "delivery_slot": 0,
        "participation_id": participation["id"],
        "creative_id": BANNER,
        "urls": ["/media/banner.webp", "/media/banner.png"],
        "media": "image",
        "placement": "banner",
        "duration_s": 8,
        "weight": 2,
    }
    assert manifest["rotation"] == [
        {
            "participation_id": participation["id"],
            "min_seconds_between": 0,
            "max_per_hour": 600,
            "max_per_stream": None,
        }
    ]
    accepted = captured.wait_for("deliveries_accepted").data
    accrued = captured.wait_for("earnings_accrued").data
    assert (len(accepted["deliveries"]), accepted["deliveries"][0]["qualified"]) == (3, True)
    assert (accrued["earned_total_minor"], accrued["accrual"], accrued["currency"]) == (3_000, 1, "USD")
    types = ["participation_applied", "participation_approved", "participation_activated"]
    assert all(captured.wait_for(kind).data["campaign_name"] == "Winter launch" for kind in types)


def test_the_earnings_answer_holds_the_recomputed_figures_and_what_the_ledger_has_booked(
    platform: Platform, publish_event: Any
) -> None:
    participation = platform.join()
    token, page, _ = platform.open_page()
    platform.post(token, page, *just_now(page, participation["id"], 2))
    ref = {"participation_id": participation["id"]}

    booked = {
        "gross_total_minor": 1_900,
        "fee_total_minor": 380,
        "net_total_minor": 1_520,
        "refused_total_minor": 100,
    }
    publish_event("payment", "earning_posted", ref | booked)

    earnings = eventually(
        lambda: (found := platform.as_streamer().earnings(ref))["unfunded"]["amount_minor"] and found
    )
    figures = {"rendered": 2, "qualified": 2, "viewer_impressions": 200}
    assert earnings["gross"] == {"amount_minor": 2_000, "currency": "USD"}
    assert (earnings["platform_fee"]["amount_minor"], earnings["net"]["amount_minor"]) == (380, 1_520)
    assert earnings["recomputed"] == {"gross": earnings["gross"], "counts": figures}
    assert platform.as_brand().get(ref)["funded"] == {"amount_minor": 1_900, "currency": "USD"}
    assert platform.as_streamer().earnings_summary({})["gross"]["amount_minor"] == 2_000
    assert platform.as_admin().verify_earnings({"campaign_id": platform.campaign_id}) == {
        "campaign_id": platform.campaign_id,
        "participations": 1,
        "differences": [],
    }


def test_an_operator_sees_that_all_participations_follow_from_their_events(
    platform: Platform, rpc: Callable[..., Any]
) -> None:
    participation = platform.join()
    token, page, _ = platform.open_page()
    platform.post(token, page, *just_now(page, participation["id"], 2))

    assert rpc("participation", user="operator").verify_histories({}) == {
        "equal": True,
        "participations": 1,
        "differences": [],
    }
    with pytest.raises(Error) as refusal:
        rpc("participation", user="gateway").verify_histories({})
    assert refusal.value.code == "rpc.caller_not_allowed"


def test_forged_replayed_and_malformed_deliveries_are_refused_with_their_reasons(platform: Platform) -> None:
    participation = platform.join()
    token, page, _ = platform.open_page()
    good, forged = just_now(page, participation["id"], 2)
    platform.post(token, page, good)

    posted = platform.post(token, page, good, forged | {"visible_ms": 1_499}, {"id": "x"})

    assert posted == {
        "accepted": 0,
        "refused": [
            {"id": good["id"], "reason": "replayed"},
            {"id": forged["id"], "reason": "broken_chain"},
            {"id": "x", "reason": "malformed"},
        ],
    }


def test_the_same_batch_from_many_connections_is_counted_once(platform: Platform) -> None:
    participation = platform.join()
    token, page, _ = platform.open_page()
    batch = just_now(page, participation["id"], 5)

    with ThreadPoolExecutor(6) as machines:
        answers = list(machines.map(lambda _: platform.post(token, page, *batch), range(6)))

    assert sorted(answer["accepted"] for answer in answers) == [0, 0, 0, 0, 0, 5]
    listed = platform.as_streamer().deliveries({"participation_id": participation["id"]})
    assert [delivery["id"] for delivery in listed["items"]] == [delivery["id"] for delivery in batch[::-1]]


def test_of_many_applications_at_once_one_is_taken(platform: Platform) -> None:
    def apply(_: int) -> str:
        try:
            return str(platform.join()["status"])
        except Error as error:
            return error.code

    with ThreadPoolExecutor(6) as clicks:
        outcomes = list(clicks.map(apply, range(6)))

    assert sorted(outcomes) == ["approved"] + ["participation.already_applied"] * 5


def test_nothing_is_lost_while_the_streamer_service_is_down(platform: Platform) -> None:
    participation = platform.join()
    token, page, _ = platform.open_page()
    batch = just_now(page, participation["id"], 2)

    def down(_: Any) -> Any:
        raise ServiceUnavailable()

    platform.streamer.answer(audience=down)

    with pytest.raises(Error) as refused:
        platform.post(token, page, *batch)

    assert (refused.value.code, refused.value.status) == ("participation.audience_unknown", 503)
    platform.streamer.answer(audience=lambda _: audience())
    assert platform.post(token, page, *batch)["accepted"] == 2


def test_a_replaced_link_stops_at_once(platform: Platform, capture_events: Any) -> None:
    captured = capture_events("participation", "overlay_link_replaced")
    platform.join()
    token, _, _ = platform.open_page()
    channel = platform.as_overlay().overlay_channel({"token": token})["channel"]

    link = platform.as_streamer().replace_overlay_link({})

    with pytest.raises(Error) as refused:
        platform.as_overlay().overlay_channel({"token": token})
    assert (refused.value.code, refused.value.status) == ("overlay.revoked", 410)
    assert captured.wait_for("overlay_link_replaced").data["channel"] == channel
    assert link["url"].endswith(f"/overlay/{link['token']}")
    assert platform.as_streamer().overlay_link({}) == link


def test_a_test_picture_is_asked_for_on_the_overlays_channel(platform: Platform, capture_events: Any) -> None:
    captured = capture_events("participation", "overlay_test_requested")
    token = platform.as_streamer().overlay_link({})["token"]

    platform.as_streamer().show_test({})

    asked = captured.wait_for("overlay_test_requested").data
    assert asked["channel"] == platform.as_overlay().overlay_channel({"token": token})["channel"]


def test_the_campaigns_pause_and_return_reach_participation_and_overlay(
    platform: Platform, publish_event: Any, capture_events: Any
) -> None:
    captured = capture_events("participation", "manifest_changed")
    ref = {"participation_id": platform.join()["id"]}
    platform.open_page()

    for event, status in (("campaign_paused", "paused"), ("campaign_resumed", "active")):
        event_id = publish_event("campaign", event, {"campaign_id": platform.campaign_id})
        publish_event("campaign", event, {"campaign_id": platform.campaign_id}, id=event_id)
        eventually(lambda status=status: platform.as_streamer().get(ref)["status"] == status)

    captured.wait_for("manifest_changed", where=lambda data: data["reason"] == "participation_resumed")


def test_settling_is_the_campaigns_alone_and_answers_the_same_twice(platform: Platform) -> None:
    participation = platform.join()
    token, page, _ = platform.open_page()
    platform.post(token, page, *just_now(page, participation["id"], 2))
    request = {"campaign_id": platform.campaign_id}

    settled = [platform.as_campaign().settle(request) for _ in range(2)]

    assert settled == [request | {"earned": {"amount_minor": 2_000, "currency": "USD"}}] * 2
    assert platform.as_brand().get({"participation_id": participation["id"]})["status"] == "completed"
    with pytest.raises(Error) as refused:
        platform.as_overlay().settle(request)
    assert refused.value.code == "rpc.caller_not_allowed"


def test_an_approver_decides_for_the_brand_and_for_no_other(platform: Platform) -> None:
    platform.campaign.answer(check_joining=lambda r: joining(r["campaign_id"], approval="manual"))
    taken = platform.join()

    with pytest.raises(Error) as refused:
        platform.as_approver(new_id("brd")).approve({"participation_id": taken["id"]})
    approved = platform.as_approver().approve({"participation_id": taken["id"]})

    assert refused.value.status == 404
    assert approved["status"] == "approved"


def test_a_brand_decides_on_applications_and_lists_them(platform: Platform) -> None:
    platform.campaign.answer(check_joining=lambda r: joining(r["campaign_id"], approval="manual"))
    taken, declined = platform.join(NOVA), platform.join(new_id("str"))

    platform.as_brand().approve({"participation_id": taken["id"]})
    platform.as_brand().reject({"participation_id": declined["id"], "reason": "Not our audience."})

    listed = platform.as_brand().list_applications({"campaign_id": platform.campaign_id})["items"]
    assert {one["id"]: (one["status"], one["reason"]) for one in listed} == {
        taken["id"]: ("approved", None),
        declined["id"]: ("rejected", "Not our audience."),
    }
    assert (
        platform.as_brand(new_id("brd")).list_applications({"campaign_id": platform.campaign_id})["items"]
        == []
    )


UNPUBLISHED = [
    ("apply", {"campaign_id": {"$ne": None}}),
    ("apply", {"campaign_id": new_id("cmp"), "status": "approved"}),
    ("list_mine", {"limit": 101}),
    ("manifest", {"token": "short"}),
    ("post_deliveries", {"token": "t" * 43, "session_id": "s", "deliveries": [{}] * 201}),
]


def test_what_is_not_in_the_published_language_is_refused(platform: Platform) -> None:
    def status(method: str, request: dict[str, Any]) -> int | None:
        try:
            getattr(platform.as_streamer(), method)(request)
        except Error as error:
            return error.status
        return None

    statuses = [status(method, request) for method, request in UNPUBLISHED]

    assert statuses == [422] * len(UNPUBLISHED)
