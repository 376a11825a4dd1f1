"""The limit: py-amqp alone, without greenlets, envelopes, deadlines or checks."""
