"""Compare and swap for documents that exist only once something was counted."""

from __future__ import annotations

from typing import Any

from pymongo.client_session import ClientSession
from pymongo.collection import Collection
from pymongo.errors import DuplicateKeyError

from identity.domain.account import ConcurrentUpdate


def swap(
    collection: Collection[dict[str, Any]],
    document: dict[str, Any],
    version: int,
    session: ClientSession | None,
) -> None:
    """Store the document in the place of its `version`, 0 being none; ConcurrentUpdate when that is gone."""
    if version == 0:
        try:
            collection.insert_one(document, session=session)
        except DuplicateKeyError as error:
            raise ConcurrentUpdate() from error
        return
    replaced = collection.replace_one({"_id": document["_id"], "version": version}, document, session=session)
    if replaced.matched_count == 0:
        raise ConcurrentUpdate()
