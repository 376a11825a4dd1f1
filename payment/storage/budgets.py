"""Budgets, what participations earned from them, and the holds on it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Row

from chassis.event import Event
from chassis.money import Money
from payment.domain.budget import CampaignBudget
from payment.domain.earnings import Accrual, Hold, ParticipationEarnings
from payment.domain.errors import ConcurrentUpdate
from payment.storage.base import SqlPart, relation
from payment.storage.tables import campaign_budgets, holds, participation_earnings

# More than a streamer earns within a hold's granularity; what is left is released a second later.
HOLDS_PER_RELEASE = 1000


class SqlBudgets(SqlPart):
    def lock(self, campaign_id: str, brand_id: str, currency: str) -> CampaignBudget:
        return self.lock_all([CampaignBudget.unfunded(campaign_id, brand_id, currency)])[campaign_id]

    def lock_all(self, wanted: Collection[CampaignBudget]) -> dict[str, CampaignBudget]:
        opened = {unfunded.campaign_id: {**budget_values(unfunded), "version": 0} for unfunded in wanted}
        found = self.locked(campaign_budgets, campaign_budgets.c.campaign_id, opened)
        return {row.campaign_id: budget_of(row) for row in found}

    def save(self, budget: CampaignBudget, events: Sequence[Event] = ()) -> None:
        self.swap(campaign_budgets, budget, budget_values(budget), events)


def budget_values(budget: CampaignBudget) -> dict[str, Any]:
    return {
        "campaign_id": budget.campaign_id,
        "brand_id": budget.brand_id,
        "currency": budget.currency,
        "reserved": budget.reserved.amount_minor,
        "earned": budget.earned.amount_minor,
        "refused": budget.refused.amount_minor,
        "returned": budget.returned.amount_minor,
    }


def budget_of(row: Row[Any]) -> CampaignBudget:
    return CampaignBudget(
        campaign_id=row.campaign_id,
        brand_id=row.brand_id,
        reserved=Money(row.reserved, row.currency),
        earned=Money(row.earned, row.currency),
        refused=Money(row.refused, row.currency),
        returned=Money(row.returned, row.currency),
        version=row.version,
    )


class SqlEarnings(SqlPart):
    def lock_all(
        self, accruals: Collection[Accrual], fee_basis_points: int
    ) -> dict[str, ParticipationEarnings]:
        nothing = [ParticipationEarnings.nothing_yet(accrual, fee_basis_points) for accrual in accruals]
        opened = {each.participation_id: {**earnings_values(each), "version": 0} for each in nothing}
        found = self.locked(participation_earnings, participation_earnings.c.participation_id, opened)
        return {row.participation_id: earnings_of(row) for row in found}

    def lock_refused(self, campaign_id: str) -> list[ParticipationEarnings]:
        earnings = participation_earnings
        refused = earnings.select().where(
            earnings.c.campaign_id == campaign_id, earnings.c.accrued > earnings.c.gross
        )
        ordered = refused.order_by(earnings.c.participation_id).with_for_update()
        return [earnings_of(row) for row in self.rows(ordered)]

    def save_all(self, changed: Sequence[tuple[ParticipationEarnings, Sequence[Event]]]) -> None:
        """As `swap`, for many at once."""
        if not changed:
            return
        table = participation_earnings
        columns = [table.c[name] for name in ("participation_id", "version", *CHANGING)]
        rows = [
            [earnings_values(one)[c.name] if c.name != "version" else one.version for c in columns]
            for one, _ in changed
        ]
        given = relation(columns, rows)
        read = (table.c.participation_id == given.c.participation_id, table.c.version == given.c.version)
        values = {name: given.c[name] for name in CHANGING} | {"version": given.c.version + 1}
        if self.connection.execute(table.update().where(*read).values(values)).rowcount != len(changed):
            raise ConcurrentUpdate()
        for earnings, _ in changed:
            earnings.version += 1
        self._outbox.append_all([(events, earnings.version) for earnings, events in changed])


CHANGING = ("accrued", "gross", "fee", "accrual")


def earnings_values(earnings: ParticipationEarnings) -> dict[str, Any]:
    values = {name: value for name, value in asdict(earnings).items() if name != "version"}
    amounts = {name: getattr(earnings, name).amount_minor for name in ("accrued", "gross", "fee")}
    return {**values, **amounts, "currency": earnings.currency}


def earnings_of(row: Row[Any]) -> ParticipationEarnings:
    return ParticipationEarnings(
        participation_id=row.participation_id,
        campaign_id=row.campaign_id,
        brand_id=row.brand_id,
        streamer_id=row.streamer_id,
        accrued=Money(row.accrued, row.currency),
        gross=Money(row.gross, row.currency),
        fee=Money(row.fee, row.currency),
        fee_basis_points=row.fee_basis_points,
        accrual=row.accrual,
        version=row.version,
    )


class SqlHolds(SqlPart):
    def add_all(self, new: Sequence[Hold]) -> None:
        if new:
            self.connection.execute(holds.insert(), [hold_values(hold) for hold in new])

    def due(self, now: datetime, limit: int) -> list[tuple[str, str]]:
        pairs = sa.select(holds.c.streamer_id, holds.c.currency).where(*self._due(now)).distinct()
        ordered = pairs.order_by(holds.c.streamer_id, holds.c.currency).limit(limit)
        return [(row.streamer_id, row.currency) for row in self.rows(ordered)]

    def lock_due(self, streamer_id: str, currency: str, now: datetime) -> list[Hold]:
        statement = (
            holds.select()
            .where(*self._due(now), holds.c.streamer_id == streamer_id, holds.c.currency == currency)
            .order_by(holds.c.release_at)
            .limit(HOLDS_PER_RELEASE)
            .with_for_update(skip_locked=True)
        )
        return [
            Hold(row.transaction_id, row.streamer_id, Money(row.amount, row.currency), row.release_at)
            for row in self.rows(statement)
        ]

    def mark_released(self, released: Sequence[Hold], transaction_id: str, events: Sequence[Event]) -> None:
        ids = [hold.transaction_id for hold in released]
        marked = holds.update().where(holds.c.transaction_id.in_(ids)).values(released_by=transaction_id)
        self.connection.execute(marked)
        # The release is its own aggregate, which happens once: its only version is the first.
        self._outbox.append(events, 1)

    @staticmethod
    def _due(now: datetime) -> tuple[sa.ColumnElement[bool], ...]:
        return holds.c.released_by.is_(None), holds.c.release_at <= now


def hold_values(hold: Hold) -> dict[str, Any]:
    return {
        "transaction_id": hold.transaction_id,
        "streamer_id": hold.streamer_id,
        "currency": hold.amount.currency,
        "amount": hold.amount.amount_minor,
        "release_at": hold.release_at,
    }
