"""One identity a component, with just the rights of its references; and principals, as role assignments name them."""

import hashlib
import re
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pulumi
from pulumi import Input, Output
from pulumi_azure_native import authorization, managedidentity

from pulumi_mlops.backends.azure import names
from pulumi_mlops.backends.azure.addresses import PlatformAddress
from pulumi_mlops.backends.azure.rights import Right, condition, merged, rights, role_id
from pulumi_mlops.components.platform import PlatformRef
from pulumi_mlops.core.component import Scope
from pulumi_mlops.core.errors import Problem
from pulumi_mlops.core.inputs import is_deferred
from pulumi_mlops.core.naming import physical, snake
from pulumi_mlops.core.principals import PrincipalRef, Who
from pulumi_mlops.core.workload import Grant

KINDS = {"user": "User", "group": "Group", "application": "ServicePrincipal"}
"""What Azure calls the kinds of principals that it has."""
_OBJECT = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_WORD = re.compile(r"[^a-z0-9]+")
_LOGICAL = 100
"""Characters of a word in the program's own names."""
_DIGEST = 6


@dataclass(frozen=True)
class Identity:
    """A managed identity that is known only when its rights are assigned, so nothing can start without them."""

    resource: managedidentity.UserAssignedIdentity
    assignments: Sequence[authorization.RoleAssignment]
    id: Output[str]
    principal: Output[str]
    client: Output[str]


def identity(scope: Scope, platform: PlatformRef, *grants: Grant, part: str = "identity") -> Identity:
    """Make the one identity of a component, with just the rights given."""
    at = PlatformAddress.of(platform)
    made = managed(scope, at.group, at.location, part, scope.name)
    assigned = assign(scope, made.principal_id, at.subscription, rights(platform, grants))
    return known_with(made, assigned)


def managed(
    scope: Scope, group: Input[str], location: Input[str], part: str, *named: str
) -> managedidentity.UserAssignedIdentity:
    """Make a managed identity without any right; the noun in its name tells components of one name apart."""
    noun = snake(scope.component.noun, "-")
    return managedidentity.UserAssignedIdentity(
        scope.child(part),
        resource_group_name=group,
        location=location,
        resource_name_=names.inside(scope.project, scope.stage, noun, *named, limit=names.IDENTITY),
        tags=scope.tags,
        opts=scope.opts,
    )


def known_with(
    made: managedidentity.UserAssignedIdentity, assigned: Sequence[authorization.RoleAssignment]
) -> Identity:
    """Return an identity whose address waits for these."""
    return Identity(made, assigned, after(made.id, assigned), made.principal_id, made.client_id)


def after(value: Input[str], made: Sequence[pulumi.CustomResource]) -> Output[str]:
    """Return a value once these resources are there."""
    return Output.all(value, *(one.id for one in made)).apply(lambda known: str(known[0]))


def assign(
    scope: Scope,
    principal: Input[str],
    subscription: Input[str],
    given: Sequence[Right],
    *,
    part: str = "right",
    kind: str | None = "ServicePrincipal",
) -> list[authorization.RoleAssignment]:
    """Give somebody roles: one assignment a role and scope, by a name that the stack's next run finds again."""
    return [_assigned(scope, (principal, kind), subscription, right, part) for right in merged(given)]


def _assigned(
    scope: Scope, who: tuple[Input[str], str | None], subscription: Input[str], right: Right, part: str
) -> authorization.RoleAssignment:
    bounded = condition(right)
    about = f"{scope.component.noun} {scope.name} of {scope.project} ({scope.stage})"
    word = physical(part, _WORD.sub("-", right.role.lower()).strip("-"), right.where, limit=_LOGICAL)
    child = scope.child(word)
    return authorization.RoleAssignment(
        child,
        role_assignment_name=_assignment_name(scope, child),
        scope=right.scope,
        principal_id=who[0],
        principal_type=who[1],
        role_definition_id=role_id(subscription, right.role) if right.custom is None else right.custom,
        description=f"{about}: {right.why}" if right.why else about,
        condition=bounded,
        condition_version="2.0" if bounded is not None else None,
        opts=scope.opts,
    )


def _assignment_name(scope: Scope, child: str) -> str:
    """Name an assignment: it is looked up by this id, and another stack has another one."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, _whole(f"{scope.component.noun}/{child}")))


def role(
    scope: Scope,
    part: str,
    word: str,
    does: str,
    groups: Sequence[Input[str]],
    *,
    actions: Sequence[str],
    data: Sequence[str] = (),
) -> authorization.RoleDefinition:
    """Make a role of a component's own, where Azure's allow more.

    It also keeps components apart: Azure takes a role once for whoever gets it at one place.

    :param part: names it in the program.
    :param word: names it, with the component, among all roles of the tenant.
    :param does: what somebody can do by it.
    :param groups: ids of the resource groups in which it is given.
    """
    whole = _whole(scope.child(part))
    digest = hashlib.sha256(whole.encode()).hexdigest()[:_DIGEST]
    return authorization.RoleDefinition(
        scope.child(part),
        role_definition_id=str(uuid.uuid5(uuid.NAMESPACE_URL, whole)),
        role_name=f"{scope.physical(scope.name)} {word} ({digest})",
        role_type="CustomRole",
        description=f"{does} of {scope.project} ({scope.stage}), and nothing else",
        scope=groups[0],
        assignable_scopes=Output.all(*groups).apply(lambda known: list(dict.fromkeys(map(str, known)))),
        permissions=[{"actions": list(actions), "not_actions": [], "data_actions": list(data), "not_data_actions": []}],
        opts=scope.opts,
    )


def _whole(child: str) -> str:
    """Name a resource of this stack among all there are."""
    return f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}/{child}"


def let(
    scope: Scope, part: str, platform: PlatformRef, people: Sequence[Who], given: Sequence[Right]
) -> dict[str, pulumi.Resource]:
    """Give rights to principals that the user has."""
    return let_at(scope, part, PlatformAddress.of(platform).subscription, people, given)


def let_at(
    scope: Scope, part: str, subscription: Input[str], people: Sequence[Who], given: Sequence[Right]
) -> dict[str, pulumi.Resource]:
    """Give rights to principals, where there is no ref of the platform yet."""
    found: dict[str, pulumi.Resource] = {}
    for index, who in enumerate(people):
        word = f"{part}-{_word(index, who)}"
        made = assign(scope, who.value, subscription, given, part=word, kind=KINDS[who.kind])
        found |= {f"{word}.{right.where}": one for right, one in zip(merged(given), made, strict=True)}
    return found


def _word(index: int, who: Who) -> str:
    """Return what tells a principal's assignments apart: its name where that is known, else its place in the list."""
    if isinstance(who, PrincipalRef):
        return f"identity-{who.name}"
    return str(index) if is_deferred(who.value) else f"{who.kind}-{str(who.value).lower()[:8]}"


def principal_problems(field: str, principals: Sequence[Who]) -> Iterator[Problem]:
    """Judge principals: their backend, and how they are written."""
    for index, who in enumerate(principals):
        where = f"{field}[{index}]"
        if isinstance(who, PrincipalRef):
            if who.backend != "azure":
                told = f"identity {who.name!r} lives on {who.backend!r}; give an Identity of an Azure platform"
                yield Problem(where, told)
        elif who.kind not in KINDS:
            told = "is nobody of Entra ID; write {'user': …}, {'group': …}, {'application': …} or an Identity"
            yield Problem(f"{where}.{who.kind}", told)
        elif not is_deferred(who.value) and not _OBJECT.fullmatch(str(who.value)):
            yield Problem(
                f"{where}.{who.kind}",
                f"{who.value!r} is not an object id of Entra ID; write one such as "
                "'0f8fad5b-d9cb-469f-a165-70867728950e' (az ad … show --query id)",
            )
