"""Setting an authenticator app up, replacing its recovery codes, and removing it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from chassis.clock import Clock
from chassis.ids import NewId
from chassis.principal import SECOND_FACTOR
from identity.domain.account import ID_PREFIXES
from identity.domain.authenticator import (
    PREFIX,
    RECOVERY_BYTES,
    SECRET_BYTES,
    Authenticator,
    NoTotp,
    recovery_codes,
)
from identity.domain.permissions import RECENT, RECENT_TWO_FACTORS, Assurance
from identity.handlers.desk import Desk, SignedIn
from identity.handlers.in_person import must_be_in_person
from identity.handlers.ports import Accounts, Authenticators, SessionOwner, Teams
from identity.handlers.retries import retried
from identity.handlers.step_up import raised

RandomBytes = Callable[[int], bytes]
Draw = Callable[[str], str]


@dataclass(frozen=True)
class Enrolment:
    """What an app is set up with; told while it is not confirmed, and never again."""

    secret: str
    otpauth_uri: str
    qr_svg: str


@dataclass(frozen=True)
class TotpStatus:
    enabled: bool
    confirmed_at: datetime | None
    recovery_codes_left: int


@dataclass(frozen=True)
class Confirmed:
    """The recovery codes, told once, and tokens that show the second factor."""

    recovery_codes: list[str]
    signed_in: SignedIn


def get_totp(authenticators: Authenticators, by: SessionOwner) -> TotpStatus:
    must_be_in_person(by, *ID_PREFIXES)
    found = authenticators.find(by.id)
    if found is None or not found.is_enabled:
        return TotpStatus(False, None, 0)
    return TotpStatus(True, found.confirmed_at, len(found.recovery_hashes))


def begin_totp(
    accounts: Accounts,
    authenticators: Authenticators,
    clock: Clock,
    new_id: NewId,
    random: RandomBytes,
    draw: Draw,
    by: SessionOwner,
) -> Enrolment:
    """A new secret, in place of one that was not confirmed."""
    must_have_shown(by, RECENT, clock)
    account, secret = accounts.get(by.id), random(SECRET_BYTES)

    def begin() -> Authenticator:
        found = authenticators.find(account.id)
        if found is None:
            found = Authenticator(
                id=new_id(PREFIX), account_id=account.id, secret=secret, created_at=clock.now()
            )
        else:
            found.begin_again(secret, clock.now())
        authenticators.save(found, [])
        return found

    begun = retried(begin)
    uri = begun.uri(account.email)
    return Enrolment(begun.key, uri, draw(uri))


def confirm_totp(
    accounts: Accounts, teams: Teams, desk: Desk, random: RandomBytes, by: SessionOwner, *, code: str
) -> Confirmed:
    must_have_shown(by, RECENT, desk.clock)
    codes = recovery_codes(random(RECOVERY_BYTES))
    authenticators = desk.second_factor.authenticators

    def confirm() -> None:
        found = authenticators.find(by.id)
        if found is None:
            raise NoTotp("Begin with POST /v1/auth/totp.")
        authenticators.save(found, found.confirm(code, desk.clock.now(), codes))

    retried(confirm)
    return Confirmed(codes, raised(accounts, teams, desk, by.session_id, SECOND_FACTOR))


def replace_recovery_codes(
    authenticators: Authenticators, clock: Clock, random: RandomBytes, by: SessionOwner
) -> list[str]:
    must_have_shown(by, RECENT_TWO_FACTORS, clock)
    codes = recovery_codes(random(RECOVERY_BYTES))

    def replace() -> None:
        found = enabled(authenticators, by)
        authenticators.save(found, found.replace_recovery_codes(codes))

    retried(replace)
    return codes


def disable_totp(authenticators: Authenticators, clock: Clock, by: SessionOwner) -> None:
    must_have_shown(by, RECENT_TWO_FACTORS, clock)

    def disable() -> None:
        found = enabled(authenticators, by)
        authenticators.remove(found, found.disable())

    retried(disable)


def enabled(authenticators: Authenticators, by: SessionOwner) -> Authenticator:
    found = authenticators.find(by.id)
    if found is None:
        raise NoTotp()
    found.check_is_enabled()
    return found


def must_have_shown(by: SessionOwner, assurance: Assurance, clock: Clock) -> None:
    """The person, not a program of theirs, and recognised as surely as this asks."""
    must_be_in_person(by, *ID_PREFIXES)
    by.must_have_authenticated(assurance.acr, assurance.max_age, clock.now())
