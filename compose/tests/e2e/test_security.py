"""Everybody who may come, and some who may not, at every route; and what the document promises."""

import pytest

from compose.security import fuzz, matrix, stage
from compose.security.objects import Objects
from compose.stack import Stack

pytestmark = pytest.mark.timeout(600)

EXAMPLES, SEED = 2, 1
"""Enough for each operation to meet what nobody thought of; `make fuzz` tries more."""

SHORTLY = ("anonymous", "brand", "streamer", "admin")
"""Members and API keys get at less than their brand does; `make fuzz` comes as them, too."""


@pytest.fixture(scope="module")
def stack(platform):
    return Stack.of(platform.environ)


def test_every_cell_of_the_access_matrix_is_as_expected(stack):
    tried = list(matrix.cells())
    built = stage.build(stack)

    differences = matrix.Matrix(built, Objects(built, stack)).differences(tried)

    assert [str(difference) for difference in differences] == []
    assert len(tried) > 1_500
    # Everybody's other column has to try somebody's real object, not one that is missing anyway.
    assert {name for row in matrix.rows() if not row.has_none for name in row.parameters} <= set(built.ids)


def test_no_answer_is_one_that_the_document_does_not_promise(stack):
    outcomes = fuzz.run(stack, EXAMPLES, SEED, fuzz.Choice(SHORTLY), is_short=True)

    assert [outcome.text for outcome in outcomes if not outcome.is_good] == []
    watched = [f"{kind}'s event streams" for kind in SHORTLY]
    assert [outcome.kind for outcome in outcomes] == [*SHORTLY, *watched]
