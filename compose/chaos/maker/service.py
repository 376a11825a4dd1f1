"""Makes things when it is asked to, and tells of each. Chaos kills it while it does."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import eventlet

from chassis.errors import Conflict
from chassis.event import Event
from chassis.events.outbox import Outbox
from chassis.ids import new_id
from chassis.mongo import Mongo, MongoStore
from chassis.rpc.server import rpc
from chassis.service import Service
from compose.chaos import guards, stopwatch

guards.take_off_from_environment()
stopwatch.start_from_environment()


class ThingRefused(Conflict):
    code, title = "chaos.thing_refused", "Written and then refused, so nothing of it may stay"


@dataclass(frozen=True, kw_only=True)
class ThingMade(Event):
    """A thing was made."""

    type: ClassVar[str] = "thing_made"
    aggregate: ClassVar[str] = "thing_id"
    thing_id: str
    key: str


class Things:
    """Nothing here is unique: a request that runs twice leaves two things behind, to be counted."""

    def __init__(self, mongo: Mongo, outbox: Outbox) -> None:
        self.mongo, self.outbox = mongo, outbox

    def ensure_indexes(self) -> None:
        self.mongo["things"].create_index("key")

    def make(self, keys: Sequence[str], *, refused: bool) -> None:
        self.mongo.transaction(lambda: self._make(keys, refused))

    def _make(self, keys: Sequence[str], refused: bool) -> None:
        made = [ThingMade(thing_id=new_id("thg"), key=key) for key in keys]
        rows = [{"_id": event.thing_id, "key": event.key} for event in made]
        self.mongo["things"].insert_many(rows, session=self.mongo.session)
        for event in made:
            self.outbox.append([event], 1)
        if refused:
            raise ThingRefused

    def is_finished(self, prefix: str) -> bool:
        return self.mongo["finished"].find_one({"_id": prefix}) is not None

    def note_run(self, key: str) -> None:
        self.mongo["runs"].insert_one({"key": key, "at": time.time()})


class Maker(Service):
    name = "chaos_maker"

    things = MongoStore(Things)

    @rpc
    def make(self, request: dict[str, Any]) -> dict[str, Any]:
        """{keys: [str], refused: bool}"""
        self.things.make(request["keys"], refused=bool(request.get("refused")))
        return {"made": len(request["keys"])}

    @rpc
    def keep_making(self, request: dict[str, Any]) -> dict[str, Any]:
        """{prefix, pause}: makes one thing after the other until somebody writes that this is finished."""
        made = 0
        while not self.things.is_finished(request["prefix"]):
            self.things.make([f"{request['prefix']}-{made}"], refused=False)
            made += 1
            eventlet.sleep(request["pause"])
        return {"made": made}

    @rpc
    def run(self, request: dict[str, Any]) -> dict[str, Any]:
        """{key, seconds}: notes when it began, then takes its time."""
        self.things.note_run(request["key"])
        eventlet.sleep(request["seconds"])
        return {}
