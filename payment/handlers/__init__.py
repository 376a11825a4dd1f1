"""Payment's use cases, one function each, by what they move."""
