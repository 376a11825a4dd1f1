from __future__ import annotations

import time

import jwt
import pytest

from chassis.errors import Unauthenticated
from chassis.tokens import TokenVerifier
from identity.domain.key_ring import KeyRing
from identity.signing import AccessTokenSigner, new_pair
from identity.tests.mothers import MONDAY, a_signing_key


@pytest.fixture
def signer():
    ring = KeyRing([a_signing_key(pair=new_pair())])
    return AccessTokenSigner(lambda: (ring, MONDAY), "gametriggers", "gametriggers-api")


def claims(**changes):
    now = int(time.time())
    return {
        "sub": "brd_1",
        "iat": now,
        "exp": now + 900,
        "jti": "jwt_1",
        "scope": "wallet:read wallet:write",
        "kind": "brand",
        "sid": "ses_1",
        "auth_time": now,
    } | changes


def test_what_we_sign_every_service_verifies(signer):
    verifier = TokenVerifier(signer.key_set, "gametriggers", "gametriggers-api")

    principal = verifier.verify(signer.sign(claims()))

    assert (principal.id, principal.kind, principal.session_id) == ("brd_1", "brand", "ses_1")
    assert principal.scopes == {"wallet:read", "wallet:write"}


def test_a_token_of_another_platform_is_refused(signer):
    verifier = TokenVerifier(signer.key_set, "gametriggers", "another-api")

    with pytest.raises(Unauthenticated):
        verifier.verify(signer.sign(claims()))


@pytest.mark.parametrize("kind", ["brand", "streamer", "admin", "member"])
def test_a_token_is_for_the_audience_of_its_kind(signer, kind):
    token = signer.sign(claims(kind=kind))

    assert jwt.decode(token, options={"verify_signature": False})["aud"] == f"gametriggers-api/{kind}"


def test_an_expired_token_is_refused(signer):
    verifier = TokenVerifier(signer.key_set, "gametriggers", "gametriggers-api")

    with pytest.raises(Unauthenticated):
        verifier.verify(signer.sign(claims(exp=int(time.time()) - 1)))


def test_a_token_names_its_type_its_algorithm_and_its_key(signer):
    token = signer.sign(claims())

    assert jwt.get_unverified_header(token) == {
        "typ": "at+jwt",
        "alg": "EdDSA",
        "kid": signer.key_set()["keys"][0]["kid"],
    }


def test_the_published_key_has_no_private_part(signer):
    [published] = signer.key_set()["keys"]

    assert set(published) == {"kty", "crv", "x", "kid", "use", "alg"}


def test_a_signing_key_does_not_print_its_private_part():
    key = a_signing_key(pair=new_pair())

    assert key.pair.d not in repr(key)


def test_the_key_id_is_the_keys_thumbprint():
    """The example of RFC 8037, appendix A.3."""
    from identity.signing import _thumbprint

    thumbprint = _thumbprint("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")

    assert thumbprint == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
