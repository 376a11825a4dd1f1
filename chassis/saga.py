"""Sagas: flows over several services, stored step by step, resumed after a crash, or taken back.

    sagas = MongoSagas()                      # or SqlSagas()

    self.sagas.start("campaign_activation", key=campaign_id, data={...})

    @saga("campaign_activation")
    def activation(self, run):
        run.advance(handlers.activation_steps(self.campaigns, self.payment))

A process holds a lease while it works on a saga. When it dies, the lease runs out and another
process goes on with the step that was not saved, which is why steps are idempotent.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Protocol

import eventlet
from eventlet.semaphore import Semaphore
from nameko.containers import WorkerContext
from nameko.exceptions import ContainerBeingKilled
from nameko.extensions import DependencyProvider, Entrypoint

from chassis import failpoints, metrics
from chassis.errors import Error
from chassis.extensions import Configuration
from chassis.ids import new_id
from chassis.saga_steps import COMPENSATED, COMPENSATING, DONE, RUNNING, STUCK, SagaState, Step

log = logging.getLogger(__name__)

DEFAULT_LEASE_SECONDS = 20
"""Longer than a step with a 5 s deadline and its saving, and short enough to resume within a minute."""

CONCURRENT_SAGAS = 8
MAX_DELAY_SECONDS = 15.0
FIRST_DELAY_SECONDS = 0.2
WAIT_POLL_SECONDS = 0.02
NEVER = datetime(9000, 1, 1, tzinfo=UTC)
"""When a stuck saga is due. It has to be a time: one without any has finished, and makes room for another."""

RENEWALS_PER_LEASE = 3


class Store(Protocol):
    """How sagas are kept. `lease` and `save` compare and swap on the lease's token."""

    def create(self, saga: SagaState, now: datetime) -> str:
        """Store a new saga, or find the one that runs for its (type, key); its id."""

    def lease(self, type: str, now: datetime, until: datetime, token: str) -> SagaState | None:
        """Take the saga of this type that is due; None when there is none or another was faster."""

    def renew(self, saga_id: str, token: str, until: datetime) -> bool:
        """Hold a lease for longer; False when it was lost."""

    def save(self, saga: SagaState, token: str, next_at: datetime | None) -> bool:
        """Store progress; False when the lease was lost, and then nothing was stored.

        One that waits for its next attempt is leased by nobody.
        """

    def get(self, saga_id: str) -> SagaState: ...

    def list(self, status: str | None = None, limit: int = 100) -> list[SagaState]: ...

    def count(self) -> dict[str, int]:
        """How many sagas there are, by status."""

    def make_due(self, saga_id: str, now: datetime) -> bool:
        """End a saga's wait; False when it does not wait: it has finished, or somebody has leased it."""


class Sagas:
    """What a service's methods see: start a saga, wait for it, look at it."""

    def __init__(self, store: Store, after_commit: Callable[[Callable[[], None]], None]) -> None:
        self.store = store
        self._after_commit = after_commit
        self._nudges: dict[str, Callable[[], None]] = {}

    def on_start(self, type: str, nudge: Callable[[], None]) -> None:
        self._nudges[type] = nudge

    def start(self, type: str, key: str, data: dict[str, Any]) -> str:
        """Start a saga in the current transaction; the id of the one that now runs for this key."""
        return self._start(SagaState(new_id("saga"), type, key, data))

    def start_alone(self, type: str, key: str, data: dict[str, Any]) -> str | None:
        """As `start`; None when one runs already, which knows nothing of this data and may be at its end."""
        saga = SagaState(new_id("saga"), type, key, data)
        return saga.id if self._start(saga) == saga.id else None

    def _start(self, saga: SagaState) -> str:
        saga_id = self.store.create(saga, datetime.now(UTC))
        nudge = self._nudges.get(saga.type)
        if nudge is not None:
            self._after_commit(nudge)
        return saga_id

    def wait(self, saga_id: str, timeout: float = 4.0) -> SagaState:
        """The saga when it has finished, or as it is after `timeout` seconds."""
        until = time.monotonic() + timeout
        while True:
            state = self.store.get(saga_id)
            if state.is_finished or time.monotonic() >= until:
                return state
            eventlet.sleep(WAIT_POLL_SECONDS)

    def get(self, saga_id: str) -> SagaState:
        return self.store.get(saga_id)


class SagaProvider(DependencyProvider):
    """Base of the providers that keep sagas; a store's module subclasses it."""

    def __init__(self) -> None:
        self._sagas: Sagas | None = None

    def get(self) -> Sagas:
        assert self._sagas is not None
        return self._sagas

    def open(self) -> Sagas:
        """Called once, during setup: open the store."""
        raise LookupError("a provider of sagas opens its store")

    def setup(self) -> None:
        self._sagas = self.open()

    def get_dependency(self, worker_ctx: WorkerContext) -> Sagas:
        return self.get()


class SagaRun:
    """One leased saga in the hands of a worker."""

    def __init__(self, state: SagaState, store: Store, token: str, lease_seconds: float) -> None:
        self.state = state
        self._store = store
        self._token = token
        self._lease = timedelta(seconds=lease_seconds)

    def advance(self, steps: Sequence[Step]) -> None:
        """Do (or undo) steps until the saga has finished, has to wait, or belongs to somebody else."""
        self.state.go_on()
        while not self.state.is_finished:
            if not self._one(steps):
                return

    def _one(self, steps: Sequence[Step]) -> bool:
        state = self.state
        if state.status == RUNNING and state.step >= len(steps):
            return self._finish(DONE)
        if state.status == COMPENSATING and state.step < 0:
            return self._finish(COMPENSATED)
        step = steps[state.step]
        keeper = eventlet.spawn(self._keep_lease)
        point = f"{failpoints.SAGA}{state.type}.{step.name}.{'do' if state.status == RUNNING else 'undo'}"
        failpoints.reach(f"{point}.before")
        try:
            self._perform(step)
            failpoints.reach(f"{point}.after")
        except Exception as error:  # noqa: BLE001  A saga outlives whatever its steps run into.
            return self._failed(step, error)
        finally:
            keeper.kill()
        self._note(step, "ok")
        state.attempts = 0
        saved = self._save(datetime.now(UTC) + self._lease)
        failpoints.reach(f"{point}.saved")
        return saved

    def _keep_lease(self) -> None:
        """A step may take longer than its lease; only a process that is gone should lose it."""
        while True:
            eventlet.sleep(self._lease.total_seconds() / RENEWALS_PER_LEASE)
            if not self._store.renew(self.state.id, self._token, datetime.now(UTC) + self._lease):
                return

    def _perform(self, step: Step) -> None:
        state = self.state
        if state.status == RUNNING:
            state.data.update(step.do(state) or {})
            state.step += 1
            return
        if step.undo is not None:
            step.undo(state)
        state.step -= 1

    def _failed(self, step: Step, error: Exception) -> bool:
        state = self.state
        if state.status == RUNNING and isinstance(error, Error) and error.is_final:
            state.error = {"code": error.code, "detail": error.detail, "extra": error.extra}
            state.status = COMPENSATING
            state.step -= 1
            state.attempts = 0
            self._note(step, error.code)
            return self._save(datetime.now(UTC) + self._lease)
        state.attempts += 1
        unexpected = not isinstance(error, Error)
        log.warning(
            "saga %s waits at %s (attempt %d): %s",
            state.id,
            step.name,
            state.attempts,
            error,
            exc_info=error if unexpected else None,
        )
        self._note(step, f"failed: {type(error).__name__}")
        if state.attempts * MAX_DELAY_SECONDS >= step.patience_seconds:
            return self._park(step)
        delay = min(FIRST_DELAY_SECONDS * 2 ** min(state.attempts, 10), MAX_DELAY_SECONDS)
        self._save(datetime.now(UTC) + timedelta(seconds=delay))
        return False

    def _park(self, step: Step) -> bool:
        self._note(step, STUCK)
        self.state.status = STUCK
        log.error("saga %s is stuck at %s; `sagas retry` tries it again", self.state.id, step.name)
        self._save(NEVER)
        return False

    def _finish(self, status: str) -> bool:
        self.state.status = status
        self._save(None)
        return False

    def _save(self, next_at: datetime | None) -> bool:
        saved = self._store.save(self.state, self._token, next_at)
        if not saved:
            log.warning("saga %s was taken over by another process", self.state.id)
        return saved

    def _note(self, step: Step, outcome: str) -> None:
        state = self.state
        direction = "do" if state.status == RUNNING else "undo"
        state.log = [
            *state.log[-49:],
            {"step": step.name, "way": direction, "outcome": outcome, "at": datetime.now(UTC).isoformat()},
        ]
        metrics.SAGA_STEPS.labels(state.type, step.name, outcome.partition(":")[0]).inc()


class SagaHandler(Entrypoint):
    """Leases due sagas of one type and gives each to a worker."""

    configuration = Configuration()

    def __init__(self, type: str, lease_seconds: float = DEFAULT_LEASE_SECONDS, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.type = type
        self.lease_seconds = lease_seconds
        self._slots = Semaphore(CONCURRENT_SAGAS)
        self._wake = eventlet.event.Event()
        self._stopped = False

    def start(self) -> None:
        self._sagas().on_start(self.type, self._nudge)
        self.container.spawn_managed_thread(self._run, identifier=f"saga-{self.type}")

    def stop(self) -> None:
        self._stopped = True
        self._nudge()

    def _sagas(self) -> Sagas:
        for dependency in self.container.dependencies:
            if isinstance(dependency, SagaProvider):
                return dependency.get()
        raise LookupError(f"{self.container.service_name} has sagas but no `sagas` dependency")

    def _nudge(self) -> None:
        if not self._wake.ready():
            self._wake.send(None)

    def _run(self) -> None:
        while not self._stopped:
            try:
                while not self._stopped and self.run_once():
                    pass
            except Exception:
                log.exception("sagas of type %s could not be looked up", self.type)
            self._sleep()

    def _sleep(self) -> None:
        self._wake.wait(self.configuration.settings.saga_poll_seconds)
        if self._wake.ready():
            self._wake = eventlet.event.Event()

    def run_once(self) -> bool:
        """Start work on one saga that is due; False when none is."""
        store = self._sagas().store
        now = datetime.now(UTC)
        token = uuid.uuid4().hex
        self._slots.acquire()
        state = None
        try:
            state = store.lease(self.type, now, now + timedelta(seconds=self.lease_seconds), token)
        finally:
            if state is None:
                self._slots.release()
        if state is None:
            return False
        run = SagaRun(state, store, token, self.lease_seconds)
        try:
            self.container.spawn_worker(
                self, (run,), {}, context_data={"request_id": state.id}, handle_result=partial(self._done)
            )
        except ContainerBeingKilled:
            self._slots.release()
        return True

    def _done(self, _worker: Any, result: Any, exc_info: Any) -> tuple[Any, Any]:
        self._slots.release()
        if exc_info is not None:
            log.error("a saga's worker failed", exc_info=exc_info)
        return result, None


saga = SagaHandler.decorator

__all__ = ["SagaProvider", "SagaRun", "SagaState", "Sagas", "Step", "saga"]
