"""Which part of a list is wanted."""

from dataclasses import dataclass


@dataclass(frozen=True)
class PageRequest:
    limit: int
    cursor: str | None = None
