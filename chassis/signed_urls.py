"""Paths that open for a while: HMAC-SHA256 over the path and the second at which it closes."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import datetime
from urllib.parse import quote

from chassis.errors import Forbidden


class BadSignature(Forbidden):
    code, title = "media.bad_signature", "This link is not valid or no longer is"


def sign(path: str, expires_at: datetime, key: str) -> str:
    """`path?expires=…&signature=…`; the path is given unquoted."""
    expires = int(expires_at.timestamp())
    return f"{quote(path)}?expires={expires}&signature={_signature(path, expires, key)}"


def verify(path: str, expires: int, signature: str, key: str, now: datetime) -> None:
    """BadSignature unless the path was signed with this key and is still open."""
    expected = _signature(path, expires, key)
    if not hmac.compare_digest(expected.encode(), signature.encode()) or expires < now.timestamp():
        raise BadSignature()


def _signature(path: str, expires: int, key: str) -> str:
    digest = hmac.new(key.encode(), f"{path}\n{expires}".encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
