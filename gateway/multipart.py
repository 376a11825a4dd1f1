"""Uploads: one file of a multipart body, read as it arrives and never held as a whole."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import IO, Any

from werkzeug.exceptions import UnsupportedMediaType
from werkzeug.sansio.multipart import Data, Epilogue, Event, Field, File, MultipartDecoder, NeedData

from chassis.errors import BadRequest, TooLarge, ValidationFailed

CHUNK_BYTES = 64 * 1024
# The decoder's own buffer: a chunk, and headers of parts that straddle two of them.
BUFFER_BYTES = 4 * CHUNK_BYTES
MAX_PARTS = 8
MAX_FIELD_BYTES = 1024
MAX_FILENAME_LENGTH = 200


class UploadTooLarge(TooLarge):
    code = "asset.too_large"
    title = "The file is too large"


class Upload:
    """The parts of a multipart body: `fields` (short texts), and one file that is handed on as a reader."""

    def __init__(self, body: IO[bytes], boundary: str, max_bytes: int) -> None:
        self.fields: dict[str, str] = {}
        self.filename = ""
        self.size: int | None = None
        self.sha256 = ""
        self._events = events(body, boundary)
        self._max_bytes = max_bytes

    def read(self, keep: Callable[[FileReader], Any]) -> None:
        """Reads the whole body; `keep` reads the file part to its end."""
        for event in self._events:
            if isinstance(event, Field):
                self._read_field(event)
            elif isinstance(event, File):
                self._read_file(event, keep)
        if self.size is None:
            raise ValidationFailed("The request is not valid", {"file": ["Missing data for required field."]})

    def _read_field(self, event: Field) -> None:
        value = b""
        for chunk in part(self._events):
            value += chunk
            if len(value) > MAX_FIELD_BYTES:
                raise ValidationFailed("The request is not valid", {event.name[:64]: ["Is too long."]})
        self.fields[event.name] = value.decode("utf-8", "replace")

    def _read_file(self, event: File, keep: Callable[[FileReader], Any]) -> None:
        if event.name != "file" or self.size is not None:
            raise ValidationFailed(
                "The request is not valid", {event.name[:64]: ["Send one part named file."]}
            )
        reader = FileReader(part(self._events), self._max_bytes)
        keep(reader)
        self.filename = event.filename[:MAX_FILENAME_LENGTH]
        self.size = reader.bytes_read
        self.sha256 = reader.digest.hexdigest()


class FileReader:
    """A file to read once, that ends with an error as soon as it is longer than allowed."""

    def __init__(self, chunks: Iterator[bytes], max_bytes: int) -> None:
        self._chunks = chunks
        self._max_bytes = max_bytes
        self._buffer = b""
        self.bytes_read = 0
        self.digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        if size < 0:
            return b"".join(iter(lambda: self.read(CHUNK_BYTES), b""))
        while not self._buffer:
            chunk = next(self._chunks, None)
            if chunk is None:
                return b""
            self._count(chunk)
            self._buffer = chunk
        taken, self._buffer = self._buffer[:size], self._buffer[size:]
        return taken

    def _count(self, chunk: bytes) -> None:
        self.bytes_read += len(chunk)
        self.digest.update(chunk)
        if self.bytes_read > self._max_bytes:
            raise UploadTooLarge(f"At most {self._max_bytes} bytes are taken.")


def boundary_of(mimetype: str, parameters: dict[str, str]) -> str:
    if mimetype != "multipart/form-data" or not parameters.get("boundary"):
        raise UnsupportedMediaType("Send the file as multipart/form-data.")
    return parameters["boundary"]


def events(body: IO[bytes], boundary: str) -> Iterator[Event]:
    """The decoder's events; a body that is cut off or malformed is a BadRequest."""
    decoder = MultipartDecoder(boundary.encode(), BUFFER_BYTES, max_parts=MAX_PARTS)
    try:
        while True:
            event = decoder.next_event()
            if isinstance(event, Field | File) and event.name is None:
                raise ValueError("a part has no name")
            if isinstance(event, NeedData):
                decoder.receive_data(body.read(CHUNK_BYTES) or None)
            else:
                yield event
            if isinstance(event, Epilogue):
                return
    except ValueError as error:
        raise BadRequest("The multipart body is malformed or incomplete.") from error


def part(incoming: Iterator[Event]) -> Iterator[bytes]:
    """What is left of the current part."""
    for event in incoming:
        if isinstance(event, Data):
            yield event.data
            if not event.more_data:
                return
