from dataclasses import replace
from datetime import UTC, datetime

import pytest

from chassis.crypto import SecretBox
from chassis.mongo import Mongo
from compose.layout import REPOSITORY
from compose.operations import sealed

OLD, NEW = "the-old-key-" + "o" * 32, "the-new-key-" + "n" * 32


@pytest.fixture
def access(access, sql_for):
    return replace(access, database_urls={"payment": sql_for.url("payment")}, secrets_key=f"{NEW},{OLD}")


@pytest.fixture
def sessions(access):
    """Identity's collection of that name."""
    mongo = Mongo(access.mongo_uri, f"{access.database_prefix}identity")
    yield mongo["sessions"]
    mongo.drop()
    mongo.close()


def counts(access, place="identity.sessions.secret"):
    [found] = [each for each in sealed.reencrypt(access) if each["place"] == place]
    return found["texts"], found["reencrypted"], found["unreadable"]


def test_what_an_old_key_encrypted_is_brought_under_the_new_one_once(access, sessions):
    sessions.insert_one({"_id": "ses_1", "secret": SecretBox(OLD).encrypt("a secret")})
    sessions.insert_one({"_id": "ses_2", "secret": SecretBox(NEW).encrypt("another")})

    assert counts(access) == (2, 1, 0)
    assert counts(access) == (2, 0, 0)

    assert SecretBox(NEW).decrypt(sessions.find_one({"_id": "ses_1"})["secret"]) == "a secret"


def test_a_text_that_no_key_fits_is_left_alone_and_told(access, sessions):
    lost = SecretBox("a-third-key-" + "t" * 32).encrypt("gone")
    sessions.insert_one({"_id": "ses_1", "secret": lost})

    found = sealed.reencrypt(access)

    assert sessions.find_one()["secret"] == lost
    assert sealed.errors(found) == ["identity.sessions.secret: no key of SECRETS_KEY fits 1 texts."]


def test_a_field_inside_another_is_found_and_one_that_is_missing_is_none(access):
    mongo = Mongo(access.mongo_uri, f"{access.database_prefix}streamer")
    method = {"method": "bank", "sealed_details": SecretBox(OLD).encrypt("DE89")}
    mongo["streamers"].insert_many(
        [{"_id": "str_1", "payout_method": method}, {"_id": "str_2", "payout_method": None}]
    )

    assert counts(access, "streamer.streamers.payout_method.sealed_details") == (1, 1, 0)

    kept = mongo["streamers"].find_one({"_id": "str_1"})["payout_method"]
    assert (kept["method"], SecretBox(NEW).decrypt(kept["sealed_details"])) == ("bank", "DE89")
    mongo.drop()
    mongo.close()


def test_a_column_is_brought_under_the_new_key(access, sql_for):
    from payment.storage.tables import payouts

    sql = sql_for("payment")
    row = {
        "id": "pay_1",
        "streamer_id": "str_1",
        "provider": "sandbox",
        "amount": 1,
        "currency": "USD",
        "status": "ordered",
        "created_at": datetime.now(UTC),
        "version": 1,
        "destination": SecretBox(OLD).encrypt("DE89"),
        "destination_hint": "…89",
    }
    sql.transaction(lambda: sql.connection.execute(payouts.insert().values(row)))

    assert counts(access, "payment.payouts.destination") == (1, 1, 0)

    stored = sql.transaction(lambda: sql.connection.execute(payouts.select()).one())
    assert SecretBox(NEW).decrypt(stored.destination) == "DE89"


def test_every_service_that_encrypts_has_its_places():
    """Somebody who encrypts in another service is told here to say where."""
    encrypting = {
        file.relative_to(REPOSITORY).parts[0]
        for file in REPOSITORY.glob("*/**/*.py")
        if ".encrypt(" in file.read_text() and "tests" not in file.parts and ".venv" not in file.parts
    }

    assert encrypting - {"chassis", "gateway", "compose"} == {place["service"] for place in sealed.PLACES}
