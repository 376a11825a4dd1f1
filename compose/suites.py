"""`make test`: every suite in a pytest process of its own, on an infrastructure that the tests alone use."""

import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from compose import lifecycle, presets, results, table
from compose.errors import ComposeError
from compose.layout import REPOSITORY, Layout
from compose.names import GATEWAY, SERVICES
from compose.ports import AUTOMATIC
from compose.progress import say
from compose.results import Result
from compose.stack import Stack

END_TO_END = "e2e"
CHAOS = "chaos"
SUITES = ("chassis", *SERVICES, GATEWAY, "compose", CHAOS, END_TO_END)
# The whole platform with a browser needs both cores, and has the deadlines of production: it runs alone.
# Chaos waits more than it works, so it runs beside others.
PATHS: Mapping[str, Sequence[str]] = {
    "compose": ("compose/tests", "--ignore=compose/tests/e2e", "--ignore=compose/tests/chaos"),
    CHAOS: ("compose/tests/chaos",),
    END_TO_END: ("compose/tests/e2e",),
}
# One more than there are cores on a small machine: a suite spends half of its time waiting. Four took longer.
AT_ONCE = 3
# The longest suites come first, so that a short one and not a long one is what everybody waits for.
STARTED_FIRST = (GATEWAY, "compose", "identity", "chassis", CHAOS, "payment", "campaign")
SECONDS_PER_SUITE = 1200
SECONDS_BETWEEN_LOOKS = 0.2
SECONDS_TO_STOP = 10


def run(only: str, environ: Mapping[str, str]) -> int:
    """Prints a line per suite and the totals; 1 on any failure, also of a suite that collected nothing."""
    if only and only not in SUITES:
        raise ComposeError(f"There is no suite {only!r}; there are {', '.join(SUITES)}.")
    suites = [only] if only else sorted(SUITES, key=turn)
    with test_infrastructure(environ) as stack:
        found = run_suites(suites, stack.layout, {**without_presets(environ), **stack.server_environment()})
    report(sorted(found, key=lambda result: SUITES.index(result.suite)))
    return 0 if all(result.is_good for result in found) else 1


def turn(suite: str) -> int:
    """When a suite starts: the long ones first, the one that runs alone last."""
    if suite in STARTED_FIRST:
        return STARTED_FIRST.index(suite)
    return len(STARTED_FIRST) + (suite == END_TO_END)


@contextmanager
def test_infrastructure(environ: Mapping[str, str]) -> Iterator[Stack]:
    """Private servers that several runs in one clone share; the last run to end removes them.

    A test that was killed leaves virtual hosts and databases behind, so nothing is kept for the next run.
    """
    own = {**without_presets(environ), "RUN_DIR": ".run/test", "PORT_OFFSET": AUTOMATIC}
    layout = Layout.of(own)
    layout.create()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with (layout.run_dir / "users.lock").open("w") as users:
        fcntl.flock(users, fcntl.LOCK_SH)
        try:
            yield lifecycle.up(own, infrastructure_only=True)
        finally:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            if is_last_user(users.fileno()):
                lifecycle.down(layout)
                layout.remove_data()
                say("The test infrastructure is stopped")


def is_last_user(descriptor: int) -> bool:
    """Holds the lock alone when it says yes, so that a run that begins now waits until all has stopped."""
    fcntl.flock(descriptor, fcntl.LOCK_UN)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def without_presets(environ: Mapping[str, str]) -> dict[str, str]:
    """Tests make and drop databases, so they never touch a server that somebody else runs."""
    unwanted = {*presets.VARIABLES, "RUN_DIR", "PORT_OFFSET", "TLS"}
    return {
        key: value
        for key, value in environ.items()
        if key not in unwanted and not key.endswith("_PORT") and not key.startswith("HEALTH_PORT_")
    }


@dataclass
class SuiteRun:
    """One suite's pytest. Its files carry our process id, because another run in this clone may write too."""

    suite: str
    folder: Path
    environment: Mapping[str, str]
    started: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.xml = self.folder / f"{self.suite}.{os.getpid()}.xml"
        self.output = self.folder / f"{self.suite}.{os.getpid()}.log"
        with self.output.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "pytest", *self.paths, "-q", f"--junitxml={self.xml}"],
                cwd=REPOSITORY,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    @property
    def paths(self) -> Sequence[str]:
        return PATHS.get(self.suite, (f"{self.suite}/tests",))

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.started

    def has_ended(self) -> bool:
        """A suite that hangs is ended here."""
        if self.seconds > SECONDS_PER_SUITE:
            self.stop()
        return self.process.poll() is not None

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(SECONDS_TO_STOP)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def result(self) -> tuple[Result, str]:
        """The counts and what pytest printed; both files are left under the suite's name."""
        found = results.read(self.suite, self.xml, self.process.returncode, self.seconds)
        text = self.output.read_text(errors="replace")
        for draft in (self.xml, self.output):
            if draft.exists():
                draft.replace(self.folder / f"{self.suite}{draft.suffix}")
        return found, text


def run_suites(suites: Sequence[str], layout: Layout, environment: Mapping[str, str]) -> list[Result]:
    """A few at a time. When it is interrupted, none goes on running."""
    waiting, running, found = list(suites), list[SuiteRun](), list[Result]()
    try:
        while waiting or running:
            while waiting and len(running) < (1 if waiting[0] == END_TO_END else AT_ONCE):
                running.append(SuiteRun(waiting.pop(0), layout.run_dir, environment))
            for ended in [suite_run for suite_run in running if suite_run.has_ended()]:
                running.remove(ended)
                result, output = ended.result()
                found.append(result)
                announce(result, output, f"{len(found)} of {len(suites)} suites")
            time.sleep(SECONDS_BETWEEN_LOOKS)
    finally:
        for suite_run in running:
            suite_run.stop()
    return found


def announce(result: Result, output: str, position: str) -> None:
    say(f"{result.suite}: {result} ({position})")
    if not result.is_good:
        print(output, flush=True)


def report(found: Sequence[Result]) -> None:
    """The last line stands alone, so that whoever runs this finds the totals."""
    print(table.render([("", result.suite, str(result)) for result in found]))
    print(results.totals(found), flush=True)
