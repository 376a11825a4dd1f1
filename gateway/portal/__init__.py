"""The developer portal at /docs: guides, the reference with try-it-out, events, and a brand's API keys.

Everything comes from this process: no script, font or picture of another host, so it works offline.
"""
