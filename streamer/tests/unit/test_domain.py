"""The rules of a streamer's profile, channels and payout details."""

from __future__ import annotations

from dataclasses import replace

import pytest

from streamer import domain
from streamer.domain import PENDING, REJECTED, TWITCH, VERIFIED, Channel, PlatformNotFound
from streamer.tests.mothers import (
    GERMAN_IBAN,
    MORNING,
    nova_the_streamer,
    novas_channel,
    sealed_bank_account,
    verified_nova,
)


def test_a_linked_channel_waits_for_an_admin():
    nova = nova_the_streamer()

    events = nova.link(TWITCH, novas_channel(), MORNING)

    assert nova.platform(TWITCH).status == PENDING
    assert [event.to_data() for event in events] == [
        {"streamer_id": nova.id, "platform": "twitch", "username": "nova"}
    ]


def test_the_first_metrics_are_what_one_look_at_the_channel_tells():
    nova = nova_the_streamer()

    nova.link(TWITCH, novas_channel(viewers=120), MORNING)

    metrics = nova.platform(TWITCH).metrics
    assert (metrics.followers, metrics.average_viewers, metrics.peak_viewers) == (5400, 120, 120)
    assert metrics.content_category == ["Chess"]


def test_linking_the_same_channel_again_keeps_what_an_admin_decided():
    nova = verified_nova()

    events = nova.link(TWITCH, novas_channel(viewers=3), MORNING)

    assert events == []
    assert nova.platform(TWITCH).status == VERIFIED
    assert nova.platform(TWITCH).metrics.average_viewers == 120


def test_a_name_that_twitch_has_changed_is_taken_over():
    nova = verified_nova()

    nova.link(TWITCH, replace(novas_channel(), username="supernova"), MORNING)

    assert [(p.username, p.status) for p in nova.platforms] == [("supernova", VERIFIED)]


@pytest.mark.parametrize(
    "change", [{"username": "ninja"}, {"channel_url": "https://youtube.com/@nova?tab=ninja"}]
)
def test_what_a_streamer_says_anew_of_a_verified_channel_waits_for_an_admin_again(change):
    channel = Channel("youtube.com/@nova", "nova", "https://youtube.com/@nova")
    nova = nova_the_streamer()
    nova.link("youtube", channel, MORNING)
    nova.decide("youtube", VERIFIED, {}, MORNING)

    again, changed = (
        nova.link("youtube", channel, MORNING),
        nova.link("youtube", replace(channel, **change), MORNING),
    )

    assert (again, [event.type for event in changed]) == ([], ["platform_linked"])
    assert nova.platform("youtube").status == PENDING


def test_another_channel_in_place_of_a_verified_one_waits_for_an_admin_again():
    nova = verified_nova()
    other = Channel("40000002", "nova_two", "https://www.twitch.tv/nova_two")

    nova.link(TWITCH, other, MORNING)

    assert [(p.username, p.status) for p in nova.platforms] == [("nova_two", PENDING)]


def test_an_admins_figures_replace_the_observed_ones_and_the_rest_stays():
    nova = verified_nova()

    events = nova.decide(TWITCH, VERIFIED, {"average_viewers": 90}, MORNING)

    assert nova.platform(TWITCH).metrics.average_viewers == 90
    assert nova.platform(TWITCH).metrics.followers == 5400
    assert events[0].to_data()["metrics"]["average_viewers"] == 90


def test_an_admin_may_take_a_verification_back():
    nova = verified_nova()

    nova.decide(TWITCH, REJECTED, {}, MORNING)

    assert nova.verified_platforms == []


def test_deciding_the_same_again_is_no_news():
    nova = verified_nova()

    events = nova.decide(TWITCH, VERIFIED, {}, MORNING)

    assert events == []


def test_a_platform_that_is_not_linked_cannot_be_decided_about():
    nova = nova_the_streamer()

    with pytest.raises(PlatformNotFound):
        nova.decide("youtube", VERIFIED, {}, MORNING)


def test_an_unlinked_channel_counts_no_more():
    nova = verified_nova()

    events = nova.unlink(TWITCH, MORNING)

    assert nova.platforms == []
    assert events[0].type == "platform_unlinked"


def test_the_registration_fills_only_what_is_blank():
    nova = nova_the_streamer()
    nova.describe(display_name="Supernova", demographics={}, at=MORNING)

    changed = nova.introduce("late@example.com", "Nova", MORNING)

    assert not changed
    assert (nova.email, nova.display_name) == ("nova@example.com", "Supernova")


def test_only_what_is_different_is_told_as_changed():
    nova = nova_the_streamer()

    events = nova.describe(
        display_name="Nova", demographics={"primary_country": "DE", "languages": []}, at=MORNING
    )

    assert [event.to_data()["changed"] for event in events] == [["primary_country"]]


def test_a_change_that_changes_nothing_tells_nothing():
    nova = nova_the_streamer()

    events = nova.describe(display_name="Nova", demographics={}, at=MORNING)

    assert events == []


def test_the_event_of_a_new_payout_method_says_nothing_of_the_account():
    nova = nova_the_streamer()

    events = nova.pay_out_to(sealed_bank_account(), MORNING)

    assert events[0].to_data() == {"streamer_id": nova.id, "method": "bank"}


@pytest.mark.parametrize("iban", [GERMAN_IBAN, "de89 3704 0044 0532 0130 00", "GB29 NWBK 6016 1331 9268 19"])
def test_an_iban_with_right_check_digits_is_taken_in_any_spelling(iban: str):
    details = domain.normalised_payout_details("bank", iban)

    assert details == iban.replace(" ", "").upper()


@pytest.mark.parametrize(
    ("method", "details"),
    [
        ("bank", "DE88370400440532013000"),
        ("bank", "DE89370400440532013001"),
        ("bank", "12345678"),
        ("bank", ""),
        ("bank", "DE８9370400440532013000"),
        ("paypal", "nova"),
        ("paypal", "nova@localhost"),
        ("paypal", "nova@exa mple.com"),
        ("paypal", "nova@example.com\nBcc: x@example.com"),
        ("stripe", "acct_"),
        ("stripe", "cus_1A2b3C4d5E6f7G8h"),
    ],
)
def test_payout_details_that_cannot_be_right_are_refused_with_the_field(method: str, details: str):
    with pytest.raises(domain.InvalidPayoutDetails) as refused:
        domain.normalised_payout_details(method, details)

    assert list(refused.value.errors) == ["account_details"]


@pytest.mark.parametrize(
    ("method", "details", "masked"),
    [
        ("bank", GERMAN_IBAN, "DE••••3000"),
        ("paypal", "nova@example.com", "n•••@example.com"),
        ("stripe", "acct_1A2b3C4d5E6f7G8h", "acct_••••7G8h"),
    ],
)
def test_masked_details_show_too_little_to_be_used(method: str, details: str, masked: str):
    assert domain.masked_payout_details(method, details) == masked


def test_only_verified_channels_are_claimed():
    pending, verified = nova_the_streamer(), verified_nova()
    pending.link(TWITCH, novas_channel(), MORNING)

    assert domain.verified_channels(pending.platforms) == []
    assert domain.verified_channels(verified.platforms) == ["twitch:40000001"]
