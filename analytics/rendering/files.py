"""What is rendered as files with names, made of our own words, ids and dates alone."""

from __future__ import annotations

import base64
from typing import Any

from analytics.domain import Export, MonthlyReport
from analytics.rendering import csv_text, pdf


def page(export: Export) -> dict[str, Any]:
    scope, period = export.scope, export.period
    filename = f"{scope.kind}-{scope.id}-{period.since:%Y%m%dT%H%M}-{period.until:%Y%m%dT%H%M}.csv"
    return {"export": export, "filename": filename, "content": csv_text.write(export)}


def printed(report: MonthlyReport) -> dict[str, str]:
    scope, encoded = report.scope, base64.b64encode(pdf.render(report)).decode()
    return {"filename": f"{scope.kind}-{scope.id}-{report.month.since:%Y-%m}.pdf", "content_base64": encoded}
