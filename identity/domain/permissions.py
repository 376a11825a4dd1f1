"""Who may do what: the one table, and the one function that reads it and names the row that decided.

A row is (action, scope, roles, states, ownership, assurance). The scopes of a role are those of its rows;
access tokens carry them, the gateway checks them and the assurance (how surely and how lately the person was
recognised), and the services check ownership and state where the resource is.
What no row allows is refused.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass

from chassis.principal import PASSWORD, SECOND_FACTOR

OWNER, MANAGER, FINANCE, APPROVER, VIEWER = "owner", "manager", "finance", "approver", "viewer"
STREAMER, ADMIN = "streamer", "admin"
TEAM_ROLES = (OWNER, MANAGER, FINANCE, APPROVER, VIEWER)
ROLES = (*TEAM_ROLES, STREAMER, ADMIN)

# Whoever signs in with a brand's own account is its owner.
ROLE_OF_KIND = {"brand": OWNER, "streamer": STREAMER, "admin": ADMIN}

MANAGES_KEYS, MANAGES_TEAM, MANAGES_WEBHOOKS = "keys:manage", "team:manage", "webhooks:manage"

# Whoever may make keys could else give a key the right to make more of them, or to let people in.
NEVER_A_KEYS = frozenset({MANAGES_KEYS, MANAGES_TEAM})

UNKNOWN_ACTION = "unknown_action"
GRANTED, KIND, ROLE, SCOPE, OWNERSHIP, STATE = "granted", "kind", "role", "scope", "ownership", "state"


@dataclass(frozen=True, slots=True)
class Subject:
    """Who asks: a role, the account that is acted for, and the scopes when a token narrows them."""

    role: str
    account_id: str
    scopes: Set[str] | None = None


@dataclass(frozen=True, slots=True)
class Resource:
    """What is asked about. An empty owner or state is one that nobody named, and fits every row."""

    kind: str
    owner: str = ""
    state: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """`rule` is the row that decided; `check` is the one of its checks that failed, or `granted`."""

    allowed: bool
    rule: str
    check: str
    reason: str


@dataclass(frozen=True, slots=True)
class Assurance:
    """How surely the person was recognised: `acr` is how, `max_age` how many seconds ago at the most."""

    acr: str
    max_age: int | None = None


# Whoever finds a browser open, or a token, has neither the password nor the phone. Accounts with a second
# factor authenticate with it whenever they do, so nothing more is asked of them here.
RECENT = Assurance(PASSWORD, 600)
TWO_FACTORS = Assurance(SECOND_FACTOR)
RECENT_TWO_FACTORS = Assurance(SECOND_FACTOR, 600)


@dataclass(frozen=True, slots=True)
class Rule:
    """One row. Without a scope every token of the role will do; without states every state will."""

    action: str
    scope: str
    roles: tuple[str, ...]
    states: frozenset[str] | None = None
    owned: bool = True
    assurance: Assurance | None = None

    @property
    def kind(self) -> str:
        return self.action.partition(".")[0]

    @property
    def name(self) -> str:
        return f"{self.action} by {', '.join(self.roles)}"

    def failed_check(self, subject: Subject, resource: Resource) -> str:
        """The first check that fails, in the order of CHECKS; "" when all hold."""
        if resource.kind != self.kind:
            return KIND
        if subject.role not in self.roles:
            return ROLE
        if self.scope and subject.scopes is not None and self.scope not in subject.scopes:
            return SCOPE
        if self.owned and resource.owner and resource.owner != subject.account_id:
            return OWNERSHIP
        if self.states is not None and resource.state and resource.state not in self.states:
            return STATE
        return ""

    def reason(self, check: str, subject: Subject, resource: Resource) -> str:
        """A sentence about one of the checks, for the person who asked why."""
        return {
            KIND: f"{self.action} is about a {self.kind}, not a {resource.kind}",
            ROLE: f"{subject.role} is not among {', '.join(self.roles)}",
            SCOPE: f"the token does not carry {self.scope}",
            OWNERSHIP: f"the {resource.kind} belongs to another account",
            STATE: f"{resource.state} is not among {', '.join(sorted(self.states or ()))}",
            GRANTED: f"{subject.role} may {self.action}" + self.conditions,
        }[check]

    @property
    def conditions(self) -> str:
        """What a token must carry, and show of its holder."""
        scope = f" with {self.scope}" if self.scope else ""
        if self.assurance is None:
            return scope
        age = self.assurance.max_age
        return f"{scope} after {self.assurance.acr}" + ("" if age is None else f" within {age} s")


CHECKS = (KIND, ROLE, SCOPE, OWNERSHIP, STATE)


def _rows(
    scope: str,
    roles: tuple[str, ...],
    *actions: str,
    owned: bool = True,
    assurance: Assurance | None = None,
    **by_state: tuple[str, ...],
) -> list[Rule]:
    """Rows that share scope and roles; `by_state` are actions, `campaign__submit`, with their states."""
    rows = [Rule(action, scope, roles, None, owned, assurance) for action in actions]
    for action, states in by_state.items():
        rows.append(Rule(action.replace("__", "."), scope, roles, frozenset(states), owned, assurance))
    return rows


def _admin_rows(scope: str, *actions: str, **by_state: tuple[str, ...]) -> list[Rule]:
    """What an administrator does reaches everybody's money and data."""
    return _rows(scope, (ADMIN,), *actions, owned=False, assurance=TWO_FACTORS, **by_state)


_ALL = TEAM_ROLES
_LEADS = (OWNER, MANAGER)
_MONEY = (OWNER, FINANCE)
_NOT_ENDED = ("pending_review", "approved", "active", "paused")
_TAKES_PART = ("approved", "active", "paused")
_SHOWN = ("active", "paused", "completed", "cancelled")

TABLE: tuple[Rule, ...] = (
    # The brand itself.
    *_rows("", _ALL, "brand.read"),
    *_rows("profile:write", _LEADS, "brand.edit", "brand.request_verification"),
    *_rows("billing:read", _MONEY, "brand.read_billing", "payment_method.read"),
    *_rows("billing:write", _MONEY, "brand.edit_billing", "payment_method.add", "payment_method.remove"),
    *_rows("team:read", _ALL, "team.read", "team.leave"),
    *_rows(MANAGES_TEAM, (OWNER,), "team.invite", "team.withdraw", "team.change_role", "team.remove"),
    # Campaigns, as a brand sees them.
    *_rows("campaigns:read", _ALL, "campaign.read", "campaign.read_history"),
    *_rows(
        "campaigns:write",
        _LEADS,
        "campaign.create",
        "campaign.clone",
        campaign__edit=("draft", "approved", "active", "paused"),
        campaign__delete=("draft",),
        campaign__submit=("draft",),
        campaign__activate=("approved",),
        campaign__pause=("active",),
        campaign__resume=("paused",),
        campaign__complete=("active", "paused"),
        campaign__cancel=_NOT_ENDED,
    ),
    *_rows("wallet:read", (OWNER, MANAGER, FINANCE), "campaign.read_ledger"),
    *_rows("assets:read", _ALL, "asset.read"),
    *_rows("assets:write", _LEADS, "asset.upload"),
    *_rows("participations:read", (OWNER, MANAGER, APPROVER, VIEWER), "participation.read"),
    *_rows(
        "participations:manage",
        (OWNER, MANAGER, APPROVER),
        participation__approve=("applied",),
        participation__reject=("applied",),
        participation__pause=("active", "paused"),
        participation__resume=("paused",),
        participation__remove=_TAKES_PART,
    ),
    *_rows("wallet:read", (OWNER, MANAGER, FINANCE), "wallet.read", "invoice.read"),
    *_rows("wallet:write", _MONEY, "wallet.deposit"),
    *_rows("analytics:read", _ALL, "analytics.read"),
    *_rows("notifications:read", _ALL, "notification.read", "notification.mark_read"),
    *_rows("notifications:write", _LEADS, "notification.choose"),
    *_rows(MANAGES_KEYS, (OWNER,), "api_key.create", "api_key.read", "api_key.revoke"),
    *_rows(
        MANAGES_WEBHOOKS,
        (OWNER,),
        "webhook_endpoint.create",
        "webhook_endpoint.read",
        "webhook_endpoint.edit",
        "webhook_endpoint.delete",
        "webhook_endpoint.rotate_secret",
        "webhook_endpoint.test",
        "webhook_endpoint.read_deliveries",
        "webhook_endpoint.replay",
    ),
    # Streamers.
    *_rows("", (STREAMER,), "streamer.read"),
    *_rows("profile:write", (STREAMER,), "streamer.edit", "streamer.link_platform"),
    *_rows("marketplace:read", (STREAMER,), "marketplace.read", owned=False),
    *_rows("marketplace:read", (STREAMER,), owned=False, campaign__read=_SHOWN),
    *_rows("participations:write", (STREAMER,), owned=False, campaign__apply=("active",)),
    *_rows(
        "participations:write",
        (STREAMER,),
        "participation.read",
        participation__pause=("active", "paused"),
        participation__resume=("paused",),
        participation__leave=_TAKES_PART,
    ),
    *_rows("overlay:manage", (STREAMER,), "overlay.read", "overlay.replace", "overlay.test"),
    *_rows("wallet:read", (STREAMER,), "wallet.read", "invoice.read"),
    *_rows("payouts:request", (STREAMER,), "payout.request", "payout.read"),
    *_rows("payouts:method", (STREAMER,), "payout.choose_method", assurance=RECENT),
    *_rows("analytics:read", (STREAMER,), "analytics.read"),
    *_rows("notifications:read", (STREAMER,), "notification.read", "notification.mark_read"),
    *_rows("notifications:write", (STREAMER,), "notification.choose"),
    # Administrators.
    *_admin_rows("admin:campaigns", "campaign.read", "campaign.read_history"),
    *_admin_rows(
        "admin:campaigns",
        campaign__approve=("pending_review",),
        campaign__reject=("pending_review",),
    ),
    *_admin_rows("admin:campaigns", "analytics.read"),
    *_admin_rows("admin:streamers", "streamer.verify_platform"),
    *_admin_rows("admin:ledger", "campaign.read_ledger", "ledger.verify"),
    *_admin_rows("admin:permissions", "permission.explain"),
    *_admin_rows("admin:audit", "audit.read"),
    *_rows("admin:impersonate", (ADMIN,), "account.impersonate", owned=False, assurance=RECENT_TWO_FACTORS),
    *_rows("admin:invite", (ADMIN,), "admin.invite", owned=False, assurance=RECENT_TWO_FACTORS),
)


def _by_action(table: Iterable[Rule]) -> Mapping[str, tuple[Rule, ...]]:
    rows: dict[str, list[Rule]] = defaultdict(list)
    for rule in table:
        rows[rule.action].append(rule)
    return {action: tuple(found) for action, found in rows.items()}


_ROWS = _by_action(TABLE)
ACTIONS = tuple(_ROWS)

SCOPES: Mapping[str, frozenset[str]] = {
    role: frozenset(rule.scope for rule in TABLE if rule.scope and role in rule.roles) for role in ROLES
}
"""What an access token of each role carries."""

NOT_WHILE_IMPERSONATING = frozenset(
    {"payouts:request", "payouts:method", MANAGES_KEYS, MANAGES_TEAM, MANAGES_WEBHOOKS}
)
"""What would move money out, or outlast an administrator who acts as the account for ten minutes."""

STEP_UP: Mapping[str, Assurance] = {rule.scope: rule.assurance for rule in TABLE if rule.assurance}
"""What has to be shown before a scope opens anything; a row's assurance is that of its scope."""


OWN_SCOPES: Mapping[str, frozenset[str]] = {kind: SCOPES[role] for kind, role in ROLE_OF_KIND.items()}
"""The same by kind of account. A member has no scopes of their own, only those of a role in a team."""


def decide(subject: Subject, action: str, resource: Resource) -> Decision:
    """The first row that allows it; else the refusing row that came furthest, since that one tells most."""
    rows = _ROWS.get(action)
    if rows is None:
        return Decision(False, UNKNOWN_ACTION, UNKNOWN_ACTION, f"no row of the table is about {action}")
    nearest, failed = rows[0], CHECKS[0]
    for rule in rows:
        check = rule.failed_check(subject, resource)
        if not check:
            return Decision(True, rule.name, GRANTED, rule.reason(GRANTED, subject, resource))
        if CHECKS.index(check) > CHECKS.index(failed):
            nearest, failed = rule, check
    return Decision(False, nearest.name, failed, nearest.reason(failed, subject, resource))
