"""Use cases over the fake store: what is saved, who may, and what is told."""

import secrets
from datetime import timedelta
from typing import Any

import pytest

from chassis.clock import FixedClock
from chassis.errors import Error, ValidationFailed
from chassis.event import ReceivedEvent
from chassis.ids import new_id
from chassis.pagination import encode_cursor
from chassis.principal import ANONYMOUS
from participation.domain.earnings import Counts
from participation.domain.errors import (
    AlreadyApplied,
    AudienceUnknown,
    CampaignClosed,
    CampaignFull,
    NotEligible,
    ParticipationNotFound,
    RevokedToken,
    UnknownToken,
    WrongState,
)
from participation.domain.participation import Participation
from participation.domain.verification import ClockRule
from participation.handlers import applications, deliveries, earnings, overlays
from participation.tests.fakes import FakeAssets, FakeAudience, FakeCampaigns, FakeStore, FakeVault
from participation.tests.mothers import (
    BANNER,
    NOON,
    NOON_MS,
    WINTER_LAUNCH,
    OverlayPage,
    a_full_house,
    a_picture,
    a_plan,
    acme,
    an_active_one,
    an_admin,
    an_open_campaign,
    nova,
    rival_of_acme,
    zoe,
)


class World:
    """Everything that the use cases collaborate with."""

    def __init__(self, **joining: Any) -> None:
        self.store = FakeStore()
        self.clock = FixedClock(NOON)
        self.campaigns = FakeCampaigns(an_open_campaign(**joining), a_plan())
        self.assets = FakeAssets(a_picture())
        self.audience = FakeAudience(a_full_house())
        self.vault = FakeVault()

    def apply(self, by: Any = None) -> Participation:
        return applications.apply(self.store, self.campaigns, self.clock, new_id, by or nova(), WINTER_LAUNCH)

    def approve(self, participation: Participation) -> Participation:
        return applications.approve(self.store, self.campaigns, self.clock, acme(), participation.id)

    def link(self, by: Any = None) -> str:
        return overlays.link(self.store, self.vault, self.clock, new_id, new_secret, by or nova())

    def replace_link(self) -> str:
        return overlays.replace_link(self.store, self.vault, self.clock, new_id, new_secret, nova())

    def manifest(self, token: str) -> Any:
        hour = timedelta(hours=1)
        return overlays.manifest(
            self.store, self.campaigns, self.assets, self.vault, self.clock, new_id, new_secret, hour, token
        )

    def post(self, token: str, page: OverlayPage, *batch: Any) -> deliveries.Posted:
        post = deliveries.receive(self.store, self.audience, token, page.session_id, batch)
        return self.post_together(post)[0]

    def post_together(self, *posts: deliveries.Post) -> list[deliveries.Posted]:
        """As the service does: an outcome that is an error is raised."""
        outcomes = deliveries.post(self.store, self.vault, self.clock, ClockRule(2_000), posts)
        for outcome in outcomes:
            if isinstance(outcome, Exception):
                raise outcome
        return outcomes

    def on_air(self) -> tuple[Participation, str, OverlayPage]:
        """An active participation, its link, and a page that has been open for four minutes."""
        participation = self.approve(self.apply())
        token = self.link()
        issued = self.manifest(token).issued
        self.clock.advance(seconds=240)
        self.audience.now = a_full_house(NOON_MS + 240_000)
        return participation, token, OverlayPage(issued.id, issued.key)

    def stored(self, participation: Participation) -> Participation:
        return self.store.participations.get(participation.id)

    def hear(self, event: ReceivedEvent) -> list[int]:
        """What the campaign told, and all that follows; how many participations each note was about."""
        told = len(self.store.events)
        applications.heed_campaign(self.store, event)
        notes = self.store.events[told:]
        for note in notes:
            data = note.to_data()
            received = ReceivedEvent(new_id("evt"), note.type, "participation", NOON, event.id, 1, data)
            applications.follow_campaign(self.store, received)
        return [len(note.to_data()["participation_ids"]) for note in notes]


def new_secret() -> str:
    return secrets.token_urlsafe(32)


def test_nobody_is_approved_beyond_the_campaigns_places():
    world = World(max_participants=1)
    first, second = world.apply(), world.apply(zoe())
    world.approve(first)

    with pytest.raises(CampaignFull):
        world.approve(second)

    assert world.stored(second).status == "applied"


def test_a_campaign_that_approves_by_itself_stops_at_its_places():
    world = World(max_participants=1, approval="auto")
    world.apply()

    with pytest.raises(CampaignFull):
        world.apply(zoe())

    assert world.store.participations.of_streamer("str_zoe", None, 10) == []


@pytest.mark.parametrize("how", ["leave", "remove"])
def test_whoever_goes_makes_room_for_somebody_else(how: str):
    world = World(max_participants=1)
    first, second = world.approve(world.apply()), world.apply(zoe())
    if how == "leave":
        applications.leave(world.store, world.clock, nova(), first.id)
    else:
        applications.remove(world.store, world.clock, acme(), first.id, "enough")

    assert world.approve(second).status == "approved"


def test_an_approval_that_is_refused_takes_no_place():
    world = World(max_participants=1)
    first, second = world.apply(), world.apply(zoe())
    applications.reject(world.store, world.clock, acme(), first.id, "no")
    with pytest.raises(WrongState):
        world.approve(first)

    assert world.approve(second).status == "approved"


def campaign_event(kind: str, at: Any = NOON) -> ReceivedEvent:
    return ReceivedEvent(
        new_id("evt"), kind, "campaign", at, WINTER_LAUNCH, 1, {"campaign_id": WINTER_LAUNCH}
    )


def test_an_application_waits_for_the_brand() -> None:
    world = World()

    participation = world.apply()

    assert world.stored(participation).status == "applied"
    assert world.store.types() == ["participation_applied"]


def test_a_campaign_that_approves_by_itself_takes_the_streamer_in_at_once() -> None:
    world = World(approval="auto")

    participation = world.apply()

    assert world.stored(participation).status == "approved"
    assert world.store.types() == ["participation_applied", "participation_approved"]


def test_one_application_per_campaign_and_streamer() -> None:
    world = World()
    world.apply()

    with pytest.raises(AlreadyApplied):
        world.apply()

    assert world.apply(zoe()).streamer_id == zoe().id


@pytest.mark.parametrize("state", [{"status": "paused"}, {"status": "approved"}, {"is_funded": False}])
def test_nobody_joins_a_campaign_that_is_not_open(state: dict[str, Any]) -> None:
    world = World(**state)

    with pytest.raises(CampaignClosed):
        world.apply()


def test_who_is_not_eligible_is_told_which_rules_fail() -> None:
    world = World(reasons=["average_viewers 34, needs 50"])

    with pytest.raises(NotEligible) as refused:
        world.apply()

    assert refused.value.extra["reasons"] == ["average_viewers 34, needs 50"]


def test_the_terms_of_the_moment_of_approval_stay() -> None:
    world = World()
    participation = world.approve(world.apply())

    world.campaigns.joining = an_open_campaign(compensation={"type": "cpm", "cpm_minor": 1})

    terms = world.stored(participation).terms
    assert terms is not None
    assert terms.compensation.cpm_minor == 1_500
    assert terms.platforms == [{"name": "twitch", "average_viewers": 120}]


def test_no_brand_decides_on_anothers_application() -> None:
    world = World()
    participation = world.apply()

    with pytest.raises(ParticipationNotFound):
        applications.reject(world.store, world.clock, rival_of_acme(), participation.id, "No.")


@pytest.mark.parametrize("by", [zoe(), rival_of_acme()])
def test_anothers_participation_answers_as_a_missing_one(by: Any) -> None:
    world = World()
    participation = world.apply()

    with pytest.raises(ParticipationNotFound):
        applications.get(world.store, by, participation.id)


def test_a_brand_sees_no_applications_of_anothers_campaign() -> None:
    world = World()
    world.apply()

    page = applications.list_applications(world.store, rival_of_acme(), WINTER_LAUNCH, None, None, 20)

    assert page.items == []


def test_without_a_token_nothing_is_told() -> None:
    with pytest.raises(Error) as refused:
        World().apply(ANONYMOUS)

    assert refused.value.status == 401


def test_lists_are_paged_newest_first() -> None:
    world = World()
    ids = []
    for _ in range(3):
        world.campaigns.joining = an_open_campaign(campaign_id=new_id("cmp"))
        ids.append(world.apply().id)

    first = applications.list_mine(world.store, nova(), None, 2)
    rest = applications.list_mine(world.store, nova(), first.next_cursor, 2)

    assert [one.id for one in [*first.items, *rest.items]] == ids[::-1]
    assert rest.next_cursor is None


def test_the_link_stays_the_same_until_it_is_replaced() -> None:
    world = World()
    token = world.link()

    assert world.link() == token
    assert world.link(zoe()) != token


def test_a_replaced_link_is_dead_at_once_and_its_pages_are_told() -> None:
    world = World()
    _, token, page = world.on_air()
    channel = overlays.channel(world.store, token)

    fresh = world.replace_link()

    for use in (
        overlays.channel,
        lambda _, token: world.manifest(token),
        lambda _, token: world.post(token, page),
    ):
        with pytest.raises(RevokedToken):
            use(world.store, token)
    assert world.store.events[-1].to_data() == {"streamer_id": nova().id, "channel": channel}
    assert overlays.channel(world.store, fresh) != channel


def test_the_sessions_of_a_replaced_link_are_worth_nothing_under_the_new_one() -> None:
    world = World()
    participation, _, page = world.on_air()
    fresh = world.replace_link()

    posted = world.post(fresh, page, page.show(participation.id, NOON + timedelta(seconds=60)))

    assert [refused.reason for refused in posted.refused] == ["expired_session"]


def test_an_unknown_token_is_not_a_revoked_one() -> None:
    with pytest.raises(UnknownToken):
        overlays.channel(World().store, new_secret())


def test_only_the_hash_and_the_sealed_token_are_stored() -> None:
    world = World()
    token = world.link()

    stored = world.store.overlays.find(nova().id)

    assert stored is not None
    assert stored.token_hash != token
    assert stored.sealed_token == f"sealed:{token}"


def test_the_first_manifest_of_a_running_campaign_activates_the_participation() -> None:
    world = World()
    participation = world.approve(world.apply())

    manifest = world.manifest(world.link())

    assert world.stored(participation).status == "active"
    assert [slot.creative_id for slot in manifest.creatives] == [BANNER]
    assert [turn.participation_id for turn in manifest.rotation] == [participation.id]
    assert len(manifest.issued.key) == 43


def test_a_manifest_holds_nothing_of_a_campaign_that_does_not_run() -> None:
    world = World()
    participation = world.approve(world.apply())
    world.campaigns.plans[WINTER_LAUNCH] = a_plan(status="paused")

    manifest = world.manifest(world.link())

    assert manifest.creatives == []
    assert world.stored(participation).status == "approved"


def test_a_batch_is_counted_and_what_it_earns_is_told_with_it() -> None:
    world = World()
    participation, token, page = world.on_air()

    posted = world.post(token, page, *page.show_many(participation.id, NOON, 10))

    assert (posted.accepted, posted.refused) == (10, [])
    assert world.store.types()[-2:] == ["deliveries_accepted", "earnings_accrued"]
    # 10 × 100 impressions at 15.00 per 1,000, and 20.00 once for ten showings.
    assert world.stored(participation).earned_minor == 1_500 + 2_000


def test_a_second_machine_with_the_copied_token_is_refused() -> None:
    world = World()
    participation, token, page = world.on_air()
    world.manifest(token)
    world.clock.advance(seconds=60)

    posted = world.post(token, page, page.show(participation.id, NOON + timedelta(seconds=270)))

    assert [refused.reason for refused in posted.refused] == ["superseded_session"]


def test_no_second_is_credited_twice_over_campaigns_and_sessions() -> None:
    world = World()
    participation, token, page = world.on_air()
    spring = an_active_one(NOON, campaign_id=new_id("cmp"))
    world.store.participations.add(spring, [])
    world.campaigns.plans[spring.campaign_id] = a_plan(campaign_id=spring.campaign_id)
    world.post(token, page, page.show(participation.id, NOON + timedelta(seconds=238), seconds=2))
    issued = world.manifest(token).issued
    second = OverlayPage(issued.id, issued.key)

    posted = world.post(token, second, second.show(spring.id, NOON + timedelta(seconds=239), seconds=2))

    assert [refused.reason for refused in posted.refused] == ["overlapping"]


def test_while_nobody_can_say_who_watches_nothing_is_lost() -> None:
    world = World()
    participation, token, page = world.on_air()
    batch = page.show_many(participation.id, NOON, 3)
    world.audience.now = None

    with pytest.raises(AudienceUnknown) as refused:
        world.post(token, page, *batch)

    assert refused.value.status == 503
    world.audience.now = a_full_house(NOON_MS + 240_000)
    assert world.post(token, page, *batch).accepted == 3


def two_on_air(world: World) -> list[tuple[Participation, str, OverlayPage]]:
    """Nova and Zoe, each with a page that has been open for four minutes."""
    pages = []
    for streamer in (nova(), zoe()):
        participation = world.approve(world.apply(streamer))
        token = world.link(streamer)
        issued = world.manifest(token).issued
        pages.append((participation, token, OverlayPage(issued.id, issued.key)))
    world.clock.advance(seconds=240)
    world.audience.now = a_full_house(NOON_MS + 240_000)
    return pages


def received(world: World, token: str, page: OverlayPage, *batch: Any) -> deliveries.Post:
    return deliveries.receive(world.store, world.audience, token, page.session_id, batch)


def test_batches_of_two_streamers_in_one_transaction_are_told_apart() -> None:
    world = World()
    pages = two_on_air(world)
    posts = [
        received(world, token, page, *page.show_many(participation.id, NOON, number))
        for number, (participation, token, page) in enumerate(pages, 2)
    ]

    outcomes = world.post_together(*posts)

    assert [outcome.accepted for outcome in outcomes] == [2, 3]
    assert [world.stored(participation).counts.rendered for participation, _, _ in pages] == [2, 3]


def test_a_link_replaced_meanwhile_costs_the_neighbour_nothing() -> None:
    world = World()
    (mine, token, page), (theirs, their_token, their_page) = two_on_air(world)
    posts = [
        received(world, token, page, *page.show_many(mine.id, NOON, 2)),
        received(world, their_token, their_page, *their_page.show_many(theirs.id, NOON, 2)),
    ]
    world.replace_link()

    outcomes = deliveries.post(world.store, world.vault, world.clock, ClockRule(2_000), posts)

    assert isinstance(outcomes[0], RevokedToken)
    assert isinstance(outcomes[1], deliveries.Posted)
    assert (world.stored(mine).counts.rendered, world.stored(theirs).counts.rendered) == (0, 2)


def test_an_audience_that_nobody_knows_costs_the_neighbour_nothing() -> None:
    world = World()
    (mine, token, page), (theirs, their_token, their_page) = two_on_air(world)
    world.audience.now = None
    blind = received(world, token, page, *page.show_many(mine.id, NOON, 2))
    world.audience.now = a_full_house(NOON_MS + 240_000)
    posts = [blind, received(world, their_token, their_page, *their_page.show_many(theirs.id, NOON, 2))]

    outcomes = deliveries.post(world.store, world.vault, world.clock, ClockRule(2_000), posts)

    assert isinstance(outcomes[0], AudienceUnknown)
    assert (world.stored(mine).counts.rendered, world.stored(theirs).counts.rendered) == (0, 2)
    again = deliveries.Post(blind.overlay, blind.session_id, blind.batch, world.audience.now)
    assert world.post_together(again)[0].accepted == 2


def test_a_fresh_sample_stands_in_while_nobody_can_say() -> None:
    world = World()
    participation, token, page = world.on_air()
    world.store.samples.add_all([(nova().id, a_full_house(NOON_MS - 200_000, viewers=40))])
    world.audience.now = None

    posted = world.post(token, page, page.show(participation.id, NOON))

    assert posted.accepted == 1
    assert world.stored(participation).counts.viewer_impressions == 40


def test_a_sample_stands_in_only_for_showings_of_its_own_minutes() -> None:
    world = World()
    participation, token, page = world.on_air()
    world.store.samples.add_all([(nova().id, a_full_house(NOON_MS - 200_000, viewers=40))])
    world.audience.now = None
    batch = [page.show(participation.id, NOON + timedelta(seconds=at)) for at in (0, 230)]

    with pytest.raises(AudienceUnknown):
        world.post(token, page, *batch)

    assert world.post(token, page, batch[0]).accepted == 1


def test_a_late_showing_counts_the_audience_of_its_own_time() -> None:
    world = World()
    participation, token, page = world.on_air()
    world.store.samples.add_all([(nova().id, a_full_house(NOON_MS, viewers=40))])
    world.clock.advance(seconds=4 * 3_600)
    world.audience.now = a_full_house(NOON_MS + 4 * 3_600_000, viewers=9_000)

    world.post(token, page, page.show(participation.id, NOON))

    assert world.stored(participation).counts.viewer_impressions == 40


def test_showings_at_a_time_that_nobody_sampled_are_rendered_and_not_qualified() -> None:
    world = World()
    participation, token, page = world.on_air()
    world.clock.advance(seconds=3_000)
    world.audience.now = a_full_house(NOON_MS + 3_240_000, viewers=9_000)

    posted = world.post(token, page, *page.show_many(participation.id, NOON, 10))

    assert posted.accepted == 10
    assert world.stored(participation).counts == Counts(rendered=10)
    assert world.stored(participation).earned_minor == 0


@pytest.mark.parametrize(("before", "after"), [(40, 9_000), (9_000, 40)])
def test_an_outage_is_bridged_by_the_smaller_of_the_audiences_around_it(before: int, after: int) -> None:
    world = World()
    participation, token, page = world.on_air()
    world.store.samples.add_all([(nova().id, a_full_house(NOON_MS - 1_000_000, viewers=before))])
    world.clock.advance(seconds=1_000)
    world.audience.now = a_full_house(NOON_MS + 1_240_000, viewers=after)

    world.post(token, page, page.show(participation.id, NOON))

    assert world.stored(participation).counts.viewer_impressions == 40


def test_showings_on_a_stream_that_is_not_live_are_rendered_and_not_qualified() -> None:
    world = World()
    participation, token, page = world.on_air()
    world.audience.now = a_full_house(NOON_MS + 240_000, viewers=0, live=False)

    world.post(token, page, page.show(participation.id, NOON))

    counts = world.stored(participation).counts
    assert (counts.rendered, counts.qualified) == (1, 0)


def test_accepted_deliveries_are_listed_last_first_over_batches() -> None:
    world = World()
    participation, token, page = world.on_air()
    batch = page.show_many(participation.id, NOON, 7)
    for part in (batch[:3], batch[3:4], batch[4:]):
        world.post(token, page, *part)

    seen, cursor = [], None
    while True:
        found = deliveries.page(world.store, nova(), participation.id, cursor, 2)
        seen += [delivery.id for delivery in found.items]
        cursor = found.next_cursor
        if cursor is None:
            break

    assert seen == [delivery["id"] for delivery in reversed(batch)]


def test_earnings_are_rebuilt_from_the_deliveries_alone() -> None:
    world = World()
    participation, token, page = world.on_air()
    for delivery in page.show_many(participation.id, NOON, 12):
        world.post(token, page, delivery)

    found = earnings.earnings(world.store, nova(), participation.id)

    assert found.recomputed.gross == found.totals.gross
    assert found.recomputed.counts == found.counts
    assert found.counts.rendered == 12


def test_the_audit_names_the_figure_that_does_not_follow_from_the_deliveries() -> None:
    world = World()
    participation, token, page = world.on_air()
    world.post(token, page, page.show(participation.id, NOON))
    tampered = world.stored(participation)
    tampered.earned_minor += 1
    world.store.participations.save(tampered, [])

    audit = earnings.verify(world.store, an_admin(), WINTER_LAUNCH)

    (difference,) = audit.differences
    assert (difference.figure, difference.stored, difference.recomputed) == ("gross_minor", 151, 150)


def test_every_participation_follows_from_its_events() -> None:
    world = World()
    participation, token, page = world.on_air()
    world.post(token, page, page.show(participation.id, NOON))

    audit = earnings.verify_histories(world.store)

    assert (audit.equal, audit.participations) == (True, 1)


def test_what_does_not_follow_from_the_events_is_listed() -> None:
    world = World()
    participation, _, _ = world.on_air()
    tampered = world.stored(participation)
    tampered.batches = 7
    world.store.participations.save(tampered, [])

    audit = earnings.verify_histories(world.store)

    assert not audit.equal
    (difference,) = audit.differences
    assert (difference.figure, difference.stored, difference.replayed) == ("batches", "7", "0")


@pytest.mark.parametrize("position", [2**63 - 1, 2**31, -1])
def test_a_cursor_beyond_all_batches_is_refused(position: int) -> None:
    world = World()
    participation, _, _ = world.on_air()

    with pytest.raises(ValidationFailed):
        deliveries.page(world.store, nova(), participation.id, encode_cursor([position, 0]), 20)


def test_a_minute_without_the_creative_on_screen_earns_nothing() -> None:
    world = World()
    participation, token, page = world.on_air()

    world.post(token, page, page.show(participation.id, NOON, seconds=60, visible_ms=0))

    assert world.stored(participation).counts == Counts(rendered=1)
    assert world.stored(participation).earned_minor == 0


def test_what_was_earned_on_the_way_is_not_earned_again_at_the_end() -> None:
    world = World()
    participation, token, page = world.on_air()
    world.post(token, page, *page.show_many(participation.id, NOON, 10))
    told = world.store.types().count("earnings_accrued")

    earned = earnings.settle(world.store, world.clock, WINTER_LAUNCH, None)

    assert earned.amount_minor == 1_500 + 2_000
    assert world.store.types().count("earnings_accrued") == told


def test_whoever_leaves_early_neither_applies_again_nor_goes_on_earning() -> None:
    world = World()
    participation, token, page = world.on_air()
    applications.leave(world.store, world.clock, nova(), participation.id)

    with pytest.raises(AlreadyApplied):
        world.apply()

    world.clock.advance(seconds=60)
    late = world.post(token, page, page.show(participation.id, NOON + timedelta(seconds=270)))
    assert [refused.reason for refused in late.refused] == ["not_active"]


def test_settling_closes_the_books_once_and_answers_the_same_again() -> None:
    world = World()
    participation, token, page = world.on_air()
    world.post(token, page, page.show(participation.id, NOON))
    earned = earnings.settle(world.store, world.clock, WINTER_LAUNCH, None)
    late = world.post(token, page, page.show(participation.id, NOON + timedelta(seconds=20)))

    again = earnings.settle(world.store, world.clock, WINTER_LAUNCH, None)

    assert earned == again
    assert earned.amount_minor == 150
    assert [refused.reason for refused in late.refused] == ["not_active"]
    assert world.store.types().count("participation_completed") == 1


def test_a_campaign_without_participants_has_earned_nothing() -> None:
    earned = earnings.settle(FakeStore(), FixedClock(NOON), WINTER_LAUNCH, "EUR")

    assert (earned.amount_minor, earned.currency) == (0, "EUR")


def test_the_campaigns_pause_reaches_the_overlay() -> None:
    world = World()
    participation, token, _ = world.on_air()

    world.hear(campaign_event("campaign_paused", NOON))

    assert world.stored(participation).status == "paused"
    assert world.store.types()[-2:] == ["participation_paused", "manifest_changed"]
    assert world.manifest(token).creatives == []


def test_a_campaign_of_many_is_followed_a_few_participations_at_a_time() -> None:
    world = World()
    many = [an_active_one(NOON, streamer_id=new_id("str")) for _ in range(25)]
    for participation in many:
        world.store.participations.add(participation, [])

    sizes = world.hear(campaign_event("campaign_paused", NOON + timedelta(seconds=1)))

    assert sizes == [10, 10, 5]
    assert {world.stored(participation).status for participation in many} == {"paused"}


def test_a_changed_campaign_makes_overlays_fetch_their_manifest_again() -> None:
    world = World()
    world.on_air()

    world.hear(campaign_event("campaign_updated"))

    assert world.store.events[-1].to_data()["reason"] == "campaign_updated"


def test_the_summary_adds_up_what_a_streamer_has_earned() -> None:
    world = World()
    for gross, fee in ((100, 20), (50, 10)):
        one = an_active_one(campaign_id=new_id("cmp"), earned_minor=gross)
        world.store.participations.add(one, [])
        report = {
            "participation_id": one.id,
            "gross_total_minor": gross,
            "fee_total_minor": fee,
            "net_total_minor": gross - fee,
            "refused_total_minor": 0,
        }
        event = ReceivedEvent(new_id("evt"), "earning_posted", "payment", NOON, one.id, 1, report)
        earnings.ledger_posted(world.store, [event])

    summary = earnings.summary(world.store, nova())

    assert (summary.participations, summary.others) == (2, [])
    assert (summary.totals.gross.amount_minor, summary.totals.net.amount_minor) == (150, 120)
