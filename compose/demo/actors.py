"""The people of the demo, each with an account of their own and an address that no earlier run has used."""

from __future__ import annotations

import base64
import re
import time
from dataclasses import dataclass
from email.parser import BytesParser
from email.policy import default
from pathlib import Path
from typing import Any

import httpx
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from compose.demo.api import Api, Session, until

PASSWORD = "a-long-walk-along-the-quay"
IBAN = "DE89370400440532013000"
"""The example IBAN of the German central bank; its checksum is right and nobody owns it."""


@dataclass
class Account:
    id: str
    email: str
    api: Api


def register_brand(api: Api, run: str) -> Account:
    """Registers and then logs in, since a session may come from either."""
    email = f"brand-{run}@acme.example"
    contact = {"name": "Ada Lund", "position": "Marketing", "phone": "+4915112345678"}
    body = {
        "email": email,
        "password": PASSWORD,
        "company_name": "Acme Energy",
        "industry": "beverages",
        "contact_person": contact,
    }
    api.post("/v1/brands/register", body)
    return log_in(api, "/v1/brands/login", email, PASSWORD)


def log_in_brand(api: Api, email: str) -> dict[str, Any]:
    session: dict[str, Any] = api.post("/v1/brands/login", {"email": email, "password": PASSWORD})
    return session


def mailed_token(mail_dir: Path, email: str) -> str | None:
    """What the link in a mail to this address carries; None as long as no such mail has come."""
    for path in (mail_dir / "new").glob("*"):
        content = path.read_bytes()
        # Most mails of an earlier run are somebody else's, and need not be parsed.
        if email.encode() in content:
            body = BytesParser(policy=default).parsebytes(content).get_body(("plain",))
            found = re.search(r"#token=(\S+)", body.get_content()) if body else None
            if found:
                return found[1]
    return None


def register_streamer(api: Api, run: str, name: str) -> Account:
    email = f"{name}-{run}@streams.example"
    body = {"email": email, "password": PASSWORD, "display_name": name.capitalize()}
    session = api.post("/v1/streamers/register", body)
    return account(api, session, "/v1/streamers/login", email, PASSWORD)


def log_in_admin(api: Api, email: str, password: str) -> Account:
    """Sets an authenticator app up first: an administrator does nothing without a second factor.

    The password was good once, so whoever stays long refreshes.
    """
    first = log_in(api, "/v1/admin/login", email, password)
    session = set_app_up(first.api)

    def again() -> Session:
        session.update(api.post("/v1/auth/refresh", {"refresh_token": session["refresh_token"]}))
        return session

    return Account(first.id, email, api.signed_in(session, again))


def set_app_up(api: Api) -> Session:
    """An authenticator app, confirmed; the session that it answers with shows the second factor."""
    secret = base64.b32decode(api.post("/v1/auth/totp")["secret"])
    code = shown_by_app(secret, time.time())
    session: Session = api.post("/v1/auth/totp/confirm", {"code": code})["session"]
    return session


def shown_by_app(secret: bytes, at: float) -> str:
    """What an authenticator app shows (RFC 6238)."""
    return TOTP(secret, 6, SHA1(), 30).generate(at).decode()  # noqa: S303


def log_in(api: Api, path: str, email: str, password: str) -> Account:
    session = api.post(path, {"email": email, "password": password})
    return account(api, session, path, email, password)


def account(api: Api, session: Session, login: str, email: str, password: str) -> Account:
    def again() -> Session:
        answer: Session = api.post(login, {"email": email, "password": password})
        return answer

    return Account(session["account"]["id"], email, api.signed_in(session, again))


def go_live(twitch_url: str, login: str, viewers: int) -> None:
    """Tell the local Twitch stand-in of a channel that is on air."""
    body = {"followers": 10 * viewers, "viewer_count": viewers, "game_name": "Chess", "language": "en"}
    httpx.put(f"{twitch_url}/_control/users/{login}", json=body, timeout=10).raise_for_status()


def link_channel(streamer: Account, admin: Account, login: str) -> None:
    """Link a Twitch channel and have it verified."""
    channel = {"name": "twitch", "username": login, "channel_url": f"https://www.twitch.tv/{login}"}
    streamer.api.post("/v1/streamers/me/platforms", channel)
    admin.api.post(f"/v1/admin/streamers/{streamer.id}/platforms/twitch/verify", {"status": "verified"})


def notification_kinds(account: Account) -> list[str]:
    return [item["kind"] for item in account.api.every("/v1/notifications")]


def wait_for_notifications(account: Account, *kinds: str) -> list[str]:
    """The kinds in an account's inbox, once all of these are among them."""

    def complete() -> list[str]:
        found = notification_kinds(account)
        return found if set(kinds) <= set(found) else []

    return until(f"notifications {', '.join(kinds)} of {account.email}", complete)


def usd(amount_minor: int) -> dict[str, Any]:
    return {"amount_minor": amount_minor, "currency": "USD"}
