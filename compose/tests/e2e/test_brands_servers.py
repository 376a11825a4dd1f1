"""A brand's server on a real platform: it fails, notification is killed, and it acts once all the same."""

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
    """Fails as `failures` says, then accepts, and acts on what it accepts once for each webhook-id."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.failures = []
        self.requests = []
        self.acted_on = {}
        self.when_it_accepts = []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/hook"


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status = self.server.failures.pop(0) if self.server.failures else 204
        self.server.requests.append((dict(self.headers.items()), body, status))
        if status == 204:
            self.server.acted_on.setdefault(self.headers["webhook-id"], json.loads(body))
            if self.server.when_it_accepts:
                self.server.when_it_accepts.pop()()
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


def kill(platform, service):
    """As the kernel does when memory is short; the supervisor starts it again."""
    os.kill(Supervisor(Layout.of(platform.environ)).details()[service]["pid"], signal.SIGKILL)


def test_a_brands_server_acts_once_though_it_fails_and_notification_is_killed(platform, receiver):
    url = platform.status()["addresses"]["gateway"]
    brand = register_brand(Api(url), uuid.uuid4().hex[:8]).api
    receiver.failures = [500, 503]
    # Its answer is lost with whoever asked.
    receiver.when_it_accepts = [lambda: kill(platform, "notification")]
    endpoint = brand.post("/v1/webhook-endpoints", {"url": receiver.url, "events": ["deposit.succeeded"]})
    path = f"/v1/webhook-endpoints/{endpoint['id']}"

    brand.post("/v1/wallet/deposits", {"amount": usd(50_000), "provider": "sandbox"})

    def delivered():
        return brand.get(f"{path}/deliveries", status="delivered")["items"]

    [delivery] = eventually(delivered, SECONDS)
    assert [status for _, _, status in receiver.requests] == [500, 503, 204, 204]
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
