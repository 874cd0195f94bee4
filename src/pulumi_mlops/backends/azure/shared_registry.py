"""A registry of Azure Machine Learning: workspaces of other regions and subscriptions of the tenant serve its versions.

Azure keeps what is in it in storage accounts of its own, one a region, and hands files out to whoever may read assets.
https://learn.microsoft.com/azure/machine-learning/how-to-manage-registries
"""

from collections.abc import Iterator, Sequence
from typing import Any

import pulumi
from pulumi import Output
from pulumi_azure_native import machinelearningservices as ml

from pulumi_mlops.backends.azure import access, live, names
from pulumi_mlops.backends.azure.addresses import ModelVersionAddress, PlatformAddress, SharedRegistry
from pulumi_mlops.backends.azure.rights import WRITER, of_registry
from pulumi_mlops.components.model import ModelVersionRef
from pulumi_mlops.components.model_registry import ModelRegistrySpec
from pulumi_mlops.components.platform import PlatformRef
from pulumi_mlops.core.component import Scope
from pulumi_mlops.core.errors import Problem
from pulumi_mlops.core.inputs import is_deferred
from pulumi_mlops.core.principals import Who

_NAME = 32


def registry_name(platform: PlatformRef, name: str) -> str:
    """Name a registry: nobody else in the tenant may have the name."""
    known = PlatformAddress.of(platform).subscription
    where = ("" if is_deferred(known) else str(known), platform.name, f"{platform.stage}{name}", platform.region or "")
    return names.everywhere(*where, limit=_NAME)


def make(
    scope: Scope, spec: ModelRegistrySpec, readers: Sequence[Who], native: dict[str, pulumi.Resource]
) -> SharedRegistry:
    """Make the registry, and give the rights on it: Azure has none on a single model of it."""
    at = PlatformAddress.of(spec.platform)
    here = spec.platform.region or ""
    regions = [here, *sorted({live.normal(one) for one in spec.regions} - {here})]
    made = ml.Registry(
        scope.child("registry"),
        registry_name=registry_name(spec.platform, scope.name),
        resource_group_name=at.group,
        location=at.location,
        identity={"type": "SystemAssigned"},
        public_network_access="Enabled",
        region_details=[_kept(scope, one) for one in regions],
        tags=scope.tags,
        opts=scope.guarded(),
    )
    native["registry"] = made
    shared = SharedRegistry(name=registry_name(spec.platform, scope.name), id=made.id, regions=regions)
    for part, people, role in (("approve", spec.approvers, WRITER), ("consume", readers, "Reader")):
        native |= access.let(scope, part, spec.platform, people, [of_registry(role, shared)])
    return shared


def _kept(scope: Scope, region: str) -> Any:
    """Say how versions are kept in a region: in an account, and a registry of images, that Azure makes and runs."""
    account = {
        "storage_account_type": "Standard_ZRS" if scope.profile.protect else "Standard_LRS",
        "storage_account_hns_enabled": False,
        "allow_blob_public_access": False,
    }
    return {
        "location": region,
        "storage_account_details": [{"system_created_storage_account": account}],
        "acr_details": [{"system_created_acr_account": {"acr_account_sku": "Premium"}}],
    }


def container(
    scope: Scope, shared: SharedRegistry, called: str, properties: Any, opts: pulumi.ResourceOptions
) -> ml.RegistryModelContainer:
    """Make a model in a registry that workspaces share."""
    parts = Output.from_input(shared.id).apply(lambda id_: id_.split("/"))
    return ml.RegistryModelContainer(
        scope.child("container"),
        model_name=called,
        resource_group_name=parts.apply(lambda known: known[4]),
        registry_name=parts.apply(lambda known: known[-1]),
        properties=properties,
        opts=opts,
    )


def version_uri(shared: SharedRegistry, called: str, number: int) -> str:
    """Return how deployments of any workspace name a version."""
    return f"azureml://registries/{shared.name}/models/{called}/versions/{number}"


def registry_problems(spec: ModelRegistrySpec) -> Iterator[Problem]:
    """Judge a registry that platforms share."""
    if spec.regions and spec.platform.private:
        yield Problem(
            "regions",
            "make a registry on a public address, which workspaces of other networks reach, and the platform is "
            "private; leave regions out, or make the registry on a platform that is not",
        )


def version_problems(field: str, platform: PlatformRef, version: ModelVersionRef) -> Iterator[Problem]:
    """Judge whether a platform reaches a version of a registry that platforms share."""
    shared = None if version.waiting else ModelVersionAddress.of(version).shared
    if shared is None:
        return
    if platform.private:
        yield Problem(
            field,
            f"is kept in registry {shared.name!r}, which has a public address, and the platform is private; register "
            "the version on the platform itself",
        )
    if shared.regions and platform.region and live.normal(platform.region) not in shared.regions:
        yield Problem(
            field,
            f"is kept in {', '.join(shared.regions)}, and the platform is in {platform.region}; add that to the "
            "registry: ModelRegistry(regions=[…])",
        )
