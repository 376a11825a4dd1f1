"""The only HTTP door of the platform: thin, it validates, authenticates, calls a service and answers."""
