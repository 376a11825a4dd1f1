"""Configuration: read from the environment once, into a frozen object."""

from __future__ import annotations

import dataclasses
import os
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

T = TypeVar("T")
S = TypeVar("S", bound="Settings")


class Secret(Generic[T]):
    """A value that neither prints nor logs itself; `reveal()` gives it out."""

    __slots__ = ("_value",)

    def __init__(self, value: T) -> None:
        self._value = value

    def reveal(self) -> T:
        return self._value

    def __repr__(self) -> str:
        return "Secret(…)"

    def __bool__(self) -> bool:
        return bool(self._value)


class ConfigurationError(Exception):
    """A variable is missing or makes no sense; the message names it and never its value."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What every service reads. A field's name in upper case is its variable.

    Times are seconds unless the name says otherwise. Addresses that carry a password are secrets.
    """

    amqp_uri: Secret[str] = Secret("amqp://guest:guest@127.0.0.1:5672//")  # noqa: RUF009
    mongo_uri: Secret[str] = Secret("mongodb://127.0.0.1:27017")  # noqa: RUF009
    database_url: Secret[str] = Secret("")  # noqa: RUF009
    redis_url: Secret[str] = Secret("redis://127.0.0.1:6379/0")  # noqa: RUF009
    object_store_url: str = ""
    database_prefix: str = "gametriggers_"
    public_url: str = "http://127.0.0.1:8000"
    health_host: str = "127.0.0.1"
    health_port: int = 0
    log_level: str = "INFO"
    secrets_key: Secret[str] = Secret("")  # noqa: RUF009
    token_issuer: str = "gametriggers"
    token_audience: str = "gametriggers-api"
    token_keys_service: str = "identity"
    token_keys_poll_seconds: float = 15.0
    rpc_caller_check: bool = True
    rpc_deadline: float = 5.0
    rpc_prefetch: int = 64
    event_retry_delays: tuple[float, ...] = (1.0, 5.0, 30.0, 120.0)
    outbox_sweep_seconds: float = 1.0
    outbox_sweep_age_seconds: float = 3.0
    saga_poll_seconds: float = 0.5
    sentry_dsn: Secret[str] = Secret("")  # noqa: RUF009
    otel_exporter_otlp_endpoint: str = ""

    @classmethod
    def from_environ(cls: type[S], environ: Mapping[str, str] | None = None, **overrides: Any) -> S:
        """Parse the environment; `overrides` (by field name) win, for tests."""
        source = os.environ if environ is None else environ
        hints = typing.get_type_hints(cls)
        values: dict[str, Any] = {}
        for field in dataclasses.fields(cls):
            text = source.get(field.name.upper())
            if text is not None:
                values[field.name] = _parse(field.name.upper(), hints[field.name], text)
        values.update(overrides)
        return cls(**values)


def _parse(variable: str, hint: Any, text: str) -> Any:
    try:
        return _convert(hint, text)
    except (ValueError, KeyError) as error:
        raise ConfigurationError(f"{variable} is not a valid {getattr(hint, '__name__', hint)}") from error


_BOOLEANS = {
    "1": True,
    "true": True,
    "on": True,
    "yes": True,
    "0": False,
    "false": False,
    "off": False,
    "no": False,
}


def _convert(hint: Any, text: str) -> Any:
    origin = typing.get_origin(hint)
    if origin is Secret:
        return Secret(_convert(typing.get_args(hint)[0], text))
    if origin is tuple:
        item = typing.get_args(hint)[0]
        return tuple(_convert(item, part.strip()) for part in text.split(",") if part.strip())
    if hint is bool:
        return _BOOLEANS[text.strip().lower()]
    return hint(text)
