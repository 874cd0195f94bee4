"""What Azure can do, alone and in combination."""

from pulumi_mlops.core.capabilities import Entry, table

_ENTRA = "{'user': …}, {'group': …}, {'application': …} or an Identity."
_ON_ITS_OWN = "an Identity on that platform."
_NOT_YET = "this backend has no such thing in this version."

CAPABILITIES = table(
    {
        "bridge.identity": Entry(
            "absent", "the rights on a thing are given by the platform that it belongs to.", _ON_ITS_OWN
        ),
        "identity": Entry("native", "a user-assigned managed identity"),
        "identity.reads": Entry("absent", _NOT_YET, "another backend."),
        "identity.writes": Entry("absent", _NOT_YET, "another backend."),
        "identity.materializes": Entry("absent", _NOT_YET, "another backend."),
        "identity.registers": Entry("absent", _NOT_YET, "another backend."),
        "identity.approves": Entry("absent", _NOT_YET, "another backend."),
        "identity.deploys": Entry("absent", _NOT_YET, "another backend."),
        "identity.invokes": Entry("absent", _NOT_YET, "another backend."),
        "identity.secrets": Entry("native", "the role Key Vault Secrets User on the secret"),
        "identity.trusts.github": Entry("native", "a federated credential for GitHub's issuer"),
        "identity.trusts.account": Entry(
            "absent", "nobody acts as a managed identity by being of a subscription.", "trusts={'token': …}."
        ),
        "identity.trusts.role": Entry("absent", "a role of Azure is a set of rights.", "trusts={'token': …}."),
        "identity.trusts.namespace": Entry(
            "absent",
            "a federated credential names one subject.",
            "trusts={'token': {'issuer': …, 'subject': 'system:serviceaccount:<namespace>:<name>'}}.",
        ),
        "identity.trusts.service_account": Entry(
            "absent",
            "the issuer of the cluster is not told by a service account's name.",
            "trusts={'token': {'issuer': …, 'subject': 'system:serviceaccount:<namespace>:<name>'}}.",
        ),
        "identity.trusts.token": Entry("native", "a federated credential"),
        "identity.existing": Entry("native", "a user-assigned managed identity"),
        "principal.account": Entry("absent", "rights are given to what Entra ID knows.", _ENTRA),
        "principal.role": Entry("absent", "a role of Azure is a set of rights, not somebody.", _ENTRA),
        "principal.namespace": Entry("absent", "Azure has no namespaces.", _ENTRA),
        "principal.service_account": Entry("absent", "Azure has no service accounts of a cluster.", _ENTRA),
        "principal.user": Entry("native", "a user of Entra ID, by object id"),
        "principal.group": Entry("native", "a group of Entra ID, by object id"),
        "principal.application": Entry("native", "a service principal or managed identity, by object id"),
        "platform": Entry("native", "a resource group, Storage, Key Vault, Container Registry and a workspace"),
        "platform.addons": Entry("absent", "the services of Azure need nothing installed.", "leave addons out."),
        "platform.budget": Entry("native", "a budget of the resource group"),
        "platform.consumers": Entry("native", "roles on the container, the registry and the workspace"),
        "platform.existing.alerts": Entry("native", "an action group"),
        "platform.existing.artifacts": Entry("native", "a container of a storage account"),
        "platform.existing.cidrs": Entry(
            "absent", "the parts are services of Azure.", "outbound rules of the workspace's managed network."
        ),
        "platform.existing.database": Entry("absent", "nothing here needs a database.", "leave it out."),
        "platform.existing.gateway": Entry(
            "absent", "endpoints are reached through the workspace's own address.", "leave it out."
        ),
        "platform.existing.gateway.tokens": Entry("absent", "callers bring tokens of Entra ID.", "leave it out."),
        "platform.existing.group": Entry("native", "a resource group"),
        "platform.existing.images": Entry(
            "absent",
            "identities log in to Azure's registries without a password.",
            "images=[…] alone; az acr import copies images.",
        ),
        "platform.existing.key": Entry("native", "a key of Key Vault, for the artifact store and the workspace"),
        "platform.existing.metrics": Entry("absent", "releases are watched by Azure Monitor.", "leave it out."),
        "platform.existing.object_store": Entry(
            "absent", "the workspace reads and writes Azure Storage.", "existing={'artifacts': …}."
        ),
        "platform.images": Entry("native", "Container Registry"),
        "platform.log_days": Entry("native", "retention of Log Analytics"),
        "platform.network.existing": Entry(
            "absent",
            "workloads run in the workspace's managed network, which is Azure's own.",
            "network={'private': {}}, whose network is peered with yours.",
        ),
        "platform.network.private": Entry("native", "a managed network, and private endpoints in a network of its own"),
        "platform.quota": Entry(
            "absent", "quotas belong to the subscription and its region.", "quotas of the workspace in Azure's portal."
        ),
        "platform.region": Entry("native"),
        "platform.secrets": Entry("native", "Key Vault"),
        "experiment_tracker": Entry(
            "absent",
            "this backend has no tracker of its own in this version.",
            "name an engine: wandb={'entity': …, 'project': …, 'api_key': …}.",
        ),
    }
)
