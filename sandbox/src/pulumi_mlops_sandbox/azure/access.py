"""Who may do what: role assignments at the scope of a resource and above it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from pulumi_mlops_sandbox.azure import conditions, ids, roles
from pulumi_mlops_sandbox.azure.call import Need, Tenant
from pulumi_mlops_sandbox.azure.conditions import Asked
from pulumi_mlops_sandbox.azure.errors import ArmError
from pulumi_mlops_sandbox.azure.facts import DEPLOYER, SUBSCRIPTION
from pulumi_mlops_sandbox.azure.roles import Role
from pulumi_mlops_sandbox.azure.store import Record

_IN_REGISTRIES = re.compile(
    r"(Microsoft\.MachineLearningServices/registries)/(codes|components|data|environments|models)(/versions)?",
    re.IGNORECASE,
)
ASSIGNMENTS = "Microsoft.Authorization/roleAssignments"
OWNER = roles.BUILT_IN["8e3af657-a8ff-443c-a75c-2fe8c4bcb635"]


@dataclass(frozen=True)
class Held:
    """A role that somebody has on a resource, perhaps for some objects only."""

    role: Role
    condition: str = ""
    record: str = ""
    """The id of the assignment."""


def assignments(tenant: Tenant, principal: str, scope: str) -> Iterator[Held]:
    """List the roles that a principal has on a resource."""
    if principal == DEPLOYER and ids.within(scope, f"/subscriptions/{SUBSCRIPTION}"):
        yield Held(OWNER)
    for record in tenant.store.of_type(ASSIGNMENTS):
        said = record.properties
        if str(said.get("principalId")).lower() == principal.lower() and ids.within(scope, _scope(record)):
            role = roles.find(tenant.store, str(said.get("roleDefinitionId")))
            if role is not None:
                yield Held(role, str(said.get("condition") or ""), record.id)


def allowed(
    tenant: Tenant, principal: str, action: str, scope: str, *, data: bool = False, about: Asked | None = None
) -> bool:
    """Say whether a principal may do something to a resource, and note that it was asked."""
    asked = about or Asked(action)
    path = "".join(value for _name, value in asked.attributes)
    tenant.needed.add(Need(principal, action, scope, data, path))
    return any(_gives(held, asked, data=data) for held in assignments(tenant, principal, scope))


def _gives(held: Held, about: Asked, *, data: bool) -> bool:
    return _allows(held.role, about.action, data=data) and _for(held, about, data=data)


def unneeded(tenant: Tenant) -> list[str]:
    """List the assignments without which everything so far would have been allowed as well."""
    found = []
    for record in tenant.store.of_type(ASSIGNMENTS):
        principal = str(record.properties.get("principalId")).lower()
        needs = (need for need in tenant.needed if need.principal.lower() == principal)
        if not any(_only(tenant, record, need) for need in needs):
            found.append(record.id)
    return sorted(found)


def _only(tenant: Tenant, record: Record, need: Need) -> bool:
    """Say whether a right came by one assignment alone."""
    about = at_path(need.action, need.path) if need.path else Asked(need.action)
    giving = [
        held.record for held in assignments(tenant, need.principal, need.scope) if _gives(held, about, data=need.data)
    ]
    return giving == [record.id]


def _for(held: Held, about: Asked, *, data: bool) -> bool:
    """Say whether a condition lets it pass; conditions bound what is done to data, and nothing else."""
    return not data or not held.condition or conditions.holds(held.condition, about)


def at_path(action: str, path: str, sub: str = "") -> Asked:
    """Say which object a request is about; of a list which ones are to be listed."""
    source = "request:prefix" if sub else "resource:path"
    return Asked(action, sub, ((source, path),))


def require(tenant: Tenant, principal: str, action: str, scope: str) -> None:
    """Refuse a caller that lacks the right."""
    if allowed(tenant, principal, action, scope):
        return
    raise ArmError(
        "AuthorizationFailed",
        f"The client '{principal}' with object id '{principal}' does not have authorization to perform action "
        f"'{action}' over scope '{scope}' or the scope is invalid. If access was recently granted, please refresh your "
        "credentials.",
        403,
    )


def action_of(method: str, kind: str, verb: str = "") -> str:
    """Name the action of a request; whatever is in a registry of Machine Learning is an asset to Azure."""
    kind = _IN_REGISTRIES.sub(r"\1/assets", kind)
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
