"""What the protocols share: HTTP that waits for nobody long, and answers that are read with suspicion."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import httpx

from chassis.money import Money
from payment.domain.errors import ProviderUnavailable
from payment.domain.provider import Progress, ProviderObject

T = TypeVar("T")

# Below the deadline of the request that waits for it, so that a slow provider does not cost the answer.
TIMEOUT = httpx.Timeout(2.5, connect=1.0)

# So many calls in a row without a usable answer, and for a while nobody waits for the next ones.
FAILURES_BEFORE_REST = 5
REST_SECONDS = 2.0

LONGEST_TEXT = 255
# ISO 4217 keeps this code for transactions without a currency.
NO_CURRENCY = "XXX"
NOTHING = ProviderObject("", "", Money.zero(NO_CURRENCY), Progress.PROCESSING)


class Link:
    """HTTP to one provider. ProviderUnavailable when nothing is known of what became of a call.

    It is a circuit breaker, too: whatever is asked while it rests is answered at once, and asked again later
    by whoever retries under the same idempotency key.
    """

    def __init__(
        self,
        url: str,
        headers: Mapping[str, str],
        *,
        transport: httpx.BaseTransport | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.url = url.rstrip("/")
        self._client = httpx.Client(
            base_url=self.url, headers=dict(headers), timeout=TIMEOUT, transport=transport
        )
        self._monotonic = monotonic
        self._failures = 0
        self._rests_until = 0.0

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        if self._failures >= FAILURES_BEFORE_REST and self._monotonic() < self._rests_until:
            raise ProviderUnavailable("the provider has not answered of late and is left alone")
        try:
            answer = self._client.request(method, path, **options)
        except httpx.HTTPError as error:
            self._failed()
            raise ProviderUnavailable(type(error).__name__) from error
        if answer.is_server_error or answer.status_code == httpx.codes.TOO_MANY_REQUESTS:
            self._failed()
        else:
            self._failures = 0
        return answer

    def _failed(self) -> None:
        self._failures += 1
        self._rests_until = self._monotonic() + REST_SECONDS


def expected(answer: httpx.Response, *statuses: int) -> dict[str, Any]:
    """The JSON object of an answer; ProviderUnavailable for what does not say what became of the order."""
    if answer.status_code not in statuses:
        raise ProviderUnavailable(f"the provider answered {answer.status_code}")
    try:
        body = answer.json()
    except ValueError as error:
        raise ProviderUnavailable("the provider's answer is not JSON") from error
    if not isinstance(body, dict):
        raise ProviderUnavailable("the provider's answer is not understood")
    return body


def understood(read: Callable[[Mapping[str, Any]], T], body: Mapping[str, Any]) -> T:
    try:
        return read(body)
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise ProviderUnavailable("the provider's answer is not understood") from error


def text(value: Any) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_TEXT:
        raise ValueError("a text of 1 to 255 characters is expected")
    return value


def reason_of(answer: httpx.Response, *path: str) -> str:
    try:
        found = answer.json()
        for name in path:
            found = found[name]
        return text(found)
    except (ValueError, KeyError, TypeError):
        return f"the provider answered {answer.status_code}"
