"""One brand's part of the storm: a campaign with a crowd that shows, campaigns that come and go, payouts."""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from compose.chaos.journal import Journal
from compose.chaos.patient import Answers
from compose.chaos.story import Story
from compose.chaos.written import WrittenApi, WrittenOverlay
from compose.demo import figures, story
from compose.demo.actors import IBAN, Account, usd
from compose.demo.api import DemoFailed, until
from compose.demo.overlays import behaviour_of

CAMPAIGN_MINOR = 1_000
PAYOUT_MINOR = 1_000


@dataclass(frozen=True)
class Share:
    """What one brand has to bring about. `pause` is between two of its campaigns, or two of its payouts."""

    showings: int
    campaigns: int
    payouts: int
    pause: float


class Act(Story):
    """`storm_is_over` is set when nothing strikes any more: until then showings go on beyond their share.

    `patience` is for how many seconds anything is waited for.
    """

    def __init__(
        self,
        answers: Answers,
        journal: Journal,
        share: Share,
        storm_is_over: threading.Event,
        patience: float,
    ) -> None:
        super().__init__(lambda playing: None)
        self.folder = self.folder / self.run_id
        self.folder.mkdir()
        self.answers, self.journal, self.share = answers, journal, share
        self.api = WrittenApi(os.environ["GATEWAY_URL"], answers, journal)
        self.over, self.patience = storm_is_over, patience
        self.stored: Counter[str] = Counter()
        self.campaigns: list[str] = []
        self.paid: list[tuple[Account, str]] = []

    def prepare(self) -> None:
        self.fund()
        self.upload()
        self.campaign = self.launch()
        self.join()
        self.crowd.append(self.nova)

    def flow(self) -> None:
        each = -(-self.share.showings // len(self.crowd))
        showing = [self.showing(number, account, each) for number, account in enumerate(self.crowd)]
        self.differences += together([*showing, self.come_and_go, self.pay_crowd])

    def showing(self, number: int, account: Account, wanted: int) -> Callable[[], None]:
        def work() -> None:
            accepted = 0
            while accepted < wanted or not self.over.is_set():
                token = account.api.get("/v1/overlay-link")["token"]
                overlay = WrittenOverlay(self.api, token, behaviour_of(number))
                overlay.journal = self.journal
                accepted += overlay.run().accepted

        return work

    def come_and_go(self) -> None:
        """Campaigns without streamers: what is reserved for each returns as a whole."""
        for _ in range(self.share.campaigns):
            brief = self.brief() | {"budget": usd(CAMPAIGN_MINOR)}
            path = f"/v1/campaigns/{self.brand.api.post('/v1/campaigns', brief)['id']}"
            self.bring(self.brand, path, "submit", "pending_review")
            self.bring(self.admin, path, "approve", "approved", prefix="/v1/admin")
            self.bring(self.brand, path, "activate", "active")
            self.bring(self.brand, path, "complete", "completed")
            self.campaigns.append(path)
            self.over.wait(self.share.pause)

    def bring(self, by: Account, path: str, command: str, status: str, prefix: str = "/v1") -> None:
        """Asked again after its answer was lost it may be refused, for it has been done."""

        def done() -> bool:
            if self.brand.api.get(path)["status"] == status:
                return True
            try:
                by.api.post(f"{prefix}{path.removeprefix('/v1')}/{command}")
            except DemoFailed as error:
                if not 400 <= error.status < 500:
                    raise
            return bool(self.brand.api.get(path)["status"] == status)

        until(f"{path} is {status}", done, self.patience)

    def pay_crowd(self) -> None:
        bank = {"method": "bank", "account_holder": "Nova Berg", "account_details": IBAN}
        for number in range(self.share.payouts):
            account = self.crowd[number % len(self.crowd)]
            account.api.put("/v1/streamers/me/payout-method", bank)
            until("enough for a payout", lambda: self.can_pay(account), self.patience)  # noqa: B023
            payout = account.api.post("/v1/payouts", {"amount": usd(PAYOUT_MINOR)})
            path = f"/v1/payouts/{payout['id']}"
            until("the payout is over", lambda: account.api.get(path)["status"] == "paid", self.patience)  # noqa: B023
            self.paid.append((account, payout["id"]))
            self.over.wait(self.share.pause)

    def can_pay(self, account: Account) -> bool:
        balances = account.api.get("/v1/wallet")["balances"]
        return bool(balances["available"]["amount_minor"] >= PAYOUT_MINOR)

    # What is left

    def recount(self, participation_id: str) -> figures.Counted:
        stored = list(self.brand.api.every(f"/v1/participations/{participation_id}/deliveries"))
        self.stored.update(delivery["id"] for delivery in stored)
        return figures.count(stored)

    def close(self) -> None:
        """The campaign ends, and its books are compared: deliveries, earnings, ledger, analytics, wallets."""
        self.settle()
        self.complete()
        self.compare_participations()
        gross = sum(self.gross.values())
        fees = sum(figures.fee(amount, story.FEE_BASIS_POINTS) for amount in self.gross.values())
        self.compare_ledger(gross, fees)
        # Which of them were accepted, one by one, the journal says.
        self.report.figures["accepted"] = sum(self.stored.values())
        self.compare_campaign(gross, fees)
        brand = self.brand.api.get("/v1/wallet")["balances"]
        self.expect("brand's available", story.DEPOSIT_MINOR - gross, brand["available"]["amount_minor"])
        for path in self.campaigns:
            self.compare_empty(path)
        self.compare_crowd()

    def compare_empty(self, path: str) -> None:
        ledger = self.brand.api.get(f"{path}/ledger")
        expected = {"reserved": CAMPAIGN_MINOR, "returned": CAMPAIGN_MINOR, "escrow": 0}
        found = {figure: ledger[figure]["amount_minor"] for figure in expected}
        self.note(figures.differences(expected, found, f"ledger of {path}"))

    def compare_crowd(self) -> None:
        """All that a streamer has earned is in the wallet or was paid."""
        paid = Counter(account.id for account, _ in self.paid)
        for participation in self.participations:
            gross = self.gross[participation["id"]]
            net = gross - figures.fee(gross, story.FEE_BASIS_POINTS)
            [account] = [one for one in self.crowd if one.id == participation["streamer_id"]]
            balances = account.api.get("/v1/wallet")["balances"]
            held = sum(balances[kind]["amount_minor"] for kind in ("pending", "available", "paying_out"))
            self.expect(f"wallet and payouts of {account.id}", net, held + PAYOUT_MINOR * paid[account.id])


def together(works: Sequence[Callable[[], None]]) -> list[str]:
    """Do all of it at the same time; what failed. Its threads do not outlive an interrupted main program."""
    failed: list[str] = []

    def guarded(work: Callable[[], None]) -> None:
        try:
            work()
        except DemoFailed as error:
            failed.append(str(error))

    threads = [threading.Thread(target=guarded, args=(work,), daemon=True) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failed


def shares(count: int, brands: int, campaigns: int, payouts: int, seconds: float) -> Iterator[Share]:
    """Everything in equal parts, rounded up, so that no less happens than was asked for."""
    own = [-(-number // brands) for number in (count, campaigns, payouts)]
    for _ in range(brands):
        yield Share(own[0], own[1], own[2], seconds / max(own[1], own[2]))
