"""Rows as CSV (RFC 4180): a header row, CRLF, quotes where a cell needs them."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from io import StringIO

from analytics.domain import METRICS, Export, Row
from chassis.times import rfc3339

# A spreadsheet takes a cell that begins with one of these for a formula, and runs it.
BEGIN_FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n")


def write(export: Export) -> str:
    """The rows of one page; only the first page has the header row, so that pages can be joined."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    if export.is_first:
        writer.writerow(header(export))
    writer.writerows(list(cells(export, row)) for row in export.rows)
    return text.getvalue()


def header(export: Export) -> list[str]:
    split = [export.by] if export.by else []
    return ["at", "bucket", f"{export.scope.kind}_id", *split, *METRICS, "currency"]


def cells(export: Export, row: Row) -> Iterator[str | int | None]:
    """Numbers are ours and stay numbers; money that cannot be attributed is an empty cell."""
    yield rfc3339(row.at)
    yield export.bucket
    yield harmless(export.scope.id)
    if export.by:
        yield harmless(row.key)
    for metric in METRICS:
        yield getattr(row.figures, metric)
    yield harmless(export.currency)


def harmless(cell: str) -> str:
    """The apostrophe makes a text of it again."""
    return f"'{cell}" if cell.startswith(BEGIN_FORMULAS) else cell
