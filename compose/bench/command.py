"""Runs the rows that were asked for, each with processes of its own, and writes down what it found."""

import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from compose import lifecycle, table
from compose.bench import chart, report
from compose.bench.context import Context
from compose.bench.fleet import Fleet
from compose.bench.measure import Row
from compose.bench.rows import events, http, ingest, rpc, start
from compose.errors import ComposeError
from compose.layout import REPOSITORY, Layout
from compose.names import OPERATOR
from compose.ports import AUTOMATIC
from compose.progress import say
from compose.stack import Stack
from compose.suites import without_presets
from compose.supervisor import Supervisor

ROWS: Mapping[str, Callable[[Context], Row]] = {
    "rpc_latency_vs_stock": rpc.latency_vs_stock,
    "rpc_throughput_vs_stock": rpc.throughput_vs_stock,
    "rpc_throughput_vs_raw": rpc.throughput_vs_raw,
    "event_publish_vs_stock": events.publish_vs_stock,
    "event_consume_vs_stock": events.consume_vs_stock,
    "event_consume_batches_vs_stock": events.consume_batches_vs_stock,
    "http_vs_stock_gateway": http.vs_stock_gateway,
    "delivery_ingest_per_s": ingest.per_second,
    "delivery_ingest_vs_naive": ingest.vs_naive,
    "growth": ingest.growth,
    "start": start.start,
}
RUN_DIR = ".run/bench"
# A few accounts do here what thousands would: their requests are counted, and never refused.
RATE_LIMIT_FACTOR = "100000"
RESULTS = REPOSITORY / ".run" / "bench.json"
CHART = REPOSITORY / ".run" / "bench.svg"


def run(wanted: Sequence[str], rounds: int, environ: Mapping[str, str]) -> int:
    """Runs rows and keeps the results of those that were not asked for; 1 when a row missed its target."""
    unknown = [name for name in wanted if name not in ROWS]
    if unknown:
        raise ComposeError(f"There is no row {', '.join(unknown)}; there are {', '.join(ROWS)}.")
    names = list(wanted) or list(ROWS)
    found: list[Row] = []
    say(
        f"The gateway's rate limits are widened {int(RATE_LIMIT_FACTOR):,} times; it counts as it always does"
    )
    with private_servers(environ) as stack:
        for name in names:
            found.append(measured(name, rounds, stack, environ))
            report.write(RESULTS, found, list(ROWS))
            chart.write(CHART, report.read(RESULTS)["rows"])
    print(table.render([report.HEADER, *map(report.line, found)]))
    print(f"Written to {RESULTS.relative_to(REPOSITORY)} and {CHART.relative_to(REPOSITORY)}", flush=True)
    return 0 if all(row.is_met for row in found) else 1


def measured(name: str, rounds: int, stack: Stack, environ: Mapping[str, str]) -> Row:
    say(f"{name}: {rounds} rounds")
    logs = stack.layout.logs
    fleet = Fleet(logs, {"AMQP_URI": stack.amqp_uri(OPERATOR), "LOG_LEVEL": "INFO"}, stack.layout.run_dir)
    try:
        row = ROWS[name](Context(name, rounds, stack, fleet, own_environment(environ)))
    finally:
        fleet.close()
    say(f"{name}: {report.verdict(row)}")
    return row


@contextmanager
def private_servers(environ: Mapping[str, str]) -> Iterator[Stack]:
    """Servers of the benchmark's own. Those that were up before stay up, for short runs in a row."""
    own = own_environment(environ)
    layout = Layout.of(own)
    was_up = Supervisor(layout).is_up()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield lifecycle.up(own, infrastructure_only=True)
    finally:
        if not was_up:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            lifecycle.down(layout)
            layout.remove_data()
            say("The benchmark's servers are stopped")


def own_environment(environ: Mapping[str, str]) -> dict[str, str]:
    return {
        **without_presets(environ),
        "RUN_DIR": RUN_DIR,
        "PORT_OFFSET": AUTOMATIC,
        "RATE_LIMIT_FACTOR": RATE_LIMIT_FACTOR,
    }


def rounds_from(environ: Mapping[str, str] = os.environ) -> int:
    try:
        rounds = int(environ.get("ROUNDS") or 5)
    except ValueError:
        raise ComposeError("ROUNDS has to be a whole number.") from None
    if rounds < 1:
        raise ComposeError("ROUNDS has to be 1 or more.")
    return rounds
