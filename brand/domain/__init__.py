"""The rules of brand, by aggregate: the profile, and the team that acts for it."""
