"""OpenID Connect with the local providers, and with one that lies."""

from __future__ import annotations

import json
import os
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import jwt
import pymongo
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from flask import Flask, jsonify, request
from werkzeug.serving import make_server

from chassis.config import Secret
from chassis.errors import Error
from identity import openid
from identity.domain.provider_link import (
    FlowSecrets,
    OAuthFailed,
    ProviderTokens,
    ProviderUnavailable,
    TokensGone,
)
from identity.service import IdentityService
from identity.tests.mothers import nova
from identity.tests.standin import CLIENT_ID, CLIENT_SECRET, PUBLIC_URL, local_provider

NOW = datetime.now(UTC)
FACTS = {"twitch": openid.TWITCH_FACTS, "google": openid.YOUTUBE_FACTS}


def client_of(name, issuer):
    facts = FACTS[name]
    return openid.OpenIdProvider(
        facts,
        issuer=issuer,
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
        redirect_uri=f"{PUBLIC_URL}/v1/oauth/{facts.name}/callback",
    )


@pytest.fixture(params=["twitch", "google"])
def at(request):
    """A provider where Nova has an account, and our client of it."""
    with local_provider(request.param) as provider:
        provider.has("40000001")
        provider.client = client_of(request.param, provider.issuer)
        provider.name = FACTS[request.param].name
        yield provider


@pytest.fixture
def secrets():
    return FlowSecrets.new(os.urandom)


def come_back(at, secrets):
    return at.visit(at.client.authorize_url(secrets), "40000001")["code"]


def flow_of(at, secrets):
    return secrets.flow(at.name, NOW)


def test_a_log_in_tells_who_it_is(at, secrets):
    code = come_back(at, secrets)

    who = at.client.identify(code, flow_of(at, secrets), NOW)

    assert (who.provider, who.subject, who.username) == (at.name, "40000001", "nova")
    assert (who.email, who.email_verified) == ("nova@stream.example", True)
    assert who.tokens.refresh_token
    assert NOW + timedelta(minutes=59) < who.tokens.expires_at < NOW + timedelta(hours=5)


def test_the_way_there_carries_pkce_state_and_nonce_and_not_the_verifier(at, secrets):
    url = at.client.authorize_url(secrets)

    query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    assert query["redirect_uri"] == f"{PUBLIC_URL}/v1/oauth/{at.name}/callback"
    assert (query["state"], query["nonce"]) == (secrets.state, secrets.nonce)
    assert query["code_challenge_method"] == "S256"
    assert query["scope"].startswith("openid ")
    assert secrets.verifier not in url
    assert secrets.binding not in url


def test_a_code_is_good_once_and_for_the_verifier_of_its_challenge_alone(at, secrets):
    with pytest.raises(OAuthFailed):
        at.client.identify(come_back(at, secrets), replace(flow_of(at, secrets), verifier="v" * 43), NOW)

    code = come_back(at, secrets)
    at.client.identify(code, flow_of(at, secrets), NOW)
    with pytest.raises(OAuthFailed):
        at.client.identify(code, flow_of(at, secrets), NOW)


def test_an_id_token_of_another_log_in_is_refused(at, secrets):
    with pytest.raises(OAuthFailed):
        at.client.identify(come_back(at, secrets), replace(flow_of(at, secrets), nonce="another"), NOW)


def test_tokens_are_refreshed_until_they_are_taken_back(at, secrets):
    tokens = at.client.identify(come_back(at, secrets), flow_of(at, secrets), NOW).tokens

    newer = at.client.refreshed(tokens, NOW + timedelta(hours=1))

    assert newer.access_token != tokens.access_token
    assert newer.expires_at > tokens.expires_at
    at.takes_back_the_tokens_of("40000001")
    with pytest.raises(TokensGone):
        at.client.refreshed(newer, NOW)


def test_a_provider_that_is_gone_is_said_to_be_unavailable(at, secrets):
    code = come_back(at, secrets)
    at.goes_away()

    with pytest.raises(ProviderUnavailable):
        at.client.identify(code, flow_of(at, secrets), NOW)
    with pytest.raises(ProviderUnavailable):
        at.client.refreshed(ProviderTokens("a", "r", NOW), NOW)
    with pytest.raises(ProviderUnavailable):
        client_of("twitch", at.issuer).authorize_url(secrets)


# A provider that answers with whatever id token the test has made


class Liar:
    def __init__(self):
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.id_token, self.answer, self.key_fetches = "", None, 0
        app = Flask("liar")
        app.get("/.well-known/openid-configuration")(self.discovery)
        app.get("/keys")(self.keys)
        app.post("/token")(self.token)
        self.server = make_server("127.0.0.1", 0, app, threaded=True)
        self.issuer = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def discovery(self):
        root = request.host_url.rstrip("/")
        return jsonify(
            authorization_endpoint=f"{root}/a", token_endpoint=f"{root}/token", jwks_uri=f"{root}/keys"
        )

    def keys(self):
        self.key_fetches += 1
        jwk = jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        return jsonify(keys=[{**jwk, "kid": "1", "use": "sig", "alg": "RS256"}])

    def token(self):
        return self.answer or jsonify(
            access_token="a", refresh_token="r", expires_in=3600, id_token=self.id_token
        )

    def signs(self, secrets, key=None, algorithm="RS256", headers=None, **changes):
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": CLIENT_ID,
            "sub": "1",
            "iat": now,
            "exp": now + 600,
            "nonce": secrets.nonce,
            "email": "nova@stream.example",
            "email_verified": True,
        }
        told = {name: value for name, value in (claims | changes).items() if value is not None}
        signing = None if algorithm == "none" else key or self.key
        self.id_token = jwt.encode(told, signing, algorithm=algorithm, headers=headers or {"kid": "1"})


@pytest.fixture
def liar():
    made = Liar()
    yield made
    made.server.shutdown()


def identify(liar, secrets):
    return client_of("google", liar.issuer).identify("code", secrets.flow("youtube", NOW), NOW)


def test_what_the_provider_itself_signed_is_believed(liar, secrets):
    liar.signs(secrets)

    assert identify(liar, secrets).subject == "1"


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://accounts.evil.example"},
        {"aud": "another-client"},
        {"azp": "another-client", "aud": [CLIENT_ID, "another-client"]},
        {"exp": int(time.time()) - 3600},
        {"nonce": None},
        {"sub": None},
        {"headers": {"kid": "unknown"}},
        {"headers": {"kid": "../../etc/passwd"}},
        {"key": rsa.generate_private_key(public_exponent=65537, key_size=2048)},
        {"key": "x" * 64, "algorithm": "HS256"},
        {"algorithm": "none"},
    ],
    ids=lambda changes: "-".join(changes),
)
def test_an_id_token_that_is_not_right_in_all_respects_lets_nobody_in(liar, secrets, changes):
    liar.signs(secrets, **changes)

    with pytest.raises(OAuthFailed):
        identify(liar, secrets)


def test_the_public_key_is_no_shared_secret(liar, secrets):
    pem = liar.key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    header = jwt.utils.base64url_encode(json.dumps({"alg": "HS256", "kid": "1"}).encode())
    claims = jwt.utils.base64url_encode(json.dumps({"sub": "1", "nonce": secrets.nonce}).encode())
    signature = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(
        header + b"." + claims, pem
    )
    liar.id_token = b".".join((header, claims, jwt.utils.base64url_encode(signature))).decode()

    with pytest.raises(OAuthFailed):
        identify(liar, secrets)


def test_made_up_keys_do_not_make_us_ask_for_keys_all_the_time(liar, secrets):
    client = client_of("google", liar.issuer)
    for _ in range(5):
        liar.signs(secrets, headers={"kid": os.urandom(4).hex()})
        with pytest.raises(OAuthFailed):
            client.identify("code", secrets.flow("youtube", NOW), NOW)

    assert liar.key_fetches == 1


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (("not json", 200), ProviderUnavailable),
        (("[]", 200, {"Content-Type": "application/json"}), ProviderUnavailable),
        (("{}", 500), ProviderUnavailable),
        (("{}", 200, {"Content-Type": "application/json"}), OAuthFailed),
        (("", 302, {"Location": "http://127.0.0.1:1/"}), ProviderUnavailable),
        (('{"status": 400, "message": "Invalid"}', 400, {"Content-Type": "application/json"}), OAuthFailed),
        (('{"error": "invalid_grant"}', 400, {"Content-Type": "application/json"}), OAuthFailed),
    ],
)
def test_an_answer_that_makes_no_sense_is_an_error_of_its_own_kind(liar, secrets, answer, error):
    liar.answer = answer

    with pytest.raises(error):
        identify(liar, secrets)


# The service


@pytest.fixture
def twitch():
    with local_provider("twitch") as provider:
        provider.has("40000001")
        yield provider


@pytest.fixture
def identity(twitch, run_service, rpc):
    run_service(
        IdentityService,
        twitch_issuer=twitch.issuer,
        twitch_client_id=CLIENT_ID,
        twitch_client_secret=Secret(CLIENT_SECRET),
        public_url=PUBLIC_URL,
    )
    return rpc("identity")


def there_and_back(twitch, begin, identity):
    begun = begin({"provider": "twitch"})
    back = twitch.visit(begun["authorize_url"], "40000001")
    return identity.finish_oauth({"provider": "twitch", "binding": begun["binding"], **back})


def test_a_newcomer_signs_up_logs_in_and_is_announced_once(twitch, identity, capture_events):
    events = capture_events("identity", "streamer_registered", "provider_linked")

    first = there_and_back(twitch, identity.begin_oauth, identity)
    again = there_and_back(twitch, identity.begin_oauth, identity)

    assert first["account"] == again["account"]
    assert events.wait_for("streamer_registered").data["email"] == "nova@stream.example"
    linked = events.wait_for("provider_linked").data
    assert (linked["account_id"], linked["subject"]) == (first["account"]["id"], "40000001")


def test_an_owner_links_and_unlinks_and_streamer_alone_is_given_the_token(twitch, identity, rpc):
    registered = identity.register_streamer(nova())
    mine = rpc("identity", token=registered["access_token"])

    linked = there_and_back(twitch, mine.begin_oauth, identity)

    assert linked["account"]["id"] == registered["account"]["id"]
    [link] = mine.list_provider_links({})["items"]
    assert (link["provider"], link["username"], link["is_usable"]) == ("twitch", "nova", True)
    question = {"account_id": linked["account"]["id"], "provider": "twitch"}
    assert rpc("identity", user="streamer").provider_token(question)["access_token"]
    with pytest.raises(Error) as refused:
        rpc("identity", user="campaign").provider_token(question)
    assert refused.value.status == 403
    mine.unlink_provider({"provider": "twitch"})
    assert mine.list_provider_links({})["items"] == []


def test_what_is_stored_shows_no_secret(twitch, identity, settings_env):
    begun = identity.begin_oauth({"provider": "twitch"})
    there_and_back(twitch, identity.begin_oauth, identity)

    database = pymongo.MongoClient(settings_env["MONGO_URI"])[f"{settings_env['DATABASE_PREFIX']}identity"]
    [flow], [link] = list(database["oauth_flows"].find()), list(database["provider_links"].find())
    state = parse_qs(urlsplit(begun["authorize_url"]).query)["state"][0]
    assert state not in str(flow)
    assert begun["binding"] not in str(flow)
    assert "access_token" not in str(link)
    assert set(link) - {"sealed_tokens"} == {
        "_id",
        "account_id",
        "provider",
        "subject",
        "username",
        "linked_at",
        "version",
        "expires_at",
        "refresh_at",
    }
