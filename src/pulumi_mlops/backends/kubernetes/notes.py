"""What this backend makes of the neutral arguments.

The reference pages and the editors' docstrings are put together of these notes and the nouns' own docstrings.
A key names a noun, an argument or an output.
"""

TITLE = "Kubernetes"
NOTES = {
    "Dataset": "a folder of the platform's object store, ``datasets/<name>/``, and a ConfigMap with its facts. The "
    "files stay when the dataset is deleted. The store keeps no old versions of files: a version of the dataset "
    "knows the digest of each, and whoever fetches one is told of a file that has been written anew.",
    "Dataset.retention_days": "a CronJob deletes, each night, partitions that ended so many days ago; without "
    "partitions, files that neither the newest version nor one of the last so many days has.",
    "Dataset.location": "``s3://<bucket>/datasets/<name>/`` of the platform's object store.",
    "Dataset.existing": "a folder of the platform's object store, ``s3://<bucket>/rows/``: readers and writers get "
    "its keys.",
    "FeatureGroup.existing": "a feature view of Feast. ``features``, ``keys`` and ``event_time`` are required, and "
    "neither they nor the view can be checked: Feast's server does not tell what it "
    "serves.",
    "FeatureStore.existing": "the Service before a Feast server, as ``namespace/name``; the default is one of that "
    "name in the platform's namespace. Where it is in another namespace, its owner must "
    "let the platform's pods in.",
    "ModelRegistry.existing": "the Service before an MLflow server, as ``namespace/name``. Look-ups reach it by the "
    "port-forward of `kubectl`, with the login in ``MLFLOW_TRACKING_USERNAME`` and "
    "``MLFLOW_TRACKING_PASSWORD`` if there is one, or at ``MLFLOW_TRACKING_URI_<REGISTRY>``.",
    "Model.existing": "a registered model of MLflow.",
    "Endpoint.existing": "an InferenceService of KServe in Standard mode, or a Service of any server, as "
    "``namespace/name``. Where it is in another namespace, its owner must let the "
    "platform's pods in.",
    "ExistingFeatureGroup.offline": "a folder that the platform's object store has: readers get its key.",
    "ExistingModelRegistry.files": "what ``mlflow-artifacts:`` stands for. Endpoints read it with the key of the "
    "platform's object store.",
    "Identity.existing": "a service account, as ``namespace/name``; its pods carry the label "
    "``pulumi-mlops/account: <name>``, by which the network policies know them.",
    "Platform": "a namespace with Pod Security *restricted* and network policies that deny by default, quota and "
    "limits, an S3 server of its own unless one is given, and alerts by the Prometheus operator. See "
    "https://kubernetes.io/docs/concepts/security/pod-security-standards/.",
    "Platform.account": "a context of the kubeconfig.",
    "Platform.addons": 'operators such as ``"kserve"``.',
    "Platform.consumers": "namespaces, service accounts and Identities.",
    "Identity": "a service account in the platform's namespace. Pods that act as it carry the label "
    "``pulumi-mlops/account: <name>``, also in the namespaces that it trusts.",
    "Identity.principal": "``namespace/name`` of the service account.",
    "Principal.service_account": "pods that act as it carry the label ``pulumi-mlops/account: <name>``, by which the "
    "network policies know them.",
    "Principal.user": "a user of the model registry.",
    "Health.errors_percent": "answers from 500 on. A release also goes back where the new version answers 4xx to so "
    "much more of its requests than the old one, as servers do whose model fails.",
    "ExistingParts.alerts": "the URL of a webhook.",
    "Gateway.name": "``namespace/name`` of a Gateway.",
    "Gateway.listener": "the routes' ``sectionName``. The default is looked up: the first listener that speaks HTTPS "
    "(HTTP where ``tls`` is false) for the domain; ``https`` or ``http`` where the Gateway cannot be read.",
    "Gateway.tokens": "judged by Envoy Gateway, of Endpoints. Registries have logins of their own.",
    "FeatureStore": "Feast, that is its registry in Postgres, Valkey as the online store, and the feature "
    "server. See https://docs.feast.dev/.",
    "FeatureGroup": "a Feast feature view, applied by a Job.",
    "ExperimentTracker": "an MLflow server with a Postgres database, its files below ``runs/<tracker>/`` of the object "
    "store. See https://mlflow.org/docs/latest/ml/tracking/.",
    "ExperimentTracker.url": "the address at the gateway, or the Service's where it is not published.",
    "Identity.records": "of the platform's own tracker it is a user of MLflow, ``identity-<name>``, with the "
    "password in the Secret ``<identity>-record-<tracker>``. Pods that carry the Identity's label reach the "
    "server.",
    "ModelRegistry": "an MLflow server with users of its own, a Postgres database, and webhooks. See "
    "https://mlflow.org/docs/latest/ml/model-registry/.",
    "ModelRegistry.approvers": "users of the registry, made with it; a service account or an Identity gets a user of "
    "its own, and may read the login.",
    "ModelRegistry.consumers": "namespaces, service accounts and Identities.",
    "Notice.to": "an http or https URL.",
    "Model": "a registered model of MLflow, whose versions are approved by the tag ``approval``.",
    "ModelFiles.artifact": "what KServe's storage initializer takes, such as an ``s3://`` folder, which the "
    "container finds at ``/mnt/models``.",
    "Serve.image": "the container finds the version's files at ``/mnt/models``.",
    "Canary.percent": "a share of the requests.",
    "Linear.step_percent": "a share of the requests.",
    "Release.rollback_alarms": "alerts of Prometheus.",
    "Trigger.alarm": "an alert of Prometheus.",
    "Pipeline": "a WorkflowTemplate of Argo Workflows 4.0.6 or newer; `argo submit --from workflowtemplate/<name>` "
    "starts it. See https://argo-workflows.readthedocs.io/.",
    "Pipeline.runs": "below it each run has a folder, named after the workflow's uid, and in that each step its own.",
    "PrepareStep.inputs": "``/mnt/inputs/<name>``, and ``/mnt/datasets/<name>`` for a version of a dataset. Of a "
    "feature group it has all rows, in Parquet.",
    "TrainStep.tracker": "of the platform's own tracker it is a user of MLflow, ``pipeline-<name>``, with the "
    "password in the Secret ``<pipeline>-record-<tracker>``. Pods of steps that record there reach the server, and no "
    "others do.",
    "TrainStep.checkpoints": "a volume of 20, 50 or 100 GiB (dev, staging, prod), which goes when the run has "
    "succeeded. With several machines, or several trials at a time, the cluster's storage must have volumes that "
    "several pods write (``ReadWriteMany``).",
    "TrainStep.cluster": "a TrainJob of Kubeflow Trainer, which Kueue queues in the cluster's LocalQueue with its "
    "priority.",
    "TrainStep.nodes": "several are a TrainJob of Kubeflow Trainer.",
    "TuneStep.trials": "Optuna chooses the values of each when it begins, by what those before it measured.",
    "Endpoint": "one KServe InferenceService a version, an HTTPRoute of the Gateway API that divides the "
    "traffic, a Job that moves it while it watches Prometheus and fails when it goes back, a KEDA "
    "ScaledObject. See https://kserve.github.io/website/ and https://gateway-api.sigs.k8s.io/.",
    "Endpoint.url": "the base of all paths, at the gateway where the platform has one, else inside the cluster. "
    "Versions of the registry answer at ``/invocations`` and at ``/v2/models/<endpoint>/infer`` "
    "below it, images of your own where they choose.",
    "Endpoint.reads": "the name of the feature view, at the address in ``MLOPS_FEATURE_SERVER_<GROUP>``.",
    "Endpoint.environment": "they can also set the options of MLServer, which serves versions of the registry: "
    "``MLSERVER_…``.",
    "Endpoint.secrets": "the address of a file, as ``file:///…``, which the container reads.",
    "Endpoint.invokers": "namespaces, service accounts and Identities.",
    "TrainingCluster": "a ResourceFlavor, a ClusterQueue and a LocalQueue of Kueue, and a TrainingRuntime of Kubeflow "
    "Trainer with torch's launcher, on CPUs too. Pods of runs carry ``pulumi-mlops/training-cluster: <name>``, and "
    "reach each other. See https://kueue.sigs.k8s.io/docs/ and https://www.kubeflow.org/docs/components/trainer/.",
    "TrainingCluster.compute": "what each pod of a run asks for; ``pin`` names nodes by a label.",
    "TrainingCluster.spot": "nodes with the label ``karpenter.sh/capacity-type: spot``; their taint of that name is "
    "tolerated.",
    "TrainingCluster.interconnect": "nodes with the label ``feature.node.kubernetes.io/rdma.available: true``.",
    "TrainingCluster.priority": "a WorkloadPriorityClass: -1000, 0 or 1000.",
    "TrainingCluster.shares": "a cohort: the machines of the other one are borrowed, and pre-emption goes by priority.",
    "TrainingCluster.existing": "a LocalQueue that an admin made in the platform's namespace, and the "
    "ClusterTrainingRuntime ``torch-distributed``, which Trainer's installation brings.",
}
