"""The use cases, over fakes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from asset import handlers
from asset.domain import (
    MAX_UPLOAD_BYTES,
    PROCESSING,
    READY,
    REFUSED,
    AssetNotFound,
    StillProcessing,
    UploadNotFound,
    UploadTooLarge,
)
from asset.handlers import RegisterUpload
from asset.studio import LocalClaims
from asset.tests.fakes import FakeAssets, FakeObjects, FakeRenditions, FakeStudio
from asset.tests.mothers import (
    ACME_ID,
    LOGO_ID,
    LOGO_KEY,
    SPOT_ID,
    SPOT_KEY,
    acme,
    acmes_logo,
    morning,
    nova_the_streamer,
    rival,
)
from chassis.errors import Forbidden
from chassis.saga_steps import SagaState

LOGO_UPLOAD = RegisterUpload(LOGO_KEY, "creative", 4, "logo.png")


class Processing:
    """Everything that processing needs, and a way to run its steps for an asset."""

    def __init__(self, *assets, **contents: bytes) -> None:
        self.assets = FakeAssets(*assets)
        self.objects = FakeObjects(**contents)
        self.renditions, self.studio, self.claims = FakeRenditions(), FakeStudio(), LocalClaims()

    def run(self, asset_id: str) -> None:
        saga = SagaState("saga_1", "asset_processing", asset_id, {"asset_id": asset_id})
        for step in self.steps():
            step.do(saga)

    def steps(self):
        return handlers.processing_steps(
            self.assets, self.renditions, self.objects, self.studio, self.claims, morning()
        )


def register(assets, by, command=LOGO_UPLOAD, **contents: bytes):
    objects = FakeObjects(**(contents or {LOGO_KEY: b"logo"}))
    return handlers.register_upload(assets, objects, morning(), lambda _: LOGO_ID, by, command)


def test_an_upload_becomes_an_asset_of_its_brand():
    assets = FakeAssets()

    asset = register(assets, acme())

    assert assets.get(LOGO_ID) == asset
    assert [event.to_data() for event in assets.events] == [{"asset_id": LOGO_ID, "owner_id": ACME_ID}]


def test_registering_the_same_upload_again_answers_the_same_asset():
    assets = FakeAssets()
    first = register(assets, acme())

    second = register(assets, acme())

    assert (second, len(assets.events)) == (first, 1)


def test_another_brands_upload_is_as_good_as_none():
    assets = FakeAssets()
    register(assets, acme())

    with pytest.raises(UploadNotFound):
        register(assets, rival())


@pytest.mark.parametrize("size", [0, 3, 5])
def test_an_upload_that_is_not_complete_is_none(size: int):
    with pytest.raises(UploadNotFound):
        register(FakeAssets(), acme(), replace(LOGO_UPLOAD, size=size))


def test_what_is_too_large_even_for_a_video_is_refused_at_once():
    with pytest.raises(UploadTooLarge):
        register(FakeAssets(), acme(), replace(LOGO_UPLOAD, size=MAX_UPLOAD_BYTES + 1))


def test_only_a_brand_uploads():
    with pytest.raises(Forbidden):
        register(FakeAssets(), nova_the_streamer())


def test_another_brands_asset_answers_as_a_missing_one():
    with pytest.raises(AssetNotFound):
        handlers.get(FakeAssets(acmes_logo()), rival(), LOGO_ID)


def test_a_good_upload_becomes_ready_and_leaves_the_place_of_uploads():
    processing = Processing(acmes_logo(), **{LOGO_KEY: b"logo"})

    processing.run(LOGO_ID)

    asset = processing.assets.get(LOGO_ID)
    assert asset.status == READY
    assert set(processing.objects.stored) == {asset.variants[0].key, f"originals/{asset.sha256}"}


def test_a_bad_upload_is_refused_and_nothing_of_it_is_kept():
    processing = Processing(acmes_logo(), **{LOGO_KEY: b"bad!"})

    processing.run(LOGO_ID)

    asset = processing.assets.get(LOGO_ID)
    assert (asset.status, asset.reason) == (REFUSED, "The image is damaged.")
    assert processing.objects.stored == {}


def test_an_upload_that_is_gone_is_refused():
    processing = Processing(acmes_logo())

    processing.run(LOGO_ID)

    assert processing.assets.get(LOGO_ID).status == REFUSED


def test_the_same_content_is_rendered_and_stored_once():
    processing = Processing(
        acmes_logo(), acmes_logo(SPOT_ID, SPOT_KEY), **{LOGO_KEY: b"logo", SPOT_KEY: b"logo"}
    )
    processing.run(LOGO_ID)

    processing.run(SPOT_ID)

    assert processing.studio.rendered == 1
    assert processing.assets.get(SPOT_ID).variants == processing.assets.get(LOGO_ID).variants
    assert len(processing.objects.stored) == 2


def test_another_recipe_renders_the_same_content_anew():
    processing = Processing(
        acmes_logo(), acmes_logo(SPOT_ID, SPOT_KEY), **{LOGO_KEY: b"logo", SPOT_KEY: b"logo"}
    )
    processing.run(LOGO_ID)
    processing.studio.recipe = "v2"

    processing.run(SPOT_ID)

    assert processing.studio.rendered == 2
    assert processing.assets.get(SPOT_ID).variants != processing.assets.get(LOGO_ID).variants


def test_a_refusal_is_not_held_against_the_next_upload_of_that_content():
    processing = Processing(
        acmes_logo(), acmes_logo(SPOT_ID, SPOT_KEY), **{LOGO_KEY: b"bad!", SPOT_KEY: b"bad!"}
    )
    processing.run(LOGO_ID)

    processing.run(SPOT_ID)

    assert processing.studio.rendered == 2


def test_processing_again_changes_nothing_and_tells_nothing():
    processing = Processing(acmes_logo(), **{LOGO_KEY: b"logo"})
    processing.run(LOGO_ID)
    before, told = processing.assets.get(LOGO_ID), len(processing.assets.events)

    processing.run(LOGO_ID)

    assert processing.assets.get(LOGO_ID) == before
    assert len(processing.assets.events) == told
    assert processing.studio.rendered == 1


def test_processing_that_died_half_way_is_done_again():
    processing = Processing(acmes_logo(), **{LOGO_KEY: b"logo"})
    interrupted = processing.assets.get(LOGO_ID)
    interrupted.begin(morning().now())
    processing.assets.save(interrupted, [])
    assert processing.assets.get(LOGO_ID).status == PROCESSING

    processing.run(LOGO_ID)

    assert processing.assets.get(LOGO_ID).status == READY


def test_a_second_attempt_beside_the_first_waits_for_its_end():
    processing = Processing(acmes_logo(), **{LOGO_KEY: b"logo"})

    with processing.claims.of(LOGO_ID), pytest.raises(StillProcessing) as waiting:
        processing.run(LOGO_ID)

    assert not waiting.value.is_final
    processing.run(LOGO_ID)
    assert processing.assets.get(LOGO_ID).status == READY
