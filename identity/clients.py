"""Other services' RPCs in the terms of this one."""

from __future__ import annotations

from chassis.rpc.client import ServiceProxy
from identity.domain.membership import Membership

# Somebody waits for the answer who has waited for Argon2 already.
TIMEOUT_SECONDS = 2.0


class Teams:
    """Brand's teams: who may act for which brand."""

    def __init__(self, brand: ServiceProxy) -> None:
        self._brand = brand

    def of(self, member_id: str) -> list[Membership]:
        answer = self._brand.memberships({"member_id": member_id}, timeout=TIMEOUT_SECONDS)
        return [Membership(found["brand_id"], found["role"]) for found in answer["memberships"]]
