"""What is handed out as files: rows for spreadsheets, pictures, pages to print."""

import csv
import re
import zlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any
from xml.etree import ElementTree

import pytest

from analytics import schemas
from analytics.domain import (
    MAX_BARS,
    BadPeriod,
    Export,
    Figures,
    Period,
    Point,
    Row,
    Scope,
    Timeseries,
    TooManyPoints,
    TooManyRows,
    change_percent,
)
from analytics.handlers import (
    ExportQuery,
    SummaryQuery,
    TimeseriesQuery,
    brand_scope,
    chart,
    export,
    monthly_report,
    record_business_events,
    reporting,
    summary,
)
from analytics.rendering import csv_text, files, pdf, svg
from analytics.rendering.plot import NAMES, Plot, round_numbers
from analytics.tests.fakes import MemorySeries
from analytics.tests.mothers import (
    ACME,
    CAMPAIGN,
    NOON,
    NOVA,
    ORION,
    THE_CAMPAIGN,
    a_delivery,
    an_earning,
    campaign_created,
    received,
)
from chassis.clock import FixedClock
from chassis.errors import Forbidden, ValidationFailed
from chassis.principal import Principal

SVG = "{http://www.w3.org/2000/svg}"
DAY = timedelta(days=1)
OCTOBER, NOVEMBER = (datetime(2026, month, 1, tzinfo=UTC) for month in (10, 11))


@pytest.fixture
def series() -> MemorySeries:
    """Nova at noon and Orion an hour later, one earning; and a single showing in October."""
    series = MemorySeries()
    record_business_events(series, [received("campaign_created", campaign_created())])
    series.add_deliveries([a_delivery(number) for number in range(6)])
    series.add_deliveries([a_delivery(60, ORION, platform="youtube")])
    series.add_deliveries([a_delivery(1, ORION, started_at=NOON - 30 * DAY, platform="youtube")])
    series.add_earnings([an_earning(1)])
    return series


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOON + timedelta(hours=2))


def read(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(text, newline="")))


def test_an_export_has_a_row_for_each_bucket_in_which_something_happened(
    series: MemorySeries, clock: FixedClock
) -> None:
    text = csv_text.write(export(series, clock, THE_CAMPAIGN, ExportQuery("hour")))

    first, second = read(text)
    assert first == {
        "at": "2026-11-23T12:00:00.000000Z",
        "bucket": "hour",
        "campaign_id": CAMPAIGN,
        "rendered": "6",
        "qualified": "4",
        "viewer_impressions": "40",
        "visible_ms": "54000",
        "gross_minor": "0",
        "platform_fee_minor": "0",
        "net_minor": "0",
        "currency": "USD",
    }
    assert (second["rendered"], second["net_minor"]) == ("1", "80")
    assert text.count("\r\n") == text.count("\n") == 3


def test_money_that_a_dimension_does_not_earn_is_an_empty_cell(
    series: MemorySeries, clock: FixedClock
) -> None:
    rows = read(csv_text.write(export(series, clock, THE_CAMPAIGN, ExportQuery("day", "platform"))))

    assert [(row["platform"], row["rendered"], row["net_minor"]) for row in rows] == [
        ("youtube", "1", ""),
        ("twitch", "6", ""),
        ("youtube", "1", ""),
    ]


def test_the_pages_of_an_export_join_to_one_file(
    series: MemorySeries, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    query = ExportQuery("day", "streamer")
    whole = csv_text.write(export(series, clock, THE_CAMPAIGN, query))
    monkeypatch.setattr(reporting, "ROWS_PER_PAGE", 1)

    pages = [export(series, clock, THE_CAMPAIGN, query)]
    while pages[-1].next_cursor:
        pages.append(export(series, clock, THE_CAMPAIGN, replace(query, cursor=pages[-1].next_cursor)))

    assert len(pages) == 3
    assert "".join(map(csv_text.write, pages)) == whole


def test_an_export_of_too_many_rows_says_what_to_change(
    series: MemorySeries, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("analytics.domain.reports.MAX_EXPORT_ROWS", 2)

    with pytest.raises(TooManyRows) as refusal:
        export(series, clock, THE_CAMPAIGN, ExportQuery("day", "streamer"))

    assert (refusal.value.status, list(refusal.value.extra["errors"])) == (422, ["bucket"])


@pytest.mark.parametrize("cursor", ["x", "WyJ4Il0", "WyJ0b2RheSIsIngiXQ"])
def test_a_cursor_that_is_none_of_ours_is_refused(
    series: MemorySeries, clock: FixedClock, cursor: str
) -> None:
    with pytest.raises(ValidationFailed):
        export(series, clock, THE_CAMPAIGN, ExportQuery("day", cursor=cursor))


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1"])
def test_no_cell_is_a_formula(name: str) -> None:
    row = Row(NOON, name, Figures("USD", net_minor=-5))
    page = Export(THE_CAMPAIGN, Period(NOON, NOON + DAY), "day", "creative", "USD", [row], True, None)

    (cells,) = read(csv_text.write(page))

    assert cells["creative"] == f"'{name}"
    # A number that we write is a number, also below nought.
    assert cells["net_minor"] == "-5"


def test_cells_with_separators_come_back_as_they_were() -> None:
    row = Row(NOON, 'a,"b"\r\nü', Figures("USD"))
    page = Export(THE_CAMPAIGN, Period(NOON, NOON + DAY), "day", "creative", "USD", [row], True, None)

    (cells,) = read(csv_text.write(page))

    assert cells["creative"] == 'a,"b"\r\nü'


def test_a_file_is_named_for_what_it_holds(series: MemorySeries, clock: FixedClock) -> None:
    page = files.page(export(series, clock, THE_CAMPAIGN, ExportQuery("day")))
    report = files.printed(monthly_report(series, clock, Scope("streamer", NOVA), OCTOBER))

    assert page["filename"] == f"campaign-{CAMPAIGN}-20260925T0000-20261124T0000.csv"
    assert report["filename"] == f"streamer-{NOVA}-2026-10.pdf"


def drawn(series: MemorySeries, clock: FixedClock, theme: str = "auto", **query: Any) -> Any:
    asked = TimeseriesQuery(**{"metric": "qualified", "bucket": "hour", **query})
    return ElementTree.fromstring(svg.draw(chart(series, clock, THE_CAMPAIGN, asked), theme))


def texts(root: Any) -> str:
    return "\n".join(element.text or "" for element in root.iter())


def test_a_chart_can_be_read_aloud(series: MemorySeries, clock: FixedClock) -> None:
    root = drawn(series, clock)

    named = root.attrib["aria-labelledby"].split()
    told = {element.get("id"): element.text for element in root if element.get("id")}
    assert root.attrib["role"] == "img"
    assert list(told) == named
    assert told[named[0]] == "Qualified showings per hour"
    assert "The highest value is 4 at 2026-11-23 12:00 UTC." in told[named[1]]
    assert "at least 1 continuous second" in told[named[1]]


def test_a_chart_has_a_bar_for_each_bucket_in_which_something_happened(
    series: MemorySeries, clock: FixedClock
) -> None:
    bars = drawn(series, clock).findall(f"{SVG}rect[@class='gt-bar']")

    assert [bar.findtext(f"{SVG}title") for bar in bars] == ["4 at 2026-11-23 12:00 UTC"]


def test_a_chart_shows_money_as_people_write_it(series: MemorySeries, clock: FixedClock) -> None:
    shown = texts(drawn(series, clock, metric="net_minor"))

    assert "total 0.80 USD" in shown
    assert "minor units" not in shown


def test_a_chart_of_nothing_says_so(series: MemorySeries, clock: FixedClock) -> None:
    root = drawn(series, clock, since=NOON - 90 * DAY, until=NOON - 80 * DAY, bucket="day")

    assert "No figures in this period" in texts(root)
    assert "There are no figures." in texts(root)


def test_a_chart_runs_and_loads_nothing(series: MemorySeries, clock: FixedClock) -> None:
    hostile = Scope("campaign", "\"><script>alert(1)</script>&<a href='javascript:x'>")
    asked = chart(series, clock, THE_CAMPAIGN, TimeseriesQuery("rendered", "hour"))

    root = ElementTree.fromstring(svg.draw(replace(asked, scope=hostile)))

    kinds = {element.tag.removeprefix(SVG) for element in root.iter()}
    attributes = {name for element in root.iter() for name in element.attrib}
    assert kinds <= {"svg", "title", "desc", "style", "rect", "path", "text"}
    assert not [name for name in attributes if name.startswith("on") or "href" in name]
    assert "url(" not in texts(root)
    assert hostile.id in texts(root)


@pytest.mark.parametrize(
    ("theme", "has_light", "has_dark"), [("auto", True, True), ("light", True, False), ("dark", False, True)]
)
def test_a_chart_is_light_or_dark_or_what_its_reader_prefers(
    series: MemorySeries, clock: FixedClock, theme: str, has_light: bool, has_dark: bool
) -> None:
    style = drawn(series, clock, theme).findtext(f"{SVG}style")

    assert (svg.LIGHT["paper"] in style, svg.DARK["paper"] in style) == (has_light, has_dark)
    assert ("prefers-color-scheme" in style) is (theme == "auto")
    assert schemas.THEMES == svg.THEMES


def test_a_chart_of_more_bars_than_can_be_seen_is_refused(series: MemorySeries, clock: FixedClock) -> None:
    since = NOON - timedelta(hours=MAX_BARS + 1)

    with pytest.raises(TooManyPoints):
        chart(series, clock, THE_CAMPAIGN, TimeseriesQuery("rendered", "hour", since, NOON))


@pytest.mark.parametrize(
    ("values", "ticks"),
    [
        ([0], [0, 1]),
        ([3], [0, 1, 2, 3]),
        ([59], [0, 20, 40, 60]),
        ([1_000_001], [0, 500_000, 1_000_000, 1_500_000]),
        ([-30, 10], [-40, -20, 0, 20]),
        ([-2], [-2, -1, 0]),
    ],
)
def test_an_axis_has_few_round_numbers_and_nought_among_them(values: list[int], ticks: list[int]) -> None:
    assert round_numbers(values) == ticks


def test_what_was_taken_back_hangs_below_nought() -> None:
    below, above = Plot.of([Point(NOON, -10), Point(NOON + DAY, 10)]).bars()

    assert below.top == above.top + above.height
    assert below.height == above.height > 0


def test_every_metric_has_a_name() -> None:
    assert tuple(NAMES) == schemas.METRICS


def printed(document: bytes) -> str:
    """The texts of a document, which fpdf2 writes compressed and as they are read."""
    pages = re.findall(rb"/FlateDecode[^>]*>>\s*stream\n(.*?)\nendstream", document, re.DOTALL)
    shown = b"".join(zlib.decompress(page) for page in pages)
    return "\n".join(text.decode("latin-1") for text in re.findall(rb"\((.*?)\) Tj", shown))


def test_a_report_sets_a_month_beside_the_one_before(series: MemorySeries, clock: FixedClock) -> None:
    report = monthly_report(series, clock, THE_CAMPAIGN, NOVEMBER)

    text = printed(pdf.render(report))

    previous = report.summaries[0].previous
    assert previous
    assert previous.period == Period(OCTOBER, NOVEMBER)
    assert "Monthly report, November 2026" in text
    assert f"Campaign: {CAMPAIGN}" in text
    assert "The month so far, in UTC, as of 2026-11-23 14:00." in text
    assert "Rendered showings\n7\n1\n+600 %" in text
    assert "Net earnings\n0.80 USD\n0.00 USD\n-" in text
    assert f"{NOVA}\n6\n4\n40\n0.80 USD" in text


def test_a_report_says_what_each_figure_means(series: MemorySeries, clock: FixedClock) -> None:
    text = printed(pdf.render(monthly_report(series, clock, THE_CAMPAIGN, None)))

    for name in (*NAMES.values(), "Applied", "Approved", "Delivering", "Paid"):
        assert f"\n{name}: " in text


def test_a_report_is_of_the_last_month_that_is_over_unless_one_is_named(
    series: MemorySeries, clock: FixedClock
) -> None:
    report = monthly_report(series, clock, THE_CAMPAIGN, None)

    assert report.month == Period(OCTOBER, NOVEMBER)
    assert report.is_over
    assert report.summaries[0].figures.rendered == 1


def test_a_month_that_is_over_is_the_same_file_each_time(series: MemorySeries, clock: FixedClock) -> None:
    first = pdf.render(monthly_report(series, clock, THE_CAMPAIGN, OCTOBER))

    clock.advance(3600)

    assert pdf.render(monthly_report(series, clock, THE_CAMPAIGN, OCTOBER)) == first


def test_each_currency_has_money_of_its_own_in_a_report(series: MemorySeries, clock: FixedClock) -> None:
    series.add_earnings([an_earning(9, currency="EUR", posted_at=NOON - DAY, net_minor=700)])

    text = printed(pdf.render(monthly_report(series, clock, Scope("streamer", NOVA), NOVEMBER)))

    assert "Figures, money in USD" in text
    assert "Figures, money in EUR" in text
    assert "Net earnings\n7.00 EUR\n0.00 EUR\n-" in text
    assert text.count("Rendered showings\n") == 1


def test_a_brands_report_is_of_its_campaigns_alone(series: MemorySeries, clock: FixedClock) -> None:
    series.add_deliveries([a_delivery(2, ORION, campaign_id="cmp_rivals")])

    report = monthly_report(series, clock, brand_scope(Principal(ACME, "brand")), NOVEMBER)

    assert report.summaries[0].figures.rendered == 7
    assert [part.key for part in report.parts.parts] == [CAMPAIGN]
    assert f"Brand: {ACME}" in printed(pdf.render(report))


def test_a_streamer_has_no_brands_report() -> None:
    with pytest.raises(Forbidden):
        brand_scope(Principal(NOVA, "streamer"))


@pytest.mark.parametrize("month", [datetime(2026, 12, 1, tzinfo=UTC), datetime(2019, 12, 1, tzinfo=UTC)])
def test_a_month_that_cannot_have_figures_is_refused(
    series: MemorySeries, clock: FixedClock, month: datetime
) -> None:
    with pytest.raises(BadPeriod):
        monthly_report(series, clock, THE_CAMPAIGN, month)


def test_the_platforms_first_month_has_none_before_it(series: MemorySeries, clock: FixedClock) -> None:
    report = monthly_report(series, clock, THE_CAMPAIGN, datetime(2020, 1, 1, tzinfo=UTC))

    assert report.summaries[0].previous is None
    assert "Rendered showings\n0\n-\n-" in printed(pdf.render(report))


def test_a_summary_is_compared_with_the_period_of_the_same_length_before(
    series: MemorySeries, clock: FixedClock
) -> None:
    found = summary(series, clock, THE_CAMPAIGN, SummaryQuery(NOON + timedelta(hours=1), NOON + DAY))

    shown = schemas.CampaignSummary().dump(found)["previous"]
    assert (shown["from"], shown["to"]) == ("2026-11-22T14:00:00.000000Z", "2026-11-23T13:00:00.000000Z")
    assert shown["figures"]["rendered"] == 6
    assert shown["change_percent"]["rendered"] == -83
    assert shown["change_percent"]["net_minor"] is None


def test_what_has_no_beginning_has_nothing_before_it(series: MemorySeries, clock: FixedClock) -> None:
    found = summary(series, clock, THE_CAMPAIGN, SummaryQuery())

    assert schemas.CampaignSummary().dump(found)["previous"] is None


@pytest.mark.parametrize(
    ("now", "before", "percent"),
    [(3, 2, 50), (1, 3, -67), (2, 3, -33), (201, 200, 1), (0, 5, -100), (5, 0, None), (-5, -10, 50)],
)
def test_a_change_is_in_whole_percent(now: int, before: int, percent: int | None) -> None:
    assert change_percent(now, before) == percent


def test_a_chart_of_the_longest_period_stays_small() -> None:
    points = [Point(NOON + index * DAY, 10**12 + index) for index in range(MAX_BARS)]
    period = Period(NOON, NOON + MAX_BARS * DAY)
    widest = Timeseries(THE_CAMPAIGN, period, "net_minor", "day", "USD", points)

    assert len(svg.draw(widest)) < 100_000
