import time
import uuid

import amqp
import pytest
from amqp.basic_message import Message
from nameko.containers import ServiceContainer
from nameko.exceptions import MethodNotFound as StockMethodNotFound
from nameko.exceptions import RemoteError
from nameko.rpc import rpc as stock_rpc
from nameko.standalone.rpc import ServiceRpcProxy

from chassis.context import CallContext
from chassis.errors import Conflict, DeadlineExceeded, Error, ServiceUnavailable
from chassis.rpc.client import RpcConnection
from chassis.testing import eventually
from chassis.tests.interface.sample import SampleService


@pytest.fixture
def service(run_service):
    return run_service(SampleService)


def test_an_answer_is_what_the_method_returned(service, rpc):
    answer = rpc("asset").echo({"text": "grüße", "number": 2**40, "nested": {"list": [1, None, True]}})

    assert answer == {"text": "grüße", "number": 2**40, "nested": {"list": [1, None, True]}}


def test_an_error_crosses_as_its_code_status_detail_and_extra(service, rpc):
    with pytest.raises(Error) as caught:
        rpc("asset").fail({})

    error = caught.value
    assert (error.code, error.status, error.detail) == ("asset.thing_not_found", 404, "nothing here")
    assert error.extra == {"looked_in": "the cupboard"}


def test_an_unexpected_exception_tells_the_caller_nothing(service, rpc):
    with pytest.raises(Error) as caught:
        rpc("asset").crash({})

    assert caught.value.code == "internal"
    assert "secret" not in str(caught.value)


def test_invalid_fields_are_named(service, rpc):
    with pytest.raises(Error) as caught:
        rpc("asset").make({"thing_id": 5, "surplus": 1})

    assert caught.value.status == 422
    assert set(caught.value.extra["errors"]) == {"thing_id", "surplus"}


def test_a_result_that_is_not_json_is_our_fault(service, rpc):
    with pytest.raises(Error) as caught:
        rpc("asset").not_json({})

    assert caught.value.code == "internal"


def test_an_unknown_method_is_said_to_be_unknown(service, rpc):
    with pytest.raises(Error) as caught:
        rpc("asset").no_such_thing({})

    assert caught.value.code == "rpc.method_not_found"


def test_a_missing_service_is_known_at_once(rpc):
    proxy = rpc("brand")
    started = time.monotonic()

    with pytest.raises(ServiceUnavailable) as caught:
        proxy.anything({}, timeout=5)

    assert caught.value.code == "service_unavailable"
    assert time.monotonic() - started < 3


def test_a_silent_service_is_known_when_the_deadline_has_passed(service, rpc):
    started = time.monotonic()

    with pytest.raises(DeadlineExceeded):
        rpc("asset").slow({"seconds": 3}, timeout=0.3)

    assert 0.2 < time.monotonic() - started < 1.3


def test_a_call_that_gave_up_leaves_no_entry_behind(service, broker):
    connection = RpcConnection(broker.uri("gateway"), "gateway")

    with pytest.raises(DeadlineExceeded):
        connection.call("asset", "slow", {"seconds": 1}, timeout=0.1)

    assert connection.pending == 0
    connection.close()


def test_a_request_whose_deadline_has_passed_is_never_run(service, broker, rpc):
    connection, channel, queue = _stock_channel(broker)
    headers = {"nameko.deadline_ms": int(time.time() * 1000) - 1}
    late = Message(
        b'{"args": [{"seconds": 0}], "kwargs": {}}',
        content_type="application/json",
        reply_to=queue,
        correlation_id="1",
        application_headers=headers,
    )
    channel.basic_publish(late, "nameko-rpc", "asset.slow")

    eventually(lambda: broker.depth("rpc-asset") == 0)

    assert rpc("asset").notes({"kind": "slow"}) == {"notes": []}
    connection.close()


def test_a_nested_call_gets_what_is_left_of_the_deadline(service, rpc, stub_service):
    neighbour = stub_service("payment", answer=lambda request: {"fine": True})

    rpc("asset").ask_neighbour({}, timeout=2)

    left_ms = neighbour.contexts["answer"][0]["deadline_ms"] - time.time() * 1000
    assert 0 < left_ms <= 2000


@pytest.mark.parametrize(
    ("calls_before", "told"),
    [
        (["first.call.1", "second.call.2"], ["first.call.1", "second.call.2"]),
        ([f"call.{number}" for number in range(15)], [f"call.{number}" for number in range(5, 15)]),
        (5, []),
    ],
    ids=["few", "many", "nonsense"],
)
def test_a_nested_call_tells_of_the_ten_calls_before_it(service, broker, stub_service, calls_before, told):
    neighbour = stub_service("payment", answer=lambda request: {"fine": True})
    connection, channel, queue = _stock_channel(broker)
    request = Message(
        b'{"args": [{}], "kwargs": {}}',
        content_type="application/json",
        reply_to=queue,
        correlation_id="1",
        application_headers={"nameko.call_id_stack": calls_before},
    )

    channel.basic_publish(request, "nameko-rpc", "asset.ask_neighbour")

    eventually(lambda: neighbour.contexts["answer"])
    *before, own = neighbour.contexts["answer"][0]["call_id_stack"]
    assert before == told
    assert own not in before
    connection.close()


def test_an_error_of_a_neighbour_reaches_the_caller_with_its_code(service, rpc, stub_service):
    def refuse(request):
        raise Conflict("no")

    stub_service("payment", answer=refuse)

    with pytest.raises(Error) as caught:
        rpc("asset").ask_neighbour({})

    assert caught.value.code == "conflict"


def test_a_caller_that_is_not_listed_is_refused(service, rpc):
    with pytest.raises(Error) as caught:
        rpc("asset", user="brand").private({})

    assert caught.value.code == "rpc.caller_not_allowed"
    assert rpc("asset", user="gateway").private({}) == {"ok": True}


def test_nobody_can_pretend_to_be_another_caller(service, broker):
    connection, channel, queue = _stock_channel(broker, "brand")
    forged = Message(
        b'{"args": [{}], "kwargs": {}}', content_type="application/json", reply_to=queue, user_id="gateway"
    )

    channel.basic_publish(forged, "nameko-rpc", "asset.private")

    with pytest.raises(amqp.exceptions.PreconditionFailed):
        connection.drain_events(timeout=5)


def test_the_end_user_is_verified_from_the_token_by_the_service_itself(service, rpc, tokens):
    token = tokens.issue("brand", "brd_1")

    assert rpc("asset", token=token).who({}) == {"id": "brd_1"}


@pytest.mark.parametrize("token", [None, "nonsense", "a.b.c"])
def test_without_a_valid_token_nobody_is_anybody(service, rpc, tokens, token):
    with pytest.raises(Error) as caught:
        rpc("asset", token=token).who({})

    assert caught.value.status == 401


def test_a_message_without_reply_to_is_dead_lettered_and_the_service_goes_on(service, broker, rpc):
    connection, channel, _ = _stock_channel(broker)
    channel.basic_publish(
        Message(b'{"args": [], "kwargs": {}}', content_type="application/json"), "nameko-rpc", "asset.echo"
    )

    eventually(lambda: broker.depth("asset.dead-letters") == 1)

    assert rpc("asset").echo({"still": "here"}) == {"still": "here"}
    connection.close()


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b'{"args": 5, "kwargs": {}}', b'{"args": [1], "kwargs": {}}', b"\xff\xfe"]
)
def test_a_message_that_is_no_request_is_refused_and_the_service_goes_on(service, broker, rpc, body):
    connection, channel, queue = _stock_channel(broker)
    replies = []
    channel.basic_consume(queue, no_ack=True, callback=lambda message: replies.append(message.body))
    channel.basic_publish(
        Message(body, content_type="application/json", reply_to=queue), "nameko-rpc", "asset.echo"
    )

    connection.drain_events(timeout=5)

    assert b"bad_request" in (replies[0] if isinstance(replies[0], bytes) else replies[0].encode())
    assert rpc("asset").echo({"still": "here"}) == {"still": "here"}
    connection.close()


def test_a_request_of_a_process_that_died_is_answered_and_not_run_again(broker, run_service, rpc):
    connection, channel, queue = _stock_channel(broker, "operator")
    channel.queue_declare("rpc-asset", durable=True, auto_delete=False)
    channel.queue_bind("rpc-asset", "nameko-rpc", "asset.*")
    request = Message(
        b'{"args": [{"seconds": 0}], "kwargs": {}}',
        content_type="application/json",
        reply_to=queue,
        correlation_id="7",
    )
    channel.basic_publish(request, "nameko-rpc", "asset.slow")
    dying = amqp.Connection(**_credentials(broker, "operator"))
    dying.connect()
    eventually(lambda: dying.channel().basic_get("rpc-asset") is not None)
    dying.collect()
    replies = []
    channel.basic_consume(queue, no_ack=True, callback=lambda message: replies.append(str(message.body)))

    run_service(SampleService)
    connection.drain_events(timeout=10)

    assert "outcome is unknown" in replies[0]
    assert rpc("asset").notes({"kind": "slow"}) == {"notes": []}
    connection.close()


class TestStockNameko:
    """Both ways: a plain Nameko service and client of another team, unchanged."""

    def test_a_stock_client_calls_our_service(self, service, broker):
        with ServiceRpcProxy("asset", {"AMQP_URI": broker.uri("operator")}, timeout=5) as asset:
            assert asset.echo({"from": "stock"}) == {"from": "stock"}
            assert asset.echo(as_keyword="works") == {"as_keyword": "works"}

    def test_a_stock_client_reads_our_errors(self, service, broker):
        with ServiceRpcProxy("asset", {"AMQP_URI": broker.uri("operator")}, timeout=5) as asset:
            with pytest.raises(RemoteError) as caught:
                asset.fail({})
            with pytest.raises(StockMethodNotFound):
                asset.no_such_method({})

        assert caught.value.exc_type == "asset.thing_not_found"

    def test_a_stock_client_that_names_no_user_reaches_only_open_methods(self, service, broker):
        with (
            ServiceRpcProxy("asset", {"AMQP_URI": broker.uri("operator")}, timeout=5) as asset,
            pytest.raises(RemoteError) as caught,
        ):
            asset.private({})

        assert caught.value.exc_type == "rpc.caller_not_allowed"

    def test_we_call_a_stock_service(self, broker, rpc):
        container = ServiceContainer(StockService, {"AMQP_URI": broker.uri("operator")})
        container.start()
        try:
            assert rpc("stock").shout({"word": "hello"}) == "HELLO"
            with pytest.raises(Error) as caught:
                rpc("stock").explode({})
            assert "ValueError" in str(caught.value)
        finally:
            container.stop()


class StockService:
    name = "stock"

    @stock_rpc
    def shout(self, request):
        return request["word"].upper()

    @stock_rpc
    def explode(self, request):
        raise ValueError("boom")


def test_calls_work_again_after_the_connection_was_cut(service, broker):
    connection = RpcConnection(broker.uri("gateway"), "gateway")
    connection.call("asset", "echo", {})
    connection._link._drop()

    assert eventually(lambda: connection.call("asset", "echo", {"again": True}, timeout=1)) == {"again": True}
    connection.close()


def test_fifty_calls_at_once_share_one_connection(service, broker):
    import eventlet

    connection = RpcConnection(broker.uri("gateway"), "gateway")
    pool = eventlet.GreenPool(50)

    answers = list(pool.imap(lambda n: connection.call("asset", "echo", {"n": n})["n"], range(300)))

    assert answers == list(range(300))
    connection.close()


def test_the_context_of_a_call_says_who_and_until_when(service, broker):
    context = CallContext(deadline=time.time() - 1)
    connection = RpcConnection(broker.uri("gateway"), "gateway")

    with pytest.raises(DeadlineExceeded):
        connection.call("asset", "echo", {}, context=context)

    connection.close()


def _credentials(broker, user):
    from urllib.parse import urlsplit

    parts = urlsplit(broker.uri(user))
    return {
        "host": f"{parts.hostname}:{parts.port}",
        "userid": parts.username,
        "password": parts.password,
        "virtual_host": parts.path[1:],
    }


def _stock_channel(broker, user="gateway"):
    connection = amqp.Connection(**_credentials(broker, user))
    connection.connect()
    channel = connection.channel()
    queue = f"rpc.reply-{user}-{uuid.uuid4()}"
    channel.queue_declare(queue, exclusive=True)
    channel.queue_bind(queue, "nameko-rpc", queue)
    return connection, channel, queue
