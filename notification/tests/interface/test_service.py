"""The real container on the real broker, with a real mail server."""

from collections.abc import Iterator
from typing import Any

import eventlet
import eventlet.wsgi
import pytest
from standardwebhooks import Webhook

from chassis.config import Secret
from chassis.errors import Error
from chassis.testing import eventually
from chassis.testing.services import StubService, Tokens
from notification.service import NotificationService
from notification.tests.mothers import ACME, EVENTS, NOVA, TEN_DOLLARS, WEBHOOK_EVENTS

URL = "http://localhost/verify-email#token=abc"
HTTPS = "https://hooks.acme.example/"


@pytest.fixture
def identity(stub_service: Any) -> StubService:
    """It publishes the keys of `tokens`, and knows where every link leads."""
    stub: StubService = stub_service("identity", mail_link=lambda request: {"url": URL})
    return stub


@pytest.fixture
def tokens(identity: StubService) -> Tokens:
    issued = Tokens()
    identity.answer(jwks=issued.jwks)
    return issued


@pytest.fixture
def service(run_service: Any, mail_server: Any, tokens: Any) -> Any:
    return run_service(NotificationService, smtp_url=Secret(mail_server.url))


@pytest.fixture
def happens(service: Any, publish_event: Any) -> Any:
    """Publishes one of the events that we know by name."""

    def publish(source: str, type: str, id: str | None = None) -> None:
        publish_event(source, type, EVENTS[source, type], id=id)

    return publish


def test_an_event_reaches_the_inbox_the_mailbox_and_the_others(
    happens: Any, rpc: Any, tokens: Any, mail_server: Any, capture_events: Any
) -> None:
    published = capture_events("notification", "notification_created")
    brand = rpc("notification", token=tokens.issue("brand", ACME))
    happens("payment", "deposit_succeeded", id="evt_deposit")
    happens("payment", "deposit_succeeded", id="evt_deposit")

    happens("identity", "brand_registered")

    eventually(lambda: len(mail_server.mails()) == 2, deadline=15)
    page = brand.list({})
    assert {item["kind"] for item in page["items"]} == {"deposit_succeeded", "welcome"}
    assert page["next_cursor"] is None
    subjects = {mail["Subject"] for mail in mail_server.mails()}
    assert subjects == {"Your deposit of 10.00 USD arrived", "Welcome to Gametriggers"}
    created = published.wait_for("notification_created", where=lambda data: data["kind"] == "welcome")
    assert created.data["account_id"] == ACME


def test_a_link_is_asked_of_identity_for_the_one_mail_that_holds_it(
    happens: Any, identity: Any, mail_server: Any
) -> None:
    for _ in range(2):
        happens("identity", "email_verification_requested", id="evt_link")

    happens("identity", "brand_registered")

    eventually(lambda: len(mail_server.mails()) == 2, deadline=15)
    [mail] = [mail for mail in mail_server.mails() if mail["Subject"] == "Confirm your e-mail address"]
    assert URL in mail.get_body(("plain",)).get_content()
    link_id = EVENTS["identity", "email_verification_requested"]["link_id"]
    assert identity.calls["mail_link"] == [{"link_id": link_id}]


def test_reading_lowers_the_unread_count(happens: Any, rpc: Any, tokens: Any) -> None:
    streamer = rpc("notification", token=tokens.issue("streamer", NOVA))
    happens("participation", "participation_approved")
    happens("participation", "participation_removed")
    eventually(lambda: streamer.unread_count({}) == {"unread": 2})
    newest = streamer.list({"limit": 1})["items"][0]

    read = streamer.mark_read({"notification_id": newest["id"]})

    assert read["read_at"]
    assert eventually(lambda: streamer.unread_count({}) == {"unread": 1})
    assert len(streamer.list({"unread": True})["items"]) == 1


def test_preferences_are_kept_and_money_cannot_be_turned_off(service: Any, rpc: Any, tokens: Any) -> None:
    brand = rpc("notification", token=tokens.issue("brand", ACME))
    brand.set_preferences({"preferences": [{"kind": "campaign_approved", "email": False}]})

    with pytest.raises(Error) as refusal:
        brand.set_preferences({"preferences": [{"kind": "deposit_succeeded", "email": False}]})

    kept = {choice["kind"]: choice for choice in brand.get_preferences({})["preferences"]}
    assert (refusal.value.code, refusal.value.status) == ("notification.critical_kind", 422)
    assert kept["campaign_approved"] == {
        "kind": "campaign_approved",
        "critical": False,
        "in_app": True,
        "email": False,
    }


def test_somebody_elses_notification_is_a_missing_one(happens: Any, rpc: Any, tokens: Any) -> None:
    streamer = rpc("notification", token=tokens.issue("streamer", NOVA))
    happens("payment", "payout_paid")
    item = eventually(lambda: streamer.list({})["items"])[0]

    with pytest.raises(Error) as refusal:
        rpc("notification", token=tokens.issue("brand", ACME)).mark_read({"notification_id": item["id"]})

    assert refusal.value.code == "notification.not_found"


def test_requests_that_make_no_sense_are_refused(service: Any, rpc: Any) -> None:
    notification = rpc("notification")
    senseless = [
        (notification.list, {"limit": 0}),
        (notification.list, {"limit": 101}),
        (notification.list, {"unknown": True}),
        (notification.list, {"unread": "perhaps"}),
        (notification.mark_read, {"notification_id": {"$ne": None}}),
        (notification.set_preferences, {"preferences": [{"kind": "x" * 65}]}),
        (notification.set_preferences, {"preferences": [{"kind": "welcome"}] * 51}),
        (notification.create_webhook_endpoint, {}),
        (notification.create_webhook_endpoint, {"url": {"$ne": None}}),
        (notification.create_webhook_endpoint, {"url": HTTPS, "events": []}),
        (notification.create_webhook_endpoint, {"url": HTTPS, "description": "x" * 201}),
        (notification.create_webhook_endpoint, {"url": HTTPS, "secret": "whsec_mine"}),
        (notification.get_webhook_endpoint, {"endpoint_id": "whe_1"}),
        (notification.list_webhook_deliveries, {"endpoint_id": {"$ne": None}}),
    ]

    statuses = [status_of(method, request) for method, request in senseless]

    assert statuses == [422] * len(senseless)


def status_of(method: Any, request: dict[str, Any]) -> int:
    with pytest.raises(Error) as refusal:
        method(request)
    return refusal.value.status


def test_an_inbox_needs_a_token(service: Any, rpc: Any) -> None:
    assert status_of(rpc("notification").list, {}) == 401


class Receiver:
    """A brand's server: it answers with what is in `statuses`, then 204, and remembers what it was sent."""

    def __init__(self) -> None:
        self.statuses: list[int] = []
        self.requests: list[tuple[dict[str, str], bytes]] = []
        self._listener = eventlet.listen(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/hook"
        self._server = eventlet.spawn(
            eventlet.wsgi.server, self._listener, self._application, log_output=False, keepalive=False
        )

    def _application(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        headers = {
            name: environ[f"HTTP_{name.upper().replace('-', '_')}"]
            for name in ("webhook-id", "webhook-timestamp", "webhook-signature")
        }
        self.requests.append((headers, environ["wsgi.input"].read()))
        start_response(f"{self.statuses.pop(0) if self.statuses else 204} Whatever", [])
        return [b""]

    def close(self) -> None:
        self._server.kill()
        self._listener.close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    own = Receiver()
    yield own
    own.close()


@pytest.fixture
def webhooks(run_service: Any, mail_server: Any, tokens: Tokens, rpc: Any) -> Any:
    run_service(
        NotificationService,
        smtp_url=Secret(mail_server.url),
        secrets_key=Secret("s" * 32),
        webhook_allow_local=True,
        webhook_retry_delays=(0.2, 0.2),
        webhook_timeout_seconds=2.0,
    )
    return rpc("notification", token=tokens.issue("brand", ACME, ("webhooks:manage", "notifications:read")))


def test_an_event_reaches_a_brands_server_signed_and_counts_once(
    webhooks: Any, receiver: Receiver, publish_event: Any
) -> None:
    receiver.statuses = [503, 500]
    endpoint = webhooks.create_webhook_endpoint({"url": receiver.url, "events": ["deposit.succeeded"]})
    for _ in range(2):
        publish_event("payment", "deposit_succeeded", EVENTS["payment", "deposit_succeeded"], id="evt_paid")
    publish_event("campaign", "campaign_paused", WEBHOOK_EVENTS["campaign", "campaign_paused"])

    def delivered() -> Any:
        return webhooks.list_webhook_deliveries({"endpoint_id": endpoint["id"], "status": "delivered"})[
            "items"
        ]

    [delivery] = eventually(delivered, deadline=15)

    assert [attempt["status"] for attempt in delivery["attempts"]] == [503, 500, 204]
    assert (delivery["type"], delivery["next_attempt_at"]) == ("deposit.succeeded", None)
    assert [headers["webhook-id"] for headers, _ in receiver.requests] == [delivery["id"]] * 3
    for headers, body in receiver.requests:
        payload = Webhook(endpoint["secret"]).verify(body, headers)
        assert payload["data"] == {"deposit_id": "dep_1", "amount": TEN_DOLLARS}
        assert body.decode() == delivery["body"]


def test_the_owner_of_an_endpoint_that_is_gone_is_told(webhooks: Any, receiver: Receiver) -> None:
    receiver.statuses = [410]
    endpoint = webhooks.create_webhook_endpoint({"url": receiver.url, "description": "Accounting"})
    webhooks.test_webhook_endpoint({"endpoint_id": endpoint["id"]})

    [told] = eventually(lambda: webhooks.list({})["items"], deadline=15)

    assert told["kind"] == "webhook_endpoint_disabled"
    assert "Accounting" in told["body"]
    found = webhooks.get_webhook_endpoint({"endpoint_id": endpoint["id"]})
    assert (found["enabled"], found["disabled_reason"]) == (False, "gone")
    parked = webhooks.list_webhook_deliveries({"endpoint_id": endpoint["id"], "status": "parked"})["items"]
    webhooks.update_webhook_endpoint({"endpoint_id": endpoint["id"], "enabled": True})
    again = webhooks.replay_webhook_delivery({"endpoint_id": endpoint["id"], "delivery_id": parked[0]["id"]})
    assert again["status"] == "pending"
    eventually(lambda: len(receiver.requests) == 2, deadline=15)
    assert receiver.requests[0][0]["webhook-id"] == receiver.requests[1][0]["webhook-id"]


def test_a_secret_is_told_when_it_is_made_and_rotated_and_in_no_other_answer(
    webhooks: Any, receiver: Receiver
) -> None:
    made = webhooks.create_webhook_endpoint({"url": receiver.url})
    ref = {"endpoint_id": made["id"]}
    rotated = webhooks.rotate_webhook_secret(ref)

    others = [
        webhooks.get_webhook_endpoint(ref),
        webhooks.list_webhook_endpoints({}),
        webhooks.update_webhook_endpoint(ref | {"description": "Elsewhere"}),
        webhooks.replay_webhook_deliveries(ref),
        webhooks.delete_webhook_endpoint(ref),
    ]

    assert made["secret"] != rotated["secret"]
    assert rotated["former_secret_ends_at"] is not None
    assert "whsec_" not in str(others)
    assert others[3:] == [{"replayed": 0}, {}]
    assert status_of(webhooks.get_webhook_endpoint, ref) == 404
