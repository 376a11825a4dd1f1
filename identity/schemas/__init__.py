"""Identity's published language.

`RegisterBrand`, `RegisterStreamer`, `Login` and `Refresh` are what a client sends over HTTP. Their
`…Call` siblings are what the gateway sends on: the same, with what only the gateway knows.
"""

from identity.schemas.accounts import (
    Account,
    ContactPerson,
    Login,
    LoginCall,
    RegisterBrand,
    RegisterBrandCall,
    RegisterStreamer,
    RegisterStreamerCall,
    SignedIn,
)
from identity.schemas.admins import CreateAdmin, Invited
from identity.schemas.keys import Key, KeySet
from identity.schemas.parts import KINDS, Nothing
from identity.schemas.permissions import Decision, DescribedPrincipal, Explain, PermissionResource
from identity.schemas.sessions import (
    ListSessions,
    Refresh,
    RefreshCall,
    RevokedSession,
    RevokedSessionPage,
    RevokeSession,
    Session,
    SessionPage,
)

__all__ = [
    "KINDS",
    "Account",
    "ContactPerson",
    "CreateAdmin",
    "Decision",
    "DescribedPrincipal",
    "Explain",
    "Invited",
    "Key",
    "KeySet",
    "ListSessions",
    "Login",
    "LoginCall",
    "Nothing",
    "PermissionResource",
    "Refresh",
    "RefreshCall",
    "RegisterBrand",
    "RegisterBrandCall",
    "RegisterStreamer",
    "RegisterStreamerCall",
    "RevokeSession",
    "RevokedSession",
    "RevokedSessionPage",
    "Session",
    "SessionPage",
    "SignedIn",
]
