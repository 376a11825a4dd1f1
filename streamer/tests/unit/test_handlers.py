"""The use cases, over fakes."""

from __future__ import annotations

import pytest

from chassis.errors import Forbidden, PreconditionFailed, Unauthenticated
from chassis.principal import ANONYMOUS, Principal
from streamer import handlers
from streamer.clients import Stripes
from streamer.domain import (
    TWITCH,
    ChannelNotFound,
    ChannelTaken,
    PlatformUnavailable,
    Streamer,
)
from streamer.handlers import LinkPlatform, Registration, SetPayoutMethod, UpdateProfile, VerifyPlatform
from streamer.tests.fakes import FakeChannels, FakeSamples, FakeStreamers, FakeVault
from streamer.tests.mothers import (
    GERMAN_IBAN,
    MORNING,
    NOVA_ID,
    RIVAL_ID,
    acme,
    an_admin,
    morning,
    nova_herself,
    nova_the_streamer,
    novas_channel,
    verified_nova,
)


def audience_of_nova(streamers, samples, channels, clock):
    return handlers.audience(
        streamers, samples, channels, Stripes(), clock, lambda prefix: f"{prefix}_1", NOVA_ID, every=30
    )


def test_a_registration_makes_a_profile():
    streamers = FakeStreamers()

    handlers.welcome(streamers, morning(), Registration(NOVA_ID, "nova@example.com", "Nova"))

    assert streamers.get(NOVA_ID).email == "nova@example.com"


def test_a_registration_that_comes_after_the_first_request_fills_the_blanks():
    streamers = FakeStreamers()
    handlers.update_profile(streamers, morning(), nova_herself(), UpdateProfile(display_name="Supernova"))

    handlers.welcome(streamers, morning(), Registration(NOVA_ID, "nova@example.com", "Nova"))

    assert (streamers.get(NOVA_ID).email, streamers.get(NOVA_ID).display_name) == (
        "nova@example.com",
        "Supernova",
    )


class NewsBetweenLoadAndSave(FakeStreamers):
    """The news of the registration is stored in the moment before the first change is."""

    def save(self, streamer, events):
        if not self.get(NOVA_ID).email:
            late = self.get(NOVA_ID)
            late.introduce("nova@example.com", "Nova", MORNING)
            super().save(late, [])
        super().save(streamer, events)


def linked_and_blank() -> Streamer:
    streamer = Streamer.blank(NOVA_ID, MORNING)
    streamer.link(TWITCH, novas_channel(), MORNING)
    return streamer


@pytest.mark.parametrize(
    "change",
    [
        lambda streamers: handlers.link_platform(
            streamers,
            FakeChannels(novas_channel()),
            morning(),
            nova_herself(),
            LinkPlatform(TWITCH, "nova"),
        ),
        lambda streamers: handlers.unlink_platform(streamers, morning(), nova_herself(), TWITCH),
        lambda streamers: handlers.verify_platform(
            streamers, morning(), an_admin(), VerifyPlatform(NOVA_ID, TWITCH, "verified")
        ),
        lambda streamers: handlers.set_payout_method(
            streamers,
            FakeVault(),
            morning(),
            nova_herself(),
            SetPayoutMethod("bank", "Nova Star", GERMAN_IBAN),
        ),
    ],
    ids=["link", "unlink", "verify", "payout method"],
)
def test_a_change_that_meets_the_news_of_the_registration_is_made_all_the_same(change):
    streamers = NewsBetweenLoadAndSave(linked_and_blank())

    changed = change(streamers)

    assert streamers.get(NOVA_ID) == changed
    assert changed.email == "nova@example.com"


def test_a_profile_is_there_before_the_news_of_the_registration():
    streamers = FakeStreamers()

    profile = handlers.get_profile(streamers, morning(), nova_herself())

    assert profile == Streamer.blank(NOVA_ID, MORNING)


def test_a_brand_has_no_streamer_profile():
    with pytest.raises(Forbidden):
        handlers.get_profile(FakeStreamers(), morning(), acme())


def test_nobody_has_no_streamer_profile():
    with pytest.raises(Unauthenticated):
        handlers.get_profile(FakeStreamers(), morning(), ANONYMOUS)


def test_an_unknown_channel_links_nothing():
    streamers = FakeStreamers(nova_the_streamer())

    with pytest.raises(ChannelNotFound):
        handlers.link_platform(
            streamers, FakeChannels(), morning(), nova_herself(), LinkPlatform(TWITCH, "nobody")
        )

    assert streamers.get(NOVA_ID).platforms == []


def test_a_brand_does_not_make_us_ask_the_platform():
    channels = FakeChannels()
    channels.is_down = True

    with pytest.raises(Forbidden):
        handlers.link_platform(FakeStreamers(), channels, morning(), acme(), LinkPlatform(TWITCH, "nova"))


@pytest.mark.parametrize("by", [nova_herself(), acme()])
def test_only_an_admin_verifies_a_channel(by: Principal):
    streamers = FakeStreamers(nova_the_streamer())

    with pytest.raises(Forbidden):
        handlers.verify_platform(streamers, morning(), by, VerifyPlatform(NOVA_ID, TWITCH, "verified"))


def test_a_channel_is_verified_for_one_streamer_alone():
    rival = nova_the_streamer(RIVAL_ID)
    rival.link(TWITCH, novas_channel(), MORNING)
    streamers = FakeStreamers(verified_nova(), rival)

    with pytest.raises(ChannelTaken):
        handlers.verify_platform(
            streamers, morning(), an_admin(), VerifyPlatform(RIVAL_ID, TWITCH, "verified")
        )


def test_payout_details_are_kept_sealed_and_reach_payment_in_clear():
    streamers, vault = FakeStreamers(nova_the_streamer()), FakeVault()
    command = SetPayoutMethod("bank", "Nova Star", GERMAN_IBAN)

    streamer = handlers.set_payout_method(streamers, vault, morning(), nova_herself(), command)
    destination = handlers.payout_destination(streamers, vault, NOVA_ID)

    assert GERMAN_IBAN not in repr(streamer)
    assert (destination.verified, destination.account_details) == (True, GERMAN_IBAN)
    assert GERMAN_IBAN not in repr(destination)


def test_without_a_payout_method_the_destination_is_not_verified():
    destination = handlers.payout_destination(FakeStreamers(nova_the_streamer()), FakeVault(), NOVA_ID)

    assert not destination.verified


def test_the_audience_of_a_live_channel_is_what_the_platform_reports():
    streamers, samples = FakeStreamers(verified_nova()), FakeSamples()

    audience = audience_of_nova(streamers, samples, FakeChannels(novas_channel(viewers=77)), morning())

    assert (audience.live, audience.viewers, audience.platform) == (True, 77, "twitch")
    assert [sample.viewers for sample in samples.stored] == [77]


def test_a_channel_that_is_offline_has_no_audience():
    channels = FakeChannels(novas_channel(viewers=None))

    audience = audience_of_nova(FakeStreamers(verified_nova()), FakeSamples(), channels, morning())

    assert (audience.live, audience.viewers) == (False, 0)


def test_a_live_channel_without_a_viewer_is_live():
    channels = FakeChannels(novas_channel(viewers=0))

    audience = audience_of_nova(FakeStreamers(verified_nova()), FakeSamples(), channels, morning())

    assert (audience.live, audience.viewers) == (True, 0)


def test_the_platform_is_asked_at_most_once_in_the_sampling_time():
    streamers, samples, clock = FakeStreamers(verified_nova()), FakeSamples(), morning()
    channels = FakeChannels(novas_channel())
    audience_of_nova(streamers, samples, channels, clock)
    clock.advance(29.9)

    second = audience_of_nova(streamers, samples, channels, clock)

    assert channels.asked == 1
    assert second.sampled_at == MORNING


def test_a_sample_that_is_too_old_is_taken_again():
    streamers, samples, clock = FakeStreamers(verified_nova()), FakeSamples(), morning()
    channels = FakeChannels(novas_channel(viewers=10))
    audience_of_nova(streamers, samples, channels, clock)
    channels.by_name["nova"] = novas_channel(viewers=20)
    clock.advance(30)

    second = audience_of_nova(streamers, samples, channels, clock)

    assert (second.viewers, channels.asked) == (20, 2)


def test_a_channel_that_is_not_verified_has_no_audience():
    nova = nova_the_streamer()
    nova.link(TWITCH, novas_channel(), MORNING)
    channels = FakeChannels(novas_channel())

    audience = audience_of_nova(FakeStreamers(nova), FakeSamples(), channels, morning())

    assert (audience.live, audience.viewers, channels.asked) == (False, 0, 0)


def test_an_outage_of_the_platform_is_said_and_stores_no_sample():
    samples, channels = FakeSamples(), FakeChannels(novas_channel())
    channels.is_down = True

    with pytest.raises(PlatformUnavailable):
        audience_of_nova(FakeStreamers(verified_nova()), samples, channels, morning())

    assert samples.stored == []


def test_an_update_is_made_to_the_version_that_it_is_meant_for_and_to_no_other():
    streamers = FakeStreamers()
    version = handlers.get_profile(streamers, morning(), nova_herself()).version

    def update(name: str) -> None:
        command = UpdateProfile(display_name=name, expected_versions=[version])
        handlers.update_profile(streamers, morning(), nova_herself(), command)

    update("Supernova")
    with pytest.raises(PreconditionFailed):
        update("Nova")

    assert streamers.get(NOVA_ID).display_name == "Supernova"


def test_an_update_that_is_overtaken_says_that_its_version_is_gone(monkeypatch):
    streamers = FakeStreamers()
    version = handlers.get_profile(streamers, morning(), nova_herself()).version
    save = streamers.save

    def overtaken(streamer, events):
        monkeypatch.setattr(streamers, "save", save)
        other = UpdateProfile(display_name="Supernova")
        handlers.update_profile(streamers, morning(), nova_herself(), other)
        save(streamer, events)

    monkeypatch.setattr(streamers, "save", overtaken)

    command = UpdateProfile(display_name="Nova", expected_versions=[version])
    with pytest.raises(PreconditionFailed):
        handlers.update_profile(streamers, morning(), nova_herself(), command)

    assert streamers.get(NOVA_ID).display_name == "Supernova"
