import pytest

from chassis.errors import Conflict
from chassis.saga import NEVER, SagaRun
from chassis.saga_steps import COMPENSATED, DONE, RUNNING, STUCK, SagaState, Step


class Crash(BaseException):
    """The process dies here."""


class Store:
    """Keeps a copy of what was saved last, as a database would."""

    def __init__(self):
        self.saved = None
        self.lost = False
        self.renewed = 0
        self.next_at = None

    def renew(self, saga_id, token, until):
        self.renewed += 1
        return True

    def save(self, saga, token, next_at):
        if self.lost:
            return False
        self.next_at = next_at
        self.saved = SagaState(
            saga.id,
            saga.type,
            saga.key,
            dict(saga.data),
            saga.status,
            saga.step,
            saga.attempts,
            saga.error,
            saga.log,
        )
        return True


class World:
    """Three steps that write down what was done, and may be told to fail or to die."""

    def __init__(self):
        self.done = []
        self.failing = {}

    def steps(self):
        return [
            Step(name, self.act(f"do {name}"), self.act(f"undo {name}")) for name in ("one", "two", "three")
        ]

    def act(self, what):
        def perform(state):
            error = self.failing.pop(what, None)
            if isinstance(error, Crash):
                self.done.append(what)
                raise error
            if error is not None:
                raise error
            self.done.append(what)
            return {what: True} if what.startswith("do") else None

        return perform


def run(state, store, world):
    SagaRun(state, store, "token", 20).advance(world.steps())


@pytest.fixture
def world():
    return World()


@pytest.fixture
def store():
    return Store()


def fresh():
    return SagaState("saga_1", "trip", "rome", {})


def test_steps_are_done_in_order(world, store):
    run(fresh(), store, world)

    assert world.done == ["do one", "do two", "do three"]
    assert store.saved.status == DONE


def test_a_final_error_undoes_what_was_done_backwards(world, store):
    world.failing = {"do three": Conflict("no")}

    run(fresh(), store, world)

    assert world.done == ["do one", "do two", "undo two", "undo one"]
    assert store.saved.status == COMPENSATED
    assert store.saved.error["code"] == "conflict"


def test_an_error_that_may_pass_waits_with_the_step(world, store):
    world.failing = {"do two": ConnectionError()}

    run(fresh(), store, world)

    assert (store.saved.status, store.saved.step, store.saved.attempts) == (RUNNING, 1, 1)


def test_an_undo_that_fails_is_tried_again(world, store):
    world.failing = {"do three": Conflict("no"), "undo one": Conflict("not now")}

    run(fresh(), store, world)
    run(store.saved, store, world)

    assert store.saved.status == COMPENSATED
    assert world.done.count("undo one") == 1


@pytest.mark.parametrize("point", ["do one", "do two", "do three", "undo two", "undo one"])
def test_a_saga_that_died_at_any_step_ends_as_if_it_had_not(world, store, point):
    world.failing = {point: Crash()}
    if point.startswith("undo"):
        world.failing["do three"] = Conflict("no")
    state = fresh()
    store.save(state, "", None)

    with pytest.raises(Crash):
        run(state, store, world)
    run(store.saved, store, world)

    assert store.saved.status == (COMPENSATED if point.startswith("undo") else DONE)


def run_until_stuck(state, store, world, what):
    for _ in range(1_000):
        world.failing |= {what: ConnectionError()}
        run(state, store, world)
        state = store.saved
        if state.status == STUCK:
            return
    raise AssertionError("it was never stuck")


def test_a_step_that_keeps_failing_is_given_up_after_its_patience(world, store):
    run_until_stuck(fresh(), store, world, "do two")

    assert (store.saved.step, store.next_at) == (1, NEVER)
    assert store.saved.log[-1]["outcome"] == STUCK
    assert 200 < store.saved.attempts < 300, "about an hour at 15 s each"


def test_a_step_may_have_more_patience_than_others(store):
    def fail(state):
        raise ConnectionError

    state = SagaState("saga_1", "trip", "rome", {}, attempts=1_000)

    SagaRun(state, store, "token", 20).advance([Step("slow", fail, patience_seconds=24 * 3_600)])

    assert store.saved.status == RUNNING


def test_a_stuck_saga_that_is_tried_again_goes_on_where_it_was_with_new_patience(world, store):
    run_until_stuck(fresh(), store, world, "do two")
    world.failing = {"do three": ConnectionError()}

    run(store.saved, store, world)

    assert (store.saved.status, store.saved.step, store.saved.attempts) == (RUNNING, 2, 1)


def test_a_saga_that_is_stuck_on_its_way_back_goes_on_back(world, store):
    world.failing = {"do three": Conflict("no")}
    run_until_stuck(fresh(), store, world, "undo one")
    world.failing = {}

    run(store.saved, store, world)

    assert store.saved.status == COMPENSATED
    assert world.done == ["do one", "do two", "undo two", "undo one"]


def test_a_step_that_takes_long_keeps_its_lease(world, store):
    import eventlet

    steps = [Step("long", lambda state: eventlet.sleep(0.2))]

    SagaRun(fresh(), store, "token", 0.15).advance(steps)

    assert store.renewed >= 2


def test_who_has_lost_the_lease_goes_no_further(world, store):
    store.lost = True

    run(fresh(), store, world)

    assert world.done == ["do one"]
