"""Questions that a program answers once it is ready. Each returns nothing or raises."""

import base64
import http.client
import socket
from urllib.parse import urlsplit

import pymongo
import redis
import sqlalchemy

SECONDS_PER_QUESTION = 3


class StillStarting(Exception):
    """The program answered, and the answer was not yet."""


def listens(port: int) -> None:
    socket.create_connection(("127.0.0.1", port), timeout=SECONDS_PER_QUESTION).close()


def answers_http(url: str, user: str = "", password: str = "") -> None:
    where = urlsplit(url)
    connection = http.client.HTTPConnection(where.netloc, timeout=SECONDS_PER_QUESTION)
    credentials = base64.b64encode(f"{user}:{password}".encode()).decode()
    try:
        connection.request(
            "GET", where.path, headers={"Authorization": f"Basic {credentials}"} if user else {}
        )
        answer = connection.getresponse()
        if answer.status != http.client.OK:
            text = answer.read(300).decode(errors="replace")
            raise StillStarting(f"{url} answers {answer.status} {text}")
    finally:
        connection.close()


def answers_sql(url: str) -> None:
    engine = sqlalchemy.create_engine(url, connect_args={"connect_timeout": SECONDS_PER_QUESTION})
    try:
        with engine.connect() as connection:
            connection.execute(sqlalchemy.text("SELECT 1"))
    finally:
        engine.dispose()


def answers_redis(url: str) -> None:
    client = redis.Redis.from_url(url, socket_timeout=SECONDS_PER_QUESTION)
    try:
        client.ping()
    finally:
        client.close()


def answers_mongo(url: str) -> None:
    milliseconds = SECONDS_PER_QUESTION * 1000
    client: pymongo.MongoClient[dict[str, object]] = pymongo.MongoClient(
        url, serverSelectionTimeoutMS=milliseconds, connectTimeoutMS=milliseconds
    )
    try:
        client.admin.command("ping")
    finally:
        client.close()
