"""Twitch's Helix API in this service's terms, and turns for those who ask it."""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from threading import Lock
from typing import Any, Protocol
from urllib.parse import urlsplit

import httpx

from streamer.domain import TWITCH, Channel, ChannelNotFound, PlatformUnavailable

log = logging.getLogger(__name__)

TIMEOUT = httpx.Timeout(3.0, connect=2.0)
"""Below the 5 s that our own callers wait, so that they hear of an outage instead of silence."""

_LOGIN = re.compile(r"[a-z0-9_]{1,25}")


class Twitch:
    """The part of https://dev.twitch.tv/docs/api/reference that we use.

    The app access token is fetched when it is first needed and kept until Twitch says that it is
    no longer good; the request that learnt so is sent once more with a new one.
    """

    def __init__(
        self,
        *,
        auth_url: str,
        api_url: str,
        client_id: str,
        client_secret: str,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._token_url = f"{auth_url.rstrip('/')}/oauth2/token"
        self._api_url = api_url.rstrip("/")
        self._client_id = client_id
        self._client_secret = client_secret
        self._http = httpx.Client(timeout=TIMEOUT, transport=transport, trust_env=False)
        self._token = ""
        self._token_lock = Lock()

    def close(self) -> None:
        self._http.close()

    def find(self, username: str) -> Channel:
        """The channel of that login, with its followers and, when it is live, its viewers."""
        login = username.lower()
        users = self._data("users", login=login) if _LOGIN.fullmatch(login) else []
        if not users:
            raise ChannelNotFound(
                f"Twitch knows no channel {username}", {"username": ["Twitch knows no such channel."]}
            )
        with _expected_shapes():
            return self._channel(str(users[0]["id"]), str(users[0]["login"]))

    def viewers(self, channel_id: str) -> int | None:
        with _expected_shapes():
            return _viewers(self._stream(channel_id))

    def _channel(self, channel_id: str, login: str) -> Channel:
        stream = self._stream(channel_id)
        return Channel(
            channel_id=channel_id,
            username=login,
            channel_url=f"https://www.twitch.tv/{login}",
            followers=int(self._get("channels/followers", broadcaster_id=channel_id)["total"]),
            viewers=_viewers(stream),
            category="" if stream is None else str(stream["game_name"])[:100],
        )

    def _stream(self, channel_id: str) -> dict[str, Any] | None:
        live = [stream for stream in self._data("streams", user_id=channel_id) if stream["type"] == "live"]
        return live[0] if live else None

    def _data(self, resource: str, **query: str) -> list[dict[str, Any]]:
        with _expected_shapes():
            return list(self._get(resource, **query)["data"])

    def _get(self, resource: str, **query: str) -> dict[str, Any]:
        token = self._current_token()
        response = self._ask(resource, query, token)
        if response.status_code == httpx.codes.UNAUTHORIZED:
            response = self._ask(resource, query, self._current_token(instead_of=token))
        return _body(response)

    def _ask(self, resource: str, query: dict[str, str], token: str) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}", "Client-Id": self._client_id}
        return self._send("GET", f"{self._api_url}/helix/{resource}", params=query, headers=headers)

    def _current_token(self, instead_of: str = "") -> str:
        """The token in use. Many may find at once that it expired; the first of them replaces it."""
        with self._token_lock:
            if self._token == instead_of:
                self._token = self._new_token()
            return self._token

    def _new_token(self) -> str:
        form = {
            "client_id": self._client_id,
            "client_secret": self._client_secret,
            "grant_type": "client_credentials",
        }
        with _expected_shapes():
            return str(_body(self._send("POST", self._token_url, data=form))["access_token"])

    def _send(self, method: str, url: str, **content: Any) -> httpx.Response:
        try:
            return self._http.request(method, url, **content)
        except httpx.HTTPError as error:
            log.warning("Twitch does not answer: %s", type(error).__name__)
            raise PlatformUnavailable("Twitch does not answer") from error


def _body(response: httpx.Response) -> dict[str, Any]:
    """The JSON of a good answer. Anything else is an outage to our callers; its status alone is logged."""
    if response.is_success:
        try:
            body = response.json()
        except ValueError:
            body = None
        if isinstance(body, dict):
            return body
    log.warning("Twitch answered %s to %s", response.status_code, response.request.url.path)
    raise PlatformUnavailable(f"Twitch answered with status {response.status_code}")


@contextmanager
def _expected_shapes() -> Iterator[None]:
    """An answer that lacks what the reference promises is an outage, too."""
    try:
        yield
    except (KeyError, TypeError, ValueError, IndexError) as error:
        log.warning("Twitch's answer has not the expected shape")
        raise PlatformUnavailable("Twitch gave an answer that we don't understand") from error


def _viewers(stream: dict[str, Any] | None) -> int | None:
    return None if stream is None else int(stream["viewer_count"])


class TwitchApi(Protocol):
    def find(self, username: str) -> Channel: ...

    def viewers(self, channel_id: str) -> int | None: ...


class Platforms:
    """All platforms. Twitch is asked; a channel elsewhere is taken as named until an admin looks at it."""

    def __init__(self, twitch: TwitchApi) -> None:
        self._twitch = twitch

    def find(self, platform: str, username: str, channel_url: str) -> Channel:
        if platform == TWITCH:
            return self._twitch.find(username)
        return Channel(
            channel_id=_channel_key(username, channel_url), username=username, channel_url=channel_url
        )

    def viewers(self, platform: str, channel_id: str) -> int | None:
        return self._twitch.viewers(channel_id) if platform == TWITCH else None


def _channel_key(username: str, channel_url: str) -> str:
    """What tells channels of one platform apart where the platform gives us no id."""
    parts = urlsplit(channel_url)
    return f"{parts.netloc.lower().removeprefix('www.')}{parts.path.rstrip('/')}" or username.lower()


class Stripes:
    """A fixed number of locks. Two keys may share one, which costs a wait and breaks nothing."""

    def __init__(self, count: int = 64) -> None:
        self._locks = [Lock() for _ in range(count)]

    def of(self, key: str) -> AbstractContextManager[Any]:
        digest = hashlib.blake2b(key.encode(), digest_size=8).digest()
        return self._locks[int.from_bytes(digest, "big") % len(self._locks)]
