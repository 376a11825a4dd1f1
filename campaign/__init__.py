"""Campaigns: what brands ask for, from draft to the last unit returned."""
