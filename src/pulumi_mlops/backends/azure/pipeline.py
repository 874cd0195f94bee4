"""Pipelines on Azure: a component for each step and one for the graph, their machines, what starts and watches them.

Components never change: another content is another version beside those before it, by which runs under way go on.
"""

from collections.abc import Mapping, Sequence
from importlib import resources as files
from typing import Any

import pulumi
from pulumi import Input, Output, ResourceOptions
from pulumi_azure_native import machinelearningservices as ml
from pulumi_azure_native import monitor, storage

from pulumi_mlops.backends.azure import access, live, names, providers, runs, triggers
from pulumi_mlops.backends.azure.access import Identity
from pulumi_mlops.backends.azure.addresses import PipelineAddress, PlatformAddress, TrainingClusterAddress, safe
from pulumi_mlops.backends.azure.cron import ZONES, recurrence
from pulumi_mlops.backends.azure.health import RULE
from pulumi_mlops.backends.azure.pipeline_rights import grants, on_clusters, place_of, prints, starting
from pulumi_mlops.backends.azure.rights import Right, rights, write_place
from pulumi_mlops.backends.azure.steps import (
    Context,
    cluster,
    image,
    machines_at_once,
    render,
)
from pulumi_mlops.components.pipeline import PipelineSpec
from pulumi_mlops.components.pipeline_ref import PipelineRef
from pulumi_mlops.core.component import Scope
from pulumi_mlops.core.content import digest_of, settled
from pulumi_mlops.core.naming import physical
from pulumi_mlops.core.workload import Place
from pulumi_mlops.steps.graph import works
from pulumi_mlops.steps.work import FACTS, FETCH, READ, START, delivered, text

PROGRAMS = ("azureml.py", "azureml_register.py", START, FETCH, READ, FACTS)
"""What starts each step."""
ASSET, COMPUTE = 200, 24
"""Characters of an asset's name, where that of a step follows, and of a compute's."""
_DIGEST = 7
_BLOBS = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs"


def pipeline(scope: Scope, spec: PipelineSpec) -> PipelineRef:
    """Make the identity, the machines, what starts each step, the components, and what starts the whole."""
    at = PlatformAddress.of(spec.platform)
    runs = Output.format("{0}pipelines/{1}/", spec.platform.artifacts, scope.name)
    who = _identity(scope, spec, runs)
    context = Context(scope.name, spec, who.client)
    native: dict[str, pulumi.Resource] = {"identity": who.resource}
    machines = _machines(scope, spec, who)
    native |= {f"machines.{size}": made for size, made in machines.items()}
    clusters = on_clusters(scope, spec, runs)
    programs = _programs(spec)
    code, environments = _code(scope, spec, programs), _environments(scope, spec)
    nodes: dict[str, Any] = {}
    content: dict[str, Any] = {}
    for name in spec.steps:
        rendered, place = render(context, name), place_of(spec.steps[name])
        version = digest_of(settled([rendered.content, image(spec.steps[name]), programs]))
        called = asset(scope, name)
        made = _component(
            scope, at, (name, called, version), rendered.component(called, version, code, environments[name])
        )
        native[f"step.{name}"] = made
        compute = machines[place].id if place in machines else clusters[place]
        nodes[safe(name)] = rendered.node(context, name, made.id, compute)
        own = cluster(spec.steps[name])
        # A cluster of another size is another compute, whose id stands in the whole.
        content[name] = [version, TrainingClusterAddress.of(own).compute if own else place, rendered.shape()]
    version, whole = _whole(scope, spec, nodes, content)
    native["pipeline"] = whole
    job = _job(scope, spec, whole.id, who)
    if spec.schedule is not None and spec.overlap == "allow":
        native["schedule"] = _schedule(scope, spec, job, digest_of([version, dict(scope.tags)]))
    if spec.alerts:
        native["alert"] = _alert(scope, at)
    native |= triggers.made(scope, spec, job)
    return PipelineRef(
        name=scope.name,
        backend="azure",
        platform=spec.platform,
        runs=runs,
        parameters=spec.parameters,
        address=PipelineAddress(id=whole.id, version=version, experiment=experiment(scope), client=who.client).plain(),
        native=native,
    )


def asset(scope: Scope, part: str = "") -> str:
    """Name an asset of the workspace; names of components have no hyphens, and a step's follows two underscores."""
    whole = physical(scope.project, scope.stage, scope.name, limit=ASSET, separator="_")
    return f"{whole}__{safe(part)}" if part else whole


def experiment(scope: Scope) -> str:
    """Name what runs are kept under."""
    return scope.physical(scope.name, limit=ASSET)


def _identity(scope: Scope, spec: PipelineSpec, runs: Output[str]) -> Identity:
    """Make the identity as which jobs run on machines of the pipeline's, with the rights of what these steps name."""
    at = PlatformAddress.of(spec.platform)
    made = access.managed(scope, at.group, at.location, "identity", scope.name)
    own = {name: step for name, step in spec.steps.items() if cluster(step) is None}
    given = starting(scope, at, rights(spec.platform, [*grants(own), ("write", Place(runs))]))
    return access.known_with(
        made, access.assign(scope, made.principal_id, at.subscription, [*given, prints(at)] if own else [])
    )


def _machines(scope: Scope, spec: PipelineSpec, who: Identity) -> dict[str, ml.Compute]:
    """Make compute of each size that steps have: none where nothing runs, and as many as one run can have at a time.

    Serverless compute takes the workspace's identities alone, and this one is the pipeline's.
    """
    at = PlatformAddress.of(spec.platform)
    most: dict[str, int] = {}
    for step in spec.steps.values():
        if cluster(step) is None:
            most[place_of(step)] = most.get(place_of(step), 0) + machines_at_once(step)
    return {size: _compute(scope, at, size, count, who.id) for size, count in most.items()}


def _compute(scope: Scope, at: PlatformAddress, size: str, most: int, who: Input[str]) -> ml.Compute:
    properties: Any = {
        "computeType": "AmlCompute",
        "description": f"Machines of pipeline {scope.name} of {scope.project} ({scope.stage})",
        "disableLocalAuth": True,
        "properties": {
            "vmSize": size,
            "vmPriority": "Dedicated",
            "osType": "Linux",
            "enableNodePublicIp": False,
            "isolatedNetwork": False,
            "remoteLoginPortPublicAccess": "Disabled",
            "scaleSettings": {"minNodeCount": 0, "maxNodeCount": most, "nodeIdleTimeBeforeScaleDown": "PT2M"},
        },
    }
    return ml.Compute(
        scope.child(f"machines-{size.lower().replace('_', '-')}"),
        compute_name=compute_name(scope, size),
        resource_group_name=at.group,
        workspace_name=at.workspace,
        location=at.location,
        identity={"type": "UserAssigned", "user_assigned_identities": [who]},
        properties=properties,
        tags=scope.tags,
        opts=scope.opts,
    )


def compute_name(scope: Scope, size: str) -> str:
    """Name compute after what it can never change; a name may not end in a hyphen and a number."""
    mark = f"-m{digest_of([scope.project, scope.stage, 'pipeline', scope.name, size])[:_DIGEST]}"
    stem = scope.name if scope.name[:1].isalpha() else f"p{scope.name}"
    return f"{stem[: COMPUTE - len(mark)].rstrip('-')}{mark}"


def _programs(spec: PipelineSpec) -> dict[str, str]:
    """Return what starts each step, with what steps of the library's own run."""
    used = (work for step in spec.steps.values() if (work := works(step)) is not None)
    names = dict.fromkeys((*PROGRAMS, *delivered(used)))
    return {name: files.files("pulumi_mlops.jobs").joinpath(name).read_text() for name in names}


def _code(scope: Scope, spec: PipelineSpec, programs: Mapping[str, str]) -> Output[str]:
    """Upload what starts each step, to a folder that is named after it, and return the id of the code."""
    at = PlatformAddress.of(spec.platform)
    version = digest_of(programs)
    path = f"pipelines/{scope.name}/code/{version}"
    ready = _uploads(scope, spec, path)
    blobs = [
        storage.Blob(
            scope.child(f"code-{version}-{name.removesuffix('.py').replace('_', '-')}"),
            resource_group_name=at.storage_group or at.group,
            account_name=at.storage,
            container_name=at.container,
            blob_name=f"{path}/{name}",
            type=storage.BlobType.BLOCK,
            content_type="text/x-python",
            source=pulumi.StringAsset(content),
            # Runs under way read it.
            opts=ResourceOptions.merge(scope.opts, ResourceOptions(retain_on_delete=True, depends_on=ready)),
        )
        for name, content in programs.items()
    ]
    container = ml.CodeContainer(
        scope.child("code"),
        name=asset(scope, "code"),
        resource_group_name=at.group,
        workspace_name=at.workspace,
        properties={"description": "What starts each step", "tags": scope.tags, "is_archived": False},
        opts=scope.opts,
    )
    return ml.CodeVersion(
        scope.child(f"code-{version}"),
        name=container.name,
        version=version,
        resource_group_name=at.group,
        workspace_name=at.workspace,
        properties={
            "code_uri": access.after(Output.concat(at.files, path), blobs),
            "tags": scope.tags,
            "is_archived": False,
            "is_anonymous": False,
        },
        opts=_kept(scope, container),
    ).id


def _uploads(scope: Scope, spec: PipelineSpec, path: str) -> list[pulumi.Resource]:
    """Let whoever deploys upload: who owns a storage account may not write into it by that alone.

    By a role of the pipeline's own: Azure takes a role once for whoever gets it at one place.
    """
    at = PlatformAddress.of(spec.platform)
    deployer = providers.caller_of(live.provider_of(spec.platform))
    if deployer is None:
        return []
    group = Output.from_input(at.storage_id).apply(lambda id_: id_.partition("/providers/")[0])
    data = [f"{_BLOBS}/{one}" for one in ("read", "write", "add/action")]
    does = f"Uploads what starts the steps of pipeline {scope.name}"
    role = access.role(scope, "upload", "uploader", does, [group], actions=[], data=data)
    place = Place(Output.format("{0}{1}/", spec.platform.artifacts, path.rpartition("/")[0]))
    given = [
        Right("Pipeline uploader", right.scope, "artifacts", right.paths, custom=role.id)
        for right in write_place(place, spec.platform)
    ]
    return [*access.assign(scope, deployer, at.subscription, given, part="deployer", kind=None)]


def _environments(scope: Scope, spec: PipelineSpec) -> dict[str, Output[str]]:
    """Make an environment for each image, and return the id of that of each step."""
    at = PlatformAddress.of(spec.platform)
    container = ml.EnvironmentContainer(
        scope.child("images"),
        name=asset(scope, "images"),
        resource_group_name=at.group,
        workspace_name=at.workspace,
        properties={"description": f"Images of pipeline {scope.name}", "tags": scope.tags, "is_archived": False},
        opts=scope.opts,
    )
    made: dict[str, Output[str]] = {}
    found: dict[str, Output[str]] = {}
    for name, step in spec.steps.items():
        address = image(step)
        known = settled(address)
        # In a preview several may not be known yet, and each is then one of its own.
        version = digest_of(known) if known is not None else digest_of(name)
        if version not in made:
            made[version] = ml.EnvironmentVersion(
                scope.child(f"image-{version}"),
                name=container.name,
                version=version,
                resource_group_name=at.group,
                workspace_name=at.workspace,
                properties={
                    "image": address,
                    "os_type": "Linux",
                    "auto_rebuild": "Disabled",
                    "tags": scope.tags,
                    "is_archived": False,
                    "is_anonymous": False,
                },
                opts=_kept(scope, container),
            ).id
        found[name] = made[version]
    return found


def _component(
    scope: Scope, at: PlatformAddress, named: tuple[str, str, str], written: Mapping[str, Any]
) -> ml.ComponentVersion:
    """Make a version of a component.

    :param named: in the program, in the workspace, and the version.
    """
    part, called, version = named
    container = ml.ComponentContainer(
        scope.child(f"component-{part}" if part else "component"),
        name=called,
        resource_group_name=at.group,
        workspace_name=at.workspace,
        properties={
            "description": f"Pipeline {scope.name} of {scope.project} ({scope.stage})",
            "tags": scope.tags,
            "is_archived": False,
        },
        opts=scope.opts,
    )
    return ml.ComponentVersion(
        scope.child(f"component-{part}-{version}" if part else f"component-{version}"),
        name=container.name,
        version=version,
        resource_group_name=at.group,
        workspace_name=at.workspace,
        properties={"component_spec": written, "tags": scope.tags, "is_archived": False, "is_anonymous": False},
        opts=_kept(scope, container),
    )


def _kept(scope: Scope, container: pulumi.Resource) -> ResourceOptions:
    """Leave a version to the runs that have begun; it goes with its container, when the pipeline goes."""
    return ResourceOptions.merge(scope.opts, ResourceOptions(retain_on_delete=True, deleted_with=container))


def _whole(
    scope: Scope, spec: PipelineSpec, nodes: Mapping[str, Any], content: object
) -> tuple[str, ml.ComponentVersion]:
    """Make the component of the graph; return its version with it."""
    inputs = {safe(name): {"type": "string", "default": text(value)} for name, value in spec.parameters.items()}
    version = digest_of(settled([inputs, content]))
    called = asset(scope)
    written = {
        "$schema": "https://azuremlschemas.azureedge.net/latest/pipelineComponent.schema.json",
        "type": "pipeline",
        "name": called,
        "version": version,
        "display_name": scope.name,
        "inputs": inputs,
        "outputs": {},
        "jobs": nodes,
        "_source": "YAML.COMPONENT",
    }
    return version, _component(scope, PlatformAddress.of(spec.platform), ("", called, version), written)


def _job(scope: Scope, spec: PipelineSpec, component: Input[str], who: Identity) -> dict[str, Any]:
    """Write the job that runs the pipeline with its defaults, as Azure Resource Manager takes it."""
    given = {safe(name): text(value) for name, value in spec.parameters.items()}
    return runs.body(
        scope.name,
        component=component,
        experiment=experiment(scope),
        client=who.client,
        inputs=given,
        tags=scope.tags,
    )


def _schedule(scope: Scope, spec: PipelineSpec, job: Mapping[str, Any], digest: str) -> ml.Schedule:
    """Start the pipeline by itself: cron of Azure knows no days and months, its recurrences do.

    :param digest: of the job, which a schedule never changes: another one is another schedule.
    """
    at, schedule = PlatformAddress.of(spec.platform), spec.schedule
    often = recurrence(schedule.cron) if schedule else None
    if schedule is None or often is None:
        raise LookupError(f"{schedule} has no recurrence, which the checks should have refused")
    when: dict[str, Any] = {
        "minutes": often["schedule"]["minutes"],
        "hours": often["schedule"]["hours"],
        **({"weekDays": often["schedule"]["week_days"]} if "week_days" in often["schedule"] else {}),
        **({"monthDays": often["schedule"]["month_days"]} if "month_days" in often["schedule"] else {}),
    }
    properties: Any = {
        "displayName": scope.name,
        "description": f"Starts pipeline {scope.name} of {scope.project} ({scope.stage})",
        "isEnabled": True,
        "tags": scope.tags,
        "trigger": {
            "triggerType": "Recurrence",
            "frequency": often["frequency"],
            "interval": often["interval"],
            "schedule": when,
            "timeZone": ZONES[schedule.timezone],
        },
        "action": {"actionType": "CreateJob", "jobDefinition": dict(job)},
    }
    return ml.Schedule(
        scope.child(f"schedule-{digest}"),
        name=f"{experiment(scope)}-{digest}",
        resource_group_name=at.group,
        workspace_name=at.workspace,
        properties=properties,
        opts=scope.opts,
    )


def _alert(scope: Scope, at: PlatformAddress) -> monitor.MetricAlert:
    """Tell whom the platform alerts of a run that failed, which the workspace counts by experiment."""
    dimensions: Sequence[Any] = [{"name": "ExperimentName", "operator": "Include", "values": [experiment(scope)]}]
    criterion: Any = {
        "criterion_type": "StaticThresholdCriterion",
        "name": "failed",
        "metric_name": "Failed Runs",
        "metric_namespace": "Microsoft.MachineLearningServices/workspaces",
        "dimensions": dimensions,
        "operator": "GreaterThan",
        "threshold": 0,
        "time_aggregation": "Total",
        "skip_metric_validation": True,
    }
    return monitor.MetricAlert(
        scope.child("failed"),
        rule_name=names.inside(scope.project, scope.stage, scope.name, "failed", limit=RULE),
        resource_group_name=at.group,
        location="global",
        description=f"Runs of pipeline {scope.name} that failed",
        enabled=True,
        severity=1,
        scopes=[at.workspace_id],
        evaluation_frequency="PT5M",
        window_size="PT5M",
        auto_mitigate=True,
        criteria=monitor.MetricAlertSingleResourceMultipleMetricCriteriaArgs(
            odata_type="Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria", all_of=[criterion]
        ),
        actions=[{"action_group_id": at.alerts}],
        tags=scope.tags,
        opts=scope.opts,
    )
