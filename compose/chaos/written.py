"""Clients that keep the journal: what they were told of each showing and of each command about money."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from compose.chaos.journal import BEGUN, FAILED, OK, UNKNOWN, Journal
from compose.chaos.patient import Answers, PatientApi, PatientOverlay, Tokens
from compose.demo.api import Api, DemoFailed, Session
from compose.demo.overlays import Answer, Delivery

T = TypeVar("T")

MONEY = ("/v1/wallet/deposits", "/v1/payouts")
"""Commands that the payment service remembers by their idempotency key."""

DETAIL = 120
REPLAYED = "replayed"


class WrittenApi(PatientApi):
    def __init__(
        self, base_url: str, answers: Answers, journal: Journal, tokens: Tokens | None = None
    ) -> None:
        super().__init__(base_url, answers, tokens)
        self.journal = journal

    def signed_in(self, session: Session, again: Callable[[], Session]) -> Api:
        return WrittenApi(self.base_url, self.answers, self.journal, Tokens(session, again))

    def post(self, path: str, body: Any = None) -> Any:
        if path not in MONEY:
            return super().post(path, body)
        key = str(uuid.uuid4())
        return written(self.journal, [key], lambda: self.tell(path, body, key)[0])


class WrittenOverlay(PatientOverlay):
    """Showings are known by their ids. One that is refused as replayed is there, whenever it came."""

    journal: Journal

    def _deliver(self, batch: list[Delivery]) -> tuple[Answer, bool]:
        ids = [delivery["id"] for delivery in batch]
        new = [one for one in ids if self.journal.outcomes.get(one) != OK]
        self.journal.note(new, BEGUN)
        try:
            answer, answer_was_lost = super()._deliver(batch)
        except DemoFailed as error:
            self.journal.note(new, UNKNOWN, str(error)[:DETAIL])
            raise
        reasons = {entry["id"]: entry["reason"] for entry in answer["refused"]}
        refused = [one for one in new if reasons.get(one, REPLAYED) != REPLAYED]
        self.journal.note([one for one in new if one not in refused], OK)
        self.journal.note(refused, FAILED, ", ".join(sorted({reasons[one] for one in refused})))
        return answer, answer_was_lost


def written(journal: Journal, keys: Sequence[str], work: Callable[[], T]) -> T:
    """A request that was refused has done nothing; of one that was not answered nobody knows."""
    journal.note(keys, BEGUN)
    try:
        answer = work()
    except DemoFailed as error:
        outcome = FAILED if 400 <= error.status < 500 else UNKNOWN
        journal.note(keys, outcome, str(error)[:DETAIL])
        raise
    journal.note(keys, OK)
    return answer
