"""Campaigns: their lifecycle, their review and the marketplace."""

from __future__ import annotations

from typing import Any

from flask import Response

from campaign import schemas
from chassis.schema import PageQuery
from gateway.backend import answer, changed, created, no_content, read, read_version
from gateway.conditional import expected_versions
from gateway.rest import Resource
from payment.schemas import CampaignLedger

blueprint = Resource("campaign", __name__, url_prefix="/v1", description="Campaigns and the marketplace")


@blueprint.route("/campaigns", methods=["POST"])
@blueprint.requires("campaigns:write")
@blueprint.answers(201, schemas.Campaign, example="campaign")
@blueprint.body(schemas.CreateCampaign, example="create_campaign")
def create_campaign(body: dict[str, Any]) -> Response:
    """Draft a campaign."""
    return created("campaign", "create", body, "/v1/campaigns")


@blueprint.route("/campaigns")
@blueprint.requires("campaigns:read")
@blueprint.answers(200, schemas.CampaignPage, example="campaigns")
@blueprint.query(schemas.ListCampaigns)
def list_campaigns(query: dict[str, Any]) -> Response:
    """List the caller's campaigns, newest first."""
    return read("campaign", "list", query)


@blueprint.route("/campaigns/<id:campaign_id>")
@blueprint.requires("campaigns:read", "marketplace:read", "admin:campaigns")
@blueprint.answers(200, schemas.Campaign, example="campaign")
def get_campaign(campaign_id: str) -> Response:
    """One campaign: the brand's own, or one that is open to streamers."""
    return read_version("campaign", "get", {"campaign_id": campaign_id})


@blueprint.route("/campaigns/<id:campaign_id>", methods=["PATCH"])
@blueprint.requires("campaigns:write")
@blueprint.answers(200, schemas.Campaign, example="campaign")
@blueprint.body(
    schemas.UpdateCampaign, without=["campaign_id", "expected_versions"], example="update_campaign"
)
@blueprint.takes_if_match
def update_campaign(body: dict[str, Any], campaign_id: str) -> Response:
    """Change the named fields, as far as the campaign's state allows."""
    return changed("campaign", "update", {**body, **expected_versions(), "campaign_id": campaign_id})


@blueprint.route("/campaigns/<id:campaign_id>", methods=["DELETE"])
@blueprint.requires("campaigns:write")
@blueprint.answers(204)
def delete_campaign(campaign_id: str) -> Response:
    """Delete a draft."""
    return no_content("campaign", "delete", {"campaign_id": campaign_id})


@blueprint.route("/campaigns/<id:campaign_id>/submit", methods=["POST"])
@blueprint.requires("campaigns:write")
@blueprint.answers(200, schemas.Campaign, example="campaign")
def submit_campaign(campaign_id: str) -> Response:
    """Hand a draft in for review."""
    return answer("campaign", "submit", {"campaign_id": campaign_id})


@blueprint.route("/campaigns/<id:campaign_id>/activate", methods=["POST"])
@blueprint.requires("campaigns:write")
@blueprint.answers(200, schemas.Campaign, example="campaign")
def activate_campaign(campaign_id: str) -> Response:
    """Reserve the budget and start; without the money the campaign stays approved and says why."""
    return answer("campaign", "activate", {"campaign_id": campaign_id})


@blueprint.route("/campaigns/<id:campaign_id>/pause", methods=["POST"])
@blueprint.requires("campaigns:write")
@blueprint.answers(200, schemas.Campaign, example="campaign")
def pause_campaign(campaign_id: str) -> Response:
    """Stop showing the creatives for a while."""
    return answer("campaign", "pause", {"campaign_id": campaign_id})


@blueprint.route("/campaigns/<id:campaign_id>/resume", methods=["POST"])
@blueprint.requires("campaigns:write")
@blueprint.answers(200, schemas.Campaign, example="campaign")
def resume_campaign(campaign_id: str) -> Response:
    """Go on after a pause."""
    return answer("campaign", "resume", {"campaign_id": campaign_id})


@blueprint.route("/campaigns/<id:campaign_id>/complete", methods=["POST"])
@blueprint.requires("campaigns:write")
@blueprint.answers(200, schemas.Campaign, example="campaign")
def complete_campaign(campaign_id: str) -> Response:
    """End the campaign; what was not earned returns to the wallet."""
    return answer("campaign", "complete", {"campaign_id": campaign_id})


@blueprint.route("/campaigns/<id:campaign_id>/cancel", methods=["POST"])
@blueprint.requires("campaigns:write")
@blueprint.answers(200, schemas.Campaign, example="campaign")
def cancel_campaign(campaign_id: str) -> Response:
    """Call the campaign off; what was not earned returns to the wallet."""
    return answer("campaign", "cancel", {"campaign_id": campaign_id})


@blueprint.route("/campaigns/<id:campaign_id>/clone", methods=["POST"])
@blueprint.requires("campaigns:write")
@blueprint.answers(201, schemas.Campaign, example="campaign")
def clone_campaign(campaign_id: str) -> Response:
    """Draft a new campaign that is like this one."""
    return created("campaign", "clone", {"campaign_id": campaign_id}, "/v1/campaigns")


@blueprint.route("/campaigns/<id:campaign_id>/history")
@blueprint.requires("campaigns:read", "admin:campaigns")
@blueprint.answers(200, schemas.HistoryPage, example="history")
@blueprint.query(schemas.CampaignHistory, without=["campaign_id"])
def get_history(query: dict[str, Any], campaign_id: str) -> Response:
    """The audit trail: what happened to the campaign, when, and who did it."""
    return read("campaign", "history", {**query, "campaign_id": campaign_id})


@blueprint.route("/campaigns/<id:campaign_id>/ledger")
@blueprint.requires("wallet:read", kinds=["brand"])
@blueprint.answers(200, CampaignLedger, example="campaign_ledger")
def get_ledger(campaign_id: str) -> Response:
    """Where the campaign's budget went."""
    return read("payment", "campaign_ledger", {"campaign_id": campaign_id})


@blueprint.route("/marketplace/campaigns")
@blueprint.requires("marketplace:read")
@blueprint.answers(200, schemas.MarketplacePage, example="marketplace")
@blueprint.query(PageQuery)
def list_marketplace(query: dict[str, Any]) -> Response:
    """Open campaigns, each with whether the caller fits and what is missing."""
    return read("campaign", "marketplace", query)


@blueprint.route("/admin/campaigns")
@blueprint.requires("admin:campaigns")
@blueprint.answers(200, schemas.CampaignPage, example="campaigns")
@blueprint.query(PageQuery)
def list_review_queue(query: dict[str, Any]) -> Response:
    """Campaigns that wait for review."""
    return read("campaign", "review_queue", query)


@blueprint.route("/admin/campaigns/<id:campaign_id>/approve", methods=["POST"])
@blueprint.requires("admin:campaigns")
@blueprint.answers(200, schemas.Campaign, example="campaign")
def approve_campaign(campaign_id: str) -> Response:
    """Let a campaign pass the review."""
    return answer("campaign", "approve", {"campaign_id": campaign_id})


@blueprint.route("/admin/campaigns/<id:campaign_id>/reject", methods=["POST"])
@blueprint.requires("admin:campaigns")
@blueprint.answers(200, schemas.Campaign, example="campaign")
@blueprint.body(schemas.RejectCampaign, without=["campaign_id"], example="reason")
def reject_campaign(body: dict[str, Any], campaign_id: str) -> Response:
    """Send a campaign back to its brand, with the reason."""
    return answer("campaign", "reject", {**body, "campaign_id": campaign_id})
