"""An object store behind one small interface; `file:///path` keeps objects in a folder."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol
from urllib.parse import unquote, urlsplit

from chassis.config import ConfigurationError
from chassis.errors import NotFound

CHUNK = 64 * 1024
_KEY = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*")
MAX_KEY_LENGTH = 256


class ObjectStore(Protocol):
    """Keys are relative paths of letters, digits, dots, dashes and underscores."""

    def put(self, key: str, source: BinaryIO) -> int:
        """Store everything that `source` holds, all or nothing; its size in bytes."""

    def get(self, key: str) -> bytes: ...

    def open(self, key: str, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """The bytes from `start`, in chunks; NotFound is raised at once, not at the first chunk."""

    def size(self, key: str) -> int: ...

    def exists(self, key: str) -> bool: ...

    def delete(self, key: str) -> None:
        """Deleting what is not there is no error."""

    def path(self, key: str) -> AbstractContextManager[Path]:
        """A local file with the object's content, to be read only."""


class FileStore:
    """Objects as files. A put is written beside its place and renamed, so no reader sees half of one."""

    def __init__(self, root: Path) -> None:
        self._root = root
        root.mkdir(parents=True, exist_ok=True)

    def put(self, key: str, source: BinaryIO) -> int:
        target = self._file(key)
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=target.parent, prefix=".put-", delete=False) as partial:
            try:
                shutil.copyfileobj(source, partial, CHUNK)
                partial.flush()
                os.fsync(partial.fileno())
                size = partial.tell()
                os.replace(partial.name, target)
            except BaseException:
                os.unlink(partial.name)
                raise
        return size

    def get(self, key: str) -> bytes:
        return self._existing(key).read_bytes()

    def open(self, key: str, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        return _chunks(self._existing(key), start, length)

    def size(self, key: str) -> int:
        return self._existing(key).stat().st_size

    def exists(self, key: str) -> bool:
        return self._file(key).is_file()

    def delete(self, key: str) -> None:
        self._file(key).unlink(missing_ok=True)

    @contextmanager
    def path(self, key: str) -> Iterator[Path]:
        yield self._existing(key)

    def _existing(self, key: str) -> Path:
        file = self._file(key)
        if not file.is_file():
            raise NotFound(f"there is no object {key}")
        return file

    def _file(self, key: str) -> Path:
        if len(key) > MAX_KEY_LENGTH or not _KEY.fullmatch(key):
            raise NotFound("that is not a key of an object")
        return self._root / key


def open_store(url: str) -> FileStore:
    """The store behind OBJECT_STORE_URL."""
    parts = urlsplit(url)
    if parts.scheme != "file" or not parts.path:
        raise ConfigurationError("OBJECT_STORE_URL must be a file:///… URL")
    return FileStore(Path(unquote(parts.path)))


def _chunks(file: Path, start: int, length: int | None) -> Iterator[bytes]:
    left = file.stat().st_size - start if length is None else length
    with file.open("rb") as source:
        source.seek(start)
        while left > 0 and (chunk := source.read(min(CHUNK, left))):
            left -= len(chunk)
            yield chunk
