"""Pipeline on Kubernetes: a template of Argo Workflows, when it starts, as whom it runs, who is told of failures."""

import json
from urllib.parse import urlsplit

import pulumi
import pulumi_kubernetes as k8s
import pulumi_random as random

from pulumi_mlops.backends.kubernetes import access, mlflow_server, outside, search, starts, trainings, trust
from pulumi_mlops.backends.kubernetes.addresses import ModelAddress, PipelineAddress, PlatformAddress
from pulumi_mlops.backends.kubernetes.argo import claim
from pulumi_mlops.backends.kubernetes.cron import kubernetes_cron
from pulumi_mlops.backends.kubernetes.model_registry import REGISTRY
from pulumi_mlops.backends.kubernetes.objects import (
    NAME_LIMIT,
    App,
    Fields,
    after,
    camel_case,
    custom,
    mark_of,
    own_labels,
    pod_security,
    program,
    secret,
    secret_variable,
)
from pulumi_mlops.backends.kubernetes.starter import starter
from pulumi_mlops.backends.kubernetes.steps import (
    BEST,
    PROGRAM,
    REGISTER,
    START,
    Place,
    Registry,
    Rendering,
)
from pulumi_mlops.backends.kubernetes.taken import measured, trackers
from pulumi_mlops.backends.kubernetes.tracking import PORT
from pulumi_mlops.components.pipeline import PipelineSpec
from pulumi_mlops.components.pipeline_ref import PipelineRef
from pulumi_mlops.core.component import Scope
from pulumi_mlops.core.naming import physical
from pulumi_mlops.steps.graph import works
from pulumi_mlops.steps.register import RegisterStep
from pulumi_mlops.steps.tune import TuneStep
from pulumi_mlops.steps.work import FACTS, FETCH, READ, delivered, text

API = "argoproj.io/v1alpha1"
CRON_LIMIT = 52
"""Argo puts a time behind the name of a CronWorkflow."""
CHECKPOINTS_GB = {"dev": 20, "staging": 50, "prod": 100}
_KIND = "pipeline"
_LATE_SECONDS = 600
_KEPT_SECONDS = 30 * 24 * 3600
"""How long Argo shows a run that has ended. What it made stays in the object store."""
_HISTORY = 10
_TOLD = "15m"
"""How long after a failure its alert stands."""
_USER_CHARACTERS = 60


def pipeline(scope: Scope, spec: PipelineSpec) -> PipelineRef:
    """Make what steps need, then the template, then what starts it."""
    platform = spec.platform
    app = access.app_of(scope, platform, _KIND)
    address = PlatformAddress.of(platform)
    folder = f"pipelines/{scope.name}"
    account, token = _account(app)
    programs = k8s.core.v1.ConfigMap(
        scope.child("programs"),
        metadata=app.metadata(app.name("programs")),
        data={name: program(name) for name in _programs(spec)},
        opts=scope.opts,
    )
    repository = k8s.core.v1.ConfigMap(
        scope.child("artifacts"),
        metadata=app.metadata(app.name("artifacts")),
        data={"default": json.dumps(_repository(address, folder), indent=2)},
        opts=scope.opts,
    )
    registries, users = _registries(app, spec)
    recorded = trackers(app, spec)
    rendering = Rendering(
        spec.graph,
        Place(
            app=app,
            bucket=address.store.bucket,
            folder=folder,
            programs=programs.metadata.name,
            registries=registries,
            platform=platform,
            trackers=recorded,
        ),
    )
    runtimes = rendering.runtimes()
    ways = [*_ways(app, spec), *recorded.ways, *measured(app, spec)]
    around = [*trainings.around(app, runtimes), *starts.around(app, spec)]
    needs = [token, *ways, *around, *users]
    template = custom(
        scope.child("pipeline"),
        API,
        "WorkflowTemplate",
        metadata=app.metadata(app.name()),
        spec={
            "entrypoint": START,
            "arguments": {
                "parameters": [{"name": name, "value": text(value)} for name, value in spec.parameters.items()]
            },
            "serviceAccountName": account.metadata.name,
            # Argo's own containers get the token, and those of the steps do not.
            "automountServiceAccountToken": False,
            "executor": {"serviceAccountName": account.metadata.name},
            "securityContext": camel_case(pod_security(assigned=app.assigned_users)),
            "podMetadata": {"labels": {**own_labels(scope), **app.selector}},
            # By this label runs are found, whoever started them.
            "workflowMetadata": {"labels": {trainings.PIPELINE: scope.name}},
            "archiveLogs": True,
            "artifactRepositoryRef": {"configMap": repository.metadata.name, "key": "default"},
            "ttlStrategy": {"secondsAfterCompletion": _KEPT_SECONDS},
            "podGC": {"strategy": "OnWorkflowSuccess"},
            **({} if app.pull_secret is None else {"imagePullSecrets": [{"name": app.pull_secret}]}),
            **_claims(scope, spec, rendering.claims()),
            "templates": rendering.templates(spec.parallel),
        },
        opts=after(scope.opts, *needs),
    )
    native: dict[str, pulumi.Resource] = {"template": template, "account": account, "programs": programs}
    native |= recorded.native
    if spec.schedule is not None:
        native["schedule"] = custom(
            scope.child("schedule"),
            API,
            "CronWorkflow",
            metadata=app.metadata(physical(scope.name, limit=CRON_LIMIT)),
            spec={
                "schedules": [kubernetes_cron(spec.schedule.cron)],
                "timezone": spec.schedule.timezone,
                "concurrencyPolicy": "Forbid" if spec.overlap == "skip" else "Allow",
                "startingDeadlineSeconds": _LATE_SECONDS,
                "successfulJobsHistoryLimit": _HISTORY,
                "failedJobsHistoryLimit": _HISTORY,
                "workflowSpec": {"workflowTemplateRef": {"name": app.name()}},
            },
            opts=after(scope.opts, template),
        )
    if spec.triggers:
        approving = {ModelAddress.of(one.approval).registry for one in spec.triggers if one.approval is not None}
        seen = {name: one for name, one in registries.items() if name in approving}
        native["starter"] = starter(app, spec, seen, template)
    if spec.alerts:
        native["alerts"] = _alerts(app)
    runs = f"s3://{address.store.bucket}/{folder}/"
    return PipelineRef(
        name=scope.name,
        backend="kubernetes",
        platform=platform,
        runs=template.urn.apply(lambda _: runs),
        parameters=dict(spec.parameters),
        address=PipelineAddress(template=app.name()).plain(),
        native=native,
    )


def _account(app: App) -> tuple[k8s.core.v1.ServiceAccount, k8s.core.v1.Secret]:
    """Make the account, which may report what became of a step, and the token that Argo's own containers report with.

    Argo mounts a token beside a step, and not into it, only from a Secret of this name.
    """
    account = access.identity(app, _KIND)
    report = access.rule("argoproj.io", "workflowtaskresults", ["create", "patch"], [])
    granted = access.grant(app, _KIND, [report], [access.account_of(account)])
    token = k8s.core.v1.Secret(
        app.scope.child("token"),
        metadata=app.metadata(
            f"{app.name(_KIND)}.service-account-token",
            annotations={"kubernetes.io/service-account.name": account.metadata.name},
        ),
        type="kubernetes.io/service-account-token",
        opts=after(app.scope.opts, account, granted),
    )
    return account, token


def _repository(address: PlatformAddress, folder: str) -> Fields:
    """Say where files are, for Argo (https://argo-workflows.readthedocs.io/en/latest/configure-artifact-repository/)."""
    store = address.store
    where = urlsplit(store.url)
    return {
        "archiveLogs": True,
        "s3": {
            "endpoint": where.netloc,
            "insecure": where.scheme == "http",
            "bucket": store.bucket,
            "region": store.region,
            "keyFormat": f"{folder}/{{{{workflow.uid}}}}/logs/{{{{pod.name}}}}",
            "accessKeySecret": {"name": store.writer, "key": "AWS_ACCESS_KEY_ID"},
            "secretKeySecret": {"name": store.writer, "key": "AWS_SECRET_ACCESS_KEY"},
            **({} if store.ca is None else {"caSecret": {"name": store.writer, "key": trust.KEY}}),
        },
    }


def _ways(app: App, spec: PipelineSpec) -> list[pulumi.Resource]:
    """Let pods reach the object store, the API server, and the internet where the platform is not cut off from it."""
    around = outside.Around.of(spec.platform)
    found: list[pulumi.Resource] = [
        *access.call(app, "steps", app.selector, [access.store_door(spec.platform)]),
        access.allow(app, "reports", app.selector, egress=access.api_server(around.context)),
        *access.reach_api_server(app, "reports", app.selector, around.context),
    ]
    if not spec.platform.private:
        found.append(access.allow(app, "internet", app.selector, egress=[access.internet()]))
    return found


def _programs(spec: PipelineSpec) -> list[str]:
    """Name the library's programs that its pods run."""
    found = [PROGRAM, FACTS, FETCH, READ, BEST, REGISTER]
    if any(isinstance(step, TuneStep) for step in spec.steps.values()):
        found.append(search.PROGRAM)
    if any((work := works(step)) and trainings.led(work) for step in spec.steps.values()):
        found += trainings.BESIDE
    if starts.starting(spec):
        found += starts.BESIDE
    found += delivered(work for step in spec.steps.values() if (work := works(step)) is not None)
    return found


def _registries(app: App, spec: PipelineSpec) -> tuple[dict[str, Registry], list[pulumi.Resource]]:
    """Make a user in each registry, who may register versions of the models that steps name and of no others.

    :returns: the registries by their names, and what makes the users.
    """
    models: dict[str, list[str]] = {}
    ready: list[pulumi.Resource] = []
    written = [step.model for step in spec.steps.values() if isinstance(step, RegisterStep)]
    for model in written:
        address = ModelAddress.of(model)
        models.setdefault(address.registry, []).append(address.model)
        ready += [one for short, one in model.native.items() if short == "setup"]
    for trigger in spec.triggers:
        if trigger.approval is not None:
            # Every user may read.
            models.setdefault(ModelAddress.of(trigger.approval).registry, [])
            ready += [one for short, one in trigger.approval.native.items() if short == "setup"]
    found: dict[str, Registry] = {}
    jobs: list[pulumi.Resource] = []
    for registry, named in sorted(models.items()):
        user = physical(_KIND, app.scope.name, limit=_USER_CHARACTERS)
        password = random.RandomPassword(
            app.scope.child(f"{registry}-password"), length=32, special=False, opts=app.scope.opts
        ).result
        login = secret(app, f"registers-{registry}", {"username": user, "password": password})
        server = physical(registry, "mlflow", limit=NAME_LIMIT)
        registrant = {"name": user, "password": "USER_PIPELINE", "models": sorted(set(named))}
        job, _ = mlflow_server.setup(
            app,
            f"registrant-{registry}",
            REGISTRY.of(registry),
            server,
            {"registrants": [registrant]},
            passwords=[secret_variable("USER_PIPELINE", login.metadata.name, "password")],
            mark=mark_of(login),
            opts=after(app.scope.opts, *ready),
        )
        jobs.append(job)
        found[registry] = Registry(f"http://{server}:{PORT}", registry, login.metadata.name, mark_of(login))
    return found, jobs


def _claims(scope: Scope, spec: PipelineSpec, names: list[str]) -> Fields:
    """Give each step that keeps checkpoints a volume for the time of a run: another attempt finds them there.

    A folder of the object store would need its key in the container, and a program that copies in the image.
    """
    size = f"{CHECKPOINTS_GB[scope.profile.name]}Gi"
    found = [
        {
            "metadata": {"name": claim(name)},
            "spec": {
                "accessModes": [access_mode(spec, name)],
                "resources": {"requests": {"storage": size}},
            },
        }
        for name in names
    ]
    # A run that failed may be begun again where it was: its volumes go with it.
    return {"volumeClaimTemplates": found, "volumeClaimGC": {"strategy": "OnWorkflowSuccess"}} if found else {}


def access_mode(spec: PipelineSpec, name: str) -> str:
    """Say whether several pods write a step's checkpoints at a time: machines of a training, or trials of a search."""
    step = spec.steps[name]
    work = works(step)
    several = (work is not None and work.machines > 1) or getattr(step, "parallel", 1) > 1
    return "ReadWriteMany" if several else "ReadWriteOnce"


def _alerts(app: App) -> pulumi.CustomResource:
    """Tell of a run that failed: Argo's controller counts them by their template.

    A counter is not there before the first failure, so that nothing increases with that one.
    """
    scope = app.scope
    spaces = [f'{label}="{app.namespace}"' for label in ("namespace", "exported_namespace")]
    counted = [
        f'argo_workflows_workflowtemplate_triggered_total{{name="{app.name()}",{space},phase=~"Failed|Error"}}'
        for space in spaces
    ]
    happened = [f"increase({one}[{_TOLD}]) > 0 or {one} unless {one} offset {_TOLD}" for one in counted]
    rule = {
        "alert": "PipelineFailed",
        "expr": f"sum({' or '.join(f'({one})' for one in happened)}) > 0",
        # Alertmanager's configuration of this namespace sees the alerts that carry its name.
        "labels": {"severity": "warning", "namespace": app.namespace, "pipeline": scope.name},
        "annotations": {"summary": f"{scope.name}: a run has failed"},
    }
    return custom(
        scope.child("alerts"),
        "monitoring.coreos.com/v1",
        "PrometheusRule",
        metadata=app.metadata(app.name(_KIND)),
        spec={"groups": [{"name": app.name(_KIND), "rules": [rule]}]},
        opts=scope.opts,
    )
