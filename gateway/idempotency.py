"""Idempotency-Key: an unsafe request that is sent again under its key is answered again and not done again.

The stored answer is encrypted under a key made of the request itself (and of a secret of ours), because some
answers hold tokens: who reads Redis reads nothing, and who cannot repeat the request is told nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from flask import Response, current_app, g, request
from prometheus_client import Counter

from chassis.errors import Conflict, ValidationFailed
from gateway.answer_store import StoreUnavailable
from gateway.state import state

log = logging.getLogger(__name__)

View = TypeVar("View", bound=Callable[..., Any])

# What services take as a key: printable ASCII without spaces.
IDEMPOTENCY_KEY = re.compile(r"[\x21-\x7e]{1,200}")
UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})
REPLAYED = "Idempotency-Replayed"

KEPT_SECONDS = 24 * 3600
# Longer than an unsafe request takes (a call's deadline is 5 s), and soon over when its worker died.
PENDING_SECONDS = 30
RETRY_SECONDS = 1
# The largest answer to an unsafe request, of a batch of deliveries that are all refused, is about 20 KB.
MAX_ANSWER_BYTES = 64 * 1024

# These are about now (who asks, how busy we are) and not about the request: the same one may do better later.
PASSING = frozenset({401, 403, 408, 429})
KEPT_HEADERS = ("Content-Type", "Location", "ETag", "Cache-Control")

DIGEST_BYTES, NONCE_BYTES, OWNER_BYTES = 32, 12, 16
PENDING, ANSWERED = b"P", b"A"

OUTCOMES = Counter("gateway_idempotent_requests_total", "Requests with an Idempotency-Key", ["outcome"])


class InFlight(Conflict):
    code = "idempotency.in_flight"
    title = "The first request with this Idempotency-Key is still being served"


class KeyReused(ValidationFailed):
    code = "idempotency.key_reused"
    title = "The Idempotency-Key belongs to another request"


@dataclass(frozen=True)
class Claim:
    """One request under its key: `key` is where its answer is, `fingerprint` what it asks, `secret` seals.

    `owner` is who pays for the place that it takes.
    """

    key: str
    owner: str
    fingerprint: bytes
    secret: bytes
    mark: bytes

    @classmethod
    def of(cls, idempotency_key: str, content: bytes) -> Claim:
        pepper = state().settings.media_signing_key.reveal().encode()

        def derive(purpose: bytes, *parts: bytes) -> bytes:
            digest = hmac.new(pepper, b"idempotency." + purpose, hashlib.sha256)
            for part in parts:
                digest.update(len(part).to_bytes(8, "big") + part)
            return digest.digest()

        owner = whose()
        place = (scope(owner).encode(), idempotency_key.encode())
        condition = request.headers.get("If-Match", "").encode()
        asked = (*place, request.path.encode(), request.query_string, condition, content)
        fingerprint = derive(b"request", *asked)
        return cls(
            key=derive(b"place", *place).hex(),
            owner=derive(b"owner", owner.encode()).hex(),
            fingerprint=fingerprint,
            secret=derive(b"seal", *asked),
            mark=PENDING + fingerprint + os.urandom(OWNER_BYTES),
        )

    def seal(self, response: Response) -> bytes:
        head = {name: response.headers[name] for name in KEPT_HEADERS if name in response.headers}
        text = json.dumps([response.status_code, head]).encode() + b"\n" + response.get_data()
        nonce = os.urandom(NONCE_BYTES)
        return ANSWERED + self.fingerprint + nonce + AESGCM(self.secret).encrypt(nonce, text, None)

    def open(self, stored: bytes) -> Response:
        """The answer to this request, from what is stored where it belongs; InFlight, KeyReused."""
        fingerprint, sealed = stored[1 : 1 + DIGEST_BYTES], stored[1 + DIGEST_BYTES :]
        if not hmac.compare_digest(fingerprint, self.fingerprint):
            OUTCOMES.labels("reused").inc()
            raise KeyReused(errors={"Idempotency-Key": ["Was used for a request with another content."]})
        if stored[:1] == PENDING:
            OUTCOMES.labels("in_flight").inc()
            raise InFlight("Ask again in a moment.", retry_after=RETRY_SECONDS)
        text = AESGCM(self.secret).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], None)
        head, _, body = text.partition(b"\n")
        status, headers = json.loads(head)
        OUTCOMES.labels("replayed").inc()
        return Response(body, status, {**headers, REPLAYED: "true"})


def guarded(view: View) -> View:
    """An unsafe view that is run once per key. Uploads see to it themselves, when they have been read."""

    @wraps(view)
    def once(*args: Any, **kwargs: Any) -> Any:
        key = given_key() if request.method in UNSAFE else None
        if key is None or request.mimetype == "multipart/form-data":
            return view(*args, **kwargs)
        return run_once(Claim.of(key, request.get_data()), lambda: view(*args, **kwargs))

    return once  # type: ignore[return-value]


def run_once(claim: Claim, serve: Callable[[], Any]) -> Response:
    """The answer of `serve`, or the one that it gave before.

    Without Redis it is asked every time: the key goes on to the services, where money commands need it.
    """
    store = state().answers
    try:
        stored = store.claim(claim.key, claim.mark, PENDING_SECONDS)
    except StoreUnavailable as error:
        OUTCOMES.labels("unprotected").inc()
        log.warning("a request is served without a look at earlier ones: %s", error)
        return answer_of(serve)
    if stored is not None:
        return claim.open(stored)
    response = answer_of(serve)
    try:
        if is_kept(response):
            store.settle(claim.key, claim.mark, claim.seal(response), KEPT_SECONDS, claim.owner)
        else:
            store.release(claim.key, claim.mark)
    except StoreUnavailable as error:
        log.warning("an answer is not remembered: %s", error)
    OUTCOMES.labels("served").inc()
    return response


def answer_of(serve: Callable[[], Any]) -> Response:
    """What the client will be told, errors included."""
    try:
        return current_app.make_response(serve())
    except Exception as error:  # noqa: BLE001  A refusal is an answer like any other.
        return current_app.make_response(current_app.handle_user_exception(error))


def is_kept(response: Response) -> bool:
    if response.status_code >= 500 or response.status_code in PASSING or response.is_streamed:
        return False
    return len(response.get_data()) <= MAX_ANSWER_BYTES


def given_key() -> str | None:
    key = request.headers.get("Idempotency-Key")
    if key is not None and not IDEMPOTENCY_KEY.fullmatch(key):
        raise ValidationFailed(
            "The request is not valid", {"Idempotency-Key": ["Must be 1 to 200 printable ASCII characters."]}
        )
    return key


def whose() -> str:
    principal = g.get("principal")
    return f"address {request.remote_addr}" if principal is None else f"account {principal.id}"


def scope(owner: str) -> str:
    """Whose key it is, and for which route: the same text from somebody else is another key."""
    principal = g.get("principal")
    rule = request.url_rule.rule if request.url_rule else ""
    return f"{owner} {principal.actor_id if principal else ''} {request.method} {rule}"
