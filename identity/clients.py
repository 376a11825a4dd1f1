"""Other services' RPCs in the terms of this one."""

from __future__ import annotations

from chassis.rpc.client import ServiceProxy
from identity.domain.membership import Invited, Membership

# Somebody waits for the answer who has waited for Argon2 already.
TIMEOUT_SECONDS = 2.0


class Teams:
    """Brand's teams: who may act for which brand."""

    def __init__(self, brand: ServiceProxy) -> None:
        self._brand = brand

    def of(self, member_id: str) -> list[Membership]:
        answer = self._brand.memberships({"member_id": member_id}, timeout=TIMEOUT_SECONDS)
        return [Membership(found["brand_id"], found["role"]) for found in answer["memberships"]]

    def invitation(self, brand_id: str, invitation_id: str) -> Invited:
        request = {"brand_id": brand_id, "invitation_id": invitation_id}
        answer = self._brand.invitation(request, timeout=TIMEOUT_SECONDS)
        return Invited(answer["email"], answer["company_name"])

    def join(self, brand_id: str, invitation_id: str, *, member_id: str, email: str, name: str) -> Membership:
        request = {
            "brand_id": brand_id,
            "invitation_id": invitation_id,
            "member_id": member_id,
            "email": email,
            "name": name,
        }
        answer = self._brand.join_team(request, timeout=TIMEOUT_SECONDS)
        return Membership(answer["brand_id"], answer["role"])
