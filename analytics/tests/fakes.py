"""Series in memory: keeps the raw facts alone, and computes every figure from them when asked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from analytics.domain import (
    METRICS,
    STEPS,
    BusinessEvent,
    CampaignOwner,
    Delivery,
    Earning,
    Figures,
    Funnel,
    Milestone,
    Part,
    Period,
    Row,
    Scope,
    Verification,
    floor,
)


class MemorySeries:
    def __init__(self) -> None:
        self._deliveries: dict[tuple[str, str], Delivery] = {}
        self._earnings: dict[tuple[str, int], Earning] = {}
        self.business_events: dict[tuple[str, str], BusinessEvent] = {}
        self._milestones: dict[tuple[str, str], Milestone] = {}
        self._owners: dict[str, str] = {}
        self.partitions: list[datetime] = []

    def add_deliveries(self, deliveries: Sequence[Delivery]) -> None:
        for delivery in deliveries:
            self._deliveries.setdefault((delivery.participation_id, delivery.id), delivery)

    def add_earnings(self, earnings: Sequence[Earning]) -> None:
        for earning in earnings:
            self._earnings.setdefault((earning.participation_id, earning.accrual), earning)

    def add_business_events(self, events: Sequence[BusinessEvent]) -> None:
        for event in events:
            self.business_events.setdefault((event.source, event.id), event)

    def add_milestones(self, milestones: Sequence[Milestone]) -> None:
        for milestone in milestones:
            self._milestones.setdefault((milestone.participation_id, milestone.step), milestone)

    def learn_owners(self, owners: Sequence[CampaignOwner]) -> None:
        for owner in owners:
            self._owners.setdefault(owner.campaign_id, owner.brand_id)

    def owner_of(self, campaign_id: str) -> str | None:
        return self._owners.get(campaign_id)

    def currencies(self, scope: Scope) -> list[str]:
        latest: dict[str, datetime] = {}
        for earning in self._earnings.values():
            if self._belongs(earning, scope):
                day = floor(earning.posted_at, STEPS["day"])
                latest[earning.currency] = max(day, latest.get(earning.currency, day))
        return sorted(latest, key=lambda currency: (-latest[currency].timestamp(), currency))

    def figures(self, scope: Scope, period: Period, currency: str) -> Figures:
        return summed((measures for _, _, measures in self._facts(scope, period, currency)), currency)

    def points(
        self, scope: Scope, period: Period, metric: str, bucket: str, currency: str
    ) -> Mapping[datetime, int]:
        points: dict[datetime, int] = defaultdict(int)
        for at, _, measures in self._facts(scope, period, currency):
            points[floor(at, STEPS[bucket])] += measures.get(metric, 0)
        return points

    def parts(self, scope: Scope, period: Period, by: str, currency: str, limit: int) -> list[Part]:
        groups: dict[str, list[dict[str, int]]] = defaultdict(list)
        for _, fact, measures in self._facts(scope, period, currency):
            if of(fact, by):
                groups[of(fact, by)].append(measures)
        parts = [Part(key, summed(group, currency)) for key, group in groups.items()]
        return sorted(parts, key=lambda part: (-part.figures.rendered, part.key))[:limit]

    def rows(
        self,
        scope: Scope,
        period: Period,
        bucket: str,
        by: str | None,
        currency: str,
        after: tuple[datetime, str] | None,
        limit: int,
    ) -> list[Row]:
        groups: dict[tuple[datetime, str], list[dict[str, int]]] = defaultdict(list)
        for at, fact, measures in self._facts(scope, period, currency):
            if by is None or of(fact, by):
                groups[floor(at, STEPS[bucket]), of(fact, by) if by else ""].append(measures)
        rows = [Row(*key, summed(groups[key], currency)) for key in sorted(groups)]
        return [row for row in rows if after is None or (row.at, row.key) > after][:limit]

    def count_rows(self, scope: Scope, period: Period, bucket: str, by: str | None, currency: str) -> int:
        return len(self.rows(scope, period, bucket, by, currency, None, 10**9))

    def funnel(self, scope: Scope) -> Funnel:
        counts: dict[str, int] = defaultdict(int)
        for milestone in self._milestones.values():
            if self._belongs(milestone, scope):
                counts[milestone.step] += 1
        return Funnel(**counts)

    def verify(self) -> Verification:
        return Verification(rollups=0, differences=0)

    def rebuild(self) -> None:
        pass

    def make_partitions(self, moments: Sequence[datetime]) -> None:
        self.partitions.extend(moments)

    def _facts(
        self, scope: Scope, period: Period, currency: str
    ) -> Iterator[tuple[datetime, Any, dict[str, int]]]:
        for at, fact, measures in self._measured(currency):
            if self._belongs(fact, scope) and period.since <= at < period.until:
                yield at, fact, measures

    def _belongs(self, fact: Any, scope: Scope) -> bool:
        if scope.kind == "brand":
            return self._owners.get(fact.campaign_id) == scope.id
        return of(fact, scope.kind) == scope.id

    def _measured(self, currency: str) -> Iterator[tuple[datetime, Any, dict[str, int]]]:
        for delivery in self._deliveries.values():
            yield delivery.started_at, delivery, measures_of_delivery(delivery)
        for earning in self._earnings.values():
            if earning.currency == currency:
                amounts = ("gross_minor", "platform_fee_minor", "net_minor")
                yield earning.posted_at, earning, {name: getattr(earning, name) for name in amounts}


def measures_of_delivery(delivery: Delivery) -> dict[str, int]:
    return {
        "rendered": 1,
        "qualified": int(delivery.qualified),
        "viewer_impressions": delivery.viewers if delivery.qualified else 0,
        "visible_ms": delivery.visible_ms,
    }


def summed(facts: Any, currency: str) -> Figures:
    totals = dict.fromkeys(METRICS, 0)
    for measures in facts:
        for metric, value in measures.items():
            totals[metric] += value
    return Figures(currency, **totals)


def of(fact: Any, dimension: str) -> str:
    return getattr(fact, f"{dimension}_id", None) or getattr(fact, dimension, "")
