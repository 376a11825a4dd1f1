"""Working stand-ins for identity's collaborators; tests/storage holds them to the stores' contract."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

from chassis.errors import NotFound
from chassis.event import Event
from identity.domain.account import Account, ConcurrentUpdate, EmailTaken
from identity.domain.allowance import Allowance, Asker
from identity.domain.audit import Entry
from identity.domain.authenticator import Authenticator
from identity.domain.facts import Fact
from identity.domain.key_ring import KeyRing, KeyTaken, SigningKey
from identity.domain.link import Link, LinkNotValid, ResetRequest
from identity.domain.lockout import Failures, Suspect
from identity.domain.membership import Invited, Membership
from identity.domain.provider_link import (
    Flow,
    ProviderAccountTaken,
    ProviderAlreadyLinked,
    ProviderLink,
)
from identity.domain.session import Session, SessionNotFound

T = TypeVar("T")


class Told:
    """What went out, and what the audit log alone was told of."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.facts: list[Fact] = []

    def tell(self, events: Sequence[Event]) -> None:
        for event in events:
            if isinstance(event, Fact):
                self.facts.append(event)
            else:
                self.events.append(event)


class FakeAccounts(Told):
    def __init__(self) -> None:
        super().__init__()
        self._accounts: dict[str, Account] = {}

    def add(self, account: Account, events: Sequence[Event]) -> None:
        if self.find(account.kind, account.email) is not None:
            raise EmailTaken()
        self._accounts[account.id] = deepcopy(account)
        self.tell(events)

    def get(self, account_id: str) -> Account:
        return deepcopy(self._accounts[account_id])

    def find(self, kind: str, email: str) -> Account | None:
        wanted = (kind, email)
        found = (account for account in self._accounts.values() if (account.kind, account.email) == wanted)
        return deepcopy(next(found, None))

    def save(self, account: Account, events: Sequence[Event] = ()) -> None:
        if self._accounts[account.id].version != account.version:
            raise ConcurrentUpdate()
        account.version += 1
        self._accounts[account.id] = deepcopy(account)
        self.tell(events)

    def transaction(self, work: Callable[[], T]) -> T:
        return work()


class FakeAuditLog:
    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def append(self, entries: Sequence[Entry]) -> None:
        self.entries += entries


class FakeSessions(Told):
    def __init__(self) -> None:
        super().__init__()
        self._sessions: dict[str, Session] = {}

    def add(self, session: Session, events: Sequence[Event] = ()) -> None:
        self._sessions[session.id] = deepcopy(session)
        self.tell(events)

    def get(self, session_id: str) -> Session:
        if session_id not in self._sessions:
            raise SessionNotFound()
        return deepcopy(self._sessions[session_id])

    def save(self, session: Session, events: Sequence[Event]) -> None:
        if self._sessions[session.id].version != session.version:
            raise ConcurrentUpdate()
        session.version += 1
        self._sessions[session.id] = deepcopy(session)
        self.tell(events)

    def save_all(self, sessions: Sequence[Session], events: Sequence[Sequence[Event]]) -> None:
        for session, told in zip(sessions, events, strict=True):
            self.save(session, told)

    def live_of(self, account_id: str, at: datetime, before: str | None, limit: int) -> list[Session]:
        return self._live(account_id, at, before, limit, is_key=False)

    def keys_of(self, account_id: str, at: datetime, before: str | None, limit: int) -> list[Session]:
        return self._live(account_id, at, before, limit, is_key=True)

    def _live(
        self, account_id: str, at: datetime, before: str | None, limit: int, *, is_key: bool
    ) -> list[Session]:
        found = [
            session
            for session in self._sessions.values()
            if session.account_id == account_id
            and (session.key is not None) is is_key
            and session.is_live(at)
            and (before is None or session.id < before)
        ]
        return deepcopy(sorted(found, key=lambda session: session.id, reverse=True)[:limit])

    def revoked_since(self, at: datetime, after: str | None, limit: int) -> list[Session]:
        found = [
            session
            for session in self._sessions.values()
            if session.revoked_at is not None
            and session.revoked_at > at
            and (after is None or session.id > after)
        ]
        return deepcopy(sorted(found, key=lambda session: session.id)[:limit])


class FakeAuthenticators(Told):
    def __init__(self) -> None:
        super().__init__()
        self._authenticators: dict[str, Authenticator] = {}

    def find(self, account_id: str) -> Authenticator | None:
        return deepcopy(self._authenticators.get(account_id))

    def save(self, authenticator: Authenticator, events: Sequence[Event]) -> None:
        self._must_be_unchanged(authenticator)
        authenticator.version += 1
        self._authenticators[authenticator.account_id] = deepcopy(authenticator)
        self.tell(events)

    def remove(self, authenticator: Authenticator, events: Sequence[Event]) -> None:
        self._must_be_unchanged(authenticator)
        del self._authenticators[authenticator.account_id]
        self.tell(events)

    def _must_be_unchanged(self, authenticator: Authenticator) -> None:
        stored = self._authenticators.get(authenticator.account_id)
        if (stored.version if stored else 0) != authenticator.version:
            raise ConcurrentUpdate()


class FakeFailureLog(Told):
    def __init__(self) -> None:
        super().__init__()
        self._failures: dict[str, Failures] = {}

    def note(self, fact: Fact) -> None:
        self.tell([fact])

    def get(self, suspect: Suspect) -> Failures:
        return deepcopy(self._failures.get(suspect.key, Failures(suspect=suspect)))

    def save(self, failures: Failures) -> None:
        if self.get(failures.suspect).version != failures.version:
            raise ConcurrentUpdate()
        failures.version += 1
        self._failures[failures.suspect.key] = deepcopy(failures)

    def forget(self, suspect: Suspect) -> None:
        self._failures.pop(suspect.key, None)


class FakeLinks(Told):
    def __init__(self) -> None:
        super().__init__()
        self._links: dict[str, Link] = {}

    def add(self, link: Link, events: Sequence[Event]) -> None:
        self._links[link.id] = deepcopy(link)
        self.tell(events)

    def get(self, link_id: str) -> Link:
        if link_id not in self._links:
            raise LinkNotValid()
        return deepcopy(self._links[link_id])

    def by_hash(self, token_hash: str) -> Link:
        found = (link.id for link in self._links.values() if link.token_hash == token_hash)
        return self.get(next(found, ""))

    def newest(self, account_id: str, purpose: str) -> str | None:
        wanted = (account_id, purpose)
        found = (link.id for link in self._links.values() if (link.account_id, link.purpose) == wanted)
        return max(found, default=None)

    def save(self, link: Link) -> None:
        if self._links[link.id].version != link.version:
            raise ConcurrentUpdate()
        link.version += 1
        self._links[link.id] = deepcopy(link)


class FakeResetRequests:
    def __init__(self) -> None:
        self._requests: dict[str, ResetRequest] = {}

    def add(self, request: ResetRequest) -> None:
        self._requests[request.id] = request

    def take(self) -> ResetRequest | None:
        oldest = min(self._requests, default=None)
        return self._requests.pop(oldest) if oldest else None


class FakeLinkTokens:
    """A token that tells its link, so that a test can open what it never saw."""

    def make(self, link_id: str) -> str:
        return f"token of {link_id}"

    def of(self, link: Link) -> str:
        return self.make(link.id)


class FakeAllowances:
    def __init__(self) -> None:
        self._allowances: dict[str, Allowance] = {}

    def get(self, asker: Asker) -> Allowance:
        return deepcopy(self._allowances.get(asker.key, Allowance(asker=asker)))

    def save(self, allowance: Allowance) -> None:
        if self.get(allowance.asker).version != allowance.version:
            raise ConcurrentUpdate()
        allowance.version += 1
        self._allowances[allowance.asker.key] = deepcopy(allowance)


class InvitationGone(NotFound):
    """What brand refuses with."""

    code = "brand.invitation_not_found"


class FakeTeams:
    """Brand's word on who is in which team, as viewers; `asked` counts the questions.

    `invited` are the addresses by invitation, `accepted` the members.
    """

    def __init__(self) -> None:
        self.roles: dict[str, dict[str, str]] = {}
        self.invited: dict[str, str] = {}
        self.accepted: dict[str, str] = {}
        self.asked = 0

    def put(self, member_id: str, brand_id: str, role: str) -> None:
        self.roles.setdefault(member_id, {})[brand_id] = role

    def remove(self, member_id: str, brand_id: str) -> None:
        del self.roles[member_id][brand_id]

    def of(self, member_id: str) -> list[Membership]:
        self.asked += 1
        return [Membership(brand_id, role) for brand_id, role in self.roles.get(member_id, {}).items()]

    def invitation(self, brand_id: str, invitation_id: str) -> Invited:
        if invitation_id not in self.invited:
            raise InvitationGone()
        return Invited(self.invited[invitation_id], "ACME Rockets")

    def join(self, brand_id: str, invitation_id: str, *, member_id: str, email: str, name: str) -> Membership:
        accepted = self.accepted.setdefault(invitation_id, member_id)
        if accepted != member_id or self.invited.get(invitation_id) != email:
            raise InvitationGone()
        self.put(member_id, brand_id, "viewer")
        return Membership(brand_id, "viewer")


class FakePasswords:
    """Hashes nothing, and counts the verifications, since each one costs the real thing its time."""

    breached = frozenset({"password1"})

    def __init__(self) -> None:
        self.verifications = 0

    def hash(self, password: str) -> str:
        return f"hashed {password}"

    def verify(self, hashed: str | None, password: str) -> bool:
        self.verifications += 1
        return hashed == self.hash(password)


class FakeAccessTokens:
    """Signs nothing; `claims` are those of the last token."""

    claims: dict[str, Any]

    def sign(self, claims: dict[str, Any]) -> str:
        self.claims = claims
        return f"access token {claims['jti']}"


class FakeSigningKeys(Told):
    def __init__(self) -> None:
        super().__init__()
        self._keys: dict[int, SigningKey] = {}

    def ring(self) -> KeyRing:
        return KeyRing(list(self._keys.values()))

    def add(self, key: SigningKey, facts: Sequence[Fact] = ()) -> None:
        if key.number in self._keys:
            raise KeyTaken()
        self._keys[key.number] = key
        self.tell(facts)

    def withdraw(self, kid: str, at: datetime, facts: Sequence[Fact]) -> None:
        key = self.ring().get(kid)
        if key.withdrawn_at is None:
            self.tell(facts)
            self._keys[key.number] = replace(key, withdrawn_at=at, pair=replace(key.pair, d=""))

    def forget_private(self, kid: str) -> None:
        key = self.ring().get(kid)
        self._keys[key.number] = replace(key, pair=replace(key.pair, d=""))


class FakeFlows:
    def __init__(self) -> None:
        self._flows: dict[str, Flow] = {}

    def add(self, flow: Flow) -> None:
        self._flows[flow.state_hash] = flow

    def take(self, state_hash: str) -> Flow | None:
        return self._flows.pop(state_hash, None)


class FakeProviderLinks:
    def __init__(self, accounts: FakeAccounts | None = None) -> None:
        self.accounts = accounts or FakeAccounts()
        self.events: list[Event] = []
        self._links: dict[str, ProviderLink] = {}

    def add(self, link: ProviderLink, events: Sequence[Event]) -> None:
        if self.find(link.provider, link.subject):
            raise ProviderAccountTaken()
        if any(other.provider == link.provider for other in self.of_account(link.account_id, None, 9)):
            raise ProviderAlreadyLinked()
        self._links[link.id] = deepcopy(link)
        self.events.extend(events)

    def sign_up(
        self, account: Account, link: ProviderLink, registered: Sequence[Event], linked: Sequence[Event]
    ) -> None:
        if self.find(link.provider, link.subject):
            raise ProviderAccountTaken()
        self.accounts.add(account, registered)
        self.add(link, linked)

    def find(self, provider: str, subject: str) -> ProviderLink | None:
        wanted = (provider, subject)
        found = (link for link in self._links.values() if (link.provider, link.subject) == wanted)
        return deepcopy(next(found, None))

    def of_account(self, account_id: str, after: str | None, limit: int) -> list[ProviderLink]:
        found = [link for link in self._links.values() if link.account_id == account_id]
        return deepcopy(
            [x for x in sorted(found, key=lambda x: x.id) if after is None or x.id > after][:limit]
        )

    def expiring(self, before: datetime, limit: int) -> list[ProviderLink]:
        found = [x for x in self._links.values() if x.tokens and x.tokens.refresh_token]
        due = [x for x in found if x.tokens and x.tokens.expires_at < before]
        return deepcopy(sorted(due, key=lambda x: x.tokens.expires_at if x.tokens else before)[:limit])

    def save(self, link: ProviderLink) -> None:
        self._check_unchanged(link)
        link.version += 1
        self._links[link.id] = deepcopy(link)

    def remove(self, link: ProviderLink, events: Sequence[Event]) -> None:
        self._check_unchanged(link)
        del self._links[link.id]
        self.events.extend(events)

    def _check_unchanged(self, link: ProviderLink) -> None:
        if link.id not in self._links or self._links[link.id].version != link.version:
            raise ConcurrentUpdate()
