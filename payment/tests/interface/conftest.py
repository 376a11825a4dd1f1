"""A running payment service, the sandbox as a process, and the door through which its webhooks come."""

import os
import subprocess
import sys
from dataclasses import dataclass, field
from threading import Thread
from typing import Any

import httpx
import pytest
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

from chassis.config import Secret
from chassis.errors import Error
from chassis.ids import new_id
from chassis.testing import eventually
from payment.service import PaymentService

STAND_INS = ("sandbox", "stripe", "paypal")
PAYPAL_CLIENT, PAYPAL_SECRET, PAYPAL_WEBHOOK_ID = "stand-in-client", "stand-in-secret", "1JE4291016473214C"
STRIPE_KEY, STRIPE_WEBHOOK_SECRET = "sk_test_stand_in", "whsec_stand_in"
API_KEY, WEBHOOK_SECRET = "sandbox-key", "sandbox-webhook-secret"
WELL_BEHAVED = {
    "fail_next": 0,
    "lose_next": 0,
    "delay_seconds": 0.05,
    "duplicate": False,
    "reorder": False,
    "fail_payments": False,
    "fail_payouts": False,
}
DESTINATION = {
    "verified": True,
    "method": "bank",
    "account_holder": "Nova",
    "account_details": "DE89370400440532013000",
}
DETAILS = {"stripe": "acct_1NovaStreamer", "paypal": "nova@example.com"}


class Quiet(WSGIRequestHandler):
    def log_request(self, *args: Any) -> None:
        return


@dataclass
class Delivered:
    provider: str
    headers: dict[str, str]
    body: str

    @property
    def request(self) -> dict[str, Any]:
        return {"provider": self.provider, "headers": self.headers, "body": self.body}


@dataclass
class Door:
    """What the gateway does with a webhook: hands it on, byte for byte. `payment` is None when closed."""

    payment: Any = None
    takes_all: bool = False
    received: list[Delivered] = field(default_factory=list)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        return self.answer(Request(environ))(environ, start_response)

    def answer(self, request: Request) -> Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        provider = request.path.rpartition("/")[2]
        delivered = Delivered(provider, headers, request.get_data(as_text=True))
        self.received.append(delivered)
        if self.payment is None:
            return Response(status=200 if self.takes_all else 503)
        try:
            self.payment.provider_webhook(delivered.request)
        except Error as error:
            return Response(status=error.status)
        return Response(status=200)


@pytest.fixture(scope="session")
def door():
    door = Door()
    server = make_server("127.0.0.1", 0, door, threaded=True, request_handler=Quiet)
    Thread(target=server.serve_forever, daemon=True).start()
    door.url = f"http://127.0.0.1:{server.server_port}"
    yield door
    server.shutdown()


@pytest.fixture(scope="session")
def paypal_ca_file(tmp_path_factory):
    return str(tmp_path_factory.mktemp("paypal") / "ca.pem")


@pytest.fixture(scope="session")
def stand_ins(door, paypal_ca_file):
    """The addresses of the payment providers' stand-ins, which one process serves."""
    environ = {
        **os.environ,
        "SANDBOX_PORT": "0",
        "SANDBOX_API_KEY": API_KEY,
        "SANDBOX_WEBHOOK_SECRET": WEBHOOK_SECRET,
        "STRIPE_PORT": "0",
        "STRIPE_SECRET_KEY": STRIPE_KEY,
        "STRIPE_WEBHOOK_SECRET": STRIPE_WEBHOOK_SECRET,
        "PAYPAL_PORT": "0",
        "PAYPAL_CLIENT_ID": PAYPAL_CLIENT,
        "PAYPAL_CLIENT_SECRET": PAYPAL_SECRET,
        "PAYPAL_WEBHOOK_ID": PAYPAL_WEBHOOK_ID,
        "PAYPAL_CA_FILE": paypal_ca_file,
        "PUBLIC_URL": door.url,
    }
    command = [sys.executable, "-m", "compose.outside.sandbox"]
    process = subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True)
    urls = {name: process.stdout.readline().split()[-1] for name in STAND_INS}
    yield urls
    process.terminate()
    process.wait(10)


@dataclass
class StandIn:
    """What happens at a provider without us, and how it is told to behave."""

    url: str

    def behave(self, **changes: Any) -> None:
        httpx.put(f"{self.url}/_control", json=changes).raise_for_status()

    def happens(self, what: str, **details: Any) -> dict[str, Any]:
        """A refund, a dispute or the like."""
        answer = httpx.post(f"{self.url}/_control/{what}", json=details)
        return answer.raise_for_status().json()


class Sandbox(StandIn):
    def movements(self) -> list[dict[str, Any]]:
        headers = {"Authorization": f"Bearer {API_KEY}"}
        answer = httpx.get(f"{self.url}/v1/balance_transactions?limit=100", headers=headers)
        return answer.raise_for_status().json()["data"]


@pytest.fixture
def sandbox(stand_ins):
    sandbox = Sandbox(stand_ins["sandbox"])
    sandbox.behave(**WELL_BEHAVED)
    return sandbox


@pytest.fixture
def paypal(stand_ins):
    paypal = StandIn(stand_ins["paypal"])
    paypal.behave(**WELL_BEHAVED)
    return paypal


@pytest.fixture
def stripe(stand_ins):
    stripe = StandIn(stand_ins["stripe"])
    stripe.behave(**WELL_BEHAVED)
    return stripe


@dataclass
class World:
    """Acme, Nova and an auditor in front of a running payment service."""

    rpc: Any
    tokens: Any
    publish: Any
    brand: str = field(default_factory=lambda: new_id("brd"))
    streamer: str = field(default_factory=lambda: new_id("str"))
    campaign: str = field(default_factory=lambda: new_id("cmp"))
    participation: str = field(default_factory=lambda: new_id("prt"))

    @property
    def acme(self) -> Any:
        return self.rpc("payment", token=self.tokens.issue("brand", self.brand))

    @property
    def nova(self) -> Any:
        return self.rpc("payment", token=self.tokens.issue("streamer", self.streamer))

    @property
    def auditor(self) -> Any:
        return self.rpc("payment", token=self.tokens.issue("admin", new_id("adm")))

    @property
    def campaigns(self) -> Any:
        return self.rpc("payment", user="campaign")

    def order_deposit(self, minor: int, key: str | None = None, at: str = "sandbox") -> dict[str, Any]:
        key = key or new_id("key")
        return self.acme.deposit({"amount": usd(minor), "provider": at, "idempotency_key": key})

    def deposit(self, minor: int, at: str = "sandbox") -> dict[str, Any]:
        deposit = self.order_deposit(minor, at=at)
        return self.settled(deposit)

    def settled(self, deposit: dict[str, Any]) -> dict[str, Any]:
        return eventually(lambda: self.unless_pending(deposit["id"]), deadline=10)

    def unless_pending(self, deposit_id: str) -> dict[str, Any] | None:
        deposit = self.acme.get_deposit({"deposit_id": deposit_id})
        return None if deposit["status"] == "pending" else deposit

    def reserve(self, minor: int) -> dict[str, Any]:
        return self.campaigns.reserve(
            {
                "campaign_id": self.campaign,
                "brand_id": self.brand,
                "amount": usd(minor),
                "idempotency_key": new_id("key"),
            }
        )

    def release(self, earned: int) -> dict[str, Any]:
        return self.campaigns.release_budget(
            {
                "campaign_id": self.campaign,
                "brand_id": self.brand,
                "earned": usd(earned),
                "idempotency_key": new_id("key"),
            }
        )

    def accrue(self, total: int, number: int = 1, id: str | None = None) -> str:
        data = {
            "participation_id": self.participation,
            "campaign_id": self.campaign,
            "brand_id": self.brand,
            "streamer_id": self.streamer,
            "currency": "USD",
            "earned_total_minor": total,
            "accrual": number,
        }
        return self.publish("participation", "earnings_accrued", data, id=id, subject=self.participation)

    def holds(self, who: Any, name: str) -> int:
        return who.wallet({})["balances"][name]["amount_minor"]

    def fund_nova(self, minor: int) -> None:
        gross = minor * 5 // 4
        self.deposit(gross)
        self.reserve(gross)
        self.accrue(gross)
        eventually(lambda: self.holds(self.nova, "available") == minor, deadline=10)

    def payout(self, minor: int) -> dict[str, Any]:
        return self.nova.request_payout({"amount": usd(minor), "idempotency_key": new_id("key")})

    def ended(self, payout: dict[str, Any]) -> dict[str, Any]:
        return eventually(lambda: self.unless_under_way(payout["id"]), deadline=15)

    def unless_under_way(self, payout_id: str) -> dict[str, Any] | None:
        payout = self.nova.get_payout({"payout_id": payout_id})
        return payout if payout["status"] in ("paid", "failed") else None


def usd(minor: int) -> dict[str, Any]:
    return {"amount_minor": minor, "currency": "USD"}


@pytest.fixture
def streamer_service(stub_service):
    return stub_service("streamer", payout_destination=lambda request: {**request, **DESTINATION})


@pytest.fixture
def start_payment(run_service, sandbox, stripe, paypal, paypal_ca_file):
    """Starts an instance of payment whose holds pass at once; the last one started is the newest."""

    def start() -> Any:
        return run_service(
            PaymentService,
            hold_seconds=0,
            sandbox_api_url=sandbox.url,
            sandbox_api_key=Secret(API_KEY),
            sandbox_webhook_secret=Secret(WEBHOOK_SECRET),
            stripe_api_url=stripe.url,
            stripe_secret_key=Secret(STRIPE_KEY),
            stripe_webhook_secret=Secret(STRIPE_WEBHOOK_SECRET),
            paypal_api_url=paypal.url,
            paypal_client_id=PAYPAL_CLIENT,
            paypal_client_secret=Secret(PAYPAL_SECRET),
            paypal_webhook_id=PAYPAL_WEBHOOK_ID,
            paypal_ca_file=paypal_ca_file,
        )

    return start


@pytest.fixture
def payment_service(start_payment, tokens, streamer_service, door, rpc):
    door.payment = rpc("payment")
    yield start_payment()
    door.payment = None


@pytest.fixture
def world(payment_service, rpc, tokens, publish_event):
    return World(rpc, tokens, publish_event)
