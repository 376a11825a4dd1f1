"""`make bench`: how fast we are, measured against a named peer in the same run.

Nothing here is compared with a number from another day: each row runs both sides in turn, on one
broker, with one payload, and reports medians and their ratio.
"""
