"""Sign-up, log-in and linking by a provider, with a provider that says what the test wants."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import timedelta

import pytest

from chassis.clock import FixedClock
from chassis.errors import Forbidden
from chassis.ids import new_id
from chassis.principal import ANONYMOUS, Principal
from identity import handlers
from identity.domain import provider_link as domain
from identity.domain.provider_link import ExternalAccount, ProviderTokens
from identity.events import ProviderLinked, ProviderUnlinked, StreamerRegistered
from identity.tests.fakes import (
    FakeAccessTokens,
    FakeAuthenticators,
    FakeFailureLog,
    FakeFlows,
    FakeProviderLinks,
    FakeSessions,
)
from identity.tests.mothers import MONDAY, a_code, account, an_authenticator

TOKENS = ProviderTokens("access", "refresh", MONDAY + timedelta(hours=4))
NOVA_AT_TWITCH = ExternalAccount("twitch", "40000001", "nova", "nova@stream.example", True, TOKENS)


class FakeProvider:
    def __init__(self, who=NOVA_AT_TWITCH):
        self.who, self.refreshed_to = who, replace(TOKENS, access_token="newer")

    def authorize_url(self, secrets):
        self.secrets = secrets
        return f"https://provider.example/?state={secrets.state}"

    def identify(self, code, flow, at):
        assert (code, flow.nonce, flow.verifier) == ("code", self.secrets.nonce, self.secrets.verifier)
        return self.who

    def refreshed(self, tokens, at):
        if isinstance(self.refreshed_to, Exception):
            raise self.refreshed_to
        return self.refreshed_to


class World:
    def __init__(self):
        self.sessions, self.flows, self.links = FakeSessions(), FakeFlows(), FakeProviderLinks()
        self.accounts, self.clock, self.provider = self.links.accounts, FixedClock(MONDAY), FakeProvider()
        self.providers = {"twitch": self.provider}
        self.authenticators, self.tokens = FakeAuthenticators(), FakeAccessTokens()
        second_factor = handlers.SecondFactor(self.authenticators, FakeFailureLog(), self.clock)
        self.desk = handlers.Desk(
            self.sessions, self.tokens, self.clock, new_id, lambda: b"s" * 32, second_factor
        )

    def begin(self, by=ANONYMOUS, provider="twitch"):
        return handlers.begin_oauth(self.flows, self.providers, self.clock, os.urandom, by, provider=provider)

    def finish(self, begun, **changes):
        command = {
            "provider": "twitch",
            "state": begun.authorize_url.partition("state=")[2],
            "binding": begun.binding,
            "code": "code",
        }
        return handlers.finish_oauth(
            self.accounts, self.links, self.flows, self.providers, self.desk, **command | changes
        )

    def go_there_and_back(self, who=NOVA_AT_TWITCH, by=ANONYMOUS):
        self.provider.who = who
        return self.finish(self.begin(by))

    def signed_in(self, **changes):
        """A streamer with a password, and who asks when they do."""
        streamer = account(
            **{"kind": "streamer", "id": new_id("str"), "email": "nova@stream.example"} | changes
        )
        self.accounts.add(streamer, [])
        self.desk.open(streamer, None, "pwd")
        [session] = self.sessions.live_of(streamer.id, MONDAY, None, 1)
        return Principal(streamer.id, "streamer", session_id=session.id)


@pytest.fixture
def world():
    return World()


def test_a_newcomer_becomes_a_streamer_without_a_password(world):
    signed_in = world.go_there_and_back()

    made = world.accounts.get(signed_in.account.id)
    assert (made.kind, made.email, made.password_hash) == ("streamer", "nova@stream.example", None)
    assert made.email_verified_at == MONDAY
    [registered], [linked] = world.accounts.events, world.links.events
    assert isinstance(registered, StreamerRegistered)
    assert registered.display_name == "nova"
    assert isinstance(linked, ProviderLinked)
    assert (linked.account_id, linked.provider, linked.subject) == (made.id, "twitch", "40000001")


def test_who_came_once_comes_again_to_the_same_account_whatever_the_address_is_by_then(world):
    first = world.go_there_and_back()

    again = world.go_there_and_back(replace(NOVA_AT_TWITCH, email="new@stream.example", username="supernova"))

    assert again.account == first.account
    assert world.links.find("twitch", "40000001").username == "supernova"


def test_a_verified_address_at_the_provider_does_not_take_over_an_account(world):
    owner = world.signed_in()

    with pytest.raises(domain.LinkRequired):
        world.go_there_and_back()

    assert world.links.of_account(owner.id, None, 9) == []


@pytest.mark.parametrize("who", [{"email_verified": False}, {"email": ""}])
def test_an_address_that_the_provider_has_not_verified_makes_no_account(world, who):
    with pytest.raises(domain.EmailNotVerified):
        world.go_there_and_back(replace(NOVA_AT_TWITCH, **who))

    assert world.accounts.find("streamer", "nova@stream.example") is None


def test_an_owner_who_is_logged_in_links_and_is_let_in_by_it_from_then_on(world):
    owner = world.signed_in()
    elsewhere = replace(NOVA_AT_TWITCH, email="other@stream.example", email_verified=False)

    linked = world.go_there_and_back(elsewhere, by=owner)

    assert linked.account.id == owner.id
    assert world.go_there_and_back(elsewhere).account.id == owner.id


def test_a_provider_account_lets_into_one_account_alone(world):
    world.go_there_and_back()
    other = world.signed_in(email="comet@stream.example")

    with pytest.raises(domain.ProviderAccountTaken):
        world.go_there_and_back(by=other)


def test_linking_what_is_linked_changes_nothing_but_the_tokens(world):
    owner = world.signed_in()
    world.go_there_and_back(by=owner)
    newer = replace(NOVA_AT_TWITCH, tokens=replace(TOKENS, access_token="newer", refresh_token=""))

    world.go_there_and_back(newer, by=owner)

    assert world.links.find("twitch", "40000001").tokens == replace(TOKENS, access_token="newer")
    assert len(world.links.events) == 1


def test_one_account_of_a_provider_is_linked_at_a_time(world):
    owner = world.signed_in()
    world.go_there_and_back(by=owner)

    with pytest.raises(domain.ProviderAlreadyLinked):
        world.go_there_and_back(replace(NOVA_AT_TWITCH, subject="2"), by=owner)


def test_whoever_was_logged_out_meanwhile_links_nothing(world):
    owner = world.signed_in()
    begun = world.begin(owner)
    handlers.logout(world.sessions, world.clock, owner)

    with pytest.raises(domain.OAuthFailed):
        world.finish(begun)

    assert world.links.find("twitch", "40000001") is None


@pytest.mark.parametrize(
    "change",
    [
        {"binding": "another browser's"},
        {"binding": ""},
        {"state": "made up"},
        {"provider": "youtube"},
    ],
)
def test_who_comes_back_otherwise_than_they_went_is_refused(world, change):
    begun = world.begin()

    with pytest.raises(domain.OAuthFailed):
        world.finish(begun, **change)

    assert world.accounts.find("streamer", "nova@stream.example") is None


def test_a_way_is_good_once(world):
    begun = world.begin()
    world.finish(begun)

    with pytest.raises(domain.OAuthFailed):
        world.finish(begun)


def test_a_way_ends_after_ten_minutes(world):
    begun = world.begin()
    world.clock.advance(10 * 60)

    with pytest.raises(domain.OAuthFailed):
        world.finish(begun)


def test_a_refusal_at_the_provider_says_so_and_ends_the_way(world):
    begun = world.begin()

    with pytest.raises(domain.OAuthDenied, match="access_denied"):
        world.finish(begun, code=None, error="access_denied")

    with pytest.raises(domain.OAuthFailed):
        world.finish(begun)


def test_a_provider_that_is_not_set_up_is_not_offered(world):
    with pytest.raises(domain.ProviderNotOffered):
        world.begin(provider="youtube")


@pytest.mark.parametrize("kind", ["brand", "admin"])
def test_only_streamers_link(world, kind):
    with pytest.raises(Forbidden):
        world.begin(Principal("x", kind, session_id="ses_x"))


def test_links_are_listed_without_their_tokens(world):
    owner = world.signed_in()
    world.go_there_and_back(by=owner)

    page = handlers.list_provider_links(world.links, owner, limit=20, cursor=None)

    assert page.items == [handlers.oauth.ListedLink("twitch", "nova", MONDAY, True)]
    assert page.next_cursor is None


def test_an_unlinked_provider_lets_nobody_in(world):
    owner = world.signed_in()
    world.go_there_and_back(by=owner)

    handlers.unlink_provider(world.accounts, world.links, owner, provider="twitch")

    assert isinstance(world.links.events[-1], ProviderUnlinked)
    with pytest.raises(domain.LinkRequired):
        world.go_there_and_back()


def test_the_only_way_in_is_not_unlinked(world):
    made = world.go_there_and_back().account
    [session] = world.sessions.live_of(made.id, MONDAY, None, 1)

    with pytest.raises(domain.OnlyWayIn):
        handlers.unlink_provider(
            world.accounts,
            world.links,
            Principal(made.id, "streamer", session_id=session.id),
            provider="twitch",
        )


def test_what_is_not_linked_is_not_unlinked(world):
    with pytest.raises(domain.LinkNotFound):
        handlers.unlink_provider(world.accounts, world.links, world.signed_in(), provider="twitch")


def round_of_refreshes(world):
    return handlers.refresh_provider_tokens(world.links, world.providers, world.clock)


def test_tokens_are_refreshed_ten_minutes_before_they_expire_and_not_earlier(world):
    world.go_there_and_back()
    world.clock.advance((3 * 60 + 50) * 60)
    assert round_of_refreshes(world) == 0

    world.clock.advance(1)

    assert round_of_refreshes(world) == 1
    assert world.links.find("twitch", "40000001").tokens == replace(TOKENS, access_token="newer")


def test_a_round_without_anything_due_does_nothing(world):
    assert round_of_refreshes(world) == 0


def test_a_provider_that_is_away_is_asked_again(world):
    world.go_there_and_back()
    world.clock.advance(4 * 3600)
    world.provider.refreshed_to = domain.ProviderUnavailable()

    assert round_of_refreshes(world) == 0

    assert world.links.find("twitch", "40000001").tokens == TOKENS


def test_tokens_that_were_withdrawn_are_forgotten_and_the_link_stays(world):
    made = world.go_there_and_back().account
    world.clock.advance(4 * 3600)
    world.provider.refreshed_to = domain.TokensGone()

    assert round_of_refreshes(world) == 0

    with pytest.raises(domain.TokensGone):
        handlers.provider_token(world.links, account_id=made.id, provider="twitch")
    assert world.go_there_and_back().account == made


def test_a_service_is_given_the_token_of_who_linked(world):
    made = world.go_there_and_back().account

    assert handlers.provider_token(world.links, account_id=made.id, provider="twitch") == TOKENS
    with pytest.raises(domain.LinkNotFound):
        handlers.provider_token(world.links, account_id=made.id, provider="youtube")


def test_a_name_at_the_provider_becomes_one_line_that_can_be_shown():
    def named(username):
        return replace(NOVA_AT_TWITCH, username=username).display_name

    assert named(" No\nva\x07 ") == "No va"
    assert named("") == "Streamer"
    assert len(named("x" * 500)) == 80


def test_tokens_do_not_print_themselves():
    assert "refresh" not in repr(TOKENS)
    assert "access" not in str(NOVA_AT_TWITCH)


def test_whoever_has_an_authenticator_app_shows_nothing_until_they_step_up(world):
    signed_in = world.go_there_and_back()
    assert world.tokens.claims["acr"] == "pwd"
    app = an_authenticator(account_id=signed_in.account.id)
    app.confirm(a_code(MONDAY), MONDAY, [])
    world.authenticators.save(app, [])

    world.go_there_and_back()

    assert world.tokens.claims["acr"] == ""
