"""AMQP 0-9-1 frames as bytes: what py-amqp's general code does for every message, done once.

A profile of one RPC showed a quarter of its time in py-amqp's frame code. Only what a running link
sends and receives is here: publish, acknowledge, reject, cancel, and the split of incoming bytes
into frames. py-amqp still opens connections, declares, and reads what is inside of a frame.
Layout: https://www.rabbitmq.com/resources/specs/amqp0-9-1.pdf, sections 2.3.5 and 4.2.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from struct import Struct
from typing import Any

from amqp.exceptions import UnexpectedFrame
from amqp.serialization import dumps

Frame = tuple[int, int, bytes]

_HEAD = Struct(">BHI")
_CONTENT = Struct(">HHQH")
_TAG_AND_FLAG = Struct(">BHIHHQBB")
_LONG = Struct(">I")
_LONG_LONG = Struct(">q")

_METHOD, _HEADER, _BODY = 1, 2, 3
_BASIC = 60
_PUBLISH, _CANCEL, _ACK, _REJECT = 40, 30, 80, 90
_END = 0xCE
_END_BYTE = b"\xce"
_BITS_OF_ACK = 13
OVERHEAD = 8

# In the order of the specification, each with its bit in the property flags.
_SHORT_TEXTS_BEFORE = (("content_type", 0x8000), ("content_encoding", 0x4000))
_SHORT_TEXTS_AFTER = (
    ("correlation_id", 0x0400),
    ("reply_to", 0x0200),
    ("expiration", 0x0100),
    ("message_id", 0x0080),
)


def publish(
    channel: int,
    exchange: str,
    routing_key: str,
    mandatory: bool,
    properties: Mapping[str, Any],
    body: bytes,
    frame_max: int,
) -> bytes:
    """The frames of one basic.publish. Properties are those that chassis uses, named as in py-amqp."""
    parts = [_publish_method(channel, exchange, routing_key, mandatory)]
    flags, values = _properties(properties)
    parts.append(_HEAD.pack(_HEADER, channel, 14 + len(values)))
    parts.append(_CONTENT.pack(_BASIC, 0, len(body), flags))
    parts += (values, _END_BYTE)
    room = frame_max - OVERHEAD
    for start in range(0, len(body), room):
        piece = body[start : start + room]
        parts += (_HEAD.pack(_BODY, channel, len(piece)), piece, _END_BYTE)
    return b"".join(parts)


def ack(channel: int, delivery_tag: int, multiple: bool) -> bytes:
    return _TAG_AND_FLAG.pack(_METHOD, channel, _BITS_OF_ACK, _BASIC, _ACK, delivery_tag, multiple, _END)


def reject(channel: int, delivery_tag: int, requeue: bool) -> bytes:
    return _TAG_AND_FLAG.pack(_METHOD, channel, _BITS_OF_ACK, _BASIC, _REJECT, delivery_tag, requeue, _END)


def cancel(channel: int, consumer_tag: str) -> bytes:
    """The broker's answer says that nothing more is delivered."""
    payload = bytes((0, _BASIC, 0, _CANCEL)) + _short(consumer_tag) + b"\x00"
    return _HEAD.pack(_METHOD, channel, len(payload)) + payload + _END_BYTE


class Splitter:
    """Cuts a stream of bytes into frames, whatever pieces it arrives in."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[Frame]:
        """The frames that are complete now. UnexpectedFrame when the stream is out of step."""
        stream = self._rest + data if self._rest else data
        at, length = 0, len(stream)
        while length - at >= OVERHEAD:
            kind, channel, size = _HEAD.unpack_from(stream, at)
            end = at + 7 + size
            if end >= length:
                break
            if stream[end] != _END:
                raise UnexpectedFrame("a frame does not end where it should")
            yield kind, channel, stream[at + 7 : end]
            at = end + 1
        self._rest = stream[at:]


# Replies are addressed to one routing key per caller, so the cache stays small.
@lru_cache(maxsize=1024)
def _publish_method(channel: int, exchange: str, routing_key: str, mandatory: bool) -> bytes:
    payload = b"".join(
        (
            bytes((0, _BASIC, 0, _PUBLISH, 0, 0)),
            _short(exchange),
            _short(routing_key),
            bytes((int(mandatory),)),
        )
    )
    return _HEAD.pack(_METHOD, channel, len(payload)) + payload + _END_BYTE


def _properties(properties: Mapping[str, Any]) -> tuple[int, bytes]:
    """The flags and the values of those properties that are set."""
    flags = 0
    parts: list[bytes] = []
    get = properties.get
    for name, flag in _SHORT_TEXTS_BEFORE:
        if (text := get(name)) is not None:
            flags |= flag
            parts.append(_known(text))
    if (headers := get("application_headers")) is not None:
        flags |= 0x2000
        parts.append(_table(headers))
    if (mode := get("delivery_mode")) is not None:
        flags |= 0x1000
        parts.append(bytes((mode,)))
    for name, flag in _SHORT_TEXTS_AFTER:
        if (text := get(name)) is not None:
            flags |= flag
            parts.append(_short(text))
    if (user := get("user_id")) is not None:
        flags |= 0x0010
        parts.append(_known(user))
    return flags, b"".join(parts)


def _table(values: Mapping[str, Any]) -> bytes:
    parts: list[bytes] = []
    for key, value in values.items():
        parts.append(_known(key))
        parts.append(_value(value))
    table = b"".join(parts)
    return _LONG.pack(len(table)) + table


def _value(value: Any) -> bytes:
    """Texts, numbers and lists of texts are all that an ordinary call carries; py-amqp writes the rest."""
    kind = type(value)
    if kind is str:
        text = value.encode("utf-8", "surrogatepass")
        return b"S" + _LONG.pack(len(text)) + text
    if kind is int and 2**31 <= value < 2**63:
        # A deadline.
        return b"L" + _LONG_LONG.pack(value)
    if kind is list:
        items = b"".join(map(_value, value))
        return b"A" + _LONG.pack(len(items)) + items
    # A table with one entry without a name: four bytes of length and one of the name come first.
    written: bytes = dumps("F", [{"": value}])
    return written[5:]


def _short(text: str) -> bytes:
    data = text.encode("utf-8", "surrogatepass")
    if len(data) > 255:
        raise ValueError("a short string of AMQP has 255 bytes at most")
    return bytes((len(data),)) + data


# Content types, header names and user names: a handful of texts that every message repeats.
_known = lru_cache(maxsize=1024)(_short)
