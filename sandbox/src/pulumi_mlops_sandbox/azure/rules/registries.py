"""Container registries."""

from collections.abc import Iterator

from pulumi_mlops_sandbox.azure.actions import action
from pulumi_mlops_sandbox.azure.call import Answer, Call, on_delete, rule
from pulumi_mlops_sandbox.azure.errors import ArmError, Problem
from pulumi_mlops_sandbox.azure.rules.keys import by_client, may_wrap, same
from pulumi_mlops_sandbox.azure.rules.outputs import secret

REGISTRIES = "Microsoft.ContainerRegistry/registries"
WORKSPACES = "Microsoft.MachineLearningServices/workspaces"
PREMIUM = "Premium"


@rule(REGISTRIES)
def registry(call: Call) -> Iterator[Problem]:
    """Refuse what needs a dearer registry."""
    sku, asked = call.at("sku.name"), call.properties
    wants = {
        "publicNetworkAccess": asked.get("publicNetworkAccess") == "Disabled",
        "networkRuleSet": asked.get("networkRuleSet") is not None,
        "zoneRedundancy": asked.get("zoneRedundancy") == "Enabled",
        "encryption": call.at("properties.encryption.status") == "enabled",
        "dataEndpointEnabled": bool(asked.get("dataEndpointEnabled")),
        "policies.retentionPolicy": call.at("properties.policies.retentionPolicy.status") == "enabled",
        "policies.trustPolicy": call.at("properties.policies.trustPolicy.status") == "enabled",
    }
    if sku != PREMIUM:
        for name, wanted in wants.items():
            if wanted:
                yield Problem(f"properties.{name}", f"needs sku.name {PREMIUM}, not {sku}", "FeatureNotSupportedForSku")
    if asked.get("anonymousPullEnabled") and sku == "Basic":
        yield Problem(
            "properties.anonymousPullEnabled", "needs sku.name Standard or Premium", "FeatureNotSupportedForSku"
        )
    key = call.at("properties.encryption.keyVaultProperties")
    if call.at("properties.encryption.status") == "enabled" and isinstance(key, dict):
        holder = by_client(call, str(key.get("identity", "")))
        path = "properties.encryption.keyVaultProperties.keyIdentifier"
        yield from may_wrap(call, holder.id if holder else None, key.get("keyIdentifier"), path)


@on_delete(REGISTRIES)
def used(call: Call) -> None:
    """Refuse to delete a registry from which a workspace takes its images."""
    for workspace in call.store.of_type(WORKSPACES):
        if workspace.state != "Deleting" and same(workspace.properties.get("containerRegistry", ""), call.address.id):
            raise ArmError(
                "RegistryInUse",
                f"The registry '{call.address.name}' cannot be deleted: the workspace '{workspace.id}' takes its "
                "images from it. Delete the workspace first, or give it another registry.",
                409,
            )


@action(REGISTRIES, "listCredentials")
def credentials(call: Call) -> Answer:
    """Tell the password of the administrator, where there is one."""
    record = call.existing
    if record is None:
        raise ArmError("ResourceNotFound", f"There is no registry '{call.address.id}'.", 404)
    if not record.properties.get("adminUserEnabled"):
        raise ArmError(
            "UnAuthorizedForCredentialOperations",
            f"Cannot perform credential operations for {call.address.id} as admin user is disabled. Kindly enable "
            "admin user as per docs, or use a role such as AcrPull.",
        )
    passwords = [{"name": name, "value": secret(record, name)} for name in ("password", "password2")]
    return Answer(200, {"username": record.name.lower(), "passwords": passwords})
