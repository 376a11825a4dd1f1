"""Servers that somebody else runs: their addresses, set beforehand, replace the private instances."""

from collections.abc import Mapping
from dataclasses import dataclass

VARIABLES = ("AMQP_URI", "MONGO_URI", "DATABASE_URL", "REDIS_URL", "OBJECT_STORE_URL")


@dataclass(frozen=True)
class Presets:
    """An empty address means that this stack runs the server itself."""

    amqp_uri: str = ""
    mongo_uri: str = ""
    database_url: str = ""
    redis_url: str = ""
    object_store_url: str = ""

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> "Presets":
        return cls(**{variable.lower(): environ.get(variable, "") for variable in VARIABLES})

    def warnings(self) -> list[str]:
        if not self.amqp_uri:
            return []
        return [
            "AMQP_URI is set: every service uses that one broker user, so the check of who calls whom "
            "is off (RPC_CALLER_CHECK=off)."
        ]
