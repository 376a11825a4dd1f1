"""The payment service dies between a commit and its event's publication, and between that and its mark.

Deposits are credited and told of; each brand is notified of each of its deposits exactly once.
"""

from __future__ import annotations

from compose.chaos.crashing import Crashing
from compose.demo import story
from compose.demo.actors import notification_kinds, usd

POINTS = [f"{action}.{when}" for action in ("publish", "confirm", "mark") for when in ("before", "after")]
"""An event is published when its transaction has committed: `publish.before` lies right after the commit."""

DEPOSIT_MINOR = 1_000


class ToldOnce(Crashing):
    service = "payment"

    def prepare(self) -> None:
        self.fund()

    def crash_all(self) -> None:
        self.crash(POINTS, [self.deposit] * len(POINTS))

    def deposit(self) -> object:
        body = {"amount": usd(DEPOSIT_MINOR), "provider": "sandbox"}
        return self.brand.api.post("/v1/wallet/deposits", body)

    def compare(self) -> None:
        self.wallet_holds(story.DEPOSIT_MINOR + DEPOSIT_MINOR * len(POINTS), 0)
        self.soon("every deposit is told of", lambda: self.told() >= 1 + len(POINTS))

    def compare_books(self) -> None:
        """Once everything has arrived that ever will."""
        self.expect("deposits told of", 1 + len(POINTS), self.told())
        super().compare_books()

    def told(self) -> int:
        return notification_kinds(self.brand).count("deposit_succeeded")
