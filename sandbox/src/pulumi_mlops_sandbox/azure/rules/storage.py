"""Storage accounts, and what is set for their services."""

from collections.abc import Iterator

from pulumi_mlops_sandbox.azure import ids
from pulumi_mlops_sandbox.azure.call import Call, effect, rule
from pulumi_mlops_sandbox.azure.errors import Problem
from pulumi_mlops_sandbox.azure.rules.keys import may_wrap
from pulumi_mlops_sandbox.azure.store import Record

ACCOUNTS = "Microsoft.Storage/storageAccounts"
BLOBS = f"{ACCOUNTS}/blobServices"
RETENTION = (1, 365)


@rule(ACCOUNTS)
def account(call: Call) -> Iterator[Problem]:
    """Refuse combinations that there are not."""
    sku, kind = str(call.at("sku.name", "")), call.body.get("kind")
    if kind in {"BlockBlobStorage", "FileStorage"} and not sku.startswith("Premium"):
        yield Problem("sku.name", f"'{sku}' is not available for kind '{kind}': use Premium_LRS or Premium_ZRS")
    if kind == "BlobStorage" and call.at("properties.accessTier") is None:
        yield Problem("properties.accessTier", "is required where kind is 'BlobStorage'")
    if call.at("properties.isNfsV3Enabled") and not call.at("properties.isHnsEnabled"):
        yield Problem("properties.isNfsV3Enabled", "needs isHnsEnabled")
    if call.at("properties.encryption.keySource") == "Microsoft.Keyvault":
        key = call.at("properties.encryption.keyvaultproperties") or {}
        identity = call.at("properties.encryption.identity.userAssignedIdentity")
        place = key.get("keyvaulturi")
        uri = place and f"{str(place).rstrip('/')}/keys/{key.get('keyname', '')}"
        yield from may_wrap(call, identity, uri, "properties.encryption.keyvaultproperties.keyvaulturi")


@rule(BLOBS)
def blob_service(call: Call) -> Iterator[Problem]:
    """Refuse retention outside of what is possible, and versions where there are folders."""
    for name in ("deleteRetentionPolicy", "containerDeleteRetentionPolicy", "restorePolicy"):
        policy = call.properties.get(name) or {}
        days = policy.get("days")
        if policy.get("enabled") and not isinstance(days, int):
            yield Problem(f"properties.{name}.days", "is required where the policy is enabled")
        elif isinstance(days, int) and not RETENTION[0] <= days <= RETENTION[1]:
            yield Problem(f"properties.{name}.days", f"{days} is not between {RETENTION[0]} and {RETENTION[1]}")
    owner = call.store.get(ids.parse(call.address.id).parent)
    if owner is not None and owner.properties.get("isHnsEnabled") and call.properties.get("isVersioningEnabled"):
        yield Problem("properties.isVersioningEnabled", "is not possible with a hierarchical namespace (isHnsEnabled)")
    if call.at("properties.restorePolicy.enabled"):
        kept = call.at("properties.deleteRetentionPolicy.days", 0)
        if call.at("properties.restorePolicy.days", 0) >= kept:
            yield Problem("properties.restorePolicy.days", f"has to be less than deleteRetentionPolicy.days ({kept})")


@rule(f"{ACCOUNTS}/managementPolicies")
def lifecycle(call: Call) -> Iterator[Problem]:
    """Refuse rules of one name, and those that do nothing."""
    names = [one.get("name") for one in call.at("properties.policy.rules", [])]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield Problem("properties.policy.rules", f"there are several rules named '{name}'")
    for number, one in enumerate(call.at("properties.policy.rules", [])):
        if not (one.get("definition") or {}).get("actions"):
            yield Problem(f"properties.policy.rules[{number}].definition.actions", "is required and missing")


@effect(ACCOUNTS)
def services(call: Call, record: Record) -> None:
    """Have the services of a new account."""
    if call.existing is not None:
        return
    for name in ("blobServices", "fileServices"):
        identity = f"{record.id}/{name}/default"
        if call.store.get(identity) is None:
            call.store.put(Record(identity, f"{ACCOUNTS}/{name}", "default", {"properties": {}}, own=True))
