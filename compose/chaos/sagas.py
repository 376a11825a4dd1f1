"""The campaign service dies at every step of its sagas; each is finished or taken back, and no money leaks.

Campaigns without streamers: what was reserved for them returns to the brand as a whole.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from compose.chaos.crashing import WHENS, Crashing, Flow, saga_points
from compose.demo import story
from compose.demo.actors import usd

ACTIVATION = saga_points("campaign_activation", "begin.do", "reserve_budget.do", "activate.do")
REFUSED_ACTIVATION = saga_points("campaign_activation", "begin.undo")
CANCELLED_ACTIVATION = saga_points("campaign_activation", "reserve_budget.undo")
COMPLETION = saga_points(
    "campaign_completion", "settle_participations.do", "return_unspent.do", "note_returned.do"
)
INCREASE = saga_points("campaign_budget_increase", "announce.do", "reserve_budget.do", "raise_budget.do")
REFUSED_INCREASE = saga_points("campaign_budget_increase", "announce.undo")
INCREASE_OF_AN_ENDED = saga_points("campaign_budget_increase", "reserve_budget.undo")

BUDGET_MINOR = 1_000
RAISED_MINOR = 1_500
TOO_MUCH_MINOR = story.DEPOSIT_MINOR + 1


class Campaigns(Crashing):
    service = "campaign"

    def prepare(self) -> None:
        self.fund()
        self.upload()

    def approved(self, budget_minor: int) -> str:
        brief = self.brief() | {"budget": usd(budget_minor)}
        path = f"/v1/campaigns/{self.brand.api.post('/v1/campaigns', brief)['id']}"
        self.brand.api.post(f"{path}/submit")
        self.admin.api.post(f"{path.replace('/v1', '/v1/admin')}/approve")
        return path

    def doing(self, command: str, *paths: str) -> Callable[[], None]:
        def work() -> None:
            for path in paths:
                self.brand.api.post(f"{path}/{command}")

        return work

    def all_become(self, status: str, paths: Sequence[str]) -> None:
        for path in paths:
            self.soon(f"{path} is {status}", lambda path=path: self.has(path, "status", status))  # type: ignore[misc]

    def has(self, path: str, member: str, value: object) -> bool:
        return bool(self.brand.api.get(path)[member] == value)

    def crash_with_way_back(
        self,
        forward: str,
        back: Sequence[str],
        onward: Sequence[Flow],
        turn: Flow,
    ) -> None:
        """Each flow stops before `forward`; while nobody works on them, `turn` makes that step impossible."""
        self.crash([forward] * len(onward) + list(back), [*onward, turn, *[nothing] * (len(back) - 1)])


class ActivationAndCompletion(Campaigns):
    def prepare(self) -> None:
        super().prepare()
        self.activation = ACTIVATION[: len(WHENS)] if self.guard_off else ACTIVATION
        self.good = [self.approved(BUDGET_MINOR) for _ in self.activation]
        if not self.guard_off:
            self.refused = [self.approved(TOO_MUCH_MINOR) for _ in REFUSED_ACTIVATION]
            self.cancelled = [self.approved(BUDGET_MINOR) for _ in CANCELLED_ACTIVATION]

    def crash_all(self) -> None:
        self.crash(self.activation, [self.doing("activate", path) for path in self.good])
        self.all_become("active", self.good)
        reserved = BUDGET_MINOR * len(self.good)
        self.wallet_holds(story.DEPOSIT_MINOR - reserved, reserved)
        if not self.guard_off:
            self.crash(REFUSED_ACTIVATION, [self.doing("activate", path) for path in self.refused])
            self.crash_with_way_back(
                ACTIVATION[-len(WHENS)],
                CANCELLED_ACTIVATION,
                [self.doing("activate", path) for path in self.cancelled],
                self.doing("cancel", *self.cancelled),
            )
            self.crash(COMPLETION, [self.doing("complete", path) for path in self.good])

    def compare(self) -> None:
        if self.guard_off:
            return
        self.all_become("completed", self.good)
        self.all_become("approved", self.refused)
        self.all_become("cancelled", self.cancelled)
        self.wallet_holds(story.DEPOSIT_MINOR, 0)


class BudgetIncrease(Campaigns):
    def prepare(self) -> None:
        super().prepare()
        self.increase = INCREASE[: len(WHENS)] if self.guard_off else INCREASE
        self.good = [self.active() for _ in self.increase]
        if not self.guard_off:
            self.refused = [self.active() for _ in REFUSED_INCREASE]
            self.ended = [self.active() for _ in INCREASE_OF_AN_ENDED]

    def active(self) -> str:
        path = self.approved(BUDGET_MINOR)
        self.brand.api.post(f"{path}/activate")
        self.all_become("active", [path])
        return path

    def crash_all(self) -> None:
        self.crash(self.increase, [self.raising(path, RAISED_MINOR) for path in self.good])
        self.all_have("budget", usd(RAISED_MINOR), self.good)
        if not self.guard_off:
            self.crash(REFUSED_INCREASE, [self.raising(path, TOO_MUCH_MINOR) for path in self.refused])
            self.crash_with_way_back(
                INCREASE[-len(WHENS)],
                INCREASE_OF_AN_ENDED,
                [self.raising(path, RAISED_MINOR) for path in self.ended],
                self.doing("complete", *self.ended),
            )

    def compare(self) -> None:
        if self.guard_off:
            return
        for paths, budget in ((self.good, RAISED_MINOR), (self.refused, BUDGET_MINOR)):
            self.all_have("pending_budget", None, paths)
            self.all_have("budget", usd(budget), paths)
        self.all_become("completed", self.ended)
        reserved = RAISED_MINOR * len(self.good) + BUDGET_MINOR * len(self.refused)
        self.wallet_holds(story.DEPOSIT_MINOR - reserved, reserved)

    def raising(self, path: str, budget_minor: int) -> Callable[[], object]:
        return lambda: self.brand.api.patch(path, {"budget": usd(budget_minor)})

    def all_have(self, member: str, value: object, paths: Sequence[str]) -> None:
        for path in paths:
            self.soon(f"{path} has {member} {value}", lambda path=path: self.has(path, member, value))  # type: ignore[misc]


def nothing() -> None:
    """The saga that dies there has begun long ago."""
