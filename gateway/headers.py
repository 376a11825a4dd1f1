"""Headers that every response carries: what a browser must not do with it, and who may read it."""

from __future__ import annotations

from collections.abc import Container

from flask import Flask, Response, request

from gateway.settings import GatewaySettings

NOTHING = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
PAGE = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self'; "
    "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)

ALLOWED_REQUEST_HEADERS = (
    "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, X-Request-Id, traceparent"
)
EXPOSED_RESPONSE_HEADERS = (
    "Deprecation, ETag, Idempotency-Replayed, Link, Location, RateLimit, RateLimit-Policy, Retry-After, "
    "Sunset, X-Request-Id"
)
HARDENED = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": NOTHING,
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
PREFLIGHT_SECONDS = 600
ONE_YEAR = 31_536_000


def register(app: Flask, settings: GatewaySettings) -> None:
    hardened = list(HARDENED.items())
    if settings.public_url.startswith("https://"):
        hardened.append(("Strict-Transport-Security", f"max-age={ONE_YEAR}; includeSubDomains"))
    origins = frozenset(settings.cors_origins)

    @app.after_request
    def harden(response: Response) -> Response:
        # One pass over what is there: each look-up by name would be one of its own.
        given = {name.lower() for name, _ in response.headers}
        response.headers.extend([header for header in hardened if header[0].lower() not in given])
        return response

    @app.after_request
    def share(response: Response) -> Response:
        """CORS, for the configured origins alone; no cookies are used, so none are allowed."""
        if not origins:
            return response
        response.vary.add("Origin")
        shared = sharing(request.headers.get("Origin"), origins)
        response.headers.update(shared)
        if shared and request.method == "OPTIONS":
            response.headers["Access-Control-Allow-Methods"] = response.headers.get("Allow", "GET")
            response.headers["Access-Control-Allow-Headers"] = ALLOWED_REQUEST_HEADERS
            response.headers["Access-Control-Max-Age"] = str(PREFLIGHT_SECONDS)
        return response


def sharing(origin: str | None, origins: Container[str | None]) -> dict[str, str]:
    """What lets pages of `origin` read a response; nothing when it is none of the configured ones."""
    if not origin or origin not in origins:
        return {}
    return {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Expose-Headers": EXPOSED_RESPONSE_HEADERS,
    }
