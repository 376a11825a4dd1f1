"""Messages that can't be handled, among good ones: the good are done, the bad are laid aside, nobody dies."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson
from amqp.basic_message import Message

from chassis.events.topology import events_exchange
from chassis.rpc.wire import EXCHANGE
from compose.chaos.rig import DEAD_LETTERS, QUEUES, Rig
from compose.chaos.row import Findings

OVERSIZE = 1_100_000
DEPTH = 100_000
"""Far deeper than a parser that recurses would survive."""


def event(**changes: Any) -> dict[str, Any]:
    key = uuid.uuid4().hex
    whole = {
        "specversion": "1.0",
        "id": f"evt_{key}",
        "source": "/chaos_maker",
        "type": "thing_made",
        "subject": "x",
        "time": datetime.now(UTC).isoformat(),
        "eventversion": 1,
        "data": {"key": key},
    } | changes
    return {name: value for name, value in whole.items() if value is not None}


@dataclass(frozen=True)
class Poison:
    """A message as it is sent. Every handler of the event is given it, and each lays it aside."""

    body: bytes
    properties: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, Any] = field(default_factory=dict)


def kinds() -> dict[str, Poison]:
    explosive = event(data={"key": "explosive", "explode": True})
    return {
        "bad JSON": Poison(b'{"id": '),
        "no body": Poison(b""),
        "not UTF-8": Poison(b"\xff\xfe\x00"),
        "another content type": Poison(orjson.dumps(event()), {"content_type": "application/x-pickle"}),
        "no content type": Poison(orjson.dumps(event()), {"content_type": None}),
        "oversize": Poison(orjson.dumps(event(data={"key": "x" * OVERSIZE}))),
        "deep nesting": Poison(b"[" * DEPTH),
        "a list": Poison(b"[1, 2]"),
        "no id": Poison(orjson.dumps(event(id=None))),
        "an id that is a number": Poison(orjson.dumps(event(id=7))),
        "an impossible time": Poison(orjson.dumps(event(time="9999-99-99T99:99:99Z"))),
        "a version of 5,000 digits": Poison(orjson.dumps(event(eventversion="9" * 5000))),
        "data that is no object": Poison(orjson.dumps(event(data="x"))),
        "a handler that fails": Poison(orjson.dumps(explosive)),
        "an absurd attempt": Poison(
            orjson.dumps(explosive | {"id": "evt_absurd"}), headers={"x-attempt": -100}
        ),
    }


def run(rig: Rig, count: int) -> Findings:
    """`count` good events, the poison spread among them, and an RPC message without reply_to."""
    rig.start_all("taker")
    before = rig.children["taker"].process.pid
    poison = kinds()
    expected = {DEAD_LETTERS[0]: len(poison) * len(QUEUES) + 1}
    send(rig, list(poison.values()), count)
    wait_until_quiet(rig, expected, count)
    violations = look(rig, count, expected[DEAD_LETTERS[0]], before)
    return Findings({"good": count, "kinds": len(poison) + 1, "dead_letters": dead(rig)}, violations)


def wait_until_quiet(rig: Rig, expected: Mapping[str, int], count: int) -> None:
    """Until all is as it should be, or nothing has changed for a while."""
    last: object = None
    changed = time.monotonic()
    while time.monotonic() - changed < rig.patience:
        seen = (rig.depths(*expected), {how: notes.total() for how, notes in rig.noted().items()})
        if seen == (expected, dict.fromkeys(seen[1], count)):
            return
        if seen != last:
            last, changed = seen, time.monotonic()
        time.sleep(0.3)


def look(rig: Rig, count: int, expected: int, pid: int) -> list[str]:
    found = []
    if not rig.children["taker"].is_alive or rig.children["taker"].process.pid != pid:
        found.append("the taker died")
    for how, notes in rig.noted().items():
        doubled = sum(1 for n in notes.values() if n > 1)
        if notes.total() != count or doubled:
            found.append(
                f"{notes.total()} of {count} good events were handled ({how}), {doubled} of them twice"
            )
    if dead(rig) != expected:
        found.append(f"{dead(rig)} dead letters instead of {expected}")
    return found


def dead(rig: Rig) -> int:
    return rig.depths(DEAD_LETTERS[0])[DEAD_LETTERS[0]]


def send(rig: Rig, poison: list[Poison], count: int) -> None:
    messages = [Poison(orjson.dumps(event())) for _ in range(count)]
    for bad in poison:
        messages.insert(rig.random.randrange(len(messages)), bad)
    connection = rig.connect()
    channel = connection.channel()
    # Unconfirmed, what a channel has not handed to a quorum queue yet would be lost when it closes.
    channel.confirm_select()
    for message in messages:
        properties = {"content_type": "application/json", "delivery_mode": 2} | dict(message.properties)
        channel.basic_publish_confirm(
            Message(message.body, application_headers=dict(message.headers), **properties),
            events_exchange("chaos_maker"),
            "thing_made",
        )
    without_reply_to = Message(b'{"args": [{}], "kwargs": {}}', content_type="application/json")
    channel.basic_publish_confirm(without_reply_to, EXCHANGE, "chaos_taker.ping")
    channel.close()
    connection.close()
