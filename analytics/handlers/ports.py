"""What the use cases ask of the storage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from analytics.domain import (
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
)


class Series(Protocol):
    """The stored facts and their rollups.

    What is added twice counts once. The rollups change in the same transaction as the facts. A reading
    method sums over the rollups that fit its period exactly.
    """

    def add_deliveries(self, deliveries: Sequence[Delivery]) -> None: ...

    def add_earnings(self, earnings: Sequence[Earning]) -> None: ...

    def add_business_events(self, events: Sequence[BusinessEvent]) -> None: ...

    def add_milestones(self, milestones: Sequence[Milestone]) -> None: ...

    def learn_owners(self, owners: Sequence[CampaignOwner]) -> None: ...

    def owner_of(self, campaign_id: str) -> str | None: ...

    def currencies(self, scope: Scope) -> list[str]:
        """The currencies of the scope's earnings, the one posted most recently first."""

    def figures(self, scope: Scope, period: Period, currency: str) -> Figures: ...

    def points(
        self, scope: Scope, period: Period, metric: str, bucket: str, currency: str
    ) -> Mapping[datetime, int]: ...

    def parts(self, scope: Scope, period: Period, by: str, currency: str, limit: int) -> list[Part]:
        """The values of a dimension with the most showings, in that order."""

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
        """By bucket, within it by value of the dimension: what comes `after` a bucket and a value."""

    def count_rows(self, scope: Scope, period: Period, bucket: str, by: str | None, currency: str) -> int: ...

    def funnel(self, scope: Scope) -> Funnel: ...

    def verify(self) -> Verification: ...

    def rebuild(self) -> None: ...

    def make_partitions(self, moments: Sequence[datetime]) -> None:
        """Makes room for facts of the months of these moments; what is there already stays."""
