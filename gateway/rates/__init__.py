"""How much anybody may ask for: limits per address, account and API key, for each class of routes."""
