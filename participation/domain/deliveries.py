"""Showings as an overlay sends them: their form, their proofs, and what remains of an accepted one.

The proof of a delivery is the HMAC-SHA256, in base64url without padding, over these lines joined by a
line feed: previous proof, id, seq, participation_id, creative_id, started_at, ended_at, visible_ms,
exactly as sent. The first delivery of a session has the session's id as its previous proof, and seq 1.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from chassis.times import parse_rfc3339
from participation.domain.timeline import MAX_SHOWING_MS
from participation.events import AcceptedDelivery

MAX_BATCH = 200
MAX_SEQ = 2**31 - 1

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_ID = re.compile(r"[a-z]{1,8}_[0-9a-z]{26}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)")
_PROOF = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class Showing:
    """A delivery that is well formed; nothing is believed of it yet. Texts are kept exactly as sent."""

    id: str
    seq: int
    participation_id: str
    creative_id: str
    started_at: str
    ended_at: str
    visible_ms: int
    proof: str
    started_ms: int
    ended_ms: int

    @property
    def key(self) -> str:
        """The id as it is compared: the digits of a UUID mean the same in either case."""
        return self.id.lower()


@dataclass(frozen=True, slots=True)
class Malformed:
    """A delivery that cannot be read, with as much of it as later ones may refer to."""

    id: str
    seq: int | None = None
    proof: str | None = None


Entry = Showing | Malformed


@dataclass(frozen=True, slots=True)
class Delivery:
    """An accepted showing with everything from which counts and earnings can be computed again."""

    id: str
    seq: int
    creative_id: str
    placement: str
    media: str
    started_ms: int
    ended_ms: int
    visible_ms: int
    qualified: bool
    live: bool
    viewers: int
    sampled_ms: int
    platform: str | None
    country: str | None
    formula: str

    @property
    def started_at(self) -> datetime:
        return from_epoch_ms(self.started_ms)

    @property
    def ended_at(self) -> datetime:
        return from_epoch_ms(self.ended_ms)

    def to_event(self) -> AcceptedDelivery:
        return AcceptedDelivery(
            id=self.id,
            creative_id=self.creative_id,
            placement=self.placement,
            started_at=self.started_at,
            ended_at=self.ended_at,
            visible_ms=self.visible_ms,
            qualified=self.qualified,
            viewers=self.viewers,
            platform=self.platform,
            country=self.country,
        )


@dataclass(frozen=True, slots=True)
class Bucket:
    """The deliveries of one participation that came in one batch; `number` counts them from 1."""

    participation_id: str
    number: int
    session_id: str
    accepted_at: datetime
    deliveries: list[Delivery]


def from_epoch_ms(at_ms: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=at_ms)


def proof_of(key: bytes, previous: str, showing: Showing) -> str:
    """The proof that the holder of the session's key would have sent."""
    lines = (
        previous,
        showing.id,
        str(showing.seq),
        showing.participation_id,
        showing.creative_id,
        showing.started_at,
        showing.ended_at,
        str(showing.visible_ms),
    )
    digest = hmac.new(key, "\n".join(lines).encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def read(raw: Any) -> Entry:
    """A delivery of a request's body. What does not have exactly the published form is malformed."""
    if not isinstance(raw, dict):
        return Malformed("")
    try:
        return _showing(raw) if _is_well_formed(raw) else _malformed(raw)
    except (ValueError, OverflowError):
        return _malformed(raw)


def _showing(raw: dict[str, Any]) -> Showing:
    started_ms, ended_ms = _milliseconds(raw["started_at"]), _milliseconds(raw["ended_at"])
    if not 0 <= started_ms < ended_ms <= started_ms + MAX_SHOWING_MS:
        raise ValueError("a showing ends after it has started, and within ten minutes")
    return Showing(**raw, started_ms=started_ms, ended_ms=ended_ms)


def _is_well_formed(raw: dict[str, Any]) -> bool:
    return set(raw) == set(_FORM) and all(fits(raw[name]) for name, fits in _FORM.items())


def _is_text(pattern: re.Pattern[str]) -> Any:
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None


def _is_integer(lowest: int, highest: int) -> Any:
    return lambda value: type(value) is int and lowest <= value <= highest


_FORM = {
    "id": _is_text(_UUID),
    "seq": _is_integer(1, MAX_SEQ),
    "participation_id": _is_text(_ID),
    "creative_id": _is_text(_ID),
    "started_at": _is_text(_TIME),
    "ended_at": _is_text(_TIME),
    "visible_ms": _is_integer(0, MAX_SHOWING_MS),
    "proof": _is_text(_PROOF),
}


def _milliseconds(text: str) -> int:
    return (parse_rfc3339(text) - _EPOCH) // timedelta(milliseconds=1)


def _malformed(raw: dict[str, Any]) -> Malformed:
    name, seq, proof = raw.get("id"), raw.get("seq"), raw.get("proof")
    return Malformed(
        id=name[:64] if isinstance(name, str) else "",
        seq=seq if _FORM["seq"](seq) else None,
        proof=proof if _FORM["proof"](proof) else None,
    )
