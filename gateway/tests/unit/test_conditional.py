"""Changes that depend on what their client has read, and reads that say which version they are of."""

from __future__ import annotations

from typing import Any

import pytest

from chassis.errors import PreconditionFailed
from gateway import examples
from gateway.tests.conftest import Door

CAMPAIGN = f"/v1/campaigns/{examples.CAMPAIGN}"
CHANGEABLE = [
    ("brand", CAMPAIGN, "campaign.get", "campaign.update"),
    ("brand", "/v1/brands/me", "brand.get_profile", "brand.update_profile"),
    ("streamer", "/v1/streamers/me", "streamer.get_profile", "streamer.update_profile"),
]


def patch(door: Door, kind: str, path: str, tag: str | None, **headers: str) -> Any:
    condition = {} if tag is None else {"If-Match": tag}
    return door.client.patch(path, json={}, headers={**door.as_(kind), **condition, **headers})


@pytest.mark.parametrize(("kind", "path", "reads", "changes"), CHANGEABLE)
def test_a_change_is_meant_for_the_version_that_was_read(
    door: Door, kind: str, path: str, reads: str, changes: str
) -> None:
    door.services.answers[reads] = {"id": "x_1", "version": 7}
    door.services.answers[changes] = {"id": "x_1", "version": 8}

    read = door.client.get(path, headers=door.as_(kind))
    changed = patch(door, kind, path, read.headers["ETag"])
    patch(door, kind, path, changed.headers["ETag"])

    asked = [request["expected_versions"] for name, request in door.services.calls if name == changes]
    assert (changed.status_code, asked) == (200, [[7], [8]])


@pytest.mark.parametrize(("kind", "path", "reads", "changes"), CHANGEABLE)
def test_a_lost_update_is_a_problem(door: Door, kind: str, path: str, reads: str, changes: str) -> None:
    door.services.fail(changes, PreconditionFailed("It is at version 8 now."))

    refused = patch(door, kind, path, '"v7-abc"')

    assert (refused.status_code, refused.json["code"]) == (412, "precondition_failed")


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        (None, None),
        ("*", None),
        ('"v7-abc"', [7]),
        ('"v7-abc", "v9-def"', [7, 9]),
        # A weak tag, and one that is not ours, match nothing.
        ('W/"v7-abc"', []),
        ('"abc"', []),
        ('"v-abc"', []),
    ],
)
def test_what_if_match_asks_for(door: Door, tag: str | None, expected: list[int] | None) -> None:
    patch(door, "brand", CAMPAIGN, tag)

    assert door.services.last[1].get("expected_versions") == expected


@pytest.mark.parametrize("tag", ["v7", '"v7', "", '"a" "b"', ", ".join(['"v1-a"'] * 21)])
def test_a_tag_that_cannot_be_read_is_refused(door: Door, tag: str) -> None:
    assert patch(door, "brand", CAMPAIGN, tag).status_code == 400
    assert door.services.calls == []


def test_a_body_cannot_name_versions(door: Door) -> None:
    body = {"expected_versions": [1]}

    refused = door.client.patch(CAMPAIGN, json=body, headers=door.as_("brand"))

    assert refused.status_code == 422


def test_a_read_with_a_version_is_not_sent_again(door: Door) -> None:
    door.services.answers["brand.get_profile"] = {"id": "x_1", "version": 7}
    first = door.client.get("/v1/brands/me", headers=door.as_("brand"))

    again = door.client.get(
        "/v1/brands/me", headers={**door.as_("brand"), "If-None-Match": first.headers["ETag"]}
    )

    assert first.headers["ETag"].startswith('"v7-')
    assert (again.status_code, again.data) == (304, b"")


def test_a_change_for_another_version_is_another_request_under_its_idempotency_key(door: Door) -> None:
    door.services.answers["campaign.update"] = {"id": "x_1", "version": 8}

    first = patch(door, "brand", CAMPAIGN, '"v7-a"', **{"Idempotency-Key": "one"})
    replayed = patch(door, "brand", CAMPAIGN, '"v7-a"', **{"Idempotency-Key": "one"})
    other = patch(door, "brand", CAMPAIGN, '"v8-a"', **{"Idempotency-Key": "one"})

    assert (replayed.status_code, replayed.headers["ETag"]) == (200, first.headers["ETag"])
    assert other.status_code == 422


def test_the_document_says_which_changes_take_if_match(door: Door) -> None:
    paths = door.client.get("/openapi.json").json["paths"]

    changes = [
        paths[path]["patch"] for path in ("/v1/campaigns/{campaign_id}", "/v1/brands/me", "/v1/streamers/me")
    ]

    for operation in changes:
        assert "If-Match" in [parameter.get("name") for parameter in operation["parameters"]]
        assert {"200", "412", "422"} <= set(operation["responses"])
