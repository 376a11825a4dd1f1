"""Showings of the past, written by the services' own use cases in one process: no HTTP, no broker in between.

What is stored is therefore what the services store: showings, timelines, chains and replays, postings and
holds, figures, the events of all of them and the inboxes that heard them.
"""

import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import orjson

from analytics import handlers as figures
from analytics.storage import SqlSeries
from campaign import handlers as campaigns
from campaign.storage import MongoCampaigns
from chassis.clock import SystemClock
from chassis.config import Settings
from chassis.crypto import SecretBox
from chassis.event import ReceivedEvent
from chassis.events.outbox import OutboxStore, Record
from chassis.ids import new_id
from chassis.mongo import Mongo, MongoInboxStore, MongoOutbox, MongoSagaStore
from chassis.saga import Sagas
from chassis.sql import Sql, SqlInboxStore, SqlOutbox
from compose.bench.crowd import CPM_MINOR, VIEWERS, Crowd, Overlay
from compose.bench.showings import BATCH, Signer
from compose.errors import ComposeError
from compose.stack import Stack
from participation.domain import overlay as links
from participation.domain.audience import Sample
from participation.domain.deliveries import read
from participation.domain.earnings import Compensation, Terms
from participation.domain.frequency import Frequency
from participation.domain.participation import Participation, epoch_ms
from participation.domain.verification import ClockRule
from participation.handlers import deliveries, earnings
from participation.storage import MongoStore
from payment.handlers import earnings as ledger
from payment.storage import SqlPayments

STREAMERS = 120
"""So that a million showings of seven seconds fit into a day of theirs."""

GROUP = 40
"""Batches of one transaction, as many as participation takes at the most."""

HELD = ledger.Terms(fee_basis_points=2_000, hold=timedelta(days=3))
"""As payment is configured outside of the local stack, whose two seconds would have it release all of it."""

FREQUENCY = Frequency(min_seconds_between=0, max_per_hour=3_600, max_per_stream=100_000)
WITHOUT_CLOCK = ClockRule(tolerance_ms=3_000, is_on=False)

Handler = Callable[[list[ReceivedEvent]], Any]


@dataclass(frozen=True)
class Streamer:
    """Whose overlay posts; `signer` knows its link and its session."""

    overlay: links.Overlay
    signer: Signer


class Published:
    """Stands where a relay does: what was committed is handed on by hand."""

    def __init__(self) -> None:
        self._fresh: list[tuple[OutboxStore, Sequence[Record]]] = []

    def submit(self, store: OutboxStore, fresh: Sequence[Record]) -> None:
        self._fresh.append((store, fresh))

    def take(self, source: str) -> list[ReceivedEvent]:
        taken, self._fresh = self._fresh, []
        for store, fresh in taken:
            store.mark_published([record.id for record in fresh])
        return [received(source, record) for _, fresh in taken for record in fresh]


def received(source: str, record: Record) -> ReceivedEvent:
    """As it comes out of a queue."""
    data = orjson.loads(orjson.dumps(record.data))
    return ReceivedEvent(
        record.id, record.type, source, record.time, record.aggregate_id, record.version, data
    )


class History:
    """Streamers of a crowd's campaign who have shown long before; they are made once and go on."""

    def __init__(self, stack: Stack, crowd: Crowd) -> None:
        self._clock, self._crowd = SystemClock(), crowd
        self._published = Published()
        self._box = SecretBox(stack.secrets["SECRETS_KEY"])
        self._participation = Mongo(stack.mongo_uri, f"{Settings.database_prefix}participation")
        self._campaign = Mongo(stack.mongo_uri, f"{Settings.database_prefix}campaign")
        self._payment = Sql(stack.database_url("payment"), pool_size=1)
        self._analytics = Sql(stack.database_url("analytics"), pool_size=1)
        self._store = MongoStore(
            self._participation, MongoOutbox(self._participation, self._published.submit)
        )
        self._campaigns = MongoCampaigns(self._campaign, MongoOutbox(self._campaign, self._published.submit))
        self._sagas = Sagas(MongoSagaStore(self._campaign), self._campaign.after_commit)
        self._payments = SqlPayments(self._payment, SqlOutbox(self._payment, self._published.submit))
        self._series = SqlSeries(self._analytics)
        self._streamers = [self._join() for _ in range(STREAMERS)]

    def write(self, batches: int) -> None:
        turn = 0
        while batches > 0:
            group = [self._streamers[(turn + n) % STREAMERS] for n in range(min(GROUP, batches))]
            self._post(group)
            turn, batches = turn + len(group), batches - len(group)

    def close(self) -> None:
        self._participation.close()
        self._campaign.close()
        self._payment.close()
        self._analytics.close()

    def _join(self) -> Streamer:
        now, token, key = self._clock.now(), secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        participation = Participation(
            id=new_id("prt"),
            campaign_id=self._crowd.campaign_id,
            campaign_name="Measured",
            brand_id=self._crowd.brand.id,
            streamer_id=new_id("str"),
            currency="USD",
            applied_at=now,
        )
        participation.approve(Terms(Compensation("cpm", cpm_minor=CPM_MINOR), "USD", now))
        participation.activate(now)
        self._store.participations.add(participation, [])
        overlay = links.Overlay(
            participation.streamer_id, new_id("ovl"), links.fingerprint(token), self._box.encrypt(token), now
        )
        creative_id = self._crowd.overlays[0].creative_id
        slot = links.Slot(0, participation.id, creative_id, "banner", "image", 5, 1, [], FREQUENCY)
        session = links.Session.open(
            new_id("ses"),
            overlay.streamer_id,
            self._box.encrypt(key),
            [slot],
            epoch_ms(now),
            timedelta(hours=6),
        )
        self._store.sessions.add(session)
        signer = Signer(Overlay(token, session.id, key, participation.id, creative_id))
        return Streamer(self._store.overlays.add(overlay), signer)

    def _post(self, group: Sequence[Streamer]) -> None:
        sample = Sample(epoch_ms(self._clock.now()), live=True, viewers=VIEWERS, platform="twitch")
        posts = [
            deliveries.Post(
                streamer.overlay,
                streamer.signer.overlay.session_id,
                [read(raw) for raw in streamer.signer.batch()],
                sample,
            )
            for streamer in group
        ]
        for outcome in deliveries.post(self._store, self._box, self._clock, WITHOUT_CLOCK, posts):
            if not isinstance(outcome, deliveries.Posted) or outcome.accepted != BATCH:
                raise ComposeError(f"The past was not accepted: {outcome}")
        self._tell()

    def _tell(self) -> None:
        told = self._published.take("participation")
        shown = [event for event in told if event.type == "deliveries_accepted"]
        accrued = [event for event in told if event.type == "earnings_accrued"]
        payment, analytics = SqlInboxStore(self._payment), SqlInboxStore(self._analytics)
        analytics.once("on_deliveries", shown, self._count)
        payment.once("on_earnings_accrued", accrued, self._post_accruals)
        posted = self._published.take("payment")
        analytics.once("on_earnings", posted, lambda new: figures.record_earnings(self._series, new))
        MongoInboxStore(self._participation).once("on_earning_posted", posted, self._note_postings)
        MongoInboxStore(self._campaign).once("on_earnings", posted, self._note_spending)

    def _count(self, shown: list[ReceivedEvent]) -> None:
        figures.record_deliveries(self._series, shown)

    def _post_accruals(self, accrued: list[ReceivedEvent]) -> None:
        ledger.post_accruals(self._payments, self._clock, new_id, HELD, accrued)

    def _note_postings(self, posted: list[ReceivedEvent]) -> None:
        earnings.ledger_posted(self._store, posted)

    def _note_spending(self, posted: list[ReceivedEvent]) -> None:
        campaigns.record_earnings(self._campaigns, self._sagas, self._clock, posted)


@contextmanager
def of(stack: Stack, crowd: Crowd) -> Iterator[History]:
    history = History(stack, crowd)
    try:
        yield history
    finally:
        history.close()
