"""What was earned: told, recomputed, verified, settled, and set against what the ledger has booked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from chassis.clock import Clock
from chassis.event import ReceivedEvent
from chassis.money import Money
from chassis.principal import Caller
from participation.domain.earnings import FORMULA, Counts
from participation.domain.errors import ParticipationNotFound
from participation.domain.participation import Participation, Posted
from participation.domain.replay import differences, replay
from participation.handlers import applications
from participation.handlers.deliveries import all_buckets
from participation.handlers.ports import Store

DEFAULT_CURRENCY = "USD"
"""Of the zero that a campaign earned in which nobody took part."""

PAGE = 100
MOST_DEVIATIONS = 1_000


@dataclass(frozen=True, slots=True)
class Totals:
    """Money in one currency; `gross` is earned, the others are what the ledger has booked."""

    gross: Money
    platform_fee: Money
    net: Money
    unfunded: Money

    @classmethod
    def zero(cls, currency: str) -> Totals:
        return cls(*[Money.zero(currency)] * 4)

    def __add__(self, other: Totals) -> Totals:
        return Totals(
            gross=self.gross + other.gross,
            platform_fee=self.platform_fee + other.platform_fee,
            net=self.net + other.net,
            unfunded=self.unfunded + other.unfunded,
        )


@dataclass(frozen=True, slots=True)
class Figures:
    """The same figures twice can be compared."""

    gross: Money
    counts: Counts


@dataclass(frozen=True, slots=True)
class Earnings:
    participation_id: str
    totals: Totals
    counts: Counts
    formula: str
    recomputed: Figures


@dataclass(frozen=True, slots=True)
class Summary:
    """`totals` are in the currency of the newest participation, `others` in each of the others."""

    participations: int
    counts: Counts
    totals: Totals
    others: list[Totals]


@dataclass(frozen=True, slots=True)
class Difference:
    """A figure that does not follow from the stored deliveries."""

    participation_id: str
    figure: str
    stored: int
    recomputed: int


@dataclass(frozen=True, slots=True)
class Audit:
    campaign_id: str
    participations: int
    differences: list[Difference]


@dataclass(frozen=True, slots=True)
class Deviation:
    """What is stored of a participation and does not follow from its events."""

    participation_id: str
    figure: str
    stored: str
    replayed: str


@dataclass(frozen=True, slots=True)
class Histories:
    participations: int
    differences: list[Deviation]

    @property
    def equal(self) -> bool:
        return not self.differences


def earnings(store: Store, by: Caller, participation_id: str) -> Earnings:
    """The figures as they are kept, and as they follow from the deliveries alone, at one moment."""
    by.must_be("streamer", "brand", "admin")

    def work() -> Earnings:
        participation = applications.get(store, by, participation_id)
        return Earnings(
            participation_id=participation.id,
            totals=_totals(participation),
            counts=participation.counts,
            formula=FORMULA,
            recomputed=_recomputed(store, participation),
        )

    return store.atomically(work)


def summary(store: Store, by: Caller) -> Summary:
    """All that a streamer has earned, in the currency of the newest participation and in the others."""
    by.must_be("streamer")
    participations = list(_all_of_streamer(store, by.id))
    counts, sums = Counts(), dict[str, Totals]()
    for participation in participations:
        currency = participation.currency
        counts += participation.counts
        sums[currency] = sums.get(currency, Totals.zero(currency)) + _totals(participation)
    main, *others = sums.values() or [Totals.zero(DEFAULT_CURRENCY)]
    return Summary(len(participations), counts, main, others)


def verify(store: Store, by: Caller, campaign_id: str) -> Audit:
    """Recompute every participation of a campaign from its deliveries and list what differs."""
    by.must_be("admin")
    checked, differences = 0, []
    for participation in _all_of_campaign(store, campaign_id):
        checked += 1
        differences += store.atomically(partial(_differences, store, participation.id))
    return Audit(campaign_id, checked, differences)


def verify_histories(store: Store) -> Histories:
    """Replay every participation from its events, and list what is stored and does not follow from them.

    The list ends where nobody would read on.
    """
    checked, found = 0, list[Deviation]()
    for participation_id in _ids_of_all(store):
        checked += 1
        found += store.atomically(partial(_deviations, store, participation_id))
    return Histories(checked, found[:MOST_DEVIATIONS])


def settle(store: Store, clock: Clock, campaign_id: str, currency: str | None) -> Money:
    """Close the books of all participations of a campaign, and say what was earned in it.

    Doing it again closes nothing and answers the same.
    """
    for participation_id in store.participations.unsettled_in(campaign_id):
        applications.settle_one(store, clock, participation_id)
    sums = store.participations.earned_in(campaign_id) or {currency or DEFAULT_CURRENCY: 0}
    (own_currency, total), *_ = sums.items()
    return Money(total, own_currency)


def ledger_posted(store: Store, events: Sequence[ReceivedEvent]) -> None:
    """Keep what the ledger has booked for participations; its totals are cumulative, in any order."""
    wanted = {event.data["participation_id"] for event in events}
    found = {participation.id: participation for participation in store.participations.these(wanted)}
    if len(found) < len(wanted):
        raise ParticipationNotFound()
    for event in events:
        found[event.data["participation_id"]].ledger_posted(_posted(event.data))
    store.participations.save_all([(participation, []) for participation in found.values()])


def _posted(data: dict[str, Any]) -> Posted:
    return Posted(
        gross_minor=data["gross_total_minor"],
        fee_minor=data["fee_total_minor"],
        net_minor=data["net_total_minor"],
        refused_minor=data["refused_total_minor"],
    )


def _totals(participation: Participation) -> Totals:
    def money(amount_minor: int) -> Money:
        return Money(amount_minor, participation.currency)

    return Totals(
        gross=money(participation.earned_minor),
        platform_fee=money(participation.posted.fee_minor),
        net=money(participation.posted.net_minor),
        unfunded=money(participation.posted.refused_minor),
    )


def _recomputed(store: Store, participation: Participation) -> Figures:
    counts = Counts()
    for bucket in all_buckets(store, participation.id):
        counts = counts.with_deliveries(bucket.deliveries)
    return Figures(Money(participation.recomputed(counts), participation.currency), counts)


def _differences(store: Store, participation_id: str) -> list[Difference]:
    participation = store.participations.get(participation_id)
    recomputed = _recomputed(store, participation)
    stored: dict[str, Any] = asdict(participation.counts) | {"gross_minor": participation.earned_minor}
    again = asdict(recomputed.counts) | {"gross_minor": recomputed.gross.amount_minor}
    return [
        Difference(participation_id, figure, stored[figure], again[figure])
        for figure in stored
        if stored[figure] != again[figure]
    ]


def _deviations(store: Store, participation_id: str) -> list[Deviation]:
    stored = store.participations.get(participation_id)
    replayed = replay(store.participations.history(participation_id))
    return [
        Deviation(participation_id, figure, str(kept), str(told))
        for figure, (kept, told) in differences(stored, replayed).items()
    ]


def _ids_of_all(store: Store) -> Iterator[str]:
    after = None
    while found := store.participations.ids_after(after, PAGE):
        yield from found
        after = found[-1]


def _all_of_streamer(store: Store, streamer_id: str) -> Iterator[Participation]:
    after = None
    while found := store.participations.of_streamer(streamer_id, after, PAGE):
        yield from found
        after = found[-1].id


def _all_of_campaign(store: Store, campaign_id: str) -> Iterator[Participation]:
    after = None
    while found := store.participations.of_campaign(campaign_id, None, after, PAGE):
        yield from found
        after = found[-1].id
