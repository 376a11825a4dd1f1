"""People whom the tests know by name."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from chassis.ids import new_id
from identity.domain.account import Account
from identity.domain.api_key import PresentedKey, new_key
from identity.domain.authenticator import Authenticator
from identity.domain.key_ring import KeyPair, Policy, SigningKey
from identity.domain.link import VERIFY_EMAIL, Link
from identity.domain.permissions import SCOPES
from identity.domain.session import Session
from identity.events import ApiKeyCreated

# Far ahead, so that the expiry of the real store never deletes what a test has put there.
MONDAY = datetime(2126, 11, 25, 9, 0, tzinfo=UTC)

TEN_MINUTES_AHEAD = Policy(published_for=timedelta(minutes=10), signs_for=timedelta(days=30))

APP_SECRET = b"20 bytes of a secret"

GOOD_PASSWORD = "a lamp in the attic"


def acme(**changes: Any) -> dict[str, Any]:
    """What the brand ACME fills in to register."""
    return {
        "email": "ads@acme.example",
        "password": GOOD_PASSWORD,
        "company_name": "ACME Rockets",
        "industry": "toys",
        "contact_person": {"name": "Wile E.", "position": "Head of Testing", "phone": "+1 555 0100"},
    } | changes


def nova(**changes: Any) -> dict[str, Any]:
    """What Nova the streamer fills in to register."""
    return {"email": "nova@stream.example", "password": GOOD_PASSWORD, "display_name": "Nova"} | changes


def account(**changes: Any) -> Account:
    fields: dict[str, Any] = {
        "id": new_id("brd"),
        "kind": "brand",
        "email": "ads@acme.example",
        "password_hash": f"hashed {GOOD_PASSWORD}",
        "created_at": MONDAY,
    }
    return Account(**(fields | changes))


def finn(**changes: Any) -> Account:
    """A member of ACME's team."""
    return account(**{"id": new_id("mem"), "kind": "member", "email": "finn@acme.example"} | changes)


def session(of: Account | None = None, **changes: Any) -> Session:
    opened = Session.open(new_id("ses"), of or account(), b"s" * 32, MONDAY, "203.0.113.7")
    for name, value in changes.items():
        setattr(opened, name, value)
    return opened


def an_authenticator(**changes: Any) -> Authenticator:
    """An app that is not confirmed yet."""
    fields: dict[str, Any] = {
        "id": new_id("otp"),
        "account_id": new_id("brd"),
        "secret": APP_SECRET,
        "created_at": MONDAY,
    }
    return Authenticator(**(fields | changes))


def a_code(at: datetime, secret: bytes = APP_SECRET) -> str:
    """What the app shows at that time."""
    return TOTP(secret, 6, SHA1(), 30).generate(at.timestamp()).decode()


def an_api_key(of: Account, **changes: Any) -> tuple[Session, PresentedKey, list[ApiKeyCreated]]:
    """Reads campaigns and figures, and never ends."""
    options: dict[str, Any] = {
        "name": "Reporting server",
        "scopes": ["campaigns:read", "analytics:read"],
        "allowed": SCOPES["owner"],
        "expires_at": None,
    }
    return new_key(new_id("key"), of, b"k" * 32, MONDAY, **options | changes)


def a_link(of: Account | None = None, token: str = "a token", **changes: Any) -> Link:
    options: dict[str, Any] = {"id": new_id("lnk"), "purpose": VERIFY_EMAIL}
    chosen = options | changes
    return Link.make(chosen["id"], (of or account()).id, chosen["purpose"], token, MONDAY)


def a_pair(name: str = "k1") -> KeyPair:
    """Signs nothing."""
    return KeyPair(kid=name, x=f"public {name}", d=f"private {name}")


def a_signing_key(**changes: Any) -> SigningKey:
    """The first one, which signs since it was made."""
    fields: dict[str, Any] = {"number": 1, "pair": a_pair(), "made_at": MONDAY, "signs_from": MONDAY}
    return SigningKey(**(fields | changes))
