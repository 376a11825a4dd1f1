"""The tree of errors that cross a service's boundary.

    Error
    ├── BadRequest 400          the request cannot be understood
    ├── Unauthenticated 401     no valid access token
    │   └── StepUpRequired      valid, and not enough for this (RFC 9470)
    ├── Forbidden 403           the caller may not do this
    ├── NotFound 404            missing, or somebody else's
    ├── Conflict 409            the state of the resource refuses it
    ├── Gone 410                it was there and is so no longer
    ├── PreconditionFailed 412  the caller's version is stale
    ├── TooLarge 413
    ├── ValidationFailed 422    `errors` says what to change, by field
    ├── TooManyRequests 429
    ├── Internal 500            our fault; the detail stays in the log
    └── ServiceUnavailable 503  nobody answers
        └── DeadlineExceeded    no answer in time; the outcome is unknown

A service names its own errors by subclassing one of these and setting `code`
("campaign.not_found"). The code is stable and is what other services compare: an error that
was received over RPC is a plain `Error` that carries the remote's code, status and detail.
"""

from __future__ import annotations

from typing import Any


class Error(Exception):
    """Base of every error that a caller is meant to see.

    `code` is stable, `status` is the HTTP status, `title` is the same for every occurrence,
    `detail` is about this one, `extra` holds further JSON values for the caller.
    """

    code = "internal"
    status = 500
    title = "Internal error"

    def __init__(self, detail: str = "", **extra: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.extra = extra

    def __str__(self) -> str:
        return f"{self.code}: {self.detail or self.title}"

    @property
    def is_final(self) -> bool:
        """True when trying the same thing again cannot succeed."""
        return self.status < 500 and self.status != 429

    def to_wire(self) -> dict[str, Any]:
        """The error member of an RPC reply, readable by stock Nameko as a RemoteError."""
        return {
            "exc_type": self.code,
            "exc_path": self.code,
            "exc_args": [],
            "value": self.detail or self.title,
            "code": self.code,
            "status": self.status,
            "title": self.title,
            "extra": self.extra,
        }


class BadRequest(Error):
    code, status, title = "bad_request", 400, "Bad request"


class Unauthenticated(Error):
    code, status, title = "unauthenticated", 401, "A valid access token is required"


class StepUpRequired(Unauthenticated):
    """`acr_values` and `max_age` (in seconds) say what a token has to show (RFC 9470)."""

    code, title = "insufficient_user_authentication", "Authenticate again, or more strongly"


class Forbidden(Error):
    code, status, title = "forbidden", 403, "Not allowed"


class NotFound(Error):
    code, status, title = "not_found", 404, "Not found"


class Conflict(Error):
    code, status, title = "conflict", 409, "The present state refuses this"


class Gone(Error):
    code, status, title = "gone", 410, "No longer available"


class PreconditionFailed(Error):
    code, status, title = "precondition_failed", 412, "The resource has changed meanwhile"


class TooLarge(Error):
    code, status, title = "too_large", 413, "Too large"


class ValidationFailed(Error):
    code, status, title = "validation_failed", 422, "Some fields are not valid"

    def __init__(self, detail: str = "", errors: dict[str, Any] | None = None, **extra: Any) -> None:
        super().__init__(detail, errors=errors or {}, **extra)

    @property
    def errors(self) -> dict[str, Any]:
        errors: dict[str, Any] = self.extra["errors"]
        return errors


class TooManyRequests(Error):
    code, status, title = "too_many_requests", 429, "Too many requests"


class Internal(Error):
    """Something broke on our side; what, is in the log under the request id."""


class ServiceUnavailable(Error):
    code, status, title = "service_unavailable", 503, "A service is not available"


class DeadlineExceeded(ServiceUnavailable):
    code, title = "deadline_exceeded", "No answer within the deadline"


def from_wire(error: dict[str, Any]) -> Error:
    """Rebuild the error of an RPC reply, ours or a stock Nameko service's.

    A stock service names Python classes instead of codes; those say nothing that a caller
    could act upon, so they become `Internal` with the class name in the detail.
    """
    if "code" not in error:
        return Internal(f"{error.get('exc_type')}: {error.get('value')}")
    received = Error(str(error.get("value", "")), **error.get("extra", {}))
    received.code = str(error["code"])
    received.status = int(error.get("status", 500))
    received.title = str(error.get("title", ""))
    return received
