"""A local server that lets people log in as Google does (see openid.py), for the clients of REDIRECT_URIS.

GOOGLE_PORT=8093 GOOGLE_CLIENT_ID=… GOOGLE_CLIENT_SECRET=… REDIRECT_URIS=… python -m compose.outside.google
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress

from flask import Flask, Response
from werkzeug.serving import make_server

from compose.outside import openid
from compose.outside.openid import OpenId


def create_app(people: OpenId) -> Flask:
    app = Flask("google")
    app.register_blueprint(openid.blueprint(people))

    @app.post(people.shape.token)
    def token() -> Response:
        return openid.tokens(people)

    return app


def main() -> int:
    people = OpenId(
        openid.GOOGLE,
        os.environ["GOOGLE_CLIENT_ID"],
        os.environ["GOOGLE_CLIENT_SECRET"],
        os.environ["REDIRECT_URIS"].split(),
    )
    server = make_server("127.0.0.1", int(os.environ["GOOGLE_PORT"]), create_app(people), threaded=True)
    print(f"Google's stand-in listens on http://127.0.0.1:{server.server_port}", flush=True)
    with suppress(KeyboardInterrupt):
        server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
