"""`python -m compose accounts`, with identity's answers."""

from argparse import Namespace

import pytest

from chassis.errors import NotFound
from compose.errors import ComposeError
from compose.operations import commands

ADA = Namespace(kind="admin", email="ada@gametriggers.example", json=False)


def test_identity_resets_the_second_factor_that_an_operator_names(access, stub_service, capsys):
    identity = stub_service("identity", reset_second_factor=lambda _: {"account_id": "adm_ada"})

    assert commands.reset_second_factor(access, ADA) == 0

    assert identity.calls["reset_second_factor"] == [{"kind": "admin", "email": "ada@gametriggers.example"}]
    assert capsys.readouterr().out.startswith("adm_ada opens with its password alone now")


def test_an_account_that_there_is_not_is_a_sentence(access, stub_service):
    class NoSuchAccount(NotFound):
        code, title = "identity.no_such_account", "There is no such account"

    def refuse(_):
        raise NoSuchAccount()

    stub_service("identity", reset_second_factor=refuse)

    with pytest.raises(ComposeError, match="There is no such account"):
        commands.reset_second_factor(access, ADA)
