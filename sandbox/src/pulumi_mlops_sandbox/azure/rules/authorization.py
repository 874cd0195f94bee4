"""Role assignments, role definitions and locks."""

from collections.abc import Iterator
from typing import Any

from pulumi_mlops_sandbox.azure import conditions, ids, roles
from pulumi_mlops_sandbox.azure.call import Call, on_delete, rule
from pulumi_mlops_sandbox.azure.errors import ArmError, Problem
from pulumi_mlops_sandbox.azure.facts import CLIENT, DEPLOYER

ASSIGNMENTS = "Microsoft.Authorization/roleAssignments"
DEFINITIONS = "Microsoft.Authorization/roleDefinitions"
LOCKS = "Microsoft.Authorization/locks"
EXTENSIONS = (
    ASSIGNMENTS,
    DEFINITIONS,
    LOCKS,
    "Microsoft.Insights/diagnosticSettings",
    "Microsoft.EventGrid/eventSubscriptions",
    "Microsoft.Consumption/budgets",
)


@rule(*EXTENSIONS)
def hangs_on_something(call: Call) -> None:
    """Refuse what would hang on nothing."""
    scope = call.address.scope
    if scope and call.store.get(scope) is None:
        here = ids.parse(scope)
        if here.type == ids.GROUPS:
            raise ArmError("ResourceGroupNotFound", f"Resource group '{here.name}' could not be found.", 404)
        raise ArmError(
            "ResourceNotFound", f"The resource '{scope}' on which '{call.address.name}' would hang was not found.", 404
        )


@rule(DEFINITIONS)
def defined(call: Call) -> Iterator[Problem]:
    """Refuse a role whose name another one has, that may be given nowhere, or that allows what there is not."""
    asked = call.properties
    name = str(asked.get("roleName", ""))
    others = (one for one in call.store.of_type(DEFINITIONS) if one.key != call.address.key)
    if any(str(one.properties.get("roleName")).lower() == name.lower() for one in others):
        raise ArmError(
            "RoleDefinitionWithSameNameExists",
            f"A custom role with the same name already exists in this directory. Use a different name than '{name}'.",
            409,
            target="properties.roleName",
        )
    scopes = asked.get("assignableScopes") or []
    if not scopes:
        yield Problem("properties.assignableScopes", "has to name a subscription or a resource group at least")
    for scope in scopes:
        here = ids.parse(str(scope))
        if here.type not in (ids.GROUPS, ids.SUBSCRIPTIONS) or call.store.get(str(scope)) is None:
            yield Problem(
                "properties.assignableScopes", f"'{scope}' is no subscription or resource group that there is"
            )
    for permission in asked.get("permissions") or []:
        yield from _named(permission, "actions", roles.DATA - roles.CONTROL)
        yield from _named(permission, "dataActions", roles.CONTROL - roles.DATA)


def _named(permission: dict[str, Any], kind: str, others: frozenset[str]) -> Iterator[Problem]:
    """Tell actions on resources from those on data, as far as the built-in roles name them."""
    for action in permission.get(kind) or []:
        if str(action).lower() in others:
            yield Problem(
                f"properties.permissions.{kind}",
                f"'{action}' does not match any of the {kind} supported by the providers",
                "InvalidActionOrNotAction",
            )


@rule(ASSIGNMENTS)
def assigned(call: Call) -> Iterator[Problem]:
    """Refuse an assignment that is there already, that would change, or that is to nobody."""
    asked = call.properties
    principal, definition = str(asked.get("principalId", "")), str(asked.get("roleDefinitionId", ""))
    if call.existing is not None:
        for name in ("principalId", "roleDefinitionId", "principalType"):
            before, now = call.existing.properties.get(name), asked.get(name)
            if now is not None and str(before).lower() != str(now).lower():
                raise ArmError(
                    "RoleAssignmentUpdateNotPermitted",
                    f"Tenant ID, application ID, principal ID, and scope are not allowed to be updated: {name} was "
                    f"'{before}'.",
                )
        return
    role = roles.find(call.store, definition)
    if role is None or not _assignable(call, definition):
        raise ArmError(
            "RoleDefinitionDoesNotExist",
            f"The specified role definition with ID '{definition.rsplit('/', 1)[-1]}' does not exist.",
            404,
            target="properties.roleDefinitionId",
        )
    if "roledefinitions" not in definition.lower():
        yield Problem("properties.roleDefinitionId", f"'{definition}' is no id of a role definition")
    yield from _conditioned(asked)
    _not_twice(call, principal, definition)
    if asked.get("principalType") is None and not known(call, principal):
        raise ArmError(
            "PrincipalNotFound",
            f"Principal {principal} does not exist in the directory. If it was just created, set principalType: its "
            "replication takes a while.",
            target="properties.principalId",
        )


def _assignable(call: Call, definition: str) -> bool:
    """Say whether a role may be given here: one of a user's own names the places."""
    name = definition.rsplit("/", 1)[-1].lower()
    own = next((one for one in call.store.of_type(DEFINITIONS) if one.name.lower() == name), None)
    return own is None or any(
        ids.within(call.address.scope, str(scope)) for scope in own.properties.get("assignableScopes") or []
    )


def _conditioned(asked: dict[str, Any]) -> Iterator[Problem]:
    condition, version = asked.get("condition"), asked.get("conditionVersion")
    if condition and version != "2.0":
        yield Problem("properties.conditionVersion", f"has to be '2.0' where there is a condition, not '{version}'")
    if condition:
        try:
            conditions.parse(str(condition))
        except conditions.ConditionError as error:
            yield Problem("properties.condition", str(error), "InvalidCondition")


def _not_twice(call: Call, principal: str, definition: str) -> None:
    role = definition.rsplit("/", 1)[-1].lower()
    for record in call.store.of_type(ASSIGNMENTS):
        said = record.properties
        if (
            ids.parse(record.id).scope.lower() == call.address.scope.lower()
            and str(said.get("principalId")).lower() == principal.lower()
            and str(said.get("roleDefinitionId")).rsplit("/", 1)[-1].lower() == role
        ):
            raise ArmError(
                "RoleAssignmentExists",
                f"The role assignment already exists. The ID of the existing role assignment is {record.name}.",
                409,
            )


def known(call: Call, principal: str) -> bool:
    """Say whether the directory knows a principal."""
    wanted = principal.lower()
    if wanted in {DEPLOYER, CLIENT} or wanted in call.store.principals:
        return True
    return any(
        str(record.at(path, "")).lower() == wanted
        for record in call.store.records.values()
        for path in ("identity.principalId", "properties.principalId")
        if record.type != ASSIGNMENTS
    )


@on_delete(DEFINITIONS)
def given(call: Call) -> None:
    """Refuse to delete a role that somebody has."""
    for record in call.store.of_type(ASSIGNMENTS):
        if str(record.properties.get("roleDefinitionId")).rsplit("/", 1)[-1].lower() == call.address.name.lower():
            raise ArmError(
                "RoleDefinitionHasAssignments",
                f"There are existing role assignments referencing role '{call.address.name}': {record.id}.",
                400,
            )


@on_delete("*")
def locked(call: Call) -> None:
    """Refuse to delete what a lock holds, or what holds something that is locked."""
    for lock in call.store.of_type(LOCKS):
        scope = ids.parse(lock.id).scope
        if lock.key != call.address.key and (ids.within(call.address.id, scope) or ids.within(scope, call.address.id)):
            raise ArmError(
                "ScopeLocked",
                f"The scope '{call.address.id}' cannot perform delete operation because following scope(s) are locked: "
                f"'{scope}'. Please remove the lock and try again.",
                409,
            )
