from datetime import timedelta
from itertools import count

import pytest

from chassis.clock import FixedClock
from chassis.errors import Unauthenticated
from chassis.principal import ANONYMOUS, Principal
from notification import handlers
from notification.domain.notifications import (
    KINDS,
    LEASE,
    RECIPIENT_PATIENCE,
    RETRY_DELAYS,
    RULES,
    Choice,
    CriticalKind,
    MailDelayed,
    MailRefused,
    NotificationNotFound,
    UnknownKind,
)
from notification.handlers.notifications import attempt, recipient_in
from notification.rendering import JinjaTemplates
from notification.tests.fakes import (
    MemoryLinks,
    MemoryMailer,
    MemoryMailQueue,
    MemoryNotifications,
    MemoryPreferences,
    MemoryRecipients,
    MemoryUnreadCounts,
)
from notification.tests.mothers import A_LINK, ACME, ADA, EVENTS, NOON, NOVA, a_mail, received
from notification.tests.mothers import acme as acme_recipient

acme = Principal(ACME, "brand")
nova = Principal(NOVA, "streamer")
ada = Principal(ADA, "admin")


class World:
    """Everything that a use case needs, with nobody registered yet."""

    def __init__(self) -> None:
        self.clock = FixedClock(NOON)
        self.recipients = MemoryRecipients()
        self.mails = MemoryMailQueue()
        self.notifications = MemoryNotifications(self.mails)
        self.preferences = MemoryPreferences()
        self.unread = MemoryUnreadCounts(self.notifications.count_unread)
        self.templates = JinjaTemplates("http://localhost")
        self.mailer = MemoryMailer()
        self.links = MemoryLinks()
        self._ids = count(1)

    def happens(self, source: str, type: str, id: str = "evt_1", **changes: object) -> None:
        event = received(source, type, id, **changes)
        if type in handlers.REGISTRATIONS:
            handlers.register(self.recipients, self.mails, self.clock, event)
        handlers.notify(self.notifications, self.preferences, self.templates, self.clock, self.new_id, event)

    def new_id(self, prefix: str) -> str:
        return f"{prefix}_{next(self._ids):03d}"

    def send_mails(self) -> int:
        return handlers.send_mails(
            self.mails, self.recipients, self.links, self.templates, self.mailer, self.clock
        )

    def inbox(self, principal: Principal) -> list[str]:
        page = handlers.list_inbox(self.notifications, principal, None, None, 100)
        return [item.kind for item in page.items]


@pytest.fixture
def world() -> World:
    return World()


@pytest.mark.parametrize(
    ("source", "type"), [key for key, rule in RULES.items() if not KINDS[rule.kind].to_a_stranger]
)
def test_every_event_we_listen_to_reaches_the_inbox_it_concerns(world: World, source: str, type: str) -> None:
    rule = RULES[source, type]

    world.happens(source, type)

    [recipient] = [one for one in (acme, nova, ada) if one.id == EVENTS[source, type][rule.recipient]]
    assert world.inbox(recipient) == [rule.kind]
    assert recipient.kind in KINDS[rule.kind].audience


def test_the_words_in_an_inbox_are_about_the_event(world: World) -> None:
    world.happens("payment", "payout_paid")

    [item] = handlers.list_inbox(world.notifications, nova, None, None, 20).items

    assert item.title == "Your payout of 10.00 USD is on its way"
    assert item.data == {
        "payout_id": "pay_1",
        "amount": {"amount_minor": 1000, "currency": "USD"},
        "statement_id": "inv_1",
    }


def test_an_event_that_comes_twice_is_told_once(world: World) -> None:
    world.happens("identity", "brand_registered", id="evt_registered")
    world.happens("campaign", "campaign_approved", id="evt_same")
    world.happens("campaign", "campaign_approved", id="evt_same")

    world.send_mails()

    assert world.inbox(acme) == ["campaign_approved", "welcome"]
    assert len(world.mailer.sent) == 2


def test_an_event_that_concerns_nobody_is_ignored(world: World) -> None:
    world.happens("identity", "admin_created", account_id="adm_1", email="root@example.com")

    assert world.notifications.events == []
    assert world.recipients.get("adm_1") is not None


def test_a_mail_waits_for_its_recipient_and_leaves_when_it_arrives(world: World) -> None:
    world.happens("payment", "deposit_succeeded", id="evt_deposit")
    world.send_mails()
    waited = list(world.mailer.sent)

    world.happens("identity", "brand_registered", id="evt_registered")
    world.send_mails()

    assert waited == []
    assert {mail.subject for _, mail, _ in world.mailer.sent} == {
        "Your deposit of 10.00 USD arrived",
        "Welcome to Gametriggers",
    }


def test_a_mail_that_missed_its_recipients_arrival_is_looked_at_again(world: World) -> None:
    world.happens("payment", "deposit_succeeded")
    world.send_mails()
    world.recipients.save(recipient_in(received("identity", "brand_registered")))

    world.clock.advance(seconds=61)
    world.send_mails()

    assert len(world.mailer.sent) == 1


def test_a_recipient_who_never_arrives_is_given_up(world: World) -> None:
    world.happens("payment", "deposit_succeeded")

    world.clock.advance(seconds=RECIPIENT_PATIENCE.total_seconds() + 1)
    world.send_mails()

    assert [mail.status for mail in world.mails.mails.values()] == ["failed"]


def test_what_was_turned_off_stays_away(world: World) -> None:
    handlers.set_preferences(world.preferences, acme, [Choice("campaign_approved", False, False)])

    world.happens("campaign", "campaign_approved")

    assert world.inbox(acme) == []
    assert world.mails.mails == {}


def test_an_account_may_want_mail_alone(world: World) -> None:
    handlers.set_preferences(world.preferences, acme, [Choice("campaign_approved", in_app=False)])

    world.happens("campaign", "campaign_approved")

    assert world.inbox(acme) == []
    assert world.notifications.count_unread(ACME) == 0
    assert len(world.mails.mails) == 1


def test_what_came_by_mail_alone_cannot_be_read_in_the_inbox(world: World) -> None:
    handlers.set_preferences(world.preferences, acme, [Choice("campaign_approved", in_app=False)])
    world.happens("campaign", "campaign_approved")

    with pytest.raises(NotificationNotFound):
        handlers.mark_read(world.notifications, world.clock, acme, "ntf_001")


def test_an_account_may_want_no_mail(world: World) -> None:
    handlers.set_preferences(world.preferences, acme, [Choice("campaign_approved", email=False)])

    world.happens("campaign", "campaign_approved")

    assert world.inbox(acme) == ["campaign_approved"]
    assert world.mails.mails == {}


@pytest.mark.parametrize(
    "kind", [kind for kind in KINDS.values() if kind.critical and kind.audience], ids=lambda k: k.name
)
@pytest.mark.parametrize("channel", ["in_app", "email"])
def test_messages_about_money_cannot_be_turned_off(world: World, kind: object, channel: str) -> None:
    assert isinstance(kind, type(KINDS["welcome"]))
    account = next(one for one in (acme, nova, ada) if one.kind in kind.audience)

    with pytest.raises(CriticalKind):
        handlers.set_preferences(world.preferences, account, [Choice(kind.name, **{channel: False})])


@pytest.mark.parametrize("kind", ["payout_paid", "weather"])
def test_a_kind_that_never_concerns_the_account_cannot_be_chosen(world: World, kind: str) -> None:
    with pytest.raises(UnknownKind):
        handlers.set_preferences(world.preferences, acme, [Choice(kind)])


def test_choices_that_are_not_mentioned_return_to_every_channel(world: World) -> None:
    handlers.set_preferences(world.preferences, acme, [Choice("campaign_approved", email=False)])

    settings = handlers.set_preferences(world.preferences, acme, [])

    assert all(setting.in_app and setting.email for setting in settings)


def test_preferences_list_the_kinds_that_concern_the_account(world: World) -> None:
    settings = {setting.kind: setting for setting in handlers.get_preferences(world.preferences, nova)}

    assert "payout_failed" in settings
    assert settings["payout_failed"].critical
    assert "deposit_succeeded" not in settings


def test_reading_counts_once_and_keeps_its_time(world: World) -> None:
    world.happens("campaign", "campaign_approved")
    first = handlers.mark_read(world.notifications, world.clock, acme, "ntf_001")
    world.clock.advance(seconds=60)

    again = handlers.mark_read(world.notifications, world.clock, acme, "ntf_001")

    assert again.read_at == first.read_at == NOON
    assert [event.type for event in world.notifications.events] == [
        "notification_created",
        "notification_read",
    ]


def test_somebody_elses_notification_is_a_missing_one(world: World) -> None:
    world.happens("campaign", "campaign_approved")

    with pytest.raises(NotificationNotFound):
        handlers.mark_read(world.notifications, world.clock, nova, "ntf_001")


def test_an_inbox_needs_a_token(world: World) -> None:
    with pytest.raises(Unauthenticated):
        handlers.list_inbox(world.notifications, ANONYMOUS, None, None, 20)


def test_pages_hold_everything_once_and_newest_first(world: World) -> None:
    for number in range(5):
        world.happens("campaign", "campaign_approved", id=f"evt_{number}")

    first = handlers.list_inbox(world.notifications, acme, None, None, 3)
    second = handlers.list_inbox(world.notifications, acme, None, first.next_cursor, 3)

    ids = [item.id for item in (*first.items, *second.items)]
    assert ids == [f"ntf_{number:03d}" for number in (5, 4, 3, 2, 1)]
    assert second.next_cursor is None


def test_the_unread_count_follows_what_is_told_and_read(world: World) -> None:
    world.happens("campaign", "campaign_approved", id="evt_1")
    world.happens("campaign", "campaign_activated", id="evt_2")
    before = handlers.count_unread(world.unread, acme)

    handlers.mark_read(world.notifications, world.clock, acme, "ntf_001")
    for event in world.notifications.events:
        handlers.forget_unread(world.unread, received("notification", event.type, **event.to_data()))

    assert (before, handlers.count_unread(world.unread, acme)) == (2, 1)


def test_sending_with_an_empty_queue_does_nothing(world: World) -> None:
    assert world.send_mails() == 0


def a_world_with_one_mail(*failures: Exception) -> World:
    world = World()
    world.recipients.save(recipient_in(received("identity", "brand_registered")))
    world.mails.put(a_mail())
    world.mailer = MemoryMailer(*failures)
    return world


def test_a_mail_is_sent_once() -> None:
    world = a_world_with_one_mail()
    world.send_mails()

    world.send_mails()

    assert [mail_id for _, _, mail_id in world.mailer.sent] == ["ntf_001"]
    assert world.mails.mails["ntf_001"].sent_at == NOON


def test_a_delayed_mail_is_tried_again_after_ever_longer_whiles() -> None:
    world = a_world_with_one_mail(*[MailDelayed("down")] * len(RETRY_DELAYS))

    waits = []
    for _ in RETRY_DELAYS:
        world.send_mails()
        wait = world.mails.mails["ntf_001"].next_attempt_at - world.clock.now()
        waits.append(wait)
        world.clock.advance(seconds=wait.total_seconds())
    world.send_mails()

    assert waits == sorted(set(waits)) == list(RETRY_DELAYS)
    assert len(world.mailer.sent) == 1


def test_a_mail_that_is_delayed_too_often_is_given_up_with_the_reason() -> None:
    world = a_world_with_one_mail(*[MailDelayed("down")] * (len(RETRY_DELAYS) + 1))

    for delay in (*RETRY_DELAYS, timedelta(0)):
        world.send_mails()
        world.clock.advance(seconds=delay.total_seconds())

    mail = world.mails.mails["ntf_001"]
    assert (mail.status, mail.failure) == ("failed", "down")


def test_a_refused_mail_is_not_tried_again() -> None:
    world = a_world_with_one_mail(MailRefused("550 No such mailbox"))
    world.send_mails()

    world.clock.advance(seconds=24 * 3600)
    world.send_mails()

    mail = world.mails.mails["ntf_001"]
    assert (mail.status, mail.failure) == ("failed", "550 No such mailbox")
    assert world.mailer.sent == []


def test_a_crash_between_sending_and_marking_sends_the_same_mail_again_after_the_lease() -> None:
    world = a_world_with_one_mail()
    leased = world.mails.lease(world.clock.now(), world.clock.now() + LEASE)
    assert leased is not None
    recipient = world.recipients.get(ACME)
    attempt(leased[0], recipient, world.links, world.templates, world.mailer, world.clock)
    while_leased = world.send_mails()

    world.clock.advance(seconds=LEASE.total_seconds())
    world.send_mails()

    assert while_leased == 0
    assert [mail_id for _, _, mail_id in world.mailer.sent] == ["ntf_001", "ntf_001"]


def a_world_that_owes_a_link(*failures: Exception) -> World:
    world = World()
    world.recipients.save(acme_recipient())
    world.happens("identity", "email_verification_requested")
    world.links = MemoryLinks(*failures)
    return world


def test_a_link_stands_in_the_mail_and_nowhere_else() -> None:
    world = a_world_that_owes_a_link()

    world.send_mails()

    [(address, mail, _)] = world.mailer.sent
    token = f"token-of-{A_LINK['link_id']}"
    assert address == "ada@acme.example"
    assert token in mail.text
    assert token in mail.html
    assert token not in mail.subject
    [item] = handlers.list_inbox(world.notifications, acme, None, None, 20).items
    assert token not in str((item, world.mails.mails, world.notifications.events))


def test_a_mail_whose_link_nobody_can_tell_at_the_moment_goes_out_later() -> None:
    world = a_world_that_owes_a_link(MailDelayed("service_unavailable"))
    world.send_mails()
    world.clock.advance(seconds=RETRY_DELAYS[0].total_seconds())

    world.send_mails()

    assert len(world.mailer.sent) == 1


def test_a_mail_whose_link_is_over_is_not_sent() -> None:
    world = a_world_that_owes_a_link(MailRefused("identity.link_not_valid"))

    world.send_mails()

    [mail] = world.mails.mails.values()
    assert (mail.status, mail.failure) == ("failed", "identity.link_not_valid")
    assert world.mailer.sent == []


def test_an_invitation_goes_to_an_address_that_is_kept_nowhere_and_into_no_inbox() -> None:
    world = World()
    world.happens("identity", "team_invitation_requested")

    world.send_mails()

    [(address, mail, _)] = world.mailer.sent
    assert address == "vera@acme.example"
    assert "The invitation is from: Acme" in mail.text
    assert f"token-of-{A_LINK['link_id']}" in mail.text
    assert "vera@" not in str((world.mails.mails, vars(world.notifications)))
    assert world.inbox(Principal("ivt_01jd2e7z5pf3rs8w6r8q6v2k1m", "brand")) == []


def test_an_invitation_that_was_withdrawn_is_not_mailed() -> None:
    world = World()
    world.happens("identity", "team_invitation_requested")
    world.links = MemoryLinks(MailRefused("brand.invitation_not_found"))

    world.send_mails()

    [mail] = world.mails.mails.values()
    assert (mail.status, mail.failure) == ("failed", "brand.invitation_not_found")
    assert world.mailer.sent == []
