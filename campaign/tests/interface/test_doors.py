"""Who gets in, and what is refused at the door."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from campaign.tests.mothers import MISSING_ID, NOVA_ID, a_request
from chassis.errors import Error

OF_ITS_BRAND = ("update", "delete", "submit", "activate", "pause", "resume", "complete", "cancel", "clone")
OF_ANY_BRAND = ("create", "list")
OF_ADMINS = ("approve", "reject", "review_queue")


def request_for(method: str, campaign_id: str) -> dict:
    return {
        "create": a_request(),
        "list": {},
        "review_queue": {},
        "marketplace": {},
        "reject": {"campaign_id": campaign_id, "reason": "No."},
        "update": {"campaign_id": campaign_id, "name": "Mine now"},
    }.get(method, {"campaign_id": campaign_id})


def code_of(method: str, who, campaign_id: str) -> str:
    with pytest.raises(Error) as refused:
        getattr(who, method)(request_for(method, campaign_id))
    return refused.value.code


def test_every_method_asks_who_is_there_and_answers_another_brands_campaign_as_missing(line):
    campaign_id = line.draft()

    for method in (*OF_ITS_BRAND, "get", "history"):
        assert code_of(method, line.nobody, campaign_id) == "unauthenticated", method
        assert code_of(method, line.globex, campaign_id) == "campaign.not_found", method
        assert code_of(method, line.globex, MISSING_ID) == "campaign.not_found", method
    for method in (*OF_ITS_BRAND, *OF_ANY_BRAND):
        assert code_of(method, line.nova, campaign_id) == "forbidden", method
        assert code_of(method, line.ada, campaign_id) == "forbidden", method
    for method in (*OF_ADMINS, "marketplace"):
        assert code_of(method, line.acme, campaign_id) == "forbidden", method
        assert code_of(method, line.nobody, campaign_id) == "unauthenticated", method
    for method in OF_ADMINS:
        assert code_of(method, line.nova, campaign_id) == "forbidden", method

    assert line.campaign(campaign_id)["version"] == 1


def test_only_participation_asks_for_plans_and_checks(line):
    campaign_id = line.draft()

    for method, request in (
        ("delivery_plans", {"campaign_ids": [campaign_id]}),
        ("check_joining", {"campaign_id": campaign_id, "streamer_id": NOVA_ID}),
    ):
        with pytest.raises(Error) as refused:
            getattr(line.acme, method)(request)
        assert refused.value.code == "rpc.caller_not_allowed"


BAD = [
    {"status": "active"},
    {"brand_id": "brd_01jd2e7z5pf3rs8w6r8q6v2k1m"},
    {"spent": {"amount_minor": 0, "currency": "USD"}},
    {"version": 7},
    {"name": ""},
    {"name": "   "},
    {"name": "x" * 121},
    {"name": {"$ne": None}},
    {"name": None},
    {"name": "a\x00b"},
    {"description": "x" * 5_001},
    {"budget": {"amount_minor": 0, "currency": "USD"}},
    {"budget": {"amount_minor": -1, "currency": "USD"}},
    {"budget": {"amount_minor": 10.0, "currency": "USD"}},
    {"budget": {"amount_minor": "500", "currency": "USD"}},
    {"budget": {"amount_minor": True, "currency": "USD"}},
    {"budget": {"amount_minor": 2**63, "currency": "USD"}},
    {"budget": {"amount_minor": 500, "currency": "usd"}},
    {"budget": {"amount_minor": 500, "currency": "USD", "extra": 1}},
    {"start_at": "2026-11-23T05:00:00"},
    {"end_at": "9999-12-31T23:59:59Z"},
    {"end_at": 1},
    {"targeting": {"countries": ["de"]}},
    {"targeting": {"countries": ["DE"] * 251}},
    {"targeting": {"languages": ["english"]}},
    {"targeting": {"age_ranges": ["old"]}},
    {"targeting": {"interests": ["x" * 51]}},
    {"targeting": {"gender": ["x"]}},
    {"requirements": {"min_average_viewers": -1}},
    {"requirements": {"min_followers": 2**63}},
    {"requirements": {"platforms": ["myspace"]}},
    {"creatives": [{"asset_id": "ast_1", "placement": "banner", "duration_s": 10}]},
    {"creatives": [{"asset_id": "ast_01jd2e7z5pf3rs8w6r8q6v2k1m", "placement": "sky", "duration_s": 10}]},
    {"creatives": [{"asset_id": "ast_01jd2e7z5pf3rs8w6r8q6v2k1m", "placement": "banner", "duration_s": 0}]},
    {"creatives": [{"asset_id": "ast_01jd2e7z5pf3rs8w6r8q6v2k1m", "placement": "banner", "duration_s": 61}]},
    {"creatives": a_request()["creatives"] * 21},
    {"compensation": {"type": "barter"}},
    {"compensation": {"type": "cpm", "cpm_minor": 0}},
    {"compensation": {"type": "cpm", "cpm_minor": 10**9 + 1}},
    {"approval": "maybe"},
    {"frequency": {"min_seconds_between": -1}},
    {"frequency": {"max_per_hour": 0}},
    {"frequency": {"max_per_stream": 10_001}},
    {"pacing": "fast"},
    {"max_participants": 0},
    {"max_participants": 100_001},
    {"blocked_streamers": ["nova"]},
    {"blocked_streamers": [NOVA_ID] * 1_001},
    {"category": "x" * 51},
]


def test_every_field_is_bounded_and_nothing_else_is_taken(line):
    campaign_id = line.draft()

    for bad in BAD:
        (field,) = bad
        for refused_by, request in (
            (line.acme.create, a_request(**bad)),
            (line.acme.update, {"campaign_id": campaign_id, **bad}),
        ):
            with pytest.raises(Error) as refused:
                refused_by(request)
            assert (refused.value.code, list(refused.value.extra["errors"])) == (
                "validation_failed",
                [field],
            ), bad

    assert line.campaign(campaign_id)["version"] == 1


def test_what_a_campaign_cannot_be_without_is_named(line):
    with pytest.raises(Error) as refused:
        line.acme.create({})

    assert set(refused.value.extra["errors"]) == {"name", "budget", "start_at", "end_at", "compensation"}


def test_lists_are_bounded(line):
    for query in ({"limit": 0}, {"limit": 101}, {"cursor": "💥"}, {"status": "gone"}):
        with pytest.raises(Error) as refused:
            line.acme.list(query)
        assert refused.value.code == "validation_failed", query


def test_of_two_changes_that_were_meant_for_one_version_one_is_made(line):
    campaign_id = line.draft()

    def change(name: str) -> str:
        try:
            line.acme.update({"campaign_id": campaign_id, "name": name, "expected_versions": [1]})
        except Error as error:
            return error.code
        return "made"

    with ThreadPoolExecutor(8) as pool:
        found = sorted(pool.map(change, [f"Cup {number}" for number in range(8)]))

    assert found == ["made"] + ["precondition_failed"] * 7
    assert line.campaign(campaign_id)["version"] == 2
