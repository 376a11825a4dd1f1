"""Looking into files of strangers, and making our own files of what is in them.

All of this runs in a process of its own (`python -m asset.media`) with limits on time, memory and
size, because decoders are where hostile files do their harm. Nothing in here is imported by the
service but limits.py.
"""
