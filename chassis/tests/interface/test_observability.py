"""Traces and error reports leave the process when, and only when, an address for them is set."""

import gzip
import os
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from chassis.context import CallContext
from chassis.errors import Error
from chassis.rpc.client import RpcConnection
from chassis.testing import eventually
from chassis.tests.interface.test_operations import free_port

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT = f"00-{TRACE_ID}-b7ad6b7169203331-01"
# Sentry's integrations double the processor time of a start, and other suites may hold the processors.
SECONDS_TO_START = 60


@pytest.fixture
def collector():
    """A server that keeps what is posted to it, by path."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            server.received.append((self.path, body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_arguments):
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.received = []
    Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()


@pytest.fixture
def sample(settings_env, broker):
    """The sample service in a process of its own, with further variables."""
    started = []

    def start(**variables):
        port = free_port()
        environ = os.environ | settings_env | {"AMQP_URI": broker.uri("asset"), "HEALTH_PORT": str(port)}
        command = [sys.executable, "-m", "chassis.tests.interface.run_sample"]
        started.append(subprocess.Popen(command, env=environ | variables))
        eventually(
            lambda: httpx.get(f"http://127.0.0.1:{port}/health/ready").status_code == 200, SECONDS_TO_START
        )

    yield start
    for child in started:
        child.kill()
        child.wait()


def spans(collector):
    found = []
    for path, body in list(collector.received):
        if path == "/v1/traces":
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                for scope in resource.scope_spans:
                    found.extend(scope.spans)
    return found


def test_a_call_and_the_handling_of_its_event_are_spans_of_the_callers_trace(
    sample, collector, broker, stub_service
):
    address = f"http://127.0.0.1:{collector.server_port}"
    sample(OTEL_EXPORTER_OTLP_ENDPOINT=address, OTEL_BSP_SCHEDULE_DELAY="100")
    neighbour = stub_service("payment", answer=lambda request: {"fine": True})
    connection = RpcConnection(broker.uri("gateway"), "gateway")

    connection.call("asset", "ask_neighbour", {}, context=CallContext(traceparent=TRACEPARENT))

    names = {"asset.ask_neighbour", "rpc payment.answer"}
    eventually(lambda: names <= {span.name for span in spans(collector)})
    assert {span.trace_id.hex() for span in spans(collector) if span.name in names} == {TRACE_ID}
    assert neighbour.contexts["answer"][0]["traceparent"].split("-")[1] == TRACE_ID
    connection.close()


def test_without_an_endpoint_the_callers_trace_is_passed_on_as_it_is(sample, broker, stub_service):
    sample()
    neighbour = stub_service("payment", answer=lambda request: {"fine": True})
    connection = RpcConnection(broker.uri("gateway"), "gateway")

    connection.call("asset", "ask_neighbour", {}, context=CallContext(traceparent=TRACEPARENT))

    assert neighbour.contexts["answer"][0]["traceparent"] == TRACEPARENT
    connection.close()


def test_an_event_carries_the_trace_of_the_call_that_caused_it(sample, broker, capture_events):
    sample()
    captured = capture_events("asset")
    connection = RpcConnection(broker.uri("gateway"), "gateway")

    connection.call("asset", "make", {"thing_id": "x"}, context=CallContext(traceparent=TRACEPARENT))

    captured.wait_for("thing_made")
    assert captured.headers[0]["traceparent"] == TRACEPARENT
    connection.close()


def test_an_unexpected_error_is_reported_to_sentry_and_an_expected_one_is_not(sample, collector, broker):
    sample(SENTRY_DSN=f"http://key@127.0.0.1:{collector.server_port}/1")
    connection = RpcConnection(broker.uri("gateway"), "gateway")

    for method in ("fail", "crash"):
        with pytest.raises(Error):
            connection.call("asset", method, {})

    reported = eventually(lambda: b"".join(body for _, body in collector.received))
    assert b"asset.crash failed" in reported
    assert b"thing_not_found" not in reported
    connection.close()
