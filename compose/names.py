"""The programs of the platform, by name, in the order in which they are listed everywhere."""

SERVICES = (
    "identity",
    "brand",
    "streamer",
    "campaign",
    "participation",
    "analytics",
    "payment",
    "notification",
    "asset",
)
GATEWAY = "gateway"
OPERATOR = "operator"

# Services with a relational database (and a role) of their own.
RELATIONAL = ("analytics", "payment")

AMQP_USERS = (*SERVICES, GATEWAY, OPERATOR)
VHOST = "/gametriggers"
