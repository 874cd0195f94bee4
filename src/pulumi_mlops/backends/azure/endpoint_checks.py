"""What only Azure can judge of an endpoint, before anything is registered: its machines, its traffic, its limits."""

import re
from collections.abc import Iterator

from pulumi import Input

from pulumi_mlops.backends.azure import live
from pulumi_mlops.backends.azure.access import principal_problems
from pulumi_mlops.backends.azure.addresses import ModelVersionAddress
from pulumi_mlops.backends.azure.cron import ZONES, weekly
from pulumi_mlops.backends.azure.endpoint import endpoint_name
from pulumi_mlops.backends.azure.machines import machine_problems
from pulumi_mlops.backends.azure.release import shares
from pulumi_mlops.backends.azure.scaling import MOST_PROFILES
from pulumi_mlops.backends.azure.shared_registry import version_problems
from pulumi_mlops.backends.azure.stores import BLOB
from pulumi_mlops.backends.azure.workload import CLIENT
from pulumi_mlops.components.endpoint import SHADOW, EndpointSpec, ModelFiles, ScalingSchedule, Variant
from pulumi_mlops.components.model import ModelVersionRef
from pulumi_mlops.core.errors import Problem
from pulumi_mlops.core.inputs import is_deferred, nearest

# https://learn.microsoft.com/azure/machine-learning/how-to-manage-quotas#azure-machine-learning-online-endpoints-and-batch-endpoints
_MOST_REPLICAS, _LONGEST_SECONDS, _MOST_MIRRORED = 50, 180, 50
_MOST_VARIANTS = 6  # what a release goes back to is kept in a tag, whose value has at most 256 characters
_SHORTEST_COOLDOWN, _LONGEST_COOLDOWN = 60, 604_800
_VARIANT = re.compile(r"[a-z]([a-z0-9]|-(?=[a-z0-9]))*")
_LONGEST_VARIANT = 20


def problems(name: str, spec: EndpointSpec) -> Iterator[Problem]:
    """Judge an endpoint."""
    called = endpoint_name(spec.platform, name)
    if spec.waiting and live.endpoint(spec.platform, called) is not None:
        yield Problem(
            "model",
            "no version is approved any more, and the endpoint serves: taking it away would be an outage; approve a "
            "version, pin one with model.version(n), or remove the Endpoint from the program",
        )
    yield from principal_problems("invokers", spec.invokers)
    for field, part in _parts(spec):
        yield from machine_problems(f"{field}compute", part.compute or spec.compute, spec.platform)
        yield from _served(f"{field}model", part.model, spec)
    yield from _names(spec)
    yield from _traffic(spec)
    yield from _scaling(spec)
    if spec.serve.timeout_seconds > _LONGEST_SECONDS:
        yield Problem(
            "serve.timeout_seconds",
            f"{spec.serve.timeout_seconds}: a managed online endpoint of Azure ends a request after {_LONGEST_SECONDS} "
            "seconds; write at most that, answer as a stream, or let a queue of yours hold the request",
        )
    if CLIENT in spec.environment:
        told = "is what Microsoft's libraries log in by, and is set to the endpoint's own identity; take another name"
        yield Problem("environment", f"{CLIENT!r} {told}")


def _parts(spec: EndpointSpec) -> Iterator[tuple[str, Variant]]:
    """Give every part that serves, and where the user wrote it."""
    if spec.model is not None:
        yield "", spec.served[0]
    yield from ((f"variants[{index}].", part) for index, part in enumerate(spec.variants))
    if spec.shadow:
        yield "shadow.", Variant(name=SHADOW, model=spec.shadow.model, compute=spec.shadow.compute)


def _served(field: str, served: ModelVersionRef | ModelFiles, spec: EndpointSpec) -> Iterator[Problem]:
    """Judge where files are, and whether somebody serves them."""
    if isinstance(served, ModelFiles):
        yield from _address(f"{field}.artifact", served.artifact)
        return
    if served.backend == "azure":
        yield from version_problems(field, spec.platform, served)
    if spec.serve.image is not None or served.image is not None or served.waiting or served.backend != "azure":
        return
    kind = ModelVersionAddress.of(served).kind
    if kind is not None and kind != "mlflow_model":
        yield Problem(
            field,
            f"version {served.version} of {served.name!r} is a {kind}, and Azure's own server serves models of MLflow; "
            "write serve={'image': …}, or register it as an mlflow_model",
        )


def _address(field: str, uri: Input[str] | None) -> Iterator[Problem]:
    if uri is None or is_deferred(uri) or BLOB.fullmatch(str(uri)) or str(uri).startswith("azureml://"):
        return
    yield Problem(
        field,
        f"{uri!r} is no address that a workspace can name; write "
        "'https://<account>.blob.core.windows.net/<container>/<path>', or an address that begins with azureml://",
    )


def _names(spec: EndpointSpec) -> Iterator[Problem]:
    if len(spec.variants) > _MOST_VARIANTS:
        told = f"{len(spec.variants)}: while one release follows another, Azure takes {_MOST_VARIANTS}; take fewer"
        yield Problem("variants", told)
    for index, part in enumerate(spec.variants):
        if not _VARIANT.fullmatch(part.name) or len(part.name) > _LONGEST_VARIANT:
            yield Problem(
                f"variants[{index}].name",
                f"{part.name!r} becomes part of a deployment's name: write at most {_LONGEST_VARIANT} lower-case "
                "letters, digits and single hyphens, the first a letter",
            )
        if spec.shadow and part.name == SHADOW:
            yield Problem(f"variants[{index}].name", f"{SHADOW!r} is what the shadow is called; take another name")


def _traffic(spec: EndpointSpec) -> Iterator[Problem]:
    """Azure divides traffic in whole per cent."""
    if spec.variants:
        divided = shares({part.name: part.weight for part in spec.variants})
        for index, part in enumerate(spec.variants):
            if part.weight and not divided.get(part.name):
                yield Problem(
                    f"variants[{index}].weight",
                    f"{part.weight:g} beside {max(one.weight for one in spec.variants):g} would be nothing: Azure "
                    "divides traffic in whole per cent; write weights that are closer",
                )
    if spec.shadow is None:
        return
    if spec.shadow.percent > _MOST_MIRRORED or not float(spec.shadow.percent).is_integer():
        yield Problem(
            "shadow.percent",
            f"{spec.shadow.percent:g}: Azure mirrors whole per cent of the traffic, {_MOST_MIRRORED} at most; write "
            f"1 to {_MOST_MIRRORED}",
        )


def _scaling(spec: EndpointSpec) -> Iterator[Problem]:
    scaling = spec.scaling
    for field in ("min", "max"):
        if (count := getattr(scaling, field)) > _MOST_REPLICAS:
            told = f"{count}: a deployment of Azure has at most {_MOST_REPLICAS} machines"
            yield Problem(f"scaling.{field}", f"{told}; write that, or a larger machine")
    for field in ("cooldown_in_seconds", "cooldown_out_seconds"):
        if scaling.moves and not _SHORTEST_COOLDOWN <= (seconds := getattr(scaling, field)) <= _LONGEST_COOLDOWN:
            yield Problem(
                f"scaling.{field}",
                f"{seconds}: Azure Monitor waits at least {_SHORTEST_COOLDOWN} seconds, and at most a week; write that",
            )
    if len(scaling.schedules) >= MOST_PROFILES:
        told = f"{len(scaling.schedules)}: an autoscale setting has {MOST_PROFILES} profiles, one of them the usual one"
        yield Problem("scaling.schedules", f"{told}; take fewer")
    for index, schedule in enumerate(scaling.schedules):
        yield from _schedule(f"scaling.schedules[{index}]", schedule)


def _schedule(field: str, schedule: ScalingSchedule) -> Iterator[Problem]:
    if weekly(schedule.cron) is None:
        yield Problem(
            f"{field}.cron",
            f"{schedule.cron!r} names days of the month, or months, and profiles of Azure recur in each week; name "
            "days of the week, such as '0 8 * * 1-5'",
        )
    if schedule.timezone not in ZONES:
        yield zone_problem(f"{field}.timezone", schedule.timezone)
    if schedule.min < 1:
        yield Problem(f"{field}.min", "0: a managed deployment keeps at least one machine; write at least 1")
    if schedule.max > _MOST_REPLICAS:
        told = f"{schedule.max}: a deployment of Azure has at most {_MOST_REPLICAS} machines; write that"
        yield Problem(f"{field}.max", told)


def zone_problem(field: str, zone: str) -> Problem:
    """Say that Azure's name of a time zone is not known here."""
    return Problem(
        field, f"{zone!r} has no name of Windows here, which Azure wants{nearest(zone, ZONES)}; write a place beside it"
    )
