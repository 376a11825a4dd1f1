from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509

from compose import broker, certificates, stack
from compose.certificates import LIFETIME, RENEWED_BEFORE, Pair
from compose.errors import ComposeError
from compose.tests.unit.stacks import a_stack

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


def loaded(folder, name):
    return x509.load_pem_x509_certificate(Pair.of(folder, name).certificate.read_bytes())


def test_a_second_start_keeps_the_certificates(tmp_path):
    certificates.prepare(tmp_path / "tls", ["campaign"], NOW)
    first = loaded(tmp_path / "tls", "campaign")

    certificates.prepare(tmp_path / "tls", ["campaign"], NOW + timedelta(days=1))

    assert loaded(tmp_path / "tls", "campaign") == first


def test_a_certificate_that_is_about_to_expire_is_renewed_by_the_same_authority(tmp_path):
    certificates.prepare(tmp_path / "tls", ["campaign"], NOW)
    before = {name: loaded(tmp_path / "tls", name) for name in ("ca", "campaign")}

    certificates.prepare(tmp_path / "tls", ["campaign"], NOW + LIFETIME - RENEWED_BEFORE + timedelta(hours=1))

    renewed = loaded(tmp_path / "tls", "campaign")
    assert renewed != before["campaign"]
    assert loaded(tmp_path / "tls", "ca") == before["ca"]
    renewed.verify_directly_issued_by(before["ca"])


def test_a_lost_authority_makes_every_certificate_anew(tmp_path):
    certificates.prepare(tmp_path / "tls", ["campaign"], NOW)
    Pair.of(tmp_path / "tls", "ca").key.unlink()

    certificates.prepare(tmp_path / "tls", ["campaign"], NOW)

    loaded(tmp_path / "tls", "campaign").verify_directly_issued_by(loaded(tmp_path / "tls", "ca"))


def test_with_tls_the_broker_has_no_listener_without_it(tmp_path):
    own = a_stack(tmp_path)

    configuration = broker.configuration(own.layout, own.ports, tls=True)

    assert "listeners.tcp = none" in configuration
    assert "listeners.tcp.1" not in configuration
    assert "listeners.ssl.1 = 127.0.0.1:5673" in configuration
    assert "RABBITMQ_NODE_PORT" not in broker.environment(own.layout, own.ports, tls=True)


@pytest.mark.parametrize(
    ("environ", "remembered", "wanted"),
    [
        ({}, {}, False),
        ({"TLS": "1"}, {}, True),
        ({}, {"TLS": 1}, True),
        ({"TLS": "0"}, {"TLS": 1}, False),
    ],
)
def test_a_running_stack_stays_as_it_was_started_unless_told_otherwise(environ, remembered, wanted):
    assert stack.tls_wanted(environ, remembered) is wanted


@pytest.mark.parametrize("environ", [{"TLS": "yes"}, {"TLS": "1", "AMQP_URI": "amqp://h"}])
def test_a_switch_that_cannot_be_kept_is_explained(environ):
    with pytest.raises(ComposeError, match="TLS"):
        stack.tls_wanted(environ, {})
