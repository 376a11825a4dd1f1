import json
import os
import re
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

import amqp
import httpx
import pytest

from chassis.amqp import Link
from chassis.amqp_tls import security_of
from chassis.errors import Error
from chassis.events.dead_letters import DeadLetterQueue
from compose import broker
from compose.certificates import AUTHORITY, Authority, Pair, keep
from compose.names import VHOST
from compose.tools import stock_configuration

NOW = datetime.now(UTC)
REFUSED = (OSError, amqp.AMQPError)


def connect(uri):
    return Link(uri, "test", lambda connection: None).connect_once()


def address(secured, user, **files):
    base = secured.amqp_uri("gateway").partition("@")[2].partition("?")[0]
    return f"amqps://{user}@{base}?{urlencode(files)}"


def with_pair(secured, user, pair):
    authority = Pair.of(secured.layout.certificates, AUTHORITY).certificate
    return address(secured, user, cacertfile=authority, certfile=pair.certificate, keyfile=pair.key)


def issued(secured, folder, name, authority=None, since=NOW, until=NOW + timedelta(hours=1)):
    pair = Pair.of(folder, name)
    authority = authority or Authority.load(Pair.of(secured.layout.certificates, AUTHORITY))
    authority.issue(name, pair, since=since, until=until)
    return pair


def test_the_right_certificate_gets_its_call_through(secured, vault, call):
    assert call(secured.amqp_uri("gateway")) == {"done": True}


def test_a_service_that_may_not_call_is_refused_by_its_certificates_name(secured, vault, call):
    before = vault.transfers

    with pytest.raises(Error, match="campaign may not call"):
        call(secured.amqp_uri("campaign"))

    assert vault.transfers == before


def test_anothers_certificate_does_not_make_a_caller_of_that_name(secured, vault, call):
    campaigns, before = Pair.of(secured.layout.certificates, "campaign"), vault.transfers

    with pytest.raises(Error):
        call(with_pair(secured, "gateway", campaigns))

    assert vault.transfers == before


def test_a_message_that_pretends_another_user_closes_its_channel(secured, vault):
    before = vault.transfers

    with closing(connect(secured.amqp_uri("campaign"))) as connection:
        channel = connection.channel()
        forged = amqp.Message("{}", user_id="gateway", content_type="application/json", reply_to="x")
        channel.basic_publish(forged, "nameko-rpc", "payment.transfer")
        with pytest.raises(amqp.PreconditionFailed, match="user_id"):
            channel.queue_declare("rpc-payment", passive=True)

    assert vault.transfers == before


def test_a_certificate_opens_nothing_of_another_service(secured, vault):
    with closing(connect(secured.amqp_uri("campaign"))) as connection, pytest.raises(amqp.AccessRefused):
        connection.channel().basic_consume("rpc-payment")


def test_nobody_comes_in_without_a_certificate(secured):
    authority = Pair.of(secured.layout.certificates, AUTHORITY).certificate
    password = secured.secrets["AMQP_PASSWORD_GATEWAY"]

    with pytest.raises(REFUSED):
        connect(address(secured, f"gateway:{password}", cacertfile=authority))


def test_nobody_comes_in_without_tls(secured):
    with pytest.raises(REFUSED):
        connect(
            f"amqp://gateway:{secured.secrets['AMQP_PASSWORD_GATEWAY']}@127.0.0.1:"
            f"{secured.ports['AMQP_PORT']}/%2Fgametriggers"
        )


class Insistent(amqp.Connection):
    """Sends its password although the broker has not offered to take one."""

    def _on_start(self, major, minor, properties, mechanisms, locales):
        self.offered = mechanisms
        super()._on_start(major, minor, properties, "PLAIN", locales)


def test_a_password_is_no_way_in_even_with_a_certificate(secured):
    uri = with_pair(secured, "gateway", Pair.of(secured.layout.certificates, "gateway"))
    connection = Insistent(
        f"127.0.0.1:{secured.ports['AMQP_PORT']}",
        userid="gateway",
        password=secured.secrets["AMQP_PASSWORD_GATEWAY"],
        virtual_host=VHOST,
        ssl=security_of(uri)["ssl"],
        connect_timeout=3,
    )

    with closing(connection), pytest.raises(REFUSED):
        connection.connect()

    assert connection.offered == "EXTERNAL"


def test_the_only_listener_for_messages_is_the_one_with_tls(secured):
    overview = httpx.get(f"{broker.api_uri('admin', secured.secrets, secured.ports)}/api/overview")

    listeners = overview.raise_for_status().json()["listeners"]
    messages = [each for each in listeners if each["protocol"] not in ("clustering", "http")]
    assert [(each["protocol"], each["ip_address"], each["port"]) for each in messages] == [
        ("amqp/ssl", "127.0.0.1", secured.ports["AMQP_PORT"])
    ]


def test_a_certificate_of_another_authority_is_refused(secured, tmp_path):
    with pytest.raises(REFUSED):
        connect(with_pair(secured, "gateway", issued(secured, tmp_path, "gateway", Authority.make(NOW))))


@pytest.mark.parametrize(
    ("since", "until"),
    [(NOW - timedelta(days=2), NOW - timedelta(days=1)), (NOW + timedelta(days=1), NOW + timedelta(days=2))],
    ids=["expired", "not yet valid"],
)
def test_a_certificate_out_of_its_time_is_refused(secured, tmp_path, since, until):
    with pytest.raises(REFUSED):
        connect(with_pair(secured, "gateway", issued(secured, tmp_path, "gateway", since=since, until=until)))


def test_a_genuine_certificate_of_nobody_we_know_is_refused(secured, tmp_path):
    with pytest.raises(REFUSED):
        connect(with_pair(secured, "stranger", issued(secured, tmp_path, "stranger")))


def test_a_client_refuses_a_broker_of_another_authority(secured, tmp_path):
    stranger = Pair.of(tmp_path, "stranger")
    other = Authority.make(NOW)
    keep(stranger, other.certificate, other.key)
    own = Pair.of(secured.layout.certificates, "gateway")
    uri = address(
        secured, "gateway", cacertfile=stranger.certificate, certfile=own.certificate, keyfile=own.key
    )

    with pytest.raises(OSError, match="certificate verify failed"):
        connect(uri)


def test_a_client_refuses_a_broker_of_another_name(secured):
    link = Link(secured.amqp_uri("gateway"), "test", lambda connection: None)
    link._security["ssl"]["server_hostname"] = "broker.example"

    with pytest.raises(OSError, match="Hostname mismatch"):
        link.connect_once()


def test_an_operators_command_works(secured):
    assert DeadLetterQueue(secured.amqp_uri("operator"), "payment").list(10) == []


def test_namekos_shell_works_under_the_operators_certificate(secured, vault, tmp_path):
    configuration = tmp_path / "shell.yml"
    configuration.write_text(json.dumps(stock_configuration(secured.amqp_uri("operator"))))

    done = subprocess.run(
        [str(Path(sys.executable).parent / "nameko"), "shell", "--config", str(configuration)],
        input="print('ANSWER', sorted(n.rpc.payment.count({})))\n",
        capture_output=True,
        text=True,
        timeout=30,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        check=False,
    )

    assert "ANSWER ['transfers']" in done.stdout, done.stderr


def test_every_key_is_for_its_owner_alone(secured):
    folder = secured.layout.certificates

    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}


def test_the_address_holds_no_password(secured):
    assert not re.search(r"://[^@]*:[^@]*@", secured.amqp_uri("gateway"))
