"""A working stand-in for the store; tests/storage holds it to the store's contract."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy

from brand.domain import BrandNotFound, ConcurrentUpdate, Profile
from chassis.event import Event


class FakeProfiles:
    def __init__(self) -> None:
        self.events: list[Event] = []
        self._profiles: dict[str, Profile] = {}

    def get(self, brand_id: str) -> Profile:
        if brand_id not in self._profiles:
            raise BrandNotFound()
        return deepcopy(self._profiles[brand_id])

    def add(self, profile: Profile) -> None:
        if profile.id in self._profiles:
            raise ConcurrentUpdate()
        self._profiles[profile.id] = deepcopy(profile)

    def save(self, profile: Profile, events: Sequence[Event]) -> None:
        if self.get(profile.id).version != profile.version:
            raise ConcurrentUpdate()
        profile.version += 1
        self._profiles[profile.id] = deepcopy(profile)
        self.events.extend(events)
