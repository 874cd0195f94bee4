"""Dataset on Azure: a storage account of its own with its lifecycle, and a data asset of the workspace.

An account has one management policy, which its owner writes as a whole: so a dataset has an account of its own, and the
artifact store's stays the platform's.
https://learn.microsoft.com/azure/storage/blobs/lifecycle-management-overview
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pulumi
from pulumi import Output
from pulumi_azure_native import machinelearningservices as ml

from pulumi_mlops.backends.azure import access, live, names, network, parts
from pulumi_mlops.backends.azure.addresses import DatasetAddress, PlatformAddress
from pulumi_mlops.backends.azure.rights import Right
from pulumi_mlops.backends.azure.stores import datastore
from pulumi_mlops.components.dataset import PARTITION, DatasetSpec, fixed_problems, kind_of_files
from pulumi_mlops.components.dataset_ref import DatasetRef
from pulumi_mlops.components.platform import PlatformRef
from pulumi_mlops.core.component import Scope
from pulumi_mlops.core.errors import Problem
from pulumi_mlops.core.inputs import is_deferred
from pulumi_mlops.core.naming import physical

FACTS = "mlops-dataset"
"""Tag of a data asset that says what its files are: that cannot be changed under them."""
CONTAINER = "files"
ASSET = 255
"""Characters of a data asset's name."""


def asset_name(platform: PlatformRef, name: str) -> str:
    """Name the data asset; in a workspace of somebody else's it begins as all of the platform's do."""
    return physical(PlatformAddress.of(platform).within, name, limit=ASSET)


def dataset(scope: Scope, spec: DatasetSpec) -> DatasetRef:
    """Make the account, the ways to it, and what names it in the workspace."""
    platform, at = spec.platform, PlatformAddress.of(spec.platform)
    known = "" if is_deferred(at.subscription) else str(at.subscription)
    where = (known, f"{scope.project}-{scope.name}-dataset", scope.stage, platform.region or "")
    account, container = parts.versioned(
        scope,
        "account",
        (at.group, at.location, names.everywhere(*where, limit=names.STORAGE)),
        CONTAINER,
        list(_lifecycle(scope, spec)),
        closed=platform.private,
        protect=spec.protect,
        **parts.AZURES_KEY,
    )
    reached = _reached(scope, platform, account.id) if platform.private else []
    called = asset_name(platform, scope.name)
    store = datastore(
        scope, at, "datastore", f"dataset_{called}".replace("-", "_")[:ASSET], (account.name, container.name)
    )
    asset = ml.DataContainer(
        scope.child("asset"),
        name=called,
        resource_group_name=at.group,
        workspace_name=at.workspace,
        properties={
            "data_type": "uri_folder",
            "description": spec.description,
            "tags": {**scope.tags, FACTS: kind_of_files(spec.format, spec.partition)},
            "properties": _told(spec),
            "is_archived": False,
        },
        opts=scope.guarded(spec.protect),
    )
    location = Output.format("https://{0}.blob.core.windows.net/{1}/", account.name, container.name)
    return DatasetRef(
        name=scope.name,
        backend="azure",
        platform=platform,
        location=access.after(location, reached),
        format=spec.format,
        partition=spec.partition,
        columns=spec.columns,
        retention_days=spec.retention_days,
        parents=spec.parents,
        address=DatasetAddress(container=container.id, asset=asset.id).plain(),
        native={"account": account, "container": container, "datastore": store, "asset": asset},
    )


def _told(spec: DatasetSpec) -> dict[str, str]:
    """Write down what a data asset has no words of its own for."""
    facts = {"mlops-columns": dict(spec.columns), "mlops-parents": [parent.name for parent in spec.parents]}
    return {name: json.dumps(value) for name, value in facts.items() if value}


def _lifecycle(scope: Scope, spec: DatasetSpec) -> Iterator[Mapping[str, Any]]:
    """Write what becomes of old files: of partitions by the time of their last change, of others when replaced."""
    days = spec.retention_days
    if days is None or spec.partition is None:
        yield parts.superseded(scope.profile.version_days if days is None else days)
        return
    yield parts.superseded(scope.profile.version_days)
    old = {"base_blob": {"delete": {"days_after_modification_greater_than": days}}}
    yield parts.rule("partitions", old, f"{CONTAINER}/{PARTITION}=")


def _reached(scope: Scope, platform: PlatformRef, account: Output[str]) -> list[pulumi.CustomResource]:
    """Open the ways to an account without a public address: of the platform's network, and of the managed one.

    https://learn.microsoft.com/azure/machine-learning/how-to-managed-network#add-outbound-rules
    """
    at = PlatformAddress.of(platform)
    net = network.of_platform(scope, platform, "blob")
    assert net is not None  # noqa: S101 (judged before)
    made = network.doors(scope, net, at.group, at.location, {"blob": account}, of=f"{scope.name}-dataset")
    # The workspace's identity takes the endpoint that the managed network asks for.
    approves = access.assign(
        scope, at.principal, at.subscription, [Right("Contributor", account, "account")], part="workspace"
    )
    rule = ml.ManagedNetworkSettingsRule(
        scope.child("managed-network"),
        resource_group_name=at.group,
        workspace_name=at.workspace,
        rule_name=physical("dataset", scope.name, limit=ASSET),
        properties=ml.PrivateEndpointOutboundRuleArgs(
            type="PrivateEndpoint",
            category=ml.RuleCategory.USER_DEFINED,
            destination=ml.PrivateEndpointDestinationArgs(
                service_resource_id=account, subresource_target="blob", spark_enabled=True
            ),
        ),
        opts=pulumi.ResourceOptions.merge(scope.opts, pulumi.ResourceOptions(depends_on=approves)),
    )
    return [*made, rule]


def dataset_problems(name: str, spec: DatasetSpec) -> Iterator[Problem]:
    """Refuse another format or another partition of files that are there, and a network that nobody can extend."""
    platform = spec.platform
    if platform.private and PlatformAddress.of(platform).network is None:
        yield Problem(
            "platform",
            "stands on a workspace without a public address that existed already, whose network is its owner's: "
            "nothing would reach the files; write Dataset.existing(…) of a folder that it reaches",
        )
    called = asset_name(platform, name)
    there = live.of_workspace(platform, f"data asset {called!r}", f"data/{called}")
    if there is not None:
        yield from fixed_problems(spec, ((there.get("properties") or {}).get("tags") or {}).get(FACTS))
