"""What a service's own AMQP user may do in its virtual host: the narrowest patterns that work.

A user configures and writes only what carries its own name. It reads its own queues and every service's
event exchange, because binding a queue to an exchange needs the right to read that exchange.
"""

OPERATOR = "operator"


def permissions(user: str) -> dict[str, str]:
    """The regular expressions `configure`, `write` and `read` for one user of the broker."""
    if user == OPERATOR:
        return {"configure": ".*", "write": ".*", "read": ".*"}
    own = rf"rpc-{user}|rpc\.reply-{user}-.*|{user}\..*"
    return {
        "configure": rf"^({own}|nameko-rpc)$",
        "write": rf"^(nameko-rpc|{own})$",
        "read": rf"^(nameko-rpc|{own}|[a-z]+\.events)$",
    }
