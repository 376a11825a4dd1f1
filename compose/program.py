"""One program of a stack, as supervisord has to run it and as readiness has to ask for it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

SHORTEST_UP_SECONDS = 1
SECONDS_TO_STOP = 20


@dataclass(frozen=True)
class Program:
    """`ready` raises (anything) while the program does not answer yet."""

    name: str
    command: tuple[str, ...]
    directory: Path
    ready: Callable[[], None]
    environment: Mapping[str, str] = field(default_factory=dict)
    port_variables: tuple[str, ...] = ()
    address: str = ""
    user: str | None = None
    priority: int = 100
    seconds_to_stop: int = SECONDS_TO_STOP
