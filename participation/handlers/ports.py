"""What the use cases need of the world."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol, TypeVar

from chassis.event import Event
from participation.domain.audience import Sample
from participation.domain.deliveries import Bucket
from participation.domain.joining import Joining
from participation.domain.manifest import AssetView, Plan
from participation.domain.overlay import Overlay, Session
from participation.domain.participation import Participation, Status
from participation.domain.timeline import Timeline

T = TypeVar("T")

NewSecret = Callable[[], str]
"""Makes 32 random bytes, in base64url without padding."""


class Participations(Protocol):
    """Lists are newest first and begin after the id given."""

    def add(self, participation: Participation, events: Sequence[Event]) -> None:
        """AlreadyApplied when the streamer has one in this campaign."""

    def get(self, participation_id: str) -> Participation:
        """ParticipationNotFound when there is none."""

    def save(self, participation: Participation, events: Sequence[Event]) -> None:
        """ConcurrentUpdate when somebody else has saved it since it was read."""

    def save_all(self, changed: Sequence[tuple[Participation, Sequence[Event]]]) -> None:
        """As `save` for each; ConcurrentUpdate when somebody else has saved any of them."""

    def tell(self, events: Sequence[Event]) -> None:
        """Events that change no participation; told once, under the id that they name."""

    def these(self, ids: Collection[str]) -> list[Participation]: ...

    def of_campaign(
        self, campaign_id: str, status: Status | None, after: str | None, limit: int
    ) -> list[Participation]: ...

    def of_streamer(self, streamer_id: str, after: str | None, limit: int) -> list[Participation]: ...

    def playable_of(self, streamer_id: str) -> list[Participation]:
        """Those that are approved or active."""

    def unsettled_in(self, campaign_id: str) -> list[str]:
        """The ids of those whose books are open, in whatever state."""

    def ids_after(self, after: str | None, limit: int) -> list[str]:
        """Of all campaigns, in ascending order."""

    def history(self, participation_id: str) -> Iterator[Mapping[str, Any]]:
        """Its events, oldest first, each with its type and its data."""

    def earned_in(self, campaign_id: str) -> dict[str, int]:
        """The sum of what was earned, in minor units, by currency."""


class Places(Protocol):
    """How many of a campaign's places are taken: one number, so that no two can take the last of them."""

    def open(self, campaign_id: str) -> None:
        """Begin to count, from the participations that there are. Not inside `atomically`."""

    def take(self, campaign_id: str, limit: int | None) -> None:
        """CampaignFull when `limit` are taken; nobody else's approval commits beside ours."""

    def give_back(self, campaign_id: str) -> None: ...

    def turn(self, campaign_id: str) -> AbstractContextManager[None]:
        """Whoever is about to take or give back a place waits here for the others of this process.

        In the database they would only meet, and whoever loses there comes again ever more rarely.
        ServiceUnavailable when it takes too long.
        """


class Deliveries(Protocol):
    """Accepted deliveries, in the batches they came in. Nothing is ever changed or taken away."""

    def add_all(self, buckets: Sequence[tuple[str, Bucket]]) -> None:
        """Buckets, each with the id of its streamer."""

    def seen(self, keys: Mapping[str, Collection[str]]) -> dict[str, set[str]]:
        """By streamer: which of these delivery keys were used within the time in which they are accepted."""

    def buckets_before(self, participation_id: str, number: int | None, limit: int) -> list[Bucket]:
        """The newest buckets below a number, or of all."""


class Overlays(Protocol):
    def find(self, streamer_id: str) -> Overlay | None: ...

    def add(self, overlay: Overlay) -> Overlay:
        """Store the streamer's first overlay; the one that is there when somebody was faster."""

    def by_token_hash(self, token_hash: str) -> Overlay:
        """RevokedToken for a link that was replaced, UnknownToken for what never was one."""

    def lately_by_token_hash(self, token_hash: str) -> Overlay:
        """As `by_token_hash`, but some seconds old: whoever writes on the strength of it locks it first."""

    def lock(self, overlay: Overlay) -> None:
        """Serialise with everything else that locks or saves this overlay, until the transaction ends.

        RevokedToken when the link was replaced since `overlay` was read.
        """

    def lock_all(self, overlays: Sequence[Overlay]) -> set[str]:
        """As `lock` for each; the ids of the streamers whose links were not replaced."""

    def save(self, overlay: Overlay, events: Sequence[Event]) -> None:
        """ConcurrentUpdate when somebody else has saved it since it was read."""

    def retire(self, token_hash: str, streamer_id: str) -> None:
        """Remember a dead link, so that it is told apart from one that never was."""


class Sessions(Protocol):
    def add(self, session: Session) -> None: ...

    def find_all(self, wanted: Collection[tuple[str, str]]) -> dict[tuple[str, str], Session]:
        """By (session id, streamer id); what does not exist, or is another's, is missing."""

    def save_chains(self, sessions: Sequence[Session]) -> None: ...

    def supersede_current(self, streamer_id: str, at_ms: int) -> None:
        """Put an end to the session that is in force, if there is one."""

    def end_all(self, streamer_id: str) -> None:
        """Forget all of a streamer's sessions: whatever they sign is worth nothing."""


class Timelines(Protocol):
    """Both by streamer."""

    def load_all(self, segments: Mapping[str, Sequence[int]]) -> dict[str, Timeline]: ...

    def save_all(self, timelines: Mapping[str, Timeline]) -> None: ...


class Samples(Protocol):
    def add_all(self, samples: Sequence[tuple[str, Sample]]) -> None:
        """Samples, each with the id of its streamer; what is there already stays as it is."""

    def between(self, spans: Mapping[str, tuple[int, int]]) -> dict[str, list[Sample]]:
        """By streamer: the samples from one moment to another, both included, in the order of time."""


class Store(Protocol):
    """The service's data. Reading and writing inside `atomically` happens at one moment or not at all."""

    @property
    def participations(self) -> Participations: ...

    @property
    def places(self) -> Places: ...

    @property
    def deliveries(self) -> Deliveries: ...

    @property
    def overlays(self) -> Overlays: ...

    @property
    def sessions(self) -> Sessions: ...

    @property
    def timelines(self) -> Timelines: ...

    @property
    def samples(self) -> Samples: ...

    def atomically(self, work: Callable[[], T]) -> T:
        """Run `work` in a transaction. It may run twice, so it must load what it changes."""


class Vault(Protocol):
    """Encryption at rest."""

    def encrypt(self, text: str) -> str: ...

    def decrypt(self, sealed: str) -> str: ...


class Campaigns(Protocol):
    def check_joining(self, campaign_id: str, streamer_id: str) -> Joining: ...

    def delivery_plans(self, campaign_ids: Collection[str]) -> dict[str, Plan]:
        """By id; what does not exist is missing."""


class Assets(Protocol):
    def describe(self, asset_ids: Collection[str]) -> dict[str, AssetView]:
        """By id; what does not exist is missing."""


class Audience(Protocol):
    def sample(self, streamer_id: str) -> Sample | None:
        """The audience now, or a few seconds ago; None when nobody can say."""
