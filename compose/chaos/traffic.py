"""Clients that make things all the time, a few at once. Every seventh request is refused."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from compose.chaos.rig import Rig

CLIENTS = 6
PAUSE = 0.05
REFUSED_EVERY = 7


@contextmanager
def flowing(rig: Rig) -> Iterator[None]:
    finished = threading.Event()
    clients = [threading.Thread(target=make_things, args=(rig, n, finished)) for n in range(CLIENTS)]
    for client in clients:
        client.start()
    try:
        yield
    finally:
        finished.set()
        for client in clients:
            client.join()


def make_things(rig: Rig, client: int, finished: threading.Event) -> None:
    for number in itertools.count():
        if finished.is_set():
            return
        rig.make([f"{client}-{number}"], refused=number % REFUSED_EVERY == REFUSED_EVERY - 1)
        time.sleep(PAUSE)
