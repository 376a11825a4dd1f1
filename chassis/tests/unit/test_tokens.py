import base64
import json
from datetime import timedelta

import jwt
import pytest

from chassis import tokens
from chassis.errors import ServiceUnavailable, Unauthenticated
from chassis.testing import eventually
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
        {"aud": "another-api/brand"},
        {"aud": "gametriggers-api"},
        {"aud": "gametriggers-api/admin"},
        {"aud": ["gametriggers-api/brand", "gametriggers-api/admin"]},
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


@pytest.mark.parametrize("kind", ["brand", "streamer", "admin", "member"])
def test_each_kind_of_account_has_an_audience_of_its_own(issuer, verifier, kind):
    assert verifier.verify(issuer.issue(kind, "x_1")).kind == kind
    for other in {"brand", "streamer", "admin"} - {kind}:
        assert is_refused(verifier, issuer.issue(kind, "x_1", aud=f"gametriggers-api/{other}"))


def test_a_token_that_says_something_twice_is_refused(issuer, verifier):
    """Signed by us, so that nothing else can be what it is refused for."""
    token = issuer.issue("brand", "brd_1")
    header, claims = (base64.urlsafe_b64decode(each + "==") for each in token.split(".")[:2])

    assert verifier.verify(issuer.sign(header, claims))
    assert is_refused(verifier, issuer.sign(header, claims[:-1] + b', "kind": "brand"}'))
    assert is_refused(verifier, issuer.sign(header[:-1] + b', "kid": "test"}', claims))


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


@pytest.mark.parametrize("token", ["", ".", "..", "a.b.c", "a" * 1_000_000, "é.ü.ö", "\ud800.a.b"])
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


def is_refused(verifier, token):
    try:
        verifier.verify(token)
    except Unauthenticated:
        return True
    return False


def unknown_key(issuer):
    """A token that makes a verifier look for new keys."""
    _, claims, signature = issuer.issue("brand", "brd_1").split(".")
    header = part({"alg": "EdDSA", "typ": "at+jwt", "kid": "unknown"})
    return f"{header}.{claims}.{signature}"


def test_a_token_is_verified_once(issuer, verifier):
    token = issuer.issue("brand", "brd_1")

    assert verifier.verify(token) is verifier.verify(token)


def test_a_token_that_was_verified_vouches_for_no_other(issuer, verifier):
    header, claims, signature = issuer.issue("brand", "brd_1").split(".")
    verifier.verify(f"{header}.{claims}.{signature}")

    body = json.loads(base64.urlsafe_b64decode(claims + "=="))
    forged = f"{header}.{part(body | {'kind': 'admin'})}.{signature}"

    assert is_refused(verifier, forged)
    assert is_refused(verifier, f"{header}.{claims}.{signature[::-1]}")


def test_a_token_that_was_verified_still_expires(issuer, verifier):
    token = issuer.issue("brand", "brd_1", lifetime=timedelta(seconds=3))
    verifier.verify(token)

    assert eventually(lambda: is_refused(verifier, token), deadline=10)


@pytest.mark.parametrize(
    "new_keys",
    [[], Tokens().jwks()["keys"]],
    ids=["its key is gone", "another key has its name"],
)
def test_a_token_that_was_verified_is_refused_once_its_key_is_gone(issuer, monkeypatch, new_keys):
    monkeypatch.setattr(tokens, "REFETCH_SECONDS", 0.0)
    published = issuer.jwks()
    verifier = TokenVerifier(lambda: published, "gametriggers", "gametriggers-api")
    token = issuer.issue("brand", "brd_1")
    verifier.verify(token)

    published["keys"] = new_keys
    assert is_refused(verifier, unknown_key(issuer))

    assert is_refused(verifier, token)


def test_a_token_outlives_a_rotation_that_keeps_its_key(issuer, monkeypatch):
    monkeypatch.setattr(tokens, "REFETCH_SECONDS", 0.0)
    published = issuer.jwks()
    verifier = TokenVerifier(lambda: published, "gametriggers", "gametriggers-api")
    token = issuer.issue("brand", "brd_1")
    verifier.verify(token)

    published["keys"] = [*issuer.jwks()["keys"], Tokens().jwks()["keys"][0] | {"kid": "next"}]
    assert is_refused(verifier, unknown_key(issuer))

    assert verifier.verify(token).id == "brd_1"


def other_key(kid="next"):
    return Tokens().jwks()["keys"][0] | {"kid": kid}


def test_a_key_that_is_withdrawn_is_noticed_when_the_keys_are_read_again(issuer):
    published = issuer.jwks()
    verifier = TokenVerifier(lambda: published, "gametriggers", "gametriggers-api")
    token = issuer.issue("brand", "brd_1")
    verifier.verify(token)

    published["keys"] = [other_key()]
    verifier.refresh()

    assert is_refused(verifier, token)


def test_tokens_stay_remembered_when_the_keys_are_read_again(issuer):
    published = issuer.jwks()
    verifier = TokenVerifier(lambda: published, "gametriggers", "gametriggers-api")
    token = issuer.issue("brand", "brd_1")
    principal = verifier.verify(token)

    published["keys"] = [*issuer.jwks()["keys"], other_key()]
    verifier.refresh()

    assert verifier.verify(token) is principal


def test_keys_that_nobody_asked_for_are_not_read(issuer):
    fetched = []
    verifier = TokenVerifier(lambda: fetched.append(1), "gametriggers", "gametriggers-api")

    verifier.refresh()

    assert fetched == []


def test_keys_outlive_an_issuer_that_is_away_but_not_for_ever(issuer, monkeypatch):
    answers = [issuer.jwks()]

    def fetch():
        if not answers:
            raise ServiceUnavailable("identity is away")
        return answers.pop()

    verifier = TokenVerifier(fetch, "gametriggers", "gametriggers-api")
    token = issuer.issue("brand", "brd_1")
    verifier.verify(token)

    verifier.refresh()
    assert verifier.verify(token).id == "brd_1"

    monkeypatch.setattr(tokens, "KEYS_LIVE_SECONDS", 0.0)
    verifier.refresh()
    with pytest.raises(ServiceUnavailable):
        verifier.verify(token)

    answers.append(issuer.jwks())
    assert verifier.verify(token).id == "brd_1"


def test_keys_are_read_again_at_each_interval_whatever_happens(issuer):
    """`sleep` ends the loop, which nothing else does."""
    fetched, naps = [], []

    def fetch():
        fetched.append(1)
        if len(fetched) == 2:
            raise RuntimeError("nonsense came back")
        return issuer.jwks()

    def sleep(seconds):
        naps.append(seconds)
        if len(naps) == 4:
            raise EOFError

    verifier = TokenVerifier(fetch, "gametriggers", "gametriggers-api")
    verifier.verify(issuer.issue("brand", "brd_1"))
    with pytest.raises(EOFError):
        verifier.keep_fresh(15.0, sleep)

    assert (naps, len(fetched)) == ([15.0] * 4, 4)


def test_only_the_last_tokens_are_remembered(issuer, monkeypatch):
    monkeypatch.setattr(tokens, "MAX_REMEMBERED", 3)
    verifier = TokenVerifier(issuer.jwks, "gametriggers", "gametriggers-api")
    issued = [issuer.issue("brand", f"brd_{number}") for number in range(5)]
    first = [verifier.verify(token) for token in issued]

    # The newest first, since what was forgotten is remembered again and pushes out another.
    remembered = [verifier.verify(issued[n]) is first[n] for n in (4, 3, 2, 1, 0)]

    assert remembered == [True, True, True, False, False]


def test_tokens_that_are_refused_push_nobody_out(issuer, monkeypatch):
    monkeypatch.setattr(tokens, "MAX_REMEMBERED", 3)
    verifier = TokenVerifier(issuer.jwks, "gametriggers", "gametriggers-api")
    token = issuer.issue("brand", "brd_1")
    principal = verifier.verify(token)

    stranger = Tokens()
    assert all(is_refused(verifier, stranger.issue("brand", "brd_1")) for _ in range(5))

    assert verifier.verify(token) is principal
