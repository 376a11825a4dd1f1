"""One contract for each fake and its real store."""

from __future__ import annotations

import base64
import os
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta

import eventlet
import pytest

from chassis.clock import FixedClock
from chassis.crypto import SecretBox
from chassis.ids import new_id
from chassis.testing.fixtures import RecordingOutbox
from identity import storage
from identity.domain.account import ConcurrentUpdate, EmailTaken, created_admin
from identity.domain.allowance import Allowance, Asker
from identity.domain.facts import SigningKeyMade, SigningKeyWithdrawn
from identity.domain.key_ring import KeyTaken
from identity.domain.link import RESET_PASSWORD, LinkNotValid, ResetRequest, hash_of
from identity.domain.lockout import Failures, Suspect
from identity.domain.provider_link import (
    ExternalAccount,
    FlowSecrets,
    ProviderAccountTaken,
    ProviderAlreadyLinked,
    ProviderTokens,
    new_link,
)
from identity.domain.session import SessionNotFound
from identity.handlers.keys import rotate_keys, usable_ring
from identity.minting import DerivedLinkTokens
from identity.signing import new_pair
from identity.tests import fakes
from identity.tests.mothers import (
    MONDAY,
    TEN_MINUTES_AHEAD,
    a_code,
    a_link,
    a_pair,
    a_signing_key,
    account,
    an_api_key,
    an_authenticator,
    finn,
    session,
)


def either(name, fake, real):
    """A fixture that is the fake in one run of each test and the real store in the other."""

    @pytest.fixture(name=name, params=["fake", "mongo"])
    def store(request):
        if request.param == "fake":
            return fake()
        built = real(request.getfixturevalue("mongo"), request.getfixturevalue("outbox"))
        if hasattr(built, "ensure_indexes"):
            built.ensure_indexes()
        return built

    return store


SECRET = "c2VjcmV0IGtleSBmb3IgdGVzdHMgb2YgMzIgYnl0ZXM"
BOX = SecretBox(SECRET)

accounts = either("accounts", fakes.FakeAccounts, storage.MongoAccounts)
sessions = either("sessions", fakes.FakeSessions, lambda m, o: storage.MongoSessions(m, o, BOX))
authenticators = either(
    "authenticators", fakes.FakeAuthenticators, lambda m, o: storage.MongoAuthenticators(m, o, BOX)
)
failures = either("failures", fakes.FakeFailureLog, storage.MongoFailureLog)
links = either("links", fakes.FakeLinks, storage.MongoLinks)
requests = either("requests", fakes.FakeResetRequests, storage.MongoResetRequests)
allowances = either("allowances", fakes.FakeAllowances, storage.MongoAllowances)
keys = either("keys", fakes.FakeSigningKeys, lambda m, o: storage.MongoSigningKeys(m, o, BOX))


# Accounts


def test_an_account_is_found_by_id_and_by_kind_and_address(accounts):
    acme = account()
    accounts.add(acme, [])

    assert accounts.get(acme.id) == acme
    assert accounts.find("brand", "ads@acme.example") == acme
    assert accounts.find("streamer", "ads@acme.example") is None


def test_two_accounts_of_one_kind_never_share_an_address(accounts):
    accounts.add(account(), [])

    with pytest.raises(EmailTaken):
        accounts.add(account(), [])

    accounts.add(account(kind="streamer", id=new_id("str")), [])


def test_a_missing_account_is_a_fault(accounts):
    with pytest.raises(LookupError):
        accounts.get(new_id("brd"))


def test_a_saved_account_comes_back_as_it_was_saved(accounts):
    admin = account(kind="admin", password_hash=None)
    accounts.add(admin, [])
    admin.give_one_time_password("hashed", MONDAY)
    events = admin.verify_email(MONDAY)

    accounts.save(admin, events)

    assert accounts.get(admin.id) == admin


def test_an_account_that_changed_since_it_was_loaded_is_not_overwritten(accounts):
    admin = account(kind="admin")
    accounts.add(admin, [])
    stale = accounts.get(admin.id)
    accounts.save(admin)

    with pytest.raises(ConcurrentUpdate):
        accounts.save(stale)


def test_an_account_and_its_event_are_stored_together_or_not_at_all(mongo, outbox):
    stored = storage.MongoAccounts(mongo, outbox)
    stored.ensure_indexes()
    first, second = account(kind="admin"), account(kind="admin")
    stored.add(first, created_admin(first))

    with pytest.raises(EmailTaken):
        stored.add(second, created_admin(second))

    assert [event.account_id for event in outbox.events] == [first.id]


# Sessions


@pytest.mark.parametrize(
    "opened", [session(), session(finn(), acts_for=new_id("brd"))], ids=["own", "member"]
)
def test_a_session_comes_back_as_it_was_opened(sessions, opened):
    sessions.add(opened)

    assert sessions.get(opened.id) == opened


def test_a_missing_session_is_not_found(sessions):
    with pytest.raises(SessionNotFound):
        sessions.get(new_id("ses"))


def test_a_saved_session_comes_back_as_it_was_saved(sessions):
    opened = session()
    sessions.add(opened)
    events = opened.revoke(MONDAY)

    sessions.save(opened, events)

    assert sessions.get(opened.id) == opened


def test_a_session_that_changed_since_it_was_loaded_is_not_overwritten(sessions):
    opened = session()
    sessions.add(opened)
    stale = sessions.get(opened.id)
    sessions.save(opened, [])

    with pytest.raises(ConcurrentUpdate):
        sessions.save(stale, [])


def test_several_sessions_are_saved_together_with_what_each_tells(sessions):
    acme = account()
    opened = [session(acme) for _ in range(3)]
    for one in opened:
        sessions.add(one)
    events = [one.revoke(MONDAY) for one in opened]

    sessions.save_all(opened, events)
    sessions.save_all([], [])

    assert [sessions.get(one.id) for one in opened] == opened
    assert sessions.live_of(acme.id, MONDAY, before=None, limit=10) == []


def test_of_several_sessions_one_of_which_has_changed_the_store_saves_none(mongo, outbox):
    sessions = storage.MongoSessions(mongo, outbox, BOX)
    opened = [session() for _ in range(2)]
    for one in opened:
        sessions.add(one)
    sessions.save(sessions.get(opened[1].id), [])
    events = [one.revoke(MONDAY) for one in opened]

    with pytest.raises(ConcurrentUpdate):
        sessions.save_all(opened, events)

    assert sessions.get(opened[0].id).revoked_at is None
    assert outbox.events == []


def test_only_live_sessions_of_the_account_are_listed_newest_first(sessions):
    acme = account()
    older, revoked, newer = session(acme), session(acme), session(acme)
    expired = session(acme, expires_at=MONDAY)
    revoked.revoke(MONDAY)
    for one in (older, revoked, newer, expired, session(account())):
        sessions.add(one)

    listed = sessions.live_of(acme.id, MONDAY + timedelta(hours=1), before=None, limit=10)

    assert listed == [newer, older]
    assert sessions.live_of(acme.id, MONDAY, before=newer.id, limit=10) == [older]
    assert sessions.live_of(acme.id, MONDAY, before=None, limit=1) == [newer]


def test_an_api_key_comes_back_as_it_was_made_and_is_listed_apart(sessions):
    acme = account()
    key, _, events = an_api_key(acme)
    sessions.add(key, events)
    sessions.add(session(acme))

    assert sessions.get(key.id) == key
    assert sessions.keys_of(acme.id, MONDAY, before=None, limit=10) == [key]
    assert key not in sessions.live_of(acme.id, MONDAY, before=None, limit=10)


def test_sessions_that_were_revoked_of_late_are_listed_by_their_ids(sessions):
    first, second, earlier = session(), session(), session()
    for one, at in ((first, 2), (second, 1), (earlier, 0)):
        one.revoke(MONDAY + timedelta(minutes=at))
        sessions.add(one)
    sessions.add(session())

    listed = sessions.revoked_since(MONDAY, after=None, limit=10)

    assert listed == [first, second]
    assert sessions.revoked_since(MONDAY, after=None, limit=1) == [first]
    assert sessions.revoked_since(MONDAY, after=first.id, limit=10) == [second]


def test_a_sessions_secret_cannot_be_read_in_the_database(mongo, outbox):
    opened = session()

    storage.MongoSessions(mongo, outbox, BOX).add(opened)

    stored = mongo["sessions"].find_one({"_id": opened.id})
    assert "c3Nzc3Nz" not in str(stored)
    assert b"ssssssss" not in str(stored).encode()


# Authenticator apps


def test_an_app_comes_back_as_it_was_saved_under_its_account(authenticators):
    app = an_authenticator()
    authenticators.save(app, [])
    app.confirm(a_code(MONDAY), MONDAY, ["abcde-fghij"])
    authenticators.save(app, [])

    assert authenticators.find(app.account_id) == app
    assert authenticators.find(new_id("brd")) is None


def test_an_app_that_changed_since_it_was_loaded_is_neither_overwritten_nor_removed(authenticators):
    app = an_authenticator()
    authenticators.save(app, [])
    stale = authenticators.find(app.account_id)
    authenticators.save(app, [])

    with pytest.raises(ConcurrentUpdate):
        authenticators.save(stale, [])
    with pytest.raises(ConcurrentUpdate):
        authenticators.remove(stale, [])


def test_an_account_has_one_app(authenticators):
    app = an_authenticator()
    authenticators.save(app, [])

    with pytest.raises(ConcurrentUpdate):
        authenticators.save(an_authenticator(account_id=app.account_id), [])


def test_a_removed_app_is_gone_and_the_account_may_have_another(authenticators):
    app = an_authenticator()
    authenticators.save(app, [])

    authenticators.remove(app, [])

    assert authenticators.find(app.account_id) is None
    authenticators.save(an_authenticator(account_id=app.account_id), [])


def test_an_app_and_what_it_announces_are_stored_together_or_not_at_all(mongo, outbox):
    stored = storage.MongoAuthenticators(mongo, outbox, BOX)
    app = an_authenticator()
    stored.save(app, [])
    stale = stored.find(app.account_id)
    stored.save(app, app.confirm(a_code(MONDAY), MONDAY, []))

    with pytest.raises(ConcurrentUpdate):
        stored.save(stale, stale.confirm(a_code(MONDAY), MONDAY, []))

    assert [event.type for event in outbox.events] == ["totp_enabled"]


def test_an_apps_secret_cannot_be_read_in_the_database(mongo, outbox):
    app = an_authenticator()

    storage.MongoAuthenticators(mongo, outbox, BOX).save(app, [])

    stored = str(mongo["authenticators"].find_one())
    assert app.key not in stored
    assert base64.b64encode(app.secret).decode() not in stored


# Failures


def test_a_suspect_without_failures_has_a_clean_count(failures):
    suspect = Suspect.address("203.0.113.7")

    assert failures.get(suspect) == Failures(suspect=suspect)


def test_failures_come_back_as_they_were_saved(failures):
    suspect = Suspect.account("brand", "ads@acme.example")
    for _ in range(2):
        counted = failures.get(suspect)
        counted.add(MONDAY)
        failures.save(counted)

    found = failures.get(suspect)

    assert (found.count, found.last_at) == (2, MONDAY)


@pytest.mark.parametrize("already", [0, 1])
def test_two_who_count_at_once_do_not_overwrite_each_other(failures, already):
    suspect = Suspect.address("203.0.113.7")
    for _ in range(already):
        earlier = failures.get(suspect)
        failures.save(earlier)
    one, other = failures.get(suspect), failures.get(suspect)
    failures.save(one)

    with pytest.raises(ConcurrentUpdate):
        failures.save(other)


def test_forgotten_failures_are_gone(failures):
    suspect = Suspect.address("203.0.113.7")
    counted = failures.get(suspect)
    counted.add(MONDAY)
    failures.save(counted)

    failures.forget(suspect)

    assert failures.get(suspect).count == 0


# Signing keys


def test_keys_come_back_as_they_were_kept_newest_first(keys):
    first, second = a_signing_key(), a_signing_key(number=2, pair=a_pair("k2"))
    keys.add(first)
    keys.add(second)

    assert keys.ring().keys == [second, first]


def test_there_is_one_key_of_a_number(keys):
    keys.add(a_signing_key())

    with pytest.raises(KeyTaken):
        keys.add(a_signing_key(pair=a_pair("k2")))

    assert [key.kid for key in keys.ring().keys] == ["k1"]


def test_a_key_is_withdrawn_once_and_its_private_part_is_gone(keys):
    keys.add(a_signing_key())

    keys.withdraw("k1", MONDAY, [])
    keys.withdraw("k1", MONDAY + timedelta(days=1), [])

    [withdrawn] = keys.ring().keys
    assert (withdrawn.withdrawn_at, withdrawn.pair.d) == (MONDAY, "")


def test_a_private_part_that_nobody_needs_is_forgotten(keys):
    keys.add(a_signing_key())

    keys.forget_private("k1")

    assert keys.ring().keys == [a_signing_key(pair=replace(a_pair(), d=""))]


def signing_keys(mongo):
    return storage.MongoSigningKeys(mongo, RecordingOutbox(), BOX)


def test_what_an_operator_does_with_a_key_is_told_once_and_with_it(keys, outbox):
    keys.add(a_signing_key(), [SigningKeyMade(kid="k1")])
    with pytest.raises(KeyTaken):
        keys.add(a_signing_key(), [SigningKeyMade(kid="again")])

    for _ in range(2):
        keys.withdraw("k1", MONDAY, [SigningKeyWithdrawn(kid="k1")])

    told = keys.facts if isinstance(keys, fakes.FakeSigningKeys) else outbox.events
    assert told == [SigningKeyMade(kid="k1"), SigningKeyWithdrawn(kid="k1")]


def test_processes_that_need_a_first_key_at_once_make_one(mongo):
    def start():
        own = signing_keys(mongo)
        return usable_ring(own, FixedClock(MONDAY), new_pair, TEN_MINUTES_AHEAD).keys

    started = [eventlet.spawn(start) for _ in range(5)]
    kept = [process.wait() for process in started]

    assert kept == [kept[0]] * 5


def test_processes_that_rotate_at_once_make_one_key(mongo):
    signing_keys(mongo).add(a_signing_key())

    def rotate():
        own = signing_keys(mongo)
        return rotate_keys(own, FixedClock(MONDAY), new_pair, TEN_MINUTES_AHEAD)

    rotations = [eventlet.spawn(rotate) for _ in range(5)]
    listed = [rotation.wait() for rotation in rotations]

    assert listed == [listed[0]] * 5
    assert [key.state for key in listed[0]] == ["published", "signing"]


DYING = """
import sys
from chassis.clock import FixedClock
from chassis.mongo import Mongo
from identity.handlers.keys import rotate_keys
from identity.signing import new_pair
from identity.tests.mothers import MONDAY, TEN_MINUTES_AHEAD
from identity.tests.storage.test_stores import signing_keys

keys = signing_keys(Mongo(*sys.argv[1:]))
rotate_keys(keys, FixedClock(MONDAY), new_pair, TEN_MINUTES_AHEAD)
"""


@pytest.mark.parametrize("when", ["write.before", "commit.after"])
def test_a_rotation_that_was_killed_is_finished_by_the_next_one(mongo, database_prefix, when):
    keys = signing_keys(mongo)
    keys.add(a_signing_key())

    killed = subprocess.run(
        [sys.executable, "-c", DYING, os.environ["MONGO_URI"], f"{database_prefix}test"],
        env=os.environ | {"FAILPOINT": when},
        check=False,
    )
    rotated = rotate_keys(keys, FixedClock(MONDAY), new_pair, TEN_MINUTES_AHEAD)

    assert killed.returncode == -signal.SIGKILL
    assert [key.state for key in rotated] == ["published", "signing"]


def test_a_key_that_was_kept_before_there_were_dates_still_signs_and_is_due(mongo):
    mongo["signing_keys"].insert_one({"_id": 1, "kid": "k1", "x": "x", "sealed_d": BOX.encrypt("d")})

    ring = signing_keys(mongo).ring()

    assert ring.signing(MONDAY).kid == "k1"
    assert ring.is_due(MONDAY, TEN_MINUTES_AHEAD)


def test_a_private_key_cannot_be_read_in_the_database(mongo):
    signing_keys(mongo).add(a_signing_key())

    assert "private k1" not in str(mongo["signing_keys"].find_one())


# Links


def test_a_link_is_found_by_its_id_and_by_the_hash_of_its_token(links):
    link = a_link(token="the token")
    links.add(link, link.requested())

    assert links.get(link.id) == link
    assert links.by_hash(hash_of("the token")) == link


def test_a_link_that_never_was_does_not_work(links):
    with pytest.raises(LinkNotValid):
        links.get(new_id("lnk"))
    with pytest.raises(LinkNotValid):
        links.by_hash(hash_of("nonsense"))


def test_the_newest_link_is_the_accounts_own_and_of_that_purpose(links):
    acme = account()
    older, newer = (a_link(acme, f"token {n}", purpose=RESET_PASSWORD, id=f"lnk_{n}") for n in (1, 2))
    for link in (newer, older, a_link(acme, "another", id="lnk_3"), a_link(token="somebody's", id="lnk_4")):
        links.add(link, [])

    assert links.newest(acme.id, RESET_PASSWORD) == newer.id
    assert links.newest(account().id, RESET_PASSWORD) is None


def test_a_used_link_comes_back_used_and_is_used_once(links):
    link = a_link()
    links.add(link, [])
    stale = links.get(link.id)
    link.use(MONDAY)

    links.save(link)

    assert links.get(link.id) == link
    with pytest.raises(ConcurrentUpdate):
        links.save(stale)


def test_no_token_can_be_read_in_the_database(mongo, outbox):
    stored = storage.MongoLinks(mongo, outbox)
    link = a_link(token=DerivedLinkTokens(SECRET).make("lnk_1"), id="lnk_1")

    stored.add(link, link.requested())

    token = DerivedLinkTokens(SECRET).of(link)
    assert token not in str([mongo["links"].find_one(), outbox.events])
    assert mongo["links"].find_one()["token_hash"] == hash_of(token)


# Requests


def test_the_oldest_request_is_taken_first_and_once(requests):
    older, newer = (
        ResetRequest(id=f"rst_{n}", kind="brand", email="ads@acme.example", asked_at=MONDAY) for n in (1, 2)
    )
    for request in (newer, older):
        requests.add(request)

    taken = [requests.take() for _ in range(3)]

    assert taken == [older, newer, None]


def test_a_request_that_two_take_at_once_is_taken_once(mongo, outbox):
    requests = storage.MongoResetRequests(mongo, outbox)
    for number in range(4):
        requests.add(
            ResetRequest(id=f"rst_{number}", kind="brand", email="ads@acme.example", asked_at=MONDAY)
        )

    def take():
        def slowly():
            taken = requests.take()
            eventlet.sleep(0.02)
            return taken.id

        return mongo.transaction(slowly)

    taking = [eventlet.spawn(take) for _ in range(4)]

    assert sorted(each.wait() for each in taking) == ["rst_0", "rst_1", "rst_2", "rst_3"]


# Allowances


def test_an_asker_who_was_never_granted_anything_has_all_of_it(allowances):
    asker = Asker.account("verify_email", "brand", "ads@acme.example")

    assert allowances.get(asker) == Allowance(asker=asker)


def test_what_was_granted_comes_back_and_is_never_overwritten(allowances):
    asker = Asker.address("verify_email", "203.0.113.7")
    for minute in range(2):
        allowance, stale = allowances.get(asker), allowances.get(asker)
        assert allowance.grant(MONDAY + timedelta(minutes=minute))
        assert stale.grant(MONDAY)
        allowances.save(allowance)
        with pytest.raises(ConcurrentUpdate):
            allowances.save(stale)

    assert allowances.get(asker) == allowance
    assert allowance.granted == (MONDAY, MONDAY + timedelta(minutes=1))


# Ways in by a provider

flows = either("flows", fakes.FakeFlows, lambda m, o: storage.MongoFlows(m, o, BOX))
provider_links = either(
    "provider_links", fakes.FakeProviderLinks, lambda m, o: storage.MongoProviderLinks(m, o, BOX)
)

TOKENS = ProviderTokens("access", "refresh", MONDAY)
AT_TWITCH = ExternalAccount("twitch", "40000001", "nova", "nova@stream.example", True, TOKENS)


def a_provider_link(of=None, **changes):
    link, events = new_link(new_id("ext"), of or account(), replace(AT_TWITCH, **changes), MONDAY)
    return link, events


def test_a_flow_comes_back_as_it_was_stored_and_only_once(flows):
    flow = FlowSecrets("state", "binding", "nonce", "verifier").flow("twitch", MONDAY, "str_1", "ses_1")
    flows.add(flow)

    assert flows.take(flow.state_hash) == flow
    assert flows.take(flow.state_hash) is None


def test_a_link_comes_back_as_it_was_stored(provider_links):
    link, events = a_provider_link()

    provider_links.add(link, events)

    assert provider_links.find("twitch", "40000001") == link
    assert provider_links.find("youtube", "40000001") is None
    assert provider_links.of_account(link.account_id, None, 9) == [link]
    assert provider_links.of_account(link.account_id, link.id, 9) == []


def test_a_provider_account_is_linked_once_and_an_account_has_one_of_each_provider(provider_links):
    owner = account()
    provider_links.add(*a_provider_link(owner))

    with pytest.raises(ProviderAccountTaken):
        provider_links.add(*a_provider_link(account()))
    with pytest.raises(ProviderAlreadyLinked):
        provider_links.add(*a_provider_link(owner, subject="2"))

    provider_links.add(*a_provider_link(owner, provider="youtube"))


def test_a_sign_up_stores_both_the_account_and_the_link_or_none(provider_links):
    link, linked = a_provider_link()
    provider_links.sign_up(account(id=link.account_id), link, [], linked)
    second, again = a_provider_link(account(id=new_id("str")), subject="2")

    with pytest.raises(EmailTaken):
        provider_links.sign_up(account(id=second.account_id), second, [], again)

    assert provider_links.find("twitch", "2") is None


def test_a_link_that_changed_meanwhile_is_neither_saved_nor_removed(provider_links):
    link, events = a_provider_link()
    provider_links.add(link, events)
    stale = replace(link)
    link.lose_tokens()
    provider_links.save(link)

    for change in (provider_links.save, lambda changed: provider_links.remove(changed, [])):
        with pytest.raises(ConcurrentUpdate):
            change(stale)

    assert provider_links.find("twitch", "40000001").tokens is None
    provider_links.remove(link, link.unlink())
    assert provider_links.find("twitch", "40000001") is None


def test_tokens_that_end_soon_and_can_be_refreshed_are_due_the_earliest_first(provider_links):
    def ending(seconds, subject, refresh_token="refresh"):
        tokens = ProviderTokens("access", refresh_token, MONDAY + timedelta(seconds=seconds))
        link, events = a_provider_link(subject=subject, tokens=tokens)
        provider_links.add(link, events)
        return link

    later, earlier = ending(20, "1"), ending(10, "2")
    ending(30, "3")
    ending(5, "4", refresh_token="")

    assert provider_links.expiring(MONDAY + timedelta(seconds=30), 9) == [earlier, later]
    assert provider_links.expiring(MONDAY + timedelta(seconds=30), 1) == [earlier]
