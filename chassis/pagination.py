"""Cursor pages: opaque cursors over the sort key of the last item."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from chassis.errors import ValidationFailed

T = TypeVar("T")

MAX_CURSOR_LENGTH = 512

BIGGEST_INTEGER = 2**63 - 1
"""What both databases hold."""


def encode_cursor(key: Sequence[Any]) -> str:
    """An opaque text for a sort key of JSON values."""
    return base64.urlsafe_b64encode(json.dumps(list(key)).encode()).decode().rstrip("=")


def decode_cursor(cursor: str, *kinds: type) -> list[Any]:
    """The sort key inside a cursor; ValidationFailed when the text is not one of ours.

    `kinds` are the types of the key's members: a forged cursor may hold any JSON, and what is given to
    a database as a value must not turn out to be an operator, nor something that it cannot hold.
    """
    try:
        padded = cursor[:MAX_CURSOR_LENGTH] + "=" * (-len(cursor[:MAX_CURSOR_LENGTH]) % 4)
        key = json.loads(base64.urlsafe_b64decode(padded.encode("ascii")))
    except (binascii.Error, UnicodeError, ValueError, RecursionError) as error:
        raise _bad_cursor() from error
    if not isinstance(key, list) or not key or not all(_can_be_stored(member) for member in key):
        raise _bad_cursor()
    if kinds and [type(member) for member in key] != list(kinds):
        raise _bad_cursor()
    return key


def _can_be_stored(member: Any) -> bool:
    """PostgreSQL's texts hold no NUL, and half a surrogate pair can be sent to no database."""
    if isinstance(member, str):
        return "\x00" not in member and not any("\ud800" <= character <= "\udfff" for character in member)
    return isinstance(member, int) and abs(member) <= BIGGEST_INTEGER


def _bad_cursor() -> ValidationFailed:
    return ValidationFailed("The cursor is not one that we gave out", {"cursor": ["Not a valid cursor."]})


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some items, and where the next ones begin (None at the end)."""

    items: list[T]
    next_cursor: str | None = None


def page_of(found: Sequence[T], limit: int, key: Callable[[T], Sequence[Any]]) -> Page[T]:
    """Cut a result of up to `limit + 1` items into a page; the surplus item says that there is more."""
    items = list(found[:limit])
    more = len(found) > limit
    return Page(items, encode_cursor(key(items[-1])) if more else None)
