"""How much each API key is used: requests by day and outcome, counted here and kept in Redis for 90 days.

A worker counts in memory and adds what it counted to Redis once a second, so that a request pays for no
question. While Redis is away it goes on counting, and adds that when Redis is back. A worker that is killed
takes its last second with it: these are figures to look at, and no money follows from them.
"""
