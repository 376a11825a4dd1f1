"""The rules of campaigns: the brief, the campaign, its participants, and who fits it."""
