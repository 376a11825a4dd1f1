"""What the guide tells a receiver to do, done with messages that notification really signed."""

import json
import re
import secrets
import subprocess
from datetime import UTC, datetime, timedelta

import pytest

from compose.client import NODE
from gateway.examples import sent
from gateway.portal import guides
from notification.domain.topics import NAMES, TEST
from notification.domain.webhooks import SECRET_BYTES, Endpoint, Message, body_of, secret_of
from notification.schemas import WEBHOOKS

GUIDE = guides.read("webhooks", "https://house.example")
SECOND = timedelta(seconds=1)


def code(language):
    [found] = [snippet.code for snippet in GUIDE.snippets if snippet.language == language]
    return found


def in_python(cases):
    names = {}
    exec(compile(code("python"), "the guide", "exec"), names)
    return [names["is_genuine"](secret, headers, body.encode()) for secret, headers, body in cases]


def in_node(cases):
    asked = f"""{code("javascript")}
const taken = ([secret, headers, body]) => isGenuine(secret, headers, Buffer.from(body));
console.log(JSON.stringify({json.dumps(cases)}.map(taken)));
"""
    done = subprocess.run(
        [str(NODE), "--input-type=module"],
        input=asked,
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    return json.loads(done.stdout)


@pytest.mark.parametrize("receiver", [in_python, in_node])
def test_the_guides_receiver_takes_what_we_sign_and_nothing_else(receiver):
    now = datetime.now(UTC)
    former, secret, strange = (secret_of(secrets.token_bytes(SECRET_BYTES)) for _ in range(3))
    endpoint = Endpoint("whe_1", "brd_1", "https://a.example", "", (), former, now, now)
    body = body_of("campaign.approved", now, {"name": "Größe 💸"})
    message = Message("msg_1", "whe_1", "campaign.approved", body, "evt_1", now, now)
    before = endpoint.headers_for(message, now)
    endpoint.rotate(secret, now)
    during = endpoint.headers_for(message, now)
    after = endpoint.headers_for(message, now + timedelta(days=2)) | {
        "webhook-timestamp": before["webhook-timestamp"]
    }
    late, early = (endpoint.headers_for(message, now + offset) for offset in (-301 * SECOND, 310 * SECOND))

    taken = receiver(
        [
            (former, before, body),
            (former, during, body),
            (secret, during, body),
            (strange, during, body),
            (former, endpoint.headers_for(message, now + timedelta(days=2)), body),
            (secret, after, body),
            (secret, during, body.replace("Größe", "Grösse")),
            (secret, during | {"webhook-id": "msg_2"}, body),
            (secret, during | {"webhook-signature": "v1,"}, body),
            (secret, late, body),
            (secret, early, body),
        ]
    )

    assert taken == [True, True, True, *[False] * 8]


def test_the_guide_tells_of_every_webhook_and_of_no_other():
    text = (guides.FOLDER / "webhooks.md").read_text()
    table = text.partition("## What is sent")[2].partition("## Verify")[0]

    told = set(re.findall(r"`([a-z_]+\.[a-z_]+)`", table))

    assert told == set(WEBHOOKS) == {*NAMES, TEST}


def test_the_document_shows_what_is_really_sent():
    for name in WEBHOOKS:
        example = sent(name)
        at = datetime.fromisoformat(example["timestamp"])

        assert json.loads(body_of(name, at, example["data"])) == example
