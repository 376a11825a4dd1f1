"""Typed, sortable identifiers (TypeID: https://github.com/jetify-com/typeid)."""

from __future__ import annotations

import re
from collections.abc import Callable

from typeid import TypeID

NewId = Callable[[str], str]
"""Makes an id of the given prefix. Handlers take it as a collaborator, so that tests choose ids."""

_SUFFIX = re.compile(r"[0-7][0-9a-hjkmnp-tv-z]{25}")


def new_id(prefix: str) -> str:
    """A new id such as `cmp_01jd2e7z5pf3rs8w6r8q6v2k1m`; later ids sort after earlier ones."""
    return str(TypeID(prefix=prefix))


def is_id(prefix: str, value: object) -> bool:
    """True for a well-formed id of this prefix."""
    if not isinstance(value, str) or not value.startswith(f"{prefix}_"):
        return False
    return _SUFFIX.fullmatch(value, len(prefix) + 1) is not None
