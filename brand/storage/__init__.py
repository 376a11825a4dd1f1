"""Profiles and teams in MongoDB."""

from brand.storage.profiles import MongoProfiles
from brand.storage.teams import MongoTeams

__all__ = ["MongoProfiles", "MongoTeams"]
