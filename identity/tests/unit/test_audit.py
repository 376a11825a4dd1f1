"""The chain of the audit log, and what an entry says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chassis.event import ReceivedEvent
from identity import handlers
from identity.domain.audit import Entry, Head, Link, chained, entry_of, verify
from identity.domain.facts import LoggedIn, LoginFailed
from identity.domain.impersonation import impersonate
from identity.events import ApiKeyCreated, StreamerRegistered
from identity.tests.fakes import FakeAuditLog, FakeSessions
from identity.tests.mothers import MONDAY, account

ACME, MARA = "brd_acme", "mem_mara"


def entry(number, **changes):
    fields = {
        "id": f"aud_{number}",
        "at": MONDAY,
        "kind": "logged_in",
        "account": ACME,
        "actor": ACME,
        "acting_for": None,
        "request_id": f"req_{number}",
        "details": {"acr": "pwd", "address": "203.0.113.7"},
    }
    return Entry(**fields | changes)


def a_chain(length=5):
    return list(chained([entry(number) for number in range(1, length + 1)], Head()))


def head_of(links):
    return Head(links[-1].seq, links[-1].hash)


def test_a_chain_that_nobody_touched_is_intact():
    links = a_chain()

    report = verify(links)

    assert (report.is_intact, report.entries, report.head) == (True, 5, head_of(links))
    assert verify([]).is_intact


def test_a_chain_goes_on_where_it_ended():
    links = a_chain(2)

    more = list(chained([entry(3)], head_of(links)))

    assert [link.seq for link in more] == [3]
    assert verify([*links, *more]).is_intact


def test_the_hash_is_what_anybody_can_compute_from_the_documentation():
    """echo -n "$ZEROES\\n$JSON" | sha256sum"""
    import hashlib

    text = (
        '{"account":"brd_acme","acting_for":null,"actor":"brd_acme","at":"2126-11-25T09:00:00.000000Z",'
        '"details":{"acr":"pwd","address":"203.0.113.7"},"id":"aud_1","kind":"logged_in",'
        '"request_id":"req_1","seq":1}'
    )

    [link] = a_chain(1)

    assert link.hash == hashlib.sha256(f"{'0' * 64}\n{text}".encode()).hexdigest()


@pytest.mark.parametrize(
    "changes",
    [
        {"actor": MARA},
        {"account": "brd_globex"},
        {"acting_for": ACME},
        {"kind": "logged_out"},
        {"at": MONDAY.replace(hour=8)},
        {"id": "aud_9"},
        {"request_id": None},
        {"details": {"acr": "mfa", "address": "203.0.113.7"}},
        {"details": {}},
    ],
    ids=str,
)
def test_an_entry_that_was_edited_is_named(changes):
    links = a_chain()
    links[2] = replace(links[2], entry=replace(links[2].entry, **changes))

    report = verify(links)

    assert (report.broken, report.entries) == (3, 2)


@pytest.mark.parametrize("place", [0, 2])
def test_an_entry_that_was_removed_is_named(place):
    links = a_chain()
    del links[place]

    report = verify(links)

    assert (report.broken, report.problem[:13]) == (place + 1, "it is missing")


def test_entries_that_changed_places_are_named():
    links = a_chain()
    links[1], links[2] = Link(2, links[1].hash, links[2].entry), Link(3, links[2].hash, links[1].entry)

    assert verify(links).broken == 2


def test_an_entry_that_was_slipped_in_is_named():
    links = a_chain()
    forged = list(chained([entry(9)], head_of(links[:2])))

    assert verify([*links[:2], *forged, *links[2:]]).broken == 4


def test_a_chain_whose_end_was_cut_off_is_short_of_a_head_that_was_written_down():
    links = a_chain()

    assert verify(links[:3]).is_intact
    assert verify(links[:3], known=head_of(links)).broken == 4


def test_a_chain_that_was_computed_anew_does_not_reach_the_head_that_was_written_down():
    known = head_of(a_chain())
    forged = list(chained([entry(number, actor="adm_eve") for number in range(1, 8)], Head()))

    assert verify(forged).is_intact
    assert verify(forged, known=known).broken == 5
    assert verify(a_chain(7), known=known).is_intact


def entry_from(event, actor=None, caller="gateway"):
    return entry_of(event, "aud_1", MONDAY, actor, caller, "req_1")


def test_whoever_registers_or_logs_in_is_who_they_prove_to_be():
    event = LoggedIn(account_id=ACME, sid="ses_1", acr="pwd", address=None)

    made = entry_from(event)

    assert (made.kind, made.account, made.actor, made.acting_for) == ("logged_in", ACME, ACME, None)
    assert made.details == {"sid": "ses_1", "acr": "pwd"}


def test_nobody_knows_who_fails_to_log_in():
    event = LoginFailed(
        account_id=ACME, kind="brand", factor="pwd", address="203.0.113.7", locked_until=MONDAY
    )

    made = entry_from(event)

    assert made.actor is None
    assert made.details["locked_until"] == "2126-11-25T09:00:00.000000Z"


def test_whoever_acts_for_an_account_is_named_beside_it():
    event = ApiKeyCreated(sid="key_1", account_id=ACME, name="Reports", scopes=["campaigns:read"])

    by_a_member, by_itself = entry_from(event, actor=MARA), entry_from(event, actor=ACME)

    assert (by_a_member.actor, by_a_member.acting_for) == (MARA, ACME)
    assert (by_itself.actor, by_itself.acting_for) == (ACME, None)


@pytest.mark.parametrize(("caller", "actor"), [("operator", "service:operator"), (None, None)])
def test_what_no_person_did_is_said_of_the_service_that_asked(caller, actor):
    event = StreamerRegistered(account_id="str_nova", email="nova@stream.example", display_name="Nova")

    assert entry_from(event, caller=caller).actor == actor


def test_what_people_are_called_is_not_kept():
    event = StreamerRegistered(account_id="str_nova", email="nova@stream.example", display_name="Nova")

    assert entry_from(event).details == {}


def an_act(type="campaign_approved", source="campaign", session="ses_ada", **data):
    data = {"campaign_id": "cmp_1", "brand_id": ACME, "name": "Autumn"} | data
    return ReceivedEvent("evt_1", type, source, MONDAY, "cmp_1", 1, data, "adm_ada", session, "req_1")


def noted(event, *sessions):
    log, known = FakeAuditLog(), FakeSessions()
    for session in sessions:
        known.add(session)
    handlers.note_act(log, known, lambda prefix: f"{prefix}_1", event)
    [entry] = log.entries
    return entry


def test_an_act_in_another_service_says_who_what_where_and_to_whom():
    entry = noted(an_act("campaign_rejected", reason="the claim is not true"))

    assert entry == Entry(
        id="aud_1",
        at=MONDAY,
        kind="campaign_rejected",
        account=ACME,
        actor="adm_ada",
        acting_for=None,
        request_id="req_1",
        details={
            "service": "campaign",
            "resource": "cmp_1",
            "event": "evt_1",
            "session": "ses_ada",
            "reason": "the claim is not true",
        },
    )


def test_what_things_are_called_stays_where_it_can_be_erased():
    entry = noted(an_act(email="ads@acme.example", username="acme"))

    assert "Autumn" not in str(entry)
    assert "acme.example" not in str(entry)


def test_what_an_administrator_does_as_an_account_is_done_for_it():
    acme = account()
    session, _ = impersonate("sup_1", acme, "adm_ada", "Ticket 4711", MONDAY)

    entry = noted(an_act("campaign_paused", session="sup_1"), session)

    assert (entry.actor, entry.acting_for, entry.account) == ("adm_ada", acme.id, acme.id)
    assert entry.details["session"] == "sup_1"


def test_an_act_of_a_session_that_is_forgotten_is_noted_all_the_same():
    entry = noted(an_act(session="ses_gone", brand_id=None, streamer_id="str_nova"))

    assert (entry.actor, entry.acting_for, entry.account) == ("adm_ada", None, "str_nova")
