"""What the published language refuses before any rule is asked."""

from __future__ import annotations

import pytest
from marshmallow import ValidationError

from asset import schemas
from asset.tests.mothers import LOGO_ID, LOGO_KEY, RIVAL_ID

GOOD = {"upload_key": LOGO_KEY, "kind": "creative", "size": 4}


@pytest.mark.parametrize(
    "key",
    [
        "incoming/../originals/abc",
        "originals/" + "a" * 32,
        "/etc/passwd",
        LOGO_KEY + "\n",
        LOGO_KEY.upper(),
        {"$ne": ""},
        None,
    ],
)
def test_only_the_place_of_uploads_is_taken(key):
    with pytest.raises(ValidationError) as refused:
        schemas.RegisterUpload().load(GOOD | {"upload_key": key})

    assert set(refused.value.messages) == {"upload_key"}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"size": -1}, "size"),
        ({"size": 4.0}, "size"),
        ({"size": True}, "size"),
        ({"size": 2**63}, "size"),
        ({"kind": "avatar"}, "kind"),
        ({"filename": "a" * 256}, "filename"),
        ({"filename": "a\r\nX-Evil: 1"}, "filename"),
        ({"status": "ready"}, "status"),
        ({"owner_id": RIVAL_ID}, "owner_id"),
    ],
)
def test_a_request_that_is_not_valid_names_the_field(change, field):
    with pytest.raises(ValidationError) as refused:
        schemas.RegisterUpload().load(GOOD | change)

    assert set(refused.value.messages) == {field}


def test_at_most_a_hundred_assets_are_described_at_once():
    with pytest.raises(ValidationError):
        schemas.Describe().load({"asset_ids": [LOGO_ID] * 101})
