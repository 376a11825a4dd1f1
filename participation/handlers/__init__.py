"""The use cases of participation: load, one domain verb, save."""
