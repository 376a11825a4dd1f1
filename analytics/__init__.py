"""Analytics: what was shown and what was earned, as time series."""
