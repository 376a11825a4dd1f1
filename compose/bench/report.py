"""The results as a file and as lines for a terminal."""

import json
import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from compose.bench.measure import Row

HEADER = ("row", "ours", "peer", "unit", "ratio", "to reach", "")
LIBRARIES = ("nameko", "kombu", "amqp", "eventlet", "gevent", "gunicorn", "psycopg2-binary", "pymongo")


def write(path: Path, rows: Sequence[Row], order: Sequence[str]) -> None:
    """Put the rows into the file. Results of other rows stay; each says when and on what it was measured."""
    known = {row["name"]: row for row in read(path)["rows"]} if path.exists() else {}
    machine = described()
    known.update({row.name: row.to_dict() | {"measured": machine} for row in rows})
    kept = [known[name] for name in order if name in known]
    path.parent.mkdir(exist_ok=True)
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps({"rows": kept}, indent=1, ensure_ascii=False) + "\n")
    draft.replace(path)


def read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def described() -> dict[str, Any]:
    """Where and when: a figure without it says nothing."""
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "cores": os.cpu_count(),
        "load_before": round(os.getloadavg()[0], 2),
        "machine": platform.machine(),
        "python": platform.python_version(),
        "libraries": {name: found for name in LIBRARIES if (found := installed(name))},
    }


def installed(library: str) -> str:
    try:
        return version(library)
    except ModuleNotFoundError:
        return ""


def line(row: Row) -> tuple[str, ...]:
    peer, ratio = (figure(row.peer_median), f"{row.ratio:.2f}") if row.peer else ("", "")
    met = "reached" if row.is_met else "MISSED"
    return (row.name, figure(row.our_median), peer, row.unit, ratio, str(row.target), met)


def verdict(row: Row) -> str:
    compared = f"{row.ratio:.2f} times {row.peer_name}, " if row.peer else ""
    met = "reached" if row.is_met else "missed"
    details = f"; {row.details}" if row.details else ""
    return f"{compared}median {figure(row.our_median)} {row.unit}; to reach {row.target}: {met}{details}"


def figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
