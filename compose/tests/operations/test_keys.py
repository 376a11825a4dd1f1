import pytest

from chassis.errors import NotFound
from compose.errors import ComposeError
from compose.operations import keys

SIGNING = {
    "kid": "k1",
    "state": "signing",
    "made_at": "2026-11-23T05:00:00.000000Z",
    "signs_from": "2026-11-23T05:00:00.000000Z",
    "retires_at": None,
    "withdrawn_at": None,
}


@pytest.mark.parametrize(
    ("command", "method", "request_"),
    [
        (keys.listed, "list_signing_keys", {}),
        (keys.rotate, "rotate_signing_keys", {}),
        (lambda access: keys.withdraw(access, "k1"), "withdraw_signing_key", {"kid": "k1"}),
    ],
)
def test_identity_does_what_an_operator_wants_of_the_keys(access, stub_service, command, method, request_):
    identity = stub_service("identity", **{method: lambda request: {"keys": [SIGNING]}})

    assert command(access) == [SIGNING]
    assert identity.calls[method] == [request_]


def test_a_key_that_there_never_was_is_a_sentence(access, stub_service):
    class KeyNotFound(NotFound):
        code, title = "identity.key_not_found", "There is no such signing key"

    def withdraw(request):
        raise KeyNotFound()

    stub_service("identity", withdraw_signing_key=withdraw)

    with pytest.raises(ComposeError, match="There is no such signing key"):
        keys.withdraw(access, "k9")


def test_keys_are_a_table_in_which_what_is_not_yet_is_a_dash():
    heading, row = keys.as_text([SIGNING]).splitlines()

    assert heading.split()[:2] == ["KID", "STATE"]
    assert row.split() == ["k1", "signing", SIGNING["made_at"], SIGNING["signs_from"], "-", "-"]
