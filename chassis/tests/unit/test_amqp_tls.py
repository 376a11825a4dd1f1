import ssl

import pytest

from chassis.amqp import Link
from chassis.amqp_tls import security_of
from chassis.config import ConfigurationError

FILES = "cacertfile=%2Ftls%2Fca.pem&certfile=%2Ftls%2Fcampaign.pem&keyfile=%2Ftls%2Fcampaign.key"


def test_an_address_without_tls_gives_a_user_and_a_password():
    assert security_of("amqp://campaign:s%40fe@broker/v") == {"userid": "campaign", "password": "s@fe"}


def test_a_certificate_in_the_address_stands_in_the_passwords_place():
    assert security_of(f"amqps://campaign:ignored@broker/v?{FILES}") == {
        "login_method": "EXTERNAL",
        "ssl": {
            "ca_certs": "/tls/ca.pem",
            "certfile": "/tls/campaign.pem",
            "keyfile": "/tls/campaign.key",
            "cert_reqs": ssl.CERT_REQUIRED,
            "server_hostname": "broker",
        },
    }


def test_tls_without_a_certificate_still_verifies_the_broker_and_sends_the_password():
    security = security_of("amqps://campaign:safe@broker/v?cacertfile=ca.pem")

    assert (security["userid"], security["password"]) == ("campaign", "safe")
    assert security["ssl"]["cert_reqs"] is ssl.CERT_REQUIRED
    assert "login_method" not in security


@pytest.mark.parametrize("uri", ["amqp+ssl://broker", "http://broker", "broker:5672", ""])
def test_an_address_of_another_kind_is_refused_and_not_read_as_one_without_tls(uri):
    with pytest.raises(ConfigurationError, match="amqps"):
        security_of(uri)


@pytest.mark.parametrize(
    ("uri", "host"),
    [
        ("amqp://broker/v", "broker:5672"),
        ("amqps://broker/v", "broker:5671"),
        ("amqps://broker:5673/v", "broker:5673"),
    ],
)
def test_each_kind_of_address_has_its_own_usual_port(uri, host):
    assert Link(uri, "test", lambda connection: None)._new_connection().host == host
