"""Who is asking: the verified end user of a call."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from chassis.errors import Forbidden, Unauthenticated


class Caller(Protocol):
    """What handlers need to know of the end user."""

    @property
    def id(self) -> str: ...

    @property
    def kind(self) -> str: ...

    @property
    def is_admin(self) -> bool: ...

    def must_be(self, *kinds: str) -> None: ...

    def owns(self, owner_id: str) -> bool: ...


@dataclass(frozen=True, slots=True)
class Principal:
    """The end user whose access token was verified; `kind` is "anonymous" without a token."""

    id: str
    kind: str
    scopes: frozenset[str] = field(default_factory=frozenset)
    session_id: str = ""
    auth_time: datetime | None = None

    @property
    def is_admin(self) -> bool:
        return self.kind == "admin"

    def must_be(self, *kinds: str) -> None:
        """Raise Unauthenticated without a token, Forbidden for a principal of another kind."""
        if self.kind == "anonymous":
            raise Unauthenticated()
        if self.kind not in kinds:
            raise Forbidden(f"only {' or '.join(kinds)} accounts may do this")

    def owns(self, owner_id: str) -> bool:
        return self.id == owner_id


ANONYMOUS = Principal(id="", kind="anonymous")
