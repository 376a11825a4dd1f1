"""The monthly report to print: figures beside those of the month before, a chart, parts, what each means."""

from __future__ import annotations

from analytics.domain import MONEY_METRICS, Comparison, Figures, MonthlyReport, Summary
from analytics.rendering.plot import NAMES, Bar, Plot, amount, label, meaning, title
from chassis.pdf import FAINT, INK, LINE_HEIGHT, Paper

FIGURE_WIDTHS = (38, 38, 22)
PART_WIDTHS = (24, 24, 30, 40)
FUNNEL_WIDTH = 30
CHART_HEIGHT, AXIS_WIDTH, LABEL_HEIGHT = 50.0, 22.0, 6.0
LINE, BAR = (213, 217, 226), (57, 87, 214)
NOTHING = "-"


def render(report: MonthlyReport) -> bytes:
    paper = Paper(heading(report), creator="Gametriggers", at=report.at)
    paper.heading(heading(report))
    paper.line(f"{report.scope.kind.capitalize()}: {report.scope.id}")
    paper.line(status(report))
    for index, summary in enumerate(report.summaries):
        figures(paper, summary, MONEY_METRICS if index else tuple(NAMES))
    chart(paper, report)
    parts(paper, report)
    funnel(paper, report)
    definitions(paper, report)
    return paper.bytes()


def heading(report: MonthlyReport) -> str:
    return f"Monthly report, {report.month.since:%B %Y}"


def status(report: MonthlyReport) -> str:
    if report.is_over:
        return "The whole month, in UTC. A showing that arrives late still counts."
    return f"The month so far, in UTC, as of {report.at:%Y-%m-%d %H:%M}."


def figures(paper: Paper, summary: Summary, metrics: tuple[str, ...]) -> None:
    paper.gap()
    before = summary.previous.period.since.strftime("%B") if summary.previous else NOTHING
    named = f"Figures, money in {summary.figures.currency}"
    paper.row([named, "This month", before, "Change"], FIGURE_WIDTHS, bold=True)
    for metric in metrics:
        then = summary.previous.figures if summary.previous else None
        cells = [figure(summary.figures, metric), figure(then, metric), change(summary.previous, metric)]
        paper.row([NAMES[metric], *cells], FIGURE_WIDTHS)


def figure(figures: Figures | None, metric: str) -> str:
    value = None if figures is None else getattr(figures, metric)
    return NOTHING if figures is None or value is None else amount(metric, figures.currency, value)


def change(previous: Comparison | None, metric: str) -> str:
    percent = previous.change_percent[metric] if previous else None
    return NOTHING if percent is None else f"{percent:+,} %"


def chart(paper: Paper, report: MonthlyReport) -> None:
    paper.gap()
    paper.keep_together(LINE_HEIGHT + CHART_HEIGHT + LABEL_HEIGHT)
    paper.heading(title(report.days), size=13)
    pdf, days = paper.pdf, report.days
    plot = Plot.of(days.points)
    left, top, width = pdf.l_margin + AXIS_WIDTH, pdf.get_y() + 2, paper.width - AXIS_WIDTH
    pdf.set_font("Helvetica", size=8)
    pdf.set_text_color(*FAINT)
    pdf.set_draw_color(*LINE)
    pdf.set_fill_color(*BAR)
    for tick in plot.ticks:
        y = top + plot.share(tick) * CHART_HEIGHT
        pdf.line(left, y, left + width, y)
        pdf.set_xy(pdf.l_margin, y - 2)
        pdf.cell(AXIS_WIDTH - 2, 4, amount(days.metric, days.currency, tick), align="R")
    for bar in (bar for bar in plot.bars() if bar.point.value):
        x, y = left + bar.left * width, top + bar.top * CHART_HEIGHT
        pdf.rect(x, y, bar.width * width, bar.height * CHART_HEIGHT, style="F")
    for bar in plot.labelled():
        pdf.set_xy(middle(bar, left, width) - 10, top + CHART_HEIGHT + 1)
        pdf.cell(20, 4, label(days.bucket, bar.point.at), align="C")
    pdf.set_xy(pdf.l_margin, top + CHART_HEIGHT + LABEL_HEIGHT)
    pdf.set_draw_color(0)
    pdf.set_text_color(*INK)


def middle(bar: Bar, left: float, width: float) -> float:
    return left + (bar.left + bar.width / 2) * width


def parts(paper: Paper, report: MonthlyReport) -> None:
    shown = report.parts
    if not shown.parts:
        return
    paper.gap()
    most = " (the ten with the most showings)" if shown.truncated else ""
    paper.row([f"By {shown.by}{most}", "Rendered", "Qualified", "Impressions", "Net"], PART_WIDTHS, bold=True)
    for part in shown.parts:
        metrics = ("rendered", "qualified", "viewer_impressions", "net_minor")
        paper.row([part.key, *(figure(part.figures, metric) for metric in metrics)], PART_WIDTHS)


def funnel(paper: Paper, report: MonthlyReport) -> None:
    paper.gap()
    paper.keep_together((1 + len(report.funnel.definitions)) * LINE_HEIGHT)
    paper.row(["Participations since the beginning", "Count"], [FUNNEL_WIDTH], bold=True)
    steps = report.funnel.funnel
    for step in report.funnel.definitions:
        paper.row([step.capitalize(), f"{getattr(steps, step):,}"], [FUNNEL_WIDTH])


def definitions(paper: Paper, report: MonthlyReport) -> None:
    paper.gap()
    paper.heading("What the figures mean", size=13)
    for metric, definition in report.summaries[0].definitions.items():
        paper.small_print(f"{NAMES[metric]}: {meaning(definition)}")
    for step, definition in report.funnel.definitions.items():
        paper.small_print(f"{step.capitalize()}: {definition}")
