"""Every point at which a saga can be interrupted has its crash."""

import pytest

from asset.handlers import PROCESSING_SAGA, processing_steps
from campaign.handlers import (
    ACTIVATION,
    BUDGET_INCREASE,
    COMPLETION,
    activation_steps,
    budget_increase_steps,
    completion_steps,
)
from compose.chaos import payouts, processing, sagas
from compose.chaos.crashing import WHENS
from payment.handlers.payouts import PAYOUT_SAGA, payout_steps

NOBODY = None
"""Steps are only named here, so they need nobody to work with."""

STEPS = {
    ACTIVATION: activation_steps(*[NOBODY] * 3),
    BUDGET_INCREASE: budget_increase_steps(*[NOBODY] * 4),
    COMPLETION: completion_steps(*[NOBODY] * 4),
    PAYOUT_SAGA: payout_steps(*[NOBODY] * 5),
    PROCESSING_SAGA: processing_steps(*[NOBODY] * 6),
}
CRASHED = {
    *sagas.ACTIVATION,
    *sagas.REFUSED_ACTIVATION,
    *sagas.CANCELLED_ACTIVATION,
    *sagas.COMPLETION,
    *sagas.INCREASE,
    *sagas.REFUSED_INCREASE,
    *sagas.INCREASE_OF_AN_ENDED,
    *payouts.PAYOUT,
    *payouts.REFUSED_PAYOUT,
    *processing.PROCESSING,
}


@pytest.mark.parametrize("saga", STEPS)
def test_a_service_dies_at_every_point_of_its_saga(saga):
    wanted = {
        f"saga.{saga}.{step.name}.{way}.{when}"
        for step in STEPS[saga]
        for way in ("do", *(["undo"] if step.undo else []))
        for when in WHENS
    }

    assert wanted - CRASHED == set()
