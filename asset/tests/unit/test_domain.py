"""The states of an asset: uploaded → processing → ready | refused."""

from __future__ import annotations

import pytest

from asset import domain
from asset.domain import PROCESSING, READY, REFUSED, UPLOADED, Asset, Rendition
from asset.tests.mothers import MORNING, a_picture, a_video, acmes_logo


def asset_that_is(status: str) -> Asset:
    asset = acmes_logo()
    if status != UPLOADED:
        asset.begin(MORNING)
    if status == READY:
        asset.conclude(a_picture(), "abc", MORNING)
    if status == REFUSED:
        asset.conclude(Rendition.refused("The image is damaged."), "abc", MORNING)
    return asset


@pytest.mark.parametrize(
    ("before", "after"),
    [(UPLOADED, PROCESSING), (PROCESSING, PROCESSING), (READY, READY), (REFUSED, REFUSED)],
)
def test_only_what_is_uploaded_begins_to_be_processed(before: str, after: str):
    asset = asset_that_is(before)

    changed = asset.begin(MORNING)

    assert asset.status == after
    assert changed == (before == UPLOADED)


@pytest.mark.parametrize("status", [READY, REFUSED])
def test_what_is_finished_stays_as_it_is(status: str):
    asset = asset_that_is(status)

    events = asset.conclude(a_video(), "other", MORNING)

    assert events == []
    assert (asset.status, asset.sha256) == (status, "abc")


def test_a_good_file_becomes_ready_with_its_variants():
    asset = asset_that_is(PROCESSING)

    events = asset.conclude(a_picture(), "abc", MORNING)

    assert (asset.status, asset.media, asset.variants) == (READY, "image", a_picture().variants)
    assert [event.to_data() for event in events] == [
        {"asset_id": asset.id, "owner_id": asset.owner_id, "media": "image", "duration_s": None}
    ]


def test_a_bad_file_is_refused_with_the_reason():
    asset = asset_that_is(PROCESSING)

    events = asset.conclude(Rendition.refused("The image is damaged."), "abc", MORNING)

    assert (asset.status, asset.reason, asset.variants) == (REFUSED, "The image is damaged.", [])
    assert events[0].type == "asset_refused"


@pytest.mark.parametrize(
    ("ms", "seconds"), [(1, 1), (499, 1), (1_499, 1), (1_500, 2), (5_040, 5), (60_020, 60)]
)
def test_a_duration_is_told_in_the_nearest_second_and_never_as_nothing(ms: int, seconds: int):
    assert a_video(ms).duration_s == seconds


def test_a_picture_has_no_duration():
    assert a_picture().duration_s is None


def test_another_recipe_has_another_place():
    assert domain.variant_key("abc", "v1", "banner.png") != domain.variant_key("abc", "v2", "banner.png")
