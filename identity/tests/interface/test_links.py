"""One-time links, over the real broker; notification's part is what asks for the address in the mail."""

from __future__ import annotations

from datetime import UTC, datetime

import eventlet
import pytest

from chassis.errors import Error
from chassis.ids import new_id
from identity.service import IdentityService
from identity.tests.interface.test_service import refused
from identity.tests.mothers import GOOD_PASSWORD, acme, nova

BETTER_PASSWORD = "a boat under the stairs"

FRONT_END = "https://front.example"


@pytest.fixture
def identity(run_service, rpc):
    run_service(IdentityService, front_end_url=FRONT_END)
    return rpc("identity")


@pytest.fixture
def mailbox(identity, rpc, capture_events):
    """What reaches the owner: the token of the newest link of a purpose."""
    return Mailbox(rpc("identity", user="notification"), capture_events("identity"))


class Mailbox:
    def __init__(self, identity, events):
        self.identity, self.events = identity, events

    def links(self, purpose):
        """The ids of the links that were asked for, each once, however often its event came."""
        return list(dict.fromkeys(event.data["link_id"] for event in self.events.all(purpose)))

    def address(self, purpose, number=1):
        eventually = self.events.wait_for(purpose, where=lambda _: len(self.links(purpose)) >= number)
        assert eventually
        return self.identity.mail_link({"link_id": self.links(purpose)[number - 1]})["url"]

    def token(self, purpose, number=1):
        return self.address(purpose, number).partition("#token=")[2]


VERIFICATION = "email_verification_requested"


def test_the_link_of_a_new_account_verifies_its_address_once(identity, rpc, mailbox):
    signed_in = identity.register_brand(acme())
    assert signed_in["account"]["email_verified"] is False

    address = mailbox.address(VERIFICATION)
    token = address.partition("#token=")[2]
    assert identity.verify_email({"token": token}) == {}

    assert address == f"{FRONT_END}/verify-email#token={token}"
    assert mailbox.events.wait_for("email_verified").data == {"account_id": signed_in["account"]["id"]}
    refreshed = identity.refresh({"refresh_token": signed_in["refresh_token"]})
    assert refreshed["account"]["email_verified"] is True
    again = refused(identity.verify_email, {"token": token})
    assert (again.code, again.status) == ("identity.link_not_valid", 410)


def test_of_many_who_open_one_link_at_once_one_succeeds(identity, mailbox):
    identity.register_brand(acme())
    token = mailbox.token(VERIFICATION)

    def open_it():
        try:
            return identity.verify_email({"token": token})
        except Error as error:
            return error.code

    openings = [eventlet.spawn(open_it) for _ in range(12)]
    outcomes = [each.wait() for each in openings]

    assert outcomes.count({}) == 1
    assert outcomes.count("identity.link_not_valid") == 11


def test_an_owner_asks_for_another_mail_and_gets_three_an_hour(identity, rpc, mailbox):
    owner = rpc("identity", token=identity.register_brand(acme())["access_token"])

    answers = [owner.resend_verification({"address": "203.0.113.7"}) for _ in range(5)]

    assert answers == [{}] * 5
    mailbox.address(VERIFICATION, number=4)
    assert len(mailbox.links(VERIFICATION)) == 4


def test_only_notification_is_told_where_a_link_leads(identity, rpc, mailbox):
    identity.register_brand(acme())
    mailbox.address(VERIFICATION)
    [link_id] = mailbox.links(VERIFICATION)

    for user in ("gateway", "brand", "operator"):
        error = refused(rpc("identity", user=user).mail_link, {"link_id": link_id})
        assert error.code == "rpc.caller_not_allowed"
    missing = refused(rpc("identity", user="notification").mail_link, {"link_id": new_id("lnk")})
    assert missing.code == "identity.link_not_valid"


def test_a_token_is_in_no_event_and_in_no_collection(identity, mailbox, database):
    identity.register_brand(acme())
    token = mailbox.token(VERIFICATION)

    everything = str([list(database[name].find()) for name in ("links", "events", "accounts")])

    assert token not in everything
    assert token not in str(mailbox.events.all())


RESET = "password_reset_requested"


def forget(identity, email="ads@acme.example", kind="brand"):
    return identity.forgot_password({"kind": kind, "email": email, "address": "203.0.113.7"})


def log_in(identity, password):
    return identity.login({"kind": "brand", "email": "ads@acme.example", "password": password})


def test_a_forgotten_password_is_replaced_and_everybody_else_is_out(identity, mailbox):
    first, second = identity.register_brand(acme()), log_in(identity, GOOD_PASSWORD)
    assert forget(identity) == {}
    token = mailbox.token(RESET)

    assert identity.reset_password({"token": token, "new_password": BETTER_PASSWORD}) == {}

    assert log_in(identity, BETTER_PASSWORD)["account"]["email_verified"] is True
    assert refused(log_in, identity, GOOD_PASSWORD).status == 401
    for signed_in in (first, second):
        sid = signed_in["refresh_token"].partition(".")[0]
        mailbox.events.wait_for("session_revoked", where=lambda data, sid=sid: data["sid"] == sid)
        assert refused(identity.refresh, {"refresh_token": signed_in["refresh_token"]}).status == 401
    changed = mailbox.events.wait_for("password_changed").data
    assert changed == {"account_id": first["account"]["id"], "reset": True}
    again = refused(identity.reset_password, {"token": token, "new_password": BETTER_PASSWORD})
    assert (again.code, again.status) == ("identity.link_not_valid", 410)


def test_a_channel_that_was_linked_before_anybody_proved_the_address_lets_nobody_in(
    identity, mailbox, database
):
    account = identity.register_streamer(nova())["account"]
    link = {"_id": new_id("ext"), "account_id": account["id"], "provider": "twitch", "subject": "4711"}
    database["provider_links"].insert_one(
        link | {"username": "stranger", "linked_at": datetime.now(UTC), "version": 1}
    )
    forget(identity, account["email"], kind="streamer")

    identity.reset_password({"token": mailbox.token(RESET), "new_password": BETTER_PASSWORD})

    assert database["provider_links"].count_documents({}) == 0
    assert mailbox.events.wait_for("provider_unlinked").data["account_id"] == account["id"]


def test_of_many_who_reset_with_one_link_at_once_one_succeeds(identity, mailbox):
    identity.register_brand(acme())
    forget(identity)
    token = mailbox.token(RESET)

    def reset(number):
        try:
            return identity.reset_password({"token": token, "new_password": f"boat number {number}"})
        except Error as error:
            return error.code

    resets = [eventlet.spawn(reset, number) for number in range(8)]
    outcomes = [each.wait() for each in resets]

    assert outcomes.count({}) == 1
    assert outcomes.count("identity.link_not_valid") == 7
    assert log_in(identity, f"boat number {outcomes.index({})}")


def test_an_unknown_address_is_answered_alike_and_gets_no_link(identity, mailbox):
    identity.register_brand(acme())

    answers = [forget(identity, email) for email in ("nobody@acme.example", "ads@acme.example")]

    assert answers == [{}, {}]
    mailbox.address(RESET)
    assert len(mailbox.links(RESET)) == 1


def test_an_administrators_password_is_not_reset_by_mail(identity, rpc):
    rpc("identity", user="operator").create_admin({"email": "root@gametriggers.example"})

    error = refused(forget, identity, "root@gametriggers.example", kind="admin")

    assert (error.status, set(error.extra["errors"])) == (422, {"kind"})


def test_who_knows_the_password_changes_it_and_stays_in(identity, rpc, mailbox):
    here, there = identity.register_brand(acme()), log_in(identity, GOOD_PASSWORD)
    owner = rpc("identity", token=here["access_token"])
    body = {"current_password": GOOD_PASSWORD, "new_password": BETTER_PASSWORD}

    wrong = refused(owner.change_password, body | {"current_password": "a wrong guess"})
    assert owner.change_password(body) == {}

    assert (wrong.code, wrong.status) == ("identity.wrong_password", 422)
    assert identity.refresh({"refresh_token": here["refresh_token"]})
    assert refused(identity.refresh, {"refresh_token": there["refresh_token"]}).status == 401
    assert mailbox.events.wait_for("password_changed").data["reset"] is False
    assert refused(identity.change_password, body).status == 401


@pytest.mark.parametrize(
    "request_body",
    [{}, {"token": ""}, {"token": {"$ne": None}}, {"token": "x" * 101}, {"token": "x", "a": 1}],
)
def test_what_is_no_token_is_refused_by_field(identity, request_body):
    assert refused(identity.verify_email, request_body).status == 422


def test_asking_for_another_mail_needs_a_token(identity):
    assert refused(identity.resend_verification, {}).status == 401
