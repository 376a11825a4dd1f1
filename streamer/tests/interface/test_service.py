"""The real container on the real broker."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from chassis.config import Secret
from chassis.errors import Error
from chassis.ids import new_id
from chassis.testing import eventually
from streamer.service import StreamerService
from streamer.tests.mothers import GERMAN_IBAN
from streamer.tests.standin import CLIENT_ID, CLIENT_SECRET


@pytest.fixture
def container(run_service, twitch):
    return run_service(
        StreamerService,
        twitch_auth_url=twitch.url,
        twitch_api_url=twitch.url,
        twitch_client_id=CLIENT_ID,
        twitch_client_secret=Secret(CLIENT_SECRET),
    )


@pytest.fixture
def nova_id() -> str:
    return new_id("str")


@pytest.fixture
def nova(container, rpc, tokens, nova_id):
    return rpc("streamer", token=tokens.issue("streamer", nova_id))


@pytest.fixture
def admin(container, rpc, tokens):
    return rpc("streamer", token=tokens.issue("admin", new_id("adm")))


def verify_nova(nova, admin, nova_id: str, **metrics) -> None:
    nova.link_platform({"name": "twitch", "username": "nova"})
    admin.verify_platform(
        {"streamer_id": nova_id, "name": "twitch", "status": "verified", "metrics": metrics}
    )


def code_of(call, *arguments) -> str:
    with pytest.raises(Error) as raised:
        call(*arguments)
    return raised.value.code


def test_a_registration_becomes_a_profile_and_a_second_telling_changes_nothing(nova, nova_id, publish_event):
    registered = {"account_id": nova_id, "email": "nova@example.com", "display_name": "Nova"}
    event_id = publish_event("identity", "streamer_registered", registered)
    publish_event("identity", "streamer_registered", registered, id=event_id)

    profile = eventually(lambda: (p := nova.get_profile({}))["email"] and p)

    assert (profile["id"], profile["display_name"]) == (nova_id, "Nova")
    assert profile["payout_method"] is None


def test_a_profile_says_what_its_owner_said_last(nova):
    nova.update_profile(
        {"display_name": "Supernova", "demographics": {"primary_country": "DE", "languages": ["de", "en"]}}
    )

    profile = nova.get_profile({})

    assert profile["display_name"] == "Supernova"
    assert profile["demographics"] == {
        "primary_country": "DE",
        "languages": ["de", "en"],
        "audience_age_ranges": [],
        "audience_interests": [],
    }


def test_linking_and_verifying_a_channel_makes_the_streamer_eligible(
    nova, admin, nova_id, rpc, capture_events
):
    events = capture_events("streamer")

    verify_nova(nova, admin, nova_id, average_viewers=90)
    eligibility = rpc("streamer", user="campaign").eligibility({"streamer_id": nova_id})

    assert eligibility["verified"] is True
    assert eligibility["platforms"] == [
        {
            "name": "twitch",
            "username": "nova",
            "followers": 5400,
            "average_viewers": 90,
            "peak_viewers": 120,
            "content_categories": ["Chess"],
        }
    ]
    assert events.wait_for("platform_linked").data["username"] == "nova"
    verified = events.wait_for("platform_verified").data
    assert verified["status"] == "verified"
    assert verified["metrics"]["average_viewers"] == 90


def test_a_channel_that_waits_for_an_admin_makes_nobody_eligible(nova, nova_id, rpc):
    nova.link_platform({"name": "twitch", "username": "nova"})

    eligibility = rpc("streamer", user="participation").eligibility({"streamer_id": nova_id})

    assert (eligibility["verified"], eligibility["platforms"]) == (False, [])


def test_an_unknown_channel_is_named_as_such(nova):
    assert code_of(nova.link_platform, {"name": "twitch", "username": "nobody"}) == (
        "streamer.channel_not_found"
    )


def test_an_outage_of_twitch_is_named_as_such(nova, twitch):
    twitch.is_down(True)

    with pytest.raises(Error) as outage:
        nova.link_platform({"name": "twitch", "username": "nova"})

    assert (outage.value.code, outage.value.status) == ("streamer.platform_unavailable", 503)


def test_unlinking_takes_the_channel_away(nova):
    nova.link_platform({"name": "twitch", "username": "nova"})

    profile = nova.unlink_platform({"name": "twitch"})

    assert profile["platforms"] == []
    assert code_of(nova.unlink_platform, {"name": "twitch"}) == "streamer.platform_not_found"


def test_many_questions_about_an_audience_ask_twitch_once(nova, admin, nova_id, rpc, twitch):
    verify_nova(nova, admin, nova_id)
    participation = rpc("streamer", user="participation")
    before = twitch.asked("/helix/streams")

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: participation.audience({"streamer_id": nova_id}), range(12)))

    assert twitch.asked("/helix/streams") == before + 1
    assert {(answer["live"], answer["viewers"], answer["platform"]) for answer in answers} == {
        (True, 120, "twitch")
    }
    assert len({answer["sampled_at"] for answer in answers}) == 1


def test_payout_details_are_masked_for_their_owner_and_clear_for_payment_alone(nova, nova_id, rpc, mongo):
    command = {"method": "bank", "account_holder": "Nova Star", "account_details": GERMAN_IBAN}

    profile = nova.set_payout_method(command)
    destination = rpc("streamer", user="payment").payout_destination({"streamer_id": nova_id})

    assert profile["payout_method"]["account_details"] == "DE••••3000"
    assert destination == command | {"streamer_id": nova_id, "verified": True}


def test_only_payment_may_ask_where_money_goes(container, rpc, nova_id):
    neighbours = [rpc("streamer", user=user) for user in ("gateway", "campaign", "participation")]

    codes = {code_of(neighbour.payout_destination, {"streamer_id": nova_id}) for neighbour in neighbours}

    assert codes == {"rpc.caller_not_allowed"}


def test_payout_details_are_encrypted_at_rest_and_absent_from_events(
    nova, nova_id, database_prefix, settings_env, capture_events
):
    import pymongo

    events = capture_events("streamer")

    nova.set_payout_method({"method": "bank", "account_holder": "Nova Star", "account_details": GERMAN_IBAN})

    assert GERMAN_IBAN not in str(events.wait_for("payout_method_changed").data)
    with pymongo.MongoClient(settings_env["MONGO_URI"]) as client:
        stored = client[f"{database_prefix}streamer"]["streamers"].find_one({"_id": nova_id})
    assert GERMAN_IBAN not in str(stored)


def test_a_public_profile_tells_nothing_personal(nova, admin, nova_id, rpc):
    verify_nova(nova, admin, nova_id)

    public = rpc("streamer").public_profile({"streamer_id": nova_id})

    assert set(public) == {"id", "display_name", "platforms"}
    assert [platform["username"] for platform in public["platforms"]] == ["nova"]


def test_a_request_that_is_not_valid_names_the_fields(nova):
    with pytest.raises(Error) as refused:
        nova.set_payout_method({"method": "bank", "account_holder": "N", "account_details": "DE00", "x": 1})

    assert (refused.value.code, refused.value.status) == ("validation_failed", 422)
    assert set(refused.value.extra["errors"]) == {"x"}


def test_an_iban_with_wrong_check_digits_is_refused_by_its_field(nova):
    wrong = GERMAN_IBAN.replace("DE89", "DE88")

    with pytest.raises(Error) as refused:
        nova.set_payout_method({"method": "bank", "account_holder": "N", "account_details": wrong})

    assert refused.value.status == 422
    assert set(refused.value.extra["errors"]) == {"account_details"}
    assert wrong not in str(refused.value)


def test_a_streamer_does_not_verify_themselves(nova, nova_id):
    nova.link_platform({"name": "twitch", "username": "nova"})

    request = {"streamer_id": nova_id, "name": "twitch", "status": "verified"}

    assert code_of(nova.verify_platform, request) == "forbidden"


def test_without_a_token_nothing_is_done(container, rpc):
    anonymous = rpc("streamer")

    codes = {
        code_of(anonymous.get_profile, {}),
        code_of(anonymous.update_profile, {}),
        code_of(anonymous.unlink_platform, {"name": "twitch"}),
    }

    assert codes == {"unauthenticated"}


def test_of_two_changes_that_were_meant_for_one_version_one_is_made(nova):
    version = nova.get_profile({})["version"]

    def change(name: str) -> str:
        try:
            nova.update_profile({"display_name": name, "expected_versions": [version]})
        except Error as error:
            return error.code
        return "made"

    with ThreadPoolExecutor(8) as pool:
        found = sorted(pool.map(change, [f"Nova {number}" for number in range(8)]))

    assert found == ["made"] + ["precondition_failed"] * 7
