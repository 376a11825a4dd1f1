"""`make test`: every suite in a pytest process of its own, on an infrastructure that the tests alone use."""

import fcntl
import os
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from compose import lifecycle, presets, table
from compose.errors import ComposeError
from compose.layout import REPOSITORY, Layout
from compose.names import GATEWAY, SERVICES
from compose.ports import AUTOMATIC
from compose.progress import say
from compose.stack import Stack

SUITES = ("chassis", *SERVICES, GATEWAY, "compose")
AT_ONCE = 2
# The longest suites come first, so that a short one and not a long one is what everybody waits for.
STARTED_FIRST = ("compose", "chassis")
SECONDS_PER_SUITE = 1200


@dataclass(frozen=True)
class Result:
    suite: str
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: float = 0.0
    complaint: str = ""

    @property
    def is_good(self) -> bool:
        return not self.failed and not self.complaint


def run(only: str, environ: Mapping[str, str]) -> int:
    """Prints a line per suite and the totals; 1 on any failure, also of a suite that collected nothing."""
    if only and only not in SUITES:
        raise ComposeError(f"There is no suite {only!r}; there are {', '.join(SUITES)}.")
    suites = [only] if only else sorted(SUITES, key=lambda name: name not in STARTED_FIRST)
    with test_infrastructure(environ) as stack:
        results = run_suites(suites, stack, environ)
    report(sorted(results, key=lambda result: SUITES.index(result.suite)))
    return 0 if all(result.is_good for result in results) else 1


@contextmanager
def test_infrastructure(environ: Mapping[str, str]) -> Iterator[Stack]:
    """Private servers that several runs in one clone share; the last run to end removes them.

    A test that was killed leaves virtual hosts and databases behind, so nothing is kept for the next run.
    """
    own = {**without_presets(environ), "RUN_DIR": ".run/test", "PORT_OFFSET": AUTOMATIC}
    layout = Layout.of(own)
    layout.create()
    with (layout.run_dir / "users.lock").open("w") as users:
        fcntl.flock(users, fcntl.LOCK_SH)
        try:
            yield lifecycle.up(own, infrastructure_only=True)
        finally:
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
    unwanted = {*presets.VARIABLES, "RUN_DIR", "PORT_OFFSET"}
    return {
        key: value
        for key, value in environ.items()
        if key not in unwanted and not key.endswith("_PORT") and not key.startswith("HEALTH_PORT_")
    }


def run_suites(suites: Sequence[str], stack: Stack, environ: Mapping[str, str]) -> list[Result]:
    environment = {**without_presets(environ), **stack.server_environment()}
    results = []
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for finished in as_completed(
            [pool.submit(run_suite, suite, stack.layout, environment) for suite in suites]
        ):
            result, output = finished.result()
            results.append(result)
            say(f"{result.suite}: {line_of(result)} ({len(results)} of {len(suites)} suites)")
            if not result.is_good:
                print(output, flush=True)
    return results


def run_suite(suite: str, layout: Layout, environment: Mapping[str, str]) -> tuple[Result, str]:
    """Its own file while it runs, because another run in this clone may be writing the same suite's."""
    draft = layout.run_dir / f"{suite}.{os.getpid()}.xml"
    started = time.monotonic()
    output, status = run_pytest(suite, draft, environment)
    seconds = time.monotonic() - started
    if not draft.exists():
        return Result(suite, seconds=seconds, complaint=f"pytest ended with status {status}"), output
    result = read_result(suite, draft, status, seconds)
    draft.replace(layout.run_dir / f"{suite}.xml")
    return result, output


def run_pytest(suite: str, results: Path, environment: Mapping[str, str]) -> tuple[str, int]:
    command = [sys.executable, "-m", "pytest", f"{suite}/tests", "-q", f"--junitxml={results}"]
    try:
        done = subprocess.run(
            command,
            cwd=REPOSITORY,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=SECONDS_PER_SUITE,
            check=False,
        )
    except subprocess.TimeoutExpired as late:
        return f"{late.output or ''}\nNot finished after {SECONDS_PER_SUITE} s.", -1
    return done.stdout, done.returncode


def read_result(suite: str, path: Path, status: int, seconds: float) -> Result:
    """An error in a fixture counts as a failure. A run without tests is one too."""
    # The file was written by our own pytest a moment ago.
    totals = [element.attrib for element in ElementTree.parse(path).iter("testsuite")]  # noqa: S314
    tests, failures, errors, skipped = (
        sum(int(attributes.get(name, 0)) for attributes in totals)
        for name in ("tests", "failures", "errors", "skipped")
    )
    failed = failures + errors
    return Result(suite, tests - failed - skipped, failed, skipped, seconds, complaint(tests, failed, status))


def complaint(tests: int, failed: int, status: int) -> str:
    if not tests:
        return "it collected no test"
    return f"pytest ended with status {status}" if status and not failed else ""


def line_of(result: Result) -> str:
    counts = f"{result.passed} passed, {result.failed} failed"
    skipped = f", {result.skipped} skipped" if result.skipped else ""
    reason = f", FAILED: {result.complaint}" if result.complaint else ""
    return f"{counts}{skipped} in {result.seconds:.1f} s{reason}"


def report(results: Sequence[Result]) -> None:
    """The last line stands alone, so that whoever runs this finds the totals. A complaint counts as one."""
    print(table.render([("", result.suite, line_of(result)) for result in results]))
    print(totals_of(results), flush=True)


def totals_of(results: Sequence[Result]) -> str:
    passed = sum(result.passed for result in results)
    failed = sum(result.failed or bool(result.complaint) for result in results)
    skipped = sum(result.skipped for result in results)
    return f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else "")
