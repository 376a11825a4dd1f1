"""Everybody who may come, and some who may not, at every route; and what the document promises."""

import pytest

from compose.security import fuzz, matrix, stage
from compose.stack import Stack

pytestmark = pytest.mark.timeout(600)

EXAMPLES, SEED = 2, 1
"""Enough for each operation to meet what nobody thought of; `make fuzz` tries more."""


@pytest.fixture(scope="module")
def stack(platform):
    return Stack.of(platform.environ)


def test_every_cell_of_the_access_matrix_is_as_expected(stack):
    tried = list(matrix.cells())

    differences = matrix.Matrix(stage.build(stack)).differences(tried)

    assert [str(difference) for difference in differences] == []
    assert len(tried) > 1_500


def test_no_answer_is_one_that_the_document_does_not_promise(stack):
    outcomes = fuzz.run(stack, EXAMPLES, SEED, is_short=True)

    assert [outcome.text for outcome in outcomes if not outcome.is_good] == []
    assert [outcome.kind for outcome in outcomes] == list(fuzz.KINDS)
