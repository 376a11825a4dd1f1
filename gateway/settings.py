"""What the gateway reads from its environment."""

from __future__ import annotations

from dataclasses import dataclass

from chassis.config import Secret, Settings

MEGABYTE = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class GatewaySettings(Settings):
    """Sizes are bytes. `cors_origins` are the origins whose pages may call us; none by default."""

    media_signing_key: Secret[str] = Secret("")  # noqa: RUF009
    cors_origins: tuple[str, ...] = ()
    # The AsyncAPI document, generated from the services' events when the platform is put together.
    asyncapi_file: str = ""
    # 200 deliveries with their proofs are about 90 KB; providers' webhooks stay below 256 KB.
    max_body_bytes: int = 256 * 1024
    # The largest video that the asset service takes.
    max_upload_bytes: int = 200 * MEGABYTE
    heartbeat_seconds: float = 15.0
    live_poll_seconds: float = 1.0
    # An access token lives for 15 minutes; a stream that it opened lives no longer.
    live_stream_seconds: float = 900.0
    max_live_streams: int = 2000
    dashboard_seconds: float = 2.0
    # What a worker can hold; how many it lets in is decided by how long they wait (waiting.py). At most half
    # of them wait for one service, and fewer while calls queue before it (breakers.py).
    max_in_flight: int = 256
    max_in_flight_per_service: int = 128
    # Each holds two pieces of 64 KB, a file of the object store and nothing of a service while it is sent.
    max_uploads: int = 64
    # How long a client may take to send a body that we hold, or 64 KB of a file, which is not held.
    body_seconds: float = 10.0
    breaker_slow_seconds: float = 3.0
    breaker_rest_seconds: float = 1.0
    # Of the answers that are kept for a day, for one account; more than that, and the oldest are forgotten.
    max_answer_bytes: int = 16 * MEGABYTE
    # The networks of the proxies before us, whose X-Forwarded-For is believed; nobody's by default.
    trusted_proxies: tuple[str, ...] = ()
    # Changes of limits in gateway/rates/policies.py: `read-key=100/60`, `day-key=off`; a factor for the rest.
    rate_limits: tuple[str, ...] = ()
    rate_limit_factor: float = 1.0
    # Without Redis each worker grants its share of the limits by itself; or nothing, if this is off.
    rate_limits_fail_open: bool = True
    # How many workers share the limits: gunicorn starts so many, on each of that many machines.
    gateway_workers: int = 2
    gateway_hosts: int = 1
