"""Assets and renditions in MongoDB, and the object store."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pymongo.errors import DuplicateKeyError

from asset.domain import Asset, AssetNotFound, ConcurrentUpdate, Rendition, Variant
from chassis.errors import NotFound
from chassis.event import Event
from chassis.events.outbox import Outbox
from chassis.mongo import Mongo
from chassis.objectstore import FileStore


class MongoAssets:
    """The collection `assets`: one document per upload."""

    def __init__(self, mongo: Mongo, outbox: Outbox) -> None:
        self._mongo = mongo
        self._outbox = outbox

    def ensure_indexes(self) -> None:
        self._mongo["assets"].create_index("upload_key", unique=True, name="upload_key")

    def get(self, asset_id: str) -> Asset:
        document = self._mongo["assets"].find_one({"_id": asset_id}, session=self._mongo.session)
        if document is None:
            raise AssetNotFound(f"there is no asset {asset_id}")
        return _asset(document)

    def of_upload(self, upload_key: str) -> Asset | None:
        document = self._mongo["assets"].find_one({"upload_key": upload_key}, session=self._mongo.session)
        return None if document is None else _asset(document)

    def some(self, asset_ids: Sequence[str], owner_id: str | None) -> list[Asset]:
        query: dict[str, Any] = {"_id": {"$in": list(asset_ids)}}
        if owner_id is not None:
            query["owner_id"] = owner_id
        found = self._mongo["assets"].find(query, session=self._mongo.session).sort("_id", 1)
        return [_asset(document) for document in found]

    def add(self, asset: Asset, events: Sequence[Event]) -> None:
        try:
            self._mongo.transaction(lambda: self._add(asset, events))
        except DuplicateKeyError as error:
            raise ConcurrentUpdate("the upload became an asset a moment ago") from error

    def _add(self, asset: Asset, events: Sequence[Event]) -> None:
        self._mongo["assets"].insert_one(_document(asset), session=self._mongo.session)
        self._outbox.append(events, asset.version)

    def save(self, asset: Asset, events: Sequence[Event]) -> None:
        """Compare and swap on the version, and append the events, in one transaction."""
        self._mongo.transaction(lambda: self._save(asset, events))
        asset.version += 1

    def _save(self, asset: Asset, events: Sequence[Event]) -> None:
        document = _document(asset) | {"version": asset.version + 1}
        replaced = self._mongo["assets"].replace_one(
            {"_id": asset.id, "version": asset.version}, document, session=self._mongo.session
        )
        if replaced.matched_count == 0:
            raise ConcurrentUpdate(f"{asset.id} was changed by somebody else")
        self._outbox.append(events, asset.version + 1)


class MongoRenditions:
    """The collection `renditions`: what was made of a content under a recipe."""

    def __init__(self, mongo: Mongo, outbox: Outbox) -> None:
        self._mongo = mongo

    def ensure_indexes(self) -> None:
        """The key is the document's own id."""

    def get(self, sha256: str, recipe: str) -> Rendition | None:
        document = self._mongo["renditions"].find_one(
            {"_id": f"{sha256}:{recipe}"}, session=self._mongo.session
        )
        return None if document is None else Rendition.from_dict(document["rendition"])

    def add(self, sha256: str, recipe: str, rendition: Rendition) -> None:
        self._mongo["renditions"].update_one(
            {"_id": f"{sha256}:{recipe}"},
            {"$setOnInsert": {"rendition": asdict(rendition)}},
            upsert=True,
            session=self._mongo.session,
        )


class Objects:
    """The object store, as handlers use it. `in_background` runs what would hold up the process."""

    def __init__(self, store: FileStore, in_background: Callable[..., Any]) -> None:
        self._store = store
        self._in_background = in_background

    def size(self, key: str) -> int | None:
        try:
            return self._store.size(key)
        except NotFound:
            return None

    def sha256(self, key: str) -> str:
        return str(self._in_background(self._sha256, key))

    def _sha256(self, key: str) -> str:
        digest = hashlib.sha256()
        for chunk in self._store.open(key):
            digest.update(chunk)
        return digest.hexdigest()

    @contextmanager
    def local(self, key: str) -> Iterator[Path]:
        with self._store.path(key) as path:
            yield path

    def keep(self, key: str, source: Path) -> None:
        if not self._store.exists(key):
            self._in_background(self._put, key, source)

    def _put(self, key: str, source: Path) -> None:
        with source.open("rb") as content:
            self._store.put(key, content)

    def delete(self, key: str) -> None:
        self._store.delete(key)


def _document(asset: Asset) -> dict[str, Any]:
    document = asdict(asset)
    document["_id"] = document.pop("id")
    return document


def _asset(document: dict[str, Any]) -> Asset:
    fields = dict(document)
    fields["id"] = fields.pop("_id")
    fields["variants"] = [Variant(**variant) for variant in fields["variants"]]
    return Asset(**fields)
