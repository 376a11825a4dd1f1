"""Runs the rows that were asked for and the same without each guard, and writes down what they found."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from compose import table
from compose.chaos.rig import Rig
from compose.chaos.row import Findings, Row
from compose.chaos.servers import Servers, private_servers
from compose.chaos.table import ROWS
from compose.errors import ComposeError
from compose.layout import REPOSITORY
from compose.progress import say

RESULTS = REPOSITORY / ".run" / "chaos.json"
SEEDS = 1_000_000
HEADER = ("row", "kept", "without its guards", "seconds", "figures")


def run(wanted: Sequence[str], environ: Mapping[str, str]) -> int:
    """1 when a promise was broken, or was kept without the guard that keeps it: that test proves nothing."""
    names = list(wanted) or [row.name for row in ROWS]
    known = {row.name: row for row in ROWS}
    if unknown := [name for name in names if name not in known]:
        raise ComposeError(f"There is no row {', '.join(unknown)}; there are {', '.join(known)}.")
    seed = number("SEED", environ) or random.randrange(1, SEEDS)  # noqa: S311  It is printed, not hidden.
    count = number("COUNT", environ)
    say(f"SEED={seed} repeats this run")
    found: list[dict[str, Any]] = []
    with private_servers(environ) as stack:
        for name in names:
            row = replace(known[name], count=count) if count else known[name]
            found.append(tried(row, Servers.of_stack(stack), stack.layout.logs / "chaos", seed))
            write(RESULTS, seed, found, list(known))
    print(table.render([HEADER, *map(line, found)]))
    print(f"Written to {RESULTS.relative_to(REPOSITORY)}; SEED={seed} repeats this run", flush=True)
    return 0 if all(result["kept"] and result["sensitive"] for result in found) else 1


def tried(row: Row, servers: Servers, folder: Path, seed: int) -> dict[str, Any]:
    """The row as it is, and once without each of its guards."""
    started = time.monotonic()
    findings = one_run(row, row.count, servers, folder, seed)
    say(f"{row.name}: {'kept' if not findings.violations else 'BROKEN'} {findings.figures}")
    for violation in findings.violations:
        say(f"{row.name}: {violation}")
    without = {guard: without_guard(row, guard, servers, folder, seed) for guard in row.guards}
    return {
        "name": row.name,
        "promise": row.promise,
        "kept": not findings.violations,
        "sensitive": all(run["failed"] for run in without.values()),
        "seconds": round(time.monotonic() - started, 1),
        **asdict(findings),
        "without": without,
    }


def without_guard(row: Row, guard: str, servers: Servers, folder: Path, seed: int) -> dict[str, Any]:
    findings = one_run(row, row.count_without_guard, servers, folder, seed, guard)
    failed = bool(findings.violations)
    say(f"{row.name} without {guard}: {'fails, as it has to' if failed else 'IS KEPT, which proves nothing'}")
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
