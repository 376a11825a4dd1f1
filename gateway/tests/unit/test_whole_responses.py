from __future__ import annotations

import pytest

from gateway.worker import WholeResponses

HEAD, BODY = b"HTTP/1.1 200 OK\r\n\r\n", b"{}"


class Client:
    def __init__(self) -> None:
        self.sent: list[bytes] = []

    def sendall(self, data: bytes) -> None:
        self.sent.append(data)

    def send(self, data: bytes) -> None:
        self.sent.append(data)


@pytest.fixture
def client() -> Client:
    return Client()


@pytest.fixture
def response(client: Client) -> WholeResponses:
    return WholeResponses(client)


def test_a_head_leaves_with_the_first_piece_of_its_body(client: Client, response: WholeResponses) -> None:
    for data in (HEAD, BODY, BODY):
        response.sendall(data)
    response.flush()

    assert client.sent == [HEAD + BODY, BODY]


def test_a_response_without_a_body_leaves_at_its_end(client: Client, response: WholeResponses) -> None:
    response.sendall(HEAD)
    response.flush()
    response.flush()

    assert client.sent == [HEAD]


def test_nothing_overtakes_the_head(client: Client, response: WholeResponses) -> None:
    response.sendall(HEAD)
    response.send(BODY)

    assert client.sent == [HEAD, BODY]
