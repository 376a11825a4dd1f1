"""Registration of brands and streamers."""

from __future__ import annotations

from collections.abc import Sequence

from chassis.event import Event
from chassis.principal import PASSWORD
from identity.domain.account import (
    ID_PREFIXES,
    Account,
    check_password,
    normal_email,
    normal_password,
    own_words,
    registered_brand,
    registered_streamer,
)
from identity.domain.link import VERIFY_EMAIL
from identity.events import ContactPerson
from identity.handlers.desk import Desk, SignedIn
from identity.handlers.links import Post
from identity.handlers.ports import Accounts, Passwords


def register_brand(
    accounts: Accounts,
    passwords: Passwords,
    desk: Desk,
    post: Post,
    *,
    email: str,
    password: str,
    company_name: str,
    industry: str,
    contact_person: dict[str, str],
    address: str | None = None,
) -> SignedIn:
    check_password(password, passwords.breached, own_words(email, company_name))
    account = new_account(passwords, desk, "brand", email, password, company_name)
    contact = ContactPerson(**contact_person)
    open_account(accounts, post, account, registered_brand(account, company_name, industry, contact))
    return desk.open(account, address, PASSWORD)


def register_streamer(
    accounts: Accounts,
    passwords: Passwords,
    desk: Desk,
    post: Post,
    *,
    email: str,
    password: str,
    display_name: str,
    address: str | None = None,
) -> SignedIn:
    check_password(password, passwords.breached, own_words(email, display_name))
    account = new_account(passwords, desk, "streamer", email, password, display_name)
    open_account(accounts, post, account, registered_streamer(account, display_name))
    return desk.open(account, address, PASSWORD)


def open_account(accounts: Accounts, post: Post, account: Account, events: Sequence[Event]) -> None:
    """Store it, with the link that goes to its address."""

    def work() -> None:
        accounts.add(account, events)
        post.send(account, VERIFY_EMAIL)

    accounts.transaction(work)


def new_account(passwords: Passwords, desk: Desk, kind: str, email: str, password: str, name: str) -> Account:
    return Account(
        id=desk.new_id(ID_PREFIXES[kind]),
        kind=kind,
        email=normal_email(email),
        password_hash=passwords.hash(normal_password(password)),
        created_at=desk.clock.now(),
        name=name,
    )
