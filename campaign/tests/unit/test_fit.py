"""Who fits, and what the nearest change is for who does not."""

from __future__ import annotations

import pytest

from campaign.domain.fit import Streamer, reasons_against_joining
from campaign.tests.mothers import NOVA_ID, a_campaign, novas_eligibility


def reasons(campaign_changes: dict, **streamer_changes) -> list[str]:
    campaign = a_campaign("active", **campaign_changes)
    return reasons_against_joining(campaign, Streamer.from_answer(novas_eligibility(**streamer_changes)))


def channel(**figures) -> dict:
    return {"name": "twitch", "followers": 1_200, "average_viewers": 34, "content_categories": [], **figures}


def test_who_passes_every_rule_fits():
    assert reasons({}) == []


@pytest.mark.parametrize(
    ("requirements", "reason"),
    [
        ({"min_average_viewers": 50}, "average_viewers 34, needs 50"),
        ({"min_followers": 5_000}, "followers 1200, needs 5000"),
        ({"content_categories": ["music", "sports"]}, "content_categories gaming, needs music or sports"),
        ({"platforms": ["youtube"]}, "platforms twitch, needs youtube"),
    ],
)
def test_a_requirement_that_fails_says_what_would_pass(requirements: dict, reason: str):
    assert reasons({"requirements": requirements}) == [reason]


@pytest.mark.parametrize(
    "requirements",
    [
        {"min_average_viewers": 34},
        {"min_followers": 1_200},
        {"content_categories": ["gaming", "music"]},
        {"platforms": ["twitch"]},
    ],
)
def test_a_requirement_that_is_just_met_passes(requirements: dict):
    assert reasons({"requirements": requirements}) == []


@pytest.mark.parametrize(
    ("targeting", "reason"),
    [
        ({"countries": ["FR", "US"]}, "primary_country DE, needs FR or US"),
        ({"languages": ["fr"]}, "languages de and en, needs fr"),
        ({"age_ranges": ["25-34"]}, "audience_age_ranges 18-24, needs 25-34"),
        ({"interests": ["cooking"]}, "audience_interests games, needs cooking"),
    ],
)
def test_an_audience_that_is_not_wanted_says_which_is(targeting: dict, reason: str):
    assert reasons({"targeting": targeting}) == [reason]


def test_an_unknown_country_is_no_match():
    targeting = {"countries": ["DE"]}

    assert reasons({"targeting": targeting}, primary_country=None) == ["primary_country none, needs DE"]


def test_an_unverified_streamer_does_not_fit():
    assert reasons({}, verified=False, platforms=[]) == ["verified_platforms 0, needs 1"]


def test_all_failing_rules_are_named():
    found = reasons({"requirements": {"min_average_viewers": 50, "min_followers": 5_000}})

    assert found == ["average_viewers 34, needs 50", "followers 1200, needs 5000"]


def test_one_channel_has_to_pass_alone():
    platforms = [
        channel(followers=9_000, average_viewers=10),
        channel(name="youtube", followers=10, average_viewers=90),
    ]

    found = reasons(
        {"requirements": {"min_average_viewers": 50, "min_followers": 5_000}}, platforms=platforms
    )

    assert found == ["average_viewers 10, needs 50"]


def test_the_channel_that_comes_closest_is_the_one_that_is_judged():
    platforms = [channel(followers=1, average_viewers=1), channel(name="youtube", followers=9_000)]

    found = reasons(
        {"requirements": {"min_average_viewers": 50, "min_followers": 5_000}}, platforms=platforms
    )

    assert found == ["average_viewers 34, needs 50"]


def test_a_figure_that_is_not_known_yet_counts_as_none():
    platforms = [channel(average_viewers=None)]

    found = reasons({"requirements": {"min_average_viewers": 50}}, platforms=platforms)

    assert found == ["average_viewers 0, needs 50"]


def test_no_place_left_is_a_reason():
    campaign = a_campaign("active", max_participants=1)
    campaign.participants = 1

    assert reasons_against_joining(campaign, Streamer.from_answer(novas_eligibility())) == [
        "places_left 0, needs 1"
    ]


def test_a_blocked_streamer_learns_nothing_else():
    assert reasons({"blocked_streamers": [NOVA_ID], "max_participants": 1}, verified=False) == [
        "blocked by the brand"
    ]
