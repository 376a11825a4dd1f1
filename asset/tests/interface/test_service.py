"""The real container on the real broker, with real files."""

from __future__ import annotations

import io
import uuid

import pytest

from asset.service import AssetService
from asset.studio import ProcessStudio
from asset.tests import files
from chassis.errors import Error
from chassis.ids import new_id
from chassis.objectstore import open_store
from chassis.testing import eventually


@pytest.fixture
def container(run_service):
    return run_service(AssetService)


@pytest.fixture
def store(settings_env):
    return open_store(settings_env["OBJECT_STORE_URL"])


@pytest.fixture
def upload(store):
    """Puts a file where the gateway puts it, and gives the request that registers it."""

    def put(content: bytes) -> dict:
        key = f"incoming/{uuid.uuid4().hex}"
        store.put(key, io.BytesIO(content))
        return {"upload_key": key, "kind": "creative", "size": len(content)}

    return put


@pytest.fixture
def acme_id() -> str:
    return new_id("brd")


@pytest.fixture
def acme(container, rpc, tokens, acme_id):
    return rpc("asset", token=tokens.issue("brand", acme_id))


def finished(brand, asset_id: str) -> dict:
    def check():
        asset = brand.get({"asset_id": asset_id})
        return asset["status"] in ("ready", "refused") and asset

    return eventually(check, deadline=30, every=0.1)


def code_of(call, request: dict) -> str:
    with pytest.raises(Error) as raised:
        call(request)
    return raised.value.code


def test_a_picture_becomes_ready_with_signed_addresses_of_stored_files(
    acme, acme_id, upload, store, capture_events
):
    events = capture_events("asset")
    request = upload(files.image_file("PNG"))

    registered = acme.register_upload(request | {"filename": "logo.png"})
    ready = finished(acme, registered["id"])

    assert registered["status"] in ("uploaded", "processing")
    assert (ready["status"], ready["media"], ready["kind"], ready["reason"]) == (
        "ready",
        "image",
        "creative",
        None,
    )
    assert len(ready["variants"]) == 6
    for variant in ready["variants"]:
        path, _, query = variant["url"].partition("?")
        assert store.exists(path.removeprefix("/media/"))
        assert query.startswith("expires=")
    eventually(lambda: not store.exists(request["upload_key"]))
    assert events.wait_for("asset_ready").data == {
        "asset_id": registered["id"],
        "owner_id": acme_id,
        "media": "image",
        "duration_s": None,
    }


def test_a_video_becomes_ready_and_campaigns_learn_how_long_it_is(acme, acme_id, upload, rpc, tmp_path):
    request = upload(files.video_file(tmp_path, "spot.mp4", seconds=1.6, sound=True))
    asset_id = acme.register_upload(request)["id"]
    finished(acme, asset_id)

    described = rpc("asset", user="campaign").describe({"asset_ids": [asset_id], "owner_id": acme_id})

    asset = described["assets"][0]
    assert (asset["asset_id"], asset["owner_id"], asset["status"]) == (asset_id, acme_id, "ready")
    assert (asset["media"], asset["duration_s"]) == ("video", 2)
    assert [variant["placement"] for variant in asset["variants"]] == [
        "banner",
        "corner",
        "full_screen",
        "poster",
    ]


def test_a_bad_file_is_refused_with_the_reason(acme, upload, store, capture_events):
    events = capture_events("asset")
    request = upload(files.image_file("PNG") + files.zip_archive())

    refused = finished(acme, acme.register_upload(request)["id"])

    assert (refused["status"], refused["variants"]) == ("refused", [])
    assert refused["reason"] == "Something else is appended to the image."
    assert events.wait_for("asset_refused").data["reason"] == refused["reason"]
    eventually(lambda: not store.exists(request["upload_key"]))


def test_the_same_content_is_stored_once_for_two_brands(acme, rpc, tokens, upload):
    rival = rpc("asset", token=tokens.issue("brand", new_id("brd")))
    content = files.image_file("PNG", 80, 40)
    first = finished(acme, acme.register_upload(upload(content))["id"])

    second = finished(rival, rival.register_upload(upload(content))["id"])

    assert second["id"] != first["id"]
    assert [v["url"].partition("?")[0] for v in second["variants"]] == [
        v["url"].partition("?")[0] for v in first["variants"]
    ]


def test_an_upload_that_is_registered_or_told_of_twice_is_one_asset_processed_once(
    acme, acme_id, upload, publish_event, capture_events
):
    events = capture_events("asset", "asset_ready")
    request = upload(files.image_file("PNG"))

    first, second = acme.register_upload(request), acme.register_upload(request)
    finished(acme, first["id"])
    publish_event("asset", "asset_uploaded", {"asset_id": first["id"], "owner_id": acme_id})
    last = finished(acme, acme.register_upload(upload(files.image_file("GIF")))["id"])

    assert first["id"] == second["id"]
    eventually(lambda: last["id"] in [event.data["asset_id"] for event in events.all()])
    assert [event.data["asset_id"] for event in events.all()].count(first["id"]) == 1


def test_another_brands_asset_answers_as_a_missing_one(acme, rpc, tokens, upload):
    rival_id = new_id("brd")
    rival = rpc("asset", token=tokens.issue("brand", rival_id))
    asset_id = acme.register_upload(upload(files.SVG))["id"]

    described = rpc("asset", user="campaign").describe({"asset_ids": [asset_id], "owner_id": rival_id})

    assert code_of(rival.get, {"asset_id": asset_id}) == "asset.not_found"
    assert code_of(rival.get, {"asset_id": new_id("ast")}) == "asset.not_found"
    assert described == {"assets": []}


def test_an_upload_that_is_not_there_is_named_as_such(acme, upload):
    request = upload(b"content")

    assert code_of(acme.register_upload, request | {"size": 6}) == "asset.upload_not_found"
    assert code_of(acme.register_upload, request | {"size": 2**30}) == "asset.too_large"


def test_who_is_not_a_brand_uploads_nothing(container, rpc, tokens, upload):
    request = upload(b"content")
    streamer = rpc("asset", token=tokens.issue("streamer", new_id("str")))

    assert code_of(streamer.register_upload, request) == "forbidden"
    assert code_of(rpc("asset").register_upload, request) == "unauthenticated"
    assert code_of(rpc("asset").describe, {"asset_ids": []}) == "rpc.caller_not_allowed"


def test_a_file_that_outlasts_its_lease_is_processed_once_and_cleaned_up(
    container, acme, upload, store, tmp_path, capture_events, monkeypatch
):
    events, sources, render = capture_events("asset", "asset_ready"), [], ProcessStudio._render
    monkeypatch.setattr(ProcessStudio, "_render", lambda *work: sources.append(work[1]) or render(*work))
    processing = next(e for e in container.entrypoints if e.method_name == "processing")
    processing.lease_seconds = 0.2
    request = upload(files.video_file(tmp_path, "spot.mp4"))

    asset_id = acme.register_upload(request)["id"]

    assert finished(acme, asset_id)["status"] == "ready"
    eventually(lambda: not store.exists(request["upload_key"]), deadline=10)
    assert [event.data["asset_id"] for event in events.all()] == [asset_id]
    assert len(sources) == 1
