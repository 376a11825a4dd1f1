"""What an operator sees and mends on the running platform.

Queues, dead letters, outboxes, sagas and read models. Every command may be given twice: looking changes
nothing, and what is mended stays mended.
"""
