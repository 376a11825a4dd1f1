"""Events: out through the outbox, in through the inbox."""
