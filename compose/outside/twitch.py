"""A local server that speaks the part of Twitch's API that we use.

    TWITCH_PORT=8091 STATE_FILE=.run/twitch.json python -m compose.outside.twitch

People log in there with OpenID Connect (see openid.py), from where REDIRECT_URIS says. It listens on
loopback alone and prints its address. Shapes and errors follow
https://dev.twitch.tv/docs/api/reference; what is under /_control is not Twitch's:

    PUT    /_control/users/{login}   {id?, followers?, viewer_count?, game_name?, language?}: a channel,
                                     offline while viewer_count is null
    PUT    /_control/outage          {"active": true}: every answer of Twitch's becomes a 503
    DELETE /_control/tokens          every token given out so far is no longer good
    GET    /_control/requests        how often each of Twitch's paths was asked
"""

from __future__ import annotations

import json
import os
import secrets
import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any

from flask import Flask, Response, jsonify, request
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from compose.outside import openid
from compose.outside.openid import OpenId

TOKEN_SECONDS = 5_000_000
"""About what Twitch gives an app access token, 60 days."""

FIRST_USER_ID = 40_000_001


@dataclass
class Channel:
    """A Twitch user with a channel; `viewer_count` is None while it is offline."""

    id: str
    login: str
    followers: int = 0
    viewer_count: int | None = None
    game_name: str = ""
    language: str = "en"
    started_at: str = ""


class State:
    """Channels and tokens. Channels survive a restart when there is a file to keep them in."""

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._lock = Lock()
        self._tokens: set[str] = set()
        self._channels: dict[str, Channel] = {}
        self.outage = False
        self.requests: Counter[str] = Counter()
        if file is not None and file.exists():
            self._channels = {row["login"]: Channel(**row) for row in json.loads(file.read_text())}

    def channel(self, *, login: str = "", id: str = "") -> Channel | None:
        with self._lock:
            if login:
                return self._channels.get(login.lower())
            return next((channel for channel in self._channels.values() if channel.id == id), None)

    def put(self, login: str, changes: dict[str, Any]) -> Channel:
        with self._lock:
            channel = self._channels.setdefault(
                login.lower(), Channel(str(FIRST_USER_ID + len(self._channels)), login.lower())
            )
            for name, value in changes.items():
                setattr(channel, name, value)
            if channel.viewer_count is None:
                channel.started_at = ""
            elif not channel.started_at:
                channel.started_at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            self._keep()
            return channel

    def _keep(self) -> None:
        """Write beside the file and rename, so that a kill leaves the old content or the new."""
        if self._file is None:
            return
        partial = self._file.with_suffix(".partial")
        partial.write_text(json.dumps([asdict(channel) for channel in self._channels.values()]))
        partial.replace(self._file)

    def new_token(self) -> str:
        token = secrets.token_hex(15)
        with self._lock:
            self._tokens.add(token)
        return token

    def knows(self, token: str) -> bool:
        with self._lock:
            return token in self._tokens

    def forget_tokens(self) -> None:
        with self._lock:
            self._tokens.clear()

    def count(self, path: str) -> None:
        with self._lock:
            self.requests[path] += 1


def create_app(
    state: State, client_id: str = "", client_secret: str = "", redirect_uris: Sequence[str] = ()
) -> Flask:
    """The application. Without a client id every client is welcome."""
    app = Flask("twitch")
    people = OpenId(openid.TWITCH, client_id, client_secret, redirect_uris)
    app.register_blueprint(openid.blueprint(people))
    app.register_error_handler(404, lambda _: _error(404, "Not Found", ""))
    _add_gate(app, state, client_id)
    _add_twitch(app, state, people)
    _add_control(app, state)
    return app


def _add_gate(app: Flask, state: State, client_id: str) -> None:
    @app.before_request
    def gate() -> Response | None:
        if request.path.startswith("/_control"):
            return None
        state.count(request.path)
        if state.outage:
            return _error(503, "Service Unavailable", "")
        return _unauthorized(state, client_id) if request.path.startswith("/helix/") else None


def _unauthorized(state: State, client_id: str) -> Response | None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme != "Bearer" or not token:
        return _error(401, "Unauthorized", "OAuth token is missing")
    if not state.knows(token):
        return _error(401, "Unauthorized", "Invalid OAuth token")
    asking = request.headers.get("Client-Id", "")
    if not asking:
        return _error(401, "Unauthorized", "Client ID is missing")
    if client_id and asking != client_id:
        return _error(401, "Unauthorized", "Client ID and OAuth token do not match")
    return None


def _add_twitch(app: Flask, state: State, people: OpenId) -> None:
    @app.post("/oauth2/token")
    def token() -> Response:
        form = request.form
        if form.get("grant_type") != "client_credentials":
            return openid.tokens(people)
        if not form.get("client_id") or (people.client_id and form["client_id"] != people.client_id):
            return _oauth_error(400, "invalid client")
        if people.client_id and form.get("client_secret") != people.client_secret:
            return _oauth_error(403, "invalid client secret")
        return jsonify(access_token=state.new_token(), expires_in=TOKEN_SECONDS, token_type="bearer")

    @app.get("/helix/users")
    def users() -> Response:
        return jsonify(data=[_user(channel) for channel in _asked(state, "login", "id")])

    @app.get("/helix/streams")
    def streams() -> Response:
        live = [c for c in _asked(state, "user_login", "user_id") if c.viewer_count is not None]
        return jsonify(data=[_stream(channel) for channel in live], pagination={})

    @app.get("/helix/channels/followers")
    def followers() -> Response:
        broadcaster = request.args.get("broadcaster_id", "")
        if not broadcaster:
            return _error(400, "Bad Request", 'The parameter "broadcaster_id" was missing.')
        channel = state.channel(id=broadcaster)
        return jsonify(total=channel.followers if channel else 0, data=[], pagination={})


def _asked(state: State, login: str, id: str) -> list[Channel]:
    by_login = [state.channel(login=value) for value in request.args.getlist(login)]
    by_id = [state.channel(id=value) for value in request.args.getlist(id)]
    return [channel for channel in (*by_login, *by_id) if channel is not None]


def _user(channel: Channel) -> dict[str, Any]:
    return {
        "id": channel.id,
        "login": channel.login,
        "display_name": channel.login,
        "type": "",
        "broadcaster_type": "affiliate",
        "description": "",
        "profile_image_url": "",
        "offline_image_url": "",
        "created_at": "2020-01-01T00:00:00Z",
    }


def _stream(channel: Channel) -> dict[str, Any]:
    return {
        "id": f"9{channel.id}",
        "user_id": channel.id,
        "user_login": channel.login,
        "user_name": channel.login,
        "type": "live",
        "title": f"{channel.login} is live",
        "game_name": channel.game_name,
        "viewer_count": channel.viewer_count,
        "language": channel.language,
        "started_at": channel.started_at,
    }


_CHANNEL_FIELDS = {
    "id": (str,),
    "followers": (int,),
    "viewer_count": (int, type(None)),
    "game_name": (str,),
    "language": (str,),
}


def _add_control(app: Flask, state: State) -> None:
    @app.put("/_control/users/<login>")
    def put_user(login: str) -> Response:
        changes = request.get_json()
        wrong = [name for name, value in changes.items() if not _fits(name, value)]
        if wrong:
            return _error(400, "Bad Request", f"cannot set {', '.join(wrong)}")
        return jsonify(asdict(state.put(login, changes)))

    @app.put("/_control/outage")
    def put_outage() -> Response:
        state.outage = bool(request.get_json()["active"])
        return jsonify(active=state.outage)

    @app.delete("/_control/tokens")
    def delete_tokens() -> tuple[str, int]:
        state.forget_tokens()
        return "", 204

    @app.get("/_control/requests")
    def requests() -> Response:
        return jsonify(state.requests)


def _fits(name: str, value: Any) -> bool:
    return type(value) in _CHANNEL_FIELDS.get(name, ())


def _error(status: int, error: str, message: str) -> Response:
    response = jsonify(error=error, status=status, message=message)
    response.status_code = status
    return response


def _oauth_error(status: int, message: str) -> Response:
    response = jsonify(status=status, message=message)
    response.status_code = status
    return response


class _Quiet(WSGIRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """One line per sample of every streamer would bury what matters."""


def open_server(port: int, app: Flask) -> BaseWSGIServer:
    """A server on loopback that is ready to be served from; port 0 takes a free one."""
    return make_server("127.0.0.1", port, app, threaded=True, request_handler=_Quiet)


def main() -> int:
    file = os.environ.get("STATE_FILE")
    app = create_app(
        State(Path(file) if file else None),
        os.environ.get("TWITCH_CLIENT_ID", ""),
        os.environ.get("TWITCH_CLIENT_SECRET", ""),
        os.environ.get("REDIRECT_URIS", "").split(),
    )
    server = open_server(int(os.environ.get("TWITCH_PORT", "8091")), app)
    print(f"Twitch's stand-in listens on http://127.0.0.1:{server.server_port}", flush=True)
    with suppress(KeyboardInterrupt):
        server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
