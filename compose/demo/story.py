"""The line that must work, step by step, and the comparison of the books at its end."""

from __future__ import annotations

import mailbox
import os
import sys
import time
import uuid
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from chassis.errors import Error
from chassis.rpc.client import RpcConnection
from compose.demo import figures, media
from compose.demo.actors import (
    IBAN,
    Account,
    go_live,
    link_channel,
    log_in_admin,
    log_in_brand,
    mailed_token,
    register_brand,
    register_streamer,
    usd,
    wait_for_notifications,
)
from compose.demo.api import Api, DemoFailed, until
from compose.demo.browser import OverlayWindow
from compose.demo.overlays import FORGERIES, SHOWINGS, Overlay, behaviour_of
from compose.demo.report import Report, money

DEPOSIT_MINOR = 50_000
BUDGET_MINOR = 40_000
SHOWCASE_MINOR = 5_000
SIMULATED = 50
FEE_BASIS_POINTS = 2_000
REQUIRED_DELIVERIES = 6
NOVA_VIEWERS = 2_000
CROWD_VIEWERS = 120
COMPENSATION = {
    "type": "hybrid",
    "cpm_minor": 100,
    "flat_minor": 200,
    "required_deliveries": REQUIRED_DELIVERIES,
}
SETTLE_SECONDS = 60.0
PROCESSING_SECONDS = 60.0
PARALLEL_SETUP = 8
"""Sign-up hashes a password, which is work for the processor: more at once would only queue."""


class Demo:
    def __init__(self) -> None:
        self.report = Report()
        self.api = Api(os.environ["GATEWAY_URL"])
        self.twitch_url = os.environ["TWITCH_URL"]
        self.folder = Path(os.environ["RUN_DIR"]) / "demo"
        self.mail_dir = Path(os.environ["MAIL_DIR"])
        self.folder.mkdir(parents=True, exist_ok=True)
        self.run_id = uuid.uuid4().hex[:8]
        self.differences: list[str] = []

    def play(self) -> None:
        self.fund()
        self.upload()
        self.campaign = self.launch()
        self.join()
        self.stream()
        self.settle()
        self.pay_out()
        self.complete()
        self.compare()
        self.leave_something_to_see()

    # 1. A brand registers, completes its profile, and deposits.

    def fund(self) -> None:
        self.report.step(
            "a brand registers, confirms its address, completes its profile and deposits 500.00 USD"
        )
        self.admin = self.make_admin()
        self.brand = register_brand(self.api, self.run_id)
        self.confirm_address()
        billing = {"address": "1 Main Street, Springfield", "tax_id": "DE123456789"}
        profile = self.brand.api.patch("/v1/brands/me", {"billing_info": billing})
        deposit = self.brand.api.post(
            "/v1/wallet/deposits", {"amount": usd(DEPOSIT_MINOR), "provider": "sandbox"}
        )
        self.expect("deposit.status at first", "pending", deposit["status"])
        path = f"/v1/wallet/deposits/{deposit['id']}"
        until("the deposit's webhook", lambda: self.brand.api.get(path)["status"] == "succeeded")
        self.report.row("Brand", f"{profile['company_name']} ({self.brand.id})")
        self.report.row("Deposit", f"{money(DEPOSIT_MINOR)}, credited by the provider's signed webhook")

    def confirm_address(self) -> None:
        """With the link that its mail holds."""
        token = until("the mail with a link", self.mailed_token, SETTLE_SECONDS)
        self.api.post("/v1/auth/verify-email", {"token": token})
        again = log_in_brand(self.api, self.brand.email)
        self.expect("account.email_verified", True, again["account"]["email_verified"])

    def mailed_token(self) -> str | None:
        return mailed_token(self.mail_dir, self.brand.email)

    def make_admin(self) -> Account:
        """What `make admin` does; everything else here goes over HTTP."""
        email = f"admin-{self.run_id}@gametriggers.example"
        connection = RpcConnection(os.environ["AMQP_URI"], "operator")
        try:
            created = connection.call("identity", "create_admin", {"email": email})
        except Error as error:
            raise DemoFailed(f"no administrator could be made: {error}") from error
        finally:
            connection.close()
        return log_in_admin(self.api, email, created["one_time_password"])

    # 2. It uploads a PNG and an MP4.

    def upload(self) -> None:
        self.report.step("it uploads a PNG and an MP4, under names that say something else")
        picture = self.upload_one("creative.gif", media.banner(f"Acme Energy · run {self.run_id}"))
        film = self.upload_one("creative.png", media.clip(self.folder))
        self.image, self.video = (self.processed(asset) for asset in (picture, film))
        self.expect("image.media", "image", self.image["media"])
        self.expect("video.media", "video", self.video["media"])
        for asset in (self.image, self.video):
            for variant in asset["variants"]:
                self.api.download(variant["url"])
        counts = ", ".join(f"{a['media']} {len(a['variants'])}" for a in (self.image, self.video))
        self.report.row("Creatives", f"recognised by content; variants: {counts}; signed links work")

    def upload_one(self, filename: str, content: bytes) -> str:
        return str(self.brand.api.upload("/v1/assets", filename, content, "creative")["id"])

    def processed(self, asset_id: str) -> dict[str, Any]:
        def done() -> dict[str, Any] | None:
            asset: dict[str, Any] = self.brand.api.get(f"/v1/assets/{asset_id}")
            return asset if asset["status"] in ("ready", "refused") else None

        asset = until("the variants of a creative", done, PROCESSING_SECONDS)
        if asset["status"] == "refused":
            raise DemoFailed(f"a creative was refused: {asset['reason']}")
        return asset

    # 3. It creates a campaign, which is approved and activated.

    def launch(self) -> dict[str, Any]:
        self.report.step("it creates a campaign; an admin approves it; activation reserves the budget")
        draft = self.brand.api.post("/v1/campaigns", self.brief())
        active = self.take_through_review(draft["id"])
        self.expect("campaign.status", "active", active["status"])
        wallet = self.brand.api.get("/v1/wallet")["balances"]
        self.expect("wallet.available", DEPOSIT_MINOR - BUDGET_MINOR, wallet["available"]["amount_minor"])
        self.expect("wallet.escrow", BUDGET_MINOR, wallet["escrow"]["amount_minor"])
        self.report.row("Campaign", f"{active['name']} ({active['id']}), {money(BUDGET_MINOR)} in escrow")
        return active

    def take_through_review(self, campaign_id: str) -> dict[str, Any]:
        path = f"/v1/campaigns/{campaign_id}"
        self.brand.api.post(f"{path}/submit")
        self.admin.api.post(f"/v1/admin/campaigns/{campaign_id}/approve")
        active: dict[str, Any] = self.brand.api.post(f"{path}/activate")
        return active

    def brief(self) -> dict[str, Any]:
        now = datetime.now(UTC)
        creative = {"placement": "banner", "weight": 3}
        return {
            "name": f"Winter launch {self.run_id}",
            "description": "A new flavour for long nights.",
            "budget": usd(BUDGET_MINOR),
            "start_at": now.isoformat(),
            "end_at": (now + timedelta(days=7)).isoformat(),
            "requirements": {"min_average_viewers": 50, "platforms": ["twitch"]},
            "creatives": [
                creative | {"asset_id": self.image["id"], "duration_s": 2},
                {"asset_id": self.video["id"], "placement": "corner", "duration_s": 3, "weight": 1},
            ],
            "compensation": COMPENSATION,
            "approval": "manual",
            "frequency": {"min_seconds_between": 0, "max_per_hour": 3600, "max_per_stream": 10_000},
            "pacing": "asap",
            "category": "beverages",
        }

    # 4. A streamer registers, links a channel, finds the campaign, applies, is approved; fifty more follow.

    def join(self) -> None:
        self.report.step(
            f"a streamer and {SIMULATED} more register, link their channels, apply, are approved"
        )
        self.nova = self.enlist("nova", NOVA_VIEWERS)
        with ThreadPoolExecutor(PARALLEL_SETUP) as pool:
            names = [f"streamer{number:02}" for number in range(SIMULATED)]
            self.crowd = list(pool.map(lambda name: self.enlist(name, CROWD_VIEWERS), names))
        self.report.row("Streamers", f"{1 + SIMULATED} joined, their terms frozen")

    def enlist(self, name: str, viewers: int) -> Account:
        login = f"{name}_{self.run_id}"
        go_live(self.twitch_url, login, viewers)
        streamer = register_streamer(self.api, self.run_id, name)
        link_channel(streamer, self.admin, login)
        self.take_in(streamer, self.campaign["id"])
        return streamer

    def take_in(self, streamer: Account, campaign_id: str) -> None:
        """The streamer finds the campaign and applies; the brand approves."""
        until("the campaign in the marketplace", lambda: finds(streamer, campaign_id))
        application = streamer.api.post(f"/v1/campaigns/{campaign_id}/applications")
        self.brand.api.post(f"/v1/participations/{application['id']}/approve")

    # 5. The overlay in Chromium, and fifty simulated ones beside it.

    def stream(self) -> None:
        self.report.step(
            f"the overlay opens in Chromium; {SIMULATED} simulated ones show {SHOWINGS} times each"
        )
        link = self.nova.api.get("/v1/overlay-link")
        with ThreadPoolExecutor(SIMULATED) as pool:
            running = [pool.submit(self.overlay(n, account).run) for n, account in enumerate(self.crowd)]
            self.watch(link["url"], running)
            finished = [future.result() for future in running]
        self.check_refusals(finished)
        self.overlays = finished

    def overlay(self, number: int, account: Account) -> Overlay:
        token = account.api.get("/v1/overlay-link")["token"]
        return Overlay(self.api, token, behaviour_of(number))

    def watch(self, url: str, running: list[Future[Overlay]]) -> None:
        """Keep the browser open until it has delivered enough and the others have finished."""
        window = OverlayWindow(url)
        try:
            picture = self.folder / "overlay.png"
            window.screenshot(picture)
            self.report.step(f"the creative is on the screen: {picture}")
            give_up = time.monotonic() + SETTLE_SECONDS
            while self.nova_counts()["qualified"] < REQUIRED_DELIVERIES or not all(f.done() for f in running):
                if time.monotonic() > give_up:
                    raise DemoFailed(
                        "the browser's overlay delivered too little: " + "; ".join(window.errors)
                    )
                window.wait(500)
            # The last showing may still wait to be reported; the page reports every few seconds.
            self.expect("errors on the overlay's page", [], window.errors)
        finally:
            window.close()
        self.report.row(
            "Overlay in Chromium", f"{self.nova_counts()['rendered']} showings; screenshot {picture}"
        )

    def nova_counts(self) -> dict[str, int]:
        [participation] = self.nova.api.get("/v1/participations")["items"]
        counts: dict[str, int] = participation["counts"]
        return counts

    def check_refusals(self, overlays: list[Overlay]) -> None:
        refused: Counter[str] = Counter()
        for overlay in overlays:
            self.expect(f"accepted of a {overlay.behaviour} overlay", SHOWINGS, overlay.accepted)
            self.expect(
                f"refused of a {overlay.behaviour} overlay", expected_refusals(overlay), dict(overlay.refused)
            )
            refused.update(overlay.refused)
        shown = ", ".join(f"{reason} {number}" for reason, number in sorted(refused.items()))
        self.report.row("Simulated overlays", f"{sum(o.accepted for o in overlays)} showings accepted")
        self.report.row("Refused", shown)
        self.report.figures["refused"] = dict(refused)

    # 6. Everybody's books.

    def settle(self) -> None:
        self.report.step("the ledger, analytics and the inboxes catch up")
        self.participations = list(self.brand.api.every(f"/v1/campaigns/{self.campaign['id']}/applications"))
        self.expect("participations", 1 + SIMULATED, len(self.participations))
        self.counted = {p["id"]: self.recount(p["id"]) for p in self.participations}
        self.gross = {key: figures.earned(COMPENSATION, counted) for key, counted in self.counted.items()}
        ledger = f"/v1/campaigns/{self.campaign['id']}/ledger"
        total = sum(self.gross.values())
        until(
            f"{money(total)} in the ledger",
            lambda: self.brand.api.get(ledger)["earned_gross"]["amount_minor"] >= total,
            SETTLE_SECONDS,
        )
        until("analytics", lambda: self.summary()["gross_minor"] >= total, SETTLE_SECONDS)

    def recount(self, participation_id: str) -> figures.Counted:
        """Count from the deliveries themselves; they do not grow any more."""
        return figures.count(self.brand.api.every(f"/v1/participations/{participation_id}/deliveries"))

    def summary(self) -> dict[str, Any]:
        answer: dict[str, Any] = self.brand.api.get(f"/v1/analytics/campaigns/{self.campaign['id']}/summary")
        return answer["figures"]

    # 7. The payout.

    def pay_out(self) -> None:
        self.report.step("the hold passes; the streamer asks for a payout; the sandbox pays it")
        bank = {"method": "bank", "account_holder": "Nova Berg", "account_details": IBAN}
        self.nova.api.put("/v1/streamers/me/payout-method", bank)
        net = until("released earnings", self.released, SETTLE_SECONDS)
        payout = self.nova.api.post("/v1/payouts", {"amount": usd(net)})
        path = f"/v1/payouts/{payout['id']}"
        paid = until("the payout", lambda: self.finished(path), SETTLE_SECONDS)
        self.expect("payout.status", "paid", paid["status"])
        statement = self.nova.api.get(f"/v1/invoices/{paid['statement_id']}")
        document = self.nova.api.download(f"/v1/invoices/{paid['statement_id']}.pdf")
        self.expect("the statement is a PDF", b"%PDF-", document.content[:5])
        self.report.row("Payout", f"{money(net)} paid; statement {statement['number']} as JSON and PDF")
        self.report.figures["payout_minor"] = net

    def released(self) -> int | None:
        balances = self.nova.api.get("/v1/wallet")["balances"]
        pending, available = (balances[kind]["amount_minor"] for kind in ("pending", "available"))
        return available if pending == 0 and available > 0 else None

    def finished(self, path: str) -> dict[str, Any] | None:
        payout: dict[str, Any] = self.nova.api.get(path)
        return payout if payout["status"] in ("paid", "failed") else None

    def complete(self) -> None:
        self.report.step("the brand completes the campaign; what was not earned returns to its wallet")
        self.brand.api.post(f"/v1/campaigns/{self.campaign['id']}/complete")
        ledger = f"/v1/campaigns/{self.campaign['id']}/ledger"
        until(
            "the return of the unspent budget",
            lambda: self.brand.api.get(ledger)["escrow"]["amount_minor"] == 0,
            SETTLE_SECONDS,
        )

    # 8. The comparison.

    def compare(self) -> None:
        self.report.step("the books are compared to the minor unit")
        gross = sum(self.gross.values())
        fees = sum(figures.fee(amount, FEE_BASIS_POINTS) for amount in self.gross.values())
        self.compare_participations()
        self.compare_ledger(gross, fees)
        self.compare_analytics(gross, fees)
        self.compare_wallets(gross)
        self.compare_inboxes()
        self.report.row("Earned", f"{money(gross)} gross = {money(gross - fees)} net + {money(fees)} fee")
        self.report.row("Returned to the brand", money(BUDGET_MINOR - gross))
        self.report.figures |= {"gross_minor": gross, "platform_fee_minor": fees, "net_minor": gross - fees}

    def compare_participations(self) -> None:
        for participation in self.participations:
            key = participation["id"]
            earnings = self.brand.api.get(f"/v1/participations/{key}/earnings")
            counted = self.counted[key]
            expected = {
                "gross": self.gross[key],
                "rendered": counted.rendered,
                "qualified": counted.qualified,
                "viewer_impressions": counted.viewer_impressions,
            }
            for book in (earnings, earnings["recomputed"]):
                found = {"gross": book["gross"]["amount_minor"], **book["counts"]}
                self.note(figures.differences(expected, found, f"earnings of {key}"))

    def compare_ledger(self, gross: int, fees: int) -> None:
        ledger = self.brand.api.get(f"/v1/campaigns/{self.campaign['id']}/ledger")
        expected = {
            "reserved": BUDGET_MINOR,
            "earned_gross": gross,
            "platform_fee": fees,
            "streamer_net": gross - fees,
            "returned": BUDGET_MINOR - gross,
            "escrow": 0,
        }
        found = {figure: ledger[figure]["amount_minor"] for figure in expected}
        self.note(figures.differences(expected, found, "ledger"))
        verified = self.admin.api.get("/v1/admin/ledger/verify")
        self.note(figures.differences({"balanced": True, "negative_accounts": []}, verified, "ledger"))
        for currency, total in verified["sums"].items():
            self.expect(f"sum of the ledger in {currency}", 0, total)
        self.report.row("Ledger", f"{verified['transactions']} transactions sum to zero")

    def compare_analytics(self, gross: int, fees: int) -> None:
        expected = {
            "rendered": sum(c.rendered for c in self.counted.values()),
            "qualified": sum(c.qualified for c in self.counted.values()),
            "viewer_impressions": sum(c.viewer_impressions for c in self.counted.values()),
            "gross_minor": gross,
            "platform_fee_minor": fees,
            "net_minor": gross - fees,
        }
        self.note(figures.differences(expected, self.summary(), "analytics of the campaign"))
        for account in (self.nova, self.crowd[0]):
            [own] = account.api.get("/v1/participations")["items"]
            counted, amount = self.counted[own["id"]], self.gross[own["id"]]
            found = account.api.get("/v1/analytics/streamers/me/summary")["figures"]
            own_figures = {
                "rendered": counted.rendered,
                "qualified": counted.qualified,
                "gross_minor": amount,
            }
            self.note(figures.differences(own_figures, found, f"analytics of {account.email}"))
        self.report.figures |= expected
        self.report.row("Showings", f"{expected['rendered']} rendered, {expected['qualified']} qualified")
        self.report.row("Viewer-impressions", f"{expected['viewer_impressions']:,} (an estimate)")

    def compare_wallets(self, gross: int) -> None:
        brand = self.brand.api.get("/v1/wallet")["balances"]
        self.expect("brand's available", DEPOSIT_MINOR - gross, brand["available"]["amount_minor"])
        self.expect("brand's escrow", 0, brand["escrow"]["amount_minor"])
        nova = self.nova.api.get("/v1/wallet")["balances"]
        for kind in ("pending", "available", "paying_out"):
            self.expect(f"streamer's {kind} after the payout", 0, nova[kind]["amount_minor"])

    def compare_inboxes(self) -> None:
        brand = wait_for_notifications(
            self.brand, "campaign_approved", "campaign_completed", "deposit_succeeded"
        )
        nova = wait_for_notifications(self.nova, "participation_approved", "payout_paid")
        mails = until("the mails", self.mails_to_both)
        self.report.row(
            "Inboxes", f"brand {len(brand)}, streamer {len(nova)} notifications; {mails} mails by SMTP"
        )

    def mails_to_both(self) -> int:
        """How many mails reached the two, once each has one."""
        box = mailbox.Maildir(self.mail_dir, create=False)
        to = Counter(str(mail["To"]) for mail in box)
        found = [
            sum(n for address, n in to.items() if who.email in address) for who in (self.brand, self.nova)
        ]
        return sum(found) if all(found) else 0

    # And then, so that somebody who opens the overlay afterwards sees more than an empty page:

    def leave_something_to_see(self) -> None:
        self.report.step("a second, small campaign stays active, so that the overlay can be looked at")
        draft = self.brand.api.post(f"/v1/campaigns/{self.campaign['id']}/clone")
        changes = {"name": f"To look at {self.run_id}", "budget": usd(SHOWCASE_MINOR)}
        self.brand.api.patch(f"/v1/campaigns/{draft['id']}", changes)
        self.take_through_review(draft["id"])
        self.take_in(self.nova, draft["id"])
        url = self.nova.api.get("/v1/overlay-link")["url"]
        self.report.row("Overlay to open", url)
        self.report.figures["overlay_url"] = url

    def expect(self, figure: str, expected: object, found: object) -> None:
        if expected != found:
            self.differences.append(str(figures.Difference(figure, expected, found)))

    def note(self, found: list[figures.Difference]) -> None:
        self.differences.extend(map(str, found))


def finds(streamer: Account, campaign_id: str) -> bool:
    offers = streamer.api.every("/v1/marketplace/campaigns")
    return any(offer["campaign"]["id"] == campaign_id and offer["eligible"] for offer in offers)


def expected_refusals(overlay: Overlay) -> dict[str, int]:
    if overlay.behaviour == "twice":
        return {"replayed": SHOWINGS}
    return dict(FORGERIES) if overlay.behaviour == "forging" else {}


def main() -> int:
    """Play the story, print the table; 1 and the figure where something does not agree."""
    demo = Demo()
    try:
        demo.play()
    except DemoFailed as error:
        demo.differences.append(str(error))
    ok = not demo.differences
    if demo.report.rows:
        print(f"\n{demo.report.table()}")
    demo.report.save(demo.folder / "result.json", ok, demo.differences)
    for difference in demo.differences:
        print(f"DIFFERENCE  {difference}", file=sys.stderr)
    print("All books agree to the minor unit." if ok else "The demo failed.", flush=True)
    return 0 if ok else 1
