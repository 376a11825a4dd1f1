"""Deliveries from the overlays' POST until they are earned in the ledger and visible in analytics."""

import statistics
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from chassis.rpc.client import RpcConnection
from compose import lifecycle
from compose.bench import crowd, history, naive, showings, usage
from compose.bench.context import Context
from compose.bench.history import History
from compose.bench.measure import Row, Target
from compose.bench.showings import BATCH, Signer
from compose.errors import ComposeError
from compose.layout import Layout
from compose.names import GATEWAY, OPERATOR, SERVERS, SERVICES
from compose.progress import say
from compose.stack import Stack
from compose.supervisor import Supervisor

STREAMERS = 120
"""So that none of them shows more than 10,000 times, which is the highest cap a campaign can have."""

BATCHES = 400
WARM_UP_BATCHES = 120
NAIVE_BATCHES = 20
NAIVE_CLIENTS = 20
LONGEST_ROUND = 120.0
POLL_SECONDS = 0.05

LEVELS = (1_000, 10_000, 100_000, 1_000_000)
"""Stored deliveries at which `growth` measures what one more costs."""

WINDOWS, WINDOW_BATCHES = 3, 50
FLAT_WITHIN = 1.15
OWN_RUN_DIR = ".run/growth"

WITHOUT_CLOCK_RULE = {"CLOCK_RULE": "off"}
ACCEPTED = b'{"accepted":%d,"refused":[]}' % BATCH

HOW = (
    f"{STREAMERS} overlays, {showings.IN_FLIGHT} at once, {BATCH} deliveries a POST, each with its chained "
    "proof, signed before the clock starts; load generator, broker and databases on the same cores; the rule "
    "that a showing cannot run faster than the clock is switched off (CLOCK_RULE=off), since a load test "
    "makes up its time"
)


@dataclass(frozen=True)
class Sent:
    """Some batches, and what it took until the last of them was earned and visible."""

    batches: int
    seconds: float
    processor_ms: Counter[str]

    @property
    def per_second(self) -> float:
        return self.batches * BATCH / self.seconds


@dataclass
class Ingest:
    """The platform with a crowd, and how many of its showings have been sent."""

    crowd: crowd.Crowd
    url: str
    programs: dict[str, int]
    signers: list[Signer]
    stored: int = 0

    @classmethod
    def start(cls, stack: Stack) -> "Ingest":
        rpc = RpcConnection(stack.amqp_uri(OPERATOR), "bench-ingest")
        try:
            gathered = crowd.gather(stack, rpc, STREAMERS, say)
        finally:
            rpc.close()
        running = Supervisor(stack.layout).details()
        programs = {name: running[name]["pid"] for name in (*SERVERS, *SERVICES, GATEWAY) if name in running}
        return cls(gathered, stack.public_url, programs, [Signer(overlay) for overlay in gathered.overlays])

    def fill(self, level: int, past: History) -> None:
        """Until so many are stored. The first come through the platform and warm it up."""
        missing = (level - self.stored) // BATCH
        if self.stored == 0:
            self.send(missing)
        else:
            past.write(missing)
            self.stored += missing * BATCH
            self._wait_until_booked()

    def send(self, batches: int) -> Sent:
        prepared = self._prepared(batches)
        before = usage.milliseconds(self.programs)
        began = time.perf_counter()
        showings.send(self.url, prepared, ACCEPTED)
        self.stored += batches * BATCH
        self._wait_until_booked()
        seconds = time.perf_counter() - began
        return Sent(batches, seconds, usage.milliseconds(self.programs) - before)

    def _prepared(self, batches: int) -> list[list[bytes]]:
        """Requests by overlay. Those that have sent least come first, so that all get on evenly."""
        host = self.url.removeprefix("http://")
        shares = showings.shares(batches, len(self.signers))
        turn = sorted(self.signers, key=lambda signer: signer.seq)
        return [[signer.request(host) for _ in range(n)] for signer, n in zip(turn, shares, strict=True)]

    def _wait_until_booked(self) -> None:
        """All that was sent, with the audience that was made for it, in the ledger and in analytics."""
        wanted = (crowd.CPM_MINOR * crowd.VIEWERS * self.stored // 1000, self.stored)
        deadline = time.monotonic() + LONGEST_ROUND
        while (booked := self.crowd.booked()) != wanted:
            if time.monotonic() > deadline:
                raise ComposeError(f"After {LONGEST_ROUND:.0f} s {booked} were booked of {wanted}.")
            time.sleep(POLL_SECONDS)


def per_second(context: Context) -> Row:
    ingest = warm(context)
    sent: list[Sent] = []

    def once() -> float:
        sent.append(ingest.send(BATCHES))
        return sent[-1].per_second

    found = context.alone(once)
    return Row(
        name="delivery_ingest_per_s",
        what=f"deliveries from HTTP POST to earned in the ledger and visible in analytics, "
        f"{BATCHES * BATCH:,} a round; {HOW}",
        unit="deliveries/s",
        higher_is_better=True,
        target=Target(at_least=5_000),
        ours=found,
        details=processor_time(sent),
    )


def vs_naive(context: Context) -> Row:
    ingest, peer = warm(context), naive.Peer.start(context)
    peer.send(NAIVE_CLIENTS, NAIVE_CLIENTS)
    ours, theirs = context.in_turn(
        lambda: ingest.send(BATCHES).per_second,
        lambda: NAIVE_BATCHES * BATCH / peer.send(NAIVE_BATCHES, NAIVE_CLIENTS),
    )
    return Row(
        name="delivery_ingest_vs_naive",
        what=f"the same, {BATCHES * BATCH:,} a round, {HOW}; naive: {NAIVE_BATCHES * BATCH:,} a round from "
        f"{NAIVE_CLIENTS} clients, {BATCH} a POST as well, without proofs; {naive.HOW}",
        unit="deliveries/s",
        higher_is_better=True,
        target=Target(at_least=50),
        peer_name="naive stock Nameko 2.14",
        ours=ours,
        peer=theirs,
    )


def warm(context: Context) -> Ingest:
    """A crowd in the stack that all rows share, after its first batches."""
    ingest = Ingest.start(lifecycle.up({**context.environ, **WITHOUT_CLOCK_RULE}))
    ingest.send(WARM_UP_BATCHES)
    return ingest


def processor_time(sent: list[Sent]) -> str:
    used: Counter[str] = sum((each.processor_ms for each in sent), Counter())
    batches = sum(each.batches for each in sent)
    shown = ", ".join(f"{name} {spent / batches:.2f}" for name, spent in used.most_common() if spent)
    return f"processor time per batch of {BATCH}: {used.total() / batches:.1f} ms ({shown})"


@dataclass(frozen=True)
class Cost:
    """What one delivery takes when `stored` are there already, in milliseconds; medians of some windows."""

    stored: int
    processor: float
    wall: float

    @classmethod
    def of(cls, stored: int, windows: list[Sent]) -> "Cost":
        def median(milliseconds: Iterator[float]) -> float:
            return statistics.median(milliseconds) / (WINDOW_BATCHES * BATCH)

        return cls(
            stored,
            processor=median(window.processor_ms.total() for window in windows),
            wall=median(1000 * window.seconds for window in windows),
        )

    def __str__(self) -> str:
        return (
            f"at {self.stored:,}: {self.processor:.3f} ms of processor time, {self.wall:.3f} ms by the clock"
        )


def growth(context: Context) -> Row:
    with servers_of_its_own(context) as stack:
        ingest = Ingest.start(stack)
        with history.of(stack, ingest.crowd) as past:
            costs = [cost_at(ingest, level, past) for level in LEVELS]
    processor = [cost.processor for cost in costs]
    return Row(
        name="growth",
        what="processor time per delivery, of all processes with databases and broker: that of the most "
        f"expensive level by that of the cheapest; at {', '.join(f'{level:,}' for level in LEVELS)} stored, "
        f"most of which the services' own use cases wrote in one process, without HTTP and broker between; "
        f"{WINDOWS} windows of {WINDOW_BATCHES * BATCH:,} each, through the platform; "
        f"{HOW}",
        unit="times",
        higher_is_better=False,
        target=Target(at_most=FLAT_WITHIN),
        ours=[max(processor) / min(processor)],
        details="; ".join(map(str, costs)),
    )


@contextmanager
def servers_of_its_own(context: Context) -> Iterator[Stack]:
    """Empty ones: what other rows have stored would be among the first thousand."""
    environ = {**context.environ, **WITHOUT_CLOCK_RULE, "RUN_DIR": OWN_RUN_DIR}
    layout = Layout.of(environ)
    lifecycle.down(layout)
    layout.remove_data()
    try:
        yield lifecycle.up(environ)
    finally:
        lifecycle.down(layout)
        layout.remove_data()


def cost_at(ingest: Ingest, level: int, past: History) -> Cost:
    ingest.fill(level, past)
    cost = Cost.of(level, [ingest.send(WINDOW_BATCHES) for _ in range(WINDOWS)])
    say(f"growth: {cost}")
    return cost
