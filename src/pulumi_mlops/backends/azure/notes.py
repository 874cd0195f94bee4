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
    "Platform.existing.workspace": "a workspace of Azure Machine Learning, by its id, by its name beside ``group``, or "
    "by its name alone where the subscription has one of it. Its storage account, Key Vault, Container Registry and "
    "identity are found by asking it; artifacts are in a container of the platform's own there. Region, network and "
    "keys are the workspace's.",
    "Identity": "a user-assigned managed identity with role assignments at single resources. See "
    "https://learn.microsoft.com/entra/workload-id/workload-identity-federation.",
    "Identity.principal": "the object id of the managed identity in Entra ID.",
    "Identity.existing": "a user-assigned managed identity: of the platform's resource group by its name, any other by "
    "its id.",
    "Identity.registers": "files are uploaded to ``models/<model>/`` of the artifact store, by the name that the model "
    "has in the workspace.",
    "FeatureStore": "a workspace of kind FeatureStore, with a storage account with folders for what is materialized, "
    "and an identity that materializes. See "
    "https://learn.microsoft.com/azure/machine-learning/concept-what-is-managed-feature-store.",
    "FeatureStore.materialize": "rows are brought into the offline store on serverless Spark.",
    "FeatureStore.existing": "a workspace of kind FeatureStore: of the platform's resource group by its name, any "
    "other by its id. ``rows`` is ``features/<name>/`` of the artifact store unless told.",
    "FeatureGroup": "an entity and a feature set. Its specification is uploaded below ``specifications/`` of the "
    "artifact store, in a folder that is named after it, by whoever deploys; rows lie below "
    "``features/<store>/<group>/`` as Parquet. One more feature is another version, and those before it stay.",
    "Dataset": "a storage account of its own with versions of files, whose lifecycle is the retention, a container "
    "in it, a datastore and a data asset. Published versions are registered with the asset under the same number; "
    "an asset knows no versions of files, so the registered one leads to the folder and names the list of files.",
    "Dataset.columns": "a property of the data asset, which has no types of its own.",
    "Dataset.retention_days": "partitions are deleted that many days after their files were last changed, and stay for "
    "the days of the stage as old versions.",
    "Dataset.location": "``https://<account>.blob.core.windows.net/files/``.",
    "Dataset.existing": "a folder of a container of the platform's subscription, "
    "``https://<account>.blob.core.windows.net/<container>/rows/``.",
    "FeatureGroup.existing": "a feature set of the store. ``keys`` and ``event_time`` are required; ``features`` are "
    "compared where the library made the set.",
    "ExperimentTracker": "the workspace's own MLflow, and a role of the tracker's own that records there. See "
    "https://learn.microsoft.com/azure/machine-learning/concept-mlflow.",
    "ExperimentTracker.url": "the studio of Azure Machine Learning.",
    "Identity.records": "MLflow's client needs the package ``azureml-mlflow`` beside it. The role is given on the "
    "workspace: Azure has no rights on one experiment.",
    "ModelRegistry": "models of the platform's workspace, whose names begin with the registry's. A version is approved "
    "by the tag ``approval``, whose value is ``approved``, ``rejected`` or ``pending``.",
    "ModelRegistry.regions": "a registry of Azure Machine Learning beside the workspace, which keeps versions in the "
    "platform's region and in these, such as ``westeurope``. Versions are registered there (``az ml model create "
    "--registry-name``), or shared out of a workspace (``az ml model share``). An Endpoint on any platform of the "
    "tenant serves them, by the role Reader on the registry, which its program gives. See "
    "https://learn.microsoft.com/azure/machine-learning/how-to-manage-registries.",
    "ModelRegistry.approvers": "users, groups, applications and Identities.",
    "ModelRegistry.consumers": "users, groups, applications and Identities. A role that each model brings along reads "
    "its versions, and their files in ``models/<model>/`` of the artifact store.",
    "ModelRegistry.existing": "a workspace, or a registry of Azure Machine Learning that workspaces share: of the "
    "platform's resource group by its name, any other by its id.",
    "Notice.to": "an https address. It is sent ``{registry, model, approval}``, within five minutes; a change may be "
    "told twice.",
    "Model": "a model container of the workspace. A gate judges properties and tags of a version; properties win, "
    "since nobody can change them. Versions have numbers, as registering gives them.",
    "Model.existing": "a model by its name.",
    "Compute.pin": '``{"azure": "Standard_NC24ads_A100_v4"}``.',
    "ModelFiles.artifact": "the address of a folder or a file of Azure Storage, "
    "``https://<account>.blob.core.windows.net/<container>/<path>``, or one that begins with ``azureml://``; the "
    "container finds it below ``/mnt/models``, where ``AZUREML_MODEL_DIR`` leads.",
    "Serve.image": "the default is the image that the version names in its tag ``serving_image``, else Azure's own "
    "server of MLflow models. Another image finds the version's files below ``/mnt/models``.",
    "Serve.timeout_seconds": "180 at most.",
    "Shadow.percent": "a whole number, 50 at most.",
    "Variant.name": "at most 20 lower-case letters, digits and single hyphens.",
    "Scaling.max": "50 at most.",
    "Release": "a workflow of Logic Apps looks once a minute: it moves the traffic on when that is due, goes back when "
    "an alert of the endpoint or one of ``rollback_alarms`` has fired, and deletes the deployments that lost. `up` "
    "does not wait for it; after a rollback the next one raises ``ReleaseRolledBack``. All at once means that the old "
    "deployment is kept for ten minutes more.",
    "Release.rollback_alarms": "ids of alert rules, or names of metric alerts of the platform's resource group.",
    "Endpoint": "a managed online endpoint with a deployment for each variant, named after its content; autoscale "
    "settings, alert rules, diagnostic settings, an identity of its own, and a role that calls it. Requests go to "
    "``/invocations`` of an image of your own. See "
    "https://learn.microsoft.com/azure/machine-learning/concept-endpoints-online.",
    "Endpoint.url": "the address that takes requests with a token of Entra ID for ``https://ml.azure.com``.",
    "Endpoint.secrets": "the address of the secret in Key Vault, which the container fetches as the identity that "
    "``AZURE_CLIENT_ID`` names.",
    "Endpoint.invokers": "users, groups, applications and Identities.",
    "Endpoint.existing": "an online endpoint of the platform's workspace.",
    "TrainingCluster": "a compute of the workspace (AmlCompute) in its managed network, without public addresses, "
    "remote login or keys, and with a managed identity that pulls the platform's images. Its size is fixed, and part "
    "of its name. More CPUs than the quota of the family are refused in the preview. See "
    "https://learn.microsoft.com/azure/machine-learning/how-to-create-attach-compute-cluster.",
    "TrainingCluster.spot": "low priority.",
    "TrainingCluster.idle_minutes": "the default is two minutes.",
    "TrainingCluster.warm_minutes": "the same as ``idle_minutes``: machines are one pool.",
    "TrainingCluster.interconnect": "sizes with InfiniBand, which have an ``r`` behind their number.",
    "TrainingCluster.existing": "an AmlCompute of the platform's workspace, by its name.",
    "Pipeline": "a component for each step and one for the whole, environments of their images, compute of each size "
    "that steps have (none where nothing runs), and a managed identity as which jobs run. Files are below "
    "``pipelines/<name>/`` of the artifact store. A run is a job that names the component "
    "``pipeline.native['pipeline']``, under the experiment ``<platform>-<stage>-<name>``, which alerts count. See "
    "https://learn.microsoft.com/azure/machine-learning/concept-component.",
    "Pipeline.schedule": "no months; days of the month, or of the week.",
    "Pipeline.triggers": "a workflow of Logic Apps looks every five minutes; one event starts one run.",
    "Trigger.alarm": "the id of the alert rule.",
    "Trigger.data": "those that were published with ``--asset``.",
    "Pipeline.overlap": "with ``skip``, the schedule is a workflow of Logic Apps, and names no days of the month.",
    "Pipeline.parallel": "steps are laid into as many rows, each of which is one after the other.",
    "PrepareStep.when": "a step that does not run is shown as completed, and its output holds a file ``.skipped``.",
    "EvaluateStep.when": "a step that does not run is shown as completed, and its output holds a file ``.skipped``.",
    "BatchStep.when": "a step that does not run is shown as completed, and its output holds a file ``.skipped``.",
    "TrainStep.when": "a step that does not run is shown as completed, and its output holds a file ``.skipped``.",
    "TrainStep.tracker": "MLflow's client makes a run of its own in the tracker's experiment, as the job's identity; "
    "the job's own run, which the workspace makes, has what ``metrics`` names.",
    "TuneStep.when": "a search that does not run is shown as completed: each trial ends at once.",
    "TuneStep.over": "random sampling.",
    "RegisterStep.when": "a step that does not run is shown as completed.",
    "RegisterStep": "a program in the image of the step whose files it takes: it copies them to "
    "``models/<model>/<job>/`` of the artifact store, and registers the next number with the tag ``approval`` = "
    "``pending``. Metrics, metadata and where it comes from are properties, which nobody can change.",
}
