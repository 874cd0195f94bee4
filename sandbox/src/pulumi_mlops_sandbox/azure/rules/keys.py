"""Customer-managed keys: whoever encrypts has to be allowed to use the key."""

from collections.abc import Iterator
from typing import Any

from pulumi_mlops_sandbox.azure import access, ids
from pulumi_mlops_sandbox.azure.call import Call
from pulumi_mlops_sandbox.azure.errors import ArmError, Problem
from pulumi_mlops_sandbox.azure.store import Record

VAULTS = "Microsoft.KeyVault/vaults"


def vault_of(call: Call, uri: str) -> Record | None:
    """Find a vault by its address, or by the address of something in it."""
    name = uri.split("://", 1)[-1].split(".", 1)[0].lower()
    return next((one for one in call.store.of_type(VAULTS) if one.name.lower() == name), None)


def may_wrap(call: Call, identity: Any, uri: Any, path: str) -> Iterator[Problem]:
    """Refuse a key in a vault that is not there or can be purged, and one that the identity may not use."""
    vault = vault_of(call, str(uri)) if uri else None
    if vault is None:
        yield Problem(path, f"there is no vault '{uri}'", "KeyVaultNotFound")
        return
    if not vault.properties.get("enablePurgeProtection"):
        yield Problem(path, f"the vault '{vault.name}' needs purge protection (enablePurgeProtection) for such a key")
        return
    holder = call.store.get(str(identity)) if identity else None
    if holder is None or not vault.properties.get("enableRbacAuthorization"):
        return
    principal = str(holder.at("properties.principalId"))
    action, name = f"{VAULTS}/keys/wrap/action", str(uri).partition("/keys/")[2].partition("/")[0]
    scope = f"{vault.id}/keys/{name}" if name else vault.id
    if not access.allowed(call.tenant, principal, action, scope, data=True):
        raise ArmError(
            "KeyVaultAuthenticationFailure",
            f"The identity '{holder.id}' may not use '{scope}': it needs a role with the data action "
            f"'{action}', such as Key Vault Crypto Service Encryption User.",
            403,
            target=path,
        )


def principal_of(call: Call, identity: Any) -> str:
    """Find the principal of a user-assigned identity."""
    found = call.store.get(str(identity)) if identity else None
    return str(found.at("properties.principalId")) if found is not None else ""


def assigned_to(record: Record) -> list[str]:
    """List the ids of the identities that a resource was given."""
    given = (record.body.get("identity") or {}).get("userAssignedIdentities")
    return list(given) if isinstance(given, dict) else []


def by_client(call: Call, client: str) -> Record | None:
    """Find an identity by its application id."""
    for record in call.store.of_type("Microsoft.ManagedIdentity/userAssignedIdentities"):
        if str(record.at("properties.clientId")).lower() == client.lower():
            return record
    return None


def same(one: Any, other: Any) -> bool:
    """Compare two ids."""
    return ids.within(str(one), str(other)) and ids.within(str(other), str(one))
