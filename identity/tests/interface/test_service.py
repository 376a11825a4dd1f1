"""The real container on a real broker."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import eventlet
import jwt
import pytest

from chassis.errors import Error, Unauthenticated
from chassis.ids import new_id
from chassis.testing import eventually
from chassis.times import rfc3339
from chassis.tokens import TokenVerifier
from identity.domain.session import REFRESH_GRACE
from identity.service import IdentityService
from identity.tests.mothers import GOOD_PASSWORD, a_code, acme, nova

HOME = "203.0.113.7"


@pytest.fixture
def identity(run_service, rpc):
    run_service(IdentityService)
    return rpc("identity")


def login(identity, password=GOOD_PASSWORD, kind="brand", email="ads@acme.example", address=HOME):
    return identity.login({"kind": kind, "email": email, "password": password, "address": address})


def refused(call, *arguments, **options):
    with pytest.raises(Error) as raised:
        call(*arguments, **options)
    return raised.value


def test_a_brand_registers_and_is_announced(identity, capture_events):
    events = capture_events("identity", "brand_registered")

    signed_in = identity.register_brand(acme(address=HOME))

    account = signed_in["account"]
    assert set(account) == {"id", "kind", "email", "email_verified", "created_at"}
    assert (account["kind"], account["email"]) == ("brand", "ads@acme.example")
    assert (signed_in["expires_in"], signed_in["token_type"]) == (900, "Bearer")
    assert events.wait_for("brand_registered").data == {
        "account_id": account["id"],
        "email": "ads@acme.example",
        "company_name": "ACME Rockets",
        "industry": "toys",
        "contact_person": {"name": "Wile E.", "position": "Head of Testing", "phone": "+1 555 0100"},
    }


def test_a_streamer_registers_and_is_announced(identity, capture_events):
    events = capture_events("identity", "streamer_registered")

    signed_in = identity.register_streamer(nova())

    assert events.wait_for("streamer_registered").data == {
        "account_id": signed_in["account"]["id"],
        "email": "nova@stream.example",
        "display_name": "Nova",
    }


def test_the_access_token_is_verified_with_the_published_keys(identity, rpc):
    signed_in = identity.register_brand(acme())
    published = rpc("identity", user="payment").jwks
    verifier = TokenVerifier(lambda: published({}), "gametriggers", "gametriggers-api")

    principal = verifier.verify(signed_in["access_token"])

    assert (principal.id, principal.kind) == (signed_in["account"]["id"], "brand")
    assert "campaigns:write" in principal.scopes
    assert principal.session_id.startswith("ses_")


def test_an_operator_is_told_which_rule_decided(identity, rpc):
    registered = identity.register_brand(acme())["account"]["id"]
    question = {
        "principal_id": registered,
        "action": "campaign.edit",
        "resource": {"kind": "campaign", "owner": registered, "state": "completed"},
    }

    decision = rpc("identity", user="operator").explain_to_operator(question)

    assert decision == {
        "allowed": False,
        "rule": "campaign.edit by owner, manager",
        "check": "state",
        "reason": "completed is not among active, approved, draft, paused",
    }
    assert refused(identity.explain_to_operator, question).status == 403
    assert refused(identity.explain, question).status == 401


def test_who_is_asked_about_is_named_or_described_and_not_both(rpc, identity):
    ask = rpc("identity", user="operator").explain_to_operator
    resource = {"action": "brand.read", "resource": {"kind": "brand"}}

    nobody = refused(ask, resource)
    both = refused(
        ask, resource | {"principal_id": "brd_1", "principal": {"role": "owner", "account_id": "brd_1"}}
    )

    assert (nobody.status, both.status) == (422, 422)


def test_a_refresh_token_is_no_access_token(identity):
    signed_in = identity.register_brand(acme())
    verifier = TokenVerifier(lambda: identity.jwks({}), "gametriggers", "gametriggers-api")

    with pytest.raises(Unauthenticated):
        verifier.verify(signed_in["refresh_token"])


def test_a_taken_address_is_refused(identity):
    identity.register_brand(acme())

    error = refused(identity.register_brand, acme(email="ADS@acme.example"))

    assert (error.code, error.status) == ("identity.email_taken", 409)


def test_of_two_registrations_of_one_address_at_once_one_succeeds(identity):
    def register():
        try:
            return identity.register_brand(acme())["account"]["id"]
        except Error as error:
            return error.code

    attempts = [eventlet.spawn(register) for _ in range(4)]
    outcomes = sorted(attempt.wait() for attempt in attempts)

    assert outcomes[0].startswith("brd_")
    assert outcomes[1:] == ["identity.email_taken"] * 3


def test_a_weak_password_is_refused_by_field(identity):
    error = refused(identity.register_brand, acme(password="qwerty123"))

    assert (error.code, error.status) == ("identity.weak_password", 422)
    assert error.extra["errors"] == {"password": ["Is known from data breaches."]}


def test_unknown_fields_are_refused_by_name(identity):
    error = refused(identity.register_brand, acme(kind="admin"))

    assert (error.status, set(error.extra["errors"])) == (422, {"kind"})


def test_signing_in_needs_the_password_and_tells_nothing_else(identity):
    registered = identity.register_brand(acme())

    signed_in = login(identity)
    wrong = refused(login, identity, password="a wrong guess")
    unknown = refused(login, identity, email="nobody@acme.example")

    assert signed_in["account"]["id"] == registered["account"]["id"]
    assert (wrong.code, wrong.status) == ("identity.invalid_credentials", 401)
    assert wrong.to_wire() == unknown.to_wire()


def test_failures_lock_the_account_for_a_while(identity):
    identity.register_brand(acme())
    for _ in range(5):
        refused(login, identity, password="a wrong guess")

    error = refused(login, identity)

    assert (error.code, error.status) == ("identity.locked", 429)
    assert 0 < error.extra["retry_after"] <= 31


def test_guesses_sent_all_at_once_do_not_outrun_the_lock(identity):
    identity.register_brand(acme())

    guesses = [eventlet.spawn(refused, login, identity, password=f"guess number {n}") for n in range(12)]
    codes = [guess.wait().code for guess in guesses]

    assert codes.count("identity.invalid_credentials") <= 5
    assert set(codes) <= {"identity.invalid_credentials", "identity.locked"}


def test_a_refresh_token_rotates(identity):
    first = identity.register_brand(acme())

    second = identity.refresh({"refresh_token": first["refresh_token"], "address": HOME})

    assert second["refresh_token"] != first["refresh_token"]
    assert second["account"]["id"] == first["account"]["id"]
    assert identity.refresh({"refresh_token": second["refresh_token"]})


def test_many_refreshes_of_one_token_at_once_get_one_successor(identity):
    first = identity.register_brand(acme())

    refreshes = [
        eventlet.spawn(identity.refresh, {"refresh_token": first["refresh_token"]}) for _ in range(100)
    ]
    successors = {refresh.wait()["refresh_token"] for refresh in refreshes}

    [successor] = successors
    assert identity.refresh({"refresh_token": successor})


def test_one_replay_after_the_grace_period_kills_the_family_and_tells_its_owner(
    identity, database, capture_events
):
    events = capture_events("identity", "refresh_token_reused", "session_revoked")
    first = identity.register_brand(acme())
    successor = identity.refresh({"refresh_token": first["refresh_token"]})
    sid = first["refresh_token"].partition(".")[0]
    rotated_at = database["sessions"].find_one({"_id": sid})["rotated_at"]
    long_ago = rotated_at - REFRESH_GRACE - timedelta(seconds=1)
    database["sessions"].update_one({"_id": sid}, {"$set": {"rotated_at": long_ago}})

    replays = [refused(identity.refresh, {"refresh_token": first["refresh_token"]}) for _ in range(2)]

    assert [error.code for error in replays] == ["identity.invalid_refresh_token"] * 2
    assert refused(identity.refresh, {"refresh_token": successor["refresh_token"]}).status == 401
    told = events.wait_for("refresh_token_reused").data
    assert (told["sid"], told["account_id"]) == (sid, first["account"]["id"])
    assert events.wait_for("session_revoked").data["sid"] == sid
    assert database["events"].count_documents({"type": "refresh_token_reused"}) == 1


def test_many_log_outs_at_once_end_one_session(identity, rpc, capture_events, database):
    events = capture_events("identity", "session_revoked")
    account = rpc("identity", token=identity.register_brand(acme())["access_token"])

    log_outs = [eventlet.spawn(account.logout, {}) for _ in range(24)]

    assert [each.wait() for each in log_outs] == [{}] * 24
    events.wait_for("session_revoked")
    # Counted where they are stored: a busy machine may see the one event published twice, under one id.
    assert database["events"].count_documents({"type": "session_revoked"}) == 1
    assert len({event.id for event in events.all()}) == 1


def test_whoever_missed_the_end_of_a_session_can_ask_for_it(identity, rpc):
    ended, open_one = identity.register_brand(acme()), login(identity)
    rpc("identity", token=ended["access_token"]).logout({})

    listed = identity.revoked_sessions({})

    sid = ended["refresh_token"].partition(".")[0]
    assert [(each["sid"], each["account_id"]) for each in listed["items"]] == [
        (sid, open_one["account"]["id"])
    ]
    assert rfc3339(datetime.now(UTC)) < listed["items"][0]["expires_at"]
    assert refused(rpc("identity", user="brand").revoked_sessions, {}).status == 403


def test_an_older_token_kills_the_family(identity, capture_events):
    events = capture_events("identity", "session_revoked")
    first = identity.register_brand(acme())
    second = identity.refresh({"refresh_token": first["refresh_token"]})
    third = identity.refresh({"refresh_token": second["refresh_token"]})

    error = refused(identity.refresh, {"refresh_token": first["refresh_token"]})

    assert (error.code, error.status) == ("identity.invalid_refresh_token", 401)
    assert refused(identity.refresh, {"refresh_token": third["refresh_token"]}).status == 401
    revoked = events.wait_for("session_revoked").data
    assert revoked["account_id"] == first["account"]["id"]
    assert set(revoked) == {"sid", "account_id", "expires_at"}


def test_logging_out_ends_the_session_and_says_so(identity, rpc, capture_events):
    events = capture_events("identity", "session_revoked")
    signed_in = identity.register_brand(acme())

    answer = rpc("identity", token=signed_in["access_token"]).logout({})

    assert answer == {}
    assert refused(identity.refresh, {"refresh_token": signed_in["refresh_token"]}).status == 401
    assert events.wait_for("session_revoked")


def test_an_owner_lists_and_revokes_sessions(identity, rpc):
    phone = identity.register_brand(acme(address=HOME))
    laptop = login(identity, address="198.51.100.9")
    mine = rpc("identity", token=laptop["access_token"])

    page = mine.list_sessions({"limit": 1})
    rest = mine.list_sessions({"limit": 1, "cursor": page["next_cursor"]})
    mine.revoke_session({"sid": rest["items"][0]["sid"]})

    assert [(item["address"], item["current"]) for item in page["items"]] == [("198.51.100.9", True)]
    assert [(item["address"], item["current"]) for item in rest["items"]] == [(HOME, False)]
    assert rest["next_cursor"] is None
    assert len(mine.list_sessions({})["items"]) == 1
    assert refused(identity.refresh, {"refresh_token": phone["refresh_token"]}).status == 401


def test_anothers_session_answers_as_a_missing_one(identity, rpc):
    brand = identity.register_brand(acme())
    streamer = identity.register_streamer(nova())
    [session] = rpc("identity", token=brand["access_token"]).list_sessions({})["items"]
    stranger = rpc("identity", token=streamer["access_token"])

    anothers = refused(stranger.revoke_session, {"sid": session["sid"]})
    missing = refused(stranger.revoke_session, {"sid": new_id("ses")})

    assert (anothers.code, anothers.status) == ("identity.session_not_found", 404)
    assert anothers.to_wire() == missing.to_wire()


@pytest.mark.parametrize("method", ["logout", "list_sessions"])
@pytest.mark.parametrize("token", [None, "nonsense"])
def test_sessions_are_nobodys_without_a_token(identity, rpc, method, token):
    error = refused(getattr(rpc("identity", token=token), method), {})

    assert error.status == 401


def test_an_operator_invites_an_admin_who_signs_in_once(identity, rpc, capture_events):
    events = capture_events("identity", "admin_created")
    operator = rpc("identity", user="operator")

    invited = operator.create_admin({"email": "root@gametriggers.example"})
    again = operator.create_admin({"email": "root@gametriggers.example"})

    assert again["account_id"] == invited["account_id"]
    by = {"kind": "admin", "email": "root@gametriggers.example"}
    assert refused(login, identity, invited["one_time_password"], **by).status == 401
    assert login(identity, again["one_time_password"], **by)["account"]["kind"] == "admin"
    assert refused(login, identity, again["one_time_password"], **by).status == 401
    assert events.wait_for("admin_created").data["account_id"] == invited["account_id"]


@pytest.mark.parametrize(
    ("user", "method"),
    [("gateway", "create_admin"), ("campaign", "login"), ("payment", "refresh"), ("brand", "register_brand")],
)
def test_a_caller_without_business_here_is_refused(identity, rpc, user, method):
    assert refused(getattr(rpc("identity", user=user), method), {}).code == "rpc.caller_not_allowed"


def test_two_processes_that_start_at_once_publish_and_accept_one_key(run_service, rpc):
    starting = [eventlet.spawn(run_service, IdentityService) for _ in range(2)]
    for start in starting:
        start.wait()
    identity = rpc("identity")

    published = [identity.jwks({}) for _ in range(4)]

    assert len(published[0]["keys"]) == 1
    assert published == [published[0]] * 4
    signed_in = identity.register_brand(acme())
    assert rpc("identity", token=signed_in["access_token"]).list_sessions({})["items"]


# Signing keys


def test_keys_rotate_under_traffic_and_nobody_is_logged_out(run_service, rpc):
    """Two processes of identity; two verifiers that read the keys as services do, every half second."""
    for _ in range(2):
        run_service(IdentityService, signing_key_published_seconds=2.0)
    identity, operator = rpc("identity"), rpc("identity", user="operator")
    verifiers = [Watching(rpc("identity", user=user)) for user in ("payment", "campaign")]
    clients = [Client(identity, verifiers, number) for number in range(4)]
    before = operator.list_signing_keys({})["keys"]
    pool = eventlet.GreenPool()
    try:
        for verifier in verifiers:
            pool.spawn(verifier.verifier.keep_fresh, 0.5, eventlet.sleep)
        for client in clients:
            pool.spawn(client.go_on)

        published, signed_before = operator.rotate_signing_keys({})["keys"]
        eventually(lambda: all(published["kid"] in client.kids for client in clients), deadline=15)
    finally:
        for thread in list(pool.coroutines_running):
            thread.kill()

    assert [key["kid"] for key in before] == [signed_before["kid"]]
    assert (published["state"], signed_before["state"]) == ("published", "signing")
    assert [client.refused for client in clients] == [[]] * 4
    assert all(client.kids == {signed_before["kid"], published["kid"]} for client in clients)
    # Whoever read them in time never had to ask for a key that it did not know.
    assert [verifier.strangers for verifier in verifiers] == [[], []]
    for client in clients:
        assert verifiers[0].verify(client.first_token)


class Watching:
    """A verifier, and the keys that it met before it had read of them."""

    def __init__(self, identity):
        self.known, self.strangers = set(), []
        self._identity = identity
        self.verifier = TokenVerifier(self._fetch, "gametriggers", "gametriggers-api")

    def _fetch(self):
        published = self._identity.jwks({})
        self.known = {key["kid"] for key in published["keys"]}
        return published

    def verify(self, token):
        kid = jwt.get_unverified_header(token)["kid"]
        if self.known and kid not in self.known:
            self.strangers.append(kid)
        return self.verifier.verify(token)


class Client:
    """Refreshes as fast as it can, and shows every service its first token and its newest one."""

    def __init__(self, identity, verifiers, number):
        self._identity, self._verifiers = identity, verifiers
        self._signed_in = identity.register_brand(acme(email=f"ads{number}@acme.example"))
        self.first_token = self._signed_in["access_token"]
        self.kids, self.refused = set(), []

    def go_on(self):
        while not self.refused:
            try:
                self._turn()
            except Error as error:
                self.refused.append(error)
            eventlet.sleep(0.02)

    def _turn(self):
        refresh_token = self._signed_in["refresh_token"]
        self._signed_in = self._identity.refresh({"refresh_token": refresh_token})
        newest = self._signed_in["access_token"]
        self.kids.add(jwt.get_unverified_header(newest)["kid"])
        for verifier in self._verifiers:
            verifier.verify(newest)
            verifier.verify(self.first_token)


def test_a_withdrawn_key_is_refused_by_a_service_and_a_refresh_helps(run_service, rpc):
    run_service(IdentityService, token_keys_poll_seconds=0.2)
    identity, operator = rpc("identity"), rpc("identity", user="operator")
    signed_in = identity.register_brand(acme())
    assert rpc("identity", token=signed_in["access_token"]).list_sessions({})["items"]
    [lost] = operator.list_signing_keys({})["keys"]

    signing, withdrawn = operator.withdraw_signing_key({"kid": lost["kid"]})["keys"]

    assert (withdrawn["kid"], withdrawn["state"], signing["state"]) == (lost["kid"], "withdrawn", "signing")
    stolen = rpc("identity", token=signed_in["access_token"])
    eventually(lambda: is_refused(stolen.list_sessions, {}), deadline=5)
    refreshed = identity.refresh({"refresh_token": signed_in["refresh_token"]})
    assert rpc("identity", token=refreshed["access_token"]).list_sessions({})["items"]


def is_refused(call, *arguments):
    try:
        call(*arguments)
    except Error as error:
        return error.status == 401
    return False


@pytest.mark.parametrize(
    ("method", "request_"),
    [
        ("list_signing_keys", {}),
        ("rotate_signing_keys", {}),
        ("withdraw_signing_key", {"kid": "k1"}),
    ],
)
def test_keys_are_the_operators_business_alone(identity, rpc, method, request_):
    for user in ("gateway", "payment"):
        assert refused(getattr(rpc("identity", user=user), method), request_).code == "rpc.caller_not_allowed"


def test_a_key_that_there_never_was_cannot_be_withdrawn(identity, rpc):
    operator = rpc("identity", user="operator")

    assert refused(operator.withdraw_signing_key, {"kid": "k9"}).code == "identity.key_not_found"


def test_no_secret_is_readable_in_the_database(identity, database, rpc):
    signed_in = identity.register_brand(acme())
    owner = rpc("identity", token=signed_in["access_token"])
    enrolment = owner.begin_totp({})
    codes = owner.confirm_totp({"code": code_of(enrolment)})["recovery_codes"]

    collections = ("accounts", "sessions", "events", "authenticators")
    everything = str([list(database[name].find()) for name in collections])

    assert enrolment["secret"] not in everything
    assert codes[0] not in everything
    assert GOOD_PASSWORD not in everything
    assert signed_in["refresh_token"].rpartition(".")[2] not in everything
    assert signed_in["access_token"] not in everything


# Authenticator apps


def code_of(enrolment, steps=0):
    """What the app shows, or will show so many steps from now."""
    secret = base64.b32decode(enrolment["secret"])
    return a_code(datetime.now(UTC) + steps * timedelta(seconds=30), secret)


def test_an_app_is_set_up_asked_for_and_removed(identity, rpc, capture_events):
    events = capture_events("identity", "totp_enabled", "recovery_code_used", "totp_disabled")
    owner = rpc("identity", token=identity.register_brand(acme())["access_token"])
    enrolment = owner.begin_totp({})

    confirmed = owner.confirm_totp({"code": code_of(enrolment)})

    assert owner.get_totp({})["recovery_codes_left"] == 10
    assert events.wait_for("totp_enabled")
    assert refused(login, identity).code == "identity.totp_required"
    by = {"kind": "brand", "email": "ads@acme.example", "password": GOOD_PASSWORD}
    signed_in = identity.login(by | {"code": code_of(enrolment, 1)})
    assert refused(identity.login, by | {"code": code_of(enrolment, 1)}).code == "identity.invalid_code"
    assert identity.login(by | {"code": confirmed["recovery_codes"][0]})
    assert events.wait_for("recovery_code_used").data["left"] == 9

    assert rpc("identity", token=signed_in["access_token"]).disable_totp({}) == {}
    assert login(identity)
    assert events.wait_for("totp_disabled")


def test_of_many_sign_ins_at_once_with_one_code_one_succeeds(identity, rpc):
    owner = rpc("identity", token=identity.register_brand(acme())["access_token"])
    enrolment = owner.begin_totp({})
    owner.confirm_totp({"code": code_of(enrolment)})
    command = {
        "kind": "brand",
        "email": "ads@acme.example",
        "password": GOOD_PASSWORD,
        "code": code_of(enrolment, 1),
    }

    def attempt():
        try:
            return identity.login(command)["token_type"]
        except Error as error:
            return error.code

    attempts = [eventlet.spawn(attempt) for _ in range(4)]
    outcomes = [each.wait() for each in attempts]

    assert outcomes.count("Bearer") == 1
    assert set(outcomes) <= {"Bearer", "identity.invalid_code", "identity.locked"}


def test_a_session_is_stepped_up_and_says_so(identity, rpc):
    first = identity.register_brand(acme())
    owner = rpc("identity", token=first["access_token"])
    enrolment = owner.begin_totp({})
    owner.confirm_totp({"code": code_of(enrolment)})
    verifier = TokenVerifier(lambda: identity.jwks({}), "gametriggers", "gametriggers-api")

    # This token was made before, so it does not show the second factor that its session has by now.
    challenge = refused(owner.replace_recovery_codes, {})
    stepped_up = owner.step_up({"code": code_of(enrolment, 1)})
    refreshed = identity.refresh({"refresh_token": stepped_up["refresh_token"]})

    assert (challenge.status, challenge.code) == (401, "insufficient_user_authentication")
    assert challenge.extra == {"acr_values": "mfa", "max_age": 600}
    shown = [verifier.verify(one["access_token"]) for one in (first, stepped_up, refreshed)]
    assert [principal.acr for principal in shown] == ["pwd", "mfa", "mfa"]
    assert shown[1].auth_time == shown[2].auth_time
    assert len({principal.session_id for principal in shown}) == 1
    again = rpc("identity", token=stepped_up["access_token"])
    assert len(again.replace_recovery_codes({})["recovery_codes"]) == 10
    assert refused(again.step_up, {}).status == 422


# API keys


def test_a_key_opens_what_its_scopes_say_until_it_is_revoked(identity, rpc, capture_events):
    events = capture_events("identity", "api_key_created", "session_revoked")
    signed_in = identity.register_brand(acme())
    owner = rpc("identity", token=signed_in["access_token"])

    made = owner.create_api_key({"name": "Reporting server", "scopes": ["campaigns:read"]})
    exchanged = identity.exchange_api_key({"key": made["key"]})

    published = rpc("identity", user="payment").jwks
    principal = TokenVerifier(lambda: published({}), "gametriggers", "gametriggers-api").verify(
        exchanged["access_token"]
    )
    assert (principal.id, principal.scopes) == (signed_in["account"]["id"], {"campaigns:read"})
    assert principal.session_id == made["id"]
    assert events.wait_for("api_key_created").data["scopes"] == ["campaigns:read"]

    program = rpc("identity", token=exchanged["access_token"])
    assert refused(program.list_api_keys, {}).code == "identity.not_for_keys"

    owner.revoke_api_key({"key_id": made["id"]})

    assert events.wait_for("session_revoked").data["sid"] == made["id"]
    assert refused(identity.exchange_api_key, {"key": made["key"]}).code == "identity.invalid_api_key"
    assert [session["sid"] for session in identity.revoked_sessions({})["items"]] == [made["id"]]
