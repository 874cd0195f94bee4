"""What exists, so that a test can say that nothing is left. What a new tenant has by itself is left out."""

from pulumi_mlops_sandbox.azure.call import Tenant


def inventory(tenant: Tenant) -> dict[str, list[str]]:
    """List the ids of everything, by type; what was deleted softly is of a type of its own."""
    found: dict[str, list[str]] = {}
    for record in tenant.store.records.values():
        if not record.own:
            found.setdefault(record.type, []).append(record.id)
    for one in tenant.store.deleted.values():
        found.setdefault(f"{one['record']['type']} (deleted softly)", []).append(one["record"]["id"])
    for key in tenant.store.items:
        found.setdefault("blobs", []).append(key)
    return {kind: sorted(identities) for kind, identities in sorted(found.items())}
