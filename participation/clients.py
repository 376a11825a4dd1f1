"""Other services, in participation's terms."""

from __future__ import annotations

import logging
from collections.abc import Collection
from datetime import datetime
from typing import Any

from chassis.errors import Error
from chassis.rpc.client import ServiceProxy
from chassis.times import parse_rfc3339
from participation.domain.audience import Sample
from participation.domain.frequency import Frequency
from participation.domain.joining import Joining
from participation.domain.manifest import AssetView, Plan, PlannedCreative, Variant
from participation.domain.participation import epoch_ms
from participation.recently import Recently

log = logging.getLogger(__name__)

JOINING_SECONDS = 3.0
PLAN_SECONDS = 3.0
ASSET_SECONDS = 3.0
AUDIENCE_SECONDS = 2.0
"""A batch of deliveries waits for the audience, and the overlay's patience is short."""

ASSETS_AT_ONCE = PLANS_AT_ONCE = 100

ASSETS_KEEP_SECONDS = 60.0
"""The signed addresses are good for 24 h and a processed asset never changes."""

AUDIENCE_KEEPS_SECONDS = 5.0
"""The streamer service samples every 30 s; asking it for each batch would tell nothing new."""

REMEMBERED = 20_000
"""Answers of a few hundred bytes, for each streamer who is on air."""


class Campaigns:
    def __init__(self, proxy: ServiceProxy) -> None:
        self._proxy = proxy

    def check_joining(self, campaign_id: str, streamer_id: str) -> Joining:
        answer = self._proxy.check_joining(
            {"campaign_id": campaign_id, "streamer_id": streamer_id}, timeout=JOINING_SECONDS
        )
        return Joining(
            campaign_id=answer["campaign_id"],
            campaign_name=answer["name"],
            brand_id=answer["brand_id"],
            status=answer["status"],
            is_funded=answer["funded"],
            approval=answer["approval"],
            reasons=_reasons(answer),
            category=answer.get("category"),
            currency=answer["terms"]["currency"],
            max_participants=answer.get("max_participants"),
            compensation=answer["terms"]["compensation"],
            platforms=answer["eligibility"]["platforms"],
        )

    def delivery_plans(self, campaign_ids: Collection[str]) -> dict[str, Plan]:
        wanted = sorted(campaign_ids)
        plans: dict[str, Plan] = {}
        for start in range(0, len(wanted), PLANS_AT_ONCE):
            request = {"campaign_ids": wanted[start : start + PLANS_AT_ONCE]}
            answer = self._proxy.delivery_plans(request, timeout=PLAN_SECONDS)
            plans |= {plan["campaign_id"]: _plan(plan) for plan in answer["plans"]}
        return plans


def _plan(answer: dict[str, Any]) -> Plan:
    return Plan(
        campaign_id=answer["campaign_id"],
        status=answer["status"],
        creatives=[_creative(creative) for creative in answer["creatives"]],
        frequency=Frequency.from_dict(answer.get("frequency")),
        start_at=_time(answer.get("start_at")),
        end_at=_time(answer.get("end_at")),
    )


def _reasons(answer: dict[str, Any]) -> list[str]:
    if answer["eligible"]:
        return []
    return list(answer["reasons"]) or ["The campaign's requirements are not met."]


def _time(text: str | None) -> datetime | None:
    return parse_rfc3339(text) if text else None


def _creative(answer: dict[str, Any]) -> PlannedCreative:
    return PlannedCreative(
        creative_id=answer["creative_id"],
        asset_id=answer["asset_id"],
        placement=answer["placement"],
        duration_s=answer["duration_s"],
        weight=answer.get("weight") or 1,
    )


class Assets:
    """Asks the asset service, and remembers its answers for a minute."""

    def __init__(self, proxy: ServiceProxy) -> None:
        self._proxy = proxy
        self._recently: Recently[AssetView] = Recently(REMEMBERED)

    def describe(self, asset_ids: Collection[str]) -> dict[str, AssetView]:
        known = {asset_id: self._recently.get(asset_id) for asset_id in asset_ids}
        missing = sorted(asset_id for asset_id, view in known.items() if view is None)
        views = {asset_id: view for asset_id, view in known.items() if view is not None}
        for start in range(0, len(missing), ASSETS_AT_ONCE):
            for view in self._ask(missing[start : start + ASSETS_AT_ONCE]):
                views[view.asset_id] = view
        return views

    def _ask(self, asset_ids: list[str]) -> list[AssetView]:
        answer = self._proxy.describe({"asset_ids": asset_ids}, timeout=ASSET_SECONDS)
        views = [_asset(asset) for asset in answer["assets"]]
        for view in views:
            if view.is_ready:
                self._recently.put(view.asset_id, view, ASSETS_KEEP_SECONDS)
        return views


def _asset(answer: dict[str, Any]) -> AssetView:
    return AssetView(
        asset_id=answer["asset_id"],
        is_ready=answer["status"] == "ready",
        media=answer["media"],
        variants=[Variant(v["placement"], v["format"], v["url"]) for v in answer["variants"]],
    )


class Audience:
    """Asks the streamer service, and remembers its answer for a few seconds."""

    def __init__(self, proxy: ServiceProxy) -> None:
        self._proxy = proxy
        self._recently: Recently[Sample] = Recently(REMEMBERED)

    def sample(self, streamer_id: str) -> Sample | None:
        sample = self._recently.get(streamer_id)
        if sample is None:
            sample = self._ask(streamer_id)
        return sample

    def _ask(self, streamer_id: str) -> Sample | None:
        try:
            answer = self._proxy.audience({"streamer_id": streamer_id}, timeout=AUDIENCE_SECONDS)
        except Error as error:
            log.warning("the audience of %s cannot be sampled: %s", streamer_id, error)
            return None
        sample = _sample(answer)
        self._recently.put(streamer_id, sample, AUDIENCE_KEEPS_SECONDS)
        return sample


def _sample(answer: dict[str, Any]) -> Sample:
    return Sample(
        sampled_ms=epoch_ms(parse_rfc3339(answer["sampled_at"])),
        live=answer["live"],
        viewers=max(answer["viewers"], 0),
        platform=answer.get("platform"),
        country=answer.get("country"),
    )
