"""What AWS can do, alone and in combination."""

from pulumi_mlops.core.capabilities import Entry, table

_SERVERLESS = (
    "Serverless Inference leaves this out (SageMaker developer guide, 'Serverless endpoints: feature exclusions')."
)
_GUARDRAILS = "Deployment guardrails cover real-time and asynchronous endpoints only."
_NO_BACKEND = "a container here has no credentials for another backend."

_NO_SHARED = "no registry here is one that platforms share."
_NOT_FOR_REGIONS = "ModelRegistry without regions, whose versions are bridged as they are."
_OTHER_CLOUD = "versions are read by who publishes and by steps, and identities do not reach into another cloud."
_COPY_OF_IT = "a Dataset of this platform that a job copies the files into."

CAPABILITIES = table(
    {
        "identity": Entry("native", "a role of IAM"),
        "identity.reads": Entry("native", "the Feature Store API, or Athena over the group's table"),
        "identity.writes": Entry("native", "PutRecord on the feature group"),
        "identity.materializes": Entry(
            "absent", "a record is written to both stores at once.", "writes=[…] with the feature group."
        ),
        "identity.registers": Entry("native", "CreateModelPackage, and a folder of the artifact store"),
        "identity.approves": Entry("native", "UpdateModelPackage, by approval status"),
        "identity.deploys": Entry("native", "CreateModel of the model's packages, for models with the platform's tag"),
        "identity.invokes": Entry("native", "InvokeEndpoint on the endpoint"),
        "identity.secrets": Entry("native", "Secrets Manager"),
        "identity.records": Entry("native", "IAM: calls of SageMaker's MLflow, or the key of the engine"),
        "identity.trusts.github": Entry("native", "the account's OIDC provider of GitHub, which must be there"),
        "identity.trusts.account": Entry("native", "AssumeRole, with an external id where one is given"),
        "identity.trusts.role": Entry("native", "AssumeRole"),
        "identity.trusts.token": Entry("native", "the account's OIDC provider of the issuer, which must be there"),
        "identity.trusts.namespace": Entry("absent", "AWS has no namespaces.", "trusts={'role': 'arn:…'}."),
        "identity.trusts.service_account": Entry("absent", "AWS has no service accounts.", "trusts={'role': 'arn:…'}."),
        "principal.account": Entry("native", "an account, in resource policies"),
        "principal.role": Entry("native", "a role of IAM"),
        "principal.namespace": Entry("absent", "AWS has no namespaces.", "{'account': …} or {'role': …}."),
        "principal.service_account": Entry("absent", "AWS has no service accounts.", "{'role': …}, or an Identity."),
        "principal.user": Entry(
            "absent", "rights are given to roles, which people and programs assume.", "{'role': …}, or an Identity."
        ),
        "principal.group": Entry(
            "absent", "IAM's groups are of its users, and rights are given to roles here.", "{'role': …}."
        ),
        "principal.application": Entry("absent", "a program acts as a role.", "{'role': …}, or an Identity."),
        "identity.existing": Entry("native", "a role of IAM"),
        "bridge.identity": Entry(
            "absent",
            "the rights on a thing are given by the platform that it belongs to.",
            "an Identity on that platform.",
        ),
        "bridge.dataset.account": Entry("native", "lineage; who reads or publishes needs that account's leave"),
        "bridge.dataset.backend": Entry("absent", _OTHER_CLOUD, _COPY_OF_IT),
        "bridge.dataset.place": Entry("native", "lineage, in any region"),
        "bridge.dataset.platform": Entry("native", "lineage; steps read it with a right on its bucket"),
        "bridge.feature_group.account": Entry(
            "absent",
            "Feature Store opens a group to another account through a share of AWS RAM.",
            "an Endpoint on the group's own platform, or a feature group of the same account.",
        ),
        "bridge.feature_group.backend": Entry(
            "absent", _NO_BACKEND, "a feature group of the endpoint's own platform, which the same rows are written to."
        ),
        "bridge.feature_group.platform": Entry("native", "the Feature Store API, and the other platform's key"),
        "bridge.feature_group.place": Entry("native", "the Feature Store API of the group's region"),
        "bridge.model_version.account": Entry(
            "native", "the policies that ModelRegistry(consumers=…) and Platform(consumers=…) write"
        ),
        "bridge.model_version.backend": Entry(
            "absent",
            "SageMaker serves model packages of its own registry.",
            "the version registered here as well, or its files copied to S3: model={'image': …, 'artifact': …}.",
        ),
        "bridge.model_version.platform": Entry("native", "CreateModel of the other platform's model package"),
        "bridge.model_version.place": Entry(
            "emulated",
            "the files are copied to the endpoint's platform, and serve={'image': …} names an image there",
        ),
        "loop": Entry("native", "a tracker, a registry, a model, a pipeline, an endpoint and a monitor"),
        "monitor": Entry(
            "emulated", "a pipeline whose processing job compares, in a folder of files that the endpoint has captured"
        ),
        "monitor.metrics": Entry("native", "metrics, alarms and a dashboard of CloudWatch"),
        "monitor.managed": Entry(
            "lossy",
            "SageMaker Model Monitor, which AWS opens for no further accounts: the drift of single features, beside "
            "statistics that its own baselining has left.",
            "leave managed out for anything else: the library's own program reads what was captured.",
        ),
        "monitor.ground_truth": Entry("emulated", "the processing job fetches the version, and joins it"),
        "monitor.on_breach": Entry(
            "emulated", "the processing job starts the pipeline, unless a run of it goes on or has just begun"
        ),
        "batch_inference": Entry("native", "a pipeline of one processing job"),
        "batch_inference.server": Entry(
            "absent",
            "a version is served by the image that it names, which is not known to have MLflow.",
            "image=… with a command that loads the model.",
        ),
        "pipeline": Entry("native", "a SageMaker Pipeline; its steps are training, tuning and processing jobs"),
        "pipeline.features": Entry(
            "emulated",
            "Athena selects the rows of these days as they are known when the step begins, and the program that starts "
            "it fetches them with boto3, which the image has to have",
        ),
        "pipeline.batch": Entry("native", "a processing job with the step's own image, on one instance"),
        "pipeline.versions": Entry("native", "the files of the model package, which the job is given as an input"),
        "pipeline.retries": Entry(
            "emulated",
            "SageMaker repeats a step that the service failed; a command that failed is run again in its container",
        ),
        "pipeline.distributed + pipeline.retries": Entry(
            "lossy",
            "with several machines only what the service failed is begun again: one machine's command cannot be.",
            "nodes=1, or checkpoints=True and another start of the pipeline.",
        ),
        "pipeline.datasets": Entry(
            "emulated", "the program that starts a step fetches the files with boto3, which the image has to have"
        ),
        "pipeline.captured": Entry(
            "emulated", "the program that starts a step fetches the hours with boto3, which the image has to have"
        ),
        "pipeline.publish": Entry(
            "native", "the step's program adds the files to the dataset with the image's own boto3, and publishes"
        ),
        "pipeline.tracker": Entry("native", "variables of the job, and the right to record"),
        "pipeline.cluster": Entry("native", "the terms of a training job: instances, spot, warm pool, longest run"),
        "pipeline.distributed": Entry("native", "a training job of several instances"),
        "pipeline.checkpoints": Entry("native", "the checkpoint location of a training job"),
        "pipeline.register.image": Entry("native", "the container of the model package"),
        "pipeline.schedule": Entry("native", "EventBridge Scheduler"),
        "pipeline.triggers": Entry("native", "rules of EventBridge"),
        "pipeline.triggers.approval": Entry("native", "the event of a model package's approval"),
        "pipeline.triggers.data": Entry(
            "native", "the event of the version's file, which the dataset's bucket hands to EventBridge"
        ),
        "pipeline.triggers.alarm": Entry("native", "the event of an alarm that goes off"),
        "pipeline.triggers.pipeline": Entry("native", "the event of a pipeline's success"),
        "pipeline.overlap.skip": Entry(
            "emulated",
            "schedule and rules start a state machine of Step Functions, which lists the runs and begins one unless "
            "another goes on; who starts one by hand is not asked",
        ),
        "pipeline.parallel": Entry("native", "the pipeline's parallelism configuration"),
        "pipeline.alerts": Entry("native", "the event of a pipeline's failure, to the platform's topic"),
        "platform": Entry("native", "KMS, S3, CloudWatch, SNS"),
        "platform.budget": Entry("native", "AWS Budgets, by the cost allocation tag 'project'"),
        "platform.consumers": Entry("native", "key, bucket, repository and group policies"),
        "platform.addons": Entry("absent", "SageMaker needs nothing installed.", "leave addons out."),
        "platform.existing.alerts": Entry("native", "an SNS topic"),
        "platform.existing.artifacts": Entry("native", "an S3 bucket"),
        "platform.existing.cidrs": Entry(
            "absent", "the parts are services of AWS's.", "security groups of the network."
        ),
        "platform.existing.database": Entry("absent", "nothing here needs a database.", "leave it out."),
        "platform.existing.gateway": Entry(
            "absent", "endpoints are reached through SageMaker's own address.", "leave it out."
        ),
        "platform.existing.gateway.tokens": Entry("absent", "callers sign their requests (IAM).", "leave it out."),
        "platform.existing.group": Entry("absent", "AWS keeps resources in an account.", "leave it out."),
        "platform.existing.images": Entry("absent", "SageMaker pulls from ECR.", "images=[…] alone."),
        "platform.existing.key": Entry("native", "a KMS key"),
        "platform.existing.workspace": Entry(
            "absent",
            "SageMaker keeps models and endpoints in an account, not in a workspace.",
            "existing={'artifacts': …}, and ModelRegistry.existing(…) or Model.existing(…).",
        ),
        "platform.existing.metrics": Entry("absent", "releases are watched by CloudWatch.", "leave it out."),
        "platform.existing.object_store": Entry(
            "absent", "SageMaker reads and writes S3.", "existing={'artifacts': …}."
        ),
        "platform.log_days": Entry("native", "retention of the log groups"),
        "platform.quota": Entry(
            "absent", "SageMaker's quotas belong to the account, and AWS grants them.", "Service Quotas of the account."
        ),
        "platform.region": Entry("native"),
        "platform.images": Entry("native", "ECR"),
        "platform.network.existing": Entry("native"),
        "platform.network.existing.security_groups": Entry("native"),
        "platform.network.private": Entry("native", "a VPC with gateway and interface endpoints"),
        "platform.secrets": Entry("native", "Secrets Manager"),
        "bridge.shared_version.account": Entry("absent", _NO_SHARED, _NOT_FOR_REGIONS),
        "bridge.shared_version.backend": Entry("absent", _NO_SHARED, _NOT_FOR_REGIONS),
        "bridge.shared_version.place": Entry("absent", _NO_SHARED, _NOT_FOR_REGIONS),
        "bridge.shared_version.platform": Entry("absent", _NO_SHARED, _NOT_FOR_REGIONS),
        "feature_store": Entry("native", "Glue database and SageMaker Feature Store"),
        "feature_store.materialize": Entry(
            "absent", "a record is written to both stores at once.", "leave materialize out."
        ),
        "dataset": Entry("native", "a bucket with versions, and a table of Glue where format and columns are known"),
        "dataset.partition": Entry("native", "partition projection of the table"),
        "dataset.retention": Entry(
            "native", "lifecycle rules of the bucket; a partition's age is counted from when its files were written"
        ),
        "dataset.existing": Entry("native", "a folder of S3"),
        "dataset.existing.key": Entry("native", "a KMS key"),
        "feature_group": Entry("native", "SageMaker FeatureGroup"),
        "feature_group.online": Entry("native"),
        "feature_group.online.ttl": Entry("native"),
        "feature_group.offline": Entry("native", "S3 and Glue"),
        "feature_group.offline.iceberg": Entry("native"),
        "feature_group.compound_key": Entry(
            "absent",
            "a FeatureGroup has one record identifier.",
            "join the keys into one feature, such as customer_id#country.",
        ),
        "feature_group.existing": Entry("native", "a feature group; all that is to be known of it is read"),
        "feature_group.existing.by_itself": Entry("native", "a group is found by its name alone"),
        "feature_store.existing": Entry("native", "a database of Glue"),
        "feature_store.existing.rows": Entry("native", "a folder of S3"),
        "feature_store.existing.writer": Entry("native", "a role that SageMaker may assume"),
        "experiment_tracker": Entry("native", "SageMaker's MLflow: an app, or a tracking server where a size is named"),
        "experiment_tracker.size": Entry("native", "an MLflow tracking server, which is paid for by the hour"),
        "experiment_tracker.published": Entry(
            "absent", "SageMaker's MLflow is a service of AWS's, reached by whoever has rights.", "leave published out."
        ),
        "training_cluster": Entry("native", "training jobs of SageMaker, each of which brings its machines"),
        "training_cluster.elastic": Entry(
            "lossy",
            "SageMaker makes machines with each job and nothing before: nodes.max bounds one run, and the account's "
            "quota bounds runs that are side by side.",
            "Service Quotas of the account, or persistent={}.",
        ),
        "training_cluster.nodes.min": Entry("native", "the instances of a HyperPod cluster"),
        "training_cluster.elastic + training_cluster.nodes.min": Entry(
            "absent",
            "no machine of SageMaker's is there before a job.",
            "warm_minutes, which keeps the machines of a job for the next; or persistent={}.",
        ),
        "training_cluster.persistent": Entry(
            "lossy",
            "HyperPod takes what is submitted to its Slurm: no step of a pipeline runs there.",
            "a TrainingCluster without persistent, for pipelines.",
        ),
        "training_cluster.spot": Entry("native", "managed spot training"),
        "training_cluster.persistent + training_cluster.spot": Entry(
            "absent", "Slurm on HyperPod has no Spot instances.", "persistent={} without spot, or spot without it."
        ),
        "training_cluster.warm": Entry("native", "managed warm pools"),
        "training_cluster.spot + training_cluster.warm": Entry(
            "absent", "a warm pool keeps no Spot instances.", "one of the two."
        ),
        "training_cluster.persistent + training_cluster.warm": Entry(
            "absent", "machines that stay are not kept warm.", "leave warm_minutes out."
        ),
        "training_cluster.idle": Entry(
            "absent", "the machines of a job go when it ends.", "leave idle_minutes out, or warm_minutes to keep them."
        ),
        "training_cluster.max_hours": Entry("native", "MaxRuntimeInSeconds of each job"),
        "training_cluster.max_hours + training_cluster.persistent": Entry(
            "absent", "Slurm ends jobs, by the limits of its own settings.", "sbatch --time=… in the job itself."
        ),
        "training_cluster.interconnect": Entry("native", "Elastic Fabric Adapter"),
        "training_cluster.priority": Entry(
            "absent",
            "jobs of SageMaker do not wait for each other: each starts, or finds no machines.",
            "leave priority out.",
        ),
        "training_cluster.shares": Entry(
            "absent", "each job of SageMaker brings machines of its own.", "leave shares out."
        ),
        "training_cluster.existing": Entry(
            "absent", "no machine is there before a job.", "TrainingCluster(…), which makes nothing before one either."
        ),
        "training_cluster.existing.compute": Entry(
            "absent", "no machine is there before a job.", "TrainingCluster(…)."
        ),
        "training_cluster.existing.nodes": Entry("absent", "no machine is there before a job.", "TrainingCluster(…)."),
        "model_registry": Entry("native", "SageMaker Model Registry"),
        "model_registry.approvers": Entry("native", "IAM"),
        "model_registry.consumers": Entry("native", "ModelPackageGroupPolicy"),
        "model_registry.regions": Entry(
            "absent",
            "a version is served in any region: the endpoint's program copies its files.",
            "leave regions out.",
        ),
        "model_registry.published": Entry(
            "absent", "SageMaker's registry is an API of AWS's, reached by whoever has rights.", "leave published out."
        ),
        "model_registry.events": Entry("native", "EventBridge"),
        "model": Entry("native", "ModelPackageGroup"),
        "model.gate": Entry(
            "emulated", "approved() compares the version's CustomerMetadataProperties when the program runs"
        ),
        "model.existing": Entry("native", "a model package group, also of another account, by its ARN"),
        "model.existing.by_itself": Entry("native", "a group is found by its name alone"),
        "model.existing.files": Entry("native", "a folder of S3"),
        "model.existing.key": Entry("native", "a KMS key"),
        "model_registry.existing": Entry("native", "a prefix of the names of model package groups"),
        "model_registry.existing.files": Entry(
            "absent", "each model package names its files.", "Model.existing(files=…), for the rights."
        ),
        "endpoint.existing": Entry("native", "an endpoint"),
        "endpoint": Entry("native", "SageMaker Endpoint"),
        "endpoint.realtime": Entry("native"),
        "endpoint.serverless": Entry("native"),
        "endpoint.asynchronous": Entry("native"),
        "accelerator": Entry("native"),
        "endpoint.variants": Entry("native"),
        "endpoint.shadow": Entry("native"),
        "endpoint.scaling": Entry("native", "Application Auto Scaling"),
        "endpoint.scaling.zero": Entry("native", "asynchronous endpoints"),
        "endpoint.scaling.schedule": Entry("native", "scheduled actions"),
        "endpoint.release.canary": Entry("native", "blue/green with canary traffic shifting"),
        "endpoint.release.linear": Entry("native", "blue/green with linear traffic shifting"),
        "endpoint.release.unmeasured": Entry(
            "absent",
            "AWS measures every endpoint itself; an alarm that has no data does not send a release back.",
            "leave unmeasured out.",
        ),
        "endpoint.release.registry": Entry(
            "lossy",
            "SageMaker's registry deploys nothing by itself: this program makes the first release and then lets "
            "go of model, size and settings.",
            "let whoever gets ModelRegistry(events=…) update the endpoint, or leave the release with the program.",
        ),
        "endpoint.capture": Entry("native", "data capture"),
        "endpoint.capture.sampled": Entry("native"),
        "endpoint.reads": Entry("native", "IAM"),
        "endpoint.secrets": Entry("native", "Secrets Manager, by address"),
        "endpoint.artifact_key": Entry("native", "the right to decrypt with that KMS key"),
        "endpoint.serve.command": Entry(
            "absent",
            "a model's container of SageMaker starts with the entry point of its image.",
            "an image whose entry point serves; environment={…} sets its options.",
        ),
        "endpoint.serve.port": Entry("absent", "SageMaker sends requests to port 8080.", "a server on port 8080."),
        "endpoint.serve.health": Entry("absent", "SageMaker asks /ping.", "a server that answers at /ping."),
        "endpoint.serve.startup": Entry("native", "time limits of the health check and of the download"),
        "endpoint.serve.timeout": Entry(
            "lossy",
            "the caller of an asynchronous endpoint says how long the answer may take, in InvocationTimeoutSeconds.",
            "that parameter of each call, up to 3600.",
        ),
        "endpoint.serve.shared_memory": Entry(
            "absent", "SageMaker sets the size of /dev/shm itself.", "leave shared_memory_gb out."
        ),
        "endpoint.invokers": Entry("native", "IAM"),
        "endpoint.isolated": Entry("native", "network isolation"),
        "endpoint.private": Entry("native", "VpcConfig"),
        "bridge.feature_group.place + endpoint.private": Entry(
            "absent",
            "the network's private way to Feature Store leads to that of its own region.",
            "a feature group of the endpoint's region.",
        ),
        "endpoint.realtime + endpoint.scaling.zero": Entry(
            "absent",
            "a real-time endpoint keeps at least one instance.",
            "mode={'serverless': {}}, which costs nothing without requests, or mode={'asynchronous': {}} with this "
            "scaling; else scaling={'min': 1}.",
        ),
        "endpoint.scaling + endpoint.serverless": Entry(
            "absent", "capacity follows each request.", "mode={'serverless': {'max_concurrency': …}}."
        ),
        "endpoint.scaling.schedule + endpoint.serverless": Entry(
            "absent", "capacity follows each request.", "mode={'serverless': {'provisioned': …}}."
        ),
        "accelerator + endpoint.serverless": Entry("absent", _SERVERLESS, "a real-time or asynchronous endpoint."),
        "endpoint.serverless + endpoint.variants": Entry("absent", _SERVERLESS, "one endpoint for each model."),
        "endpoint.serverless + endpoint.shadow": Entry("absent", _SERVERLESS, "a real-time endpoint."),
        "endpoint.capture + endpoint.serverless": Entry(
            "absent", _SERVERLESS, "a real-time endpoint, or logging inside the container."
        ),
        "endpoint.private + endpoint.serverless": Entry(
            "absent", _SERVERLESS, "a real-time endpoint, or a platform without a network."
        ),
        "endpoint.isolated + endpoint.serverless": Entry(
            "absent", _SERVERLESS, "isolated=False, or a real-time endpoint."
        ),
        "endpoint.release.canary + endpoint.serverless": Entry(
            "absent", _GUARDRAILS, "leave release out: traffic moves all at once."
        ),
        "endpoint.release.linear + endpoint.serverless": Entry(
            "absent", _GUARDRAILS, "leave release out: traffic moves all at once."
        ),
        "endpoint.realtime + endpoint.serve.timeout": Entry(
            "absent",
            "a real-time endpoint must answer within 60 seconds.",
            "mode={'asynchronous': {}}, or answers as a stream, whose first part comes within 60 seconds.",
        ),
        "endpoint.serve.timeout + endpoint.serverless": Entry(
            "absent", "a serverless endpoint must answer within 60 seconds.", "mode={'asynchronous': {}}."
        ),
        "endpoint.serve.startup + endpoint.serverless": Entry(
            "absent", "Serverless Inference has a time limit of its own.", "a real-time or asynchronous endpoint."
        ),
        "endpoint.asynchronous + endpoint.shadow": Entry(
            "absent", "a shadow variant copies real-time requests only.", "a real-time endpoint."
        ),
        "endpoint.asynchronous + endpoint.variants": Entry(
            "absent", "an asynchronous endpoint has one variant.", "one endpoint for each model."
        ),
    }
)
