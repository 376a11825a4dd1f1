"""A service's process that is ours and not the supervisor's: it dies where we say, and stays dead as long."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from types import TracebackType

from chassis import failpoints
from compose import environment, programs, readiness
from compose.chaos import guards
from compose.errors import ComposeError
from compose.layout import REPOSITORY
from compose.stack import Stack
from compose.supervisor import INHERITED, MARK, Supervisor

SECONDS_TO_START = 60.0


class OwnProcess:
    """Between entering and leaving nobody but us starts this service."""

    def __init__(self, stack: Stack, service: str, guard_off: str = "") -> None:
        self._stack, self._service, self._guard_off = stack, service, guard_off
        self._supervisor = Supervisor(stack.layout)
        self._child: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> OwnProcess:
        self._supervisor.stop({self._service})
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()
        self._supervisor.start([self._service])

    def restart(self, point: str = "") -> subprocess.Popen[bytes]:
        """Kill the process that there is; return the next one, which dies at `point`, once it is ready."""
        self._end()
        self._child = self._start(point)
        program = programs.service(self._service, self._stack)
        give_up = time.monotonic() + SECONDS_TO_START
        while readiness.answer(program) and self._child.poll() is None:
            if time.monotonic() > give_up:
                raise ComposeError(f"{self._service} was not ready in {SECONDS_TO_START:.0f} s")
            time.sleep(0.1)
        return self._child

    def _start(self, point: str) -> subprocess.Popen[bytes]:
        inherited = {key: os.environ[key] for key in INHERITED if key in os.environ}
        own = {
            guards.VARIABLE: self._guard_off,
            failpoints.VARIABLE: point,
            MARK: str(self._stack.layout.run_dir),
        }
        with (self._stack.layout.logs / f"{self._service}-chaos.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "compose.chaos.guarded", self._service],
                cwd=REPOSITORY,
                env={**inherited, **environment.of_process(self._service, self._stack), **own},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def _end(self) -> None:
        if self._child is not None:
            self._child.kill()
            self._child.wait()
