"""Budgets, what participations earned from them, and the holds on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import Row

from chassis.event import Event
from chassis.money import Money
from payment.domain.budget import CampaignBudget
from payment.domain.earnings import Accrual, Hold, ParticipationEarnings
from payment.storage.base import SqlPart
from payment.storage.tables import campaign_budgets, holds, participation_earnings

# More than a streamer earns within a hold's granularity; what is left is released a second later.
HOLDS_PER_RELEASE = 1000


class SqlBudgets(SqlPart):
    def lock(self, campaign_id: str, brand_id: str, currency: str) -> CampaignBudget:
        unfunded = CampaignBudget.unfunded(campaign_id, brand_id, currency)
        opened = insert(campaign_budgets).values({**budget_values(unfunded), "version": 0})
        self.connection.execute(opened.on_conflict_do_nothing())
        query = campaign_budgets.select().where(campaign_budgets.c.campaign_id == campaign_id)
        return budget_of(self.connection.execute(query.with_for_update()).one())

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
    def lock(self, accrual: Accrual, fee_basis_points: int) -> ParticipationEarnings:
        nothing = ParticipationEarnings.nothing_yet(accrual, fee_basis_points)
        opened = insert(participation_earnings).values({**earnings_values(nothing), "version": 0})
        self.connection.execute(opened.on_conflict_do_nothing())
        query = participation_earnings.select().where(
            participation_earnings.c.participation_id == accrual.participation_id
        )
        return earnings_of(self.connection.execute(query.with_for_update()).one())

    def lock_refused(self, campaign_id: str) -> list[ParticipationEarnings]:
        earnings = participation_earnings
        refused = earnings.select().where(
            earnings.c.campaign_id == campaign_id, earnings.c.accrued > earnings.c.gross
        )
        ordered = refused.order_by(earnings.c.participation_id).with_for_update()
        return [earnings_of(row) for row in self.rows(ordered)]

    def save(self, earnings: ParticipationEarnings, events: Sequence[Event] = ()) -> None:
        self.swap(participation_earnings, earnings, earnings_values(earnings), events)


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
    def add(self, hold: Hold) -> None:
        self.connection.execute(
            holds.insert().values(
                transaction_id=hold.transaction_id,
                streamer_id=hold.streamer_id,
                currency=hold.amount.currency,
                amount=hold.amount.amount_minor,
                release_at=hold.release_at,
            )
        )

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
