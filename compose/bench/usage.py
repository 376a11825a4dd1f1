"""Processor time by program: unlike the clock, it does not depend on what else the machine is doing."""

import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from compose.bench.machine import family

TICKS = os.sysconf("SC_CLK_TCK")
OURSELVES = "load generator"


def milliseconds(programs: Mapping[str, int]) -> Counter[str]:
    """User and system time so far of each program, given by its first process, and of ourselves."""
    found = Counter({name: sum(map(_of, family(pid))) for name, pid in programs.items()})
    own = os.times()
    found[OURSELVES] = int(1000 * (own.user + own.system))
    return found


def _of(pid: int) -> int:
    """Of a process and those of its children that have ended; nothing of one that has just gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return 0
    return sum(map(int, fields[11:15])) * 1000 // TICKS
