import os
import signal
import socket
import subprocess
import sys
import time

import httpx
import pytest

from chassis.rpc.client import RpcConnection
from chassis.testing import eventually
from chassis.tests.interface.sample import SampleService


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def port():
    return free_port()


@pytest.fixture
def address(port):
    return f"http://127.0.0.1:{port}"


def test_a_running_service_is_live_and_ready(run_service, port, address):
    run_service(SampleService, health_port=port)

    assert eventually(lambda: httpx.get(f"{address}/health/live").status_code == 200)
    assert httpx.get(f"{address}/health/ready").json() == {"status": "ok", "failures": {}}


def test_a_service_without_its_broker_is_live_but_not_ready(run_service, port, address):
    container = run_service(SampleService, health_port=port)
    for extension in container.extensions:
        link = getattr(extension, "link", None)
        if link is not None:
            link.stop()

    answer = eventually(lambda: (r := httpx.get(f"{address}/health/ready")).status_code == 503 and r)

    assert "consumer" in answer.json()["failures"]
    assert httpx.get(f"{address}/health/live").status_code == 200


def test_metrics_count_calls_by_method_and_outcome(run_service, rpc, port, address):
    run_service(SampleService, health_port=port)
    rpc("asset").echo({})

    metrics = httpx.get(f"{address}/metrics").text

    assert 'rpc_server_seconds_count{method="asset.echo",outcome="ok"}' in metrics


@pytest.fixture
def process(settings_env, broker, port):
    """The sample service in a process of its own, as `python -m chassis run` starts one."""
    started = []

    def start():
        environ = os.environ | settings_env | {"AMQP_URI": broker.uri("asset"), "HEALTH_PORT": str(port)}
        command = [sys.executable, "-m", "chassis.tests.interface.run_sample"]
        started.append(subprocess.Popen(command, env=environ, stderr=subprocess.PIPE, text=True))
        eventually(lambda: httpx.get(f"http://127.0.0.1:{port}/health/ready").status_code == 200, 20)
        return started[-1]

    yield start
    for child in started:
        child.kill()
        child.wait()
        child.stderr.close()


def test_a_service_told_to_stop_finishes_what_it_holds(process, broker):
    child = process()
    connection = RpcConnection(broker.uri("gateway"), "gateway")
    import eventlet

    running = eventlet.spawn(lambda: connection.call("asset", "slow", {"seconds": 1}, timeout=5))
    eventlet.sleep(0.3)

    child.send_signal(signal.SIGTERM)

    assert running.wait() == {"slept": 1}
    eventually(lambda: child.poll() is not None, 10)
    connection.close()


def test_a_service_told_to_stop_is_not_ready_and_refuses_nobody(process, broker, address, tmp_path):
    """Calls that come while one process stops are all answered: by it, or by the one beside it."""
    import eventlet

    from chassis.testing.services import StubService

    child = process()
    connection = RpcConnection(broker.uri("gateway"), "gateway")
    let_go = tmp_path / "let-go"
    held = eventlet.spawn(lambda: connection.call("asset", "hold", {"until": str(let_go)}, timeout=20))
    eventually(lambda: broker.depth("rpc-asset") == 0 and connection.pending)
    eventlet.sleep(0.3)
    successor = StubService(broker.uri("asset"), "asset", {"echo": lambda request: request})
    calls = [eventlet.spawn(lambda n=n: connection.call("asset", "echo", {"n": n})) for n in range(100)]

    child.send_signal(signal.SIGTERM)
    calls += [eventlet.spawn(lambda n=n: connection.call("asset", "echo", {"n": n})) for n in range(100, 300)]

    assert [call.wait() for call in calls] == [{"n": n} for n in range(300)]
    assert eventually(lambda: httpx.get(f"{address}/health/ready").json()["failures"] == {"stop": "Stopping"})
    let_go.touch()
    assert held.wait() == {"held": True}
    eventually(lambda: child.poll() is not None, 10)
    successor.close()
    connection.close()


def test_a_service_that_holds_what_takes_too_long_is_gone_within_ten_seconds(process, broker):
    import eventlet

    child = process()
    connection = RpcConnection(broker.uri("gateway"), "gateway")
    eventlet.spawn_n(lambda: connection.call("asset", "slow", {"seconds": 60}, timeout=30))
    eventlet.sleep(0.3)
    started = time.monotonic()

    child.send_signal(signal.SIGTERM)

    eventually(lambda: child.poll() is not None, 15)
    assert time.monotonic() - started < 10
    connection.close()


def test_the_caller_of_a_killed_service_has_an_answer_within_its_deadline(process, broker):
    from chassis.errors import ServiceUnavailable

    child = process()
    connection = RpcConnection(broker.uri("gateway"), "gateway")
    import eventlet

    eventlet.spawn_after(0.3, child.kill)
    started = time.monotonic()

    with pytest.raises(ServiceUnavailable):
        connection.call("asset", "slow", {"seconds": 5}, timeout=2)

    assert time.monotonic() - started < 3
    connection.close()


def test_logs_are_json_and_carry_the_request_id(process, broker):
    import json

    from chassis.context import CallContext

    child = process()
    connection = RpcConnection(broker.uri("gateway"), "gateway")

    with pytest.raises(Exception, match="internal"):
        connection.call("asset", "crash", {}, context=CallContext(request_id="req-77"))

    child.send_signal(signal.SIGTERM)
    lines = [json.loads(line) for line in child.communicate(timeout=10)[1].splitlines()]
    [crash] = [line for line in lines if "asset.crash failed" in line["message"]]
    assert (crash["request_id"], crash["service"], crash["level"]) == ("req-77", "asset", "error")
    assert "a secret path" in crash["exception"]
    connection.close()
