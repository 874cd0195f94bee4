"""What Azure can do, alone and in combination."""

from pulumi_mlops.core.capabilities import Entry, table

_ENTRA = "{'user': …}, {'group': …}, {'application': …} or an Identity."
_ON_ITS_OWN = "an Identity on that platform."
_NO_ONLINE = (
    "the online store of Azure's feature store is Azure Cache for Redis, which is closed to new tenants and retires in "
    "2028."
)
_FEAST = "a feature group of a Kubernetes platform, whose Feast serves rows online."
_OTHER_WORKSPACE = "a workspace serves versions of its own, or of a registry of Azure Machine Learning."
_COPIED = (
    "a registry that platforms share (ModelRegistry(regions=[…]), or ModelRegistry.existing), the version registered "
    "here as well, or its files copied to the artifact store: model={'image': …, 'artifact': …}."
)

_OTHER_CLOUD = "versions are read by who publishes and by steps, and identities do not reach into another cloud."
_COPY_OF_IT = "a Dataset of this platform that a job copies the files into."

CAPABILITIES = table(
    {
        "bridge.identity": Entry(
            "absent", "the rights on a thing are given by the platform that it belongs to.", _ON_ITS_OWN
        ),
        "identity": Entry("native", "a user-assigned managed identity"),
        "identity.reads": Entry("native", "roles on the feature set and on its rows"),
        "identity.writes": Entry("native", "a role on the folder of the rows"),
        "identity.materializes": Entry(
            "absent", "the store's own identity materializes.", "writes=[…] with the feature group."
        ),
        "identity.registers": Entry(
            "lossy",
            "Azure has one right to write versions: who may register a version may approve it as well.",
            "a release that is started by somebody else than the training.",
        ),
        "identity.approves": Entry(
            "lossy",
            "Azure has one right to write versions: who may approve a version may register and delete them as well.",
            "an Identity that only people, or a CI job of its own, may act as.",
        ),
        "identity.deploys": Entry("native", "the role Reader on the model, and on its files"),
        "identity.invokes": Entry("native", "a role on the endpoint that calls it, and does nothing else"),
        "identity.secrets": Entry("native", "the role Key Vault Secrets User on the secret"),
        "identity.records": Entry(
            "native", "a role of the tracker's own, or Key Vault Secrets User on the key of the engine"
        ),
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
        "platform.existing.key": Entry(
            "lossy",
            "the key encrypts the artifact store; workspace, registry and logs are encrypted by Azure's own.",
            "leave key out: Azure encrypts everything with keys of its own.",
        ),
        "platform.existing.metrics": Entry("absent", "releases are watched by Azure Monitor.", "leave it out."),
        "platform.existing.object_store": Entry(
            "absent", "the workspace reads and writes Azure Storage.", "existing={'artifacts': …}."
        ),
        "platform.existing.workspace": Entry(
            "native", "a workspace of Azure Machine Learning; the platform is in its resource group"
        ),
        "platform.images": Entry("native", "Container Registry"),
        "platform.log_days": Entry("native", "retention of Log Analytics"),
        "platform.network.existing": Entry(
            "lossy",
            "private endpoints are in your subnet; workloads run in the workspace's managed network, which is Azure's.",
            "outbound rules of the managed network, for what workloads reach in yours.",
        ),
        "platform.network.existing.security_groups": Entry(
            "absent", "a subnet of Azure brings its own rules.", "the network security group of the subnet."
        ),
        "platform.network.private": Entry("native", "a managed network, and private endpoints in a network of its own"),
        "platform.quota": Entry(
            "absent", "quotas belong to the subscription and its region.", "quotas of the workspace in Azure's portal."
        ),
        "platform.region": Entry("native"),
        "platform.secrets": Entry("native", "Key Vault"),
        "bridge.dataset.account": Entry("native", "lineage; whoever publishes needs a role in the other subscription"),
        "bridge.dataset.backend": Entry("absent", _OTHER_CLOUD, _COPY_OF_IT),
        "bridge.dataset.place": Entry("native", "lineage, in any region"),
        "bridge.dataset.platform": Entry("native", "lineage"),
        "bridge.feature_group.account": Entry("absent", _NO_ONLINE, _FEAST),
        "bridge.feature_group.backend": Entry("absent", _NO_ONLINE, _FEAST),
        "bridge.feature_group.place": Entry("absent", _NO_ONLINE, _FEAST),
        "bridge.feature_group.platform": Entry("absent", _NO_ONLINE, _FEAST),
        "bridge.model_version.account": Entry("absent", _OTHER_WORKSPACE, _COPIED),
        "bridge.model_version.backend": Entry(
            "absent",
            "a workspace serves versions of its own, or of a registry of Azure Machine Learning.",
            _COPIED,
        ),
        "bridge.model_version.place": Entry("absent", _OTHER_WORKSPACE, _COPIED),
        "bridge.model_version.platform": Entry("absent", _OTHER_WORKSPACE, _COPIED),
        "bridge.shared_version.account": Entry("native", "a role on the registry, in its own subscription"),
        "bridge.shared_version.backend": Entry("absent", _OTHER_WORKSPACE, _COPIED),
        "bridge.shared_version.place": Entry(
            "native", "the registry, which keeps versions in the endpoint's region too"
        ),
        "bridge.shared_version.platform": Entry("native", "a registry of Azure Machine Learning"),
        "feature_store": Entry("native", "a workspace that is a feature store, with a storage account of its own"),
        "feature_store.materialize": Entry(
            "lossy",
            "rows are materialized into the offline store: " + _NO_ONLINE,
            _FEAST,
        ),
        "feature_store.existing": Entry("native", "a workspace that is a feature store"),
        "feature_store.existing.rows": Entry("native", "a folder of Azure Storage"),
        "feature_store.existing.writer": Entry(
            "absent", "whoever has the role writes rows.", "Identity(writes=[…]) with the feature group."
        ),
        "dataset": Entry("native", "a storage account with versions of files, and a data asset"),
        "dataset.partition": Entry("native", "folders"),
        "dataset.retention": Entry(
            "native", "the account's lifecycle; a partition's age is counted from when its files were last changed"
        ),
        "dataset.existing": Entry("native", "a folder of a container of the subscription"),
        "dataset.existing.key": Entry(
            "absent", "an account uses its key itself, whoever reads.", "the existing dataset without a key."
        ),
        "feature_group": Entry("native", "an entity, and a feature set whose specification is uploaded"),
        "feature_group.online": Entry("absent", _NO_ONLINE, _FEAST),
        "feature_group.online.ttl": Entry("absent", _NO_ONLINE, _FEAST),
        "feature_group.offline": Entry("native", "Parquet in the artifact store"),
        "feature_group.offline.iceberg": Entry(
            "absent", "a feature set reads no Iceberg tables.", "offline={'format': 'parquet'}."
        ),
        "feature_group.compound_key": Entry("native", "index columns of the entity"),
        "feature_group.existing": Entry("native", "a feature set; what the library wrote of it is compared"),
        "feature_group.existing.by_itself": Entry(
            "absent",
            "a feature set is in the workspace of its store.",
            "FeatureGroup.existing(…, store=FeatureStore.existing(…)).",
        ),
        "training_cluster": Entry("native", "compute of Azure Machine Learning (AmlCompute)"),
        "training_cluster.elastic": Entry("native", "machines come and go between minNodeCount and maxNodeCount"),
        "training_cluster.nodes.min": Entry("native", "minNodeCount"),
        "training_cluster.persistent": Entry(
            "absent", "machines of a compute take runs of the workspace.", "nodes={'min': 4, 'max': 4}, which stay."
        ),
        "training_cluster.spot": Entry(
            "lossy",
            "machines are of low priority, which Azure lists among what it ends in 2026 and still takes; a compute "
            "ends no wait, the run does.",
            "leave spot out.",
        ),
        "training_cluster.warm": Entry("native", "nodeIdleTimeBeforeScaleDown"),
        "training_cluster.idle": Entry("native", "nodeIdleTimeBeforeScaleDown"),
        "training_cluster.max_hours": Entry("native", "the timeout of each run"),
        "training_cluster.interconnect": Entry("native", "sizes with InfiniBand"),
        "training_cluster.priority": Entry(
            "absent",
            "runs wait for a compute in the order in which they came.",
            "a TrainingCluster of its own for what must not wait.",
        ),
        "training_cluster.shares": Entry(
            "absent",
            "runs wait for a compute in the order in which they came.",
            "give both kinds of runs to one TrainingCluster.",
        ),
        "training_cluster.existing": Entry("native", "a compute of the workspace; its machines are read"),
        "training_cluster.existing.compute": Entry("absent", "a compute says it itself.", "leave compute out."),
        "training_cluster.existing.nodes": Entry("absent", "a compute says it itself.", "leave nodes out."),
        "model_registry": Entry("native", "models of the workspace"),
        "model_registry.approvers": Entry(
            "lossy",
            "Azure has one right to write versions: who may approve a version may register, change and delete them as "
            "well, and set the tags that a gate judges.",
            "approvers who do not train: a person, or a CI job of its own.",
        ),
        "model_registry.consumers": Entry(
            "native", "a role on each model and its files, which reads them and does nothing else"
        ),
        "model_registry.events": Entry(
            "emulated",
            "a workflow of Logic Apps looks every five minutes, since a changed tag raises no event",
        ),
        "model_registry.regions": Entry("native", "a registry of Azure Machine Learning, which workspaces share"),
        "model_registry.published": Entry(
            "absent",
            "the registry is reached through Azure Resource Manager, by whoever has rights.",
            "leave published out.",
        ),
        "model_registry.existing": Entry("native", "a workspace's models, or a registry of Azure Machine Learning"),
        "model_registry.existing.files": Entry(
            "absent", "each version names its files.", "Model.existing(files=…), for the rights."
        ),
        "model": Entry("native", "a model container of the workspace"),
        "model.gate": Entry("emulated", "approved() compares the version's properties and tags when the program runs"),
        "model.existing": Entry("native", "a model of the workspace, or of a registry"),
        "model.existing.by_itself": Entry("native", "a model is found by its name alone"),
        "model.existing.files": Entry("absent", "each version names its files.", "leave files out."),
        "model.existing.key": Entry("absent", "Azure Storage decrypts what it holds itself.", "leave key out."),
        "endpoint": Entry("native", "a managed online endpoint and its deployments"),
        "endpoint.existing": Entry("native", "an online endpoint of the workspace"),
        "endpoint.realtime": Entry("native"),
        "endpoint.serverless": Entry(
            "absent", "serverless endpoints of Azure serve models of its catalogue only.", "scaling={'min': 1, …}."
        ),
        "endpoint.asynchronous": Entry(
            "absent", "online endpoints have no queue.", "a real-time endpoint behind a queue of yours."
        ),
        "accelerator": Entry("native", "sizes of the NC and ND series"),
        "endpoint.variants": Entry("native", "traffic of the endpoint, in whole per cent"),
        "endpoint.shadow": Entry("native", "mirror traffic of the endpoint, 50 per cent at most"),
        "endpoint.scaling": Entry("native", "autoscale settings of Azure Monitor, one replica at a time"),
        "endpoint.scaling.zero": Entry(
            "absent",
            "a managed deployment keeps at least one machine.",
            "scaling={'min': 1, …}; a backend that has endpoint.serverless or endpoint.asynchronous lets one sleep.",
        ),
        "endpoint.scaling.schedule": Entry("native", "recurring profiles of the autoscale setting"),
        "endpoint.release.canary": Entry(
            "emulated", "a workflow of Logic Apps moves the traffic, and goes back when an alert fires"
        ),
        "endpoint.release.linear": Entry(
            "emulated", "a workflow of Logic Apps moves the traffic, and goes back when an alert fires"
        ),
        "endpoint.release.unmeasured": Entry(
            "absent",
            "Azure logs every request itself; an alert that has no data does not send a release back.",
            "leave unmeasured out.",
        ),
        "endpoint.release.registry": Entry(
            "absent", "nobody here deploys but the endpoint's program.", "model.approved() and events to your CI."
        ),
        "endpoint.capture": Entry("native", "the data collector, to the artifact store"),
        "endpoint.capture.sampled": Entry("native"),
        "endpoint.reads": Entry("absent", _NO_ONLINE, _FEAST),
        "endpoint.secrets": Entry("native", "Key Vault, by address"),
        "endpoint.artifact_key": Entry("absent", "Azure Storage decrypts what it holds itself.", "leave it out."),
        "endpoint.serve.command": Entry(
            "absent",
            "a managed deployment starts the entry point of its image.",
            "an image whose entry point serves; environment={…} sets its options.",
        ),
        "endpoint.serve.port": Entry("native", "routes of the environment"),
        "endpoint.serve.health": Entry("native", "routes of the environment"),
        "endpoint.serve.startup": Entry("native", "the startup probe of the deployment"),
        "endpoint.serve.timeout": Entry("native", "the request timeout of the deployment, 180 seconds at most"),
        "endpoint.serve.shared_memory": Entry(
            "absent", "Azure sets the size of /dev/shm itself.", "leave shared_memory_gb out."
        ),
        "endpoint.invokers": Entry("native", "a role on the endpoint that calls it, and does nothing else"),
        "endpoint.isolated": Entry(
            "absent",
            "what containers reach is a setting of the workspace's managed network, for all of them.",
            "Platform(network={'private': {}}), which lets containers reach the platform's own services only.",
        ),
        "endpoint.private": Entry("native", "no public address; the workspace's private endpoint leads to it"),
        "loop": Entry("native", "a tracker, a registry, a model, a pipeline, an endpoint and a monitor"),
        "monitor": Entry(
            "emulated", "a pipeline whose job compares, over the files that the data collector has written"
        ),
        "monitor.managed": Entry(
            "absent",
            "the monitor of Azure Machine Learning reads tables that scoring code of one's own collects, and what an "
            "endpoint captures here are requests as they came; it has no signal of model quality, and none runs in a "
            "workspace whose network is cut off.",
            "leave managed out: the library's own program reads what was captured.",
        ),
        "monitor.metrics": Entry("native", "custom metrics of Azure Monitor, with alert rules and a dashboard"),
        "monitor.ground_truth": Entry("emulated", "the job fetches the version, and joins it"),
        "monitor.on_breach": Entry(
            "emulated", "the job submits the pipeline, unless a run of it goes on or has just begun"
        ),
        "batch_inference": Entry("native", "a pipeline of one command component"),
        "batch_inference.server": Entry(
            "absent",
            "Azure's own model server is made for a version when it is deployed, and is no image that a job starts.",
            "image=… with a command that loads the model.",
        ),
        "pipeline": Entry(
            "emulated",
            "components, sweeps and compute of Azure Machine Learning; the program in front of each step judges its "
            "condition, and a step that does not run is shown as completed",
        ),
        "pipeline.features": Entry(
            "lossy",
            "the step finds every row of the group; how many days it is to look back is in MLOPS_DAYS_<NAME>.",
            "a filter of the event time in the step's program.",
        ),
        "pipeline.batch": Entry("native", "a command component with the step's own image, on one machine"),
        "pipeline.versions": Entry("native", "the folder with the files of the version, which is mounted"),
        "pipeline.retries": Entry(
            "emulated", "the program in front of the command begins it again, on the same machine, in the same job"
        ),
        "pipeline.distributed": Entry("native", "PyTorch's distribution of a job, a process on each machine"),
        "pipeline.distributed + pipeline.retries": Entry(
            "absent",
            "a job on several machines is not begun again: one machine's command cannot be.",
            "nodes=1, or checkpoints=True and another start of the pipeline.",
        ),
        "pipeline.cluster": Entry("native", "the compute, as whose identity the step runs"),
        "pipeline.datasets": Entry(
            "emulated",
            "the program that starts a step fetches the files with azure-storage-blob and azure-identity, which the "
            "image has to have",
        ),
        "pipeline.captured": Entry(
            "emulated",
            "the program that starts a step fetches the hours with azure-storage-blob and azure-identity, which the "
            "image has to have",
        ),
        "pipeline.publish": Entry(
            "native",
            "the step's program adds the files to the dataset with the image's own azure-storage-blob, publishes, and "
            "registers the version with the data asset",
        ),
        "pipeline.tracker": Entry(
            "native", "variables of the step, and a role that records; keys are read with azure-identity as it starts"
        ),
        "pipeline.checkpoints": Entry("native", "a folder of the artifact store that is mounted to be written"),
        "pipeline.register.image": Entry("native", "the tag serving_image of the version"),
        "pipeline.schedule": Entry("native", "a schedule of the workspace"),
        "pipeline.triggers": Entry(
            "emulated", "a workflow of Logic Apps looks every five minutes, since a changed tag raises no event"
        ),
        "pipeline.triggers.approval": Entry(
            "emulated", "a workflow of Logic Apps looks every five minutes, since a changed tag raises no event"
        ),
        "pipeline.triggers.data": Entry(
            "lossy",
            "a workflow of Logic Apps looks every five minutes at the versions of the data asset, where those are that "
            "were published with --asset.",
            "python dataset.py publish with --asset, or a schedule.",
        ),
        "pipeline.triggers.alarm": Entry(
            "emulated", "a workflow of Logic Apps looks every five minutes for alerts of the rule that have fired"
        ),
        "pipeline.triggers.pipeline": Entry(
            "absent",
            "events of runs that end are a preview of Azure's, and lead to no pipeline.",
            "the steps of both in one pipeline, or a schedule.",
        ),
        "pipeline.overlap.skip": Entry(
            "emulated",
            "a workflow of Logic Apps is the schedule, lists the runs and begins one unless another goes on; who "
            "starts one by hand is not asked",
        ),
        "pipeline.parallel": Entry(
            "emulated", "steps are laid into as many rows as may run at a time, each of which is one after the other"
        ),
        "pipeline.alerts": Entry("native", "an alert rule on the failed runs that the workspace counts"),
        "experiment_tracker": Entry(
            "native", "the MLflow of the workspace; nothing is made but a role that records in it"
        ),
        "experiment_tracker.size": Entry(
            "absent", "the workspace's MLflow is a service, which has no machines of its own.", "leave size out."
        ),
        "experiment_tracker.published": Entry(
            "absent", "the workspace's MLflow is reached by whoever has rights.", "leave published out."
        ),
    }
)
