"""Other services, in payment's terms."""

from __future__ import annotations

from typing import Any

from chassis.errors import Error
from payment.domain.provider import Destination

# Asking for a destination is one read; more than this and the streamer is better told to try again.
DEADLINE_SECONDS = 3.0


class Streamers:
    def __init__(self, streamer: Any) -> None:
        self._streamer = streamer

    def payout_destination(self, streamer_id: str) -> Destination | None:
        """None unless the streamer has a verified payout method."""
        try:
            found = self._streamer.payout_destination({"streamer_id": streamer_id}, timeout=DEADLINE_SECONDS)
        except Error as error:
            if error.code == "streamer.not_found":
                return None
            raise
        if not found["verified"]:
            return None
        return Destination(found["method"], found["account_holder"], found["account_details"])
