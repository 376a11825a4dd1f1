import configparser

import pytest
from supervisor.datatypes import dict_of_key_value_pairs

from compose import programs, supervisor
from compose.errors import ComposeError
from compose.program import Program
from compose.tests.unit.stacks import a_stack


def rendered(stack, *wanted):
    parser = configparser.RawConfigParser()
    parser.read_string(supervisor.configuration(stack.layout, wanted))
    return parser


def a_program(stack, **environment):
    return Program("campaign", ("run", "two words"), stack.layout.run_dir, lambda: None, environment)


@pytest.mark.parametrize("value", ["plain", "a b", 'say "x" now', "it's", "a,b=c", "http://u:p%2F@h/%2Fv"])
def test_a_variable_reaches_the_process_as_it_was_given(tmp_path, value):
    stack = a_stack(tmp_path)

    text = rendered(stack, a_program(stack, VARIABLE=value))["program:campaign"]["environment"]

    assert dict_of_key_value_pairs(text.replace("%%", "%"))["VARIABLE"] == value


@pytest.mark.parametrize("value", ["two\nlines", '"both" kinds\' of quotes', '"quoted"'])
def test_a_variable_that_cannot_be_passed_on_is_refused(tmp_path, value):
    with pytest.raises(ComposeError, match="VARIABLE"):
        supervisor.environment({"VARIABLE": value})


def test_an_argument_with_a_space_stays_one_argument(tmp_path):
    stack = a_stack(tmp_path)

    assert rendered(stack, a_program(stack))["program:campaign"]["command"] == "run 'two words'"


def test_every_process_carries_the_mark_of_its_stack(tmp_path):
    stack = a_stack(tmp_path)
    sections = rendered(stack, *programs.platform(stack), *programs.outside(stack))

    marks = [sections[name]["environment"] for name in sections.sections() if name.startswith("program:")]

    assert len(marks) == 14
    assert all(f'GAMETRIGGERS_RUN_DIR="{tmp_path}"' in mark for mark in marks)


def test_the_configuration_with_its_passwords_is_for_its_owner_alone(tmp_path):
    path = tmp_path / "supervisord.conf"

    supervisor.write_private(path, "secret")

    assert path.stat().st_mode & 0o777 == 0o600
