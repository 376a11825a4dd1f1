"""Campaigns and their participants in MongoDB.

`budget_spent` is stored beside the campaign, computed at each save, because the sweep looks for it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from pymongo import ReplaceOne

from campaign.domain.brief import Brief
from campaign.domain.campaign import ACTIVE, PENDING_REVIEW, RUNNING, Campaign
from campaign.domain.errors import CampaignNotFound, ConcurrentUpdate
from campaign.domain.participant import Participant
from chassis.errors import ValidationFailed
from chassis.event import Event
from chassis.events.outbox import Outbox
from chassis.money import Money
from chassis.mongo import Mongo
from chassis.pagination import Page, decode_cursor, page_of
from chassis.times import parse_rfc3339, rfc3339

T = TypeVar("T")
Document = dict[str, Any]

MONEY_FIELDS = ("pending_budget", "returned")

# Documents may be older than the code, and hold what is no longer kept.
CAMPAIGN_FIELDS = tuple(field.name for field in dataclasses.fields(Campaign))
PARTICIPANT_FIELDS = tuple(field.name for field in dataclasses.fields(Participant))


class MongoCampaigns:
    def __init__(self, mongo: Mongo, outbox: Outbox) -> None:
        self._mongo = mongo
        self._outbox = outbox

    def ensure_indexes(self) -> None:
        campaigns = self._mongo["campaigns"]
        campaigns.create_index([("brand_id", 1), ("_id", -1)], name="of_brand")
        campaigns.create_index([("status", 1), ("submitted_at", 1), ("_id", 1)], name="review")
        campaigns.create_index([("status", 1), ("brief.end_at", 1)], name="ending")
        campaigns.create_index([("status", 1), ("budget_spent", 1)], name="spent")
        campaigns.create_index([("status", 1), ("_id", -1)], name="open")

    def transaction(self, work: Callable[[], T]) -> T:
        return self._mongo.transaction(work)

    def get(self, campaign_id: str) -> Campaign:
        document = self._mongo.find_by_id("campaigns", campaign_id)
        if document is None:
            raise CampaignNotFound()
        return from_document(document)

    def these(self, campaign_ids: Collection[str]) -> list[Campaign]:
        query = {"_id": {"$in": list(campaign_ids)}}
        found = self._mongo["campaigns"].find(query, session=self._mongo.session).sort("_id", 1)
        return [from_document(document) for document in found]

    def add(self, campaign: Campaign, events: Sequence[Event]) -> None:
        campaign.version = 1

        def work() -> None:
            self._mongo["campaigns"].insert_one(to_document(campaign), session=self._mongo.session)
            self._outbox.append(events, campaign.version)

        self.transaction(work)

    def save(self, campaign: Campaign, events: Sequence[Event]) -> None:
        stored = self._as_loaded(campaign)
        campaign.version += 1

        def work() -> None:
            saved = self._mongo["campaigns"].replace_one(
                stored, to_document(campaign), session=self._mongo.session
            )
            self._must_be_first(saved.matched_count)
            self._outbox.append(events, campaign.version)

        self.transaction(work)

    def remove(self, campaign: Campaign, events: Sequence[Event]) -> None:
        def work() -> None:
            removed = self._mongo["campaigns"].delete_one(
                self._as_loaded(campaign), session=self._mongo.session
            )
            self._must_be_first(removed.deleted_count)
            self._outbox.append(events, campaign.version + 1)

        self.transaction(work)

    @staticmethod
    def _as_loaded(campaign: Campaign) -> Document:
        return {"_id": campaign.id, "version": campaign.version}

    @staticmethod
    def _must_be_first(matched: int) -> None:
        if matched == 0:
            raise ConcurrentUpdate()

    def of_brand(self, brand_id: str, status: str | None, limit: int, cursor: str | None) -> Page[Campaign]:
        query = {"brand_id": brand_id} | ({"status": status} if status else {})
        return self._newest_first(query, limit, cursor)

    def open_to(self, streamer_id: str, now: datetime, limit: int, cursor: str | None) -> Page[Campaign]:
        query = {
            "status": ACTIVE,
            "budget_spent": False,
            "brief.end_at": {"$gt": now},
            "brief.blocked_streamers": {"$ne": streamer_id},
        }
        return self._newest_first(query, limit, cursor)

    def _newest_first(self, query: Document, limit: int, cursor: str | None) -> Page[Campaign]:
        if cursor:
            (before,) = _sort_key(cursor, str)
            query = {**query, "_id": {"$lt": before}}
        return self._page(query, [("_id", -1)], limit, lambda campaign: [campaign.id])

    def awaiting_review(self, limit: int, cursor: str | None) -> Page[Campaign]:
        """Who has waited longest comes first."""
        query: Document = {"status": PENDING_REVIEW}
        if cursor:
            time, after = _sort_key(cursor, str, str)
            at = _time(time)
            query["$or"] = [{"submitted_at": {"$gt": at}}, {"submitted_at": at, "_id": {"$gt": after}}]
        return self._page(query, [("submitted_at", 1), ("_id", 1)], limit, _review_key)

    def _page(
        self,
        query: Document,
        order: list[tuple[str, int]],
        limit: int,
        key: Callable[[Campaign], Sequence[Any]],
    ) -> Page[Campaign]:
        found = self._mongo["campaigns"].find(query, session=self._mongo.session).sort(order).limit(limit + 1)
        return page_of([from_document(document) for document in found], limit, key)

    def due_to_end(self, now: datetime, limit: int) -> list[str]:
        running = {"status": {"$in": sorted(RUNNING)}}
        query = {"$or": [running | {"brief.end_at": {"$lte": now}}, running | {"budget_spent": True}]}
        found = self._mongo["campaigns"].find(query, {"_id": 1}).sort("_id", 1).limit(limit)
        return [document["_id"] for document in found]

    def history(self, campaign_id: str, limit: int, cursor: str | None) -> Page[dict[str, Any]]:
        after = _sort_key(cursor, int, int) if cursor else None
        found = self._outbox.history(campaign_id, after, limit + 1)
        return page_of(found, limit, lambda entry: [entry["aggregate_version"], entry["index"]])

    def participants(self, ids: Collection[str]) -> dict[str, Participant]:
        found = self._mongo["participants"].find({"_id": {"$in": list(ids)}}, session=self._mongo.session)
        return {document["_id"]: participant_of(document) for document in found}

    def save_participants(self, participants: Sequence[Participant]) -> None:
        if participants:
            replacements = [
                ReplaceOne({"_id": participant.id}, participant_document(participant), upsert=True)
                for participant in participants
            ]
            self._mongo["participants"].bulk_write(replacements, ordered=False, session=self._mongo.session)


def to_document(campaign: Campaign) -> Document:
    document = dataclasses.asdict(campaign)
    document["_id"] = document.pop("id")
    document["budget_spent"] = campaign.is_budget_spent
    return document


def from_document(document: Mapping[str, Any]) -> Campaign:
    fields = {name: document[name] for name in CAMPAIGN_FIELDS if name in document}
    stored = fields["brief"]
    fields["brief"] = Brief.from_dict({**stored, "budget": Money.from_dict(stored["budget"])})
    for name in MONEY_FIELDS:
        fields[name] = Money.from_dict(fields[name]) if fields[name] else None
    return Campaign(id=document["_id"], **fields)


def participant_document(participant: Participant) -> Document:
    document = dataclasses.asdict(participant)
    document["_id"] = document.pop("id")
    return document


def participant_of(document: Mapping[str, Any]) -> Participant:
    fields = {name: document[name] for name in PARTICIPANT_FIELDS if name in document}
    return Participant(id=document["_id"], **fields)


def _review_key(campaign: Campaign) -> list[str]:
    assert campaign.submitted_at is not None
    return [rfc3339(campaign.submitted_at), campaign.id]


def _sort_key(cursor: str, *kinds: type) -> list[Any]:
    """The values inside a cursor, each of the kind that we put there: none can become an operator."""
    key = decode_cursor(cursor)
    if [type(value) for value in key] != list(kinds):
        raise _bad_cursor()
    return key


def _time(text: str) -> datetime:
    try:
        return parse_rfc3339(text)
    except (ValueError, OverflowError):
        raise _bad_cursor() from None


def _bad_cursor() -> ValidationFailed:
    return ValidationFailed("The cursor is not one that we gave out", {"cursor": ["Not a valid cursor."]})
