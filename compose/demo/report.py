"""What the demo prints while it runs, the table at its end, and the same as JSON."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any


class Report:
    """Collects what happened, in order."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self.rows: list[tuple[str, str]] = []
        self.figures: dict[str, Any] = {}

    def step(self, text: str) -> None:
        """Say what is being done now."""
        print(f"[{time.monotonic() - self._started:5.1f} s] {text}", flush=True)

    def row(self, what: str, result: object) -> None:
        """Add a line to the table."""
        self.rows.append((what, str(result)))

    def table(self) -> str:
        width = max(len(what) for what, _ in self.rows)
        rule = "-" * (width + 2 + max(len(result) for _, result in self.rows))
        lines = [f"{what.ljust(width)}  {result}" for what, result in self.rows]
        return "\n".join([rule, *lines, rule])

    def save(self, target: Path, ok: bool, differences: list[str]) -> None:
        result = {
            "ok": ok,
            "seconds": round(time.monotonic() - self._started, 1),
            "differences": differences,
            "figures": self.figures,
            "table": [{"what": what, "result": result} for what, result in self.rows],
        }
        target.write_text(json.dumps(result, indent=2) + "\n")


def money(amount_minor: int) -> str:
    return f"{amount_minor // 100:,}.{amount_minor % 100:02d} USD"
