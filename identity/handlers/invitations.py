"""Invitations to a brand's team: the link that is mailed, and what whoever opens it becomes."""

from __future__ import annotations

from dataclasses import dataclass

from chassis.event import ReceivedEvent
from chassis.principal import PASSWORD
from identity.domain.account import (
    Account,
    ConcurrentUpdate,
    EmailTaken,
    check_password,
    normal_email,
    own_words,
)
from identity.domain.link import TEAM_INVITATION, Link
from identity.domain.membership import MEMBER, registered_member
from identity.handlers.accounts import new_account
from identity.handlers.desk import Desk, SignedIn
from identity.handlers.links import Post
from identity.handlers.login import proven, still_proven
from identity.handlers.members import open_for
from identity.handlers.ports import Accounts, FailureLog, Passwords, Teams
from identity.handlers.retries import retried


@dataclass(frozen=True)
class Reception:
    """What it takes to let somebody in who was invited."""

    accounts: Accounts
    failures: FailureLog
    passwords: Passwords
    teams: Teams
    desk: Desk
    post: Post


def send_invitation(post: Post, event: ReceivedEvent) -> None:
    post.invite(event.data["brand_id"], event.data["invitation_id"])


def accept_invitation(
    at: Reception,
    *,
    token: str,
    password: str,
    name: str,
    code: str | None = None,
    address: str | None = None,
) -> SignedIn:
    """Join the team with a new account, or with the one that the invited address has already.

    Each step may be done again with the same token and password, so whoever got no answer sends the same
    once more. It is the team that accepts an invitation once; the link is used up last.
    """
    link = at.post.open(token, TEAM_INVITATION)
    assert link.brand_id is not None
    email = normal_email(at.teams.invitation(link.brand_id, link.account_id).email)
    account, acr = retried(
        lambda: own_account(at, email, password, name, code, address), lost_race=(EmailTaken,)
    )
    membership = at.teams.join(link.brand_id, link.account_id, member_id=account.id, email=email, name=name)
    use_up(at.post, link)
    signed_in = open_for(at.teams, at.desk, account, membership, address, acr)
    return still_proven(at.accounts, at.desk, account, signed_in)


def own_account(
    at: Reception, email: str, password: str, name: str, code: str | None, address: str | None
) -> tuple[Account, str]:
    """With how strongly its owner is recognised; a new one has no second factor yet."""
    if at.accounts.find(MEMBER, email) is None:
        return register(at, email, password, name), PASSWORD
    return proven(at.accounts, at.failures, at.passwords, at.desk, MEMBER, email, password, code, address)


def register(at: Reception, email: str, password: str, name: str) -> Account:
    """Whoever has the link reads the mail of its address, which is thereby verified."""
    check_password(password, at.passwords.breached, own_words(email, name))
    account = new_account(at.passwords, at.desk, MEMBER, email, password, name)
    verified = account.verify_email(at.desk.clock.now())
    at.accounts.add(account, [*registered_member(account, name), *verified])
    return account


def use_up(post: Post, link: Link) -> None:
    try:
        post.use(link)
    except ConcurrentUpdate:
        # The same person, who sent it twice at once; the team has them once.
        return
