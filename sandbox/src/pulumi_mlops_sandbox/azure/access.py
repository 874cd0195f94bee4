"""Who may do what: role assignments at the scope of a resource and above it."""

import re
from collections.abc import Iterator
from functools import lru_cache

from pulumi_mlops_sandbox.azure import ids, roles
from pulumi_mlops_sandbox.azure.call import Tenant
from pulumi_mlops_sandbox.azure.errors import ArmError
from pulumi_mlops_sandbox.azure.facts import DEPLOYER, SUBSCRIPTION
from pulumi_mlops_sandbox.azure.roles import Role
from pulumi_mlops_sandbox.azure.store import Record

OWNER = roles.BUILT_IN["8e3af657-a8ff-443c-a75c-2fe8c4bcb635"]


def assignments(tenant: Tenant, principal: str, scope: str) -> Iterator[Role]:
    """List the roles that a principal has on a resource."""
    if principal == DEPLOYER and ids.within(scope, f"/subscriptions/{SUBSCRIPTION}"):
        yield OWNER
    for record in tenant.store.of_type("Microsoft.Authorization/roleAssignments"):
        said = record.properties
        if str(said.get("principalId")).lower() == principal.lower() and ids.within(scope, _scope(record)):
            role = roles.find(tenant.store, str(said.get("roleDefinitionId")))
            if role is not None:
                yield role


def allowed(tenant: Tenant, principal: str, action: str, scope: str, *, data: bool = False) -> bool:
    """Say whether a principal may do something to a resource, and note that it was asked."""
    tenant.needed.add((principal, action, scope))
    return any(_allows(role, action, data=data) for role in assignments(tenant, principal, scope))


def require(tenant: Tenant, principal: str, action: str, scope: str, *, data: bool = False) -> None:
    """Refuse a caller that lacks the right."""
    if allowed(tenant, principal, action, scope, data=data):
        return
    raise ArmError(
        "AuthorizationFailed",
        f"The client '{principal}' with object id '{principal}' does not have authorization to perform action "
        f"'{action}' over scope '{scope}' or the scope is invalid. If access was recently granted, please refresh your "
        "credentials.",
        403,
    )


def action_of(method: str, kind: str, verb: str = "") -> str:
    """Name the action of a request."""
    if method == "POST":
        return f"{kind}/{verb}/action"
    return f"{kind}/{ {'GET': 'read', 'HEAD': 'read', 'DELETE': 'delete'}.get(method, 'write') }"


def _scope(record: Record) -> str:
    return ids.parse(record.id).scope or "/"


def _allows(role: Role, action: str, *, data: bool) -> bool:
    yes, no = (role.data, role.data_excluded) if data else (role.actions, role.excluded)
    return any(_fits(one, action) for one in yes) and not any(_fits(one, action) for one in no)


def _fits(pattern: str, action: str) -> bool:
    return bool(_compiled(pattern).fullmatch(action))


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> "re.Pattern[str]":
    return re.compile(".*".join(re.escape(part) for part in pattern.split("*")), re.IGNORECASE)
