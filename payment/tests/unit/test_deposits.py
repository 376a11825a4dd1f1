import pytest

from chassis.errors import Forbidden
from payment.domain.deposit import Deposit, DepositStatus
from payment.domain.errors import DepositNotFound, IdempotencyKeyReused
from payment.domain.provider import Checkout, Progress, ProviderObject, Subject
from payment.domain.webhook import GIVE_UP_AFTER, WebhookStatus
from payment.events import DepositSucceeded
from payment.handlers.deposits import follow_up_deposits, get_deposit, shown
from payment.handlers.webhooks import apply_waiting_webhooks
from payment.tests.fakes import PlainVault
from payment.tests.mothers import acme, new_id, nova_the_streamer, usd


def follow_up(office) -> int:
    return follow_up_deposits(office.payments, office.providers, PlainVault(), office.clock, new_id)


def wallet_of_acme(office) -> int:
    return office.balance("brd_acme", "brand_available")


def stored(office, deposit):
    return get_deposit(office.payments, acme(), deposit.id)


def test_a_deposit_alone_credits_nothing(office):
    deposit = office.order_deposit(50_000)

    assert deposit.status == DepositStatus.PENDING
    assert wallet_of_acme(office) == 0


def test_the_providers_word_credits_the_wallet(office):
    deposit = office.order_deposit(50_000)

    office.tell_of_payment(deposit, Progress.SUCCEEDED)

    assert wallet_of_acme(office) == 50_000
    told = DepositSucceeded(deposit_id=deposit.id, brand_id="brd_acme", amount=usd(50_000))
    assert office.payments.events == [told]


def test_a_webhook_that_comes_again_credits_once(office):
    deposit = office.order_deposit(50_000)
    office.tell_of_payment(deposit, Progress.SUCCEEDED, event="evt_1")

    office.tell_of_payment(deposit, Progress.SUCCEEDED, event="evt_1")

    assert wallet_of_acme(office) == 50_000


def test_two_webhooks_of_one_payment_credit_once(office):
    deposit = office.order_deposit(50_000)
    office.tell_of_payment(deposit, Progress.SUCCEEDED, event="evt_1")

    office.tell_of_payment(deposit, Progress.SUCCEEDED, event="evt_2")

    assert wallet_of_acme(office) == 50_000


@pytest.mark.parametrize(
    "order",
    [(Progress.FAILED, Progress.SUCCEEDED), (Progress.SUCCEEDED, Progress.FAILED)],
)
def test_money_that_arrived_counts_in_whatever_order_webhooks_come(office, order):
    deposit = office.order_deposit(50_000)

    for progress in order:
        office.tell_of_payment(deposit, progress)

    assert wallet_of_acme(office) == 50_000
    assert stored(office, deposit).status == DepositStatus.SUCCEEDED


def test_a_failed_payment_credits_nothing_and_says_why(office):
    deposit = office.order_deposit(50_000)

    found = ProviderObject("pi_1", deposit.id, deposit.amount, Progress.FAILED, "card declined")
    office.tell(Subject.PAYMENT, found)

    assert wallet_of_acme(office) == 0
    assert stored(office, deposit).failure == "card declined"


def test_a_webhook_that_is_faster_than_the_deposit_is_applied_later(office):
    early = ProviderObject("pi_early", "dep_early", usd(700), Progress.SUCCEEDED)
    office.tell(Subject.PAYMENT, early, event="evt_early")
    late = Deposit.begin("dep_early", "brd_acme", "sandbox", usd(700), office.clock.now())
    office.payments.transaction(lambda: office.payments.deposits.add(late))
    office.clock.advance(60)

    apply_waiting_webhooks(office.payments, office.clock, new_id)

    assert wallet_of_acme(office) == 700


def test_a_webhook_about_nothing_of_ours_is_given_up_after_a_day(office):
    office.tell(Subject.PAYMENT, ProviderObject("pi_x", "dep_x", usd(1), Progress.SUCCEEDED), event="evt_x")
    office.clock.advance(GIVE_UP_AFTER.total_seconds() + 1)

    apply_waiting_webhooks(office.payments, office.clock, new_id)

    webhook = office.payments.tables.webhooks["sandbox", "evt_x"]
    assert webhook.status == WebhookStatus.IGNORED


def test_a_webhook_of_a_kind_that_we_do_not_deal_in_is_ignored(office):
    office.tell(Subject.OTHER, ProviderObject("ch_1", "x", usd(1), Progress.PROCESSING), event="evt_x")

    assert office.payments.tables.webhooks["sandbox", "evt_x"].status == WebhookStatus.IGNORED


def test_a_webhook_over_another_amount_credits_nothing_and_is_kept_as_a_contradiction(office):
    deposit = office.order_deposit(50_000)

    wrong = ProviderObject("pi_1", deposit.id, usd(50_001), Progress.SUCCEEDED)
    office.tell(Subject.PAYMENT, wrong, event="evt_wrong")

    assert wallet_of_acme(office) == 0
    assert office.payments.tables.webhooks["sandbox", "evt_wrong"].status == WebhookStatus.CONFLICT


def test_the_same_key_and_amount_are_one_deposit_with_one_answer(office):
    first = office.order_deposit(50_000, key="k")
    office.tell_of_payment(first, Progress.SUCCEEDED)

    second = office.order_deposit(50_000, key="k")

    assert second == first
    assert len(office.payments.tables.deposits) == 1


def test_the_same_key_with_another_amount_is_refused(office):
    office.order_deposit(50_000, key="k")

    with pytest.raises(IdempotencyKeyReused):
        office.order_deposit(49_999, key="k")


def test_a_time_out_at_the_provider_leaves_the_deposit_pending_and_is_tried_again(office):
    office.provider.times_out_once()
    deposit = office.order_deposit(50_000)
    office.clock.advance(60)

    follow_up(office)

    assert office.provider.orders == [deposit.id, deposit.id]
    assert stored(office, deposit).intent_id == f"pi_{deposit.id}"


def test_an_order_whose_answer_was_lost_is_the_same_order_when_repeated(office):
    office.provider.times_out_once(after_it_counts=True)
    office.order_deposit(50_000)
    office.clock.advance(60)

    follow_up(office)

    assert len(office.provider.objects) == 1


def test_a_payment_whose_webhook_never_came_is_found_by_asking(office):
    deposit = office.order_deposit(50_000)
    office.provider.finish(f"pi_{deposit.id}", Progress.SUCCEEDED)
    office.clock.advance(60)

    follow_up(office)

    assert wallet_of_acme(office) == 50_000


def test_asking_and_the_late_webhook_credit_once(office):
    deposit = office.order_deposit(50_000)
    office.provider.finish(f"pi_{deposit.id}", Progress.SUCCEEDED)
    office.clock.advance(60)
    follow_up(office)

    office.tell_of_payment(deposit, Progress.SUCCEEDED)

    assert wallet_of_acme(office) == 50_000


def test_a_deposit_that_the_provider_refuses_is_failed_and_says_why(office):
    office.provider.refuses_once("amount too large")

    deposit = office.order_deposit(50_000)

    assert stored(office, deposit).status == DepositStatus.FAILED
    assert "amount too large" in stored(office, deposit).failure


def test_looks_at_a_slow_payment_grow_rarer(office):
    deposit = office.order_deposit(50_000)
    waits = []

    for _ in range(12):
        office.clock.advance(4000)
        follow_up(office)
        waits.append((stored(office, deposit).next_check_at - office.clock.now()).total_seconds())

    assert waits == sorted(waits)
    assert waits[-1] == 3600


def test_a_round_stops_while_the_provider_does_not_answer(office):
    for _ in range(3):
        office.order_deposit(100)
    office.clock.advance(60)
    office.provider.times_out_once()

    assert follow_up(office) == 0


def test_a_round_without_due_deposits_does_nothing(office):
    assert follow_up(office) == 0
    assert apply_waiting_webhooks(office.payments, office.clock, new_id) == 0


def test_another_brands_deposit_answers_as_a_missing_one(office):
    deposit = office.order_deposit(50_000)

    with pytest.raises(DepositNotFound):
        get_deposit(office.payments, acme("brd_other"), deposit.id)


def test_streamers_do_not_deposit(office):
    with pytest.raises(Forbidden):
        office.order_deposit(50_000, by=nova_the_streamer())


def test_receipts_are_numbered_without_gaps(office):
    for _ in range(3):
        office.deposit(100)

    numbers = sorted(document.number for document in office.payments.tables.documents.values())
    assert numbers == ["REC-000001", "REC-000002", "REC-000003"]


def test_the_payers_browser_gets_what_it_needs_while_the_deposit_is_pending(office):
    office.provider.checkout = Checkout(client_secret="pi_secret")
    deposit = office.order_deposit(50_000, key="k")

    assert deposit.checkout.startswith("sealed:")
    assert shown(PlainVault(), deposit)["client_secret"] == "pi_secret"
    assert office.order_deposit(50_000, key="k") == deposit
    office.tell_of_payment(deposit, Progress.SUCCEEDED)
    assert shown(PlainVault(), stored(office, deposit))["client_secret"] is None


def test_a_second_payment_of_one_deposit_is_kept_as_a_contradiction(office):
    deposit = office.deposit(50_000)

    again = ProviderObject("pi_again", deposit.id, usd(50_000), Progress.SUCCEEDED)
    office.tell(Subject.PAYMENT, again, event="evt_again")

    assert wallet_of_acme(office) == 50_000
    assert office.payments.tables.webhooks["sandbox", "evt_again"].status == WebhookStatus.CONFLICT
    assert stored(office, deposit).intent_id == f"pi_{deposit.id}"


def test_a_webhook_that_is_objected_to_credits_nothing(office):
    deposit = office.order_deposit(50_000)
    paid = ProviderObject(f"pi_{deposit.id}", deposit.id, usd(50_000), Progress.SUCCEEDED)

    office.tell(Subject.PAYMENT, paid, event="evt_live", objection="it is about live money")

    assert wallet_of_acme(office) == 0
    assert office.payments.tables.webhooks["sandbox", "evt_live"].note == "it is about live money"


def test_news_on_the_way_to_a_payment_has_the_provider_asked_at_once(office):
    deposit = office.order_deposit(50_000)
    for _ in range(12):
        office.clock.advance(4000)
        follow_up(office)
    office.clock.advance(1)
    assert follow_up(office) == 0

    office.tell_of_payment(deposit, Progress.PROCESSING)

    assert follow_up(office) == 1


def test_a_provider_that_does_not_answer_does_not_keep_the_others_waiting(office):
    office.provider.name = "silent"
    for _ in range(2):
        office.order_deposit(100)
    office.provider.name = "sandbox"
    office.order_deposit(100)
    office.clock.advance(60)

    assert follow_up(office) == 1
