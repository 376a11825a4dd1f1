"""How somebody becomes an admin."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from chassis.clock import Clock
from chassis.ids import NewId
from identity.domain.account import Account, ConcurrentUpdate, EmailTaken, created_admin, normal_email
from identity.domain.link import ADMIN_INVITATION, LIFETIMES
from identity.domain.permissions import RECENT_TWO_FACTORS
from identity.handlers.links import Post
from identity.handlers.passwords import Locksmith
from identity.handlers.ports import Accounts, Passwords, SessionOwner
from identity.handlers.retries import retried
from identity.handlers.totp import must_have_shown


@dataclass(frozen=True)
class Invited:
    """A new admin's way in; the password is told here and nowhere else."""

    account_id: str
    email: str
    one_time_password: str


@dataclass(frozen=True)
class InvitedByMail:
    """Somebody who becomes an administrator with the link in the mail, until `expires_at`."""

    account_id: str
    email: str
    expires_at: datetime


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
        accounts.save(found, found.give_one_time_password(password_hash, clock.now()))
        return found

    account = retried(create_or_renew, lost_race=(ConcurrentUpdate, EmailTaken))
    return Invited(account.id, account.email, one_time_password)


def add_admin(accounts: Accounts, id: str, email: str, password_hash: str, at: datetime) -> Account:
    account = Account(id=id, kind="admin", email=email, password_hash=None, created_at=at)
    account.give_one_time_password(password_hash, at)
    accounts.add(account, created_admin(account))
    return account


def invite_admin(accounts: Accounts, post: Post, by: SessionOwner, *, email: str) -> InvitedByMail:
    """By another administrator: the account is there at once, and the mailed link is the way in.

    Inviting somebody who has not come yet mails another link. EmailTaken for who is an administrator already:
    a mail must never open an account that somebody uses.
    """
    by.must_be("admin")
    must_have_shown(by, RECENT_TWO_FACTORS, post.clock)
    address = normal_email(email)

    def invite() -> Account:
        account = accounts.find("admin", address)
        if account is None:
            account = Account(
                id=post.new_id("adm"),
                kind="admin",
                email=address,
                password_hash=None,
                created_at=post.clock.now(),
            )
            accounts.add(account, created_admin(account))
        elif not account.never_had_a_password:
            raise EmailTaken()
        post.send(account, ADMIN_INVITATION)
        return account

    account = accounts.transaction(invite)
    return InvitedByMail(account.id, account.email, post.clock.now() + LIFETIMES[ADMIN_INVITATION])


def accept_admin_invitation(smith: Locksmith, *, token: str, new_password: str) -> None:
    """The first password of whoever has the link; the next thing to do is to log in and set an app up."""
    smith.check(smith.accounts.get(smith.post.open(token, ADMIN_INVITATION).account_id), new_password)
    password_hash = smith.hash(new_password)

    def accept() -> None:
        link = smith.post.open(token, ADMIN_INVITATION)
        account = smith.accounts.get(link.account_id)
        smith.post.use(link)
        smith.accounts.save(account, account.accept_invitation(password_hash, smith.post.clock.now()))

    retried(lambda: smith.accounts.transaction(accept))
