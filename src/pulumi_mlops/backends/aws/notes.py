"""What this backend makes of the neutral arguments.

The reference pages and the editors' docstrings are put together of these notes and the nouns' own docstrings.
A key names a noun, an argument or an output.
"""

TITLE = "AWS"
NOTES = {
    "Dataset": "a versioned and encrypted S3 bucket of its own, whose lifecycle is the retention, a Glue database, "
    "and with ``format`` and ``columns`` a table that Athena reads, with partition projection. Versions below "
    "``_versions/`` are written once, which the bucket's policy sees to. See "
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes-enforce.html.",
    "Dataset.columns": "times in ``csv`` and ``jsonl`` are texts in the table.",
    "Dataset.retention_days": "partitions are deleted that many days after their files were written, and stay for the "
    "days of the stage as old versions.",
    "Dataset.location": "``s3://<bucket>/``.",
    "Dataset.existing": "a folder of a bucket, ``s3://bucket/rows/``. Its key is looked up; the policies of bucket "
    "and key must let the platform's account use them.",
    "ExistingDataset.key": "ARN of a KMS key, whose policy must let the platform's account use it.",
    "FeatureGroup.existing": "a SageMaker FeatureGroup in the platform's account and region. All facts are read, "
    "its keys of KMS among them, whose policies must let the platform's account use them.",
    "FeatureStore.existing": "a database of Glue in which groups are made. ``rows`` and ``writer`` are required: "
    "SageMaker writes offline rows as that role.",
    "ModelRegistry.existing": "the prefix of the names of model package groups, without the hyphen that ends it; one "
    "such group must be there.",
    "Model.existing": "a model package group. One of another account is named by its ARN; its owner's "
    "policies must let the platform's account read and deploy its versions.",
    "Endpoint.existing": "a SageMaker endpoint in the platform's account and region.",
    "ExistingModel.key": "ARN of a KMS key, whose policy must let the platform's account use it.",
    "ExistingFeatureStore.writer": "a role that SageMaker may assume.",
    "Identity.existing": "a role by its name, or one of another account by its ARN, which nobody can look up "
    "from here.",
    "Monitor.managed": "SageMaker Model Monitor, for accounts that have used it already. The baseline is a dataset in "
    "whose folder ``statistics.json`` and ``constraints.json`` are, which Model Monitor's own baselining leaves; the "
    "alarm of a signal is of one feature's metric in ``aws/sagemaker/Endpoints/data-metrics``. See "
    "https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-data-quality.html.",
    "Platform": "a KMS key whose policy delegates to IAM, a versioned and encrypted S3 bucket that accepts TLS "
    "only, ECR repositories with immutable tags, a CloudWatch log group, an SNS topic, a Budget, and "
    "a VPC when asked. See https://docs.aws.amazon.com/sagemaker/latest/dg/security.html.",
    "Platform.account": "twelve digits.",
    "Platform.consumers": "accounts, roles and Identities. They read ``models/`` of the artifact store, and images.",
    "Identity": "an IAM role with one inline policy, or with several managed ones where that cannot hold its rights. "
    "Tokens are trusted through the account's OIDC provider of their issuer, for GitHub "
    "``token.actions.githubusercontent.com``, which has to be there.",
    "Identity.principal": "the ARN of the role.",
    "Identity.registers": "files are uploaded to ``models/<group>/`` of the artifact store, which is named after the "
    "model package group.",
    "AccountTrust.id": "twelve digits.",
    "Trusts.role": "an ARN.",
    "Principal.account": "twelve digits.",
    "Principal.role": "the name of an IAM role, or its ARN.",
    "ExistingParts.key": "an ARN.",
    "ExistingParts.alerts": "the ARN of a topic.",
    "FeatureStore": "a Glue database, and an IAM role for SageMaker Feature Store. See "
    "https://docs.aws.amazon.com/sagemaker/latest/dg/feature-store.html.",
    "FeatureGroup": "a SageMaker FeatureGroup. See "
    "https://docs.aws.amazon.com/sagemaker/latest/dg/feature-store-create-feature-group.html.",
    "ExperimentTracker": "an MLflow app of SageMaker's, which is serverless, or a tracking server; and the role that "
    "keeps files of runs below ``mlflow/<tracker>/`` of the artifact store. See "
    "https://docs.aws.amazon.com/sagemaker/latest/dg/mlflow.html.",
    "ExperimentTracker.url": "the console, or the tracking server's own address; both open with an address that is "
    "signed for somebody: ``aws sagemaker create-presigned-mlflow-app-url --arn …``.",
    "Managed.size": "``TrackingServerSize``.",
    "Identity.records": "MLflow's client needs the package ``sagemaker-mlflow`` beside it. A recorder of a tracking "
    "server deletes nothing; an app has one right that is all of its API.",
    "ModelRegistry": "an EventBridge rule over the registry's model package groups, IAM policies for approvers. "
    "See https://docs.aws.amazon.com/sagemaker/latest/dg/model-registry.html.",
    "ModelRegistry.approvers": "IAM roles of the account, and Identities.",
    "ModelRegistry.consumers": "accounts, roles and Identities.",
    "Notice.to": "the ARN of a queue, topic or function, whose own policy must let EventBridge deliver.",
    "Model": "a SageMaker ModelPackageGroup. See "
    "https://docs.aws.amazon.com/sagemaker/latest/dg/model-registry-model-group.html.",
    "Compute.pin": '``{"aws": "ml.p5.48xlarge"}``.',
    "ModelFiles.artifact": "the S3 URI of a ``model.tar.gz``, or of a folder, which the container finds at "
    "``/opt/ml/model``.",
    "ModelFiles.artifact_key": "the ARN of a KMS key.",
    "Serve.image": "the default is the image that the model package names. Another image finds the version's files at "
    "``/opt/ml/model``, and SageMaker does not ask then whether the version is approved.",
    "Health.errors_percent": "answers from 500 on. Containers that answer 400 when their model fails, as MLflow's own "
    "server does, need an alarm of yours on ``Invocation4XXErrors`` in ``release.rollback_alarms``.",
    "Serve.startup_minutes": "as much for the download of the files, and as much again for the health check.",
    "Canary.percent": "a share of the capacity, 50 at most.",
    "Canary.bake_minutes": "60 at most.",
    "Linear.step_percent": "a share of the capacity, 10 at least.",
    "Linear.interval_minutes": "60 at most.",
    "Release.rollback_alarms": "alarms of CloudWatch.",
    "Trigger.alarm": "an alarm of CloudWatch.",
    "Endpoint": "SageMaker Model, EndpointConfig and Endpoint with blue/green guardrails, Application Auto "
    "Scaling, CloudWatch alarms. See "
    "https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails.html.",
    "Mode.asynchronous": "requests lie below ``requests/<endpoint>/`` of the artifact store, which its role reads, and "
    "answers below ``answers/<endpoint>/``.",
    "Endpoint.url": "the address that takes a signed invocation (``sagemaker:InvokeEndpoint``, or its "
    "asynchronous sister).",
    "Endpoint.reads": "the name of the feature group, for the Feature Store API.",
    "Endpoint.secrets": "the address of the secret in Secrets Manager, which the container fetches.",
    "Endpoint.invokers": "IAM roles of the account, and Identities.",
    "TrainingCluster": "what each training job of SageMaker asks for: type and number of instances, managed spot "
    "training, a warm pool, the longest run. Nothing is made before a job, but for a security group by which the "
    "machines of one run reach each other in the platform's own network; a network of yours needs such a rule. More "
    "machines than the account's quota are refused in the preview. See "
    "https://docs.aws.amazon.com/sagemaker/latest/dg/train-model.html.",
    "TrainingCluster.persistent": "a HyperPod cluster with Slurm, whose controller is an ``ml.m5.xlarge`` of its own, "
    "and an IAM role of its machines. See https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-hyperpod.html.",
    "Persistent.setup": "it is kept below ``training/`` of the artifact store, and runs when the machine is set up "
    "(``OnInitComplete``).",
    "TrainingCluster.interconnect": "instances with an Elastic Fabric Adapter.",
    "TrainingCluster.warm_minutes": "360 at most. A pool has a quota of its own.",
}
