import pytest

from compose.errors import ComposeError
from compose.operations import read_models


def test_a_read_model_is_rebuilt_by_the_service_that_owns_it(access, stub_service):
    analytics = stub_service("analytics", rebuild_rollups=lambda request: {"equal": True})

    result = read_models.rebuild(access, "analytics-rollups")

    assert analytics.calls["rebuild_rollups"] == [{}]
    assert result == {
        "read_model": "analytics-rollups",
        "service": "analytics",
        "answer": {"equal": True},
    }


def test_a_service_that_has_never_run_is_a_sentence(access):
    with pytest.raises(ComposeError, match="analytics does not run"):
        read_models.rebuild(access, "analytics-rollups")


def test_a_service_that_has_stopped_is_not_waited_for(access, stub_service):
    """Its queue is still there, and would keep the request until the deadline."""
    stub_service("analytics").close()

    with pytest.raises(ComposeError, match="analytics does not run"):
        read_models.rebuild(access, "analytics-rollups")


def test_an_unknown_read_model_is_answered_with_those_that_there_are(access):
    with pytest.raises(ComposeError, match="there are: analytics-rollups"):
        read_models.rebuild(access, "rollups")


def test_all_books_are_verified_by_the_services_that_keep_them(access, stub_service):
    stub_service("payment", verify_books=lambda request: {"balanced": True, "negative_accounts": []})
    stub_service("participation", verify_histories=lambda request: {"equal": False, "differences": ["x"]})
    stub_service("analytics", verify_rollups=lambda request: {"equal": True})

    found = read_models.verify(access, "")

    assert {one["books"]: one["right"] for one in found} == {
        "ledger": True,
        "participations": False,
        "analytics-rollups": True,
    }
    assert "participations: WRONG" in read_models.judged(found)


@pytest.mark.parametrize(
    "answer", [{"balanced": False, "negative_accounts": []}, {"balanced": True, "negative_accounts": ["x"]}]
)
def test_a_ledger_is_right_when_it_is_balanced_and_no_account_is_below_zero(answer):
    assert not read_models.is_right(answer)


def test_unknown_books_are_answered_with_those_that_there_are(access):
    with pytest.raises(ComposeError, match="there are: ledger, participations, analytics-rollups"):
        read_models.verify(access, "wallets")
