"""The real container on the real broker, with a real mail server."""

from typing import Any

import pytest

from chassis.config import Secret
from chassis.errors import Error
from chassis.testing import eventually
from chassis.testing.services import StubService, Tokens
from notification.service import NotificationService
from notification.tests.mothers import ACME, EVENTS, NOVA

URL = "http://localhost/verify-email#token=abc"


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
    ]

    statuses = [status_of(method, request) for method, request in senseless]

    assert statuses == [422] * len(senseless)


def status_of(method: Any, request: dict[str, Any]) -> int:
    with pytest.raises(Error) as refusal:
        method(request)
    return refusal.value.status


def test_an_inbox_needs_a_token(service: Any, rpc: Any) -> None:
    assert status_of(rpc("notification").list, {}) == 401
