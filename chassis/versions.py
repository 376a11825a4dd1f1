"""Optimistic locking by a client: a change that is meant for certain versions of a resource, and no other."""

from __future__ import annotations

from collections.abc import Sequence

from chassis.errors import PreconditionFailed

Expected = Sequence[int] | None
"""The versions that a change is meant for, one of them; None when the client named none."""


def must_be_expected(version: int, expected: Expected) -> None:
    """PreconditionFailed for another version. To be called on what is then saved by compare-and-swap."""
    if expected is not None and version not in expected:
        raise PreconditionFailed(f"It is at version {version} now: read it again, and decide anew.")
