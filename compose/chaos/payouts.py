"""The payment service dies at every step of a payout; each is paid once or given back as a whole."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence

from compose.chaos import provider
from compose.chaos.crashing import Crashing, saga_points
from compose.chaos.patient import PatientOverlay
from compose.demo import figures, story
from compose.demo.actors import IBAN, Account, usd

SET_ASIDE, ORDER, SETTLE = (saga_points("payout", step) for step in ("set_aside.do", "order.do", "settle.do"))
PAYOUT = [*SET_ASIDE, *ORDER, *SETTLE]
REFUSED_PAYOUT = saga_points("payout", "order.undo", "set_aside.undo")
PAYOUT_MINOR = 1_000
VIEWERS = 20_000
"""Ten showings to so many earn enough for all payouts."""

QUICK, SLOW = 0.1, 30.0
"""Seconds that the provider takes. Longer than a lease: an order is repeated before anybody hears of it."""

CRASHED_WITHOUT: Mapping[str, Sequence[str]] = {"resume": SET_ASIDE, "order_key": ORDER}
"""The points at which a guard shows."""


class Payouts(Crashing):
    service = "payment"

    def prepare(self) -> None:
        self.fund()
        self.upload()
        self.campaign = self.launch()
        self.nova = self.enlist("nova", VIEWERS)
        self.earn(self.nova)
        bank = {"method": "bank", "account_holder": "Nova Berg", "account_details": IBAN}
        self.nova.api.put("/v1/streamers/me/payout-method", bank)
        self.points = CRASHED_WITHOUT.get(self.guard_off, PAYOUT)
        self.refused = [] if self.guard_off else REFUSED_PAYOUT
        self.soon("everything earned is available", lambda: self.available() == self.earned)

    def earn(self, account: Account) -> None:
        PatientOverlay(self.api, account.api.get("/v1/overlay-link")["token"], "honest").run()
        [participation] = account.api.get("/v1/participations")["items"]
        earnings = account.api.get(f"/v1/participations/{participation['id']}/earnings")
        gross = earnings["gross"]["amount_minor"]
        self.earned = gross - figures.fee(gross, story.FEE_BASIS_POINTS)

    def crash_all(self) -> None:
        self.crash_at(SET_ASIDE)
        provider.misbehave(self.stack, delay_seconds=SLOW)
        self.crash_at(ORDER)
        provider.misbehave(self.stack, delay_seconds=QUICK)
        self.slow_until = time.monotonic() + SLOW
        self.crash_at(SETTLE)
        self.all_have(self.paid())
        self.wait_for_provider()
        if self.refused:
            provider.misbehave(self.stack, fail_payouts=True)
            self.crash(self.refused, [self.ask] * len(self.refused))
            self.all_have(self.paid() + Counter(failed=len(self.refused)))
            provider.misbehave(self.stack, fail_payouts=False)

    def crash_at(self, step: Sequence[str]) -> None:
        points = [point for point in step if point in self.points]
        self.crash(points, [self.ask] * len(points))

    def wait_for_provider(self) -> None:
        """Until it has carried out the last slow order that there can be; it lists none of them itself."""
        if self.slow_until > time.monotonic():
            time.sleep(self.slow_until - time.monotonic())

    def paid(self) -> Counter[str]:
        return Counter(paid=len(self.points))

    def ask(self) -> object:
        return self.nova.api.post("/v1/payouts", {"amount": usd(PAYOUT_MINOR)})

    def all_have(self, statuses: Counter[str]) -> None:
        def found() -> bool:
            return Counter(payout["status"] for payout in self.payouts()) == statuses

        self.soon(f"payouts are {dict(statuses)}", found)

    def payouts(self) -> list[dict[str, str]]:
        return list(self.nova.api.every("/v1/payouts"))

    def compare(self) -> None:
        """By the wallet, and by the provider's own book."""
        self.expect("available", self.earned - PAYOUT_MINOR * len(self.points), self.available())
        self.expect("being paid out", 0, self.balance("paying_out"))
        moved = Counter(provider.movements(self.stack))
        for payout in self.payouts():
            times = 1 if payout["status"] == "paid" else 0
            self.expect(f"times that {payout['id']} left the provider", times, moved[payout["id"]])

    def available(self) -> int:
        return self.balance("available")

    def balance(self, kind: str) -> int:
        return int(self.nova.api.get("/v1/wallet")["balances"][kind]["amount_minor"])
