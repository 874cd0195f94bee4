"""One revision of one variant: a deployment of its own, named after everything that needs a release.

A revision never changes but for its number of replicas and its tags. Azure changes image, model and settings of a
deployment in place, and refuses another size; so that every change is released alike, another content is another
deployment beside the old one, with an environment of the same name. What served before is deleted by the workflow of
the release, once it is through, and in any case with the endpoint.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pulumi
from pulumi import Input, ResourceOptions
from pulumi_azure_native import machinelearningservices as ml

from pulumi_mlops.backends.azure import live, workload
from pulumi_mlops.backends.azure.access import Identity
from pulumi_mlops.backends.azure.addresses import ModelVersionAddress, PlatformAddress, SecretAddress
from pulumi_mlops.backends.azure.instances import pick
from pulumi_mlops.backends.azure.stores import files_in
from pulumi_mlops.components.endpoint import SHADOW, EndpointSpec, ModelFiles, Variant
from pulumi_mlops.components.feature_group import FeatureView
from pulumi_mlops.components.platform import PlatformRef
from pulumi_mlops.core.component import Scope
from pulumi_mlops.core.content import digest_of, settled
from pulumi_mlops.core.inputs import is_deferred
from pulumi_mlops.core.naming import physical
from pulumi_mlops.core.refs import SecretRef
from pulumi_mlops.core.workload import Workload

RELEASE, BEFORE, ROLLED_BACK = "mlops-release", "mlops-before", "mlops-rolled-back"
"""Tags of an endpoint: the revisions that its program asks for; the traffic that a release goes back to, while one is
under way; the revisions of the last release that went back."""
VARIANT = "mlops-variant"
"""The tag of a deployment that says of which variant it is."""
COLLECTIONS = ("request", "response")
"""What is kept of each call, by the names that the data collector gives it."""
_NAME = 32
"""Characters of a deployment's name."""
_ADDED = 12
"""Characters that are added to a variant's name: a digest, and which try at it that is."""
_TRIES = 99
_WHAT = "What an endpoint serves; each release has a version"
CONCURRENT = 16
"""Requests that one machine works on at one time; Azure's own default is one."""


@dataclass(frozen=True)
class Live:
    """What an endpoint has while the program runs: nothing, unless told."""

    there: bool = False
    tags: Mapping[str, str] = field(default_factory=dict)
    traffic: Mapping[str, int] = field(default_factory=dict)
    mirrored: Mapping[str, int] = field(default_factory=dict)
    replicas: Mapping[str, int] = field(default_factory=dict)
    """Machines by deployment."""
    variants: Mapping[str, str] = field(default_factory=dict)
    """Variants by deployment."""

    @property
    def before(self) -> dict[str, int]:
        """The traffic that the release under way goes back to."""
        return read_traffic(self.tags.get(BEFORE, ""))

    @property
    def released(self) -> list[str]:
        """The revisions that the program asked for last."""
        return [name for name in self.tags.get(RELEASE, "").split(" ") if name]

    def idle(self, name: str) -> bool:
        """Tell whether a deployment that is there serves nobody, and is not gone back to."""
        return not (self.traffic.get(name) or self.mirrored.get(name) or name in self.before)

    def replicas_of(self, variant: str, least: int) -> int:
        """Return the count that a new revision begins with: what serves the variant now has been scaled to it."""
        serving = [count for name, count in self.replicas.items() if self.variants.get(name) == variant]
        return max([least, *serving])


def write_traffic(traffic: Mapping[str, int]) -> str:
    """Write traffic as the value of a tag.

    >>> write_traffic({"main-1": 90, "main-2": 10}), read_traffic("main-1=90 main-2=10")
    ('main-1=90 main-2=10', {'main-1': 90, 'main-2': 10})
    """
    return " ".join(f"{name}={share}" for name, share in sorted(traffic.items()))


def read_traffic(text: str) -> dict[str, int]:
    """Read it back."""
    pairs = (one.partition("=") for one in text.split(" ") if one)
    return {name: int(share) for name, _, share in pairs if share.isdigit()}


def now(platform: PlatformRef, name: str) -> Live:
    """Look up what an endpoint has."""
    there = live.endpoint(platform, name)
    if there is None:
        return Live()
    found = live.deployments(platform, name)
    properties = there.get("properties") or {}
    return Live(
        there=True,
        tags=there.get("tags") or {},
        traffic=_shares(properties.get("traffic")),
        mirrored=_shares(properties.get("mirrorTraffic")),
        replicas={one["name"]: (one.get("sku") or {}).get("capacity") or 1 for one in found},
        variants={one["name"]: (one.get("tags") or {}).get(VARIANT, "") for one in found},
    )


def _shares(traffic: Mapping[str, int] | None) -> dict[str, int]:
    return {name: int(share) for name, share in (traffic or {}).items() if share}


@dataclass(frozen=True)
class Revision:
    """What a variant serves now."""

    variant: str
    name: str
    """Of the deployment, of its environment's version, and of the resources in the program."""
    asset: str
    """Of the containers of its environment and of its files."""
    workload: Workload[FeatureView]
    model: Input[str] | None
    """How the deployment names a version of the registry."""
    machine: str
    replicas: int


def revisions(scope: Scope, spec: EndpointSpec, there: Live) -> list[Revision]:
    """Work out the revisions that the arguments ask for, the shadow last."""
    parts = zip(spec.parts, spec.workloads(), strict=True)
    return [_revision(scope, spec, part, load, there) for part, load in parts]


def _revision(scope: Scope, spec: EndpointSpec, part: Variant, load: Workload[FeatureView], there: Live) -> Revision:
    machine = pick(load.compute)
    if machine is None:
        raise LookupError(f"no machine for {load.compute}, which checks.py should have refused")
    version = None if isinstance(part.model, ModelFiles) else part.model
    if version is not None and load.image is None and version.image is not None:
        load = replace(load, image=version.image)
    content = {
        "image": load.image,
        # By names: what the id of a version is made of is not known before there is a workspace.
        "model": None
        if version is None
        else [version.platform.name, version.platform.stage, version.name, version.version],
        "files": load.files,
        "environment": load.environment,
        # By names again: their addresses are known with the vault.
        "secrets": {key: _named(secret) for key, secret in load.secrets.items()},
        "machine": machine.name,
        "routes": workload.routes(load) if load.image is not None else None,
        "probes": workload.probes(load),
        "seconds": load.timeout_seconds,
        "captured": spec.capture_percent,
    }
    asset = physical(scope.project, scope.stage, scope.name, part.name, limit=255)
    stem = physical(part.name, limit=_NAME - _ADDED)
    least = max(spec.scaling.min, 1)
    moves = spec.scaling.moves and part.name != SHADOW
    return Revision(
        variant=part.name,
        name=_free(spec.platform, asset, f"{stem}-{digest_of(settled(content))}", there, own=load.image is not None),
        asset=asset,
        workload=load,
        model=None if version is None else ModelVersionAddress.of(version).id,
        machine=machine.name,
        replicas=there.replicas_of(part.name, least) if moves else least,
    )


def _named(secret: SecretRef) -> list[str]:
    """Tell a secret from others, also before it is there."""
    id_ = SecretAddress.of(secret).id
    return [secret.name] if is_deferred(id_) else [secret.name, str(id_)]


def _free(platform: PlatformRef, asset: str, stem: str, there: Live, *, own: bool) -> str:
    """Return the name of a revision: the one that it has, or one that nothing of a former life has.

    What was released before is not the program's any more, and is deleted only when the release after it is through:
    whoever goes back to the same content meanwhile gets another revision of it. One that serves nobody was left by an
    update that was interrupted, and is taken up again.
    """
    names = [stem, *(f"{stem}-{number}" for number in range(2, _TRIES))]
    if (own_name := next((name for name in names if name in there.released), None)) is not None:
        return own_name  # also where an earlier one of the same content, which waited to be deleted, is gone by now
    for name in names:
        if name in there.replicas:
            if there.idle(name):
                return name
        elif not (own and live.has_environment(platform, asset, name)):
            return name
    raise LookupError(f"no name is left for {stem}")


def _files(scope: Scope, at: PlatformAddress, revision: Revision) -> Input[str] | None:
    """Name the files of a container of the user's: a version of the registry, or one that is made of an address."""
    if revision.model is not None or revision.workload.files is None:
        return revision.model
    part = f"{revision.variant}-files"
    container = ml.ModelContainer(
        scope.child(part),
        name=revision.asset,
        resource_group_name=at.group,
        workspace_name=at.workspace,
        properties={"description": _WHAT, "tags": scope.tags, "is_archived": False},
        opts=scope.opts,
    )
    return ml.ModelVersion(
        scope.child(f"{revision.name}-files"),
        name=container.name,
        version=revision.name,
        resource_group_name=at.group,
        workspace_name=at.workspace,
        properties={
            "model_type": "custom_model",
            "model_uri": files_in(scope, at, f"{revision.variant}-store", revision.workload.files),
            "tags": scope.tags,
            "is_archived": False,
            "is_anonymous": False,
        },
        opts=_kept(scope, container),
    ).id


def _environment(scope: Scope, at: PlatformAddress, revision: Revision) -> Input[str]:
    """Make the environment of a container of the user's: its image, and where it is asked."""
    routes: Any = workload.routes(revision.workload)
    container = ml.EnvironmentContainer(
        scope.child(f"{revision.variant}-environment"),
        name=revision.asset,
        resource_group_name=at.group,
        workspace_name=at.workspace,
        properties={"description": _WHAT, "tags": scope.tags, "is_archived": False},
        opts=scope.opts,
    )
    return ml.EnvironmentVersion(
        scope.child(f"{revision.name}-environment"),
        name=container.name,
        version=revision.name,
        resource_group_name=at.group,
        workspace_name=at.workspace,
        properties={
            "image": revision.workload.image,
            "inference_config": routes,
            "os_type": "Linux",
            "auto_rebuild": "Disabled",
            "tags": scope.tags,
            "is_archived": False,
            "is_anonymous": False,
        },
        opts=_kept(scope, container),
    ).id


def _kept(scope: Scope, container: pulumi.Resource) -> ResourceOptions:
    """Leave a version to whoever still serves it; it goes with its container, when the endpoint goes."""
    return ResourceOptions.merge(scope.opts, ResourceOptions(retain_on_delete=True, deleted_with=container))


@dataclass(frozen=True)
class Base:
    """An endpoint that is there, and serves nothing yet."""

    scope: Scope
    spec: EndpointSpec
    endpoint: ml.OnlineEndpoint
    who: Identity
    """As whom its containers run."""

    @property
    def at(self) -> PlatformAddress:
        """Where it is."""
        return PlatformAddress.of(self.spec.platform)


def make(base: Base, revision: Revision, collected: Mapping[str, Input[str]]) -> ml.OnlineDeployment:
    """Make a revision, with the environment and the files that are its own.

    :param collected: ids of the data assets that calls are kept in.
    """
    scope, spec, at, load = base.scope, base.spec, base.at, revision.workload
    opts = ResourceOptions.merge(
        scope.opts,
        ResourceOptions(
            retain_on_delete=True,
            deleted_with=base.endpoint,
            # The number of machines is Azure Monitor's where the load moves it.
            ignore_changes=["sku"] if spec.scaling.moves and revision.variant != SHADOW else None,
        ),
    )
    properties: dict[str, Any] = {
        "endpoint_compute_type": "Managed",
        "instance_type": revision.machine,
        "model": _files(scope, at, revision) if load.image is not None else revision.model,
        "environment_variables": workload.environment(load, base.who.client),
        "request_settings": {
            "request_timeout": f"PT{load.timeout_seconds}S",
            "max_concurrent_requests_per_instance": CONCURRENT,
        },
        **workload.probes(load),
        "app_insights_enabled": False,
        # The workspace's managed network says what containers reach; this older switch is for those without one.
        "egress_public_network_access": "Enabled",
        "scale_settings": ml.DefaultScaleSettingsArgs(scale_type="Default"),
    }
    if load.image is not None:
        properties["environment_id"] = _environment(scope, at, revision)
        properties["model_mount_path"] = workload.MODELS
    if spec.capture_percent:
        properties["data_collector"] = {
            "collections": {
                name: {
                    "data_collection_mode": "Enabled",
                    "sampling_rate": spec.capture_percent / 100,
                    "data_id": collected[name],
                    "client_id": base.who.client,
                }
                for name in COLLECTIONS
            },
            "rolling_rate": "Hour",
        }
    return ml.OnlineDeployment(
        scope.child(revision.name),
        deployment_name=revision.name,
        endpoint_name=base.endpoint.name,
        resource_group_name=at.group,
        workspace_name=at.workspace,
        location=at.location,
        properties=ml.ManagedOnlineDeploymentArgs(**properties),
        sku={"name": "Default", "capacity": revision.replicas},
        tags={**scope.tags, VARIANT: revision.variant},
        opts=opts,
    )
