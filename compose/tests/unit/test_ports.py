import socket

import pytest

from compose import ports
from compose.errors import ComposeError, PortTaken


def test_the_gateway_and_the_broker_listen_where_other_teams_look():
    chosen = ports.choose({})

    assert (chosen["GATEWAY_PORT"], chosen["AMQP_PORT"]) == (8000, 5673)


def test_an_offset_moves_every_port():
    moved = ports.choose({"PORT_OFFSET": "500"})

    assert moved == {variable: port + 500 for variable, port in ports.DEFAULT_PORTS.items()}


def test_a_ports_own_variable_wins_over_the_offset():
    chosen = ports.choose({"PORT_OFFSET": "500", "AMQP_PORT": "7000"})

    assert (chosen["AMQP_PORT"], chosen["REDIS_PORT"]) == (7000, 6880)


def test_a_running_stack_keeps_its_ports_for_a_terminal_without_its_variables():
    running = ports.choose({"PORT_OFFSET": "500"})

    assert ports.choose({}, remembered=running) == running


def test_an_offset_given_now_wins_over_the_running_stacks():
    running = ports.choose({"PORT_OFFSET": "500"})

    assert ports.choose({"PORT_OFFSET": "0"}, remembered=running) == ports.choose({})


def test_two_programs_never_get_the_same_port():
    chosen = ports.choose({})

    assert len(set(chosen.values())) == len(chosen)


def test_stacks_at_automatic_offsets_never_share_a_port():
    used = [
        default + offset for offset in ports.AUTOMATIC_OFFSETS for default in ports.DEFAULT_PORTS.values()
    ]

    assert len(set(used)) == len(used)


@pytest.mark.parametrize("environ", [{"PORT_OFFSET": "many"}, {"AMQP_PORT": "x"}, {"PORT_OFFSET": "60000"}])
def test_what_is_no_port_is_refused_by_the_name_of_its_variable(environ):
    with pytest.raises(ComposeError, match=r"PORT"):
        ports.choose(environ)


def test_a_taken_port_is_reported_with_its_number_and_its_variable():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]

        with pytest.raises(PortTaken, match=rf"Port {taken} .* REDIS_PORT"):
            ports.must_be_free(["REDIS_PORT"], {"REDIS_PORT": taken})


def test_the_first_offset_with_a_taken_port_is_passed_over(monkeypatch):
    taken = {port + 1000 for port in ports.DEFAULT_PORTS.values() if port == 5673}
    monkeypatch.setattr(ports, "is_free", lambda port: port not in taken)

    assert ports.first_free_offset([1000, 1100]) == 1100
