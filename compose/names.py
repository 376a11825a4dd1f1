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

# What a service's name ends with while its next process works beside the old one.
STAND_IN = "-stand-in"

# The private servers, which stop after everything that talks to them.
SERVERS = ("rabbitmq", "postgres", "redis", "mongo")

# Services with a relational database (and a role) of their own.
RELATIONAL = ("analytics", "payment")

AMQP_USERS = (*SERVICES, GATEWAY, OPERATOR)
VHOST = "/gametriggers"
