"""The peer: stock Nameko 2.14 with its defaults, as its documentation writes services.

`nameko run --config compose/bench/stock/config.yml compose.bench.stock.<name>`
"""
