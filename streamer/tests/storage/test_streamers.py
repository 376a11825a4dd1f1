"""One contract for the fake and for MongoDB."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from streamer.domain import (
    TWITCH,
    VERIFIED,
    ChannelTaken,
    ConcurrentUpdate,
    Sample,
    Streamer,
    StreamerNotFound,
)
from streamer.storage import MongoSamples, MongoStreamers
from streamer.tests.fakes import FakeSamples, FakeStreamers
from streamer.tests.mothers import (
    MORNING,
    NOVA_ID,
    RIVAL_ID,
    nova_the_streamer,
    novas_channel,
    sealed_bank_account,
    verified_nova,
)


@pytest.fixture(params=["fake", "mongo"])
def streamers(request):
    if request.param == "fake":
        return FakeStreamers()
    stored = MongoStreamers(request.getfixturevalue("mongo"), request.getfixturevalue("outbox"))
    stored.ensure_indexes()
    return stored


@pytest.fixture(params=["fake", "mongo"])
def samples(request):
    if request.param == "fake":
        return FakeSamples()
    stored = MongoSamples(request.getfixturevalue("mongo"), request.getfixturevalue("outbox"))
    stored.ensure_indexes()
    return stored


def test_a_streamer_comes_back_as_it_was_stored(streamers):
    nova = verified_nova()
    nova.pay_out_to(sealed_bank_account(), MORNING)
    nova.describe(display_name=None, demographics={"primary_country": "DE", "languages": ["de"]}, at=MORNING)

    streamers.add(nova)

    assert streamers.get(NOVA_ID) == nova


def test_a_streamer_that_was_never_stored_is_not_found(streamers):
    with pytest.raises(StreamerNotFound):
        streamers.get(NOVA_ID)


def test_adding_a_streamer_again_changes_nothing(streamers):
    streamers.add(nova_the_streamer())

    streamers.add(Streamer.blank(NOVA_ID, MORNING))

    assert streamers.get(NOVA_ID).display_name == "Nova"


def test_saving_counts_the_version_up(streamers):
    streamers.add(nova_the_streamer())
    nova = streamers.get(NOVA_ID)

    streamers.save(nova, nova.link(TWITCH, novas_channel(), MORNING))

    assert nova.version == 1
    assert streamers.get(NOVA_ID) == nova


def test_of_two_who_change_the_same_version_one_is_refused(streamers):
    streamers.add(nova_the_streamer())
    first, second = streamers.get(NOVA_ID), streamers.get(NOVA_ID)
    streamers.save(first, first.link(TWITCH, novas_channel(), MORNING))

    with pytest.raises(ConcurrentUpdate):
        streamers.save(second, second.link("youtube", novas_channel(), MORNING))

    assert streamers.get(NOVA_ID) == first


def test_a_channel_may_be_linked_by_two_but_verified_for_one(streamers):
    streamers.add(verified_nova())
    streamers.add(nova_the_streamer(RIVAL_ID))
    rival = streamers.get(RIVAL_ID)
    streamers.save(rival, rival.link(TWITCH, novas_channel(), MORNING))

    with pytest.raises(ChannelTaken):
        streamers.save(rival, rival.decide(TWITCH, VERIFIED, {}, MORNING))

    assert streamers.get(RIVAL_ID).verified_platforms == []


def test_an_unlinked_channel_may_be_verified_for_another(streamers):
    streamers.add(verified_nova())
    streamers.add(nova_the_streamer(RIVAL_ID))
    nova, rival = streamers.get(NOVA_ID), streamers.get(RIVAL_ID)
    streamers.save(nova, nova.unlink(TWITCH, MORNING))
    rival.link(TWITCH, novas_channel(), MORNING)

    streamers.save(rival, rival.decide(TWITCH, VERIFIED, {}, MORNING))

    assert len(streamers.get(RIVAL_ID).verified_platforms) == 1


def test_the_latest_sample_is_the_one_taken_last(samples):
    early = Sample("smp_1", NOVA_ID, TWITCH, 10, MORNING)
    late = replace(early, id="smp_2", viewers=None, sampled_at=MORNING + timedelta(seconds=30))
    samples.add(late)
    samples.add(early)

    latest = samples.latest(NOVA_ID)

    assert latest == late


def test_a_streamer_without_samples_has_no_latest_one(samples):
    samples.add(Sample("smp_1", RIVAL_ID, TWITCH, 10, MORNING))

    assert samples.latest(NOVA_ID) is None


def test_events_are_appended_with_the_change_they_tell_of(mongo, outbox):
    streamers = MongoStreamers(mongo, outbox)
    streamers.add(nova_the_streamer())
    first, second = streamers.get(NOVA_ID), streamers.get(NOVA_ID)
    streamers.save(first, first.link(TWITCH, novas_channel(), MORNING))

    with pytest.raises(ConcurrentUpdate):
        streamers.save(second, second.link(TWITCH, novas_channel(), MORNING))

    assert [event.type for event in outbox.events] == ["platform_linked"]


def test_two_verifications_of_one_channel_at_once_let_one_through(mongo, outbox):
    streamers = MongoStreamers(mongo, outbox)
    streamers.ensure_indexes()
    contenders = []
    for streamer_id in (NOVA_ID, RIVAL_ID):
        contender = nova_the_streamer(streamer_id)
        contender.link(TWITCH, novas_channel(), MORNING)
        streamers.add(contender)
        contenders.append(contender)

    def verify(contender: Streamer) -> bool:
        try:
            streamers.save(contender, contender.decide(TWITCH, VERIFIED, {}, MORNING))
        except ChannelTaken:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(verify, contenders))

    assert sorted(outcomes) == [False, True]
