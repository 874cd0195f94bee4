"""FeatureStore and FeatureGroup on AWS."""

import asyncio
import time
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi import Output, ResourceOptions

from pulumi_mlops.backends.aws import access, leftovers, live, names
from pulumi_mlops.backends.aws.addresses import FeatureGroupAddress, FeatureStoreAddress, PlatformAddress
from pulumi_mlops.backends.aws.asking import asking
from pulumi_mlops.backends.aws.limits import shape
from pulumi_mlops.backends.aws.rights import Catalogue
from pulumi_mlops.components.feature_group import FeatureGroupRef, FeatureGroupSpec
from pulumi_mlops.components.feature_store import FeatureStoreRef, FeatureStoreSpec
from pulumi_mlops.components.platform import PlatformRef
from pulumi_mlops.core import private
from pulumi_mlops.core.component import Scope
from pulumi_mlops.core.errors import MlopsError
from pulumi_mlops.core.inputs import is_deferred
from pulumi_mlops.core.naming import physical
from pulumi_mlops.core.workload import Place

TYPES = {"string": "String", "integer": "Integral", "float": "Fractional", "boolean": "Integral", "timestamp": "String"}
_ADD_SECONDS = 300


def database_name(platform: PlatformRef, store: str) -> str:
    """Name a store's catalogue; Glue takes lower case and underscores."""
    return physical(platform.name, platform.stage, store, separator="_", limit=255)


def feature_store(scope: Scope, spec: FeatureStoreSpec) -> FeatureStoreRef:
    """Make the catalogue and the identity that writes to it."""
    name = database_name(spec.platform, scope.name)
    database = aws.glue.CatalogDatabase(
        scope.child("catalog"),
        name=name,
        description=f"Features of {scope.project} ({scope.stage})",
        tags=scope.tags,
        opts=scope.opts,
    )
    named = names.as_made(scope, database.name, database.name, name, "name")
    prefix = Output.format("{0}features/{1}/", spec.platform.artifacts, scope.name)
    writer = access.identity(
        scope,
        names.in_account(scope, spec.platform.region, scope.name, "features"),
        spec.platform,
        "sagemaker.amazonaws.com",
        ("write", Place(prefix)),
        ("write", Catalogue(named, prefix)),
    )
    return FeatureStoreRef(
        name=scope.name,
        backend="aws",
        platform=spec.platform,
        address=FeatureStoreAddress(database=named, role=writer.arn, offline=prefix).plain(),
        native={"catalog": database, "role": writer.role},
    )


def group_name(platform: PlatformRef, name: str) -> str:
    """Name a group; the API takes letters, digits and hyphens."""
    return physical(platform.name, platform.stage, name, limit=64)


def table_name(group: str) -> str:
    """Name the table of a group."""
    return group.replace("-", "_")


def feature_group(scope: Scope, spec: FeatureGroupSpec) -> FeatureGroupRef:
    """Make the group; features added later are sent by the API, since the provider would replace the group."""
    platform, store = spec.store.platform, FeatureStoreAddress.of(spec.store)
    key = PlatformAddress.of(platform).key
    name = group_name(platform, scope.name)
    definitions: list[aws.sagemaker.FeatureGroupFeatureDefinitionArgsDict] = [
        {"feature_name": feature, "feature_type": TYPES[kind]} for feature, kind in spec.features.items()
    ]
    online: aws.sagemaker.FeatureGroupOnlineStoreConfigArgsDict | None = None
    if spec.online:
        online = {"enable_online_store": True, "security_config": {"kms_key_id": key}}
        if spec.online.ttl_hours:
            online["ttl_duration"] = {"unit": "Hours", "value": spec.online.ttl_hours}
    offline: aws.sagemaker.FeatureGroupOfflineStoreConfigArgsDict | None = None
    if spec.offline:
        offline = {
            "s3_storage_config": {"s3_uri": store.offline, "kms_key_id": key},
            "table_format": "Iceberg" if spec.offline.format == "iceberg" else "Glue",
            "data_catalog_config": {
                "catalog": "AwsDataCatalog",
                "database": store.database,
                "table_name": table_name(name),
            },
        }
        database = database_name(platform, spec.store.name) if is_deferred(store.database) else str(store.database)
        leftovers.drop_table(scope, platform, database, table_name(name), name)
    group = aws.sagemaker.FeatureGroup(
        scope.child("group"),
        feature_group_name=name,
        record_identifier_feature_name=spec.keys[0],
        event_time_feature_name=spec.event_time,
        feature_definitions=definitions,
        online_store_config=online,
        offline_store_config=offline,
        role_arn=store.role,
        description=spec.description,
        tags=scope.tags,
        opts=ResourceOptions.merge(scope.guarded(spec.protect), ResourceOptions(ignore_changes=["featureDefinitions"])),
    )
    # By the resource's own name: a transform may have given it another.
    known = Output.all(group.feature_group_name, group.arn)
    complete: Output[str] = known.apply(lambda known: _complete(scope, spec, known[0], known[1]))
    return FeatureGroupRef(
        name=scope.name,
        backend="aws",
        platform=platform,
        keys=spec.keys,
        event_time=spec.event_time,
        features=spec.features,
        has_online=spec.online is not None,
        has_offline=spec.offline is not None,
        address=FeatureGroupAddress(
            name=group.feature_group_name,
            arn=complete,
            database=store.database,
            offline=store.offline,
            table=group.offline_store_config.apply(_table) if spec.offline else None,
        ).plain(),
        native={"group": group},
    )


def _table(offline: Any) -> str:
    """Return the table of a group; a transform may have changed it."""
    catalog: Any = _member(offline, "data_catalog_config", "dataCatalogConfig")
    return str(_member(catalog, "table_name", "tableName"))


def _member(value: Any, name: str, other: str) -> Any:
    """Read a member of an output, which is a mapping where a program runs under mocks."""
    return (value.get(name) or value.get(other)) if isinstance(value, dict) else getattr(value, name)


async def _complete(scope: Scope, spec: FeatureGroupSpec, name: str, arn: str) -> str:
    """Add what the group lacks and give back its ARN, so that whoever uses the group finds all features."""
    if not pulumi.runtime.is_dry_run() and not private.mocked():
        added = await asyncio.to_thread(_add_missing, scope, spec, name)
        if added:
            pulumi.log.info(f"added in place: {', '.join(added)}", scope.component)
    return arn


def _add_missing(scope: Scope, spec: FeatureGroupSpec, name: str) -> list[str]:
    """Send the features that the group lacks and wait until it has them; blocks, and so runs beside the event loop."""
    platform = spec.store.platform
    found = live.feature_group(platform, name) or {"FeatureDefinitions": []}
    there = {definition["FeatureName"] for definition in found["FeatureDefinitions"]}
    missing = [
        {"FeatureName": feature, "FeatureType": TYPES[kind]}
        for feature, kind in spec.features.items()
        if feature not in there
    ]
    if not missing:
        return []
    most = shape("sagemaker", "FeatureAdditions")["max"]
    for start in range(0, len(missing), most):
        _add(scope, platform, name, missing[start : start + most])
    return [feature["FeatureName"] for feature in missing]


def _add(scope: Scope, platform: PlatformRef, name: str, missing: list[dict[str, str]]) -> None:
    """Send one batch, and wait: AWS takes one update of a group at a time."""
    with asking(f"new features of feature group {name!r}"):
        live.client(platform, "sagemaker").update_feature_group(FeatureGroupName=name, FeatureAdditions=missing)
    added = ", ".join(feature["FeatureName"] for feature in missing)
    deadline = time.monotonic() + _ADD_SECONDS
    while time.monotonic() < deadline:
        update = (live.feature_group(platform, name) or {}).get("LastUpdateStatus", {})
        if update.get("Status") == "Failed":
            raise MlopsError(
                f"FeatureGroup {scope.name!r}: AWS did not add {added}: "
                f"{update.get('FailureReason', 'no reason given')}"
            )
        if update.get("Status") != "InProgress":
            return
        time.sleep(0.5)
    raise MlopsError(
        f"FeatureGroup {scope.name!r}: AWS still adds {added} after {_ADD_SECONDS} s; run pulumi up again later"
    )
