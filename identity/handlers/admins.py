"""How somebody becomes an admin."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from chassis.clock import Clock
from chassis.ids import NewId
from identity.domain.account import Account, ConcurrentUpdate, EmailTaken, created_admin, normal_email
from identity.handlers.ports import Accounts, Passwords
from identity.handlers.retries import retried


@dataclass(frozen=True)
class Invited:
    """A new admin's way in; the password is told here and nowhere else."""

    account_id: str
    email: str
    one_time_password: str


def create_admin(
    accounts: Accounts,
    passwords: Passwords,
    clock: Clock,
    new_id: NewId,
    new_password: Callable[[], str],
    *,
    email: str,
) -> Invited:
    """A new admin, or a new one-time password for the one who has this e-mail address."""
    one_time_password = new_password()
    password_hash = passwords.hash(one_time_password)

    def create_or_renew() -> Account:
        found = accounts.find("admin", normal_email(email))
        if found is None:
            return add_admin(accounts, new_id("adm"), normal_email(email), password_hash, clock.now())
        found.give_one_time_password(password_hash, clock.now())
        accounts.save(found)
        return found

    account = retried(create_or_renew, lost_race=(ConcurrentUpdate, EmailTaken))
    return Invited(account.id, account.email, one_time_password)


def add_admin(accounts: Accounts, id: str, email: str, password_hash: str, at: datetime) -> Account:
    account = Account(id=id, kind="admin", email=email, password_hash=None, created_at=at)
    account.give_one_time_password(password_hash, at)
    accounts.add(account, created_admin(account))
    return account
