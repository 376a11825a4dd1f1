"""The use cases of the asset service."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from asset import domain
from asset.domain import Asset, Rendition, Variant
from chassis.clock import Clock
from chassis.event import Event
from chassis.ids import NewId
from chassis.principal import Caller
from chassis.saga_steps import SagaState, Step

PROCESSING_SAGA = "asset_processing"


class Assets(Protocol):
    def get(self, asset_id: str) -> Asset:
        """The asset; AssetNotFound when there is none."""

    def of_upload(self, upload_key: str) -> Asset | None: ...

    def some(self, asset_ids: Sequence[str], owner_id: str | None) -> list[Asset]:
        """Those of the given assets that are there and, when an owner is given, are that owner's."""

    def add(self, asset: Asset, events: Sequence[Event]) -> None:
        """Store a new asset; ConcurrentUpdate when its upload became one already."""

    def save(self, asset: Asset, events: Sequence[Event]) -> None:
        """Store a changed asset; ConcurrentUpdate when somebody else was faster."""


class Renditions(Protocol):
    """What was made of which content. Only successes are kept: a refusal gets another chance."""

    def get(self, sha256: str, recipe: str) -> Rendition | None: ...

    def add(self, sha256: str, recipe: str, rendition: Rendition) -> None:
        """Does nothing when there is one already: the same content may be processed twice at once."""


class Objects(Protocol):
    """The object store."""

    def size(self, key: str) -> int | None:
        """Bytes; None when there is no such object."""

    def sha256(self, key: str) -> str: ...

    def local(self, key: str) -> AbstractContextManager[Path]:
        """A file to read the object from."""

    def keep(self, key: str, source: Path) -> None:
        """Store a file's content. What is under that key already stays: keys name contents."""

    def delete(self, key: str) -> None: ...


class File(Protocol):
    """A variant that the studio made, as a local file."""

    placement: str
    format: str
    width: int
    height: int
    path: Path


class Rendered(Protocol):
    """The studio's result; with a `reason` there are no files."""

    media: str | None
    duration_ms: int | None
    files: Sequence[Any]
    reason: str | None


class Studio(Protocol):
    """Looks into files and makes variants. `recipe` names how; it changes when the results do."""

    recipe: str

    def render(self, source: Path) -> AbstractContextManager[Rendered]:
        """The files are there until the context ends."""


class Claims(Protocol):
    def of(self, key: str) -> AbstractContextManager[bool]:
        """True for the first to come in this process, False for all others until it has left."""


@dataclass(frozen=True)
class RegisterUpload:
    upload_key: str
    kind: str
    size: int
    filename: str = ""


def register_upload(
    assets: Assets, objects: Objects, clock: Clock, new_id: NewId, by: Caller, command: RegisterUpload
) -> Asset:
    """Make an asset of an upload. Asking again for the same upload answers the same asset."""
    by.must_be("brand")
    known = assets.of_upload(command.upload_key)
    if known is not None:
        return _own(known, by)
    _check_upload(objects, command)
    now = clock.now()
    asset = Asset(
        id=new_id("ast"),
        owner_id=by.id,
        kind=command.kind,
        upload_key=command.upload_key,
        filename=command.filename,
        size=command.size,
        created_at=now,
        updated_at=now,
    )
    assets.add(asset, asset.uploaded())
    return asset


def _own(asset: Asset, by: Caller) -> Asset:
    if not by.owns(asset.owner_id):
        raise domain.UploadNotFound("there is no such upload")
    return asset


def _check_upload(objects: Objects, command: RegisterUpload) -> None:
    if command.size > domain.MAX_UPLOAD_BYTES:
        raise domain.UploadTooLarge(f"a file may have {domain.MAX_UPLOAD_BYTES} bytes at most")
    if objects.size(command.upload_key) != command.size:
        raise domain.UploadNotFound("there is no such upload, or it is not complete")


def get(assets: Assets, by: Caller, asset_id: str) -> Asset:
    """A brand's own asset; another's answers as a missing one."""
    by.must_be("brand")
    asset = assets.get(asset_id)
    if not by.owns(asset.owner_id):
        raise domain.AssetNotFound(f"there is no asset {asset_id}")
    return asset


def processing_steps(
    assets: Assets, renditions: Renditions, objects: Objects, studio: Studio, claims: Claims, clock: Clock
) -> list[Step]:
    """Process, then clean up. Each step looks first whether it was done before."""
    return [
        Step("process", partial(_process, assets, renditions, objects, studio, claims, clock)),
        Step("discard_upload", partial(_discard_upload, assets, objects)),
    ]


def _process(
    assets: Assets,
    renditions: Renditions,
    objects: Objects,
    studio: Studio,
    claims: Claims,
    clock: Clock,
    saga: SagaState,
) -> None:
    """Make the asset ready or refuse it, and say so in the same step.

    A long video outlasts the saga's lease, and then this step is tried a second time beside the
    first: it finds the claim taken, and later the asset finished.
    """
    asset_id = saga.data["asset_id"]
    with claims.of(asset_id) as mine:
        if not mine:
            raise domain.StillProcessing(f"{asset_id} is being processed")
        asset = assets.get(asset_id)
        if asset.is_finished:
            return
        if asset.begin(clock.now()):
            assets.save(asset, [])
        sha256, rendition = _rendition(renditions, objects, studio, asset.upload_key)
        assets.save(asset, asset.conclude(rendition, sha256, clock.now()))


def _rendition(
    renditions: Renditions, objects: Objects, studio: Studio, upload_key: str
) -> tuple[str | None, Rendition]:
    """What was made of this content before, or what is made of it now."""
    if objects.size(upload_key) is None:
        return None, Rendition.refused("The upload is no longer there.")
    sha256 = objects.sha256(upload_key)
    known = renditions.get(sha256, studio.recipe)
    return sha256, known or _render(renditions, objects, studio, upload_key, sha256)


def _render(
    renditions: Renditions, objects: Objects, studio: Studio, upload_key: str, sha256: str
) -> Rendition:
    """The variants are stored before the rendition names them, so that no name ever points nowhere."""
    with objects.local(upload_key) as source, studio.render(source) as rendered:
        if rendered.reason is not None:
            return Rendition.refused(rendered.reason)
        variants = [_keep(objects, sha256, studio.recipe, file) for file in rendered.files]
        objects.keep(domain.original_key(sha256), source)
    rendition = Rendition(rendered.media, rendered.duration_ms, variants)
    renditions.add(sha256, studio.recipe, rendition)
    return rendition


def _keep(objects: Objects, sha256: str, recipe: str, file: File) -> Variant:
    key = domain.variant_key(sha256, recipe, file.path.name)
    objects.keep(key, file.path)
    return Variant(file.placement, file.format, file.width, file.height, key)


def _discard_upload(assets: Assets, objects: Objects, saga: SagaState) -> None:
    """The content is under its own name by now, or was refused."""
    objects.delete(assets.get(saga.data["asset_id"]).upload_key)
