"""Echo calls from one process to another, over the same broker, with the same payload."""

from typing import Any

from compose.bench.context import Context
from compose.bench.measure import Row, Target

# The size of a small aggregate: what an ordinary call of the platform carries.
PAYLOAD: dict[str, Any] = {
    "campaign_id": "cmp_01hzy3v7mdef1qzxk2a9v5c0wt",
    "name": "Spring launch",
    "budget": {"amount_minor": 150_000, "currency": "USD"},
    "countries": ["DE", "FR", "US"],
    "text": "x" * 200,
}
CALLS_ONE_BY_ONE = 1_500
CALLS_AT_ONCE = 6_000
# Stock Nameko is slower by a multiple; a round takes about as long on either side.
STOCK_CALLS_ONE_BY_ONE = 500
STOCK_CALLS_AT_ONCE = 1_500
AT_ONCE = 50
WARM_UP_CALLS = 200

HOW = "a caller and an echo service, a process each; JSON of 350 bytes there and back"


def latency_vs_stock(context: Context) -> Row:
    ours, stock = start(context)
    found = context.in_turn(
        lambda: 1000 * ours(CALLS_ONE_BY_ONE, 1)["median_seconds"],
        lambda: 1000 * stock(STOCK_CALLS_ONE_BY_ONE, 1)["median_seconds"],
    )
    return Row(
        name="rpc_latency_vs_stock",
        what=f"echo RPC, one at a time, median of {CALLS_ONE_BY_ONE} calls a round "
        f"({STOCK_CALLS_ONE_BY_ONE} of stock); {HOW}",
        unit="ms",
        higher_is_better=False,
        target=Target(at_least=3),
        peer_name="stock Nameko 2.14",
        ours=found[0],
        peer=found[1],
    )


def throughput_vs_stock(context: Context) -> Row:
    ours, stock = start(context)
    found = context.in_turn(
        lambda: CALLS_AT_ONCE / ours(CALLS_AT_ONCE, AT_ONCE)["seconds"],
        lambda: STOCK_CALLS_AT_ONCE / stock(STOCK_CALLS_AT_ONCE, AT_ONCE)["seconds"],
    )
    return Row(
        name="rpc_throughput_vs_stock",
        what=f"echo RPC, {AT_ONCE} calls at once, {CALLS_AT_ONCE} calls a round "
        f"({STOCK_CALLS_AT_ONCE} of stock); {HOW}",
        unit="calls/s",
        higher_is_better=True,
        target=Target(at_least=5),
        peer_name="stock Nameko 2.14",
        ours=found[0],
        peer=found[1],
    )


def throughput_vs_raw(context: Context) -> Row:
    ours, raw = start_ours(context), start_raw(context)
    found = context.in_turn(
        lambda: CALLS_AT_ONCE / ours(CALLS_AT_ONCE, AT_ONCE)["seconds"],
        lambda: CALLS_AT_ONCE / raw(CALLS_AT_ONCE, AT_ONCE)["seconds"],
    )
    return Row(
        name="rpc_throughput_vs_raw",
        what=f"echo RPC, {AT_ONCE} calls at once, {CALLS_AT_ONCE} calls a round; {HOW}; raw: two processes "
        "with py-amqp alone, the default exchange, no acknowledgements, no envelope",
        unit="calls/s",
        higher_is_better=True,
        target=Target(at_least=0.75),
        peer_name="raw py-amqp",
        ours=found[0],
        peer=found[1],
    )


def start(context: Context) -> tuple[Any, Any]:
    return start_ours(context), start_stock(context)


def start_ours(context: Context) -> Any:
    context.fleet.ours("echo")
    context.fleet.ours("caller")
    return ready(context, "bench_caller")


def start_stock(context: Context) -> Any:
    context.fleet.stock("echo")
    context.fleet.stock("caller")
    context.fleet.wait_for("stock_echo", "echo", {})
    return ready(context, "stock_caller")


def ready(context: Context, caller: str) -> Any:
    """The load of one side, once it has worked for a moment: the first calls meet cold caches."""

    def load(calls: int, at_once: int) -> Any:
        return context.fleet.call(caller, "run", {"calls": calls, "at_once": at_once, "payload": PAYLOAD})

    context.fleet.wait_for(caller, "run", {"calls": 1, "at_once": 1, "payload": PAYLOAD})
    load(WARM_UP_CALLS, AT_ONCE)
    return load


def start_raw(context: Context) -> Any:
    context.fleet.raw("ponger")
    pinger = context.fleet.raw("pinger")
    pinger.read()

    def load(calls: int, at_once: int) -> Any:
        return pinger.ask({"calls": calls, "at_once": at_once, "payload": PAYLOAD})

    load(WARM_UP_CALLS, AT_ONCE)
    return load
