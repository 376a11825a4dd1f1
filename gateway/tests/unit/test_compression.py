from __future__ import annotations

import gzip
from typing import Any

import pytest

from gateway.tests.conftest import Door

LONG = {"items": [{"id": f"x_{number}", "name": "A campaign"} for number in range(200)], "next_cursor": None}
TOKEN = "q3Vw0c1n8bJx7yT2mK5rLZs9dF4hGpAeUoXiW6vBtNE"


def read(door: Door, path: str = "/v1/campaigns", encoding: str | None = "gzip", **headers: str) -> Any:
    door.services.answers["campaign.list"] = LONG
    asked = {**door.as_("brand"), **headers, **({} if encoding is None else {"Accept-Encoding": encoding})}
    return door.client.get(path, headers=asked)


def test_a_long_answer_is_compressed_for_who_takes_that(door: Door) -> None:
    plain, compressed = read(door, encoding=None), read(door)

    assert compressed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(compressed.data) == plain.data
    assert len(compressed.data) < len(plain.data) / 4
    assert int(compressed.headers["Content-Length"]) == len(compressed.data)
    assert "Accept-Encoding" in plain.headers["Vary"]
    assert "Accept-Encoding" in compressed.headers["Vary"]


@pytest.mark.parametrize("encoding", [None, "", "identity", "br", "gzip;q=0", "gzip;q=0, *"])
def test_nobody_else_gets_it_compressed(door: Door, encoding: str | None) -> None:
    answer = read(door, encoding=encoding)

    assert "Content-Encoding" not in answer.headers
    assert answer.json == LONG


@pytest.mark.parametrize("encoding", ["gzip, deflate, br", "GZIP", "br;q=1, gzip;q=0.5"])
def test_who_names_gzip_among_others_gets_it(door: Door, encoding: str) -> None:
    named = "gzip" in encoding.lower()

    assert ("Content-Encoding" in read(door, encoding=encoding).headers) == named


def test_the_compressed_bytes_have_a_tag_of_their_own_and_both_are_known_again(door: Door) -> None:
    plain, compressed = read(door, encoding=None), read(door)
    tags = [plain.headers["ETag"], compressed.headers["ETag"]]

    answers = [read(door, **{"If-None-Match": tag}) for tag in tags]

    assert tags[0] != tags[1]
    assert [answer.status_code for answer in answers] == [304, 304]
    assert [answer.headers["ETag"] for answer in answers] == tags
    assert [answer.data for answer in answers] == [b"", b""]


def test_the_tag_of_compressed_bytes_names_a_version_like_the_plain_one(door: Door) -> None:
    door.services.answers["brand.get_profile"] = {"version": 7, "text": "x" * 5000}
    tag = read(door, "/v1/brands/me").headers["ETag"]

    door.client.patch("/v1/brands/me", json={}, headers={**door.as_("brand"), "If-Match": tag})

    assert tag.endswith('-gzip"')
    assert door.services.last[1]["expected_versions"] == [7]


def test_files_and_pages_are_compressed(door: Door) -> None:
    for path in ("/docs", "/pages/site.css", "/docs/swagger-ui-bundle.js", "/openapi.json"):
        answer = read(door, path)
        again = read(door, path)

        assert answer.headers["Content-Encoding"] == "gzip", path
        assert answer.data == again.data
        assert gzip.decompress(answer.data) == read(door, path, encoding=None).data


def test_a_file_that_is_known_already_is_not_sent_again(door: Door) -> None:
    first = read(door, "/pages/site.css")

    again = read(door, "/pages/site.css", **{"If-None-Match": first.headers["ETag"]})

    assert (again.status_code, again.headers["ETag"]) == (304, first.headers["ETag"])


def test_what_is_short_stays_as_it_is(door: Door) -> None:
    assert "Content-Encoding" not in read(door, "/v1/wallet").headers
    assert "Content-Encoding" not in read(door, "/health/live").headers


def test_an_answer_that_holds_a_secret_is_never_compressed(door: Door) -> None:
    secret = {"url": "x" * 5000}
    door.services.answers |= {
        "participation.overlay_link": secret,
        "participation.manifest": secret,
        "identity.login": secret,
    }
    login = {"email": "acme@example.com", "password": "correct horse battery staple"}
    gzipped = {"Accept-Encoding": "gzip"}

    answers = [
        door.client.get("/v1/overlay-link", headers={**door.as_("streamer"), **gzipped}),
        door.client.get(f"/overlay/{TOKEN}/manifest", headers=gzipped),
        door.client.post("/v1/brands/login", json=login, headers=gzipped),
    ]

    assert [answer.status_code for answer in answers] == [200] * 3
    assert all(len(answer.data) > 1400 for answer in answers)
    assert not [answer for answer in answers if "Content-Encoding" in answer.headers]


def test_an_event_stream_is_not_compressed(door: Door) -> None:
    answer = read(door, "/v1/notifications/live")

    assert answer.mimetype == "text/event-stream"
    assert "Content-Encoding" not in answer.headers
    answer.close()
