"""Data sources: each resource can be looked up by its path; beside them the caller, and what only an action tells."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from pulumi_mlops_sandbox.azure.provider.session import Session
from pulumi_mlops_sandbox.azure.provider.table import ROWS
from pulumi_mlops_sandbox.provider.check import nearest
from pulumi_mlops_sandbox.provider.contract import ProviderError, Values

if TYPE_CHECKING:
    from pulumi_mlops_sandbox.azure.provider.kind import ArmKind

_ML = "azure-native:machinelearningservices"
ACTIONS: Mapping[str, tuple[str, str]] = {
    f"{_ML}:listOnlineEndpointKeys": (f"{_ML}:OnlineEndpoint", "listKeys"),
    f"{_ML}:getOnlineEndpointToken": (f"{_ML}:OnlineEndpoint", "token"),
    f"{_ML}:listWorkspaceKeys": (f"{_ML}:Workspace", "listKeys"),
    "azure-native:operationalinsights:getSharedKeys": ("azure-native:operationalinsights:Workspace", "sharedKeys"),
    "azure-native:storage:listStorageAccountKeys": ("azure-native:storage:StorageAccount", "listKeys"),
}
"""Function → the resource on which it is an action, and the action."""


def _getter(token: str) -> str:
    place, name = token.rsplit(":", 1)
    return f"{place}:get{name}"


GETTERS: Mapping[str, str] = {_getter(token): token for token in ROWS}


def _client_config(session: Session, _: Values) -> Values:
    client, principal = session.caller()
    return {
        "clientId": client,
        "objectId": principal,
        "subscriptionId": session.subscription,
        "tenantId": session.tenant,
    }


def _client_token(session: Session, _: Values) -> Values:
    return {"token": session.token}


OWN: Mapping[str, Callable[[Session, Values], Values]] = {
    "azure-native:authorization:getClientConfig": _client_config,
    "azure-native:authorization:getClientToken": _client_token,
}


def functions() -> list[str]:
    """List the functions of the table."""
    return sorted({*OWN, *ACTIONS, *GETTERS})


def answer(session: Session, kind: Callable[[str], "ArmKind"], token: str, arguments: Values) -> Values:
    """Answer a data source, or name the unknown one."""
    if token in OWN:
        return OWN[token](session, arguments)
    if token in ACTIONS:
        resource, action = ACTIONS[token]
        subject = kind(resource)
        return session.post(f"{subject.path(arguments)}/{action}", subject.version)
    if token in GETTERS:
        found = kind(GETTERS[token])
        path = found.path(arguments)
        wire = found.look(path)
        return {**found.state(path, wire), "id": wire.get("id") or path}
    raise ProviderError(f"the sandbox's table has no function {token!r}{nearest(token, functions())}")
