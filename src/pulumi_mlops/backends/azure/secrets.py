"""Secrets on Azure: of a platform, and what an engine keeps for a component."""

from pulumi import Input, Output
from pulumi_azure_native import keyvault

from pulumi_mlops.backends.azure import names
from pulumi_mlops.backends.azure.addresses import PlatformAddress, SecretAddress
from pulumi_mlops.core.component import Scope
from pulumi_mlops.core.errors import InvalidArgs, Problem
from pulumi_mlops.core.naming import physical, snake
from pulumi_mlops.core.refs import HubRef, SecretRef


def secret(
    scope: Scope, vault: tuple[Input[str], Input[str]], part: str, called: str, value: Input[str]
) -> keyvault.Secret:
    """Keep a value in a key vault, which is named by its resource group and its name."""
    return keyvault.Secret(
        scope.child(part),
        resource_group_name=vault[0],
        vault_name=vault[1],
        secret_name=called,
        properties={"value": Output.secret(value)},
        tags=scope.tags,
        opts=scope.guarded(),
    )


def no_roles(vault: Input[str]) -> str:
    """Say why nobody could read a secret of a vault."""
    return (
        f"vault {vault!r} of the workspace goes by access policies, and the library gives rights by roles; have its "
        "owner turn to roles: az keyvault update --enable-rbac-authorization true"
    )


def keep_secret(scope: Scope, platform: HubRef, short: str, value: Input[str]) -> SecretRef:
    """Keep a value for a component; noun and name in its name keep it apart from the platform's own."""
    at = PlatformAddress.of(platform)
    if not at.vault_roles:
        told = f"cannot keep a secret of {scope.component.noun} {scope.name!r}: {no_roles(at.vault)}"
        raise InvalidArgs("Platform", platform.name, [Problem("existing.workspace", told)])
    called = physical(snake(scope.component.noun, "-"), scope.name, short, limit=names.SECRET)
    made = secret(scope, (at.vault_group or at.group, at.vault), f"secret-{short}", called, value)
    return SecretRef(
        name=short,
        backend=platform.backend,
        address=SecretAddress(id=made.id).plain(),
        native={"secret": made},
    )
