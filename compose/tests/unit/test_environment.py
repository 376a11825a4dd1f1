from dataclasses import replace

import pytest

from compose import environment, programs
from compose.names import SERVICES
from compose.tests.unit.stacks import a_stack


def told(stack, name, environ=None):
    return environment.of_process(name, stack, environ or {})


@pytest.mark.parametrize("name", [*SERVICES, "gateway"])
def test_a_process_is_told_no_other_users_broker_password(tmp_path, name):
    stack = a_stack(tmp_path)

    text = str(told(stack, name))

    others = {user for user in [*SERVICES, "gateway", "operator", "admin"] if user != name}
    assert not [user for user in others if stack.secrets[f"AMQP_PASSWORD_{user.upper()}"] in text]


@pytest.mark.parametrize(
    ("variable", "processes"),
    [
        ("DATABASE_URL", {"payment", "analytics"}),
        ("MEDIA_SIGNING_KEY", {"asset", "gateway"}),
        ("TWITCH_CLIENT_SECRET", {"identity", "streamer"}),
        ("GOOGLE_CLIENT_SECRET", {"identity"}),
        ("SANDBOX_API_KEY", {"payment"}),
        ("SANDBOX_WEBHOOK_SECRET", {"payment"}),
        ("STRIPE_SECRET_KEY", {"payment"}),
        ("STRIPE_WEBHOOK_SECRET", {"payment"}),
        ("PAYPAL_CLIENT_SECRET", {"payment"}),
    ],
)
def test_a_secret_goes_only_to_those_who_need_it(tmp_path, variable, processes):
    stack = a_stack(tmp_path)

    assert {name for name in [*SERVICES, "gateway"] if variable in told(stack, name)} == processes


def test_only_a_load_test_switches_the_clocks_rule_off_and_only_participation_is_told(tmp_path):
    stack = a_stack(tmp_path)
    load_test = replace(stack, clock_rule="off")

    assert not [name for name in SERVICES if "CLOCK_RULE" in told(stack, name)]
    assert [name for name in SERVICES if "CLOCK_RULE" in told(load_test, name)] == ["participation"]


def test_the_gateway_of_a_local_stack_has_wider_rate_limits(tmp_path):
    stack = a_stack(tmp_path)

    assert told(stack, "gateway")["RATE_LIMIT_FACTOR"] == "100"
    assert told(replace(stack, rate_limit_factor="3"), "gateway")["RATE_LIMIT_FACTOR"] == "3"
    assert not [name for name in SERVICES if "RATE_LIMIT_FACTOR" in told(stack, name)]


def test_payment_and_analytics_have_a_database_and_a_role_each(tmp_path):
    stack = a_stack(tmp_path)

    urls = {name: told(stack, name)["DATABASE_URL"] for name in ("payment", "analytics")}

    for name, url in urls.items():
        assert url.startswith(f"postgresql+psycopg2://{name}:")
        assert url.endswith(f"/{name}")


def test_the_virtual_hosts_slash_is_escaped_in_the_brokers_address(tmp_path):
    assert told(a_stack(tmp_path), "campaign")["AMQP_URI"].endswith("@127.0.0.1:5673/%2Fgametriggers")


def test_telemetry_is_passed_on_when_it_is_set(tmp_path):
    environ = {
        "SENTRY_DSN": "https://k@h/1",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://h:4318",
        "UNRELATED": "x",
    }

    passed = told(a_stack(tmp_path), "campaign", environ)

    assert passed["SENTRY_DSN"] == "https://k@h/1"
    assert passed["OTEL_EXPORTER_OTLP_ENDPOINT"] == "http://h:4318"
    assert "UNRELATED" not in passed


def test_identity_alone_is_told_of_a_front_end_and_only_when_there_is_one(tmp_path):
    environ = {"FRONT_END_URL": "https://front.example"}

    passed = {name: told(a_stack(tmp_path), name, environ) for name in ("identity", "campaign")}

    assert passed["identity"]["FRONT_END_URL"] == "https://front.example"
    assert "FRONT_END_URL" not in passed["campaign"]
    assert "FRONT_END_URL" not in told(a_stack(tmp_path), "identity", {"FRONT_END_URL": ""})


def test_a_preset_broker_is_shared_by_everybody_and_callers_are_not_checked(tmp_path):
    stack = a_stack(tmp_path, amqp_uri="amqp://team:pw@broker/shared")

    given = [told(stack, name) for name in ("campaign", "gateway")]

    assert [(one["AMQP_URI"], one["RPC_CALLER_CHECK"]) for one in given] == [
        ("amqp://team:pw@broker/shared", "off")
    ] * 2
    assert "off" in stack.presets.warnings()[0]


def test_callers_are_checked_on_our_own_broker(tmp_path):
    stack = a_stack(tmp_path)

    assert "RPC_CALLER_CHECK" not in told(stack, "campaign")
    assert stack.presets.warnings() == []


@pytest.mark.parametrize(
    ("preset", "left_out"),
    [
        ({"amqp_uri": "amqp://h"}, {"epmd", "rabbitmq"}),
        ({"database_url": "postgres://u:p@h/db"}, {"postgres"}),
        ({"redis_url": "redis://h"}, {"redis"}),
        ({"mongo_uri": "mongodb://h"}, {"mongo"}),
    ],
)
def test_a_server_whose_address_is_preset_is_not_started(tmp_path, preset, left_out):
    all_names = {program.name for program in programs.infrastructure(a_stack(tmp_path))}

    names = {program.name for program in programs.infrastructure(a_stack(tmp_path, **preset))}

    assert all_names - names == left_out


def test_a_preset_database_keeps_its_host_and_gets_our_roles(tmp_path):
    stack = a_stack(tmp_path, database_url="postgres://boss:pw@db.example:5000/main?sslmode=require")

    url = told(stack, "payment")["DATABASE_URL"]

    password = stack.secrets["POSTGRES_PASSWORD_PAYMENT"]
    assert url == f"postgresql+psycopg2://payment:{password}@db.example:5000/payment?sslmode=require"


def test_preset_stores_reach_the_services(tmp_path):
    stack = a_stack(tmp_path, mongo_uri="mongodb://m", redis_url="redis://r", object_store_url="s3://o")

    assert told(stack, "participation")["MONGO_URI"] == "mongodb://m"
    assert told(stack, "notification")["REDIS_URL"] == "redis://r"
    assert told(stack, "asset")["OBJECT_STORE_URL"] == "s3://o"


def test_ones_own_keys_at_a_provider_replace_the_stand_ins_and_its_address(tmp_path):
    own = {"STRIPE_SECRET_KEY": "sk_test_own", "STRIPE_WEBHOOK_SECRET": "whsec_own"}

    passed = told(a_stack(tmp_path), "payment", own)

    assert {name: passed[name] for name in own} == own
    assert passed["STRIPE_API_URL"] == "https://api.stripe.com"
    assert passed["PAYPAL_API_URL"].startswith("http://127.0.0.1:")
    assert "sk_test_own" not in str(told(a_stack(tmp_path), "campaign", own))
