"""The peer of ingest: stock services, a call, an event and a commit for each delivery."""

import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import amqp
import orjson
import sqlalchemy as sa

from compose.bench import showings
from compose.bench.context import Context
from compose.bench.crowd import CPM_MINOR, VIEWERS
from compose.bench.machine import free_port
from compose.bench.raw.connection import connect
from compose.bench.stock import books
from compose.errors import ComposeError
from compose.names import OPERATOR

CAMPAIGN = "cmp_01hzy3v7mdef1qzxk2a9v5c0wt"
EARNED_MINOR = CPM_MINOR * VIEWERS // 1000
DATABASE = "stock"
LONGEST_ROUND = 180.0
POLL_SECONDS = 0.05

EVENT = "evt-stock_deliveries-delivery_recorded--"
QUEUES = ("rpc-stock_deliveries", f"{EVENT}stock_ledger.post_earning", f"{EVENT}stock_figures.count")

HOW = (
    "a stock HTTP gateway calls a stock RPC for each delivery, which stores it and counts it in the same "
    "MongoDB and dispatches an event; a stock handler posts its earning in one commit, another stores it and "
    "adds it to the figures in one commit, in the same PostgreSQL; a process each"
)


@dataclass
class Peer:
    url: str
    engine: sa.Engine
    sent: int = 0

    @classmethod
    def start(cls, context: Context) -> "Peer":
        stack, fleet = context.stack, context.fleet
        engine = books.create(stack.postgres_admin_url, DATABASE)
        database = books.url(stack.postgres_admin_url, DATABASE)
        port = free_port()
        fleet.stock("deliveries", MONGO_URI=stack.mongo_uri)
        fleet.stock("ledger", DATABASE_URL=database)
        fleet.stock("figures", DATABASE_URL=database)
        fleet.stock("ingest", WEB_SERVER_ADDRESS=f"127.0.0.1:{port}")
        peer = cls(f"http://127.0.0.1:{port}", engine)
        for queue in QUEUES:
            fleet.wait_until(partial(is_consumed, stack.amqp_uri(OPERATOR), queue), queue)
        fleet.wait_until(peer.answers, "the naive peer")
        return peer

    def answers(self) -> bool:
        """A batch of none reaches the gateway; that the others listen is known by their queues."""
        try:
            showings.send(self.url, [[self._request(())]], accepted(0))
        except (ComposeError, ExceptionGroup):
            return False
        return True

    def send(self, batches: int, clients: int) -> float:
        """Seconds until the last of these batches is earned and visible."""
        prepared = [
            [self._request(range(showings.BATCH)) for _ in range(share)]
            for share in showings.shares(batches, clients)
        ]
        self.sent += batches * showings.BATCH
        began = time.perf_counter()
        showings.send(self.url, prepared, accepted(showings.BATCH))
        self._wait_until_booked()
        return time.perf_counter() - began

    def _wait_until_booked(self) -> None:
        wanted = (self.sent * EARNED_MINOR, self.sent)
        deadline = time.monotonic() + LONGEST_ROUND
        while (booked := books.booked(self.engine, CAMPAIGN)) != wanted:
            if time.monotonic() > deadline:
                raise ComposeError(f"After {LONGEST_ROUND:.0f} s {booked} were booked of {wanted}.")
            time.sleep(POLL_SECONDS)

    def _request(self, numbers: range | tuple[()]) -> bytes:
        body = orjson.dumps({"deliveries": list(self._deliveries(numbers))})
        return showings.post(self.url.removeprefix("http://"), "/deliveries", body)

    @staticmethod
    def _deliveries(numbers: range | tuple[()]) -> Iterator[dict[str, object]]:
        streamer = uuid.uuid4().hex
        for _ in numbers:
            yield {
                "id": str(uuid.uuid4()),
                "participation_id": f"prt_{streamer}",
                "streamer_id": f"str_{streamer}",
                "campaign_id": CAMPAIGN,
                "creative_id": "crv_01hzy3v7mdef1qzxk2a9v5c0wt",
                "started_at": "2026-11-23T05:00:00.000Z",
                "ended_at": "2026-11-23T05:00:07.000Z",
                "visible_ms": showings.VISIBLE_MS,
                "viewers": VIEWERS,
                "earned_minor": EARNED_MINOR,
            }


def is_consumed(amqp_uri: str, queue: str) -> bool:
    connection = connect(amqp_uri)
    try:
        found = connection.channel().queue_declare(queue, passive=True)
    except amqp.exceptions.NotFound:
        return False
    finally:
        connection.close()
    return int(found.consumer_count) > 0


def accepted(deliveries: int) -> bytes:
    return b'{"accepted": %d}' % deliveries
