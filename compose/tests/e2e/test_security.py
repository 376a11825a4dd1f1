"""Everybody who may come, and some who may not, at every route of the platform."""

import pytest

from compose.security import matrix, stage
from compose.stack import Stack

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def stack(platform):
    return Stack.of(platform.environ)


def test_every_cell_of_the_access_matrix_is_as_expected(stack):
    tried = list(matrix.cells())

    differences = matrix.Matrix(stage.build(stack)).differences(tried)

    assert [str(difference) for difference in differences] == []
    assert len(tried) > 1_500
