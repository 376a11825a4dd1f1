"""Runs the rows that were asked for and the same without each guard, and writes down what they found."""

from __future__ import annotations

import json
import logging
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from compose import table
from compose.chaos.rig import Rig
from compose.chaos.row import Findings, PlatformRow, Row, Trial
from compose.chaos.servers import Servers, private_stack
from compose.chaos.table import PLATFORM_ROWS, ROWS
from compose.errors import ComposeError
from compose.layout import REPOSITORY
from compose.progress import say
from compose.stack import Stack

RESULTS = REPOSITORY / ".run" / "chaos.json"
SEEDS = 1_000_000
HEADER = ("row", "kept", "without its guards", "seconds", "figures")


def run(wanted: Sequence[str], environ: Mapping[str, str]) -> int:
    """1 when a promise was broken, or was kept without the guard that keeps it: that test proves nothing."""
    order = [*(row.name for row in ROWS), *(row.name for row in PLATFORM_ROWS)]
    names = list(wanted) or order
    if unknown := [name for name in names if name not in order]:
        raise ComposeError(f"There is no row {', '.join(unknown)}; there are {', '.join(order)}.")
    seed = number("SEED", environ) or random.randrange(1, SEEDS)  # noqa: S311  It is printed, not hidden.
    count = number("COUNT", environ)
    # That the client's connections break is what this is about.
    logging.getLogger("chassis").setLevel(logging.ERROR)
    say(f"SEED={seed} repeats this run")
    found: list[dict[str, Any]] = []
    for result in results(names, environ, seed, count):
        found.append(result)
        write(RESULTS, seed, found, order)
    print(table.render([HEADER, *map(line, found)]))
    print(f"Written to {RESULTS.relative_to(REPOSITORY)}; SEED={seed} repeats this run", flush=True)
    return 0 if all(result["kept"] and result["sensitive"] for result in found) else 1


def results(
    names: Sequence[str], environ: Mapping[str, str], seed: int, count: int
) -> Iterator[dict[str, Any]]:
    """Each as soon as it is there. The rows of a kind share their servers."""
    small = [replace(row, count=count or row.count) for row in ROWS if row.name in names]
    large = [replace(row, count=count or row.count) for row in PLATFORM_ROWS if row.name in names]
    if small:
        with private_stack(environ, whole=False) as stack:
            for row in small:
                yield tried(row, Servers.of_stack(stack), stack.layout.logs / "chaos", seed)
    if large:
        with private_stack(environ, whole=True) as stack:
            for whole in large:
                yield played(whole, stack, seed)


def played(row: PlatformRow, stack: Stack, seed: int) -> dict[str, Any]:
    started = time.monotonic()

    def once(label: str, guard: str = "") -> Findings:
        count = row.count_without_guard if guard else row.count
        return row.run(stack, Trial(seed, count, guard, lambda text: say(f"{label}: {text}")))

    findings = once(row.name)
    tell(row.name, findings)
    without = {
        guard: judged(row.name, guard, once(f"{row.name} without {guard}", guard)) for guard in row.guards
    }
    return result_of(row.name, row.promise, findings, without, started)


def tried(row: Row, servers: Servers, folder: Path, seed: int) -> dict[str, Any]:
    """The row as it is, and once without each of its guards."""
    started = time.monotonic()
    findings = one_run(row, row.count, servers, folder, seed)
    tell(row.name, findings)
    without = {guard: without_guard(row, guard, servers, folder, seed) for guard in row.guards}
    return result_of(row.name, row.promise, findings, without, started)


def tell(name: str, findings: Findings) -> None:
    say(f"{name}: {'kept' if not findings.violations else 'BROKEN'} {findings.figures}")
    for violation in findings.violations:
        say(f"{name}: {violation}")


def result_of(
    name: str, promise: str, findings: Findings, without: Mapping[str, Mapping[str, Any]], started: float
) -> dict[str, Any]:
    return {
        "name": name,
        "promise": promise,
        "kept": not findings.violations,
        "sensitive": all(run["failed"] for run in without.values()),
        "seconds": round(time.monotonic() - started, 1),
        **asdict(findings),
        "without": dict(without),
    }


def without_guard(row: Row, guard: str, servers: Servers, folder: Path, seed: int) -> dict[str, Any]:
    return judged(row.name, guard, one_run(row, row.count_without_guard, servers, folder, seed, guard))


def judged(name: str, guard: str, findings: Findings) -> dict[str, Any]:
    failed = bool(findings.violations)
    say(f"{name} without {guard}: {'fails, as it has to' if failed else 'IS KEPT, which proves nothing'}")
    return {"failed": failed, **asdict(findings)}


def one_run(row: Row, count: int, servers: Servers, folder: Path, seed: int, guard: str = "") -> Findings:
    """A row that can't even go on has broken its promise too."""
    label = f"{row.name} without {guard}" if guard else row.name
    with Rig(servers, folder, seed, guard, lambda text: say(f"{label}: {text}")) as rig:
        try:
            return row.run(rig, count)
        except ComposeError as error:
            return Findings(rig.journal.figures(), [str(error)])


def write(path: Path, seed: int, found: Sequence[Mapping[str, Any]], order: Sequence[str]) -> None:
    """Results of rows that were not asked for stay, each with the seed and the time of its own run."""
    known = {row["name"]: row for row in json.loads(path.read_text())["rows"]} if path.exists() else {}
    at = datetime.now(UTC).isoformat(timespec="seconds")
    known.update({row["name"]: {**row, "seed": seed, "at": at} for row in found})
    path.parent.mkdir(exist_ok=True)
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps({"rows": [known[name] for name in order if name in known]}, indent=1) + "\n")
    draft.replace(path)


def line(result: Mapping[str, Any]) -> tuple[str, ...]:
    figures = ", ".join(f"{name} {value}" for name, value in result["figures"].items())
    guards = ", ".join(
        f"{guard} {'fails' if run['failed'] else 'IS KEPT'}" for guard, run in result["without"].items()
    )
    kept = "yes" if result["kept"] else "NO"
    return (result["name"], kept, guards, str(result["seconds"]), figures)


def number(variable: str, environ: Mapping[str, str]) -> int:
    try:
        return int(environ.get(variable) or 0)
    except ValueError:
        raise ComposeError(f"{variable} has to be a whole number.") from None
