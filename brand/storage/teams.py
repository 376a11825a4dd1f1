"""Teams in MongoDB: one document per brand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from pymongo.errors import DuplicateKeyError

from brand.domain.profile import ConcurrentUpdate
from brand.domain.team import Invitation, Member, Sent, Team
from chassis.event import Event
from chassis.events.outbox import Outbox
from chassis.mongo import Mongo


class MongoTeams:
    def __init__(self, mongo: Mongo, outbox: Outbox) -> None:
        self._mongo = mongo
        self._outbox = outbox
        self._teams = mongo["teams"]

    def ensure_indexes(self) -> None:
        self._teams.create_index([("members.id", 1), ("_id", 1)], name="of_member")
        self._teams.create_index("sent.address", name="sent_to", sparse=True)

    def get(self, brand_id: str) -> Team:
        document = self._teams.find_one({"_id": brand_id}, session=self._mongo.session)
        return _team(document) if document else Team(brand_id=brand_id)

    def of_member(self, member_id: str) -> list[Team]:
        found = self._teams.find({"members.id": member_id}, session=self._mongo.session).sort("_id", 1)
        return [_team(document) for document in found]

    def sent_by_others(self, brand_id: str, address: str, since: datetime) -> list[datetime]:
        query = {"sent.address": address, "_id": {"$ne": brand_id}}
        found = self._teams.find(query, {"sent": 1}, session=self._mongo.session)
        return [
            sent["at"]
            for document in found
            for sent in document["sent"]
            if sent["address"] == address and sent["at"] > since
        ]

    def save(self, team: Team, events: Sequence[Event]) -> None:
        version = team.version + 1
        document = _document(team) | {"version": version}

        def swap() -> None:
            if team.version == 0:
                self._teams.insert_one(document, session=self._mongo.session)
            else:
                self._replace(document, team.version)
            self._outbox.append(events, version)

        try:
            self._mongo.transaction(swap)
        except DuplicateKeyError as error:
            raise ConcurrentUpdate() from error
        team.version = version

    def _replace(self, document: dict[str, Any], version: int) -> None:
        replaced = self._teams.replace_one(
            {"_id": document["_id"], "version": version}, document, session=self._mongo.session
        )
        if replaced.matched_count == 0:
            raise ConcurrentUpdate()


def _document(team: Team) -> dict[str, Any]:
    return {
        "_id": team.brand_id,
        "members": [asdict(member) for member in team.members],
        "invitations": [asdict(invitation) for invitation in team.invitations],
        "sent": [asdict(sent) for sent in team.sent],
        "version": team.version,
    }


def _team(document: dict[str, Any]) -> Team:
    return Team(
        brand_id=document["_id"],
        members=[Member(**member) for member in document["members"]],
        invitations=[Invitation(**invitation) for invitation in document["invitations"]],
        sent=[Sent(**sent) for sent in document.get("sent", [])],
        version=document["version"],
    )
