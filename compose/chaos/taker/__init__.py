PREFETCH = 8
BATCH_SIZE = 50
"""So many events the batch handler takes at once, at the most. Twice as many are prefetched."""
