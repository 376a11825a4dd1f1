"""Encryption at rest for small texts (tokens, keys, account numbers): Fernet, with key rotation."""

from __future__ import annotations

import base64
import hashlib

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from chassis.config import ConfigurationError


class SecretBox:
    """`keys` is SECRETS_KEY: one or more texts of at least 32 characters, separated by commas.

    The first encrypts; all decrypt, so that a new key can be put in front of the old one.
    """

    def __init__(self, keys: str) -> None:
        texts = [text.strip() for text in keys.split(",") if text.strip()]
        if not texts or min(len(text) for text in texts) < 32:
            raise ConfigurationError("SECRETS_KEY must hold keys of at least 32 characters")
        self._fernet = MultiFernet([Fernet(_derive(text)) for text in texts])

    def encrypt(self, text: str) -> str:
        return self._fernet.encrypt(text.encode()).decode()

    def decrypt(self, sealed: str) -> str:
        """ValueError when no key fits."""
        try:
            return self._fernet.decrypt(sealed.encode()).decode()
        except InvalidToken:
            raise ValueError("no key fits") from None

    def rotate(self, sealed: str) -> str:
        """The same text under the first key."""
        return self._fernet.rotate(sealed.encode()).decode()


def _derive(text: str) -> bytes:
    """The variable is random already; hashing only brings it to Fernet's length."""
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest())
