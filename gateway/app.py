"""The application factory: `gunicorn 'gateway.app:create_app()'`."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from apispec.ext.marshmallow import MarshmallowPlugin
from flask import Flask, Request

from chassis import logs, tracing
from chassis.clock import SystemClock
from chassis.events.listener import EventListener
from chassis.objectstore import open_store
from chassis.rpc.client import RpcConnection
from chassis.tokens import TokenVerifier
from gateway import compression, conditional, headers, observability, outgoing, resources, v1
from gateway.admission import Admission
from gateway.answer_store import RedisAnswers
from gateway.api_keys import Exchange
from gateway.breakers import GuardedConnection, Policy
from gateway.feed import LISTENS_TO, Feed
from gateway.lifecycle import Announced, Documented
from gateway.live import Figures, Hub
from gateway.logfilter import without_token
from gateway.parsing import StrictJSON
from gateway.rates.counts import RedisCounts
from gateway.rates.limiter import Limiter, Setup
from gateway.rates.policies import configured
from gateway.rest import GatewayApi, Id, OverlayToken, bounded_text, schema_name
from gateway.sessions import CatchUp, RevokedSessions
from gateway.settings import GatewaySettings
from gateway.state import EXTENSION, State
from gateway.usage import requests as key_usage
from gateway.usage.counter import UsageCounter
from gateway.usage.store import RedisUsage

NAME = "gateway"

DESCRIPTION = """Brands pay for short sponsored messages inside live streams; streamers earn from what was
really shown. Money is integer minor units with a currency. Times are UTC, RFC 3339. Lists take `limit` and
`cursor`. Errors are problem documents (RFC 9457); compare their `code`."""


class GatewayRequest(Request):
    # Forms are read by gateway.multipart alone; nothing else may be kept in memory.
    max_form_memory_size = 64 * 1024
    max_form_parts = 16


class GatewayApp(Flask):
    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """None of our views and hooks is a coroutine, so nobody needs to look, eight times a request."""
        return func


def create_app(settings: GatewaySettings | None = None) -> Flask:
    """One process's application, connected to the broker in the background."""
    settings = settings or GatewaySettings.from_environ()
    logs.configure(NAME, settings.log_level)
    report_to_sentry(settings.sentry_dsn.reveal())
    tracing.configure(NAME, settings.otel_exporter_otlp_endpoint)
    return build(connect(settings))


def report_to_sentry(dsn: str) -> None:
    """Its Flask integration reports the address of the request, which may be an overlay's."""
    logs.configure_sentry(dsn, NAME, scrub=without_token)


def connect(settings: GatewaySettings) -> State:
    """Everything that a process holds; its connections open in the background, once it is forked."""
    uri = settings.amqp_uri.reveal()
    clock = SystemClock()
    hub, revoked = Hub(settings.max_live_streams), RevokedSessions(clock)
    connection = RpcConnection(uri, NAME, default_timeout=settings.rpc_deadline)
    listener = listen(connection, Feed(hub, revoked), hub, settings)
    usage = RedisUsage(settings.redis_url.reveal(), f"{settings.database_prefix}gateway:usage:")
    return State(
        settings=settings,
        clock=clock,
        connection=GuardedConnection(connection, breaker_policy(settings)),
        listener=listener,
        verifier=verifier(connection, settings),
        revoked=revoked,
        keys=Exchange(lambda request: connection.call("identity", "exchange_api_key", request)),
        hub=hub,
        figures=Figures(settings.live_poll_seconds),
        objects=open_store(settings.object_store_url),
        answers=RedisAnswers(
            settings.redis_url.reveal(),
            f"{settings.database_prefix}gateway:answers:",
            settings.max_answer_bytes,
        ),
        limiter=limiter(settings),
        usage=usage,
        used=counter(usage),
    )


def counter(usage: RedisUsage) -> UsageCounter:
    started = UsageCounter(usage)
    started.start()
    return started


def limiter(settings: GatewaySettings) -> Limiter:
    counts = RedisCounts(settings.redis_url.reveal(), f"{settings.database_prefix}gateway:rates:")
    shared = Limiter(counts, rate_setup(settings))
    shared.start()
    return shared


def rate_setup(settings: GatewaySettings) -> Setup:
    return Setup(
        policies=configured(settings.rate_limits, settings.rate_limit_factor),
        workers=settings.gateway_workers * settings.gateway_hosts,
        is_open_without_redis=settings.rate_limits_fail_open,
    )


def breaker_policy(settings: GatewaySettings) -> Policy:
    return Policy(
        in_flight=settings.max_in_flight_per_service,
        slow_seconds=settings.breaker_slow_seconds,
        rest_seconds=settings.breaker_rest_seconds,
    )


def listen(connection: RpcConnection, feed: Feed, hub: Hub, settings: GatewaySettings) -> EventListener:
    """Whoever watches asks again for everything when events may have been missed, and so do we."""

    def ended_sessions(request: dict[str, Any]) -> dict[str, Any]:
        # What is ended while we ask must reach us as an event.
        listener.wait_ready(settings.rpc_deadline)
        page: dict[str, Any] = connection.call("identity", "revoked_sessions", request)
        return page

    catch_up = CatchUp(ended_sessions, feed.session_revoked)

    def after_a_gap() -> None:
        hub.end_all()
        catch_up.something_was_missed()

    listener = EventListener(settings.amqp_uri.reveal(), NAME, LISTENS_TO, feed.receive, on_gap=after_a_gap)
    listener.start()
    catch_up.something_was_missed()
    return listener


def verifier(connection: RpcConnection, settings: GatewaySettings) -> TokenVerifier:
    def fetch_keys() -> dict[str, Any]:
        keys: dict[str, Any] = connection.call(settings.token_keys_service, "jwks", {})
        return keys

    built = TokenVerifier(fetch_keys, settings.token_issuer, settings.token_audience)
    every = settings.token_keys_poll_seconds
    threading.Thread(target=built.keep_fresh, args=(every,), name="token-keys", daemon=True).start()
    return built


def build(state: State, announced: Announced = v1.ANNOUNCED) -> Flask:
    """The application on a given state; tests bring their own."""
    app = GatewayApp("gateway", static_folder="pages", static_url_path="/pages")
    app.request_class = GatewayRequest
    app.json = StrictJSON(app)
    app.extensions[EXTENSION] = state
    app.config.update(
        MAX_CONTENT_LENGTH=state.settings.max_body_bytes,
        API_TITLE="Gametriggers",
        API_VERSION="v1",
        OPENAPI_VERSION="3.1.0",
        OPENAPI_URL_PREFIX="/",
        OPENAPI_JSON_PATH="openapi.json",
        PROPAGATE_EXCEPTIONS=False,
    )
    app.url_map.converters.update(id=Id, overlay_token=OverlayToken)
    app.url_map.strict_slashes = True
    app.url_map.merge_slashes = False
    # The last one registered is the first to see a response, so the access log comes before the headers.
    compression.register(app)
    headers.register(app, state.settings)
    conditional.register(app)
    key_usage.register(app)
    observability.register(app)
    document(app, announced)
    for blueprint in resources.PLAIN_BLUEPRINTS:
        app.register_blueprint(blueprint)
    announced.in_answers(app, {blueprint.name for blueprint in v1.BLUEPRINTS})
    app.wsgi_app = Admission(  # type: ignore[method-assign]
        app.wsgi_app, state.settings, lambda: app.extensions[EXTENSION].limiter
    )
    return app


def document(app: Flask, announced: Announced) -> None:
    plugin = MarshmallowPlugin(schema_name_resolver=schema_name)
    api = GatewayApi(
        app,
        spec_kwargs={
            "info": {"description": DESCRIPTION},
            "marshmallow_plugin": plugin,
            "extra_plugins": [Documented(announced, v1.PREFIX)],
        },
    )
    api.spec.options["servers"] = [{"url": "/"}]
    api.spec.components.security_scheme(
        "bearer", {"type": "http", "scheme": "bearer", "bearerFormat": "JWT (RFC 9068)"}
    )
    for converter in (Id, OverlayToken):
        api.register_converter(converter, bounded_text)
    for blueprint in (*v1.BLUEPRINTS, *resources.BLUEPRINTS):
        api.register_blueprint(blueprint)
    outgoing.document(api.spec)
