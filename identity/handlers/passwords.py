"""Another password: for who forgot the old one, and for who knows it."""

from __future__ import annotations

from dataclasses import dataclass

from chassis.errors import NotFound
from identity.domain.account import (
    ID_PREFIXES,
    Account,
    WrongPassword,
    check_password,
    normal_email,
    normal_password,
)
from identity.domain.authenticator import NoTotp
from identity.domain.link import RESET_PASSWORD, ResetRequest
from identity.domain.lockout import Suspect
from identity.handlers.attempts import count_failure
from identity.handlers.in_person import must_be_in_person
from identity.handlers.links import Post, askers
from identity.handlers.oauth import ProviderLinks
from identity.handlers.ports import (
    Accounts,
    Authenticators,
    FailureLog,
    Passwords,
    ResetRequests,
    SessionOwner,
    Sessions,
)
from identity.handlers.retries import retried


class NoSuchAccount(NotFound):
    """Told to operators alone."""

    code, title = "identity.no_such_account", "There is no such account"


# One round must end before the timer's next ones pile up.
REQUESTS_PER_ROUND = 50

SESSIONS_AT_ONCE = 500

# More than there are; one account of each can be linked.
MOST_PROVIDERS = 50


@dataclass(frozen=True)
class Locksmith:
    """What changing a password needs, whoever asks for it."""

    accounts: Accounts
    sessions: Sessions
    failures: FailureLog
    passwords: Passwords
    provider_links: ProviderLinks
    authenticators: Authenticators
    post: Post

    def check(self, account: Account, new_password: str) -> None:
        check_password(new_password, self.passwords.breached, account.own_words, "new_password")

    def hash(self, password: str) -> str:
        return self.passwords.hash(normal_password(password))

    def end_sessions(self, account: Account, *, keep: str | None) -> None:
        """All of the account's, API keys among them; or its other sign-ins alone, when one is kept.

        Once more after the commit: a sign-in with the old password that was stored at the same moment is seen
        then, and one that is stored later sees that the password has changed.
        """
        at = self.post.clock.now()
        kinds = [self.sessions.live_of] if keep else [self.sessions.live_of, self.sessions.keys_of]
        for live in kinds:
            before = None
            while found := live(account.id, at, before, SESSIONS_AT_ONCE):
                before = found[-1].id
                ended = [session for session in found if session.id != keep]
                self.sessions.save_all(ended, [session.revoke(at) for session in ended])

    def throw_out(self, account: Account, *, others_ways_in: bool) -> None:
        """Ends all sessions; with `others_ways_in`, also what whoever registered may have added."""
        self.end_sessions(account, keep=None)
        if not others_ways_in:
            return
        for link in self.provider_links.of_account(account.id, None, MOST_PROVIDERS):
            self.provider_links.remove(link, link.unlink())
        app = self.authenticators.find(account.id)
        if app is not None:
            self.authenticators.remove(app, app.disable() if app.is_enabled else [])


def forgot_password(
    requests: ResetRequests, post: Post, *, kind: str, email: str, address: str | None = None
) -> None:
    """Only notes the wish: whether there is such an account shows in no answer and in no time it takes."""
    if post.admits(askers(RESET_PASSWORD, kind, email, address)):
        requests.add(
            ResetRequest(
                id=post.new_id("rst"), kind=kind, email=normal_email(email), asked_at=post.clock.now()
            )
        )


def send_reset_links(requests: ResetRequests, accounts: Accounts, post: Post) -> int:
    """Looks into what was asked for, and says how many wishes there were."""

    def look_into_one() -> bool:
        request = requests.take()
        if request is None:
            return False
        account = accounts.find(request.kind, request.email)
        if account is not None:
            post.send(account, RESET_PASSWORD)
        return True

    for done in range(REQUESTS_PER_ROUND):
        if not accounts.transaction(look_into_one):
            return done
    return REQUESTS_PER_ROUND


def reset_password(smith: Locksmith, *, token: str, new_password: str) -> None:
    """Whoever has the link sets the password, and nobody else stays in.

    It ends everything that a thief may have opened, and the lock-out that a thief may have caused. Whoever
    reads the link in the mail has shown that the address is theirs, too. When nobody had before, the account
    may have been made by somebody else in their name, who may have linked a channel or an authenticator app.
    """
    link = smith.post.open(token, RESET_PASSWORD)
    account = smith.accounts.get(link.account_id)
    smith.check(account, new_password)
    password_hash, is_first_proof = smith.hash(new_password), not account.email_verified

    def work() -> None:
        link = smith.post.open(token, RESET_PASSWORD)
        account = smith.accounts.get(link.account_id)
        smith.post.use(link)
        events = account.set_password(password_hash, reset=True)
        smith.accounts.save(account, [*events, *account.verify_email(smith.post.clock.now())])
        smith.throw_out(account, others_ways_in=is_first_proof)
        smith.failures.forget(Suspect.account(account.kind, account.email))

    retried(lambda: smith.accounts.transaction(work))
    smith.throw_out(account, others_ways_in=is_first_proof)


def reset_second_factor(smith: Locksmith, *, kind: str, email: str) -> Account:
    """For whoever has lost the app and the recovery codes, and has shown an operator who they are.

    Whoever might have asked in their name finds nothing open: all sessions end, API keys among them.
    """
    account = smith.accounts.find(kind, normal_email(email))
    if account is None:
        raise NoSuchAccount()

    def work() -> None:
        app = smith.authenticators.find(account.id)
        if app is None:
            raise NoTotp()
        smith.authenticators.remove(app, app.reset())
        smith.end_sessions(account, keep=None)
        smith.failures.forget(Suspect.second_factor(account.id))

    retried(lambda: smith.accounts.transaction(work))
    smith.end_sessions(account, keep=None)
    return account


def change_password(smith: Locksmith, by: SessionOwner, *, current_password: str, new_password: str) -> None:
    """Ends the other sign-ins of the account. API keys go on: their programs never knew the password."""
    must_be_in_person(by, *ID_PREFIXES)
    account = smith.accounts.get(by.id)
    check_current(smith, account, current_password)
    smith.check(account, new_password)
    password_hash = smith.hash(new_password)

    def work() -> None:
        account = smith.accounts.get(by.id)
        smith.accounts.save(account, account.set_password(password_hash, reset=False))
        smith.end_sessions(account, keep=by.session_id)

    retried(lambda: smith.accounts.transaction(work))
    smith.end_sessions(account, keep=by.session_id)


def check_current(smith: Locksmith, account: Account, password: str) -> None:
    """Counted as a log-in is, or whoever found a browser open could guess the password there."""
    now, suspect = smith.post.clock.now(), Suspect.account(account.kind, account.email)
    count_failure(smith.failures, suspect, now)
    if not smith.passwords.verify(account.usable_hash(now), normal_password(password)):
        raise WrongPassword("", {"current_password": ["Is wrong."]})
    smith.failures.forget(suspect)
