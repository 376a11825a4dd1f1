"""A small service with everything in it, for the suite of chassis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import eventlet
from marshmallow import fields

from chassis.errors import Conflict, NotFound
from chassis.event import Event, ReceivedEvent
from chassis.events.consumer import batch_event_handler, event_handler
from chassis.events.outbox import Outbox
from chassis.mongo import Mongo, MongoInbox, MongoSagas, MongoStore
from chassis.rpc.provider import RpcClient
from chassis.rpc.server import rpc
from chassis.saga import saga
from chassis.saga_steps import SagaState, Step
from chassis.schema import Schema
from chassis.service import Service


@dataclass(frozen=True, kw_only=True)
class ThingMade(Event):
    """A thing was made."""

    type: ClassVar[str] = "thing_made"
    aggregate: ClassVar[str] = "thing_id"
    thing_id: str


class ThingNotFound(NotFound):
    code, title = "asset.thing_not_found", "There is no such thing"


class Things:
    """Keeps things, and counts what was seen of them."""

    def __init__(self, mongo: Mongo, outbox: Outbox) -> None:
        self.mongo, self.outbox = mongo, outbox

    def ensure_indexes(self) -> None:
        self.mongo["things"].create_index("kind")

    def add(self, thing_id: str) -> None:
        self.mongo.transaction(lambda: self._add(thing_id))

    def _add(self, thing_id: str) -> None:
        self.mongo["things"].insert_one({"_id": thing_id, "kind": "x"}, session=self.mongo.session)
        self.outbox.append([ThingMade(thing_id=thing_id)], 1)

    def note(self, kind: str, keys: Sequence[str]) -> None:
        rows = [{"kind": kind, "key": key} for key in keys]
        self.mongo["notes"].insert_many(rows, session=self.mongo.session)

    def notes(self, kind: str) -> list[str]:
        return [row["key"] for row in self.mongo["notes"].find({"kind": kind})]


batches_begun: list[int] = []
"""For each batch, how many others were under way when it began."""

batches_ended: list[int] = []


class Request(Schema):
    thing_id = fields.String(required=True)


class Neighbour:
    def __init__(self, proxy: Any) -> None:
        self.proxy = proxy

    def ask(self, request: dict[str, Any], timeout: float | None = None) -> Any:
        return self.proxy.answer(request, timeout=timeout)


class SampleService(Service):
    """It calls itself asset, since the test broker knows the users of the real services alone."""

    name = "asset"

    things = MongoStore(Things)
    inbox = MongoInbox()
    sagas = MongoSagas()
    neighbour = RpcClient("payment", Neighbour)

    @rpc
    def echo(self, request: dict[str, Any]) -> dict[str, Any]:
        return request

    @rpc(callers={"gateway"})
    def private(self, request: dict[str, Any]) -> dict[str, Any]:
        return {"ok": True}

    @rpc(callers={"gateway"})
    def make(self, request: dict[str, Any]) -> dict[str, Any]:
        thing_id = Request().load(request)["thing_id"]
        self.things.add(thing_id)
        return {"thing_id": thing_id}

    @rpc
    def make_in_person(self, request: dict[str, Any]) -> dict[str, Any]:
        self.principal.must_be("brand", "admin")
        return self.make(request)

    @rpc
    def fail(self, request: dict[str, Any]) -> dict[str, Any]:
        raise ThingNotFound("nothing here", looked_in="the cupboard")

    @rpc
    def crash(self, request: dict[str, Any]) -> dict[str, Any]:
        raise RuntimeError("a secret path /etc/x")

    @rpc
    def not_json(self, request: dict[str, Any]) -> Any:
        return {"x": object()}

    @rpc
    def slow(self, request: dict[str, Any]) -> dict[str, Any]:
        eventlet.sleep(request["seconds"])
        self.things.note("slow", ["ran"])
        return {"slept": request["seconds"]}

    @rpc
    def hold(self, request: dict[str, Any]) -> dict[str, Any]:
        """Until there is a file of this name."""
        while not Path(request["until"]).exists():
            eventlet.sleep(0.02)
        return {"held": True}

    @rpc
    def ask_neighbour(self, request: dict[str, Any]) -> Any:
        return self.neighbour.ask(request)

    @rpc
    def who(self, request: dict[str, Any]) -> dict[str, Any]:
        self.principal.must_be("brand")
        return {"id": self.principal.id}

    @rpc
    def notes(self, request: dict[str, Any]) -> dict[str, Any]:
        return {"notes": self.things.notes(request["kind"])}

    @event_handler("payment", "thing_happened")
    def on_thing_happened(self, event: ReceivedEvent) -> None:
        self.things.note("single", [event.data["key"]])
        if event.data.get("poison"):
            raise RuntimeError("poison")
        if event.data.get("refused"):
            raise Conflict("not yet")

    @batch_event_handler("payment", "thing_counted", size=50, seconds=0.05)
    def on_thing_counted(self, events: list[ReceivedEvent]) -> None:
        batches_begun.append(len(batches_begun) - len(batches_ended))
        eventlet.sleep(max(event.data.get("seconds", 0) for event in events))
        batches_ended.append(len(events))
        self.things.note("batch", [event.data["key"] for event in events])
        if any(event.data.get("poison") for event in events):
            raise RuntimeError("poison")

    @rpc
    def begin(self, request: dict[str, Any]) -> dict[str, Any]:
        saga_id = self.sagas.start("trip", key=request["key"], data=request)
        state = self.sagas.wait(saga_id, timeout=3)
        return {"id": saga_id, "status": state.status, "data": state.data, "error": state.error}

    @saga("trip")
    def trip(self, run: Any) -> None:
        run.advance(trip_steps(self.things, self.neighbour))


def trip_steps(things: Things, neighbour: Neighbour) -> list[Step]:
    def book(state: SagaState) -> dict[str, Any]:
        things.note("book", [state.id])
        return {"booked": True}

    def unbook(state: SagaState) -> None:
        things.note("unbook", [state.id])

    def pay(state: SagaState) -> dict[str, Any]:
        return {"paid": neighbour.ask({"key": state.key})}

    return [Step("book", book, unbook), Step("pay", pay)]
