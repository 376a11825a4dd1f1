"""A brand's server on a real platform: it fails, notification is killed, and what counts is told once."""

import json
import os
import signal
import threading
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
from standardwebhooks import Webhook

from chassis.testing import eventually
from compose.demo.actors import register_brand, usd
from compose.demo.api import Api
from compose.layout import Layout
from compose.supervisor import Supervisor

pytestmark = pytest.mark.timeout(300)

SECONDS = 60


class Receiver(ThreadingHTTPServer):
    """Answers as `answers` says, then 204. It acts on what it has accepted, once for each webhook-id."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers = []
        self.requests = []
        self.acted_on = {}
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/hook"


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status = self.server.answers.pop(0) if self.server.answers else 204
        self.server.requests.append((dict(self.headers.items()), body, status))
        if status == 204:
            self.server.acted_on.setdefault(self.headers["webhook-id"], json.loads(body))
        self.send_response(status)
        self.end_headers()

    def log_message(self, *arguments):
        pass


@pytest.fixture
def receiver():
    own = Receiver()
    yield own
    own.shutdown()
    own.server_close()


def process_of(platform, service):
    return Supervisor(Layout.of(platform.environ)).details()[service]["pid"]


def kill(platform, service):
    """As the kernel does when memory is short; the supervisor starts it again."""
    pid = process_of(platform, service)
    os.kill(pid, signal.SIGKILL)
    return pid


def test_a_brands_server_is_told_once_though_it_fails_and_notification_is_killed(platform, receiver):
    url = platform.status()["addresses"]["gateway"]
    brand = register_brand(Api(url), uuid.uuid4().hex[:8]).api
    receiver.answers = [500, 503]
    endpoint = brand.post("/v1/webhook-endpoints", {"url": receiver.url, "events": ["deposit.succeeded"]})
    path = f"/v1/webhook-endpoints/{endpoint['id']}"

    brand.post("/v1/wallet/deposits", {"amount": usd(50_000), "provider": "sandbox"})
    eventually(lambda: len(receiver.requests) == 1, SECONDS)
    first = kill(platform, "notification")
    eventually(lambda: receiver.acted_on, SECONDS)
    # The answer to what was just accepted may be lost as well: it is sent again then, under its id.
    second = kill(platform, "notification")

    def delivered():
        return brand.get(f"{path}/deliveries", status="delivered")["items"]

    [delivery] = eventually(delivered, SECONDS)
    assert process_of(platform, "notification") not in (first, second)
    assert [status for _, _, status in receiver.requests][:3] == [500, 503, 204]
    [(webhook_id, payload)] = receiver.acted_on.items()
    assert webhook_id == delivery["id"]
    assert payload["type"] == "deposit.succeeded"
    assert payload["data"]["amount"] == usd(50_000)
    for headers, body, _ in receiver.requests:
        assert Webhook(endpoint["secret"]).verify(body, headers) == payload
        assert headers["webhook-id"] == webhook_id

    logs = [file for file in platform.run_dir.rglob("*.log*") if file.is_file()]
    secret = endpoint["secret"].removeprefix("whsec_").encode()
    assert logs
    assert not [file for file in logs if secret in file.read_bytes()]
    assert httpx.get(f"{url}{path}").status_code == 401
