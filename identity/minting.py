"""The tokens of one-time links: derived from the link's id whenever they are needed, and kept nowhere."""

from __future__ import annotations

import base64
import hashlib
import hmac

from identity.domain.link import Link, LinkNotValid, hash_of


class DerivedLinkTokens:
    """`secrets_key` is SECRETS_KEY: the first of its texts makes new tokens, each of them finds old ones."""

    def __init__(self, secrets_key: str) -> None:
        texts = [text.strip() for text in secrets_key.split(",") if text.strip()]
        self._keys = [hashlib.sha256(b"identity.links." + text.encode()).digest() for text in texts]

    def make(self, link_id: str) -> str:
        return _derive(self._keys[0], link_id)

    def of(self, link: Link) -> str:
        for key in self._keys:
            token = _derive(key, link.id)
            if hmac.compare_digest(hash_of(token), link.token_hash):
                return token
        raise LinkNotValid()


def _derive(key: bytes, link_id: str) -> str:
    return base64.urlsafe_b64encode(hmac.digest(key, link_id.encode(), "sha256")).decode().rstrip("=")
