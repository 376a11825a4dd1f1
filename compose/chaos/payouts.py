"""The payment service dies at every step of a payout; each is paid once or given back as a whole."""

from __future__ import annotations

from collections import Counter

from compose.chaos import provider
from compose.chaos.crashing import WHENS, Crashing, saga_points
from compose.chaos.patient import PatientOverlay
from compose.demo.actors import IBAN, Account, usd

PAYOUT = saga_points("payout", "set_aside.do", "order.do", "settle.do")
REFUSED_PAYOUT = saga_points("payout", "order.undo", "set_aside.undo")
ORDER = PAYOUT[len(WHENS) : 2 * len(WHENS)]
PAYOUT_MINOR = 1_000
VIEWERS = 20_000
"""Ten showings to so many earn enough for all payouts."""


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
        self.points = {"resume": PAYOUT[: len(WHENS)], "order_key": ORDER}.get(self.guard_off, PAYOUT)
        self.refused = [] if self.guard_off else REFUSED_PAYOUT
        wanted = PAYOUT_MINOR * (len(self.points) + len(self.refused))
        self.soon(
            "enough for all payouts", lambda: self.available() >= wanted and not self.balance("pending")
        )
        self.earned = self.available()

    def earn(self, account: Account) -> None:
        PatientOverlay(self.api, account.api.get("/v1/overlay-link")["token"], "honest").run()

    def crash_all(self) -> None:
        self.crash(self.points, [self.ask] * len(self.points))
        self.all_have(self.paid())
        if self.refused:
            provider.misbehave(self.stack, fail_payouts=True)
            self.crash(self.refused, [self.ask] * len(self.refused))
            self.all_have(self.paid() + Counter(failed=len(self.refused)))
            provider.misbehave(self.stack, fail_payouts=False)

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
