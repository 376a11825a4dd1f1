"""Carries out what the schedule says, and measures how long it takes until the flow is back."""

from __future__ import annotations

import os
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from signal import SIGCONT, SIGKILL, SIGSTOP
from subprocess import DEVNULL, run
from typing import Any

from compose.chaos.proxy import Proxy
from compose.chaos.schedule import CABLE, DISK, FREEZE, KILL, MEMORY, Blow
from compose.names import GATEWAY
from compose.operations.access import Access
from compose.stack import Stack
from compose.supervisor import Supervisor

SECONDS_TO_RETURN = 60.0
SECONDS_OF_DELAY = 0.1


class Blows:
    """`asks` says for each victim whether a client is answered at this moment."""

    def __init__(
        self, stack: Stack, proxy: Proxy, asks: Callable[[str], bool], say: Callable[[str], None]
    ) -> None:
        self._stack, self._proxy, self._asks, self._say = stack, proxy, asks, say
        self._access = Access.of(stack)
        self._watchers: list[threading.Thread] = []
        self.recoveries: dict[str, list[float]] = defaultdict(list)
        self.struck = 0

    def strike(self, blows: list[Blow], stopped: threading.Event) -> None:
        """All of them, until told to stop; then wait for what is not back yet."""
        for number, blow in enumerate(blows):
            if stopped.wait(blow.after):
                return
            self._say(f"{number + 1} of {len(blows)}: {blow.kind} {blow.fault} {blow.victim}")
            self._inflict(blow, stopped)
            self.struck += 1
        for watcher in self._watchers:
            watcher.join()

    def _inflict(self, blow: Blow, stopped: threading.Event) -> None:
        if blow.kind == KILL:
            self._kill(blow.victim)
            watcher = threading.Thread(target=self._watch_return, args=(blow.victim, stopped), daemon=True)
            watcher.start()
            self._watchers.append(watcher)
            return
        with self._suffering(blow):
            stopped.wait(blow.seconds)

    @contextmanager
    def _suffering(self, blow: Blow) -> Iterator[None]:
        ways: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
            FREEZE: (lambda: self._send(blow.victim, SIGSTOP), lambda: self._send(blow.victim, SIGCONT)),
            MEMORY: (
                lambda: self._control("set_vm_memory_high_watermark", "absolute", "1MB"),
                lambda: self._control("set_vm_memory_high_watermark", "absolute", "1GB"),
            ),
            DISK: (
                lambda: self._control("set_disk_free_limit", "1000000GB"),
                lambda: self._control("set_disk_free_limit", "200MB"),
            ),
            CABLE: (
                lambda: self._proxy.disturb(blow.victim, blow.fault, SECONDS_OF_DELAY),
                lambda: self._proxy.heal(blow.victim),
            ),
        }
        begin, end = ways[blow.kind]
        begin()
        try:
            yield
        finally:
            end()

    def _kill(self, victim: str) -> None:
        """Of the gateway one worker, which its master replaces; any other is the supervisor's to start."""
        if victim != GATEWAY:
            self._send(victim, SIGKILL)
            return
        master = Supervisor(self._stack.layout).details()[GATEWAY]["pid"]
        workers = Path(f"/proc/{master}/task/{master}/children").read_text().split()
        os.kill(int(workers[0]), SIGKILL)

    def _send(self, victim: str, number: Any) -> None:
        """One that is dead already, because another blow came first, has nothing to lose."""
        pid = Supervisor(self._stack.layout).details()[victim]["pid"]
        if pid:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                self._say(f"{victim} was down already")

    def _control(self, *arguments: str) -> None:
        """A broker that is down at this moment forgets its alarm when it starts."""
        command = [*self._access.broker_cli, *arguments]
        environment = dict(self._access.broker_environment)
        run(command, env=environment, stdin=DEVNULL, capture_output=True, check=False, timeout=30)

    def _watch_return(self, victim: str, stopped: threading.Event) -> None:
        started = time.monotonic()
        while not self._asks(victim) and time.monotonic() - started < 2 * SECONDS_TO_RETURN:
            if stopped.wait(0.1):
                return
        self.recoveries[victim].append(time.monotonic() - started)
