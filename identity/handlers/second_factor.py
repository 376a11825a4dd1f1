"""The second factor of a sign-in: a code of the account's authenticator app, if it has one."""

from __future__ import annotations

from dataclasses import dataclass

from chassis.clock import Clock
from chassis.principal import PASSWORD, SECOND_FACTOR
from identity.domain.account import Account
from identity.domain.authenticator import InvalidCode, TotpRequired
from identity.domain.lockout import Suspect
from identity.handlers.attempts import count_failure, note_failure
from identity.handlers.ports import Authenticators, FailureLog
from identity.handlers.retries import retried


@dataclass(frozen=True)
class SecondFactor:
    """What every kind of sign-in asks once the first factor is right."""

    authenticators: Authenticators
    failures: FailureLog
    clock: Clock

    def check(self, account: Account, code: str | None, address: str | None = None) -> str:
        """How strongly the person is recognised now.

        TotpRequired without a code, InvalidCode, or Locked after many of those.
        """
        if not self.is_enabled(account.id):
            return PASSWORD
        if code is None:
            raise TotpRequired()
        suspect = Suspect.second_factor(account.id)
        locked_until = count_failure(self.failures, suspect, self.clock.now())
        try:
            retried(lambda: self._use_up(account.id, code))
        except InvalidCode:
            note_failure(self.failures, account, account.kind, SECOND_FACTOR, address, locked_until)
            raise
        self.failures.forget(suspect)
        return SECOND_FACTOR

    def without_a_code(self, account_id: str) -> str:
        """For a way in without room for a code: whoever has an app shows nothing until they step up."""
        return "" if self.is_enabled(account_id) else PASSWORD

    def is_enabled(self, account_id: str) -> bool:
        authenticator = self.authenticators.find(account_id)
        return authenticator is not None and authenticator.is_enabled

    def _use_up(self, account_id: str, code: str) -> None:
        """Of two that come with one code, the slower one finds it used."""
        authenticator = self.authenticators.find(account_id)
        if authenticator is None:
            raise InvalidCode()
        self.authenticators.save(authenticator, authenticator.check(code, self.clock.now()))
