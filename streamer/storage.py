"""Streamers and samples of their audience, in MongoDB."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from pymongo.errors import DuplicateKeyError

from chassis.event import Event
from chassis.events.outbox import Outbox
from chassis.mongo import Mongo
from streamer.domain import (
    ChannelTaken,
    ConcurrentUpdate,
    Demographics,
    PayoutMethod,
    Platform,
    Sample,
    Streamer,
    StreamerNotFound,
    verified_channels,
)
from streamer.events import PlatformMetrics


class MongoStreamers:
    """The collection `streamers`: one document per profile."""

    def __init__(self, mongo: Mongo, outbox: Outbox) -> None:
        self._mongo = mongo
        self._outbox = outbox

    def ensure_indexes(self) -> None:
        # Sparse over a field that is absent while nothing is verified: an empty list would be a value, too.
        self._mongo["streamers"].create_index(
            "verified_channels", unique=True, sparse=True, name="verified_channels"
        )

    def get(self, streamer_id: str) -> Streamer:
        document = self._mongo["streamers"].find_one({"_id": streamer_id}, session=self._mongo.session)
        if document is None:
            raise StreamerNotFound(f"there is no streamer {streamer_id}")
        return _streamer(document)

    def add(self, streamer: Streamer) -> None:
        document = _document(streamer)
        self._mongo["streamers"].update_one(
            {"_id": document.pop("_id")},
            {"$setOnInsert": document},
            upsert=True,
            session=self._mongo.session,
        )

    def save(self, streamer: Streamer, events: Sequence[Event]) -> None:
        """Compare and swap on the version, and append the events, in one transaction."""
        try:
            self._mongo.transaction(lambda: self._save(streamer, events))
        except DuplicateKeyError as error:
            raise ChannelTaken("the channel is verified for another streamer") from error
        streamer.version += 1

    def _save(self, streamer: Streamer, events: Sequence[Event]) -> None:
        document = _document(streamer) | {"version": streamer.version + 1}
        replaced = self._mongo["streamers"].replace_one(
            {"_id": streamer.id, "version": streamer.version}, document, session=self._mongo.session
        )
        if replaced.matched_count == 0:
            raise ConcurrentUpdate(f"{streamer.id} was changed by another request")
        self._outbox.append(events, streamer.version + 1)


class MongoSamples:
    """The collection `audience_samples`: what impressions were estimated from, kept as evidence."""

    def __init__(self, mongo: Mongo, outbox: Outbox) -> None:
        self._mongo = mongo

    def ensure_indexes(self) -> None:
        self._mongo["audience_samples"].create_index(
            [("streamer_id", 1), ("sampled_at", -1)], name="latest_of_streamer"
        )

    def latest(self, streamer_id: str) -> Sample | None:
        document = self._mongo["audience_samples"].find_one(
            {"streamer_id": streamer_id}, sort=[("sampled_at", -1)], session=self._mongo.session
        )
        return None if document is None else Sample(id=document.pop("_id"), **document)

    def add(self, sample: Sample) -> None:
        document = asdict(sample)
        document["_id"] = document.pop("id")
        self._mongo["audience_samples"].insert_one(document, session=self._mongo.session)


def _document(streamer: Streamer) -> dict[str, Any]:
    document = asdict(streamer)
    document["_id"] = document.pop("id")
    channels = verified_channels(streamer.platforms)
    return document | ({"verified_channels": channels} if channels else {})


def _streamer(document: dict[str, Any]) -> Streamer:
    method = document["payout_method"]
    return Streamer(
        id=document["_id"],
        created_at=document["created_at"],
        updated_at=document["updated_at"],
        email=document["email"],
        display_name=document["display_name"],
        platforms=[_platform(platform) for platform in document["platforms"]],
        demographics=Demographics(**document["demographics"]),
        payout_method=None if method is None else PayoutMethod(**method),
        version=document["version"],
    )


def _platform(document: dict[str, Any]) -> Platform:
    return Platform(**document | {"metrics": PlatformMetrics(**document["metrics"])})
