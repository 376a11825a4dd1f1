"""Remote procedure calls, wire-compatible with stock Nameko 2.14."""
