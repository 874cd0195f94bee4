"""Feature groups: CreateFeatureGroup, UpdateFeatureGroup, DeleteFeatureGroup.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateFeatureGroup.html
"""

import copy
from collections.abc import Callable
from typing import Any

from pulumi_mlops_sandbox.aws import accounts
from pulumi_mlops_sandbox.aws.accounts import ACCOUNT
from pulumi_mlops_sandbox.aws.call import Account, Call
from pulumi_mlops_sandbox.aws.errors import AwsError, invalid
from pulumi_mlops_sandbox.aws.hooks import own
from pulumi_mlops_sandbox.aws.sagemaker import references
from pulumi_mlops_sandbox.aws.sagemaker.kinds import FEATURE_GROUP
from pulumi_mlops_sandbox.aws.steps import later, step
from pulumi_mlops_sandbox.aws.store import DELETED, Record, now

RESERVED = {"is_deleted", "write_time", "api_invocation_time"}
EVENT_TIME_TYPES = ("String", "Fractional")
IDENTIFIER_TYPES = ("String", "Integral")
MAX_FEATURES = 2500


@own("sagemaker", "CreateFeatureGroup")
def create(call: Call) -> dict[str, Any]:
    """Keep a new group after judging its features and its stores."""
    params = call.params
    definitions = params["FeatureDefinitions"]
    _check_features(definitions)
    types = {feature["FeatureName"]: feature for feature in definitions}
    _check_special(types, params["RecordIdentifierFeatureName"], "RecordIdentifierFeatureName", IDENTIFIER_TYPES)
    _check_special(types, params["EventTimeFeatureName"], "EventTimeFeatureName", EVENT_TIME_TYPES)
    online, offline = params.get("OnlineStoreConfig"), params.get("OfflineStoreConfig")
    if not (online and online.get("EnableOnlineStore")) and offline is None:
        raise invalid("Invalid FeatureGroup request: at least one of OnlineStore and OfflineStore must be enabled")
    _check_throughput(params.get("ThroughputConfig"))
    _check_collections(definitions, (online or {}).get("StorageType", "Standard"))
    if offline is not None:
        if params.get("RoleArn") is None:
            raise invalid("RoleArn is required when the OfflineStore is enabled")
        references.require_bucket(offline["S3StorageConfig"]["S3Uri"])
        references.require_key(call, offline["S3StorageConfig"].get("KmsKeyId"))
    references.require_role(params.get("RoleArn"))
    references.require_key(call, ((online or {}).get("SecurityConfig") or {}).get("KmsKeyId"))
    record = call.plane.store.create(FEATURE_GROUP, call.region, call.params, FeatureGroupStatus="Creating")
    if offline is not None:
        _complete_offline(call, record)
    if online is not None:
        record["OnlineStoreConfig"].setdefault("StorageType", "Standard")
    record.setdefault("ThroughputConfig", {"ThroughputMode": "OnDemand"})
    later(call.plane, record, "created")
    return {"FeatureGroupArn": record["FeatureGroupArn"]}


@step("FeatureGroup", "created")
def created(plane: Account, region: str, record: Record) -> None:
    """Finish a creation: with the table of the offline store, or failed where that table is there already."""
    why = plane.faults.ending("sagemaker", "FeatureGroupCreation") or _make_table(region, record)
    if why is not None:
        record |= {"FeatureGroupStatus": "CreateFailed", "FailureReason": why}
        return
    record["FeatureGroupStatus"] = "Created"
    if "OfflineStoreConfig" in record:
        record["OfflineStoreStatus"] = {"Status": "Active"}
        record["OfflineStoreStatusValue"] = "Active"


@own("sagemaker", "UpdateFeatureGroup")
def update(call: Call) -> dict[str, Any]:
    """Change a group in place: one kind of change a call, and never a removal."""
    params = call.params
    record = call.plane.store.get(FEATURE_GROUP, call.region, params["FeatureGroupName"])
    changes = [name for name in _CHANGES if params.get(name) is not None]
    if len(changes) != 1:
        raise invalid(f"Exactly one of {', '.join(_CHANGES)} must be given in one UpdateFeatureGroup request")
    if record["FeatureGroupStatus"] != "Created" or record.get("LastUpdateStatus", {}).get("Status") == "InProgress":
        raise AwsError(
            "ResourceInUse", f"FeatureGroup {params['FeatureGroupName']} is being created, updated or deleted"
        )
    _CHANGES[changes[0]](record, copy.deepcopy(params[changes[0]]))
    record["LastModifiedTime"] = now()
    record["LastUpdateStatus"] = {"Status": "InProgress"}
    later(call.plane, record, "updated")
    return {"FeatureGroupArn": record["FeatureGroupArn"]}


@step("FeatureGroup", "updated")
def updated(_plane: Account, _region: str, record: Record) -> None:
    """Finish an update."""
    record["LastUpdateStatus"] = {"Status": "Successful"}


@own("sagemaker", "DeleteFeatureGroup")
def delete(call: Call) -> dict[str, Any]:
    """Delete a group; what it wrote to S3 and to Glue stays."""
    record = call.plane.store.get(FEATURE_GROUP, call.region, call.params["FeatureGroupName"])
    if record["FeatureGroupStatus"] == "Creating":
        raise AwsError("ResourceInUse", f"FeatureGroup {record['FeatureGroupName']} is being created")
    if record["FeatureGroupStatus"] != "Deleting":
        record["FeatureGroupStatus"] = "Deleting"
        call.plane.store.extra.get("features", {}).pop(record["FeatureGroupArn"], None)
        later(call.plane, record, DELETED)
    return {}


def _check_features(definitions: list[dict[str, Any]]) -> None:
    names = [feature["FeatureName"] for feature in definitions]
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise invalid(f"Invalid FeatureDefinitions: duplicate feature names {doubled}")
    reserved = sorted(RESERVED & set(names))
    if reserved:
        raise invalid(f"Invalid FeatureDefinitions: feature names {reserved} are reserved")
    for feature in definitions:
        if "FeatureType" not in feature:
            raise invalid(f"Invalid FeatureDefinitions: FeatureType of {feature['FeatureName']} is missing")
        vector = (feature.get("CollectionConfig") or {}).get("VectorConfig")
        if feature.get("CollectionType") == "Vector" and vector is None:
            raise invalid(f"CollectionConfig.VectorConfig is required for the Vector feature {feature['FeatureName']}")
        if vector is not None and feature.get("CollectionType") != "Vector":
            raise invalid(
                f"CollectionConfig.VectorConfig belongs to Vector features only, not to {feature['FeatureName']}"
            )
        if feature.get("CollectionType") == "Vector" and feature["FeatureType"] != "Fractional":
            raise invalid(f"The Vector feature {feature['FeatureName']} must be of type Fractional")


def _check_special(types: dict[str, Any], name: str, member: str, allowed: tuple[str, ...]) -> None:
    feature = types.get(name)
    if feature is None:
        raise invalid(f"Invalid FeatureGroup request: {member} '{name}' is not among the FeatureDefinitions")
    if feature.get("CollectionType") or feature["FeatureType"] not in allowed:
        raise invalid(f"Invalid FeatureGroup request: {member} '{name}' must be of type {' or '.join(allowed)}")


def _check_collections(definitions: list[dict[str, Any]], storage: str) -> None:
    collection = next((feature["FeatureName"] for feature in definitions if feature.get("CollectionType")), None)
    if collection is not None and storage != "InMemory":
        raise invalid(
            f"Collection types need the InMemory online store; {collection} is a collection, the store {storage}"
        )


def _check_throughput(config: dict[str, Any] | None) -> None:
    if config is None:
        return
    units = [config.get("ProvisionedReadCapacityUnits"), config.get("ProvisionedWriteCapacityUnits")]
    provisioned = config["ThroughputMode"] == "Provisioned"
    if provisioned and None in units:
        raise invalid("ProvisionedReadCapacityUnits and ProvisionedWriteCapacityUnits are required in Provisioned mode")
    if not provisioned and units != [None, None]:
        raise invalid("Capacity units may be given in Provisioned mode only")


def _complete_offline(call: Call, record: Record) -> None:
    """Fill in what AWS chooses: the catalogue's names and the resolved address."""
    offline, name = record["OfflineStoreConfig"], record["FeatureGroupName"]
    created = int(record["CreationTime"].timestamp())
    offline.setdefault("DisableGlueTableCreation", False)
    if not offline["DisableGlueTableCreation"] and "DataCatalogConfig" not in offline:
        offline["DataCatalogConfig"] = {
            "TableName": f"{name.replace('-', '_').lower()}_{created}",
            "Catalog": "AwsDataCatalog",
            "Database": "sagemaker_featurestore",
        }
    storage = offline["S3StorageConfig"]
    prefix = storage["S3Uri"].rstrip("/")
    storage["ResolvedOutputS3Uri"] = f"{prefix}/{ACCOUNT}/sagemaker/{call.region}/offline-store/{name}-{created}/data"


_GLUE = {"Integral": "bigint", "Fractional": "double", "String": "string"}


def _make_table(region: str, record: Record) -> str | None:
    """Make the table of the offline store, which outlives the group; return why that fails."""
    offline: dict[str, Any] | None = record.get("OfflineStoreConfig")
    if offline is None or offline["DisableGlueTableCreation"]:
        return None
    catalog = offline["DataCatalogConfig"]
    glue = accounts.backend("glue", region)
    database, table = catalog["Database"], catalog["TableName"]
    if database not in glue.databases:
        glue.create_database(database, {"Name": database})
    if table in glue.databases[database].tables:
        return f"Table {table} of database {database} exists already"
    columns = [
        {"Name": feature["FeatureName"].lower(), "Type": _GLUE.get(feature["FeatureType"], "string")}
        for feature in record["FeatureDefinitions"]
    ]
    location = offline["S3StorageConfig"]["ResolvedOutputS3Uri"]
    glue.create_table(database, table, {"Name": table, "StorageDescriptor": {"Columns": columns, "Location": location}})
    return None


def _add(record: Record, additions: list[dict[str, Any]]) -> None:
    merged = [*record["FeatureDefinitions"], *additions]
    if len(merged) > MAX_FEATURES:
        raise AwsError("ResourceLimitExceeded", f"A FeatureGroup holds at most {MAX_FEATURES} features")
    _check_features(merged)
    _check_collections(additions, record.get("OnlineStoreConfig", {}).get("StorageType", "Standard"))
    record["FeatureDefinitions"] = merged


def _online(record: Record, config: dict[str, Any]) -> None:
    if not record.get("OnlineStoreConfig", {}).get("EnableOnlineStore"):
        raise invalid("OnlineStoreConfig cannot be updated: the FeatureGroup has no online store")
    current = record["OnlineStoreConfig"].get("StorageType", "Standard")
    wanted = config.get("StorageType", current)
    if wanted != current and {wanted, current} != {"Standard", "Standard_V2"}:
        raise invalid(f"StorageType cannot be changed from {current} to {wanted}")
    record["OnlineStoreConfig"] |= config
    if not (config.get("TtlDuration", True) or {}):  # given without a value: records live for ever again
        record["OnlineStoreConfig"].pop("TtlDuration", None)


def _throughput(record: Record, config: dict[str, Any]) -> None:
    _check_throughput({"ThroughputMode": record["ThroughputConfig"]["ThroughputMode"]} | config)
    record["ThroughputConfig"] = config


_CHANGES: dict[str, Callable[[Record, Any], None]] = {
    "FeatureAdditions": _add,
    "OnlineStoreConfig": _online,
    "ThroughputConfig": _throughput,
}
