"""Addresses of variants."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from asset.links import Links
from asset.tests.mothers import a_picture, morning
from chassis.signed_urls import BadSignature, verify

KEY = "a key for tests"


def opened(url: str, clock) -> None:
    parts = urlsplit(url)
    query = parse_qs(parts.query)
    verify(parts.path, int(query["expires"][0]), query["signature"][0], KEY, clock.now())


def test_an_address_is_open_for_a_day():
    clock = morning()
    url = Links(clock, KEY).url(a_picture().variants[0])
    clock.advance(24 * 3600)

    opened(url, clock)

    clock.advance(3600 + 1)
    with pytest.raises(BadSignature):
        opened(url, clock)


def test_an_address_stays_the_same_within_an_hour():
    clock = morning()
    clock.advance(1)
    links, variant = Links(clock, KEY), a_picture().variants[0]
    first = links.url(variant)

    clock.advance(3598)

    assert links.url(variant) == first


def test_an_address_opens_no_other_file():
    clock = morning()
    url = Links(clock, KEY).url(a_picture().variants[0])

    with pytest.raises(BadSignature):
        opened(url.replace("banner.png", "corner.png"), clock)
