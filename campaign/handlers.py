"""The use cases of campaigns: load, one domain verb, save; and the two long flows of their money."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any, Protocol, TypeVar

from campaign.domain.brief import Brief, with_creative_ids
from campaign.domain.campaign import (
    BY_BRAND,
    ActivationFailed,
    Asset,
    Campaign,
    CampaignNotFound,
    InsufficientFunds,
    clone,
    new_campaign,
)
from campaign.domain.fit import Streamer, reasons_against_joining
from campaign.domain.participant import Participant
from chassis.clock import Clock
from chassis.errors import Error, ServiceUnavailable, ValidationFailed
from chassis.event import Event, ReceivedEvent
from chassis.ids import NewId
from chassis.money import Money
from chassis.pagination import Page
from chassis.principal import Caller
from chassis.saga_steps import COMPENSATED, COMPENSATING, SagaState, Step

T = TypeVar("T")
Command = Mapping[str, Any]

ACTIVATION, COMPLETION, BUDGET_INCREASE = (
    "campaign_activation",
    "campaign_completion",
    "campaign_budget_increase",
)

# An answer within the usual deadline of 5 s: what the saga has not done by then, it does later.
SAGA_WAIT_SECONDS = 4.0

# One sweep ends so many campaigns at most, so that it never holds up a worker; the next one follows soon.
SWEEP_LIMIT = 100


class Campaigns(Protocol):
    """Campaigns and what is known of their participations.

    `save` and `remove` raise ConcurrentUpdate when somebody else saved first. `transaction` joins an
    outer one, and may run its work twice.
    """

    def get(self, campaign_id: str) -> Campaign: ...
    def add(self, campaign: Campaign, events: Sequence[Event]) -> None: ...
    def save(self, campaign: Campaign, events: Sequence[Event]) -> None: ...
    def remove(self, campaign: Campaign, events: Sequence[Event]) -> None: ...
    def transaction(self, work: Callable[[], T]) -> T: ...
    def of_brand(
        self, brand_id: str, status: str | None, limit: int, cursor: str | None
    ) -> Page[Campaign]: ...
    def awaiting_review(self, limit: int, cursor: str | None) -> Page[Campaign]: ...
    def open_to(self, streamer_id: str, now: datetime, limit: int, cursor: str | None) -> Page[Campaign]: ...
    def due_to_end(self, now: datetime, limit: int) -> list[str]: ...
    def history(self, campaign_id: str, limit: int, cursor: str | None) -> Page[dict[str, Any]]: ...
    def participant(self, participation_id: str) -> Participant | None: ...
    def save_participant(self, participant: Participant) -> None: ...


class Payment(Protocol):
    """Both commands answer the same when they are repeated under the same key."""

    def reserve(self, campaign_id: str, brand_id: str, amount: Money, key: str) -> None: ...
    def release(self, campaign_id: str, brand_id: str, earned: Money | None, key: str) -> Money: ...


class Participations(Protocol):
    def settle(self, campaign_id: str) -> Money:
        """Close all participations of a campaign and sum up what they earned; idempotent."""


class Streamers(Protocol):
    def eligibility(self, streamer_id: str) -> dict[str, Any]: ...


class Assets(Protocol):
    def describe(self, asset_ids: Sequence[str], owner_id: str) -> list[Asset]: ...


class Sagas(Protocol):
    def start(self, type: str, key: str, data: dict[str, Any]) -> str: ...
    def wait(self, saga_id: str, timeout: float) -> SagaState: ...


@dataclass(frozen=True, slots=True)
class Offer:
    """A campaign as one streamer sees it in the marketplace."""

    campaign: Campaign
    reasons: list[str]

    @property
    def eligible(self) -> bool:
        return not self.reasons


@dataclass(frozen=True, slots=True)
class Joining(Offer):
    """What participation needs to decide on an application: `eligibility` is what was judged."""

    eligibility: dict[str, Any]


# Writing


def create(campaigns: Campaigns, clock: Clock, new_id: NewId, by: Caller, command: Command) -> Campaign:
    by.must_be("brand")
    brief = Brief.from_dict(with_creative_ids(command, new_id))
    return _add(campaigns, *new_campaign(new_id("cmp"), by.id, brief, clock.now()))


def clone_campaign(
    campaigns: Campaigns, clock: Clock, new_id: NewId, by: Caller, command: Command
) -> Campaign:
    by.must_be("brand")
    original = _own(campaigns, by, command["campaign_id"])
    return _add(campaigns, *clone(original, clock.now(), new_id))


def update(
    campaigns: Campaigns, sagas: Sagas, clock: Clock, new_id: NewId, by: Caller, command: Command
) -> Campaign:
    """Change the brief. More budget for a running campaign has to be reserved first, by a saga."""
    by.must_be("brand")
    campaign = _own(campaigns, by, command["campaign_id"])
    changes = {name: value for name, value in command.items() if name != "campaign_id"}
    if campaign.is_running and "budget" in changes:
        return _increase_budget(campaigns, sagas, clock, by, campaign.id, changes)
    named = with_creative_ids(changes, new_id)
    return _change_own(campaigns, by, campaign.id, lambda own: own.update(named, clock.now()))


def delete(campaigns: Campaigns, by: Caller, command: Command) -> None:
    by.must_be("brand")

    def work() -> None:
        campaign = _own(campaigns, by, command["campaign_id"])
        campaigns.remove(campaign, campaign.delete())

    campaigns.transaction(work)


# Reading


def get(campaigns: Campaigns, by: Caller, command: Command) -> Campaign:
    """The brand's own, any for an admin, and what was offered to streamers for a streamer."""
    by.must_be("brand", "admin", "streamer")
    campaign = campaigns.get(command["campaign_id"])
    if by.owns(campaign.brand_id) or by.is_admin or (by.kind == "streamer" and campaign.is_public):
        return campaign
    raise CampaignNotFound()


def list_own(campaigns: Campaigns, by: Caller, command: Command) -> Page[Campaign]:
    by.must_be("brand")
    return campaigns.of_brand(by.id, command.get("status"), command["limit"], command["cursor"])


def history(campaigns: Campaigns, by: Caller, command: Command) -> Page[dict[str, Any]]:
    by.must_be("brand", "admin")
    campaign = (
        campaigns.get(command["campaign_id"]) if by.is_admin else _own(campaigns, by, command["campaign_id"])
    )
    return campaigns.history(campaign.id, command["limit"], command["cursor"])


def marketplace(
    campaigns: Campaigns, streamers: Streamers, clock: Clock, by: Caller, command: Command
) -> Page[Offer]:
    """Open campaigns, newest first, each with the rules that keep this streamer out of it."""
    by.must_be("streamer")
    streamer = Streamer.from_answer(streamers.eligibility(by.id))
    found = campaigns.open_to(by.id, clock.now(), command["limit"], command["cursor"])
    offers = [Offer(campaign, reasons_against_joining(campaign, streamer)) for campaign in found.items]
    return Page(offers, found.next_cursor)


def check_joining(campaigns: Campaigns, streamers: Streamers, command: Command) -> Joining:
    campaign = campaigns.get(command["campaign_id"])
    answer = streamers.eligibility(command["streamer_id"])
    reasons = reasons_against_joining(campaign, Streamer.from_answer(answer))
    return Joining(campaign, reasons, answer)


def delivery_plan(campaigns: Campaigns, command: Command) -> Campaign:
    return campaigns.get(command["campaign_id"])


# Review


def submit(campaigns: Campaigns, assets: Assets, clock: Clock, by: Caller, command: Command) -> Campaign:
    by.must_be("brand")
    campaign = _own(campaigns, by, command["campaign_id"])
    described = _describe_assets(assets, campaign)

    def verb(own: Campaign) -> list[Event]:
        events = own.submit(clock.now())
        own.check_assets_are_ready(described)
        return events

    return _change_own(campaigns, by, campaign.id, verb)


def _describe_assets(assets: Assets, campaign: Campaign) -> list[Asset]:
    wanted = sorted({creative.asset_id for creative in campaign.brief.creatives})
    return assets.describe(wanted, campaign.brand_id) if wanted else []


def review_queue(campaigns: Campaigns, by: Caller, command: Command) -> Page[Campaign]:
    by.must_be("admin")
    return campaigns.awaiting_review(command["limit"], command["cursor"])


def approve(campaigns: Campaigns, clock: Clock, by: Caller, command: Command) -> Campaign:
    by.must_be("admin")
    return _change(campaigns, command["campaign_id"], lambda campaign: campaign.approve(clock.now()))


def reject(campaigns: Campaigns, clock: Clock, by: Caller, command: Command) -> Campaign:
    by.must_be("admin")
    return _change(
        campaigns, command["campaign_id"], lambda campaign: campaign.reject(command["reason"], clock.now())
    )


# Running


def pause(campaigns: Campaigns, clock: Clock, by: Caller, command: Command) -> Campaign:
    by.must_be("brand")
    return _change_own(campaigns, by, command["campaign_id"], lambda own: own.pause(clock.now()))


def resume(campaigns: Campaigns, clock: Clock, by: Caller, command: Command) -> Campaign:
    by.must_be("brand")
    return _change_own(campaigns, by, command["campaign_id"], lambda own: own.resume(clock.now()))


def activate(campaigns: Campaigns, sagas: Sagas, clock: Clock, by: Caller, command: Command) -> Campaign:
    """Start the activation, and tell its outcome when it is known soon enough."""
    by.must_be("brand")

    def work() -> str:
        campaign = _own(campaigns, by, command["campaign_id"])
        campaign.check_can_activate(clock.now())
        return sagas.start(ACTIVATION, campaign.id, _reservation(campaign.brand_id, campaign.brief.budget))

    return _outcome(campaigns, sagas, campaigns.transaction(work), command["campaign_id"])


def complete(campaigns: Campaigns, sagas: Sagas, clock: Clock, by: Caller, command: Command) -> Campaign:
    by.must_be("brand")

    def verb(own: Campaign) -> list[Event]:
        return _and_settle(sagas, own, own.complete(BY_BRAND, clock.now()))

    return _change_own(campaigns, by, command["campaign_id"], verb)


def cancel(campaigns: Campaigns, sagas: Sagas, clock: Clock, by: Caller, command: Command) -> Campaign:
    """Give a campaign up; one that was running settles its money like a completed one."""
    by.must_be("brand")

    def verb(own: Campaign) -> list[Event]:
        was_running = own.is_running
        events = own.cancel(clock.now())
        return _and_settle(sagas, own, events) if was_running else events

    return _change_own(campaigns, by, command["campaign_id"], verb)


def run_once(campaigns: Campaigns, sagas: Sagas, clock: Clock) -> int:
    """End the campaigns whose time or budget is over; how many it ended."""
    due = campaigns.due_to_end(clock.now(), SWEEP_LIMIT)
    return sum(_end_if_due(campaigns, sagas, clock, campaign_id) for campaign_id in due)


def _end_if_due(campaigns: Campaigns, sagas: Sagas, clock: Clock, campaign_id: str) -> bool:
    def work() -> bool:
        campaign = campaigns.get(campaign_id)
        events = _ending(sagas, campaign, clock.now())
        if events:
            campaigns.save(campaign, events)
        return bool(events)

    return campaigns.transaction(work)


def _ending(sagas: Sagas, campaign: Campaign, now: datetime) -> list[Event]:
    reason = campaign.ending_reason(now)
    return _and_settle(sagas, campaign, campaign.complete(reason, now)) if reason else []


def _and_settle(sagas: Sagas, campaign: Campaign, events: list[Event]) -> list[Event]:
    """Start what follows the end of a run, in the transaction that ends it."""
    sagas.start(COMPLETION, campaign.id, {"brand_id": campaign.brand_id})
    return events


# What other services tell

_SEEN: Mapping[str, Mapping[str, bool]] = {
    "participation_approved": {"was_approved": True},
    "participation_left": {"has_gone": True},
    "participation_removed": {"has_gone": True},
}


def record_participation(campaigns: Campaigns, sagas: Sagas, clock: Clock, event: ReceivedEvent) -> None:
    """Count places; the order of the events does not matter."""
    record_participants(campaigns, sagas, clock, [_participant(event, **_SEEN[event.type])])


def record_earnings(
    campaigns: Campaigns, sagas: Sagas, clock: Clock, received: Iterable[ReceivedEvent]
) -> None:
    """Sum up what is spent from cumulative totals; neither order nor repetition matters."""
    record_participants(
        campaigns,
        sagas,
        clock,
        [
            _participant(
                event,
                earned_minor=event.data["gross_total_minor"],
                refused_minor=event.data["refused_total_minor"],
            )
            for event in received
        ],
    )


def _participant(event: ReceivedEvent, **seen: Any) -> Participant:
    return Participant(id=event.data["participation_id"], campaign_id=event.data["campaign_id"], **seen)


def record_participants(
    campaigns: Campaigns, sagas: Sagas, clock: Clock, news: Iterable[Participant]
) -> None:
    """Merge what became known; runs inside the consumer's transaction.

    Campaigns are taken in the order of their ids, so that two consumers cannot wait for each other.
    """
    in_order = sorted(news, key=lambda participant: participant.campaign_id)
    for campaign_id, of_campaign in groupby(in_order, key=lambda participant: participant.campaign_id):
        _record_progress(campaigns, sagas, clock.now(), campaign_id, list(of_campaign))


def _record_progress(
    campaigns: Campaigns, sagas: Sagas, now: datetime, campaign_id: str, news: Sequence[Participant]
) -> None:
    campaign = campaigns.get(campaign_id)
    events: list[Event] = []
    changed = False
    for participant in news:
        known = campaigns.participant(participant.id) or Participant(
            id=participant.id, campaign_id=campaign_id
        )
        merged = known.merged(participant)
        if merged == known:
            continue
        changed = True
        campaigns.save_participant(merged)
        events += campaign.record_progress(
            spent_minor=merged.earned_minor - known.earned_minor,
            participants=merged.holds_a_place - known.holds_a_place,
            refused=merged.refused_minor > known.refused_minor,
            at=now,
        )
    if changed:
        campaigns.save(campaign, [*events, *_ending(sagas, campaign, now)])


# The activation saga


def activation_steps(campaigns: Campaigns, payment: Payment, clock: Clock) -> list[Step]:
    """Reserve the budget, then activate. Without the money the campaign stays approved and says why."""

    def note_failure(run: SagaState) -> None:
        reason = _reason(run)
        _change(campaigns, run.key, lambda own: own.note_activation_failure(reason, clock.now()))

    def activate_campaign(run: SagaState) -> None:
        reserved = Money.from_dict(run.data["amount"])
        _change(campaigns, run.key, lambda own: own.activate(run.id, reserved, clock.now()))

    return [
        Step("begin", _nothing, undo=note_failure),
        Step("reserve_budget", _reserve_with(payment), undo=_release_with(payment)),
        Step("activate", activate_campaign),
    ]


def _reservation(brand_id: str, amount: Money) -> dict[str, Any]:
    return {"brand_id": brand_id, "amount": amount.to_dict()}


def _nothing(run: SagaState) -> None:
    """The step stands for what its undo takes back."""


def _reserve_with(payment: Payment) -> Callable[[SagaState], None]:
    def reserve_budget(run: SagaState) -> None:
        amount = Money.from_dict(run.data["amount"])
        payment.reserve(run.key, run.data["brand_id"], amount, key=f"{run.id}:reserve_budget")

    return reserve_budget


def _release_with(payment: Payment) -> Callable[[SagaState], None]:
    def release_budget(run: SagaState) -> None:
        payment.release(run.key, run.data["brand_id"], earned=None, key=f"{run.id}:release_budget")

    return release_budget


def _reason(run: SagaState) -> str:
    error = run.error or {}
    if error.get("code") == "payment.insufficient_funds":
        return f"{InsufficientFunds.title}: {error.get('detail') or 'deposit first'}"
    return str(error.get("detail") or error.get("code") or ActivationFailed.title)


def _outcome(campaigns: Campaigns, sagas: Sagas, saga_id: str, campaign_id: str) -> Campaign:
    """The campaign after its saga, or as it is when the saga needs longer."""
    state = sagas.wait(saga_id, timeout=SAGA_WAIT_SECONDS)
    if state.status in (COMPENSATING, COMPENSATED):
        raise _refusal(state)
    return campaigns.get(campaign_id)


def _refusal(state: SagaState) -> Error:
    code = (state.error or {}).get("code", "")
    if code == "payment.insufficient_funds":
        return InsufficientFunds(_reason(state))
    return ActivationFailed(_reason(state), cause=code)


# The saga of a budget that grows while the campaign runs


def _increase_budget(
    campaigns: Campaigns, sagas: Sagas, clock: Clock, by: Caller, campaign_id: str, changes: Mapping[str, Any]
) -> Campaign:
    if len(changes) > 1:
        raise ValidationFailed(
            "More budget for a running campaign is reserved first, so it comes in a request of its own",
            {"budget": ["Change it alone while the campaign runs."]},
        )
    budget: Money = changes["budget"]

    def work() -> str | None:
        campaign = _own(campaigns, by, campaign_id)
        if budget == campaign.brief.budget:
            return None
        campaigns.save(campaign, campaign.announce_budget(budget, clock.now()))
        more = _reservation(campaign.brand_id, budget - campaign.brief.budget)
        return sagas.start(BUDGET_INCREASE, campaign_id, {**more, "budget": budget.to_dict()})

    saga_id = campaigns.transaction(work)
    return _outcome(campaigns, sagas, saga_id, campaign_id) if saga_id else campaigns.get(campaign_id)


def budget_increase_steps(
    campaigns: Campaigns, payment: Payment, participations: Participations, clock: Clock
) -> list[Step]:
    """Reserve the difference, then raise the budget.

    Raising fails only when the campaign has ended meanwhile. Its completion may have returned what was
    left before the difference came, so the difference is returned as a completion does it.
    """

    def forget(run: SagaState) -> None:
        _change(campaigns, run.key, lambda own: own.forget_announced_budget(clock.now()))

    def return_difference(run: SagaState) -> None:
        if not campaigns.get(run.key).is_running:
            earned = participations.settle(run.key)
            payment.release(run.key, run.data["brand_id"], earned, key=f"{run.id}:release_budget")

    def raise_budget(run: SagaState) -> None:
        budget = Money.from_dict(run.data["budget"])
        _change(campaigns, run.key, lambda own: own.raise_budget(budget, clock.now()))

    return [
        Step("announce", _nothing, undo=forget),
        Step("reserve_budget", _reserve_with(payment), undo=return_difference),
        Step("raise_budget", raise_budget),
    ]


# The completion saga


def completion_steps(
    campaigns: Campaigns, payment: Payment, participations: Participations, clock: Clock
) -> list[Step]:
    """Close the participations, return what they did not earn, and say so.

    The campaign itself was closed in the transaction that started the saga. There is no way back from
    here, so no step has an undo and a refusal is tried again like an outage.
    """

    def settle_participations(run: SagaState) -> dict[str, Any]:
        return {"earned": participations.settle(run.key).to_dict()}

    def return_unspent(run: SagaState) -> dict[str, Any]:
        earned = Money.from_dict(run.data["earned"])
        returned = payment.release(run.key, run.data["brand_id"], earned, key=f"{run.id}:return_unspent")
        return {"returned": returned.to_dict()}

    def note_returned(run: SagaState) -> None:
        returned = Money.from_dict(run.data["returned"])
        _change(campaigns, run.key, lambda own: own.note_returned(returned, clock.now()))

    return [
        Step("settle_participations", _insisting(settle_participations)),
        Step("return_unspent", _insisting(return_unspent)),
        Step("note_returned", _insisting(note_returned)),
    ]


def _insisting(
    do: Callable[[SagaState], dict[str, Any] | None],
) -> Callable[[SagaState], dict[str, Any] | None]:
    def insist(run: SagaState) -> dict[str, Any] | None:
        try:
            return do(run)
        except Error as error:
            if error.is_final:
                raise ServiceUnavailable(f"refused, tried again later: {error}") from error
            raise

    return insist


# Shared moves


def _own(campaigns: Campaigns, by: Caller, campaign_id: str) -> Campaign:
    """The caller's own campaign; somebody else's answers as a missing one."""
    campaign = campaigns.get(campaign_id)
    if not by.owns(campaign.brand_id):
        raise CampaignNotFound()
    return campaign


def _add(campaigns: Campaigns, campaign: Campaign, events: Sequence[Event]) -> Campaign:
    campaigns.add(campaign, events)
    return campaign


def _change(campaigns: Campaigns, campaign_id: str, verb: Callable[[Campaign], list[Event]]) -> Campaign:
    """Load, one domain verb, save, in one transaction that is run again when another was faster."""

    def work() -> Campaign:
        campaign = campaigns.get(campaign_id)
        campaigns.save(campaign, verb(campaign))
        return campaign

    return campaigns.transaction(work)


def _change_own(
    campaigns: Campaigns, by: Caller, campaign_id: str, verb: Callable[[Campaign], list[Event]]
) -> Campaign:
    def checked(campaign: Campaign) -> list[Event]:
        if not by.owns(campaign.brand_id):
            raise CampaignNotFound()
        return verb(campaign)

    return _change(campaigns, campaign_id, checked)
