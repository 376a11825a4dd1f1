"""Whatever is commanded, in whatever order: nothing is lost, made or overdrawn."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from payment.tests.fakes import FakePayments
from payment.tests.interleavings import check_invariants, commands, run
from payment.tests.mothers import Office

# Every example starts from an empty office, so a fixture would only hide that.
QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@QUICK
@given(st.lists(commands(), max_size=25))
def test_any_interleaving_of_commands_keeps_every_invariant(steps):
    office = Office(FakePayments())

    for step in steps:
        run(office, step)
        check_invariants(office)
