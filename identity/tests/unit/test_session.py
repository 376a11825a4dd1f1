from __future__ import annotations

from datetime import timedelta

import pytest

from identity.domain.permissions import ROLE_OF_KIND, SCOPES
from identity.domain.session import InvalidRefreshToken, RefreshToken
from identity.events import RefreshTokenReused, SessionRevoked
from identity.tests.mothers import MONDAY, account, an_api_key, session

SECOND = timedelta(seconds=1)


def test_refreshing_makes_a_successor():
    opened = session()
    first = opened.refresh_token

    opened.refresh(first, MONDAY + SECOND)

    assert opened.refresh_token != first
    assert opened.is_live(MONDAY + SECOND)


def test_the_same_token_within_the_grace_period_gets_the_same_successor():
    opened = session()
    first = opened.refresh_token
    opened.refresh(first, MONDAY)
    successor = opened.refresh_token

    events = opened.refresh(first, MONDAY + 10 * SECOND)

    assert opened.refresh_token == successor
    assert events == []


def test_reuse_after_the_grace_period_kills_the_family():
    opened = session()
    first = opened.refresh_token
    opened.refresh(first, MONDAY)
    at = MONDAY + 11 * SECOND

    events = opened.refresh(first, at)

    assert not opened.is_live(at)
    whose = {"sid": opened.id, "account_id": opened.account_id}
    assert events == [
        SessionRevoked(**whose, expires_at=at + timedelta(minutes=15)),
        RefreshTokenReused(**whose, signed_in_at=MONDAY),
    ]


def test_a_token_from_two_rotations_ago_kills_the_family_at_once():
    opened = session()
    first = opened.refresh_token
    opened.refresh(first, MONDAY)
    opened.refresh(opened.refresh_token, MONDAY)

    opened.refresh(first, MONDAY)

    assert not opened.is_live(MONDAY)


def test_the_newest_token_of_a_killed_family_is_refused():
    opened = session()
    newest = opened.refresh_token
    opened.revoke(MONDAY)

    with pytest.raises(InvalidRefreshToken):
        opened.refresh(newest, MONDAY)


def test_a_forged_proof_is_refused_and_kills_nothing():
    opened = session()
    forged = RefreshToken(opened.id, generation=0, proof="A" * 43)

    with pytest.raises(InvalidRefreshToken):
        opened.refresh(forged, MONDAY)

    assert opened.is_live(MONDAY)


def test_a_proof_is_good_for_its_own_session_alone():
    one, other = session(secret=b"1" * 32), session(secret=b"2" * 32)
    carried_over = RefreshToken(other.id, 1, one.refresh_token.proof)

    with pytest.raises(InvalidRefreshToken):
        other.refresh(carried_over, MONDAY)


def test_a_session_that_was_not_used_for_its_lifetime_has_ended():
    opened = session()

    with pytest.raises(InvalidRefreshToken):
        opened.refresh(opened.refresh_token, MONDAY + timedelta(days=30))


def test_using_a_session_prolongs_it():
    opened = session()

    opened.refresh(opened.refresh_token, MONDAY + timedelta(days=29))

    assert opened.is_live(MONDAY + timedelta(days=58))


def test_an_admins_session_ends_after_12_idle_hours():
    opened = session(of=account(kind="admin"))

    assert not opened.is_live(MONDAY + timedelta(hours=12))


def test_revoking_twice_says_so_once():
    opened = session()
    opened.revoke(MONDAY)

    assert opened.revoke(MONDAY + SECOND) == []


def test_a_refresh_token_survives_its_text_form():
    token = session().refresh_token

    assert RefreshToken.parse(str(token)) == token


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        "..",
        "ses_01jd2e7z5pf3rs8w6r8q6v2k1m",
        "ses_01jd2e7z5pf3rs8w6r8q6v2k1m.-1.x",
        "ses_01jd2e7z5pf3rs8w6r8q6v2k1m.²." + "x",
        "ses_01jd2e7z5pf3rs8w6r8q6v2k1m." + "9" * 5000 + ".x",
        "brd_01jd2e7z5pf3rs8w6r8q6v2k1m.1.x",
        "../../etc/passwd.1.x",
    ],
)
def test_a_text_that_is_no_refresh_token_is_refused(text):
    with pytest.raises(InvalidRefreshToken):
        RefreshToken.parse(text)


def test_a_proof_in_another_alphabet_is_refused():
    opened = session()

    with pytest.raises(InvalidRefreshToken):
        opened.refresh(RefreshToken.parse(f"{opened.id}.1.ключ"), MONDAY)


@pytest.mark.parametrize("kind", ["brand", "streamer", "admin"])
def test_an_access_token_says_who_may_do_what_and_for_how_long(kind):
    opened = session(of=account(kind=kind))

    claims = opened.access_claims("jwt_1", MONDAY + SECOND)

    assert claims == {
        "sub": opened.account_id,
        "iat": int(MONDAY.timestamp()) + 1,
        "exp": int(MONDAY.timestamp()) + 901,
        "jti": "jwt_1",
        "scope": " ".join(sorted(SCOPES[ROLE_OF_KIND[kind]])),
        "kind": kind,
        "sid": opened.id,
        "acr": "pwd",
        "auth_time": int(MONDAY.timestamp()),
    }


def test_authenticating_again_shows_in_the_tokens_and_a_refresh_keeps_it():
    opened = session()
    opened.step_up("mfa", MONDAY + SECOND)

    opened.refresh(opened.refresh_token, MONDAY + timedelta(hours=1))

    claims = opened.access_claims("jwt_1", MONDAY + timedelta(hours=1))
    assert (claims["acr"], claims["auth_time"]) == ("mfa", int(MONDAY.timestamp()) + 1)


def test_nobody_stands_behind_an_api_key():
    key, _, _ = an_api_key(account())

    claims = key.access_claims("jwt_1", MONDAY)

    assert "acr" not in claims
    assert "auth_time" not in claims
