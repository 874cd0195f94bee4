"""What self-hosted Kubernetes can do, alone and in combination."""

from pulumi_mlops.core.capabilities import Entry, table

_NO_KNATIVE = "KServe's Standard mode has nobody who holds a request while no replica is there."

_NOT_SHARED = "the server of a feature store takes callers of its own namespace only."

_NODES = "nodes are the cluster's own, and come and go by its own settings."
_NO_SHARED = "no registry here is one that platforms share."
_NOT_FOR_REGIONS = "ModelRegistry without regions, whose versions are bridged as they are."
_OTHER_CLOUD = "versions are read by who publishes and by steps, and identities do not reach into another cloud."
_OTHER_STORE = "versions are read by who publishes and by steps, with the key of their own platform's object store."
_COPY_OF_IT = "a Dataset of this platform that a job copies the files into."
_LOOKS = Entry("emulated", "a small program of the library looks every 30 seconds")
CAPABILITIES = table(
    {
        "bridge.identity": Entry(
            "absent",
            "the rights on a thing are given by the platform that it belongs to.",
            "an Identity on that platform.",
        ),
        "bridge.dataset.account": Entry("absent", _OTHER_STORE, _COPY_OF_IT),
        "bridge.dataset.backend": Entry("absent", _OTHER_CLOUD, _COPY_OF_IT),
        "bridge.dataset.place": Entry("absent", _OTHER_STORE, _COPY_OF_IT),
        "bridge.dataset.platform": Entry("native", "lineage, where one object store has both"),
        "bridge.feature_group.account": Entry("absent", _NOT_SHARED, "an Endpoint on the group's own platform."),
        "bridge.feature_group.backend": Entry(
            "absent",
            "a container here has no credentials for another backend.",
            "a feature group of the endpoint's own platform, which the same rows are written to.",
        ),
        "bridge.feature_group.place": Entry("absent", _NOT_SHARED, "an Endpoint on the group's own platform."),
        "bridge.feature_group.platform": Entry("absent", _NOT_SHARED, "an Endpoint on the group's own platform."),
        "bridge.model_version.account": Entry(
            "absent", "a cluster has no accounts of a cloud.", "platforms with one object store."
        ),
        "bridge.model_version.backend": Entry(
            "absent",
            "pods here have no credentials for another backend's registry.",
            "the version registered here as well, or its files in the platform's object store: "
            "model={'image': …, 'artifact': …}.",
        ),
        "bridge.model_version.place": Entry(
            "absent",
            "the version's files are in an object store to which this platform has no key.",
            "Platform(existing={'object_store': …}) of both platforms, or the files copied into this platform's store: "
            "model={'image': …, 'artifact': …}.",
        ),
        "bridge.model_version.platform": Entry("native", "the object store that both platforms were given"),
        "identity": Entry("native", "a service account"),
        "identity.reads": Entry(
            "lossy",
            "Feast's server and the object store know no groups: who reads one group can read all of its store, and "
            "can push to it.",
            "a FeatureStore of its own for groups that others must not see.",
        ),
        "identity.writes": Entry(
            "lossy",
            "Feast's server takes pushed rows and knows no groups: who writes one group can write and read all of its "
            "store.",
            "a FeatureStore of its own for groups that others must not change.",
        ),
        "identity.materializes": Entry("native", "a network policy to Feast's server"),
        "identity.registers": Entry(
            "absent", "users of MLflow are made with the registry.", "ModelRegistry(approvers=[…]) with the Identity."
        ),
        "identity.approves": Entry(
            "absent", "users of MLflow are made with the registry.", "ModelRegistry(approvers=[…]) with the Identity."
        ),
        "identity.deploys": Entry(
            "absent", "users of MLflow are made with the registry.", "ModelRegistry(consumers=[…]) with the Identity."
        ),
        "identity.invokes": Entry("native", "a network policy to the endpoint"),
        "identity.secrets": Entry("native", "RBAC on the Secret"),
        "identity.records": Entry(
            "native", "a user of the MLflow server, or RBAC on the Secret of the engine; and a way through the network"
        ),
        "identity.trusts.github": Entry(
            "absent",
            "whether the API server trusts GitHub's issuer is a setting of the cluster.",
            "trusts={'service_account': …} of the runner.",
        ),
        "identity.trusts.token": Entry(
            "absent",
            "whether the API server trusts an issuer is a setting of the cluster.",
            "trusts={'service_account': …} of the workload.",
        ),
        "identity.trusts.account": Entry("absent", "a cluster has no accounts of a cloud.", "trusts={'namespace': …}."),
        "identity.trusts.role": Entry("absent", "a Role of RBAC is a set of rights.", "trusts={'service_account': …}."),
        "identity.trusts.namespace": Entry("native", "the right to ask for the account's token"),
        "identity.trusts.service_account": Entry("native", "the right to ask for the account's token"),
        "identity.existing": Entry("native", "a service account of any namespace"),
        "principal.account": Entry(
            "absent", "a cluster has no accounts of a cloud.", "{'namespace': …} or {'service_account': …}."
        ),
        "principal.role": Entry(
            "absent", "a Role of RBAC is a set of rights, not somebody.", "{'namespace': …} or {'service_account': …}."
        ),
        "principal.namespace": Entry("native", "the service accounts of a namespace, and its pods"),
        "principal.service_account": Entry(
            "native", "RBAC, and network policies for pods with the label 'pulumi-mlops/account'"
        ),
        "principal.user": Entry("native", "a user of MLflow, by name"),
        "principal.group": Entry(
            "absent", "network policies and MLflow know no groups of people.", "{'namespace': …} or {'user': …}."
        ),
        "principal.application": Entry(
            "absent", "a program in a cluster is a service account.", "{'service_account': …}."
        ),
        "platform": Entry(
            "native", "a namespace with Pod Security *restricted*, network policies, quota, object store"
        ),
        "platform.addons": Entry("native", "Helm charts of the operators' own projects"),
        "platform.budget": Entry(
            "absent", "a cluster knows no prices.", "quota={'cpus': …, 'memory_gb': …}, or OpenCost beside it."
        ),
        "platform.consumers": Entry(
            "lossy",
            "the object store has one key that reads: consumers read features and captured requests as well.",
            "a platform of its own for what they must not read, or existing={'object_store': …} whose reading key is "
            "bounded by the server's own policy.",
        ),
        "platform.existing.alerts": Entry("native", "a webhook of Alertmanager's"),
        "platform.existing.artifacts": Entry(
            "absent", "a bucket's name does not say on which server it is.", "existing={'object_store': {…}}."
        ),
        "platform.existing.cidrs": Entry("native", "network policies"),
        "platform.existing.database": Entry("native", "a Postgres server"),
        "platform.existing.gateway": Entry("native", "a Gateway of the Gateway API"),
        "platform.existing.gateway.tokens": Entry("native", "a SecurityPolicy of Envoy Gateway"),
        "platform.existing.group": Entry(
            "absent", "a platform's namespace carries the rules of its pods, and is made with it.", "leave it out."
        ),
        "platform.existing.images": Entry("native", "any image registry, with a pull secret"),
        "platform.existing.key": Entry(
            "absent", "encryption at rest is the API server's and the disks' own.", "encryption of the cluster itself."
        ),
        "platform.existing.metrics": Entry("native", "Prometheus"),
        "platform.existing.workspace": Entry(
            "absent",
            "a cluster has no workspaces; a platform is a namespace, which is made with it.",
            "existing={'object_store': {…}, 'database': {…}}, and ModelRegistry.existing(…).",
        ),
        "platform.existing.object_store": Entry("native", "any S3 server"),
        "platform.images": Entry("native", "names in the registry of existing.images"),
        "platform.log_days": Entry(
            "absent", "logs are kept by whatever collects them in the cluster.", "retention there."
        ),
        "platform.network.existing": Entry(
            "absent", "pods live in the cluster's own network.", "network={'private': {}}, or leave network out."
        ),
        "platform.network.existing.security_groups": Entry(
            "absent", "pods live in the cluster's own network.", "network={'private': {}}, or leave network out."
        ),
        "platform.network.private": Entry("native", "network policies without a way to the internet"),
        "platform.quota": Entry("native", "ResourceQuota and LimitRange"),
        "platform.region": Entry("absent", "a cluster is where it is.", "leave region out; account names the context."),
        "platform.secrets": Entry("native", "Secrets"),
        "bridge.shared_version.account": Entry("absent", _NO_SHARED, _NOT_FOR_REGIONS),
        "bridge.shared_version.backend": Entry("absent", _NO_SHARED, _NOT_FOR_REGIONS),
        "bridge.shared_version.place": Entry("absent", _NO_SHARED, _NOT_FOR_REGIONS),
        "bridge.shared_version.platform": Entry("absent", _NO_SHARED, _NOT_FOR_REGIONS),
        "feature_store": Entry("native", "Feast with Postgres and Valkey"),
        "feature_store.materialize": Entry("native", "a CronJob"),
        "dataset": Entry("native", "a folder of the object store, and a ConfigMap with its facts"),
        "dataset.partition": Entry("native", "folders"),
        "dataset.retention": Entry(
            "emulated", "a CronJob with a program of ours, alike on the platform's own object store and on yours"
        ),
        "dataset.existing": Entry("native", "a folder of the platform's object store; what is said of it is believed"),
        "dataset.existing.key": Entry(
            "absent", "the object store encrypts by itself, if at all.", "the existing dataset without a key."
        ),
        "feature_group": Entry("native", "a Feast feature view"),
        "feature_group.online": Entry("native", "Valkey"),
        "feature_group.online.ttl": Entry("native", "each feature of a row expires in Valkey"),
        "feature_group.offline": Entry("native", "Parquet in the object store"),
        "feature_group.offline.iceberg": Entry(
            "absent", "Feast writes no Iceberg tables.", "offline={'format': 'parquet'}."
        ),
        "feature_group.compound_key": Entry("native", "an entity for each key"),
        "feature_group.existing": Entry("native", "a view of Feast's; what is said of it is believed"),
        "feature_group.existing.by_itself": Entry(
            "absent",
            "a view is served by a server.",
            "FeatureGroup.existing(…, store=FeatureStore.existing(…)).",
        ),
        "feature_store.existing": Entry("native", "a Service before Feast's server"),
        "feature_store.existing.rows": Entry("absent", "Feast's own settings say where rows are.", "leave rows out."),
        "feature_store.existing.writer": Entry("absent", "Feast's server writes by itself.", "leave writer out."),
        "experiment_tracker": Entry("native", "an MLflow server with Postgres, its files in the object store"),
        "experiment_tracker.size": Entry(
            "absent", "the server is as large as its stage says: one replica, and two in prod.", "leave size out."
        ),
        "experiment_tracker.published": Entry("native", "an HTTPRoute; MLflow's own users log in"),
        "training_cluster": Entry("native", "a ClusterQueue of Kueue, and a TrainingRuntime of Kubeflow Trainer"),
        "training_cluster.elastic": Entry("native", "the nodes that the cluster has, or its autoscaler brings"),
        "training_cluster.nodes.min": Entry(
            "absent", _NODES, "the least size of the node group, in the settings of the cluster's autoscaler."
        ),
        "training_cluster.persistent": Entry("absent", "a cluster has its nodes already.", "leave persistent out."),
        "training_cluster.spot": Entry("native", "nodes with the label 'karpenter.sh/capacity-type: spot'"),
        "training_cluster.warm": Entry("absent", _NODES, "the time that the cluster's autoscaler waits."),
        "training_cluster.idle": Entry("absent", _NODES, "the time that the cluster's autoscaler waits."),
        "training_cluster.max_hours": Entry("native", "activeDeadlineSeconds of the runtime's Jobs"),
        "training_cluster.interconnect": Entry(
            "lossy",
            "nodes are chosen by the label of Node Feature Discovery; no pod asks for the network device, which each "
            "device plugin calls otherwise.",
            "a shared device plugin, or a step that asks for the device by the name that it has there.",
        ),
        "training_cluster.priority": Entry("native", "a WorkloadPriorityClass of Kueue, and pre-emption"),
        "training_cluster.shares": Entry("native", "a cohort of Kueue"),
        "training_cluster.existing": Entry("native", "a LocalQueue of the platform's namespace"),
        "training_cluster.existing.compute": Entry("native", "what each pod of a run asks for"),
        "training_cluster.existing.nodes": Entry("native", "the most pods of a run"),
        "model_registry": Entry("native", "MLflow with Postgres"),
        "model_registry.approvers": Entry(
            "lossy",
            "MLflow has one right to edit: who may approve a version may register, change and delete them as well, and "
            "rewrite the metrics that a gate judges.",
            "approvers who do not train: a person, or a CI job of its own.",
        ),
        "model_registry.consumers": Entry("native", "a network policy, and a user of MLflow that may read"),
        "model_registry.events": Entry(
            "lossy",
            "MLflow tells of every tag that a version gets, whatever it says: 'on' is not judged by it.",
            "a receiver that looks at key and value of the tag.",
        ),
        "model_registry.regions": Entry(
            "absent", "a version is served by every platform that reads its files.", "leave regions out."
        ),
        "model_registry.published": Entry("native", "an HTTPRoute; MLflow's own users log in"),
        "model": Entry("native", "a registered model"),
        "model.gate": Entry("emulated", "approved() compares the metrics of the version's run when the program runs"),
        "model.existing": Entry("native", "a registered model"),
        "model.existing.by_itself": Entry(
            "absent", "a model is kept by a server.", "Model.existing(…, registry=ModelRegistry.existing(…))."
        ),
        "model.existing.files": Entry(
            "absent", "the registry says where files are.", "ModelRegistry.existing(…, files=…)."
        ),
        "model.existing.key": Entry(
            "absent", "object stores here decrypt what they hold themselves.", "leave key out."
        ),
        "model_registry.existing": Entry("native", "a Service before an MLflow server"),
        "model_registry.existing.files": Entry("native", "what 'mlflow-artifacts:' stands for"),
        "endpoint.existing": Entry("native", "an InferenceService, or a Service of any server"),
        "endpoint": Entry("native", "KServe InferenceService, Standard mode"),
        "endpoint.realtime": Entry("native"),
        "endpoint.serverless": Entry("absent", _NO_KNATIVE, "scaling={'min': 1, …}."),
        "endpoint.asynchronous": Entry(
            "absent", "KServe has no queue of its own.", "a real-time endpoint behind a queue of yours."
        ),
        "accelerator": Entry("native", "nvidia.com/gpu"),
        "loop": Entry("native", "a tracker, a registry, a model, a pipeline, an endpoint and a monitor"),
        "monitor": Entry("emulated", "a pipeline whose pod compares, over the files that KServe's agent has written"),
        "monitor.managed": Entry(
            "absent",
            "KServe has no monitor of its own that is kept.",
            "leave managed out: the library's own program reads what was captured.",
        ),
        "monitor.metrics": Entry("emulated", "a Pushgateway, rules of Prometheus, and a dashboard of Grafana"),
        "monitor.ground_truth": Entry("emulated", "a container of ours fetches the version, and the pod joins it"),
        "monitor.on_breach": Entry(
            "emulated", "the pod starts the pipeline, unless a run of it goes on or has just begun"
        ),
        "batch_inference": Entry("native", "a WorkflowTemplate of one step"),
        "batch_inference.server": Entry("native", "the library's program loads the model in MLServer's image"),
        "pipeline": Entry("native", "a WorkflowTemplate of Argo Workflows; each step is a pod"),
        "pipeline.features": Entry(
            "lossy",
            "rows are Parquet in the object store, and nobody selects them: the folder has every row that the group "
            "has, and is copied for each step.",
            "a command that takes the last days by the event time.",
        ),
        "pipeline.batch": Entry("native", "a pod with the step's own image"),
        "pipeline.versions": Entry("native", "Argo brings the files of the version from the object store"),
        "pipeline.retries": Entry("native", "Argo's retryStrategy, also when a node is taken away"),
        "pipeline.distributed": Entry("native", "a TrainJob of Kubeflow Trainer, led by the step's pod"),
        "pipeline.cluster": Entry("native", "a TrainJob in the cluster's queue; Kueue starts it, and begins it again"),
        "pipeline.datasets": Entry(
            "emulated", "a container of ours fetches the files before the step's own begins, with the store's key"
        ),
        "pipeline.captured": Entry(
            "emulated",
            "a container of ours fetches the files that were written in these hours, with the store's key",
        ),
        "pipeline.publish": Entry(
            "native", "a container of the library's adds the files to the dataset and publishes; the step holds no key"
        ),
        "pipeline.tracker": Entry("native", "a user of the tracker, and a way to it for the pods that record"),
        "pipeline.checkpoints": Entry("native", "a volume for the time of a run"),
        "pipeline.register.image": Entry("native", "the tag serving_image of the version"),
        "pipeline.schedule": Entry("native", "a CronWorkflow"),
        "pipeline.triggers": _LOOKS,
        "pipeline.triggers.approval": _LOOKS,
        "pipeline.triggers.data": _LOOKS,
        "pipeline.triggers.alarm": Entry("emulated", "a small program of the library asks Prometheus every 30 seconds"),
        "pipeline.triggers.pipeline": _LOOKS,
        "pipeline.overlap.skip": Entry(
            "lossy",
            "a CronWorkflow knows its own runs only: one that somebody starts by hand is not counted.",
            "starting it by hand when none goes on.",
        ),
        "pipeline.parallel": Entry("native", "parallelism of the graph"),
        "pipeline.alerts": Entry("native", "a PrometheusRule over what Argo's controller counts"),
        "endpoint.variants": Entry("native", "weights of an HTTPRoute"),
        "endpoint.shadow": Entry("native", "RequestMirror of an HTTPRoute"),
        "endpoint.scaling": Entry("native", "KEDA, by requests that Prometheus counts"),
        "endpoint.scaling.zero": Entry(
            "absent",
            _NO_KNATIVE,
            "scaling={'min': 1, …}; a backend that has endpoint.serverless or endpoint.asynchronous lets one sleep.",
        ),
        "endpoint.scaling.schedule": Entry(
            "absent",
            "KEDA's clock knows a number between two moments, not bounds that hold from one on.",
            "scaling={'min': …, 'max': …, 'requests_per_replica': …}.",
        ),
        "endpoint.release.canary": Entry("native", "a Job that moves the HTTPRoute's weights and watches Prometheus"),
        "endpoint.release.linear": Entry("native", "a Job that moves the HTTPRoute's weights and watches Prometheus"),
        "endpoint.release.unmeasured": Entry("native", "the release Job watches readiness alone"),
        "endpoint.release.registry": Entry(
            "absent", "nobody here rolls an endpoint but its program.", "model.approved() and events to your CI."
        ),
        "endpoint.capture": Entry("native", "KServe's inference logger, to the object store"),
        "endpoint.capture.sampled": Entry(
            "lossy", "KServe's logger has no sampling: every request is written.", "capture_percent=100, or 0."
        ),
        "endpoint.reads": Entry(
            "lossy",
            "Feast's server knows no groups, and takes pushed rows from whoever reaches it: a container that reads one "
            "group can read and write all of its store.",
            "a FeatureStore of its own for groups that others must not see or change.",
        ),
        "endpoint.secrets": Entry("native", "Secrets as files"),
        "endpoint.artifact_key": Entry(
            "absent", "object stores here decrypt what they hold themselves.", "leave artifact_key out."
        ),
        "endpoint.serve.command": Entry("native", "the command of the container"),
        "endpoint.serve.port": Entry("native", "the port of the container"),
        "endpoint.serve.health": Entry("native", "the readiness probe"),
        "endpoint.serve.startup": Entry("native", "the startup probe"),
        "endpoint.serve.timeout": Entry("native", "time limits of the InferenceService and of the route"),
        "endpoint.serve.shared_memory": Entry("native", "an emptyDir in memory at /dev/shm"),
        "endpoint.invokers": Entry("native", "network policies for other namespaces"),
        "endpoint.isolated": Entry("native", "network policies"),
        "endpoint.private": Entry("native", "network policies"),
    }
)
