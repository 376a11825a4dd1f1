"""The processes of a row: started for it, waited for, and stopped after it."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from chassis.errors import Error
from chassis.rpc.client import RpcConnection
from compose.errors import ComposeError
from compose.layout import REPOSITORY
from compose.supervisor import MARK

SECONDS_TO_START = 40
SECONDS_TO_STOP = 10
LONGEST_ROUND = 180.0

STOCK_CONFIG = "compose/bench/stock/config.yml"
INHERITED = ("PATH", "LANG", "HOME", "TMPDIR")


class Fleet:
    """Starts processes that all use one broker; their output goes to a file each."""

    def __init__(self, logs: Path, environment: Mapping[str, str], run_dir: Path) -> None:
        self._logs = logs
        self._run_dir = run_dir
        self._environment = environment
        self._processes: dict[str, subprocess.Popen[str]] = {}
        self.rpc = RpcConnection(environment["AMQP_URI"], "bench")

    def ours(self, name: str, **environment: str) -> None:
        command = (sys.executable, "-m", "chassis", "run", f"compose.bench.ours.{name}")
        self._start(f"ours-{name}", command, environment)

    def stock(self, name: str, **environment: str) -> None:
        # `nameko run` puts the working directory on the path itself.
        command = ("nameko", "run", "--config", STOCK_CONFIG, f"compose.bench.stock.{name}")
        scripts = Path(sys.executable).parent
        self._start(f"stock-{name}", (str(scripts / command[0]), *command[1:]), environment)

    def raw(self, name: str) -> "Dialogue":
        return Dialogue(self._start(f"raw-{name}", (sys.executable, "-m", f"compose.bench.raw.{name}"), {}))

    def call(self, service: str, method: str, request: dict[str, Any]) -> Any:
        return self.rpc.call(service, method, request, timeout=LONGEST_ROUND)

    def wait_for(self, service: str, method: str, request: dict[str, Any]) -> None:
        """Until the service has answered once; a stock one is known to be up by nothing else."""

        def answers() -> bool:
            try:
                self.rpc.call(service, method, request, timeout=2)
            except Error:
                return False
            return True

        self.wait_until(answers, service)

    def wait_until(self, happened: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + SECONDS_TO_START
        while not happened():
            self._must_run()
            if time.monotonic() > deadline:
                raise ComposeError(f"{what} was not ready after {SECONDS_TO_START} s; see {self._logs}.")
            time.sleep(0.1)

    def pids(self, *names: str) -> list[int]:
        return [self._processes[name].pid for name in names]

    def stop(self) -> None:
        for process in self._processes.values():
            process.terminate()
        for process in self._processes.values():
            try:
                process.wait(SECONDS_TO_STOP)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._processes.clear()

    def close(self) -> None:
        self.stop()
        self.rpc.close()

    def _must_run(self) -> None:
        ended = [name for name, process in self._processes.items() if process.poll() is not None]
        if ended:
            raise ComposeError(f"{', '.join(ended)} ended; see {self._logs}.")

    def _start(
        self, name: str, command: Sequence[str], environment: Mapping[str, str]
    ) -> "subprocess.Popen[str]":
        inherited = {key: os.environ[key] for key in INHERITED if key in os.environ}
        with (self._logs / f"{name}.log").open("w") as output:
            self._processes[name] = subprocess.Popen(
                command,
                cwd=REPOSITORY,
                env={
                    **inherited,
                    "PYTHONPATH": str(REPOSITORY),
                    MARK: str(self._run_dir),
                    **self._environment,
                    **environment,
                },
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE if name == "raw-pinger" else output,
                stderr=output,
                text=True,
            )
        return self._processes[name]


class Dialogue:
    """A process that answers each line of JSON with one."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def ask(self, question: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        return self.read()

    def read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise ComposeError("the raw client ended")
        answer: dict[str, Any] = json.loads(line)
        return answer
