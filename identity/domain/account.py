"""Accounts and the passwords that they take."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Set
from dataclasses import dataclass
from datetime import datetime, timedelta

from chassis.errors import Conflict, Unauthenticated, ValidationFailed
from chassis.event import Event
from identity.domain.facts import InvitationAccepted, OneTimePasswordGiven
from identity.events import (
    AdminCreated,
    BrandRegistered,
    ContactPerson,
    EmailVerified,
    PasswordChanged,
    StreamerRegistered,
)

ID_PREFIXES = {"brand": "brd", "streamer": "str", "admin": "adm", "member": "mem"}

ONE_TIME_PASSWORD_LIFETIME = timedelta(hours=24)

# NIST SP 800-63B: length is what counts, and no rule about kinds of characters.
SHORTEST_PASSWORD = 8
LONGEST_PASSWORD = 128


class EmailTaken(Conflict):
    code, title = "identity.email_taken", "This e-mail address has an account already"


class InvalidCredentials(Unauthenticated):
    """The same for an unknown account and for a wrong password."""

    code, title = "identity.invalid_credentials", "The e-mail address or the password is wrong"


class WeakPassword(ValidationFailed):
    code, title = "identity.weak_password", "Choose another password"


class WrongPassword(ValidationFailed):
    """Not a 401: the access token is in order, and a client that refreshed it would gain nothing."""

    code, title = "identity.wrong_password", "The current password is wrong"


class ConcurrentUpdate(Conflict):
    code, title = "identity.concurrent_update", "Somebody else changed this at the same time"


def normal_email(email: str) -> str:
    """The form under which an address is stored and compared."""
    return unicodedata.normalize("NFKC", email).strip().lower()


def normal_password(password: str) -> str:
    """One form for the many ways in which keyboards compose the same text (NIST SP 800-63B, 3.1.1.2)."""
    return unicodedata.normalize("NFKC", password)


def check_password(
    password: str, breached: Set[str], own_words: Iterable[str], field: str = "password"
) -> None:
    """Raise WeakPassword for one that guessers try first; `own_words` are facts about the account."""
    if reason := weakness(password, breached, own_words):
        raise WeakPassword(reason, {field: [reason]})


def weakness(password: str, breached: Set[str], own_words: Iterable[str]) -> str:
    """A sentence about what is wrong with it; "" when nothing is."""
    text = normal_password(password)
    if not SHORTEST_PASSWORD <= len(text) <= LONGEST_PASSWORD:
        return f"Must have {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters."
    if text.casefold() in breached:
        return "Is known from data breaches."
    if text.casefold() in {normal_password(word).casefold() for word in own_words}:
        return "Is too easy to guess from your own data."
    return ""


def own_words(email: str, name: str) -> list[str]:
    """What is known of an account by everybody, and therefore no password of it."""
    return [email, email.partition("@")[0], name]


@dataclass(kw_only=True)
class Account:
    """Somebody who can sign in. `password_hash` is None once a one-time password has been used.

    `name` is the one that it registered with; its profile, where it may change, is another service's.
    """

    id: str
    kind: str
    email: str
    password_hash: str | None
    created_at: datetime
    name: str = ""
    one_time_until: datetime | None = None
    email_verified_at: datetime | None = None
    version: int = 1

    def usable_hash(self, at: datetime) -> str | None:
        """What a password is verified against; None when no password can be right."""
        expired = self.one_time_until is not None and at >= self.one_time_until
        return None if expired else self.password_hash

    @property
    def own_words(self) -> list[str]:
        return own_words(self.email, self.name)

    @property
    def email_verified(self) -> bool:
        return self.email_verified_at is not None

    def verify_email(self, at: datetime) -> list[Event]:
        """Verifying again says nothing new."""
        if self.email_verified:
            return []
        self.email_verified_at = at
        return [EmailVerified(account_id=self.id)]

    def set_password(self, password_hash: str, *, reset: bool) -> list[Event]:
        self.password_hash, self.one_time_until = password_hash, None
        return [PasswordChanged(account_id=self.id, reset=reset)]

    @property
    def never_had_a_password(self) -> bool:
        """Who was invited, and has not come yet."""
        return self.password_hash is None and self.one_time_until is None

    def accept_invitation(self, password_hash: str, at: datetime) -> list[Event]:
        """Whoever has the link reads mail at that address."""
        self.password_hash = password_hash
        return [InvitationAccepted(account_id=self.id), *self.verify_email(at)]

    @property
    def has_one_time_password(self) -> bool:
        return self.one_time_until is not None

    def use_one_time_password(self) -> None:
        self.password_hash = None

    def give_one_time_password(self, password_hash: str, at: datetime) -> list[Event]:
        self.password_hash = password_hash
        self.one_time_until = at + ONE_TIME_PASSWORD_LIFETIME
        return [OneTimePasswordGiven(account_id=self.id)]


def registered_brand(
    account: Account, company_name: str, industry: str, contact_person: ContactPerson
) -> list[BrandRegistered]:
    """What a new brand account makes known."""
    return [
        BrandRegistered(
            account_id=account.id,
            email=account.email,
            company_name=company_name,
            industry=industry,
            contact_person=contact_person,
        )
    ]


def registered_streamer(account: Account, display_name: str) -> list[StreamerRegistered]:
    """What a new streamer account makes known."""
    return [StreamerRegistered(account_id=account.id, email=account.email, display_name=display_name)]


def created_admin(account: Account) -> list[AdminCreated]:
    """What a new admin account makes known."""
    return [AdminCreated(account_id=account.id, email=account.email)]
