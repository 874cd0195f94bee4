"""What only Kubernetes can judge of an endpoint, before anything is registered."""

import json
import math
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from pulumi import Input

from pulumi_mlops.backends.kubernetes import access, live
from pulumi_mlops.backends.kubernetes.addresses import ModelVersionAddress, PlatformAddress
from pulumi_mlops.backends.kubernetes.health import stem
from pulumi_mlops.backends.kubernetes.machines import compute_problems, quantity_problems
from pulumi_mlops.backends.kubernetes.objects import NAME_LIMIT
from pulumi_mlops.backends.kubernetes.release import MOST_WEIGHT, scale_of
from pulumi_mlops.backends.kubernetes.runtime import machine, server_of
from pulumi_mlops.backends.kubernetes.scaling import LONGEST_COOLDOWN_SECONDS
from pulumi_mlops.components.endpoint import SHADOW, EndpointSpec, ModelFiles, Variant
from pulumi_mlops.components.model import ModelVersionRef
from pulumi_mlops.core.errors import MlopsError, Problem
from pulumi_mlops.core.inputs import is_deferred, nearest

SCHEMES = ("s3", "pvc", "oci", "gs", "hf", "https", "http", "hdfs", "webhdfs")
"""What KServe's storage initializer takes (https://kserve.github.io/website/docs/model-serving/storage/overview)."""
_INSIDE = ("s3", "pvc", "oci")  # what needs no way to the internet: nodes fetch images
_ADDED = len("-12345678-predictor")  # what a revision's Service has beside the variant's name
_VARIANT = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
_BACKENDS = 16  # of one rule of an HTTPRoute
_DIGEST = re.compile(r"@sha256:[0-9a-f]{64}$")
_TAG = re.compile(r":(?P<tag>[\w][\w.-]{0,127})$")


_INITIALIZER = "/apis/serving.kserve.io/v1alpha1/clusterstoragecontainers/default"
_LOCKED: dict[str, Any] = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}


def endpoint_problems(name: str, spec: EndpointSpec) -> Iterator[Problem]:
    """Judge an endpoint."""
    parts = list(_parts(spec))
    for field, part in parts:
        yield from _model(f"{field}model" if field else "model", part.model, spec)
    yield from compute_problems("compute", spec.compute)
    for field, part in parts:
        if part.compute:
            yield from compute_problems(f"{field}compute", part.compute)
    yield from _serve(spec)
    yield from _names(name, spec)
    yield from _limits(spec)
    yield from _quantities(spec)
    yield from _gateway(spec)
    yield from _quota(spec)
    yield from _initializer(spec)
    yield from access.principal_problems("invokers", spec.invokers, ("namespace", "service_account"))
    if spec.waiting and live.namespaced(spec.platform, "v1", "services", name) is not None:
        yield Problem(
            "model",
            "no version is approved any more, and the endpoint serves: taking it away would be an outage; approve a "
            "version, pin one with model.version(n), or remove the Endpoint from the program",
        )


def _parts(spec: EndpointSpec) -> Iterator[tuple[str, Variant]]:
    """Give everything that serves a model, and where the user wrote it."""
    if spec.variants:
        yield from ((f"variants[{index}].", part) for index, part in enumerate(spec.variants))
    else:
        yield from (("", part) for part in spec.served)
    if spec.shadow:
        yield "shadow.", Variant(name=SHADOW, model=spec.shadow.model, compute=spec.shadow.compute)


def _model(field: str, served: ModelVersionRef | ModelFiles, spec: EndpointSpec) -> Iterator[Problem]:
    if isinstance(served, ModelVersionRef):
        if not served.waiting:
            yield from _address(field, ModelVersionAddress.of(served).uri, spec)
        return
    yield from image_problems(f"{field}.image", served.image, spec.platform.profile)
    if served.artifact is not None:
        yield from _address(f"{field}.artifact", served.artifact, spec)


def _serve(spec: EndpointSpec) -> Iterator[Problem]:
    """Refuse variables that a model server is told by the library, and shared memory that no pod has room for."""
    told = {name for part in spec.parts for name in server_of(part.model, spec.serve).told("")}
    if wrong := sorted(told & set(spec.environment)):
        yield Problem(
            "environment",
            f"{', '.join(map(repr, wrong))}: the library sets this for the model server; leave it out, or serve "
            "with an image of your own: serve={'image': …}",
        )
    memory = spec.serve.shared_memory_gb
    least = min((machine(part.compute or spec.compute).memory_gb for part in spec.parts), default=None)
    if memory is not None and least is not None and memory >= least:
        yield Problem(
            "serve.shared_memory_gb",
            f"{memory:g} GiB is taken from the {least:g} GiB of compute.memory_gb; write less, or more memory",
        )
    if spec.serve.image is not None:
        yield from image_problems("serve.image", spec.serve.image, spec.platform.profile)


def image_problems(field: str, image: Input[str], profile: str | None) -> Iterator[Problem]:
    """Refuse an image that can become another one behind a name: what was released could not be said."""
    if is_deferred(image) or not isinstance(image, str) or profile != "prod" or _DIGEST.search(image):
        return
    found = _TAG.search(image.rpartition("/")[2])
    if found is None or found["tag"] == "latest":
        yield Problem(
            field,
            f"{image!r} can become another image at any time, which prod does not take; write a tag that stays, such "
            "as ':1.4.2', or a digest, '@sha256:…'",
        )


def _address(field: str, uri: Input[str], spec: EndpointSpec) -> Iterator[Problem]:
    if is_deferred(uri) or not isinstance(uri, str):
        return
    scheme = urlsplit(uri).scheme
    if "://" not in uri or scheme not in SCHEMES:
        yield Problem(
            field,
            f"{uri!r} is no address that KServe can load a model from{nearest(scheme, SCHEMES)}; write one that begins "
            f"with {', '.join(f'{known}://' for known in SCHEMES)}",
        )
    elif scheme not in _INSIDE and (spec.is_isolated or spec.platform.private):
        way_out = "copy the files into the platform's object store (s3://)"
        if not spec.platform.private:
            way_out += ", or write isolated=False"
        yield Problem(field, f"{uri!r} is out in the internet, which these pods cannot reach; {way_out}")


def _names(name: str, spec: EndpointSpec) -> Iterator[Problem]:
    over = len(stem(name, SHADOW)) + _ADDED - NAME_LIMIT
    if spec.shadow and over > 0:
        yield Problem(
            "shadow",
            f"makes the name of a Service of {over + NAME_LIMIT} characters, and Kubernetes takes {NAME_LIMIT}; "
            f"shorten the name of the endpoint by {over}",
        )
    for index, part in enumerate(spec.variants):
        field = f"variants[{index}].name"
        length = len(stem(name, part.name)) + _ADDED
        if not _VARIANT.fullmatch(part.name):
            yield Problem(
                field, f"{part.name!r} becomes part of objects' names: write lower-case letters, digits and hyphens"
            )
        elif length > NAME_LIMIT:
            yield Problem(
                field,
                f"{part.name!r} makes the name of a Service of {length} characters, and Kubernetes takes {NAME_LIMIT}; "
                f"shorten it by {length - NAME_LIMIT}",
            )
        if spec.shadow and part.name == SHADOW:
            yield Problem(field, f"{SHADOW!r} is what the shadow is called; take another name")


_MOST_REPLICAS = 2**31 - 1
_LEAST_SHARE = 0.01


def _quantities(spec: EndpointSpec) -> Iterator[Problem]:
    """Refuse amounts that would be written as none, or as more than the API reads."""
    for field, part in _parts(spec):
        yield from quantity_problems(f"{field}compute", part.compute or spec.compute)
    for bound in ("min", "max"):
        if getattr(spec.scaling, bound) > _MOST_REPLICAS:
            yield Problem(f"scaling.{bound}", f"{getattr(spec.scaling, bound)}: write at most {_MOST_REPLICAS}")
    if spec.shadow and spec.shadow.percent < _LEAST_SHARE:
        yield Problem("shadow.percent", f"{spec.shadow.percent:g} would copy nothing; write at least {_LEAST_SHARE}")
    scale = scale_of([part.weight for part in spec.variants]) if spec.variants else 1
    for index, part in enumerate(spec.variants):
        if part.weight and not round(part.weight * scale):
            yield Problem(
                f"variants[{index}].weight",
                f"{part.weight:g} beside {max(one.weight for one in spec.variants):g} would be nothing: a route "
                f"divides by {MOST_WEIGHT}; write weights that are closer",
            )


def _limits(spec: EndpointSpec) -> Iterator[Problem]:
    """Refuse numbers that the API would refuse in the middle of an update."""
    for field in ("cooldown_in_seconds", "cooldown_out_seconds"):
        seconds = getattr(spec.scaling, field)
        if seconds > LONGEST_COOLDOWN_SECONDS:
            yield Problem(
                f"scaling.{field}",
                f"{seconds}: Kubernetes waits at most {LONGEST_COOLDOWN_SECONDS} seconds; write that",
            )
    # While traffic moves step by step, the route leads to the revisions of before as well.
    stepwise = bool(spec.release.canary or spec.release.linear)
    most = _BACKENDS // 2 if stepwise else _BACKENDS
    if len(spec.variants) > most:
        yield Problem(
            "variants",
            f"{len(spec.variants)}: a route leads to {_BACKENDS} revisions at most"
            f"{', half of them old ones while a release moves step by step' if stepwise else ''}; write at most {most}",
        )


def _gateway(spec: EndpointSpec) -> Iterator[Problem]:
    """Refuse what nobody would do: without a gateway nothing divides traffic, without Prometheus nothing watches."""
    address = PlatformAddress.of(spec.platform)
    divided = {
        "variants": len(spec.served) > 1,
        "shadow": spec.shadow is not None,
        "release.canary": spec.release.canary is not None,
        "release.linear": spec.release.linear is not None,
    }
    watched = {
        "release.canary": divided["release.canary"],
        "release.linear": divided["release.linear"],
        "release.rollback_alarms": bool(spec.release.rollback_alarms),
        "scaling": spec.scaling.moves,
    }
    if not address.gateway:
        for field, used in divided.items():
            if used:
                yield Problem(
                    field,
                    "needs a gateway that divides traffic; write Platform(existing={'gateway': {'name': "
                    "'namespace/name', 'domain': …}})",
                )
    if not address.metrics:
        for field, used in watched.items():
            if used:
                yield Problem(
                    field,
                    "needs a Prometheus to go by; write Platform(existing={'metrics': "
                    "'http://prometheus.monitoring.svc:9090'})",
                )


def _initializer(spec: EndpointSpec) -> Iterator[Problem]:
    """Refuse a cluster whose KServe loads models with a container that Pod Security *restricted* does not admit.

    The object is the admin's; who may not read it is not told.
    """
    cluster = live.of(spec.platform)
    try:
        found = cluster.get(_INITIALIZER) if cluster else None
    except MlopsError:
        return
    security = found["spec"]["container"].get("securityContext", {}) if found else _LOCKED
    dropped = security.get("capabilities", {}).get("drop", [])
    if security.get("allowPrivilegeEscalation") is not False or "ALL" not in dropped:
        patch = json.dumps({"spec": {"container": {"securityContext": _LOCKED}}})
        yield Problem(
            "platform",
            "KServe's storage initializer is not locked down in this cluster, so that the platform's namespace refuses "
            "the pods of every endpoint; have an admin run: kubectl patch clusterstoragecontainer default "
            f"--type merge --patch '{patch}'",
        )


_AGENT_CPUS, _AGENT_MEMORY_GB = 0.1, 1
"""What KServe's agent asks for, and may take, as it is installed."""


def _quota(spec: EndpointSpec) -> Iterator[Problem]:
    """Refuse an endpoint that the platform's quota could never hold: its pods would wait for ever."""
    quota = PlatformAddress.of(spec.platform).quota
    if not quota:
        return
    sizes = [machine(part.compute or spec.compute) for _, part in _parts(spec)]
    # While a release is on, the revision before it is still there.
    sizes.append(max(sizes, key=lambda size: (size.accelerators, size.cpus, size.memory_gb)))
    replicas = max(spec.scaling.min, 1)
    agents = len(sizes) * replicas if spec.capture_percent else 0
    needs = {
        "cpus": math.ceil(sum(size.cpus for size in sizes) * replicas + agents * _AGENT_CPUS),
        "memory_gb": sum(size.memory_gb for size in sizes) * replicas + agents * _AGENT_MEMORY_GB,
        "accelerators": sum(size.accelerators for size in sizes) * replicas,
    }
    for word, need in needs.items():
        most = getattr(quota, word)
        if need > most:
            yield Problem(
                "scaling.min" if replicas > 1 else "compute",
                f"needs {need:g} {word} at least, with one more revision while a release is on, and the platform's "
                f"quota is {most:g}; write Platform(quota={{'{word}': {need:g}, …}}), or ask for less",
            )
