"""One contract for the fakes and for the real stores."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from asset.domain import AssetNotFound, ConcurrentUpdate, Rendition
from asset.storage import MongoAssets, MongoRenditions, Objects
from asset.tests.fakes import FakeAssets, FakeObjects, FakeRenditions
from asset.tests.mothers import (
    ACME_ID,
    LOGO_ID,
    LOGO_KEY,
    MORNING,
    RIVAL_ID,
    SPOT_ID,
    SPOT_KEY,
    a_picture,
    a_video,
    acmes_logo,
)
from chassis.objectstore import open_store


@pytest.fixture(params=["fake", "mongo"])
def assets(request):
    if request.param == "fake":
        return FakeAssets()
    stored = MongoAssets(request.getfixturevalue("mongo"), request.getfixturevalue("outbox"))
    stored.ensure_indexes()
    return stored


@pytest.fixture(params=["fake", "mongo"])
def renditions(request):
    if request.param == "fake":
        return FakeRenditions()
    return MongoRenditions(request.getfixturevalue("mongo"), request.getfixturevalue("outbox"))


@pytest.fixture(params=["fake", "files"])
def objects(request, tmp_path: Path):
    """A store in which one upload waits."""
    if request.param == "fake":
        return FakeObjects(**{LOGO_KEY: b"logo"})
    store = open_store(f"file://{tmp_path}/objects")
    (tmp_path / "logo").write_bytes(b"logo")
    with (tmp_path / "logo").open("rb") as content:
        store.put(LOGO_KEY, content)
    return Objects(store, lambda work, *arguments: work(*arguments))


def test_an_asset_comes_back_as_it_was_stored(assets):
    logo = acmes_logo()

    assets.add(logo, logo.uploaded())

    assert assets.get(LOGO_ID) == logo
    assert assets.of_upload(LOGO_KEY) == logo


def test_an_asset_that_was_never_stored_is_not_found(assets):
    assert assets.of_upload(LOGO_KEY) is None
    with pytest.raises(AssetNotFound):
        assets.get(LOGO_ID)


def test_an_upload_becomes_one_asset_alone(assets):
    assets.add(acmes_logo(), [])

    with pytest.raises(ConcurrentUpdate):
        assets.add(acmes_logo(asset_id=SPOT_ID), [])


@pytest.mark.parametrize("rendition", [a_picture(), a_video(), Rendition.refused("The image is damaged.")])
def test_a_concluded_asset_comes_back_with_its_result(assets, rendition):
    assets.add(acmes_logo(), [])
    logo = assets.get(LOGO_ID)

    assets.save(logo, logo.conclude(rendition, "abc", MORNING))

    assert logo.version == 1
    assert assets.get(LOGO_ID) == logo


def test_of_two_who_change_the_same_version_one_is_refused(assets):
    assets.add(acmes_logo(), [])
    first, second = assets.get(LOGO_ID), assets.get(LOGO_ID)
    assets.save(first, first.conclude(a_picture(), "abc", MORNING))

    with pytest.raises(ConcurrentUpdate):
        assets.save(second, second.conclude(a_video(), "abc", MORNING))

    assert assets.get(LOGO_ID).media == "image"


def test_some_assets_are_those_that_are_there_and_the_owners(assets):
    assets.add(acmes_logo(), [])
    missing = SPOT_ID

    assert [asset.id for asset in assets.some([LOGO_ID, missing, LOGO_ID], None)] == [LOGO_ID]
    assert [asset.id for asset in assets.some([LOGO_ID], ACME_ID)] == [LOGO_ID]
    assert assets.some([LOGO_ID], RIVAL_ID) == []
    assert assets.some([], None) == []


def test_a_rendition_is_found_by_content_and_recipe(renditions):
    renditions.add("abc", "v1", a_video())

    assert renditions.get("abc", "v1") == a_video()
    assert renditions.get("abc", "v2") is None
    assert renditions.get("abd", "v1") is None


def test_the_first_rendition_of_a_content_stays(renditions):
    renditions.add("abc", "v1", a_video())

    renditions.add("abc", "v1", a_picture())

    assert renditions.get("abc", "v1") == a_video()


def test_an_object_is_measured_hashed_read_and_deleted(objects):
    with objects.local(LOGO_KEY) as path:
        content = path.read_bytes()

    assert (content, objects.size(LOGO_KEY)) == (b"logo", 4)
    assert objects.sha256(LOGO_KEY) == hashlib.sha256(b"logo").hexdigest()
    objects.delete(LOGO_KEY)
    objects.delete(LOGO_KEY)
    assert objects.size(LOGO_KEY) is None


def test_what_is_kept_under_a_key_stays(objects, tmp_path: Path):
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_bytes(b"first")
    second.write_bytes(b"second!")
    objects.keep("variants/abc/v1/banner.png", first)

    objects.keep("variants/abc/v1/banner.png", second)

    assert objects.size("variants/abc/v1/banner.png") == 5


def test_a_key_that_leads_elsewhere_names_nothing(objects):
    assert objects.size("../../etc/passwd") is None
    assert objects.size(SPOT_KEY) is None


def test_events_are_appended_with_the_change_they_tell_of(mongo, outbox):
    assets = MongoAssets(mongo, outbox)
    assets.ensure_indexes()
    logo = acmes_logo()
    assets.add(logo, logo.uploaded())

    with pytest.raises(ConcurrentUpdate):
        assets.add(acmes_logo(asset_id=SPOT_ID), logo.uploaded())

    assert [event.type for event in outbox.events] == ["asset_uploaded"]
