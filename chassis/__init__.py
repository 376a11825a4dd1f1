"""The mechanism that every service shares. It knows no business noun."""
