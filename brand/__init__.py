"""The company behind a brand account: profile, verification, billing details."""
