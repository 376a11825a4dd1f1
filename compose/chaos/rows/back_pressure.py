"""A broker that takes nothing: its memory alarm, its disk alarm, and frozen. Nobody waits for ever.

Clients go on asking, and the maker goes on making, so that the outbox has something to publish all the time.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from chassis.errors import DeadlineExceeded
from compose.chaos import stopwatch, traffic
from compose.chaos.journal import OK
from compose.chaos.rig import QUEUES, Rig
from compose.chaos.row import Findings

STUCK = 10.0
GRACE = 1.0
SECONDS_TO_DRAIN = 90.0
SECONDS_FOR_AN_ALARM = 20.0
PAUSE = 0.1
PROGRAMS = ("taker", "maker")


def run(rig: Rig, count: int) -> Findings:
    """The memory alarm for `count` seconds, the others for half of that."""
    ways: Mapping[str, tuple[float, Callable[[Rig], Iterator[None]]]] = {
        "memory": (count, memory_alarm),
        "disk": (count / 2, disk_alarm),
        "frozen": (count / 2, frozen),
    }
    rig.start_all(*PROGRAMS)
    drained: dict[str, float] = {}
    for way, (seconds, trouble) in ways.items():
        with traffic.flowing(rig, through="taker"), kept_making(rig, way), contextmanager(trouble)(rig):
            time.sleep(seconds)
        drained[way] = round(seconds_to_drain(rig), 1)
        rig.say(f"{way} for {seconds:.0f} s: all was handled after {drained[way]} s, {waits(rig)}")
    adopt(rig)
    violations = rig.violations()
    figures = {
        **{f"drained_{way}": seconds for way, seconds in drained.items()},
        **{f"longest_{what}": seconds for what, seconds in waits(rig).items()},
        "answered_after_deadline": round(rig.latest_answer, 2),
        **rig.journal.figures(),
    }
    return Findings(figures, [*judged(rig), *violations])


def seconds_to_drain(rig: Rig) -> float:
    """Until nothing waits any more, and one more thing is made and handled as usual."""
    started = time.monotonic()

    def is_drained() -> bool:
        return not rig.waiting() and not any(rig.depths(*QUEUES).values())

    rig.wait_until(is_drained, "everything has drained", SECONDS_TO_DRAIN)
    rig.wait_until(lambda: rig.one_more_is_handled(SECONDS_TO_DRAIN), "work goes on", SECONDS_TO_DRAIN)
    return time.monotonic() - started


def judged(rig: Rig) -> list[str]:
    found = [f"a {what} took {seconds} s" for what, seconds in waits(rig).items() if seconds > STUCK]
    if rig.latest_answer > GRACE:
        found.append(f"a call was answered {rig.latest_answer:.1f} s after its deadline")
    return found


def waits(rig: Rig) -> dict[str, float]:
    """The longest of each kind, in either program."""
    both = [stopwatch.longest(rig.waits_of(name)) for name in PROGRAMS]
    return {what: max(one.get(what, 0.0) for one in both) for what in sorted(set().union(*both))}


@contextmanager
def kept_making(rig: Rig, prefix: str) -> Iterator[None]:
    """The maker is busy by itself: nobody waits for the answer."""
    try:
        rig.client.call("chaos_maker", "keep_making", {"prefix": prefix, "pause": PAUSE}, timeout=1)
    except DeadlineExceeded:
        rig.say(f"the maker makes things until {prefix} is over")
    try:
        yield
    finally:
        rig.database("maker")["finished"].insert_one({"_id": prefix})


def adopt(rig: Rig) -> None:
    """What the maker made by itself has no client to say so: what is stored has to be told."""
    known = rig.journal.outcomes
    known.update({key: OK for key in rig.stored() if key not in known})


def memory_alarm(rig: Rig) -> Iterator[None]:
    rig.servers.tell_broker("vm_memory_monitor set_vm_memory_high_watermark [{absolute, 1000000}]")
    rig.wait_until(lambda: has_alarm(rig, "mem_alarm"), "the memory alarm", SECONDS_FOR_AN_ALARM)
    try:
        yield
    finally:
        rig.servers.tell_broker('vm_memory_monitor set_vm_memory_high_watermark [{absolute, "1GB"}]')


def disk_alarm(rig: Rig) -> Iterator[None]:
    rig.servers.tell_broker('rabbit_disk_monitor set_disk_free_limit ["1000000GB"]')
    rig.wait_until(lambda: has_alarm(rig, "disk_free_alarm"), "the disk alarm", SECONDS_FOR_AN_ALARM)
    try:
        yield
    finally:
        rig.servers.tell_broker('rabbit_disk_monitor set_disk_free_limit ["200MB"]')


def frozen(rig: Rig) -> Iterator[None]:
    rig.servers.send("rabbitmq", signal.SIGSTOP)
    try:
        yield
    finally:
        rig.servers.send("rabbitmq", signal.SIGCONT)


def has_alarm(rig: Rig, name: str) -> bool:
    """As the broker says itself, whose statistics are some seconds old."""
    return any(node.get(name) for node in rig.servers.api("GET", "/nodes").json())
