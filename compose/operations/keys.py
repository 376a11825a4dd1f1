"""The keys that sign access tokens, as identity lists, rotates and withdraws them for the operator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from compose import table
from compose.operations.access import Access, identity_answers

Key = dict[str, Any]

COLUMNS = ("kid", "state", "made_at", "signs_from", "retires_at", "withdrawn_at")


def listed(access: Access) -> list[Key]:
    return _asked(access, "list_signing_keys", {})


def rotate(access: Access) -> list[Key]:
    """Publishes the next key, or shows the rotation that is under way."""
    return _asked(access, "rotate_signing_keys", {})


def withdraw(access: Access, kid: str) -> list[Key]:
    return _asked(access, "withdraw_signing_key", {"kid": kid})


def as_text(keys: Sequence[Key]) -> str:
    heading = tuple(column.upper().replace("_", " ") for column in COLUMNS)
    return table.render([heading, *(tuple(key[column] or "-" for column in COLUMNS) for key in keys)])


def _asked(access: Access, method: str, request: dict[str, Any]) -> list[Key]:
    keys: list[Key] = identity_answers(access, method, request)["keys"]
    return keys
