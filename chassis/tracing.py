"""OpenTelemetry traces through HTTP, RPC and events (W3C trace context).

Without an OTLP endpoint nothing is recorded, and an incoming traceparent is passed on as it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.trace import SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

SERVER, CLIENT, PRODUCER, CONSUMER = SpanKind.SERVER, SpanKind.CLIENT, SpanKind.PRODUCER, SpanKind.CONSUMER

_propagator = TraceContextTextMapPropagator()
_recording = False


def configure(service: str, endpoint: str) -> None:
    """Export spans to an OTLP/HTTP endpoint; does nothing when there is none.

    The SDK is imported only then: it costs every process about 15 MB.
    """
    global _recording
    if not endpoint:
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=Resource.create({"service.name": service}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    _recording = True


def is_recording() -> bool:
    """Without it a span does nothing; a caller in a hurry need not open one."""
    return _recording


@contextmanager
def span(name: str, kind: SpanKind, traceparent: str | None) -> Iterator[str | None]:
    """A span under the given parent; yields the traceparent to pass on."""
    if not _recording:
        yield traceparent
        return
    parent = _propagator.extract({"traceparent": traceparent}) if traceparent else None
    tracer = trace.get_tracer("chassis")
    with tracer.start_as_current_span(name, context=parent, kind=kind):
        carrier: dict[str, str] = {}
        _propagator.inject(carrier)
        yield carrier.get("traceparent", traceparent)
