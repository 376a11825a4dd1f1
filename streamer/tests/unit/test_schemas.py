"""What the published language refuses before any rule is asked."""

from __future__ import annotations

import pytest
from marshmallow import ValidationError

from streamer import schemas
from streamer.tests.mothers import NOVA_ID


@pytest.mark.parametrize(
    ("schema", "request_", "fields"),
    [
        (schemas.UpdateProfile, {"id": "x"}, {"id"}),
        (schemas.UpdateProfile, {"verified": True}, {"verified"}),
        (schemas.UpdateProfile, {"display_name": "x" * 101}, {"display_name"}),
        (schemas.UpdateProfile, {"display_name": ""}, {"display_name"}),
        (schemas.UpdateProfile, {"display_name": "a\nb"}, {"display_name"}),
        (schemas.UpdateProfile, {"display_name": {"$ne": None}}, {"display_name"}),
        (schemas.UpdateProfile, {"demographics": {"primary_country": "Germany"}}, {"demographics"}),
        (schemas.UpdateProfile, {"demographics": {"primary_country": "DE\n"}}, {"demographics"}),
        (schemas.UpdateProfile, {"demographics": {"languages": ["en"] * 21}}, {"demographics"}),
        (schemas.LinkPlatform, {"name": "myspace", "username": "nova"}, {"name"}),
        (schemas.LinkPlatform, {"name": "twitch", "username": "nova", "status": "verified"}, {"status"}),
        (
            schemas.LinkPlatform,
            {"name": "other", "username": "n", "channel_url": "javascript:alert(1)"},
            {"channel_url"},
        ),
        (
            schemas.LinkPlatform,
            {"name": "other", "username": "n", "channel_url": "http://a.de"},
            {"channel_url"},
        ),
        (schemas.SetPayoutMethod, {"method": "cash"}, {"method", "account_holder", "account_details"}),
        (schemas.StreamerRef, {"streamer_id": "brd_01jd2e7z5pf3rs8w6r8q6v2k1m"}, {"streamer_id"}),
        (schemas.StreamerRef, {"streamer_id": {"$gt": ""}}, {"streamer_id"}),
    ],
)
def test_a_request_that_is_not_valid_names_the_fields(schema, request_, fields):
    with pytest.raises(ValidationError) as refused:
        schema().load(request_)

    assert set(refused.value.messages) == fields


@pytest.mark.parametrize(
    "url",
    [
        "https://ex\uff0fample.com/nova",
        "https://www.youtube.com@evil.example/nova",
        "https://youtube.com:443/nova",
        "https://youtube.com./nova",
        "https://127.0.0.1/nova",
        "https://[::1]/nova",
        "https://localhost/nova",
        'https://youtube.com/"><script>',
        "https://youtube.com/\u202enova",
    ],
)
def test_a_channels_address_is_a_plain_one(url):
    with pytest.raises(ValidationError) as refused:
        schemas.LinkPlatform().load({"name": "other", "username": "nova", "channel_url": url})

    assert set(refused.value.messages) == {"channel_url"}


@pytest.mark.parametrize(
    "url",
    [
        "https://www.youtube.com/@nova?view=1#videos",
        "https://xn--e1afmkfd.xn--p1ai/%D0%BD",
        "https://kick.com",
        "https://example.co.uk/a/(b),c;d=e",
    ],
)
def test_a_channel_has_an_address_like_any_other(url):
    loaded = schemas.LinkPlatform().load({"name": "other", "username": "nova", "channel_url": url})

    assert loaded["channel_url"] == url


@pytest.mark.parametrize("followers", [-1, 2**63, 1.0, True, "5", None])
def test_figures_that_cannot_be_are_refused(followers):
    request = {"streamer_id": NOVA_ID, "name": "twitch", "status": "verified"}

    with pytest.raises(ValidationError) as refused:
        schemas.VerifyPlatform().load(request | {"metrics": {"followers": followers}})

    assert set(refused.value.messages) == {"metrics"}
