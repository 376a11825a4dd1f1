"""One suite for the fake, which computes from raw facts, and for PostgreSQL, which keeps rollups."""

import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from analytics.domain import (
    METRICS,
    STEPS,
    BusinessEvent,
    CampaignOwner,
    Delivery,
    Figures,
    Funnel,
    Milestone,
    Period,
    Scope,
    floor,
)
from analytics.storage import SqlSeries
from analytics.tests.fakes import MemorySeries
from analytics.tests.mothers import (
    ACME,
    ALL_TIME,
    CAMPAIGN,
    NOON,
    NOVA,
    ORION,
    PARTICIPATIONS,
    THE_CAMPAIGN,
    a_delivery,
    an_earning,
)

HOUR = timedelta(hours=1)


@pytest.fixture
def sql(sql_for: Any) -> Any:
    return sql_for("analytics")


@pytest.fixture(params=["memory", "postgresql"])
def series(request: pytest.FixtureRequest) -> Any:
    if request.param == "memory":
        return MemorySeries()
    return SqlSeries(request.getfixturevalue("sql"))


def many_deliveries() -> list[Delivery]:
    """Two streamers, several creatives, platforms and countries, over the end of a month."""
    chooser = random.Random(7)
    return [
        a_delivery(
            number,
            chooser.choice([NOVA, ORION]),
            started_at=NOON + timedelta(minutes=chooser.randrange(20_000)),
            creative_id=chooser.choice(["crv_a", "crv_b"]),
            platform=chooser.choice(["twitch", "youtube"]),
            country=chooser.choice(["DE", "FR", "unknown"]),
            viewers=chooser.randrange(100),
        )
        for number in range(200)
    ]


def reports(series: Any) -> dict[str, Any]:
    """Every figure there is, by metric, bucket and dimension."""
    hours = Period(floor(NOON, STEPS["day"]), floor(NOON, STEPS["day"]) + timedelta(days=30))
    points = {
        f"{metric} per {bucket}": {
            at: value
            for at, value in series.points(THE_CAMPAIGN, hours, metric, bucket, "USD").items()
            if value
        }
        for metric in METRICS
        for bucket in STEPS
    }
    parts = {
        by: series.parts(THE_CAMPAIGN, ALL_TIME, by, "USD", 100)
        for by in ("streamer", "creative", "placement", "platform", "country")
    }
    return {"all": series.figures(THE_CAMPAIGN, ALL_TIME, "USD"), **points, **parts}


def test_shuffled_repeated_and_late_facts_give_what_a_recomputation_gives(series: Any) -> None:
    deliveries = many_deliveries()
    earnings = [an_earning(n, streamer) for n in range(30) for streamer in (NOVA, ORION)]
    in_order = MemorySeries()
    in_order.add_deliveries(deliveries)
    in_order.add_earnings(earnings)

    for batch in disturbed(deliveries):
        series.add_deliveries(batch)
    for batch in disturbed(earnings):
        series.add_earnings(batch)

    assert reports(series) == reports(in_order)
    assert series.verify().equal


def disturbed(facts: Sequence[Any]) -> list[list[Any]]:
    """Batches in which each fact comes at least once, many twice, none in order."""
    chooser = random.Random(11)
    arriving = [*facts, *chooser.sample(list(facts), len(facts) // 2)]
    chooser.shuffle(arriving)
    return [arriving[start : start + 17] for start in range(0, len(arriving), 17)]


def test_batches_that_meet_count_everything_once(sql_for: Any) -> None:
    deliveries = many_deliveries()
    batches = [batch for _ in range(4) for batch in disturbed(deliveries)]
    stores = [SqlSeries(sql_for("analytics")) for _ in range(4)]

    with ThreadPoolExecutor(len(stores)) as threads:
        list(threads.map(lambda n: stores[n % 4].add_deliveries(batches[n]), range(len(batches))))

    assert stores[0].figures(THE_CAMPAIGN, ALL_TIME, "USD").rendered == len(deliveries)
    assert stores[0].verify().equal


def test_nothing_recorded_gives_zeros(series: Any) -> None:
    assert series.figures(THE_CAMPAIGN, ALL_TIME, "USD") == Figures("USD")
    assert series.parts(THE_CAMPAIGN, ALL_TIME, "creative", "USD", 10) == []
    assert series.funnel(THE_CAMPAIGN) == Funnel()
    assert series.currencies(THE_CAMPAIGN) == []


def test_adding_nothing_changes_nothing(series: Any) -> None:
    series.add_deliveries([])
    series.add_earnings([])
    series.add_business_events([])
    series.add_milestones([])
    series.learn_owners([])

    assert series.figures(THE_CAMPAIGN, ALL_TIME, "USD") == Figures("USD")


def test_an_id_chosen_by_another_overlay_hides_nobodys_showing(series: Any) -> None:
    series.add_deliveries([a_delivery(1, NOVA)])
    series.add_deliveries([a_delivery(1, ORION)])

    assert series.figures(THE_CAMPAIGN, ALL_TIME, "USD").rendered == 2


def test_a_period_counts_its_beginning_and_not_its_end(series: Any) -> None:
    series.add_deliveries([a_delivery(0), a_delivery(60), a_delivery(120)])

    figures = series.figures(THE_CAMPAIGN, Period(NOON, NOON + 2 * HOUR), "USD")

    assert figures.rendered == 2


def test_figures_of_one_streamer_leave_out_the_others(series: Any) -> None:
    series.add_deliveries([a_delivery(1, NOVA), a_delivery(2, ORION)])
    series.add_earnings([an_earning(1, ORION)])

    figures = series.figures(Scope("streamer", ORION), ALL_TIME, "USD")

    assert (figures.rendered, figures.net_minor) == (1, 80)


def test_currencies_are_never_mixed(series: Any) -> None:
    series.add_earnings([an_earning(1), an_earning(50, currency="EUR", gross_minor=7)])

    euros = series.figures(THE_CAMPAIGN, ALL_TIME, "EUR")

    assert euros.gross_minor == 7
    assert series.currencies(THE_CAMPAIGN) == ["EUR", "USD"]


def test_the_largest_parts_come_first_and_the_rest_is_cut(series: Any) -> None:
    shown = [a_delivery(1, country="FR"), a_delivery(2, country="DE"), a_delivery(3, country="DE")]
    series.add_deliveries([*shown, a_delivery(4, country="AT")])

    parts = series.parts(THE_CAMPAIGN, ALL_TIME, "country", "USD", 2)

    assert [(part.key, part.figures.rendered) for part in parts] == [("DE", 2), ("AT", 1)]


ROWS = {"period": ALL_TIME, "bucket": "day", "currency": "USD"}


@pytest.mark.parametrize("by", [None, "streamer", "platform", "country"])
def test_rows_are_the_same_for_whoever_reads_them_in_pages(series: Any, by: str | None) -> None:
    in_order = MemorySeries()
    for store in (series, in_order):
        store.add_deliveries(many_deliveries())
        store.add_earnings([an_earning(number, ORION) for number in range(30)])
    whole = in_order.rows(THE_CAMPAIGN, by=by, after=None, limit=1000, **ROWS)

    read, after = [], None
    while page := series.rows(THE_CAMPAIGN, by=by, after=after, limit=7, **ROWS):
        read += page
        after = (page[-1].at, page[-1].key)
        assert len(read) <= len(whole)

    assert read == whole
    assert len(whole) > 7
    assert series.count_rows(THE_CAMPAIGN, by=by, **ROWS) == len(whole)


def test_a_brand_has_the_figures_of_its_campaigns_and_of_no_others(series: Any) -> None:
    series.learn_owners([CampaignOwner(CAMPAIGN, ACME), CampaignOwner("cmp_rivals", "brd_rival")])
    series.add_deliveries([a_delivery(1), a_delivery(2, ORION, campaign_id="cmp_rivals")])
    series.add_deliveries([a_delivery(3, campaign_id="cmp_nobodys")])
    series.add_earnings([an_earning(1), an_earning(2, ORION, campaign_id="cmp_rivals", currency="EUR")])
    series.add_milestones([Milestone(PARTICIPATIONS[NOVA], CAMPAIGN, NOVA, "paid", NOON)])
    series.add_milestones([Milestone(PARTICIPATIONS[ORION], "cmp_rivals", ORION, "paid", NOON)])
    acme = Scope("brand", ACME)

    figures = series.figures(acme, ALL_TIME, "USD")

    assert (figures.rendered, figures.net_minor) == (1, 80)
    assert series.currencies(acme) == ["USD"]
    assert [part.key for part in series.parts(acme, ALL_TIME, "campaign", "USD", 10)] == [CAMPAIGN]
    assert series.funnel(acme) == Funnel(paid=1)
    assert series.figures(Scope("brand", "brd_none"), ALL_TIME, "USD") == Figures("USD")


def test_a_step_of_the_funnel_counts_once_per_participation(series: Any) -> None:
    def reached(streamer: str, step: str, hour: int) -> Milestone:
        return Milestone(PARTICIPATIONS[streamer], CAMPAIGN, streamer, step, NOON + hour * HOUR)

    series.add_milestones([reached(NOVA, "approved", 2), reached(NOVA, "delivering", 4)])
    series.add_milestones([reached(ORION, "applied", 1), reached(NOVA, "applied", 3)])
    series.add_milestones([reached(NOVA, "applied", 1), reached(NOVA, "applied", 1)])

    assert series.funnel(THE_CAMPAIGN) == Funnel(applied=2, approved=1, delivering=1, paid=0)
    assert series.funnel(Scope("streamer", ORION)) == Funnel(applied=1)


def test_of_the_times_at_which_a_step_was_reached_the_earliest_stands(sql: Any) -> None:
    series = SqlSeries(sql)

    def applied(hour: int) -> Milestone:
        return Milestone(PARTICIPATIONS[NOVA], CAMPAIGN, NOVA, "applied", NOON + hour * HOUR)

    series.add_milestones([applied(5), applied(3)])
    series.add_milestones([applied(4)])

    query = sa.text("SELECT applied_at FROM participations")
    assert sql.transaction(lambda: sql.connection.execute(query).scalar_one()) == NOON + 3 * HOUR


def test_the_owner_of_a_campaign_is_remembered(series: Any) -> None:
    series.learn_owners([CampaignOwner(CAMPAIGN, ACME), CampaignOwner(CAMPAIGN, ACME)])

    assert series.owner_of(CAMPAIGN) == ACME
    assert series.owner_of("cmp_unknown") is None


def a_business_event(id: str) -> BusinessEvent:
    data = {"reason": 'It\'s "odd"', "left": None, "list": [1, {"a": "b"}]}
    return BusinessEvent(id, "campaign", "campaign_paused", CAMPAIGN, NOON, CAMPAIGN, ACME, None, data)


def count(sql: Any, table: str) -> int:
    statement = sa.select(sa.func.count()).select_from(sa.table(table))
    return int(sql.transaction(lambda: sql.connection.execute(statement).scalar_one()))


def test_a_business_event_is_kept_once_and_as_it_was(sql: Any) -> None:
    series = SqlSeries(sql)

    series.add_business_events([a_business_event("evt_1"), a_business_event("evt_1")])
    series.add_business_events([a_business_event("evt_1"), a_business_event("evt_2")])

    query = sa.text("SELECT data FROM business_events LIMIT 1")
    assert count(sql, "business_events") == 2
    assert sql.transaction(lambda: sql.connection.execute(query).scalar_one()) == a_business_event("x").data


def test_a_rollup_that_was_tampered_with_is_found_and_rebuilt(sql: Any) -> None:
    series = SqlSeries(sql)
    series.add_deliveries(many_deliveries())
    tamper = sa.text(
        "UPDATE rollups SET rendered = rendered + 1 WHERE resolution = 'hour' AND country = 'DE'"
    )
    sql.transaction(lambda: sql.connection.execute(tamper))
    damaged = series.verify()

    series.rebuild()

    assert not damaged.equal
    assert series.verify().equal


def test_a_rollup_that_is_missing_is_found(sql: Any) -> None:
    series = SqlSeries(sql)
    series.add_deliveries(many_deliveries())
    sql.transaction(lambda: sql.connection.execute(sa.text("DELETE FROM rollups WHERE resolution = 'day'")))

    verification = series.verify()

    assert verification.differences > 0


def test_facts_and_rollups_change_in_one_transaction(sql: Any) -> None:
    series = SqlSeries(sql)

    def crash_after_adding() -> None:
        series.add_deliveries([a_delivery(1)])
        raise RuntimeError("the process dies here")

    with pytest.raises(RuntimeError):
        sql.transaction(crash_after_adding)

    assert (count(sql, "deliveries"), count(sql, "rollups"), count(sql, "delivery_keys")) == (0, 0, 0)


def partitions(sql: Any) -> set[str]:
    query = sa.text("SELECT relname FROM pg_class WHERE relispartition AND relkind = 'r'")
    return set(sql.transaction(lambda: sql.connection.execute(query).scalars().all()))


def test_a_fact_of_a_month_without_a_partition_gets_one(sql: Any) -> None:
    series = SqlSeries(sql)
    late = a_delivery(1, started_at=NOON.replace(year=2024, month=2, day=29))

    series.add_deliveries([late, replace(late, id="next", started_at=NOON)])

    assert partitions(sql) == {"deliveries_2024_02", "deliveries_2026_11"}
    assert count(sql, "deliveries") == 2


def test_making_partitions_again_is_harmless(sql: Any) -> None:
    series = SqlSeries(sql)
    series.make_partitions([NOON])

    series.make_partitions([NOON, NOON.replace(month=12)])

    names = {f"{table}_2026_{month}" for table in ("deliveries", "business_events") for month in (11, 12)}
    assert partitions(sql) == names
