"""The demo: from a brand's deposit to a streamer's payout, over HTTP; then the books are compared."""

from compose.demo.story import main

__all__ = ["main"]
