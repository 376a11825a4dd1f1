import base64
import json
from datetime import timedelta

import jwt
import pytest

from chassis.errors import Unauthenticated
from chassis.testing.services import Tokens
from chassis.tokens import TokenVerifier


@pytest.fixture
def issuer():
    return Tokens()


@pytest.fixture
def verifier(issuer):
    return TokenVerifier(issuer.jwks, "gametriggers", "gametriggers-api")


def test_a_token_names_its_principal(issuer, verifier):
    principal = verifier.verify(issuer.issue("brand", "brd_1", scopes=("a:b", "c:d"), session_id="ses_1"))

    assert (principal.id, principal.kind, principal.session_id) == ("brd_1", "brand", "ses_1")
    assert principal.scopes == {"a:b", "c:d"}


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "somebody else"},
        {"aud": "another-api"},
        {"exp": 1},
        {"iat": 4102444800},
        {"nbf": 4102444800},
        {"sub": 5},
    ],
)
def test_a_token_with_a_wrong_claim_is_refused(issuer, verifier, claims):
    with pytest.raises(Unauthenticated):
        verifier.verify(issuer.issue("brand", "brd_1", **claims))


def test_an_expired_token_is_refused(issuer, verifier):
    with pytest.raises(Unauthenticated):
        verifier.verify(issuer.issue("brand", "brd_1", lifetime=timedelta(seconds=-1)))


def part(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE", "HS256", "ES256", "RS256"])
def test_the_token_does_not_choose_the_algorithm(issuer, verifier, algorithm):
    _, claims, signature = issuer.issue("admin", "adm_1").split(".")
    header = part({"alg": algorithm, "typ": "at+jwt", "kid": "test"})

    for forged in (f"{header}.{claims}.{signature}", f"{header}.{claims}."):
        with pytest.raises(Unauthenticated):
            verifier.verify(forged)


def test_a_token_signed_with_the_public_key_as_a_secret_is_refused(issuer, verifier):
    public = issuer.jwks()["keys"][0]["x"]
    _, claims, _ = issuer.issue("admin", "adm_1").split(".")
    body = json.loads(base64.urlsafe_b64decode(claims + "=="))
    forged = jwt.encode(body, public * 2, algorithm="HS256", headers={"kid": "test", "typ": "at+jwt"})

    with pytest.raises(Unauthenticated):
        verifier.verify(forged)


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "EdDSA", "typ": "JWT", "kid": "test"},
        {"alg": "EdDSA", "kid": "test"},
        {"alg": "EdDSA", "typ": "at+jwt", "kid": "../../etc/passwd"},
        {"alg": "EdDSA", "typ": "at+jwt", "kid": "k" * 1000},
        {"alg": "EdDSA", "typ": "at+jwt", "jwk": {"kty": "OKP"}},
        {"alg": "EdDSA", "typ": "at+jwt", "jku": "http://127.0.0.1:9/keys"},
        {"typ": 5},
        {"alg": "EdDSA", "typ": 5},
        [],
    ],
)
def test_a_header_that_is_not_ours_is_refused(issuer, verifier, header):
    _, claims, signature = issuer.issue("admin", "adm_1").split(".")

    with pytest.raises(Unauthenticated):
        verifier.verify(f"{part(header)}.{claims}.{signature}")


@pytest.mark.parametrize("token", ["", ".", "..", "a.b.c", "a" * 1_000_000, "é.ü.ö"])
def test_what_is_no_token_is_refused(verifier, token):
    with pytest.raises(Unauthenticated):
        verifier.verify(token)


def test_an_unknown_key_is_looked_for_but_not_at_every_token(issuer):
    fetched = []

    def fetch():
        fetched.append(1)
        return issuer.jwks()

    verifier = TokenVerifier(fetch, "gametriggers", "gametriggers-api")
    stranger = Tokens().issue("brand", "brd_1").split(".")
    forged = ".".join([part({"alg": "EdDSA", "typ": "at+jwt", "kid": "unknown"}), stranger[1], stranger[2]])

    for _ in range(10):
        with pytest.raises(Unauthenticated):
            verifier.verify(forged)

    assert len(fetched) == 1
