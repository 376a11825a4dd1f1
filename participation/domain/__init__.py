"""The rules of participation, free of I/O: time, ids and secrets are passed in."""
