"""Our frames are what py-amqp itself would write and read."""

import pytest
from amqp import spec
from amqp.basic_message import Message
from amqp.exceptions import UnexpectedFrame
from amqp.method_framing import frame_writer
from amqp.serialization import dumps

from chassis import frames

FRAME_MAX = 131_072


class Transport:
    def __init__(self):
        self.written = b""

    def write(self, data):
        self.written += bytes(data)


class Connection:
    frame_max = FRAME_MAX
    bytes_sent = 0


def as_py_amqp_writes(channel, method, signature, arguments, message=None):
    transport = Transport()
    frame_writer(Connection(), transport)(1, channel, method, dumps(signature, arguments), message)
    return transport.written


def published(body, **properties):
    expected = as_py_amqp_writes(
        3, spec.Basic.Publish, "Bssbb", (0, "nameko-rpc", "a.b", True, False), Message(body, **properties)
    )
    return frames.publish(3, "nameko-rpc", "a.b", True, properties, body, FRAME_MAX), expected


@pytest.mark.parametrize(
    "properties",
    [
        {},
        {"content_type": "application/json", "content_encoding": "utf-8", "delivery_mode": 2},
        {
            "correlation_id": "c",
            "reply_to": "r",
            "expiration": "5000",
            "message_id": "m",
            "user_id": "campaign",
        },
        {"application_headers": {}},
        {
            "application_headers": {
                "nameko.call_id_stack": ["one", "zwei–drei"],
                "nameko.deadline_ms": 1_795_000_000_000,
                "x-attempt": 3,
                "flag": True,
                "nothing": None,
                "nested": {"a": 1.5},
            }
        },
    ],
)
def test_a_message_is_written_as_py_amqp_writes_it(properties):
    ours, expected = published(b'{"args": []}', **properties)

    assert ours == expected


def test_a_message_without_a_body_has_no_body_frame():
    ours, _ = published(b"")

    assert [kind for kind, _, _ in frames.Splitter().feed(ours)] == [1, 2]


def test_a_body_larger_than_a_frame_is_cut_into_several():
    body = bytes(range(256)) * 1200

    ours, _ = published(body, content_type="application/json")

    found = list(frames.Splitter().feed(ours))
    assert [kind for kind, _, _ in found] == [1, 2, 3, 3, 3]
    assert b"".join(payload for kind, _, payload in found if kind == 3) == body
    assert all(len(payload) + frames.OVERHEAD <= FRAME_MAX for _, _, payload in found)


def test_acknowledgement_reject_and_cancel_are_written_as_py_amqp_writes_them():
    assert frames.ack(2, 70_000, True) == as_py_amqp_writes(2, spec.Basic.Ack, "Lb", (70_000, True))
    assert frames.reject(2, 7, True) == as_py_amqp_writes(2, spec.Basic.Reject, "Lb", (7, True))
    assert frames.cancel(2, "rpc-a") == as_py_amqp_writes(2, spec.Basic.Cancel, "sb", ("rpc-a", False))


def test_a_text_that_is_too_long_for_the_protocol_is_refused():
    with pytest.raises(ValueError):
        frames.publish(1, "", "", False, {"correlation_id": "x" * 256}, b"", FRAME_MAX)


def test_frames_come_out_whole_however_the_bytes_arrive():
    stream = frames.ack(1, 1, False) + published(b"body")[0] + frames.cancel(1, "tag")
    splitter = frames.Splitter()

    found = [frame for byte in stream for frame in splitter.feed(bytes((byte,)))]

    assert found == list(frames.Splitter().feed(stream))
    assert len(found) == 5


def test_a_stream_that_is_out_of_step_is_refused():
    with pytest.raises(UnexpectedFrame):
        list(frames.Splitter().feed(frames.ack(1, 1, False)[:-1] + b"\x00"))
