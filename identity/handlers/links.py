"""Mail with one-time links: asking for it, what stands in it, and what the links do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chassis.clock import Clock
from chassis.ids import NewId
from identity.domain.account import ID_PREFIXES, Account, ConcurrentUpdate
from identity.domain.allowance import Asker
from identity.domain.link import PREFIX, TEAM_INVITATION, VERIFY_EMAIL, Link, LinkNotValid, hash_of
from identity.handlers.in_person import must_be_in_person
from identity.handlers.ports import Accounts, Allowances, Links, LinkTokens, SessionOwner, Teams
from identity.handlers.retries import retried


@dataclass(frozen=True)
class Post:
    """Makes links, and keeps count of who asked for them."""

    links: Links
    tokens: LinkTokens
    allowances: Allowances
    clock: Clock
    new_id: NewId

    def send(self, account: Account, purpose: str) -> None:
        """Make a link; its event gets the mail sent."""
        link_id, at = self.new_id(PREFIX), self.clock.now()
        link = Link.make(link_id, account.id, purpose, self.tokens.make(link_id), at)
        self.links.add(link, link.requested())

    def invite(self, brand_id: str, invitation_id: str) -> None:
        """The same for an invitation, whose address only its brand knows."""
        link_id, at = self.new_id(PREFIX), self.clock.now()
        token = self.tokens.make(link_id)
        link = Link.make(link_id, invitation_id, TEAM_INVITATION, token, at, brand_id)
        self.links.add(link, link.requested())

    def admits(self, askers: Sequence[Asker]) -> bool:
        """Whether all of them may ask once more; whoever is refused uses nothing of the next one's up."""
        return all(self._admits(asker) for asker in askers)

    def _admits(self, asker: Asker) -> bool:
        def count() -> bool:
            allowance = self.allowances.get(asker)
            granted = allowance.grant(self.clock.now())
            if granted:
                self.allowances.save(allowance)
            return granted

        try:
            return retried(count)
        except ConcurrentUpdate:
            # So many at the same moment are too many.
            return False

    def open(self, token: str, purpose: str) -> Link:
        """The link of this token, if it still works and is for that."""
        link = self.links.by_hash(hash_of(token))
        if link.purpose != purpose:
            raise LinkNotValid()
        link.check_works(self.clock.now(), self.links.newest(link.account_id, purpose))
        return link

    def use(self, link: Link) -> None:
        link.use(self.clock.now())
        self.links.save(link)


def askers(purpose: str, kind: str, email: str, address: str | None) -> list[Asker]:
    by_address = [Asker.address(purpose, address)] if address else []
    return [*by_address, Asker.account(purpose, kind, email)]


def resend_verification(
    accounts: Accounts, post: Post, by: SessionOwner, *, address: str | None = None
) -> None:
    """Asking too often, or once the address is verified, answers alike and sends nothing."""
    must_be_in_person(by, *ID_PREFIXES)
    account = accounts.get(by.id)
    if account.email_verified:
        return
    if post.admits(askers(VERIFY_EMAIL, account.kind, account.email, address)):
        post.send(account, VERIFY_EMAIL)


def verify_email(accounts: Accounts, post: Post, *, token: str) -> None:
    def work() -> None:
        link = post.open(token, VERIFY_EMAIL)
        account = accounts.get(link.account_id)
        post.use(link)
        if events := account.verify_email(post.clock.now()):
            accounts.save(account, events)

    retried(lambda: accounts.transaction(work))


@dataclass(frozen=True)
class LinkAddress:
    """Where links lead: a page per purpose. A fragment is sent to no server, so it is in no log."""

    front_end_url: str

    def of(self, purpose: str, token: str) -> str:
        return f"{self.front_end_url.rstrip('/')}/{purpose.replace('_', '-')}#token={token}"


@dataclass(frozen=True)
class LinkInMail:
    """Where the link leads. For an invitation, to whom and from whom it goes: only its brand keeps that."""

    url: str
    email: str | None = None
    company_name: str | None = None


def mail_link(post: Post, address: LinkAddress, teams: Teams, *, link_id: str) -> LinkInMail:
    """What stands in the mail; LinkNotValid when it is too late for that."""
    link = post.links.get(link_id)
    link.check_works(post.clock.now(), post.links.newest(link.account_id, link.purpose))
    url = address.of(link.purpose, post.tokens.of(link))
    if link.brand_id is None:
        return LinkInMail(url)
    invited = teams.invitation(link.brand_id, link.account_id)
    return LinkInMail(url, invited.email, invited.company_name)
