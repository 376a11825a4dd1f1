"""Every row that there is."""

from __future__ import annotations

from functools import partial

from compose.chaos import outage, overload, rolling
from compose.chaos.crashing import crashed
from compose.chaos.payouts import Payouts
from compose.chaos.processing import Processing
from compose.chaos.row import PlatformRow, Row
from compose.chaos.rows import (
    back_pressure,
    broker,
    consumers,
    cut_connections,
    failpoints,
    frozen,
    poison,
    rpc,
    soak,
)
from compose.chaos.sagas import ActivationAndCompletion, BudgetIncrease
from compose.chaos.storm import run_storm
from compose.chaos.story import killed_while_it_plays
from compose.chaos.told_once import ToldOnce

ROWS = (
    Row(
        "failpoints",
        "a crash before and after each write, commit, publish, confirm, mark, acknowledge and reply",
        failpoints.run,
        ("inbox", "late_acknowledgement", "sweeper", "redelivery_check"),
        1,
        1,
    ),
    Row(
        "consumers",
        "3 consumers and the relay are killed again and again: no event lost, none doubled",
        consumers.run,
        ("inbox", "late_acknowledgement"),
        10_000,
        600,
    ),
    Row(
        "rpc",
        "callee absent, frozen, killed, broker gone: a typed error in time, nothing runs late",
        rpc.run,
        ("mandatory", "deadline"),
        200,
        60,
    ),
    Row(
        "poison",
        "what can't be handled is laid aside and costs no neighbour and no process",
        poison.run,
        ("dead_letters",),
        1_000,
        100,
    ),
    Row(
        "broker",
        "kill -9 under confirmed load: nothing lost, work goes on within 30 s",
        broker.run,
        ("confirms",),
        20,
        4,
    ),
    Row(
        "cut_connections",
        "the cables to broker and MongoDB are cut, slowed, silenced: nothing lost, calls told in time",
        cut_connections.run,
        ("confirms", "inbox"),
        40,
        8,
    ),
    Row(
        "back_pressure",
        "memory alarm, disk alarm, frozen broker: nobody is stuck over 10 s, everything drains",
        back_pressure.run,
        ("time_limits",),
        60,
        24,
    ),
    Row(
        "frozen",
        "one of two consumers is frozen for 10 s: the other goes on, and only a prefetch window waits",
        frozen.run,
        ("prefetch",),
        3,
        1,
    ),
    Row(
        "soak",
        "cables are cut and others die under load: whoever lives on holds no more than before",
        soak.run,
        ("discard",),
        20,
        10,
    ),
)

PLATFORM_ROWS = (
    PlatformRow(
        "storm",
        "showings, sagas and payouts flow while everything is struck: nothing lost, doubled or stuck",
        run_storm,
        ("sweeper",),
        10_000,
        500,
    ),
    *(
        PlatformRow(name, promise, partial(crashed, kind), guards, 1, 1)
        for name, promise, kind, guards in (
            (
                "sagas",
                "the campaign service dies at every step of activations and completions: done or taken back",
                ActivationAndCompletion,
                ("resume",),
            ),
            (
                "budget_sagas",
                "the campaign service dies at every step of budget increases: done or taken back",
                BudgetIncrease,
                ("resume",),
            ),
            (
                "payout_sagas",
                "the payment service dies at every step of payouts: paid once, or given back",
                Payouts,
                ("resume", "order_key"),
            ),
            (
                "asset_sagas",
                "the asset service dies at every step of processing uploads: all of them are ready",
                Processing,
                ("resume",),
            ),
            (
                "sql_outbox",
                "the payment service dies between commit, publication and mark: each deposit is told of once",
                ToldOnce,
                ("sweeper",),
            ),
        )
    ),
    PlatformRow(
        "rolling_restart",
        "every service and the gateway are restarted while money and showings flow: no request fails",
        rolling.run,
        ("stand_in",),
        1,
        1,
    ),
    PlatformRow(
        "outage",
        "200 clients, and a service dies and comes back: no hang, no 500, the others are as fast as before",
        outage.one_service_dies,
        (),
        60,
        60,
    ),
    PlatformRow(
        "overload",
        "twice as much comes as can be served: the excess is refused in 50 ms, the rest is served as before",
        overload.twice_the_capacity,
        ("waiting_time",),
        20,
        8,
    ),
    *(
        PlatformRow(
            name,
            f"{name} is killed while money and showings flow: all books agree",
            partial(killed_while_it_plays, program),
            (guard,),
            count,
            count_without_guard,
        )
        for name, program, guard, count, count_without_guard in (
            ("postgresql", "postgres", "synchronous_commit", 20, 10),
            ("mongodb", "mongo", "transactions", 10, 5),
            ("redis", "redis", "fallback", 10, 3),
        )
    ),
)

SHORT = (
    Row("failpoints", ROWS[0].promise, failpoints.run_short, (), 1, 1),
    Row("consumers", ROWS[1].promise, consumers.run, (), 200, 200),
    Row("rpc", ROWS[2].promise, rpc.run, (), 30, 30),
    Row("poison", ROWS[3].promise, poison.run, (), 200, 200),
    Row("cut_connections", ROWS[5].promise, cut_connections.run, (), 4, 4),
    Row("frozen", ROWS[7].promise, frozen.run_short, (), 1, 1),
)
"""Fast and certain, and without the servers' death: other suites use them too."""
