"""`make chaos`: processes and servers are killed at the worst moments, and nothing is lost or doubled.

rig.py runs a small platform (maker, taker) on servers of its own; journal.py is what its clients wrote
down; rows/ holds one module per promise of RELIABILITY.md; guards.py takes off what makes a promise
hold, so that each row is seen to fail.
"""
