import threading

import pytest

from chassis import frames
from chassis import writer as module
from chassis.errors import ServiceUnavailable
from chassis.testing import eventually
from chassis.writer import Acknowledgements, Writer


class Socket:
    def __init__(self):
        self.sent = []
        self.may_send = threading.Event()
        self.may_send.set()
        self.broken = False

    def sendall(self, data):
        self.may_send.wait(5)
        if self.broken:
            raise ConnectionResetError
        self.sent.append(bytes(data))


class Connection:
    def __init__(self):
        self.transport = self
        self.sock = Socket()


@pytest.fixture
def failures():
    return []


@pytest.fixture
def writer(failures):
    writer = Writer(Connection(), "test", lambda: failures.append("failed"))
    eventually(lambda: writer._asleep)
    yield writer
    writer.connection.sock.may_send.set()
    writer.stop(1)


def everything(writer):
    return b"".join(writer.connection.sock.sent)


def test_deliveries_done_in_any_order_are_acknowledged_each_once():
    acknowledgements = Acknowledgements(1)
    for tag in (2, 1, 3, 5):
        acknowledgements.done(tag)

    said = acknowledgements.take()

    assert said == frames.ack(1, 3, True) + frames.ack(1, 5, False)
    assert acknowledgements.take() == b""


def test_a_slow_delivery_does_not_keep_the_later_ones_from_being_acknowledged():
    acknowledgements = Acknowledgements(1)
    acknowledgements.done(2)
    acknowledgements.take()

    acknowledgements.done(1)

    assert acknowledgements.take() == frames.ack(1, 1, False)


def test_a_frame_for_many_names_a_delivery_that_was_not_acknowledged_before():
    acknowledgements = Acknowledgements(1)
    acknowledgements.done(3)
    acknowledgements.take()
    for tag in (1, 2):
        acknowledgements.done(tag)

    assert acknowledgements.take() == frames.ack(1, 2, True)


def test_a_rejected_delivery_is_not_acknowledged_and_holds_up_nothing():
    acknowledgements = Acknowledgements(1)
    acknowledgements.rejected(1)
    acknowledgements.done(2)
    acknowledgements.done(3)

    assert acknowledgements.take() == frames.ack(1, 3, True)


def test_messages_leave_in_the_order_in_which_they_were_handed_over(writer):
    for number in range(200):
        writer.write(b"%d," % number)

    expected = b"".join(b"%d," % number for number in range(200))
    assert eventually(lambda: everything(writer) == expected)


def test_what_comes_while_a_write_is_on_its_way_leaves_with_one_system_call(writer):
    socket = writer.connection.sock
    socket.may_send.clear()
    first = threading.Thread(target=writer.write, args=(b"first",))
    first.start()
    eventually(lambda: not writer._asleep)
    for _ in range(50):
        writer.write(b"x")

    socket.may_send.set()

    assert eventually(lambda: everything(writer) == b"first" + b"x" * 50)
    assert len(socket.sent) == 2
    first.join()


def test_threads_that_write_at_once_lose_nothing(writer):
    threads = [threading.Thread(target=lambda: [writer.write(b"x") for _ in range(500)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert eventually(lambda: len(everything(writer)) == 4000)


def test_a_stopped_writer_has_sent_what_it_was_given(writer):
    writer.write(b"first")
    writer.acknowledge(1, 1)

    writer.stop(1)

    assert everything(writer) == b"first" + frames.ack(1, 1, False)


def test_a_write_that_fails_is_told_and_nothing_is_written_after_it(writer, failures):
    writer.connection.sock.broken = True

    with pytest.raises(ServiceUnavailable):
        writer.write(b"x")

    assert failures == ["failed"]
    with pytest.raises(ServiceUnavailable):
        writer.write(b"y")


def test_acknowledgements_that_may_wait_leave_together_within_moments(writer):
    for tag in (1, 2, 3):
        writer.acknowledge(1, tag, may_wait=True)

    assert everything(writer) == b""
    assert eventually(lambda: everything(writer) == frames.ack(1, 3, True))

    writer.acknowledge(1, 4, may_wait=True)
    assert eventually(lambda: writer.connection.sock.sent[1:] == [frames.ack(1, 4, False)])


def test_many_acknowledgements_wait_for_nothing(writer, monkeypatch):
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 60)
    for tag in range(1, module.MOST_PATIENT + 1):
        writer.acknowledge(1, tag, may_wait=True)

    assert eventually(lambda: everything(writer) == frames.ack(1, module.MOST_PATIENT, True))


@pytest.mark.parametrize("urgent", ["write", "acknowledge"])
def test_what_is_urgent_takes_along_what_may_wait(writer, monkeypatch, urgent):
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 60)
    writer.acknowledge(1, 1, may_wait=True)
    eventually(lambda: writer._asleep)

    if urgent == "write":
        writer.write(b"message")
        writer.write(b"message")
    else:
        writer.acknowledge(1, 2)

    expected = frames.ack(1, 1, False) if urgent == "write" else frames.ack(1, 2, True)
    assert eventually(lambda: everything(writer).endswith(expected))


def test_a_stopped_writer_keeps_no_acknowledgement_back(writer, monkeypatch):
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 60)
    writer.acknowledge(1, 1, may_wait=True)

    writer.stop(1)

    assert everything(writer) == frames.ack(1, 1, False)
