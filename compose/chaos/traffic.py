"""Clients that make things all the time, a few at once. Every seventh request is refused."""

from __future__ import annotations

import itertools
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from compose.chaos.rig import Rig

CLIENTS = 6
PAUSE = 0.05
REFUSED_EVERY = 7


@contextmanager
def flowing(rig: Rig, through: str = "maker") -> Iterator[None]:
    """`through` is whom they ask: the maker, or the taker, who asks the maker."""
    finished = threading.Event()
    flow = uuid.uuid4().hex[:6]
    clients = [
        threading.Thread(target=make_things, args=(rig, f"{flow}-{number}", finished, through))
        for number in range(CLIENTS)
    ]
    for client in clients:
        client.start()
    try:
        yield
    finally:
        finished.set()
        for client in clients:
            client.join()


def make_things(rig: Rig, client: str, finished: threading.Event, through: str) -> None:
    for number in itertools.count():
        if finished.is_set():
            return
        refused = number % REFUSED_EVERY == REFUSED_EVERY - 1
        rig.make([f"{client}-{number}"], refused=refused, through=through)
        time.sleep(PAUSE)
