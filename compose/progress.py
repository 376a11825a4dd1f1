"""Lines that tell a person what is being done and how long it has taken so far."""

import os
import time

# Set-up and start are two processes of one command; this variable lets the second go on counting.
VARIABLE = "GAMETRIGGERS_STARTED_AT"


def started_at() -> float:
    return float(os.environ.setdefault(VARIABLE, str(time.time())))


def say(text: str) -> None:
    print(f"[{max(0.0, time.time() - started_at()):6.1f} s] {text}", flush=True)
