"""gzip for answers of text that are worth it (RFC 9110, 8.4 and 12.5.3).

Only what was read is compressed, and no answer that holds a secret: where a secret and a text of somebody
else's are compressed together, the length tells of the secret (BREACH). Log-ins and keys answer a POST.
"""

from __future__ import annotations

import gzip
from collections import OrderedDict

from flask import Flask, Response, request
from werkzeug.datastructures import Accept
from werkzeug.http import parse_accept_header

# Less than this is one packet either way.
SMALLEST_BYTES = 1400
# Half the time of the usual level, and a few percent longer.
LEVEL = 4
TEXT = frozenset(
    {
        "application/javascript",
        "application/json",
        "image/svg+xml",
        "text/css",
        "text/csv",
        "text/html",
        "text/javascript",
        "text/markdown",
    }
)
# A link's token and the key of a session are in these.
SECRET = ("/overlay/", "/v1/overlay-link")

SUFFIX = "-gzip"
SENT_BACK = "gateway.etag_of_gzip"
MOST_FILES = 64


def register(app: Flask) -> None:
    files: OrderedDict[str, bytes] = OrderedDict()

    @app.before_request
    def know_own_tags() -> None:
        """The compressed bytes have a tag of their own; what is compared is the tag of the plain ones."""
        given = request.environ.get("HTTP_IF_NONE_MATCH", "")
        if f'{SUFFIX}"' in given:
            request.environ["HTTP_IF_NONE_MATCH"] = given.replace(f'{SUFFIX}"', '"')
            request.environ[SENT_BACK] = True

    @app.after_request
    def compress(response: Response) -> Response:
        if response.status_code == 304 and SENT_BACK in request.environ:
            add_suffix(response)
        if not may_be_compressed(response):
            return response
        response.vary.add("Accept-Encoding")
        if takes_gzip():
            shrink(response, files)
        return response


def may_be_compressed(response: Response) -> bool:
    return (
        response.status_code == 200
        and request.method in ("GET", "HEAD")
        and response.mimetype in TEXT
        and (response.is_sequence or response.direct_passthrough)
        and (response.content_length or 0) >= SMALLEST_BYTES
        and "Content-Encoding" not in response.headers
        and not request.path.startswith(SECRET)
    )


def takes_gzip() -> bool:
    """`gzip;q=0` refuses it."""
    given = request.headers.get("Accept-Encoding", "").lower()
    return "gzip" in given and parse_accept_header(given, Accept)["gzip"] > 0


def shrink(response: Response, files: OrderedDict[str, bytes]) -> None:
    tag = response.headers.get("ETag", "")
    # A file of ours is read in pieces and stays as it is; an answer is there and is another one each time.
    is_file = response.direct_passthrough
    body = files.get(tag) if is_file and tag else None
    if body is None:
        response.direct_passthrough = False
        body = gzip.compress(response.get_data(), LEVEL, mtime=0)
        if is_file and tag:
            files[tag] = body
            while len(files) > MOST_FILES:
                files.popitem(last=False)
    elif is_file:
        response.direct_passthrough = False
    response.set_data(body)
    response.headers["Content-Encoding"] = "gzip"
    add_suffix(response)


def add_suffix(response: Response) -> None:
    tag = response.headers.get("ETag", "")
    if tag.endswith('"'):
        response.headers["ETag"] = f'{tag[:-1]}{SUFFIX}"'
