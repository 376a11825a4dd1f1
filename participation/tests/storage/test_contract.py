"""What every store promises: the fake and the real one are held to the same."""

import eventlet
import pytest

from chassis.clock import FixedClock
from chassis.events.outbox import Outbox
from chassis.ids import new_id
from chassis.mongo import Mongo
from participation import storage
from participation.domain.audience import Sample
from participation.domain.chain import Claim
from participation.domain.deliveries import Bucket
from participation.domain.earnings import CPM, Compensation, Terms
from participation.domain.errors import (
    AlreadyApplied,
    CampaignFull,
    ConcurrentUpdate,
    ParticipationNotFound,
    RevokedToken,
    UnknownToken,
)
from participation.domain.overlay import Overlay, fingerprint
from participation.domain.participation import Party, Posted, Status
from participation.domain.replay import replay
from participation.handlers import applications
from participation.handlers.ports import Store
from participation.tests.fakes import FakeCampaigns, FakeStore
from participation.tests.mothers import (
    NOON,
    NOON_MS,
    NOVA,
    WINTER_LAUNCH,
    ZOE,
    a_delivery,
    a_session,
    a_slot,
    acme,
    an_active_one,
    an_application,
    an_open_campaign,
)


@pytest.fixture(params=["fake", "mongo"])
def store(request: pytest.FixtureRequest) -> Store:
    if request.param == "fake":
        return FakeStore()
    real = storage.MongoStore(request.getfixturevalue("mongo"), request.getfixturevalue("outbox"))
    real.ensure_indexes()
    return real


def terms() -> Terms:
    return Terms(Compensation(CPM, 1_500), "USD", NOON, [{"name": "twitch"}])


def an_overlay(token: str = "first", streamer_id: str = NOVA) -> Overlay:
    return Overlay(streamer_id, new_id("ovl"), fingerprint(token), f"sealed:{token}", NOON)


def test_a_participation_comes_back_as_it_was(store: Store) -> None:
    participation = an_active_one(category="beverages", reason=None)
    participation.pause(Party.STREAMER, NOON)
    participation.credit([a_delivery(viewers=1_000)])
    participation.cadence.note(NOON_MS)
    participation.ledger_posted(Posted(7, 1, 6, 0))
    participation.campaign_paused(NOON)

    store.participations.add(participation, [])

    assert store.participations.get(participation.id) == participation


def test_one_participation_per_campaign_and_streamer(store: Store) -> None:
    store.participations.add(an_application(), [])

    with pytest.raises(AlreadyApplied):
        store.participations.add(an_application(), [])


def test_the_ids_of_all_come_page_by_page(store: Store) -> None:
    ids = sorted(new_id("prt") for _ in range(3))
    for number, participation_id in enumerate(ids):
        store.participations.add(an_application(id=participation_id, streamer_id=f"str_{number}"), [])

    assert store.participations.ids_after(None, 2) == ids[:2]
    assert store.participations.ids_after(ids[1], 2) == ids[2:]
    assert store.participations.ids_after(ids[2], 2) == []


def test_a_history_is_its_events_from_the_first_to_the_last(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "HISTORY_PAGE", 2)
    one, other = an_application(), an_application(streamer_id=ZOE)
    store.participations.add(one, one.apply())
    store.participations.add(other, other.apply())
    store.participations.save(one, one.approve(terms()))
    store.participations.save(one, [*one.activate(NOON), *one.leave(NOON)])

    history = list(store.participations.history(one.id))

    assert [event["type"].removeprefix("participation_") for event in history] == [
        *("applied", "approved", "activated", "left")
    ]
    assert replay(history).terms == terms()


def test_what_somebody_else_has_saved_meanwhile_is_not_overwritten(store: Store) -> None:
    store.participations.add(mine := an_active_one(), [])
    theirs = store.participations.get(mine.id)
    store.participations.save(theirs, [])

    with pytest.raises(ConcurrentUpdate):
        store.participations.save(mine, [])


def test_a_missing_participation_is_named_so(store: Store) -> None:
    with pytest.raises(ParticipationNotFound):
        store.participations.get(new_id("prt"))


def test_lists_begin_after_the_id_given_and_are_newest_first(store: Store) -> None:
    ids = [new_id("prt") for _ in range(3)]
    for participation_id in ids:
        store.participations.add(an_application(id=participation_id, campaign_id=new_id("cmp")), [])

    first = store.participations.of_streamer(NOVA, None, 2)
    rest = store.participations.of_streamer(NOVA, first[-1].id, 2)

    assert [one.id for one in first + rest] == sorted(ids, reverse=True)


def test_a_campaigns_participations_are_found_by_state(store: Store) -> None:
    store.participations.add(active := an_active_one(), [])
    store.participations.add(applied := an_application(streamer_id=ZOE), [])

    assert [p.id for p in store.participations.of_campaign(WINTER_LAUNCH, Status.APPLIED, None, 9)] == [
        applied.id
    ]
    assert {p.id for p in store.participations.of_campaign(WINTER_LAUNCH, None, None, 9)} == {
        active.id,
        applied.id,
    }
    assert [p.id for p in store.participations.playable_of(NOVA)] == [active.id]
    assert [p.id for p in store.participations.these([active.id])] == [active.id]


def test_open_books_and_earned_sums_are_found_by_campaign(store: Store) -> None:
    store.participations.add(an_active_one(is_settled=True, earned_minor=70), [])
    store.participations.add(open_one := an_active_one(streamer_id=ZOE, earned_minor=5), [])

    assert store.participations.unsettled_in(WINTER_LAUNCH) == [open_one.id]
    assert store.participations.earned_in(WINTER_LAUNCH) == {"USD": 75}


def test_a_failing_transaction_leaves_nothing_behind(store: Store) -> None:
    participation = an_active_one()

    def work() -> None:
        store.participations.add(participation, [])
        raise ParticipationNotFound()

    with pytest.raises(ParticipationNotFound):
        store.atomically(work)

    assert store.participations.these([participation.id]) == []


def test_buckets_come_back_newest_first_below_a_number(store: Store) -> None:
    buckets = [Bucket("prt_1", number, "ses_1", NOON, [a_delivery(), a_delivery()]) for number in (1, 2, 3)]
    for bucket in buckets:
        store.deliveries.add_all([(NOVA, bucket)])

    assert store.deliveries.buckets_before("prt_1", None, 2) == [buckets[2], buckets[1]]
    assert store.deliveries.buckets_before("prt_1", 2, 2) == [buckets[0]]


def test_the_replay_index_knows_the_ids_of_this_streamer_alone(store: Store) -> None:
    used, other = a_delivery(), a_delivery()
    store.deliveries.add_all([(NOVA, Bucket("prt_1", 1, "ses_1", NOON, [used]))])
    store.deliveries.add_all([(ZOE, Bucket("prt_2", 1, "ses_2", NOON, [other]))])

    assert store.deliveries.seen({NOVA: {used.id, other.id, "never"}}) == {NOVA: {used.id}}


def test_a_streamer_has_one_overlay_however_often_it_is_made(store: Store) -> None:
    first = store.overlays.add(an_overlay("first"))

    second = store.overlays.add(an_overlay("second"))

    assert second == first
    assert store.overlays.find(NOVA) == first
    assert store.overlays.find(ZOE) is None


def test_a_replaced_link_is_revoked_and_one_that_never_was_is_unknown(store: Store) -> None:
    old = store.overlays.add(an_overlay("first"))
    overlay = store.overlays.add(an_overlay("first"))
    store.overlays.retire(overlay.token_hash, NOVA)
    store.overlays.save(overlay, overlay.replace_link(fingerprint("second"), "sealed:second", new_id("ovl")))

    assert store.overlays.by_token_hash(fingerprint("second")) == overlay
    with pytest.raises(RevokedToken):
        store.overlays.by_token_hash(fingerprint("first"))
    with pytest.raises(UnknownToken):
        store.overlays.by_token_hash(fingerprint("never"))
    with pytest.raises(RevokedToken):
        store.overlays.lock(old)


def test_a_session_keeps_how_far_its_chain_has_come(store: Store) -> None:
    session = a_session(a_slot("prt_1", min_seconds_between=60))
    store.sessions.add(session)
    session.chain.seq, session.chain.proof = 4, "p" * 43
    session.chain.claim = Claim(5, ("q" * 43, "r" * 43))

    store.sessions.save_chains([session])

    found = store.sessions.find_all([(session.id, NOVA)]).get((session.id, NOVA))
    assert found is not None
    assert found.chain.__dict__ == session.chain.__dict__
    assert (found.slots, found.expires_ms) == (session.slots, session.expires_ms)


def test_a_session_belongs_to_one_streamer(store: Store) -> None:
    store.sessions.add(session := a_session())

    assert store.sessions.find_all([(session.id, ZOE)]).get((session.id, ZOE)) is None


def test_many_are_saved_at_once_or_none_of_them(store: Store) -> None:
    first, second = an_active_one(id="prt_1"), an_active_one(id="prt_2", streamer_id=ZOE)
    for each in (first, second):
        store.participations.add(each, [])
    stale = store.participations.get(second.id)
    store.participations.save(second, [])

    first.reason = "changed"
    with pytest.raises(ConcurrentUpdate):
        store.atomically(lambda: store.participations.save_all([(first, []), (stale, [])]))

    assert store.participations.get("prt_1").reason is None


def test_overlays_are_locked_together_but_for_those_whose_link_was_replaced(store: Store) -> None:
    kept = store.overlays.add(an_overlay())
    replaced = store.overlays.add(an_overlay("second", ZOE))
    fresh = store.overlays.by_token_hash(fingerprint("second"))
    store.overlays.save(fresh, fresh.replace_link(fingerprint("third"), "sealed:third", new_id("ovl")))

    assert store.atomically(lambda: store.overlays.lock_all([kept, replaced])) == {NOVA}


def test_who_comes_by_a_link_that_was_known_lately_is_found_out_by_the_lock(store: Store) -> None:
    overlay = store.overlays.add(an_overlay("first"))
    store.overlays.lately_by_token_hash(fingerprint("first"))
    overlay.replace_link(fingerprint("second"), "sealed:second", new_id("ovl"))

    known = store.overlays.lately_by_token_hash(fingerprint("first"))
    store.overlays.save(overlay, [])

    assert store.overlays.lock_all([known]) == set()
    assert store.overlays.lock_all([store.overlays.lately_by_token_hash(fingerprint("second"))]) == {NOVA}
    with pytest.raises(UnknownToken):
        store.overlays.lately_by_token_hash(fingerprint("never"))


def test_only_the_session_in_force_is_superseded(store: Store) -> None:
    store.sessions.add(first := a_session())
    store.sessions.supersede_current(NOVA, 1)
    store.sessions.add(second := a_session())

    store.sessions.supersede_current(NOVA, 2)

    ends = [store.sessions.find_all([(one.id, NOVA)]).get((one.id, NOVA)) for one in (first, second)]
    assert [one.superseded_ms for one in ends if one] == [1, 2]


def test_all_sessions_of_a_streamer_can_be_ended(store: Store) -> None:
    store.sessions.add(mine := a_session())
    store.sessions.add(theirs := a_session(streamer_id=ZOE))

    store.sessions.end_all(NOVA)

    assert store.sessions.find_all([(mine.id, NOVA)]).get((mine.id, NOVA)) is None
    assert store.sessions.find_all([(theirs.id, ZOE)]).get((theirs.id, ZOE)) is not None


def test_the_timeline_is_loaded_by_its_segments(store: Store) -> None:
    timeline = store.timelines.load_all({NOVA: [1, 2]})[NOVA]
    timeline.take(600_500, 601_000)
    timeline.take(1_200_000, 1_200_700)
    store.timelines.save_all({NOVA: timeline})

    assert store.timelines.load_all({NOVA: [1, 2, 3]})[NOVA].segments == {
        1: [(600_500, 601_000)],
        2: [(1_200_000, 1_200_700)],
    }
    assert store.timelines.load_all({NOVA: [2]})[NOVA].segments.keys() == {2}
    assert store.timelines.load_all({ZOE: [1, 2]})[ZOE].segments == {}


def test_samples_are_found_by_time_and_stored_once(store: Store) -> None:
    samples = [Sample(at, True, at, "twitch", None) for at in (1_000, 2_000, 3_000)]
    for sample in [*samples, samples[0]]:
        store.samples.add_all([(NOVA, sample)])

    assert store.samples.between({NOVA: (1_000, 2_500)})[NOVA] == samples[:2]


def test_of_many_applications_at_once_one_is_stored(store: Store) -> None:
    def apply() -> str:
        try:
            store.atomically(lambda: store.participations.add(an_application(), []))
        except AlreadyApplied:
            return "refused"
        return "stored"

    outcomes = [attempt.wait() for attempt in [eventlet.spawn(apply) for _ in range(8)]]

    assert sorted(outcomes) == ["refused"] * 7 + ["stored"]


def test_two_batches_of_one_streamer_cannot_take_the_same_second(mongo: Mongo, outbox: Outbox) -> None:
    store = storage.MongoStore(mongo, outbox)
    store.ensure_indexes()
    overlay = store.overlays.add(an_overlay())

    def take() -> bool:
        def work() -> bool:
            store.overlays.lock(overlay)
            timeline = store.timelines.load_all({NOVA: [0, 1]})[NOVA]
            if timeline.overlaps(650_000, 660_000):
                return False
            eventlet.sleep(0.01)
            timeline.take(650_000, 660_000)
            store.timelines.save_all({NOVA: timeline})
            return True

        return store.atomically(work)

    outcomes = [attempt.wait() for attempt in [eventlet.spawn(take) for _ in range(6)]]

    assert outcomes.count(True) == 1


def take(store: Store, limit: int) -> str:
    try:
        store.atomically(lambda: store.places.take(WINTER_LAUNCH, limit))
    except CampaignFull:
        return "full"
    return "taken"


def test_places_are_taken_up_to_the_limit_and_given_back(store: Store) -> None:
    store.places.open(WINTER_LAUNCH)

    assert [take(store, 2) for _ in range(3)] == ["taken", "taken", "full"]
    store.atomically(lambda: store.places.give_back(WINTER_LAUNCH))
    assert [take(store, 2) for _ in range(2)] == ["taken", "full"]
    assert take(store, 3) == "taken", "the brand may raise the limit"


def test_those_who_took_part_before_places_were_counted_have_theirs(store: Store) -> None:
    store.participations.add(an_active_one(), [])
    store.participations.add(an_application(streamer_id=ZOE), [])

    for _ in range(2):
        store.places.open(WINTER_LAUNCH)

    assert [take(store, 2) for _ in range(2)] == ["taken", "full"]


def test_of_many_approvals_at_once_no_more_than_the_places_are_taken(mongo: Mongo, outbox: Outbox) -> None:
    store = storage.MongoStore(mongo, outbox)
    store.ensure_indexes()
    applied = [an_application(id=new_id("prt"), streamer_id=new_id("str")) for _ in range(6)]
    for participation in applied:
        store.participations.add(participation, [])
    campaigns = FakeCampaigns(an_open_campaign(max_participants=2))

    def approve(participation_id: str) -> str:
        try:
            applications.approve(store, campaigns, FixedClock(NOON), acme(), participation_id)
        except CampaignFull:
            return "full"
        return "approved"

    outcomes = [attempt.wait() for attempt in [eventlet.spawn(approve, one.id) for one in applied]]

    assert sorted(outcomes) == ["approved"] * 2 + ["full"] * 4
    assert len(store.participations.of_campaign(WINTER_LAUNCH, Status.APPROVED, None, 10)) == 2


def test_many_approvals_at_once_follow_each_other_and_none_meets_another(
    mongo: Mongo, outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = storage.MongoStore(mongo, outbox)
    store.ensure_indexes()
    applied = [an_application(id=new_id("prt"), streamer_id=new_id("str")) for _ in range(20)]
    for participation in applied:
        store.participations.add(participation, [])
    campaigns = FakeCampaigns(an_open_campaign(max_participants=None))
    taken, take = [], store.places.take

    def counted(campaign_id: str, limit: int | None) -> None:
        taken.append(campaign_id)
        take(campaign_id, limit)

    monkeypatch.setattr(store.places, "take", counted)

    def approve(participation_id: str) -> Status:
        return applications.approve(store, campaigns, FixedClock(NOON), acme(), participation_id).status

    outcomes = [attempt.wait() for attempt in [eventlet.spawn(approve, one.id) for one in applied]]

    assert outcomes == [Status.APPROVED] * 20
    assert len(taken) == 20
