"""Budgets, what participations earned from them, and the holds on it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.engine import Row

from chassis.event import Event
from chassis.money import Money
from payment.domain.budget import CampaignBudget
from payment.domain.earnings import Accrual, Hold, ParticipationEarnings
from payment.domain.errors import ConcurrentUpdate
from payment.storage.base import SqlPart, relation
from payment.storage.tables import campaign_budgets, holds, participation_earnings


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
        stored = [earnings_values(one) | {"version": one.version} for one, _ in changed]
        rows = [[values[column.name] for column in columns] for values in stored]
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
    return {
        "participation_id": earnings.participation_id,
        "campaign_id": earnings.campaign_id,
        "brand_id": earnings.brand_id,
        "streamer_id": earnings.streamer_id,
        "currency": earnings.currency,
        "accrued": earnings.accrued.amount_minor,
        "gross": earnings.gross.amount_minor,
        "fee": earnings.fee.amount_minor,
        "fee_basis_points": earnings.fee_basis_points,
        "accrual": earnings.accrual,
    }


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

    def lock_due(self, now: datetime, limit: int) -> list[Hold]:
        statement = (
            holds.select()
            .where(holds.c.released_by.is_(None), holds.c.release_at <= now)
            .order_by(holds.c.release_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        return [
            Hold(row.transaction_id, row.streamer_id, Money(row.amount, row.currency), row.release_at)
            for row in self.rows(statement)
        ]

    def mark_released(self, released: Sequence[tuple[Sequence[Hold], str]], events: Sequence[Event]) -> None:
        rows = [(hold.transaction_id, by) for their_holds, by in released for hold in their_holds]
        if rows:
            given = relation([holds.c.transaction_id, holds.c.released_by], rows)
            marked = holds.update().where(holds.c.transaction_id == given.c.transaction_id)
            self.connection.execute(marked.values(released_by=given.c.released_by))
        # A release is its own aggregate, which happens once: its only version is the first.
        self._outbox.append_all([([event], 1) for event in events])


def hold_values(hold: Hold) -> dict[str, Any]:
    return {
        "transaction_id": hold.transaction_id,
        "streamer_id": hold.streamer_id,
        "currency": hold.amount.currency,
        "amount": hold.amount.amount_minor,
        "release_at": hold.release_at,
    }
