from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from chassis.errors import Conflict
from chassis.signed_urls import sign
from gateway.tests.conftest import NOW, SIGNING_KEY, Door

PICTURE = b"\x89PNG\r\n\x1a\n" + b"0123456789" * 20


def upload(door: Door, **parts: Any) -> Any:
    form = {"kind": "creative", "file": (io.BytesIO(PICTURE), "banner.png"), **parts}
    form = {name: value for name, value in form.items() if value is not None}
    return door.client.post(
        "/v1/assets", data=form, headers=door.as_("brand"), content_type="multipart/form-data"
    )


def kept(door: Door) -> list[Path]:
    return [path for path in door.state.objects._root.rglob("*") if path.is_file()]


def test_an_upload_is_kept_and_registered(door: Door) -> None:
    door.services.answers["asset.register_upload"] = {"id": "ast_1", "status": "uploaded"}

    response = upload(door)

    name, request = door.services.last
    assert (response.status_code, response.headers["Location"]) == (201, "/v1/assets/ast_1")
    assert name == "asset.register_upload"
    assert (request["kind"], request["filename"], request["size"]) == ("creative", "banner.png", len(PICTURE))
    assert door.state.objects.get(request["upload_key"]) == PICTURE
    assert request["upload_key"].startswith("incoming/")


@pytest.mark.parametrize("size", [1001, 5000])
def test_a_file_that_is_too_large_is_refused_and_not_kept(door: Door, size: int) -> None:
    response = upload(door, file=(io.BytesIO(b"x" * size), "big.png"))

    assert (response.status_code, response.json["code"]) == (413, "asset.too_large")
    assert kept(door) == []
    assert door.services.calls == []


def test_a_body_of_unknown_length_is_cut_off_at_the_limit(door: Door) -> None:
    def endless() -> Iterator[bytes]:
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n'
        for _ in range(1000):
            yield b"x" * 1000

    class Body:
        chunks = endless()
        taken = 0

        def read(self, size: int = -1) -> bytes:
            chunk = next(self.chunks, b"")
            Body.taken += len(chunk)
            return chunk

    response = door.client.post(
        "/v1/assets",
        headers=door.as_("brand"),
        content_type="multipart/form-data; boundary=b",
        environ_overrides={
            "wsgi.input": Body(),
            "wsgi.input_terminated": True,
            "HTTP_TRANSFER_ENCODING": "chunked",
        },
    )

    assert response.status_code == 413
    assert Body.taken < 100_000
    assert kept(door) == []


@pytest.mark.parametrize(
    ("parts", "field"),
    [
        ({"file": None}, "file"),
        ({"kind": "x" * 2000}, "kind"),
        ({"kind": "virus"}, "kind"),
        ({"owner_id": "brd_somebody"}, "owner_id"),
        ({"another": (io.BytesIO(b"x"), "x.png")}, "another"),
    ],
)
def test_a_form_that_is_not_valid_is_refused_and_nothing_is_kept(
    door: Door, parts: dict[str, Any], field: str
) -> None:
    response = upload(door, **parts)

    assert response.status_code == 422
    assert field in response.json["errors"]
    assert kept(door) == []


@pytest.mark.parametrize("rest", ["", '; filename="x.png"'], ids=["field", "file"])
def test_a_part_without_a_name_is_refused(door: Door, rest: str) -> None:
    part = f"--b\r\nContent-Disposition: form-data{rest}\r\n\r\n{'x' * 2000}\r\n--b--\r\n"

    response = door.client.post(
        "/v1/assets",
        data=part.encode(),
        headers=door.as_("brand"),
        content_type="multipart/form-data; boundary=b",
    )

    assert (response.status_code, response.json["code"]) == (400, "bad_request")
    assert kept(door) == []


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"{}", "application/json", 415),
        (b"x", "multipart/form-data", 415),
        (b"no boundary", "multipart/form-data; boundary=b", 400),
        (
            b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nhalf',
            "multipart/form-data; boundary=b",
            400,
        ),
    ],
)
def test_what_is_no_form_is_refused(door: Door, body: bytes, content_type: str, status: int) -> None:
    response = door.client.post("/v1/assets", data=body, headers=door.as_("brand"), content_type=content_type)

    assert response.status_code == status
    assert kept(door) == []


def test_a_file_that_the_service_does_not_take_is_not_kept(door: Door) -> None:
    door.services.fail("asset.register_upload", Conflict())

    response = upload(door)

    assert response.status_code == 409
    assert kept(door) == []


@pytest.mark.parametrize("kind", ["streamer", "admin"])
def test_only_brands_upload(door: Door, kind: str) -> None:
    response = door.client.post("/v1/assets", headers=door.as_(kind))

    assert response.status_code == 403


@pytest.fixture
def picture(door: Door) -> str:
    """The signed address of a picture that is there."""
    door.state.objects.put("variants/3f/banner.png", io.BytesIO(PICTURE))
    return sign("/media/variants/3f/banner.png", NOW + timedelta(hours=1), SIGNING_KEY)


def test_a_signed_address_opens_a_file(door: Door, picture: str) -> None:
    response = door.client.get(picture)

    assert (response.status_code, response.content_type, response.data) == (200, "image/png", PICTURE)
    assert response.headers["Cache-Control"] == "public, max-age=3600, immutable"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Accept-Ranges"] == "bytes"
    assert response.headers["ETag"]


@pytest.mark.parametrize(
    ("wanted", "status", "content_range", "data"),
    [
        ("bytes=0-7", 206, f"bytes 0-7/{len(PICTURE)}", PICTURE[:8]),
        ("bytes=200-", 206, f"bytes 200-{len(PICTURE) - 1}/{len(PICTURE)}", PICTURE[200:]),
        ("bytes=-4", 206, f"bytes {len(PICTURE) - 4}-{len(PICTURE) - 1}/{len(PICTURE)}", PICTURE[-4:]),
        ("bytes=0-0,5-6", 200, None, PICTURE),
        ("lines=1-2", 200, None, PICTURE),
        ("bytes=nonsense", 200, None, PICTURE),
    ],
)
def test_a_player_reads_ranges(
    door: Door, picture: str, wanted: str, status: int, content_range: str | None, data: bytes
) -> None:
    response = door.client.get(picture, headers={"Range": wanted})

    assert (response.status_code, response.headers.get("Content-Range"), response.data) == (
        status,
        content_range,
        data,
    )
    assert response.headers["Content-Length"] == str(len(data))


def test_a_range_beyond_the_end_is_a_problem(door: Door, picture: str) -> None:
    response = door.client.get(picture, headers={"Range": "bytes=9999-"})

    assert (response.status_code, response.content_type) == (416, "application/problem+json")
    assert response.headers["Content-Range"] == f"bytes */{len(PICTURE)}"


def test_a_range_of_another_version_gets_the_whole_file(door: Door, picture: str) -> None:
    response = door.client.get(picture, headers={"Range": "bytes=0-7", "If-Range": '"another"'})

    assert (response.status_code, response.data) == (200, PICTURE)


def test_what_the_browser_has_is_not_sent_again(door: Door, picture: str) -> None:
    etag = door.client.get(picture).headers["ETag"]

    response = door.client.get(picture, headers={"If-None-Match": etag})

    assert (response.status_code, response.data) == (304, b"")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda url: url.replace("banner.png", "corner.png"),
        lambda url: url.replace("expires=1", "expires=2"),
        lambda url: url[:-4] + "AAAA",
        lambda url: url.partition("?")[0],
        lambda url: url.partition("&")[0],
        lambda url: url.replace("expires=", "expires=-"),
    ],
)
def test_an_address_that_was_not_signed_opens_nothing(door: Door, picture: str, spoil: Any) -> None:
    response = door.client.get(spoil(picture))

    assert (response.status_code, response.content_type) == (403, "application/problem+json")


def test_an_address_expires(door: Door, picture: str) -> None:
    door.state.clock.advance(seconds=3601)

    response = door.client.get(picture)

    assert response.status_code == 403


def test_a_signed_address_of_nothing_is_a_problem(door: Door) -> None:
    response = door.client.get(sign("/media/gone.png", NOW + timedelta(hours=1), SIGNING_KEY))

    assert response.status_code == 404


def test_without_a_key_no_address_is_valid(make_door: Any) -> None:
    from chassis.config import Secret

    door = make_door(media_signing_key=Secret(""))
    door.state.objects.put("a.png", io.BytesIO(PICTURE))

    response = door.client.get(sign("/media/a.png", NOW + timedelta(hours=1), ""))

    assert response.status_code == 403
