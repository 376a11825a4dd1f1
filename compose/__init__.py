"""Puts the rooms together: the local stack, its checks, its tests and its demo."""
