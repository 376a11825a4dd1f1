"""Stands in payment's place and remembers how often somebody got through to it."""

from chassis.rpc.server import rpc
from chassis.service import Service

transfers = []


class Vault(Service):
    name = "payment"

    @rpc(callers={"gateway"})
    def transfer(self, request):
        transfers.append(request)
        return {"done": True}

    @rpc
    def count(self, request):
        return {"transfers": len(transfers)}
