"""The results as a chart: one pair of bars per row, ours and the peer's, drawn as SVG."""

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

WIDTH, LEFT, RIGHT = 900, 250, 190
BAR, GAP, TOP = 14, 22, 64
OURS, PEER, INK, FAINT = "#3957d6", "#b9bfce", "#1c2230", "#6a7285"


def write(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    path.write_text(draw(rows))


def draw(rows: Sequence[Mapping[str, Any]]) -> str:
    """Each row has a scale of its own, because calls, events and milliseconds can't share one."""
    height = TOP + len(rows) * (2 * BAR + GAP) + 20
    body = [group(row, TOP + index * (2 * BAR + GAP)) for index, row in enumerate(rows)]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
            'font-family="system-ui, sans-serif" font-size="12" role="img" '
            'aria-label="Benchmark results, ours against each peer">',
            f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
            text(20, 28, "Ours against the peer, medians", size=16, weight="600"),
            text(20, 46, "Each row has its own scale; ms: shorter is better, all else: longer.", FAINT),
            *body,
            "</svg>\n",
        ]
    )


def group(row: Mapping[str, Any], top: int) -> str:
    longest = max(row["ours_median"], row.get("peer_median", 0)) or 1
    parts = [
        text(20, top + BAR - 2, row["name"], weight="600"),
        text(20, top + 2 * BAR - 1, f"to reach {row['target']}: {'yes' if row['met'] else 'no'}", FAINT),
        bar(top, row["ours_median"] / longest, OURS, f"{short(row['ours_median'])} {row['unit']}"),
    ]
    if "peer_median" in row:
        label = f"{short(row['peer_median'])} {row['peer']}"
        parts.append(bar(top + BAR + 1, row["peer_median"] / longest, PEER, label))
        parts.append(text(WIDTH - 20, top + BAR - 2, f"{row['ratio']:.2f} ×", weight="600", anchor="end"))
    return "\n".join(parts)


def bar(top: int, share: float, colour: str, label: str) -> str:
    length = max(1.0, share * (WIDTH - LEFT - RIGHT - 20))
    rectangle = f'<rect x="{LEFT}" y="{top}" width="{length:.1f}" height="{BAR}" rx="2" fill="{colour}"/>'
    return rectangle + text(LEFT + length + 6, top + BAR - 3, label, FAINT)


def text(
    x: float,
    y: float,
    content: str,
    colour: str = INK,
    *,
    size: int = 12,
    weight: str = "400",
    anchor: str = "start",
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" fill="{colour}" font-size="{size}" font-weight="{weight}" '
        f'text-anchor="{anchor}">{escape(content)}</text>'
    )


def short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
