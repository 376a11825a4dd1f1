"""Working stand-ins for what the handlers collaborate with."""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from campaign.domain.campaign import ACTIVE, PENDING_REVIEW, RUNNING, Asset, Campaign
from campaign.domain.errors import CampaignNotFound, ConcurrentUpdate
from campaign.domain.participant import Participant
from chassis.errors import Conflict, Error, ServiceUnavailable
from chassis.event import Event
from chassis.money import Money
from chassis.pagination import Page, decode_cursor, page_of
from chassis.saga_steps import COMPENSATED, COMPENSATING, DONE, SagaState, Step

T = TypeVar("T")


class FakeCampaigns:
    """Campaigns in memory, with the versions, orders and pages of the real store."""

    def __init__(self) -> None:
        self._campaigns: dict[str, Campaign] = {}
        self._participants: dict[str, Participant] = {}
        self.events: list[Event] = []

    def get(self, campaign_id: str) -> Campaign:
        if campaign_id not in self._campaigns:
            raise CampaignNotFound()
        return copy.deepcopy(self._campaigns[campaign_id])

    def these(self, campaign_ids: Collection[str]) -> list[Campaign]:
        found = [campaign for campaign in self._all() if campaign.id in campaign_ids]
        return sorted(found, key=lambda campaign: campaign.id)

    def add(self, campaign: Campaign, events: Sequence[Event]) -> None:
        campaign.version = 1
        self._keep(campaign, events)

    def save(self, campaign: Campaign, events: Sequence[Event]) -> None:
        self._check_version(campaign)
        campaign.version += 1
        self._keep(campaign, events)

    def remove(self, campaign: Campaign, events: Sequence[Event]) -> None:
        self._check_version(campaign)
        del self._campaigns[campaign.id]
        self.events += events

    def transaction(self, work: Callable[[], T]) -> T:
        before = (dict(self._campaigns), dict(self._participants), list(self.events))
        try:
            return work()
        except BaseException:
            self._campaigns, self._participants, self.events = before
            raise

    def of_brand(self, brand_id: str, status: str | None, limit: int, cursor: str | None) -> Page[Campaign]:
        found = [c for c in self._all() if c.brand_id == brand_id and status in (None, c.status)]
        return self._newest_first(found, limit, cursor)

    def awaiting_review(self, limit: int, cursor: str | None) -> Page[Campaign]:
        found = [c for c in self._all() if c.status == PENDING_REVIEW]
        found.sort(key=lambda c: (c.submitted_at, c.id))
        if cursor:
            after = decode_cursor(cursor)[0]
            ids = [c.id for c in found]
            found = found[ids.index(after) + 1 :]
        return page_of(found[: limit + 1], limit, lambda c: [c.id])

    def open_to(self, streamer_id: str, now: datetime, limit: int, cursor: str | None) -> Page[Campaign]:
        found = [
            c
            for c in self._all()
            if c.status == ACTIVE
            and not c.has_ended(now)
            and not c.is_budget_spent
            and streamer_id not in c.brief.blocked_streamers
        ]
        return self._newest_first(found, limit, cursor)

    def due_to_end(self, now: datetime, limit: int) -> list[str]:
        due = [c for c in self._all() if c.status in RUNNING and (c.has_ended(now) or c.is_budget_spent)]
        return [c.id for c in sorted(due, key=lambda c: c.id)][:limit]

    def history(self, campaign_id: str, limit: int, cursor: str | None) -> Page[dict[str, Any]]:
        of_campaign = [e for e in self.events if e.aggregate_id == campaign_id]
        return Page([{"type": e.type, "data": e.to_data()} for e in of_campaign[:limit]])

    def participants(self, ids: Collection[str]) -> dict[str, Participant]:
        return {key: self._participants[key] for key in ids if key in self._participants}

    def save_participants(self, participants: Sequence[Participant]) -> None:
        self._participants |= {participant.id: participant for participant in participants}

    def _all(self) -> list[Campaign]:
        return [copy.deepcopy(campaign) for campaign in self._campaigns.values()]

    def _keep(self, campaign: Campaign, events: Sequence[Event]) -> None:
        self._campaigns[campaign.id] = copy.deepcopy(campaign)
        self.events += events

    def _check_version(self, campaign: Campaign) -> None:
        if self.get(campaign.id).version != campaign.version:
            raise ConcurrentUpdate()

    @staticmethod
    def _newest_first(found: list[Campaign], limit: int, cursor: str | None) -> Page[Campaign]:
        before = decode_cursor(cursor)[0] if cursor else None
        found = sorted(
            (c for c in found if before is None or c.id < before), key=lambda c: c.id, reverse=True
        )
        return page_of(found[: limit + 1], limit, lambda c: [c.id])


class PaymentRefusal(Conflict):
    code = "payment.insufficient_funds"


@dataclass
class FakePayment:
    """A wallet and an escrow; every command is answered once per key."""

    available: int = 1_000_000
    escrow: dict[str, int] = field(default_factory=dict)
    keys: dict[str, int] = field(default_factory=dict)
    fails: list[Error] = field(default_factory=list)

    def reserve(self, campaign_id: str, brand_id: str, amount: Money, key: str) -> None:
        self._maybe_fail()
        if key in self.keys:
            return
        if amount.amount_minor > self.available:
            raise PaymentRefusal(f"{Money(self.available, amount.currency)} are available")
        self.keys[key] = amount.amount_minor
        self.available -= amount.amount_minor
        self.escrow[campaign_id] = self.escrow.get(campaign_id, 0) + amount.amount_minor

    def release(self, campaign_id: str, brand_id: str, earned: Money | None, key: str) -> Money:
        self._maybe_fail()
        if key not in self.keys:
            kept = earned.amount_minor if earned else 0
            self.keys[key] = self.escrow.get(campaign_id, 0) - kept
            self.escrow[campaign_id] = kept
            self.available += self.keys[key]
        return Money(self.keys[key], "USD")

    def _maybe_fail(self) -> None:
        if self.fails:
            raise self.fails.pop(0)


@dataclass
class FakeParticipations:
    earned_minor: int = 0
    settled: list[str] = field(default_factory=list)
    fails: list[Error] = field(default_factory=list)

    def settle(self, campaign_id: str, currency: str) -> Money:
        if self.fails:
            raise self.fails.pop(0)
        self.settled.append(campaign_id)
        return Money(self.earned_minor, currency)


@dataclass
class FakeStreamers:
    answer: dict[str, Any]

    def eligibility(self, streamer_id: str) -> dict[str, Any]:
        return {**self.answer, "streamer_id": streamer_id}


@dataclass
class FakeAssets:
    """Knows assets by id as (owner, status); what it does not know it leaves out of its answer."""

    known: dict[str, tuple[str, str]] = field(default_factory=dict)

    def describe(self, asset_ids: Sequence[str], owner_id: str) -> list[Asset]:
        return [Asset(a, *self.known[a]) for a in asset_ids if a in self.known]


class FakeSagas:
    """Runs a saga to its end when somebody waits for it: one run per (type, key) at a time.

    `crash_after` names a step after which the process dies before the step is marked as done.
    """

    def __init__(self) -> None:
        self.steps: dict[str, Callable[[], list[Step]]] = {}
        self.runs: dict[str, SagaState] = {}
        self.crash_after: str | None = None

    def start(self, type: str, key: str, data: dict[str, Any]) -> str:
        for run in self.runs.values():
            if (run.type, run.key) == (type, key) and not run.is_finished:
                return run.id
        saga_id = f"saga_{len(self.runs) + 1}"
        self.runs[saga_id] = SagaState(id=saga_id, type=type, key=key, data=dict(data))
        return saga_id

    def start_alone(self, type: str, key: str, data: dict[str, Any]) -> str | None:
        known = len(self.runs)
        saga_id = self.start(type, key, data)
        return saga_id if len(self.runs) > known else None

    def wait(self, saga_id: str, timeout: float) -> SagaState:
        self.advance(self.runs[saga_id])
        return self.runs[saga_id]

    def of_type(self, type: str) -> list[SagaState]:
        return [run for run in self.runs.values() if run.type == type]

    def advance(self, run: SagaState) -> None:
        if run.type not in self.steps or run.is_finished:
            return
        steps = self.steps[run.type]()
        while run.status != COMPENSATING and run.step < len(steps):
            if not self._do(run, steps[run.step]):
                return
        if run.status == COMPENSATING:
            self._undo(run, steps)
        else:
            run.status = DONE

    def _do(self, run: SagaState, step: Step) -> bool:
        try:
            result = step.do(run)
        except Error as error:
            if not error.is_final:
                return False
            run.status, run.error = COMPENSATING, {"code": error.code, "detail": error.detail}
            return True
        if self.crash_after == step.name:
            self.crash_after = None
            return False
        run.data.update(result or {})
        run.step += 1
        return True

    @staticmethod
    def _undo(run: SagaState, steps: list[Step]) -> None:
        for step in reversed(steps[: run.step]):
            if step.undo:
                step.undo(run)
        run.status = COMPENSATED


def an_outage() -> ServiceUnavailable:
    return ServiceUnavailable("nobody answers")
