"""The base of every service: clock, ids, settings, the verified end user, and its operations port."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar

import eventlet
import eventlet.wsgi
import orjson
from nameko.containers import WorkerContext
from nameko.extensions import DependencyProvider, SharedExtension
from prometheus_client import make_wsgi_app

from chassis import context, metrics, tracing
from chassis.clock import SystemClock
from chassis.config import Settings
from chassis.extensions import Configuration, Once, Readiness, RpcTransport
from chassis.ids import new_id
from chassis.principal import ANONYMOUS, Principal
from chassis.tokens import TokenPrincipal, TokenVerifier

log = logging.getLogger(__name__)

HUB_LAG_INTERVAL = 1.0


class Clock(DependencyProvider):
    def get_dependency(self, worker_ctx: WorkerContext) -> SystemClock:
        return SystemClock()


class NewId(DependencyProvider):
    def get_dependency(self, worker_ctx: WorkerContext) -> Callable[[str], str]:
        return new_id


class SettingsOf(DependencyProvider):
    """The settings of the service, an instance of its `settings_class`."""

    configuration = Configuration()

    def get_dependency(self, worker_ctx: WorkerContext) -> Any:
        return self.configuration.settings


class Verifier(SharedExtension):
    """The container's one token verifier; it asks the issuer for its keys over RPC."""

    configuration = Configuration()
    transport = RpcTransport()

    def __init__(self) -> None:
        self._verifier = Once(self._build)

    def get(self) -> TokenVerifier:
        return self._verifier.get()

    def start(self) -> None:
        every = self.configuration.settings.token_keys_poll_seconds
        self.container.spawn_managed_thread(
            lambda: self.get().keep_fresh(every, eventlet.sleep), identifier="token-keys"
        )

    def _build(self) -> TokenVerifier:
        settings = self.configuration.settings
        return TokenVerifier(
            lambda: self.transport.get().call(settings.token_keys_service, "jwks", {}),
            settings.token_issuer,
            settings.token_audience,
        )


class EndUser(DependencyProvider):
    """The end user of the call, verified from its token when it is first looked at.

    Once verified, whoever acts is the actor that the audit trail names. Ids are those of the account that
    is acted for; with `in_person` they are the actor's own.
    """

    shared = Verifier()

    def __init__(self, in_person: bool = False) -> None:
        self._in_person = in_person

    def get_dependency(self, worker_ctx: WorkerContext) -> TokenPrincipal:
        token = worker_ctx.data.get("auth_token")
        if self._in_person:
            return TokenPrincipal(lambda: self._verify(token).in_person())
        return TokenPrincipal(lambda: self._verify(token))

    def _verify(self, token: Any) -> Principal:
        if not isinstance(token, str) or not token:
            return ANONYMOUS
        principal = self.shared.get().verify(token)
        actor, session = principal.actor_id, principal.session_id or None
        context.enter(replace(context.current(), actor=actor, session=session))
        return principal


class Operations(DependencyProvider):
    """Sets the context and the trace of each worker, and serves health and metrics over HTTP.

    The port opens last, when everything is set up; /health/live answers as long as the hub turns.
    """

    configuration = Configuration()
    readiness = Readiness()

    def __init__(self) -> None:
        self._server: Any = None
        self._started = False
        self._spans: dict[WorkerContext, Any] = {}

    def start(self) -> None:
        self._started = True
        settings = self.configuration.settings
        self.container.spawn_managed_thread(self._measure_lag, identifier="hub-lag")
        if settings.health_port:
            listener = eventlet.listen((settings.health_host, settings.health_port))
            self._server = eventlet.spawn(
                eventlet.wsgi.server, listener, self._application, log_output=False, keepalive=False
            )

    def stop(self) -> None:
        if self._server is not None:
            self._server.kill()

    kill = stop

    def worker_setup(self, worker_ctx: WorkerContext) -> None:
        # `context_data` would make an id for this worker first. The caller's is in the stack already.
        call = context.from_headers(worker_ctx.data, worker_ctx._parent_call_id_stack)
        if not tracing.is_recording():
            context.enter(call)
            return
        name = f"{worker_ctx.service_name}.{worker_ctx.entrypoint.method_name}"
        span = tracing.span(name, tracing.SERVER, call.traceparent)
        self._spans[worker_ctx] = span
        context.enter(replace(call, traceparent=span.__enter__()))

    def worker_teardown(self, worker_ctx: WorkerContext) -> None:
        span = self._spans.pop(worker_ctx, None)
        if span is not None:
            span.__exit__(None, None, None)
        context.enter(context.EMPTY)

    def _measure_lag(self) -> None:
        while True:
            due = time.monotonic() + HUB_LAG_INTERVAL
            eventlet.sleep(HUB_LAG_INTERVAL)
            metrics.HUB_LAG_SECONDS.set(max(time.monotonic() - due, 0))

    def _failures(self) -> dict[str, str]:
        if not self._started:
            return {"start": "NotYet"}
        # Under the stock container nobody says so.
        if getattr(self.container, "is_stopping", False):
            return {"stop": "Stopping"}
        return self.readiness.failures()

    def _application(self, environ: dict[str, Any], start_response: Any) -> Any:
        path = environ.get("PATH_INFO", "")
        if path == "/metrics":
            return make_wsgi_app()(environ, start_response)
        if path == "/health/live":
            return _json(start_response, "200 OK", {"status": "ok"})
        if path == "/health/ready":
            failures = self._failures()
            status = "503 Service Unavailable" if failures else "200 OK"
            return _json(
                start_response, status, {"status": "not ready" if failures else "ok", "failures": failures}
            )
        return _json(start_response, "404 Not Found", {"status": "not found"})


def _json(start_response: Any, status: str, body: dict[str, Any]) -> list[bytes]:
    payload = orjson.dumps(body)
    start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(payload)))])
    return [payload]


class Service:
    """Base class: `name` and the entrypoints are the subclass's own."""

    name: ClassVar[str]
    settings_class: ClassVar[type[Settings]] = Settings

    operations = Operations()
    clock = Clock()
    new_id = NewId()
    principal = EndUser()
    settings = SettingsOf()
