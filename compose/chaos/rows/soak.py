"""Under load cables are cut and others die; who has lived through all of it holds no more than before."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from compose.chaos import traffic
from compose.chaos.proxy import RESET, Proxy
from compose.chaos.rig import Child, Rig, port_of
from compose.chaos.row import Findings

SURVIVORS = ("maker", "taker")
MORTAL = "taker-2"
PROGRAMS = len([*SURVIVORS, MORTAL])
SECONDS_OF_LOAD = 1.5
SECONDS_TO_RECOVER = 60.0

SECONDS_OF_STILLNESS = 8.0
"""Longer than the broker's statistics take to be told, which is five seconds."""

SECONDS_TO_BE_STILL = 120.0
MORE_MEMORY = 0.1
MORE_MIB = 10
"""What an allocator may keep of a burst. What each trouble leaks is past that after some of them."""

SPARE_CONNECTIONS = 4
"""A process' pool of connections to MongoDB keeps as many as it once needed at the same moment."""

MIB = 1024 * 1024
Snapshot = dict[str, int]


def run(rig: Rig, count: int) -> Findings:
    """`count` troubles. Each kind comes once before the first snapshot, which so holds what is built once."""
    ports = {"rabbitmq": port_of(rig.servers.amqp_uri), "mongo": port_of(rig.servers.mongo_uri)}
    with Proxy(ports) as proxy:
        rig.connect_through(proxy)
        rig.start_all(*SURVIVORS, MORTAL)
        troubles = kinds(rig, proxy)
        with traffic.flowing(rig):
            suffer(rig, troubles, len(troubles))
        before = still(rig)
        with traffic.flowing(rig):
            suffer(rig, troubles, count)
        after = still(rig)
        violations = [*compared(before, after), *rig.violations()]
    figures = {what: [before.get(what, 0), after.get(what, 0)] for what in sorted(before | after)}
    return Findings({"troubles": count, **rig.journal.figures(), **figures}, violations)


def kinds(rig: Rig, proxy: Proxy) -> Mapping[str, Callable[[], None]]:
    def cut(server: str) -> None:
        proxy.disturb(server, RESET)
        time.sleep(0.2)
        proxy.heal(server)

    def kill_consumer() -> None:
        rig.children[MORTAL].kill()
        rig.start_all(MORTAL)

    return {
        "the cable to the broker is cut": lambda: cut("rabbitmq"),
        "the cable to MongoDB is cut": lambda: cut("mongo"),
        "a consumer is killed": kill_consumer,
        "the broker is killed": lambda: rig.servers.kill("rabbitmq"),
        "MongoDB is killed": lambda: rig.servers.kill("mongo"),
    }


def suffer(rig: Rig, troubles: Mapping[str, Callable[[], None]], count: int) -> None:
    for number, (name, trouble) in enumerate(itertools.islice(itertools.cycle(troubles.items()), count), 1):
        time.sleep(SECONDS_OF_LOAD)
        trouble()
        rig.say(
            f"{number} of {count}, {name}: went on after {rig.seconds_to_go_on(SECONDS_TO_RECOVER):.1f} s"
        )


def still(rig: Rig) -> Snapshot:
    """What everybody holds, once that has not changed for a while and nothing waits in a queue."""
    deadline = time.monotonic() + SECONDS_TO_BE_STILL
    last, since = counts(rig), time.monotonic()
    while time.monotonic() - since < SECONDS_OF_STILLNESS or last["messages"]:
        if time.monotonic() > deadline:
            break
        time.sleep(0.5)
        now = counts(rig)
        if now != last:
            last, since = now, time.monotonic()
    return last | {f"{name} MiB": resident_mib(rig.children[name]) for name in SURVIVORS}


def counts(rig: Rig) -> Snapshot:
    return {
        **{
            f"{name} file descriptors": len(list(proc(rig.children[name], "fd").iterdir()))
            for name in SURVIVORS
        },
        **{f"{name} threads": len(list(proc(rig.children[name], "task").iterdir())) for name in SURVIVORS},
        "broker connections": len(rig.servers.listed(f"/vhosts/{rig.id}/connections")),
        "broker channels": len(rig.servers.listed(f"/vhosts/{rig.id}/channels")),
        **queues(rig),
        "MongoDB connections": rig.mongo.admin.command("serverStatus")["connections"]["current"],
        "unanswered calls": rig.client.pending,
        "unpublished events": rig.waiting(),
    }


def queues(rig: Rig) -> Snapshot:
    found = rig.servers.listed(f"/queues/{rig.id}")
    return {"queues": len(found), "messages": sum(queue.get("messages", 0) for queue in found)}


def proc(child: Child, what: str) -> Path:
    return Path(f"/proc/{child.process.pid}/{what}")


def resident_mib(child: Child) -> int:
    [line] = [line for line in proc(child, "status").read_text().splitlines() if line.startswith("VmRSS")]
    return int(line.split()[1]) * 1024 // MIB


def compared(before: Snapshot, after: Snapshot) -> list[str]:
    return [
        f"{what}: {before.get(what, 0)} before, {found} after"
        for what, found in after.items()
        if found > allowed(what, before.get(what, 0))
    ]


def allowed(what: str, before: int) -> float:
    if what.endswith("MiB"):
        return before * (1 + MORE_MEMORY) + MORE_MIB
    if what.endswith("file descriptors"):
        return before + SPARE_CONNECTIONS
    if what == "MongoDB connections":
        return before + SPARE_CONNECTIONS * PROGRAMS
    return before
