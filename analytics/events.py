"""Analytics listens to everybody and publishes nothing."""
