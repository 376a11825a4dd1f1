"""Lines that tell a person what is being done and how long it has taken so far."""

import time

STARTED = time.monotonic()


def say(text: str) -> None:
    print(f"[{time.monotonic() - STARTED:6.1f} s] {text}", flush=True)
