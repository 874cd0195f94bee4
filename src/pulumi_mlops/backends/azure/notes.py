"""What this backend makes of the neutral arguments.

The reference pages and the editors' docstrings are put together of these notes and the nouns' own docstrings.
A key names a noun, an argument or an output.
"""

TITLE = "Azure"
NOTES = {
    "Platform": "a resource group with a storage account (no shared keys, TLS 1.2, versions and soft delete), a Key "
    "Vault with roles, a Container Registry, Log Analytics and Application Insights, and a workspace of Azure Machine "
    "Learning with a managed network and an identity of its own; an action group, a Budget, and private endpoints when "
    "asked. See https://learn.microsoft.com/azure/machine-learning/concept-workspace.",
    "Platform.account": "the id of a subscription.",
    "Platform.region": "such as ``westeurope``.",
    "Platform.consumers": "users, groups, applications and Identities. They read ``models/`` of the artifact store, "
    "images, and the workspace's list of models.",
    "Identity": "a user-assigned managed identity with role assignments at single resources. See "
    "https://learn.microsoft.com/entra/workload-id/workload-identity-federation.",
    "Identity.principal": "the object id of the managed identity in Entra ID.",
}
