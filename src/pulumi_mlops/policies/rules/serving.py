"""What serves is seen, is there twice, and goes back by itself; what is registered was approved by somebody else."""

from collections.abc import Iterator, Mapping

from pulumi_mlops.policies.model import Problem, Rule, across, on
from pulumi_mlops.policies.predicates import number
from pulumi_mlops.policies.resources import Part, Resource, Stack, Undecided, blurred
from pulumi_mlops.policies.rules import kinds
from pulumi_mlops.policies.rules.kinds import allowed
from pulumi_mlops.policies.settings import Settings

OUR_MONITOR = "pulumi-mlops:index:Monitor"
ALARM, AZURE_ALERT = "aws:cloudwatch:MetricAlarm", "azure-native:monitor:MetricAlert"
AZURE_QUERY = "azure-native:monitor:ScheduledQueryRule"
PROMETHEUS = "kubernetes:monitoring.coreos.com:PrometheusRule"
JOBS = ("kubernetes:batch:CronJob", "kubernetes:argoproj.io:CronWorkflow")
REGISTERS, APPROVES = "sagemaker:createmodelpackage", "sagemaker:updatemodelpackage"
MOVING = ("latest", "@latest", ":latest", "@champion", "/latest")


def _captures(resource: Resource, settings: Settings) -> Iterator[Problem]:
    percent = number(resource.get("dataCaptureConfig.initialSamplingPercentage")) or 0
    if resource.get("dataCaptureConfig.enableCapture") is not True or percent < settings.capture_percent:
        least = f"'initial_sampling_percentage': {settings.capture_percent:g}"
        fix = f"data_capture_config={{'enable_capture': True, {least}, …}}"
        yield Problem("dataCaptureConfig", "does not capture requests", fix)


def _collects(resource: Resource, _: Settings) -> Iterator[Problem]:
    collections = resource.entries("properties.dataCollector.collections").values()
    if not any(each.get("dataCollectionMode") == "Enabled" for each in collections):
        fix = "data_collector={'collections': {'model_inputs': {'data_collection_mode': 'Enabled'}}}"
        yield Problem("properties.dataCollector", "does not collect requests", fix)


def _logs_requests(resource: Resource, _: Settings) -> Iterator[Problem]:
    if not resource.get("spec.predictor.logger"):
        yield Problem("spec.predictor.logger", "is not set", "logger={'mode': 'all', 'url': …}")


def _watched_by_us(stack: Stack, endpoint: Resource) -> bool:
    monitors = stack.all(OUR_MONITOR)
    every = [urn for each in monitors for urns in each.depends.values() for urn in urns]
    return any(endpoint.urn in every or not each.depends for each in monitors) or any(
        endpoint.parent and endpoint.parent in each.depends.get("endpoint", ()) for each in monitors
    )


def _monitored(endpoint: Resource, stack: Stack, _: Settings) -> Iterator[Problem]:
    inputs = tuple(f"{each.rpartition(':')[2].removesuffix('Definition')}Input" for each in kinds.JOBS)
    paths = ["monitoringScheduleConfig", *(each[:1].lower() + each[1:] for each in inputs)]
    watching = stack.all(kinds.SCHEDULE, *kinds.JOBS)
    if not _watched_by_us(stack, endpoint) and not stack.mentioned(endpoint, watching, *paths):
        yield Problem("name", "has no monitor", "aws.sagemaker.MonitoringSchedule, or mlops.Monitor, for it")


def _azure_monitored(endpoint: Resource, stack: Stack, _: Settings) -> Iterator[Problem]:
    schedules = stack.all(f"{kinds.AZURE_ML}Schedule")
    monitors = [each for each in schedules if each.get("properties.action.actionType") == "CreateMonitor"]
    if not _watched_by_us(stack, endpoint) and not stack.mentioned(endpoint, monitors, "properties"):
        fix = "azure_native.machinelearningservices.Schedule with an action CreateMonitor, or mlops.Monitor, for it"
        yield Problem("endpointName", "has no monitor", fix)


def _looks_for_drift(job: Resource, service: Resource) -> bool:
    return (
        isinstance(job.value, Mapping)
        and any(word in str(job.value.get("metadata")) for word in ("monitor", "drift"))
        and any(name in str(job.value) for name in service.names)
        and job.namespace == service.namespace
    )


def _kubernetes_monitored(service: Resource, stack: Stack, _: Settings) -> Iterator[Problem]:
    if _watched_by_us(stack, service):
        return
    jobs = stack.all(*JOBS)
    if not any(_looks_for_drift(each, service) for each in jobs):
        for each in jobs:
            if service.unnamed or blurred(each.value):
                raise Undecided(f"{each.name}.metadata")
        yield Problem("metadata.name", "has no monitor", "a CronJob that looks for drift, or mlops.Monitor, for it")


def _alarmed(endpoint: Resource, stack: Stack, _: Settings) -> Iterator[Problem]:
    heard = [each for each in stack.all(ALARM) if each.get("alarmActions")]
    used = {urn for urns in endpoint.depends.values() for urn in urns}
    if not any(each.urn in used for each in heard) and not stack.mentioned(endpoint, heard, "dimensions"):
        yield Problem("name", "has no alarm that somebody hears", "aws.cloudwatch.MetricAlarm with alarm_actions")


def _azure_alarmed(endpoint: Resource, stack: Stack, _: Settings) -> Iterator[Problem]:
    heard = [each for each in stack.all(AZURE_ALERT, AZURE_QUERY) if each.get("actions")]
    if not stack.mentioned(endpoint, heard, "scopes"):
        said = "has no alert that somebody hears"
        yield Problem("endpointName", said, "azure_native.monitor.MetricAlert with actions")


def _kubernetes_alarmed(service: Resource, stack: Stack, _: Settings) -> Iterator[Problem]:
    if not any(each.namespace == service.namespace for each in stack.all(PROMETHEUS)):
        yield Problem("metadata.name", "has no alert", "a PrometheusRule in its namespace")


def _rolls_back(resource: Resource, _: Settings) -> Iterator[Problem]:
    if not resource.get("deploymentConfig.autoRollbackConfiguration.alarms"):
        fix = "deployment_config={…, 'auto_rollback_configuration': {'alarms': […]}}"
        yield Problem("deploymentConfig.autoRollbackConfiguration", "names no alarm", fix)


def _probes(resource: Resource, _: Settings) -> Iterator[Problem]:
    if resource.get("properties.endpointComputeType") == "Managed" and not resource.get("properties.readinessProbe"):
        yield Problem("properties.readinessProbe", "is not set", "readiness_probe={'period': 'PT10S', …}")


def _goes_back(resource: Resource, _: Settings) -> Iterator[Problem]:
    if resource.get("spec.strategy.type") == "Recreate":
        yield Problem("spec.strategy.type", "is Recreate", "strategy={'type': 'RollingUpdate'}")
    for container in resource.each("spec.template.spec.containers"):
        if not container.get("readinessProbe"):
            yield Problem(
                container.at("readinessProbe"),
                "is not set",
                "readiness_probe={…}, without which a bad release is taken",
            )


def _twice(resource: Resource, settings: Settings) -> Iterator[Problem]:
    for variant in resource.each("productionVariants"):
        if (
            not variant.get("serverlessConfig")
            and (number(variant.get("initialInstanceCount")) or 0) < settings.replicas
        ):
            yield Problem(
                variant.at("initialInstanceCount"),
                f"is below {settings.replicas}",
                f"initial_instance_count={settings.replicas}",
            )


def _azure_twice(resource: Resource, settings: Settings) -> Iterator[Problem]:
    if (number(resource.get("sku.capacity")) or 0) < settings.replicas:
        yield Problem(
            "sku.capacity",
            f"is below {settings.replicas}",
            f"sku={{'name': 'Default', 'capacity': {settings.replicas}}}",
        )


def _kubernetes_twice(resource: Resource, settings: Settings) -> Iterator[Problem]:
    if (number(resource.get("spec.predictor.minReplicas")) or 0) < settings.replicas:
        yield Problem(
            "spec.predictor.minReplicas", f"is below {settings.replicas}", f"min_replicas={settings.replicas}"
        )


def _moving(value: object) -> bool:
    return str(value or "").rstrip("/").lower().endswith(MOVING)


def _pinned(resource: Resource, _: Settings) -> Iterator[Problem]:
    for container in [resource.part("primaryContainer"), *resource.each("containers")]:
        for key in ("modelDataUrl", "modelPackageName"):
            if _moving(container.get(key)):
                yield Problem(container.at(key), "moves", "the version that was approved")


def _azure_pinned(resource: Resource, _: Settings) -> Iterator[Problem]:
    if _moving(resource.get("properties.model")):
        yield Problem("properties.model", "moves", "azureml:NAME:VERSION")


def _kubernetes_pinned(resource: Resource, _: Settings) -> Iterator[Problem]:
    for key in ("spec.predictor.model.storageUri", "spec.predictor.model.storage.path"):
        if _moving(resource.get(key)):
            yield Problem(key, "moves", "the folder of the version that was approved")


def _approved_at_once(resource: Resource, _: Settings) -> Iterator[Problem]:
    if resource.type != kinds.PIPELINE:
        if resource.get("modelApprovalStatus") == "Approved":
            yield Problem("modelApprovalStatus", "is Approved", "PendingManualApproval, and an approval by somebody")
        return
    for step in _steps(resource.document("pipelineDefinition")):
        if step.get("Type") == "RegisterModel" and step.get("Arguments.ModelApprovalStatus") == "Approved":
            yield Problem(step.at("Arguments.ModelApprovalStatus"), "is Approved", "PendingManualApproval")


def _steps(part: Part) -> Iterator[Part]:
    """Find the steps of a definition, also those of its conditions."""
    for key in ("Steps", "Arguments.IfSteps", "Arguments.ElseSteps"):
        for step in part.each(key):
            yield step
            yield from _steps(step)


def _production_at_once(resource: Resource, _: Settings) -> Iterator[Problem]:
    if str(resource.get("properties.stage", "")).lower() == "production":
        yield Problem("properties.stage", "is Production as it is made", "no stage, and an approval by somebody")


def _rights(stack: Stack, role: Resource) -> Iterator[tuple[Resource, str]]:
    """Find what a role may do: its own policies, and those that are attached to it."""
    policies = [role, *stack.whose(("aws:iam:RolePolicy",), "role", role)]
    attached = list(stack.whose(("aws:iam:RolePolicyAttachment",), "role", role))
    policies += [
        one for one in stack.all("aws:iam:Policy") if any(stack.means(each, "policyArn", one) for each in attached)
    ]
    for policy in policies:
        for statement in allowed(policy):
            for action in statement.texts("Action"):
                yield policy, action.lower()


def _can(action: str, wanted: str) -> bool:
    return action in ("*", "sagemaker:*", wanted) or (action.endswith("*") and wanted.startswith(action[:-1]))


def _four_eyes(role: Resource, stack: Stack, _: Settings) -> Iterator[Problem]:
    rights = list(_rights(stack, role))
    if any(_can(action, REGISTERS) for _, action in rights) and any(_can(action, APPROVES) for _, action in rights):
        policy = next(one for one, action in rights if _can(action, APPROVES))
        said = f"lets {role.name} approve what it registers itself"
        yield Problem("policy", said, "sagemaker:UpdateModelPackage in the role of who approves", policy)


def _notebooks_register(role: Resource, stack: Stack, _: Settings) -> Iterator[Problem]:
    people = [
        *stack.whose((kinds.NOTEBOOK,), "roleArn", role),
        *stack.whose((kinds.DOMAIN,), "defaultUserSettings.executionRole", role),
    ]
    people += list(stack.whose(("aws:sagemaker:TrainingJob",), "roleArn", role))
    writes = [
        (one, action) for one, action in _rights(stack, role) if _can(action, REGISTERS) or _can(action, APPROVES)
    ]
    if people and writes:
        said = f"lets {people[0].name} write the registry"
        yield Problem("policy", said, "these rights in the role of the pipeline that registers", writes[0][0])


RULES = (
    Rule(
        "serving.capture-enabled",
        "Requests of an endpoint are captured",
        "medium",
        "Nobody can say whether a model still holds without what it was asked.",
        ("AWS Well-Architected ML Lens: operations", "Azure Well-Architected ML"),
        (on(kinds.CONFIGURATION, _captures), on(kinds.DEPLOYMENT, _collects), on(kinds.SERVICE, _logs_requests)),
    ),
    Rule(
        "serving.monitored",
        "An endpoint has a monitor",
        "medium",
        "Models go bad without an error.",
        ("AWS Well-Architected ML Lens: operations", "NIST AI RMF MEASURE 2.4"),
        (
            across(kinds.ENDPOINT, _monitored),
            across(kinds.ONLINE, _azure_monitored),
            across(kinds.SERVICE, _kubernetes_monitored),
        ),
    ),
    Rule(
        "serving.alarmed",
        "An endpoint has an alarm that somebody hears",
        "medium",
        "Otherwise its users are the alarm.",
        ("AWS Well-Architected ML Lens: reliability", "NIST 800-53 SI-4"),
        (
            across(kinds.ENDPOINT, _alarmed),
            across(kinds.ONLINE, _azure_alarmed),
            across(kinds.SERVICE, _kubernetes_alarmed),
        ),
    ),
    Rule(
        "serving.rollback-configured",
        "A bad release goes back by itself",
        "medium",
        "At three in the morning nobody else does it.",
        ("AWS Well-Architected ML Lens: reliability", "AWS SageMaker deployment guardrails"),
        (on(kinds.ENDPOINT, _rolls_back), on(kinds.DEPLOYMENT, _probes), on("kubernetes:apps:Deployment", _goes_back)),
    ),
    Rule(
        "serving.redundant",
        "An endpoint is there more than once",
        "medium",
        "Machines are taken away for repair.",
        ("AWS Security Hub SageMaker.4", "AWS Config sagemaker-endpoint-config-prod-instance-count"),
        (on(kinds.CONFIGURATION, _twice), on(kinds.DEPLOYMENT, _azure_twice), on(kinds.SERVICE, _kubernetes_twice)),
    ),
    Rule(
        "serving.version-pinned",
        "What is served is a version",
        "medium",
        "What moves is changed by whoever writes to it, without a review.",
        ("Azure Policy 12e5dd16", "SLSA: immutable references"),
        (on(kinds.MODEL, _pinned), on(kinds.DEPLOYMENT, _azure_pinned), on(kinds.SERVICE, _kubernetes_pinned)),
    ),
    Rule(
        "registry.approval-required",
        "A version is approved after it is made",
        "high",
        "A pipeline that approves what it makes has no approval.",
        ("AWS Well-Architected ML Lens: operations", "Azure Policy 12e5dd16"),
        (
            on((kinds.PIPELINE, "aws:sagemaker:ModelPackage"), _approved_at_once),
            on(f"{kinds.AZURE_ML}ModelVersion", _production_at_once),
        ),
    ),
    Rule(
        "registry.four-eyes",
        "Who registers a version does not approve it",
        "high",
        "Two people, or a person and a program, have to agree on what serves.",
        ("NIST 800-53 AC-5", "SOC 2 CC8.1"),
        (across(kinds.ROLE, _four_eyes),),
    ),
    Rule(
        "registry.training-cannot-write",
        "Notebooks and trainings cannot write the registry",
        "high",
        "What they run was installed a minute ago, and would decide what serves.",
        ("NIST 800-53 AC-6", "AWS Well-Architected ML Lens: security"),
        (across(kinds.ROLE, _notebooks_register),),
    ),
)
