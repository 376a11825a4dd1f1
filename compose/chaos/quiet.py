"""Whether anything is still under way on a platform, as its operators see it."""

from __future__ import annotations

import time

from compose.operations import outbox, queues, sagas
from compose.operations.access import Access

LOOK_EVERY_SECONDS = 2.0


def wait_until_quiet(access: Access, seconds: float) -> list[str]:
    """Until nothing is under way any more, or for so long that it never will be; what still is."""
    give_up = time.monotonic() + seconds
    while (moving := under_way(access)) and time.monotonic() < give_up:
        time.sleep(LOOK_EVERY_SECONDS)
    return moving


def under_way(access: Access) -> list[str]:
    waiting = [queue for queue in queues.overview(access)["queues"] if is_moving(queue)]
    unpublished = sum(box["unpublished"] for box in outbox.overview(access, "")["outboxes"])
    unfinished = sagas.overview(access, "", "", 100)["sagas"]
    return [
        *(f"{queue['depth']} messages wait in {queue['name']}" for queue in waiting),
        *([f"{unpublished} events are not published"] if unpublished else []),
        *(f"the saga {saga['type']} {saga['key']} is {saga['status']}" for saga in unfinished),
    ]


def is_moving(queue: queues.QueueStatus) -> bool:
    return queue["kind"] in (queues.HANDLER, queues.DELAY, queues.REQUESTS) and queue["depth"] > 0


def given_up(access: Access) -> list[str]:
    found = queues.overview(access)["queues"]
    return [
        f"{queue['dead_letters']} dead letters of {queue['name']}" for queue in found if queue["dead_letters"]
    ]
