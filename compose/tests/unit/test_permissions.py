"""The states in identity's permission table are those of the services' own state machines."""

import pytest

from brand import schemas as brand_schemas
from brand.domain import team
from campaign.domain.campaign import EDITABLE
from campaign.domain.campaign import TRANSITIONS as CAMPAIGN
from gateway.tests import surface
from identity.domain.permissions import ROLE_OF_KIND, SCOPES, TABLE, TEAM_ROLES
from participation.domain.participation import TRANSITIONS as PARTICIPATION


def states_of(transitions, command):
    return {str(state) for state, known in transitions if str(known) == command}


def rows(kind, transitions):
    commands = {str(command) for _, command in transitions}
    found = [rule for rule in TABLE if rule.kind == kind and rule.action.partition(".")[2] in commands]
    return [pytest.param(rule, transitions, id=rule.name) for rule in found]


@pytest.mark.parametrize(
    ("rule", "transitions"), [*rows("campaign", CAMPAIGN), *rows("participation", PARTICIPATION)]
)
def test_a_command_is_allowed_in_the_states_that_have_an_edge_for_it(rule, transitions):
    assert rule.states == states_of(transitions, rule.action.partition(".")[2])


def test_a_campaign_may_be_edited_in_the_states_in_which_a_field_may():
    (rule,) = [rule for rule in TABLE if rule.action == "campaign.edit"]

    assert rule.states == {state for state, fields in EDITABLE.items() if fields}


def test_a_brand_gives_the_roles_of_the_table_and_no_other():
    assert team.ROLES == brand_schemas.ROLES == TEAM_ROLES


@pytest.mark.parametrize("role", TEAM_ROLES)
def test_the_gateways_routes_are_tried_with_what_each_role_really_has(role):
    assert set(surface.ROLES[role]) == SCOPES[role]


@pytest.mark.parametrize("kind", ROLE_OF_KIND)
def test_the_gateways_routes_are_tried_with_what_each_kind_of_account_really_has(kind):
    assert set(surface.SCOPES[kind]) == SCOPES[ROLE_OF_KIND[kind]]
