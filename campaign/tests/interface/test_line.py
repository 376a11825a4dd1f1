"""A campaign's whole way through a real container, a real broker and a real store."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import eventlet
import pytest
from nameko.testing.services import entrypoint_hook

from campaign.tests.mothers import ACME_ID, ADA_ID, NOVA_ID, a_request
from chassis.errors import Conflict, Error, ServiceUnavailable
from chassis.ids import new_id
from chassis.testing import eventually
from chassis.times import rfc3339


class Refused(Conflict):
    code = "payment.insufficient_funds"


def refuse(error: Error):
    def answer(request):
        raise error

    return answer


def earning(campaign_id: str, total: int, participation_id: str = "prt_1", refused: int = 0) -> dict:
    return {
        "campaign_id": campaign_id,
        "participation_id": participation_id,
        "gross_total_minor": total,
        "refused_total_minor": refused,
    }


def test_the_whole_way_of_a_campaign(line, capture_events, publish_event):
    events = capture_events("campaign")

    campaign_id = line.active()
    publish_event("payment", "earning_posted", earning(campaign_id, 10_000))
    line.wait_until(campaign_id, spent={"amount_minor": 10_000, "currency": "USD"})
    completed = line.acme.complete({"campaign_id": campaign_id})

    assert completed["status"] == "completed"
    returned = events.wait_for("campaign_budget_returned")
    assert returned.data["returned"] == {"amount_minor": 40_000, "currency": "USD"}
    assert [event.type for event in events.all()] == [
        "campaign_created",
        "campaign_submitted",
        "campaign_approved",
        "campaign_activated",
        "campaign_completed",
        "campaign_budget_returned",
    ]
    assert {(e.data["campaign_id"], e.data["brand_id"], e.data["name"]) for e in events.all()} == {
        (campaign_id, ACME_ID, "Winter cups")
    }


def test_the_money_is_asked_for_once_and_under_a_key(line):
    campaign_id = line.active()

    line.acme.complete({"campaign_id": campaign_id})
    eventually(lambda: line.campaign(campaign_id)["returned"])

    (reserve,), (release,) = line.payment.calls["reserve"], line.payment.calls["release_budget"]
    assert reserve["amount"] == {"amount_minor": 50_000, "currency": "USD"}
    assert reserve["idempotency_key"].endswith(":reserve_budget")
    assert release["earned"] == {"amount_minor": 10_000, "currency": "USD"}
    assert release["idempotency_key"].endswith(":return_unspent")
    assert line.participations.calls["settle"] == [{"campaign_id": campaign_id, "currency": "USD"}]


def test_a_draft_has_the_usual_values_for_what_was_left_out(line):
    campaign = line.acme.create(a_request())

    assert campaign["status"] == "draft"
    assert campaign["approval"] == "manual"
    assert campaign["pacing"] == "even"
    assert campaign["frequency"] == {"min_seconds_between": 60, "max_per_hour": 12, "max_per_stream": 100}
    assert campaign["creatives"][0]["creative_id"].startswith("crv_")
    assert campaign["places_left"] == campaign["max_participants"] == 1_000
    assert campaign == line.campaign(campaign["id"])


def test_without_the_money_activation_is_refused_and_says_why(line):
    line.payment.answer(reserve=refuse(Refused("1.00 USD are available")))
    campaign_id = line.approved()

    with pytest.raises(Error) as refused:
        line.acme.activate({"campaign_id": campaign_id})

    assert (refused.value.code, refused.value.status) == ("campaign.insufficient_funds", 409)
    campaign = line.campaign(campaign_id)
    assert campaign["status"] == "approved"
    assert campaign["activation_error"] == "The wallet does not cover the budget: 1.00 USD are available"


def test_an_activation_goes_on_after_an_outage_of_payment(line):
    outages = [ServiceUnavailable("down"), ServiceUnavailable("down")]

    def reserve(request):
        if outages:
            raise outages.pop()
        return {"reservation": "txn_1", "escrow": request["amount"]}

    line.payment.answer(reserve=reserve)
    campaign_id = line.approved()

    campaign = line.acme.activate({"campaign_id": campaign_id})

    assert campaign["status"] == "active"
    assert len(line.payment.calls["reserve"]) == 3
    assert len({call["idempotency_key"] for call in line.payment.calls["reserve"]}) == 1


def test_activations_at_once_are_one(line):
    campaign_id = line.approved()

    def activate():
        try:
            return line.acme.activate({"campaign_id": campaign_id})["status"]
        except Error as error:
            return error.code

    outcomes = [eventlet.spawn(activate) for _ in range(8)]

    assert {outcome.wait() for outcome in outcomes} <= {"active", "campaign.wrong_state"}
    assert line.campaign(campaign_id)["status"] == "active"
    assert len(line.payment.calls["reserve"]) == 1


def test_an_active_campaign_is_not_activated_again(line):
    campaign_id = line.active()

    with pytest.raises(Error) as refused:
        line.acme.activate({"campaign_id": campaign_id})

    assert refused.value.code == "campaign.wrong_state"
    assert len(line.payment.calls["reserve"]) == 1


def test_the_return_of_the_budget_waits_until_all_earnings_are_posted(line):
    line.payment.answer(release_budget=refuse(ServiceUnavailable("payment.earnings_outstanding")))
    campaign_id = line.active()
    line.acme.complete({"campaign_id": campaign_id})
    eventually(lambda: line.payment.calls["release_budget"])

    line.payment.answer(release_budget=lambda request: {"returned": {"amount_minor": 5, "currency": "USD"}})

    line.wait_until(campaign_id, returned={"amount_minor": 5, "currency": "USD"})


def test_more_budget_for_a_running_campaign_reserves_the_difference(line):
    campaign_id = line.active()

    campaign = line.acme.update(
        {"campaign_id": campaign_id, "budget": {"amount_minor": 60_000, "currency": "USD"}}
    )

    assert campaign["budget"]["amount_minor"] == 60_000
    assert campaign["pending_budget"] is None
    assert [call["amount"]["amount_minor"] for call in line.payment.calls["reserve"]] == [50_000, 10_000]


def test_an_asset_that_is_not_ready_is_named(line):
    line.assets.answer(describe=lambda request: {"assets": []})
    campaign_id = line.draft()

    with pytest.raises(Error) as refused:
        line.acme.submit({"campaign_id": campaign_id})

    assert (refused.value.code, refused.value.status) == ("campaign.asset_not_ready", 422)
    assert list(refused.value.extra["errors"]["creatives"]) == ["0"]


def test_a_spent_budget_completes_the_campaign(line, capture_events, publish_event):
    events = capture_events("campaign", "campaign_completed", "campaign_budget_low")
    campaign_id = line.active()

    publish_event("payment", "earning_posted", earning(campaign_id, 46_000))
    events.wait_for("campaign_budget_low")
    publish_event("payment", "earning_posted", earning(campaign_id, 4_000, "prt_2"))

    assert events.wait_for("campaign_completed").data["reason"] == "budget_spent"
    eventually(lambda: line.campaign(campaign_id)["returned"])


def test_doubled_and_late_earnings_change_no_total(line, publish_event):
    campaign_id = line.active()

    for total in (300, 100, 200, 300):
        publish_event("payment", "earning_posted", earning(campaign_id, total))
    publish_event("payment", "earning_posted", earning(campaign_id, 7, "prt_2"), id="evt_twice")
    publish_event("payment", "earning_posted", earning(campaign_id, 7, "prt_2"), id="evt_twice")
    publish_event("payment", "earning_posted", earning(campaign_id, 1, "prt_3"))

    line.wait_until(campaign_id, spent={"amount_minor": 308, "currency": "USD"})


def test_participations_take_and_give_back_places(line, publish_event):
    campaign_id = line.active()

    for participation_id in ("prt_1", "prt_2"):
        data = {"campaign_id": campaign_id, "participation_id": participation_id}
        publish_event("participation", "participation_approved", data)
    publish_event(
        "participation", "participation_left", {"campaign_id": campaign_id, "participation_id": "prt_1"}
    )

    line.wait_until(campaign_id, participants=1, places_left=999)


def test_a_brand_is_not_disturbed_by_the_earnings_that_flow_in(line, publish_event):
    campaign_id = line.active()

    for number in range(15):
        publish_event("payment", "earning_posted", earning(campaign_id, 10, f"prt_{number}"))
        command = line.acme.pause if number % 2 == 0 else line.acme.resume
        command({"campaign_id": campaign_id})

    line.wait_until(campaign_id, spent={"amount_minor": 150, "currency": "USD"}, status="paused")


def test_the_sweep_ends_what_has_passed_its_end(line, capture_events):
    events = capture_events("campaign", "campaign_completed")
    soon = datetime.now(UTC) + timedelta(seconds=1.5)
    campaign_id = line.active(end_at=rfc3339(soon))
    eventually(lambda: datetime.now(UTC) > soon)

    with entrypoint_hook(line.container, "sweep") as sweep:
        sweep()

    assert events.wait_for("campaign_completed").data["reason"] == "ended"
    assert line.campaign(campaign_id)["status"] == "completed"


def test_the_history_names_who_did_what(line):
    campaign_id = line.active()

    first = line.acme.history({"campaign_id": campaign_id, "limit": 3})
    second = line.acme.history({"campaign_id": campaign_id, "limit": 3, "cursor": first["next_cursor"]})

    assert [(entry["type"], entry["actor"]) for entry in first["items"] + second["items"]] == [
        ("campaign_created", ACME_ID),
        ("campaign_submitted", ACME_ID),
        ("campaign_approved", ADA_ID),
        ("campaign_activated", None),
    ]
    assert second["next_cursor"] is None


def test_the_marketplace_says_what_is_missing(line):
    fitting = line.active()
    demanding = line.active(requirements={"min_average_viewers": 50})
    line.approved()

    offers = line.nova.marketplace({})["items"]

    assert {o["campaign"]["id"]: (o["eligible"], o["reasons"]) for o in offers} == {
        fitting: (True, []),
        demanding: (False, ["average_viewers 34, needs 50"]),
    }


def test_streamers_do_not_see_the_money_nor_who_is_blocked(line):
    campaign_id = line.active()

    seen = line.nova.get({"campaign_id": campaign_id})
    offered = line.nova.marketplace({})["items"][0]["campaign"]

    hidden = {"budget", "spent", "blocked_streamers", "rejection_reason", "activation_error", "returned"}
    assert hidden.isdisjoint(seen)
    assert seen == offered
    assert hidden <= set(line.campaign(campaign_id))


def test_joining_is_checked_for_participation(line):
    campaign_id = line.active(approval="auto")

    answer = line.participation.check_joining({"campaign_id": campaign_id, "streamer_id": NOVA_ID})

    campaign = line.campaign(campaign_id)
    assert answer["eligible"] is True
    assert answer["funded"] is True
    assert answer["reasons"] == []
    assert answer["terms"] == {"compensation": campaign["compensation"], "currency": "USD"}
    assert answer["eligibility"]["platforms"][0]["average_viewers"] == 34
    assert answer["max_participants"] == campaign["max_participants"]
    for field in ("brand_id", "name", "status", "approval", "category", "frequency", "pacing", "creatives"):
        assert answer[field] == campaign[field]


def test_the_delivery_plan_says_what_to_show_and_how_often(line):
    campaign_id = line.active()

    answer = line.participation.delivery_plans({"campaign_ids": [campaign_id, new_id("cmp")]})

    campaign = line.campaign(campaign_id)
    fields = ("status", "creatives", "frequency", "pacing", "start_at", "end_at")
    assert answer["plans"] == [{"campaign_id": campaign_id, **{field: campaign[field] for field in fields}}]


def test_a_rejected_draft_comes_back_with_the_reason(line):
    campaign_id = line.draft()
    line.acme.submit({"campaign_id": campaign_id})
    assert [item["id"] for item in line.ada.review_queue({})["items"]] == [campaign_id]

    line.ada.reject({"campaign_id": campaign_id, "reason": "The claim is not proven."})

    campaign = line.campaign(campaign_id)
    assert (campaign["status"], campaign["rejection_reason"]) == ("draft", "The claim is not proven.")
    assert line.ada.review_queue({})["items"] == []


def test_a_clone_is_a_new_draft(line):
    campaign_id = line.active()

    copy = line.acme.clone({"campaign_id": campaign_id})

    assert (copy["status"], copy["name"]) == ("draft", "Winter cups (copy)")
    assert [c["id"] for c in line.acme.list({})["items"]] == [copy["id"], campaign_id]
    assert [c["id"] for c in line.acme.list({"status": "draft"})["items"]] == [copy["id"]]


def test_a_deleted_draft_is_missing(line):
    campaign_id = line.draft()

    assert line.acme.delete({"campaign_id": campaign_id}) == {}

    with pytest.raises(Error) as refused:
        line.acme.get({"campaign_id": campaign_id})
    assert refused.value.code == "campaign.not_found"
