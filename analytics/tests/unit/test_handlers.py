import pytest

from analytics import domain, handlers, schemas
from analytics.domain import CampaignNotFound, Funnel
from analytics.handlers import BreakdownQuery, SummaryQuery, TimeseriesQuery
from analytics.tests.fakes import MemorySeries
from analytics.tests.mothers import (
    ACME,
    CAMPAIGN,
    NOON,
    NOVA,
    ORION,
    PARTICIPATIONS,
    THE_CAMPAIGN,
    a_delivery,
    an_earning,
    campaign_created,
    deliveries_accepted,
    earning_posted,
    received,
)
from chassis.clock import FixedClock
from chassis.errors import Forbidden, Unauthenticated
from chassis.principal import ANONYMOUS, Principal

acme = Principal(ACME, "brand")
rival = Principal("brd_01jd2e7z5pf3rs8w6r8q6v2k1z", "brand")
nova = Principal(NOVA, "streamer")
admin = Principal("adm_1", "admin")


@pytest.fixture
def series() -> MemorySeries:
    series = MemorySeries()
    handlers.record_business_events(series, [received("campaign_created", campaign_created())])
    shown = deliveries_accepted(*(a_delivery(number) for number in range(6)))
    handlers.record_deliveries(series, [received("deliveries_accepted", shown, "participation")])
    handlers.record_earnings(series, [received("earning_posted", earning_posted(an_earning(1)), "payment")])
    return series


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOON)


def test_a_summary_counts_rendered_qualified_and_impressions_apart(
    series: MemorySeries, clock: FixedClock
) -> None:
    summary = handlers.summary(series, clock, THE_CAMPAIGN, SummaryQuery())

    assert summary.figures == domain.Figures(
        "USD",
        rendered=6,
        qualified=4,
        viewer_impressions=40,
        visible_ms=54_000,
        gross_minor=100,
        platform_fee_minor=20,
        net_minor=80,
    )


def test_every_figure_of_a_report_carries_its_definition(series: MemorySeries, clock: FixedClock) -> None:
    summary = handlers.summary(series, clock, THE_CAMPAIGN, SummaryQuery())

    report = schemas.CampaignSummary().dump(summary)

    assert set(report["figures"]) == {*report["definitions"], "currency"}
    assert report["campaign_id"] == CAMPAIGN


def test_a_brand_sees_its_campaign(series: MemorySeries) -> None:
    assert handlers.campaign_scope(series, acme, CAMPAIGN) == THE_CAMPAIGN


def test_an_admin_sees_every_campaign(series: MemorySeries) -> None:
    assert handlers.campaign_scope(series, admin, CAMPAIGN) == THE_CAMPAIGN


def test_somebody_elses_campaign_is_a_missing_one(series: MemorySeries) -> None:
    with pytest.raises(CampaignNotFound):
        handlers.campaign_scope(series, rival, CAMPAIGN)


def test_an_unknown_campaign_is_missing_even_for_an_admin(series: MemorySeries) -> None:
    with pytest.raises(CampaignNotFound):
        handlers.campaign_scope(series, admin, "cmp_unknown")


def test_a_streamer_does_not_see_a_campaigns_figures(series: MemorySeries) -> None:
    with pytest.raises(Forbidden):
        handlers.campaign_scope(series, nova, CAMPAIGN)


def test_figures_need_a_token(series: MemorySeries) -> None:
    with pytest.raises(Unauthenticated):
        handlers.streamer_scope(ANONYMOUS)


def test_a_streamer_sees_her_own_figures_alone(series: MemorySeries, clock: FixedClock) -> None:
    series.add_deliveries([a_delivery(1, ORION)])

    summary = handlers.summary(series, clock, handlers.streamer_scope(nova), SummaryQuery())

    assert summary.figures.rendered == 6


def test_a_money_series_names_its_currency_and_a_count_has_none(
    series: MemorySeries, clock: FixedClock
) -> None:
    money = handlers.timeseries(series, clock, THE_CAMPAIGN, TimeseriesQuery("gross_minor", "hour"))
    count = handlers.timeseries(series, clock, THE_CAMPAIGN, TimeseriesQuery("rendered", "hour"))

    assert (money.currency, count.currency) == ("USD", None)


def test_a_breakdown_by_creative_attributes_no_money(series: MemorySeries, clock: FixedClock) -> None:
    breakdown = handlers.breakdown(series, clock, THE_CAMPAIGN, BreakdownQuery("creative", 20))

    assert [(part.key, part.figures.rendered) for part in breakdown.parts] == [("crv_banner", 6)]
    assert breakdown.parts[0].figures.gross_minor is None


def test_a_breakdown_by_streamer_attributes_money(series: MemorySeries, clock: FixedClock) -> None:
    breakdown = handlers.breakdown(series, clock, THE_CAMPAIGN, BreakdownQuery("streamer", 20))

    assert [(part.key, part.figures.gross_minor) for part in breakdown.parts] == [(NOVA, 100)]


def test_a_breakdown_says_when_it_was_cut(series: MemorySeries, clock: FixedClock) -> None:
    series.add_deliveries([a_delivery(99, country="FR")])

    breakdown = handlers.breakdown(series, clock, THE_CAMPAIGN, BreakdownQuery("country", 1))

    assert [part.key for part in breakdown.parts] == ["DE"]
    assert breakdown.truncated


def test_the_funnel_counts_participations_at_each_step(series: MemorySeries) -> None:
    for streamer in (NOVA, ORION):
        applied = {
            "participation_id": PARTICIPATIONS[streamer],
            "campaign_id": CAMPAIGN,
            "brand_id": ACME,
            "streamer_id": streamer,
        }
        event = received("participation_applied", applied, "participation", id=f"evt_{streamer}")
        handlers.record_business_events(series, [event])

    report = handlers.funnel(series, THE_CAMPAIGN)

    assert report.funnel == Funnel(applied=2, approved=0, delivering=1, paid=1)


def test_an_earning_of_nothing_pays_nobody() -> None:
    series = MemorySeries()
    posted = earning_posted(an_earning(1, gross_minor=0, platform_fee_minor=0, net_minor=0))

    handlers.record_earnings(series, [received("earning_posted", posted, "payment")])

    assert series.funnel(THE_CAMPAIGN).paid == 0


@pytest.mark.parametrize("source", ["streamer", "brand", "participation", "notification"])
def test_only_the_campaign_service_says_whose_a_campaign_is(source: str) -> None:
    series = MemorySeries()
    claim = {"campaign_id": CAMPAIGN, "brand_id": rival.id}

    handlers.record_business_events(series, [received("campaign_created", claim, source)])
    handlers.record_business_events(series, [received("campaign_created", campaign_created())])

    assert series.owner_of(CAMPAIGN) == ACME


def test_only_the_participation_service_says_how_far_a_participation_came() -> None:
    series = MemorySeries()
    claim = {"participation_id": PARTICIPATIONS[NOVA], "campaign_id": CAMPAIGN, "streamer_id": NOVA}

    handlers.record_business_events(series, [received("participation_applied", claim, "streamer")])

    assert series.funnel(THE_CAMPAIGN) == Funnel()


def test_personal_data_is_not_kept() -> None:
    series = MemorySeries()
    data = {"account_id": ACME, "email": "ada@acme.example", "contact_person": {"name": "Ada"}}

    handlers.record_business_events(series, [received("brand_registered", data, "identity")])

    assert [event.data for event in series.business_events.values()] == [{"account_id": ACME}]


def test_showings_are_not_kept_a_second_time_as_business_events() -> None:
    series = MemorySeries()
    data = deliveries_accepted(a_delivery(1))

    handlers.record_business_events(series, [received("deliveries_accepted", data, "participation")])

    assert not series.business_events


def test_partitions_are_made_ahead(clock: FixedClock) -> None:
    series = MemorySeries()

    handlers.make_partitions(series, clock)

    assert [month.month for month in series.partitions] == [11, 12, 1, 2]


def test_the_published_language_knows_every_metric_bucket_and_dimension() -> None:
    dimensions = {*schemas.CAMPAIGN_DIMENSIONS, *schemas.STREAMER_DIMENSIONS}

    assert schemas.METRICS == domain.METRICS
    assert tuple(domain.STEPS) == schemas.BUCKETS
    assert dimensions == set(domain.DIMENSIONS)
