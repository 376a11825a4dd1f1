"""The use cases of brand: load, one verb of the domain, save. By what they are about."""

from brand.handlers.payment_methods import add_payment_method, remove_payment_method
from brand.handlers.profiles import (
    get_profile,
    hidden_from,
    public_profile,
    request_verification,
    start_profile,
    update_profile,
)
from brand.handlers.team import (
    change_role,
    invitation,
    invite,
    join_team,
    leave_team,
    list_team,
    memberships,
    remove_member,
    withdraw_invitation,
)

__all__ = [
    "add_payment_method",
    "change_role",
    "get_profile",
    "hidden_from",
    "invitation",
    "invite",
    "join_team",
    "leave_team",
    "list_team",
    "memberships",
    "public_profile",
    "remove_member",
    "remove_payment_method",
    "request_verification",
    "start_profile",
    "update_profile",
    "withdraw_invitation",
]
