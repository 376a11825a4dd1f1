"""An administrator invites another by mail."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from chassis.errors import Forbidden, StepUpRequired, Unauthenticated
from chassis.principal import ANONYMOUS, Principal
from identity import handlers
from identity.domain.account import EmailTaken, InvalidCredentials, WeakPassword
from identity.domain.link import LinkNotValid
from identity.tests.fakes import FakeProviderLinks
from identity.tests.mothers import MONDAY
from identity.tests.unit import test_second_factor

ADA = Principal("adm_ada", "admin", session_id="ses_1", acr="mfa", auth_time=MONDAY)
MARY = "mary@gametriggers.example"
CHOSEN = "a boat under the stairs"


class World(test_second_factor.World):
    def __init__(self):
        super().__init__()
        self.smith = handlers.Locksmith(
            self.accounts,
            self.sessions,
            self.failures,
            self.passwords,
            FakeProviderLinks(),
            self.authenticators,
            self.post,
        )

    def invite(self, email=MARY, by=ADA):
        return handlers.invite_admin(self.accounts, self.post, by, email=email)

    @property
    def links(self):
        return [event for event in self.post.links.events if event.type == "admin_invited"]

    def accept(self, number=-1, password=CHOSEN):
        token = f"token of {self.links[number].link_id}"
        handlers.accept_admin_invitation(self.smith, token=token, new_password=password)

    def login_mary(self, password=CHOSEN):
        return self.login(password=password, kind="admin", email=MARY)


@pytest.fixture
def world():
    return World()


def test_whoever_is_invited_chooses_a_password_and_is_an_administrator(world):
    invited = world.invite(" MARY@gametriggers.example")

    world.accept()

    signed_in = world.login_mary()
    assert (signed_in.account.id, signed_in.account.email) == (invited.account_id, MARY)
    assert invited.expires_at == MONDAY + timedelta(hours=24)
    assert signed_in.account.email_verified
    assert world.tokens.claims["acr"] == "pwd"


def test_an_invitation_makes_the_account_known_and_a_mail_sent(world):
    invited = world.invite()

    assert [event.type for event in world.accounts.events] == ["admin_created"]
    assert [link.account_id for link in world.links] == [invited.account_id]


@pytest.mark.parametrize("password", ["", "a wrong guess"])
def test_before_it_is_accepted_nobody_gets_in(world, password):
    world.invite()

    with pytest.raises(InvalidCredentials):
        world.login_mary(password)


def test_a_link_works_once_and_for_a_day(world):
    world.invite()
    world.accept()
    with pytest.raises(LinkNotValid):
        world.accept(password="another boat under the stairs")

    world.invite("joan@gametriggers.example")
    world.clock.advance(seconds=24 * 3600)
    with pytest.raises(LinkNotValid):
        world.accept()


def test_inviting_again_mails_another_link_and_only_that_one_works(world):
    first = world.invite()

    second = world.invite()

    assert second.account_id == first.account_id
    with pytest.raises(LinkNotValid):
        world.accept(0)
    world.accept(1)


def test_no_mail_opens_the_account_of_an_administrator(world):
    world.invite()
    world.accept()
    world.create_admin("root@gametriggers.example")

    for email in (MARY, "root@gametriggers.example"):
        with pytest.raises(EmailTaken):
            world.invite(email)

    assert len(world.links) == 1


def test_a_weak_password_uses_the_link_not_up(world):
    world.invite()

    with pytest.raises(WeakPassword):
        world.accept(password="password1")

    world.accept()


def test_a_link_for_something_else_makes_nobody_an_administrator(world):
    world.register_brand()
    [verification] = world.post.links.events

    with pytest.raises(LinkNotValid):
        handlers.accept_admin_invitation(
            world.smith, token=f"token of {verification.link_id}", new_password=CHOSEN
        )


@pytest.mark.parametrize("shown", [{"acr": "pwd"}, {"auth_time": MONDAY - timedelta(seconds=601)}], ids=str)
def test_inviting_takes_a_second_factor_of_late(world, shown):
    with pytest.raises(StepUpRequired):
        world.invite(by=replace(ADA, **shown))

    assert world.accounts.find("admin", MARY) is None


def test_only_administrators_invite(world):
    with pytest.raises(Unauthenticated):
        world.invite(by=ANONYMOUS)
    with pytest.raises(Forbidden):
        world.invite(by=replace(ADA, id="brd_acme", kind="brand"))
