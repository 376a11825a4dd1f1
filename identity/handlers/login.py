"""Signing in with a password, and what failures lead to."""

from __future__ import annotations

from chassis.principal import PASSWORD
from identity.domain.account import (
    Account,
    ConcurrentUpdate,
    InvalidCredentials,
    normal_email,
    normal_password,
)
from identity.domain.authenticator import InvalidCode
from identity.domain.lockout import Suspect
from identity.domain.session import RefreshToken
from identity.handlers.attempts import count_failure, note_failure
from identity.handlers.desk import Desk, SignedIn
from identity.handlers.ports import Accounts, FailureLog, Passwords
from identity.handlers.sessions import revoke


def login(
    accounts: Accounts,
    failures: FailureLog,
    passwords: Passwords,
    desk: Desk,
    *,
    kind: str,
    email: str,
    password: str,
    code: str | None = None,
    address: str | None = None,
) -> SignedIn:
    account, acr = proven(accounts, failures, passwords, desk, kind, email, password, code, address)
    return still_proven(accounts, desk, account, desk.open(account, address, acr))


def proven(
    accounts: Accounts,
    failures: FailureLog,
    passwords: Passwords,
    desk: Desk,
    kind: str,
    email: str,
    password: str,
    code: str | None,
    address: str | None,
) -> tuple[Account, str]:
    """The account whose password it is, and how strongly its owner is recognised.

    InvalidCredentials or Locked, neither of which tells whether the account exists. TotpRequired and
    InvalidCode do tell, and are for those who know the password.
    """
    now = desk.clock.now()
    by_account = Suspect.account(kind, email)
    by_address = [Suspect.address(address)] if address else []
    for suspect in by_address:
        failures.get(suspect).check_not_locked(now)
    # Counted before the password is looked at, so that guesses sent all at once cannot outrun the count.
    locked_until = count_failure(failures, by_account, now)

    account = accounts.find(kind, normal_email(email))
    usable_hash = account.usable_hash(now) if account else None
    if not passwords.verify(usable_hash, normal_password(password)) or account is None:
        for suspect in by_address:
            count_failure(failures, suspect, now)
        note_failure(failures, account, kind, PASSWORD, address, locked_until)
        raise InvalidCredentials()

    failures.forget(by_account)
    try:
        acr = desk.second_factor.check(account, code, address)
    except InvalidCode:
        for suspect in by_address:
            count_failure(failures, suspect, now)
        raise
    use_up(accounts, account)
    return account, acr


def use_up(accounts: Accounts, account: Account) -> None:
    """A one-time password is right once; of two sign-ins at the same moment one is refused."""
    if not account.has_one_time_password:
        return
    account.use_one_time_password()
    try:
        accounts.save(account)
    except ConcurrentUpdate as error:
        raise InvalidCredentials() from error


def still_proven(accounts: Accounts, desk: Desk, account: Account, signed_in: SignedIn) -> SignedIn:
    """A password that was changed while it was verified opens nothing, or a thief would be in again."""
    if accounts.get(account.id).password_hash != account.password_hash:
        revoke(desk.sessions, desk.clock, RefreshToken.parse(signed_in.refresh_token).session_id)
        raise InvalidCredentials()
    return signed_in
