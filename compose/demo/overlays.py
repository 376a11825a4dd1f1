"""Simulated overlays: they speak the overlay's protocol without a browser, in real time.

Most behave. Some send a batch twice, some send everything late, and some forge: each of those is
refused with its reason, and none of them changes a total.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from compose.demo.api import Api, DemoFailed

SHOWINGS = 10
SHOWING_SECONDS = 1.05
"""A little above the second that an image must be visible to qualify."""

BATCH = 5
RESENDS = 80
RESEND_SECONDS = 0.5

Delivery = dict[str, Any]
Answer = dict[str, Any]


def proof(key: bytes, previous: str, delivery: Delivery) -> str:
    """The chain proof of API.md: base64url without padding of HMAC-SHA256 over the lines."""
    members = ("id", "seq", "participation_id", "creative_id", "started_at", "ended_at", "visible_ms")
    lines = "\n".join([previous, *(str(delivery[member]) for member in members)])
    digest = hmac.new(key, lines.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def decode_key(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def wire_time(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass
class Overlay:
    """One streamer's overlay. `behaviour` is honest, twice, late or forging."""

    api: Api
    token: str
    behaviour: str
    accepted: int = 0
    refused: Counter[str] = field(default_factory=Counter)

    def run(self) -> Overlay:
        """Show ten times one second, reporting every five, and return with the counts."""
        self._open()
        waiting: list[Delivery] = []
        for _ in range(SHOWINGS):
            waiting.append(self._show())
            if len(waiting) == BATCH and self.behaviour != "late":
                self._report(waiting)
                waiting = []
        if self.behaviour == "late":
            time.sleep(2 * SHOWING_SECONDS)
        self._report(waiting)
        if self.behaviour == "forging":
            self._forge()
        return self

    def _open(self) -> None:
        manifest = self.api.get(f"/overlay/{self.token}/manifest")
        images = [c for c in manifest["creatives"] if c.get("media") == "image"]
        if not images:
            raise DemoFailed("the manifest holds no image")
        self.creative = images[0]
        self.session_id = manifest["session"]["id"]
        self.key = decode_key(manifest["session"]["key"])
        self.previous, self.seq = self.session_id, 0

    def _show(self) -> Delivery:
        started = datetime.now(UTC)
        time.sleep(SHOWING_SECONDS)
        return self._signed(started, datetime.now(UTC))

    def _signed(self, started: datetime, ended: datetime, creative_id: str | None = None) -> Delivery:
        self.seq += 1
        delivery: Delivery = {
            "id": str(uuid.uuid4()),
            "seq": self.seq,
            "participation_id": self.creative["participation_id"],
            "creative_id": creative_id or self.creative["creative_id"],
            "started_at": wire_time(started),
            "ended_at": wire_time(ended),
            "visible_ms": int((ended - started).total_seconds() * 1000),
        }
        delivery["proof"] = self.previous = proof(self.key, self.previous, delivery)
        return delivery

    def _report(self, batch: list[Delivery]) -> None:
        self._post(batch)
        if self.behaviour == "twice":
            self._post_again(batch)

    def _post_again(self, batch: list[Delivery]) -> None:
        """Every showing of a batch that was accepted is refused, however often the question is asked."""
        accepted = self.accepted
        self._post(batch)
        self.refused["replayed"] += self.accepted - accepted
        self.accepted = accepted

    def _post(self, batch: list[Delivery]) -> None:
        if not batch:
            return
        answer, answer_was_lost = self._deliver(batch)
        reasons = Counter(entry["reason"] for entry in answer["refused"])
        accepted_before = reasons.pop("replayed", 0) if answer_was_lost else 0
        self.accepted += answer["accepted"] + accepted_before
        self.refused.update(reasons)

    def _deliver(self, batch: list[Delivery]) -> tuple[Answer, bool]:
        """Deliver a batch; a platform that is busy for a moment is asked again with the same batch.

        An answer that did not come may still have been an acceptance: then the second try is told that
        the showings were replayed, and they were accepted once.
        """
        body = self._body(batch)
        answer_was_lost = False
        for _ in range(RESENDS):
            try:
                return self.api.post(f"/overlay/{self.token}/deliveries", body), answer_was_lost
            except DemoFailed as error:
                if error.status != httpx.codes.SERVICE_UNAVAILABLE:
                    raise
                answer_was_lost = True
                time.sleep(RESEND_SECONDS)
        raise DemoFailed(f"a batch was not taken within {RESENDS} tries")

    def _body(self, batch: list[Delivery]) -> dict[str, Any]:
        return {"session_id": self.session_id, "deliveries": batch}

    def _forge(self) -> None:
        """Four lies, one after the other; a refused showing does not break the chain of the next."""
        now, second = datetime.now(UTC), timedelta(seconds=1)
        honest = self._signed(now - second, now)
        self._post([honest | {"visible_ms": honest["visible_ms"] - 1}])
        self._post([self._signed(now + 600 * second, now + 601 * second)])
        self._post([self._signed(now - 90_001 * second, now - 90_000 * second)])
        self._post([self._signed(now - second, now, "crv_00000000000000000000000000")])


FORGERIES = {"broken_chain": 1, "in_the_future": 1, "too_old": 1, "unknown_creative": 1}
"""What a forging overlay has to be told, each once."""


def behaviour_of(number: int) -> str:
    """Of fifty overlays five send twice, five late, and five forge."""
    return {3: "twice", 5: "late", 7: "forging"}.get(number % 10, "honest")
