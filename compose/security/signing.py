"""Access tokens of any content, signed with a platform's own key: what only identity can make otherwise."""

from __future__ import annotations

import time
import uuid
from typing import Any

import jwt

from chassis.config import Settings
from chassis.crypto import SecretBox
from chassis.mongo import Mongo, MongoOutbox
from chassis.tokens import audience_of
from compose.stack import Stack
from identity.domain.key_ring import SigningKey
from identity.domain.permissions import SCOPES
from identity.signing import ALGORITHM, TOKEN_TYPE, private
from identity.storage import MongoSigningKeys

LIFETIME_SECONDS = 900


class Mint:
    def __init__(self, key: SigningKey) -> None:
        self._key = key

    @classmethod
    def of(cls, stack: Stack) -> Mint:
        mongo = Mongo(stack.mongo_uri, f"{Settings.database_prefix}identity")
        try:
            outbox, box = MongoOutbox(mongo, lambda *_: None), SecretBox(stack.secrets["SECRETS_KEY"])
            ring = MongoSigningKeys(mongo, outbox, box).ring()
        finally:
            mongo.close()
        return cls(next(key for key in ring.keys if key.pair.d))

    def token(
        self, kind: str, account_id: str, scopes_of: str, lifetime: int = LIFETIME_SECONDS, **changes: Any
    ) -> str:
        """As identity makes one after a log-in with two factors; `changes` are claims."""
        now = int(time.time())
        claims = {
            "iss": Settings.token_issuer,
            "aud": audience_of(Settings.token_audience, {"kind": kind} | changes),
            "sub": account_id,
            "iat": now,
            "exp": now + lifetime,
            "jti": uuid.uuid4().hex,
            "scope": " ".join(sorted(SCOPES[scopes_of])),
            "kind": kind,
            "sid": f"ses_{uuid.uuid4().hex}",
            "auth_time": now,
            "acr": "mfa",
        } | changes
        headers = {"typ": TOKEN_TYPE, "kid": self._key.kid}
        return jwt.encode(claims, private(self._key.pair), algorithm=ALGORITHM, headers=headers)

    def for_member(self, account_id: str, brand_id: str, role: str, lifetime: int = LIFETIME_SECONDS) -> str:
        """Somebody with an account of their own who acts for a brand in a role."""
        acts_for: dict[str, Any] = {
            "sub": account_id,
            "sub_kind": "member",
            "role": role,
            "acts_for": brand_id,
        }
        return self.token("brand", brand_id, role, lifetime, **acts_for)
