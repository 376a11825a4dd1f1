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
from identity.schemas.api_keys import (
    ApiKey,
    ApiKeyPage,
    CreateApiKey,
    CreatedApiKey,
    ExchangeApiKey,
    Exchanged,
    ListApiKeys,
    RevokeApiKey,
)
from identity.schemas.keys import Key, KeySet, SigningKey, SigningKeys, WithdrawSigningKey
from identity.schemas.links import (
    ChangePassword,
    ForgotPassword,
    ForgotPasswordCall,
    LinkInMail,
    MailLink,
    MailOnItsWay,
    ResendVerification,
    ResetPassword,
    VerifyEmail,
)
from identity.schemas.members import LoginMember, LoginMemberCall
from identity.schemas.parts import KINDS, Membership, Nothing
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
    "ApiKey",
    "ApiKeyPage",
    "ChangePassword",
    "ContactPerson",
    "CreateAdmin",
    "CreateApiKey",
    "CreatedApiKey",
    "Decision",
    "DescribedPrincipal",
    "ExchangeApiKey",
    "Exchanged",
    "Explain",
    "ForgotPassword",
    "ForgotPasswordCall",
    "Invited",
    "Key",
    "KeySet",
    "LinkInMail",
    "ListApiKeys",
    "ListSessions",
    "Login",
    "LoginCall",
    "LoginMember",
    "LoginMemberCall",
    "MailLink",
    "MailOnItsWay",
    "Membership",
    "Nothing",
    "PermissionResource",
    "Refresh",
    "RefreshCall",
    "RegisterBrand",
    "RegisterBrandCall",
    "RegisterStreamer",
    "RegisterStreamerCall",
    "ResendVerification",
    "ResetPassword",
    "RevokeApiKey",
    "RevokeSession",
    "RevokedSession",
    "RevokedSessionPage",
    "Session",
    "SessionPage",
    "SignedIn",
    "SigningKey",
    "SigningKeys",
    "VerifyEmail",
    "WithdrawSigningKey",
]
