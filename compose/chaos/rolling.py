"""Every service and the gateway are restarted while money and showings flow; no request fails."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import httpx

from compose import programs, readiness, restart
from compose.chaos.patient import PatientApi
from compose.chaos.row import Findings, Trial
from compose.chaos.story import Story, played
from compose.errors import ComposeError
from compose.lifecycle import SECONDS_FOR_PLATFORM
from compose.names import SERVICES
from compose.stack import Stack
from compose.supervisor import Supervisor

READERS = 4
SECONDS_BETWEEN_REQUESTS = 0.2
WATCHERS = 3
SECONDS_WITHOUT_A_WORD = 60.0
"""A stream that is silent for four heartbeats is broken."""

ENDED = "stream ended"

Client = Callable[[Story, threading.Event], None]


def run(stack: Stack, trial: Trial) -> Findings:
    replaced: list[float] = []

    def disturb(playing: Story) -> None:
        # What was answered while the story was set up is not what is counted here.
        playing.answers.statuses.clear()
        playing.answers.first.clear()

        def say(text: str) -> None:
            if playing.over.is_set():
                raise ComposeError("the story broke off before everything was restarted")
            trial.say(text)

        with asking(playing):
            for _ in range(trial.count):
                started = time.monotonic()
                try:
                    if trial.guard_off:
                        without_stand_ins(stack)
                    else:
                        restart.run(stack, say=say)
                except ComposeError as error:
                    playing.differences.append(str(error))
                    return
                replaced.append(time.monotonic() - started)

    playing = played(stack, disturb)
    answers = playing.answers.statuses
    failed = failures(answers)
    figures = {
        "restarts": len(replaced),
        "seconds": round(sum(replaced), 1),
        "answers": sum(answers.values()),
        "failed": sum(failed.values()),
        "streams_ended": answers[ENDED],
        "slowest_answer": round(playing.answers.slowest, 1),
        **playing.report.figures,
    }
    first = playing.answers.first
    told = [f"{count} requests ended in {status}, first {first[status]}" for status, count in failed.items()]
    # Without the guard, only requests that failed show that the row notices.
    return Findings(figures, told if trial.guard_off else [*playing.differences, *told])


def failures(statuses: Counter[str]) -> Counter[str]:
    """Everything but a success and a stream that ended between two events."""
    return Counter({s: n for s, n in statuses.items() if not s.startswith("2") and s != ENDED})


def without_stand_ins(stack: Stack) -> None:
    """As `make down` and `make up` do it: the services stop, and start when they have gone."""
    supervisor = Supervisor(stack.layout)
    supervisor.stop(SERVICES)
    supervisor.start(SERVICES)
    services = [programs.service(name, stack) for name in SERVICES]
    readiness.wait(services, stack.layout, SECONDS_FOR_PLATFORM)


@contextmanager
def asking(playing: Story) -> Iterator[None]:
    """Clients that keep asking every service, that write, and that watch, until the block ends."""
    finished = threading.Event()
    targets: Sequence[Client] = [*[read] * READERS, write, *[watch] * WATCHERS]
    clients = [threading.Thread(target=target, args=(playing, finished), daemon=True) for target in targets]
    for client in clients:
        client.start()
    try:
        yield
    finally:
        finished.set()
        for client in clients[: READERS + 1]:
            client.join()


def read(playing: Story, finished: threading.Event) -> None:
    """Each service answers one of these."""
    brand, nova = playing.brand.api, playing.nova.api
    reads = [
        (brand, "/v1/auth/sessions"),
        (brand, "/v1/brands/me"),
        (nova, "/v1/streamers/me"),
        (brand, "/v1/campaigns"),
        (nova, "/v1/participations"),
        (brand, f"/v1/analytics/campaigns/{playing.campaign['id']}/summary"),
        (brand, "/v1/wallet"),
        (brand, "/v1/notifications"),
        (brand, f"/v1/assets/{playing.image['id']}"),
    ]
    while True:
        for api, path in reads:
            if finished.wait(SECONDS_BETWEEN_REQUESTS):
                return
            api.get(path)


def write(playing: Story, finished: threading.Event) -> None:
    """Drafts of campaigns, each under an idempotency key."""
    while not finished.wait(SECONDS_BETWEEN_REQUESTS):
        playing.brand.api.post("/v1/campaigns", playing.brief())


def watch(playing: Story, finished: threading.Event) -> None:
    """A stream that ends is opened again; one that is cut off has failed."""
    api, path = playing.brand.api, "/v1/notifications/live"
    assert isinstance(api, PatientApi)
    while not finished.wait(SECONDS_BETWEEN_REQUESTS):
        started = time.monotonic()
        try:
            with api.stream(path, SECONDS_WITHOUT_A_WORD) as response:
                playing.answers.note(str(response.status_code), time.monotonic() - started, path)
                for _ in response.iter_text():
                    if finished.is_set():
                        return
            playing.answers.note(ENDED, 0, path)
        except httpx.TransportError as error:
            playing.answers.note(type(error).__name__, 0, path)
