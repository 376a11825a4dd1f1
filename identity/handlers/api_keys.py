"""Making, listing, revoking and using API keys."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from chassis.clock import Clock
from chassis.pagination import Page, decode_cursor, page_of
from chassis.principal import Delegate, ScopedCaller
from identity.domain.account import ConcurrentUpdate
from identity.domain.api_key import (
    MOST_KEYS,
    NEVER,
    PREFIX,
    ApiKeyNotFound,
    InvalidApiKey,
    PresentedKey,
    TooManyApiKeys,
    check_presented,
    new_key,
    shown,
)
from identity.domain.membership import NoMembership, the
from identity.domain.permissions import MANAGES_KEYS, OWNER
from identity.domain.session import Session, SessionNotFound
from identity.handlers.desk import Desk
from identity.handlers.in_person import must_be_in_person
from identity.handlers.ports import Accounts, SessionOwner, Sessions, Teams
from identity.handlers.sessions import revoke


class KeyMaker(SessionOwner, ScopedCaller, Protocol):
    """The end user, with what its own token allows."""

    @property
    def scopes(self) -> frozenset[str]: ...

    @property
    def delegate(self) -> Delegate | None: ...


@dataclass(frozen=True)
class ListedKey:
    """`prefix` is how the key begins; `key` is the whole of it, told once, when it is made.

    `made_by` is a member of the team; None when the brand's own account made it.
    """

    id: str
    name: str
    prefix: str
    scopes: tuple[str, ...]
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None
    made_by: str | None = None
    key: str = ""


@dataclass(frozen=True)
class Exchanged:
    access_token: str
    expires_in: int


def create_api_key(
    accounts: Accounts,
    teams: Teams,
    desk: Desk,
    by: KeyMaker,
    *,
    name: str,
    scopes: Collection[str],
    expires_at: datetime | None = None,
) -> ListedKey:
    must_manage_keys(by)
    now = desk.clock.now()
    if len(desk.sessions.keys_of(by.id, now, None, MOST_KEYS)) >= MOST_KEYS:
        raise TooManyApiKeys(f"There are {MOST_KEYS} keys; revoke one that is not used.")
    session, key, events = new_key(
        desk.new_id(PREFIX),
        accounts.get(by.id),
        desk.new_secret(),
        now,
        name=name,
        scopes=scopes,
        allowed=by.scopes,
        expires_at=expires_at,
        made_by=by.delegate.id if by.delegate else None,
    )
    desk.sessions.add(session, events)
    must_still_be_owner(teams, desk, session)
    return listed(session, str(key))


def must_still_be_owner(teams: Teams, desk: Desk, key: Session) -> None:
    """The keys of a member who is taken out of the team end with that. Whoever is, in this very moment, is
    seen here, or the ending sees the key, which is stored already."""
    assert key.key is not None
    if key.key.made_by is None:
        return
    try:
        is_owner = the(teams.of(key.key.made_by), key.account_id).role == OWNER
    except NoMembership:
        is_owner = False
    if not is_owner:
        revoke(desk.sessions, desk.clock, key.id)
        raise NoMembership()


def list_api_keys(
    sessions: Sessions, clock: Clock, by: KeyMaker, *, limit: int, cursor: str | None
) -> Page[ListedKey]:
    must_manage_keys(by)
    before = str(decode_cursor(cursor, str)[0]) if cursor else None
    found = sessions.keys_of(by.id, clock.now(), before, limit + 1)
    return page_of([listed(session) for session in found], limit, key=lambda item: [item.id])


def get_api_key(sessions: Sessions, clock: Clock, by: KeyMaker, *, key_id: str) -> ListedKey:
    return listed(own_key(sessions, clock, by, key_id))


def revoke_api_key(sessions: Sessions, clock: Clock, by: KeyMaker, *, key_id: str) -> None:
    revoke(sessions, clock, own_key(sessions, clock, by, key_id).id)


def own_key(sessions: Sessions, clock: Clock, by: KeyMaker, key_id: str) -> Session:
    """A key of the brand that is in force; another's is like one that was never made."""
    must_manage_keys(by)
    try:
        session = sessions.get(key_id)
    except SessionNotFound:
        raise ApiKeyNotFound() from None
    if session.key is None or not by.owns(session.account_id) or not session.is_live(clock.now()):
        raise ApiKeyNotFound()
    return session


def must_manage_keys(by: KeyMaker) -> None:
    """The keys are the brand's, whoever of its owners makes or revokes them."""
    must_be_in_person(by, "brand")
    by.must_have(MANAGES_KEYS)


def exchange_api_key(desk: Desk, *, key: str) -> Exchanged:
    """A token with the key's scopes: services see an ordinary one, and verify it themselves."""
    presented, now = PresentedKey.parse(key), desk.clock.now()
    try:
        session = desk.sessions.get(presented.id)
    except SessionNotFound:
        raise InvalidApiKey() from None
    check_presented(session, presented, now)
    claims = session.access_claims(desk.new_id("jwt"), now)
    note_use(desk.sessions, session, now)
    return Exchanged(desk.tokens.sign(claims), claims["exp"] - claims["iat"])


def note_use(sessions: Sessions, session: Session, at: datetime) -> None:
    session.use(at)
    try:
        sessions.save(session, [])
    except ConcurrentUpdate:
        # Another process has noted a use of the same moment, or the revocation that the gateway hears of.
        return


def listed(session: Session, key: str = "") -> ListedKey:
    assert session.key is not None
    never_ends = session.expires_at - session.created_at >= NEVER
    return ListedKey(
        id=session.id,
        name=session.key.name,
        prefix=shown(session.id),
        scopes=session.key.scopes,
        created_at=session.created_at,
        last_used_at=session.last_used_at if session.key.is_used else None,
        expires_at=None if never_ends else session.expires_at,
        made_by=session.key.made_by,
        key=key,
    )
