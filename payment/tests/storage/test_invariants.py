"""A few of the random interleavings on real PostgreSQL; the unit suite runs many on the fake."""

import random

import pytest

from payment.tests.interleavings import COMMANDS, check_invariants, run


@pytest.mark.parametrize("seed", range(3))
def test_any_interleaving_of_commands_keeps_every_invariant(real_office, seed):
    chance = random.Random(seed)
    names = sorted(COMMANDS)

    for _ in range(60):
        run(real_office, (chance.choice(names), chance.randint(1, 6_000), chance.randrange(12)))

    check_invariants(real_office)
