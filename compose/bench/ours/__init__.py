"""Our side: services on chassis, run as `python -m chassis run compose.bench.ours.<name>`."""
