"""Sign-up, log-in and linking by an account at a streaming platform."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from chassis.clock import Clock
from chassis.event import Event
from chassis.pagination import Page, decode_cursor, page_of
from identity.domain.account import (
    ID_PREFIXES,
    Account,
    ConcurrentUpdate,
    EmailTaken,
    normal_email,
    registered_streamer,
)
from identity.domain.provider_link import (
    FLOW_LIFETIME,
    LINK_PREFIX,
    REFRESH_AHEAD,
    EmailNotVerified,
    ExternalAccount,
    Flow,
    FlowSecrets,
    LinkNotFound,
    LinkRequired,
    OAuthDenied,
    OAuthFailed,
    OnlyWayIn,
    ProviderAccountTaken,
    ProviderAlreadyLinked,
    ProviderLink,
    ProviderNotOffered,
    ProviderTokens,
    ProviderUnavailable,
    TokensGone,
    hash_of,
    new_link,
)
from identity.domain.session import SessionNotFound
from identity.handlers.desk import Desk, SignedIn
from identity.handlers.in_person import must_be_in_person
from identity.handlers.ports import Accounts, SessionOwner, Sessions

KIND = "streamer"

MOST_REFRESHES = 50
"""One round of the timer serves so many; the rest are served by the next, long before they expire."""


class Provider(Protocol):
    """One provider's OpenID Connect. ProviderUnavailable from each call when it does not answer."""

    def authorize_url(self, secrets: FlowSecrets) -> str: ...

    def identify(self, code: str, flow: Flow, at: datetime) -> ExternalAccount:
        """OAuthFailed when the provider refuses the code, or says what does not belong to this flow."""

    def refreshed(self, tokens: ProviderTokens, at: datetime) -> ProviderTokens:
        """TokensGone when the provider has withdrawn them."""


class Flows(Protocol):
    def add(self, flow: Flow) -> None: ...

    def take(self, state_hash: str) -> Flow | None:
        """Once: of two that take it at the same moment, one gets it."""


class ProviderLinks(Protocol):
    def add(self, link: ProviderLink, events: Sequence[Event]) -> None:
        """ProviderAccountTaken when it is linked, ProviderAlreadyLinked when the account has another."""

    def sign_up(
        self, account: Account, link: ProviderLink, registered: Sequence[Event], linked: Sequence[Event]
    ) -> None:
        """Both or none. EmailTaken, too."""

    def find(self, provider: str, subject: str) -> ProviderLink | None: ...

    def of_account(self, account_id: str, after: str | None, limit: int) -> list[ProviderLink]:
        """In the order of their ids, above `after`."""

    def expiring(self, before: datetime, limit: int) -> list[ProviderLink]:
        """Those with tokens that can be refreshed and end before then, the earliest first."""

    def save(self, link: ProviderLink) -> None:
        """ConcurrentUpdate when it has changed since it was loaded."""

    def remove(self, link: ProviderLink, events: Sequence[Event]) -> None:
        """ConcurrentUpdate when it has changed since it was loaded."""


@dataclass(frozen=True)
class Begun:
    """Where to send the browser, and what it has to bring back in a cookie."""

    authorize_url: str
    binding: str
    expires_in: int


Providers = Mapping[str, Provider]


def begin_oauth(
    flows: Flows,
    providers: Providers,
    clock: Clock,
    random_bytes: Callable[[int], bytes],
    by: SessionOwner,
    *,
    provider: str,
) -> Begun:
    """Without a token the way leads in; with one it links the provider to the account of the token."""
    offered = offered_by(providers, provider)
    secrets = FlowSecrets.new(random_bytes)
    authorize_url = offered.authorize_url(secrets)
    flow = secrets.flow(provider, clock.now())
    if by.kind != "anonymous":
        must_be_in_person(by, KIND)
        flow = secrets.flow(provider, clock.now(), by.id, by.session_id)
    flows.add(flow)
    return Begun(authorize_url, secrets.binding, int(FLOW_LIFETIME.total_seconds()))


def finish_oauth(
    accounts: Accounts,
    links: ProviderLinks,
    flows: Flows,
    providers: Providers,
    desk: Desk,
    *,
    provider: str,
    state: str,
    binding: str,
    code: str | None = None,
    error: str | None = None,
    address: str | None = None,
) -> SignedIn:
    """Signed in: as the owner of the link, as a new streamer, or as who asked for the link."""
    flow = flows.take(hash_of(state))
    if flow is None:
        raise OAuthFailed()
    flow.check(provider, binding, desk.clock.now())
    if code is None:
        raise OAuthDenied(f"The provider says: {error}." if error else "")
    external = offered_by(providers, provider).identify(code, flow, desk.clock.now())
    if flow.account_id is not None:
        account = linked_account(accounts, links, desk, flow, external)
    else:
        account = account_of(accounts, links, desk, external)
    return desk.open(account, address, desk.second_factor.without_a_code(account.id))


def offered_by(providers: Providers, name: str) -> Provider:
    if name not in providers:
        raise ProviderNotOffered()
    return providers[name]


def linked_account(
    accounts: Accounts, links: ProviderLinks, desk: Desk, flow: Flow, external: ExternalAccount
) -> Account:
    assert flow.account_id is not None
    check_still_signed_in(desk.sessions, flow, desk.clock.now())
    account = accounts.get(flow.account_id)
    link, events = new_link(desk.new_id(LINK_PREFIX), account, external, desk.clock.now())
    try:
        links.add(link, events)
    except (ProviderAccountTaken, ProviderAlreadyLinked):
        known = links.find(external.provider, external.subject)
        if known is None or known.account_id != account.id:
            raise
        keep_newest(links, known, external)
    return account


def check_still_signed_in(sessions: Sessions, flow: Flow, at: datetime) -> None:
    """Whoever logged out, or was thrown out, in between does not get another way in."""
    try:
        session = sessions.get(flow.session_id or "")
    except SessionNotFound:
        raise OAuthFailed() from None
    if not session.is_live(at):
        raise OAuthFailed()


def account_of(accounts: Accounts, links: ProviderLinks, desk: Desk, external: ExternalAccount) -> Account:
    known = links.find(external.provider, external.subject)
    if known is None:
        return signed_up(links, desk, external)
    keep_newest(links, known, external)
    return accounts.get(known.account_id)


def signed_up(links: ProviderLinks, desk: Desk, external: ExternalAccount) -> Account:
    if not external.email or not external.email_verified:
        raise EmailNotVerified()
    account = Account(
        id=desk.new_id(ID_PREFIXES[KIND]),
        kind=KIND,
        email=normal_email(external.email),
        password_hash=None,
        created_at=desk.clock.now(),
        name=external.display_name,
        email_verified_at=desk.clock.now(),
    )
    link, linked = new_link(desk.new_id(LINK_PREFIX), account, external, desk.clock.now())
    try:
        links.sign_up(account, link, registered_streamer(account, external.display_name), linked)
    except EmailTaken:
        raise LinkRequired() from None
    return account


def keep_newest(links: ProviderLinks, link: ProviderLink, external: ExternalAccount) -> None:
    link.renew(external)
    try:
        links.save(link)
    except ConcurrentUpdate:
        # Another log-in or the timer has stored tokens of the same moment, which are as good.
        return


@dataclass(frozen=True)
class ListedLink:
    provider: str
    username: str
    linked_at: datetime
    is_usable: bool


def list_provider_links(
    links: ProviderLinks, by: SessionOwner, *, limit: int, cursor: str | None
) -> Page[ListedLink]:
    must_be_in_person(by, KIND)
    after = str(decode_cursor(cursor, str)[0]) if cursor else None
    found = page_of(links.of_account(by.id, after, limit + 1), limit, key=lambda link: [link.id])
    shown = [ListedLink(x.provider, x.username, x.linked_at, x.tokens is not None) for x in found.items]
    return Page(shown, found.next_cursor)


def unlink_provider(accounts: Accounts, links: ProviderLinks, by: SessionOwner, *, provider: str) -> None:
    must_be_in_person(by, KIND)
    found = links.of_account(by.id, None, MOST_REFRESHES)
    link = next((link for link in found if link.provider == provider), None)
    if link is None:
        raise LinkNotFound()
    if len(found) == 1 and accounts.get(by.id).password_hash is None:
        raise OnlyWayIn()
    links.remove(link, link.unlink())


def provider_token(links: ProviderLinks, *, account_id: str, provider: str) -> ProviderTokens:
    """The access token that acts for the streamer at the provider, for the service that reads figures."""
    found = links.of_account(account_id, None, MOST_REFRESHES)
    link = next((link for link in found if link.provider == provider), None)
    if link is None:
        raise LinkNotFound()
    if link.tokens is None:
        raise TokensGone()
    return link.tokens


def refresh_provider_tokens(links: ProviderLinks, providers: Providers, clock: Clock) -> int:
    """One round of the timer; answers how many were refreshed before they expired."""
    due = links.expiring(clock.now() + REFRESH_AHEAD, MOST_REFRESHES)
    return sum(refresh_one(links, providers, clock, link) for link in due if link.provider in providers)


def refresh_one(links: ProviderLinks, providers: Providers, clock: Clock, link: ProviderLink) -> bool:
    assert link.tokens is not None
    try:
        link.replace_tokens(providers[link.provider].refreshed(link.tokens, clock.now()))
    except ProviderUnavailable:
        return False
    except TokensGone:
        link.lose_tokens()
    try:
        links.save(link)
    except ConcurrentUpdate:
        # A log-in has brought newer ones in the meantime.
        return False
    return link.tokens is not None
