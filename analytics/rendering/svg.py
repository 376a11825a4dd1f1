"""A time series as bars, in SVG: no script, nothing loaded, readable aloud, in light and in dark.

Everything that is written into it is escaped, and comes from our own names, ids and numbers besides.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from textwrap import wrap

from analytics.domain import Point, Timeseries
from analytics.rendering.plot import Bar, Plot, amount, label, meaning, span, title

WIDTH, HEIGHT = 720, 340
LEFT, RIGHT, TOP, BOTTOM = 110, 16, 64, 72
PLOT_WIDTH, PLOT_HEIGHT = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
LETTERS_PER_LINE = 112

# Ink on paper and the bars on it are at least 4.5 and 3 to 1 in contrast, in both.
LIGHT = {"paper": "#ffffff", "ink": "#1c2230", "faint": "#5c6478", "line": "#d5d9e2", "bar": "#3957d6"}
DARK = {"paper": "#12161f", "ink": "#eceff6", "faint": "#a2abbf", "line": "#2c3444", "bar": "#8ea4ff"}
THEMES = ("auto", "light", "dark")


def draw(timeseries: Timeseries, theme: str = "auto") -> str:
    plot = Plot.of(timeseries.points)
    name = f"gt-{timeseries.metric}-{timeseries.bucket}"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
            f'height="{HEIGHT}" class="gt-chart gt-{theme}" role="img" '
            f'aria-labelledby="{name}-title {name}-desc" '
            'font-family="system-ui, sans-serif" font-size="12">',
            f'<title id="{name}-title">{escape(title(timeseries))}</title>',
            f'<desc id="{name}-desc">{escape(description(timeseries))}</desc>',
            f"<style>{style(theme)}</style>",
            f'<rect class="gt-paper" width="{WIDTH}" height="{HEIGHT}"/>',
            text(16, 26, title(timeseries), "gt-ink", size=16),
            text(16, 46, subtitle(timeseries), "gt-faint"),
            *grid(timeseries, plot),
            *(bar(timeseries, one) for one in plot.bars() if one.point.value),
            *labels(timeseries, plot),
            *definition(timeseries),
            "</svg>\n",
        ]
    )


def description(timeseries: Timeseries) -> str:
    """What somebody is told who does not see the bars."""
    highest = max(timeseries.points, key=lambda point: point.value)
    most = (
        f"The highest value is {value_of(timeseries, highest)}." if highest.value else "There are no figures."
    )
    return f"{subtitle(timeseries)}. {most} {meaning(timeseries.definitions[timeseries.metric])}"


def subtitle(timeseries: Timeseries) -> str:
    total = sum(point.value for point in timeseries.points)
    shown = amount(timeseries.metric, timeseries.currency, total)
    scope = timeseries.scope
    return f"{scope.kind} {scope.id}, {span(timeseries.period)}, total {shown}"


def value_of(timeseries: Timeseries, point: Point) -> str:
    return f"{amount(timeseries.metric, timeseries.currency, point.value)} at {point.at:%Y-%m-%d %H:%M} UTC"


def grid(timeseries: Timeseries, plot: Plot) -> Iterator[str]:
    for tick in plot.ticks:
        y = TOP + plot.share(tick) * PLOT_HEIGHT
        yield f'<path class="gt-line" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>'
        written = amount(timeseries.metric, timeseries.currency, tick)
        yield text(LEFT - 8, y + 4, written, "gt-faint", anchor="end")
    if plot.is_empty:
        middle = LEFT + PLOT_WIDTH / 2
        yield text(middle, TOP + PLOT_HEIGHT / 2, "No figures in this period", "gt-ink", anchor="middle")


def bar(timeseries: Timeseries, one: Bar) -> str:
    """Its title is what a browser shows under the pointer."""
    x, width = LEFT + one.left * PLOT_WIDTH, one.width * PLOT_WIDTH
    y, height = TOP + one.top * PLOT_HEIGHT, one.height * PLOT_HEIGHT
    return (
        f'<rect class="gt-bar" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}">'
        f"<title>{escape(value_of(timeseries, one.point))}</title></rect>"
    )


def labels(timeseries: Timeseries, plot: Plot) -> Iterator[str]:
    for one in plot.labelled():
        x = LEFT + (one.left + one.width / 2) * PLOT_WIDTH
        written = label(timeseries.bucket, one.point.at)
        yield text(x, HEIGHT - BOTTOM + 18, written, "gt-faint", anchor="middle")


def definition(timeseries: Timeseries) -> Iterator[str]:
    lines = wrap(meaning(timeseries.definitions[timeseries.metric]), LETTERS_PER_LINE)
    for index, line in enumerate(lines):
        yield text(16, HEIGHT - 28 + 15 * index, line, "gt-faint", size=11)


def text(x: float, y: float, content: str, kind: str, *, size: int = 12, anchor: str = "start") -> str:
    return (
        f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}">'
        f"{escape(content)}</text>"
    )


def style(theme: str) -> str:
    """Inside a page the rules are the page's as well, so their names are ours and the theme's."""
    if theme == "auto":
        return f"{rules(theme, LIGHT)}@media(prefers-color-scheme:dark){{{rules(theme, DARK)}}}"
    return rules(theme, DARK if theme == "dark" else LIGHT)


def rules(theme: str, colours: dict[str, str]) -> str:
    return "".join(
        f".gt-{theme} .gt-{name}{{{'stroke' if name == 'line' else 'fill'}:{colour}}}"
        for name, colour in colours.items()
    )
