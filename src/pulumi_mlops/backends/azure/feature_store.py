"""FeatureStore and FeatureGroup on Azure: a feature-store workspace, entities, feature sets, their specifications.

https://learn.microsoft.com/azure/machine-learning/concept-what-is-managed-feature-store
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pulumi
from pulumi import Input, Output, ResourceOptions
from pulumi_azure_native import authorization, storage
from pulumi_azure_native import machinelearningservices as ml

from pulumi_mlops.backends.azure import access, live, names, providers
from pulumi_mlops.backends.azure.addresses import FeatureGroupAddress, FeatureStoreAddress, PlatformAddress
from pulumi_mlops.backends.azure.cron import ZONES, recurrence
from pulumi_mlops.backends.azure.parts import closed_account
from pulumi_mlops.backends.azure.rights import Right, write_place
from pulumi_mlops.backends.azure.stores import datastore
from pulumi_mlops.components.feature_group import FeatureGroupRef, FeatureGroupSpec
from pulumi_mlops.components.feature_store import FeatureStoreRef, FeatureStoreSpec
from pulumi_mlops.components.platform import PlatformRef
from pulumi_mlops.core.component import Scope
from pulumi_mlops.core.content import digest_of
from pulumi_mlops.core.inputs import is_deferred
from pulumi_mlops.core.naming import physical
from pulumi_mlops.core.workload import Place

TYPES = {"string": "String", "integer": "Long", "float": "Double", "boolean": "Boolean", "timestamp": "Datetime"}
FEATURES = "mlops-features"
"""The property of a version that says which columns it has, of which types: nothing in it can be changed."""
OFFLINE = "offlinestore"
SPECIFICATIONS = "specifications"
"""The folder of the artifact store with the specifications of feature sets, apart from their rows."""
_SPARK = "3.4"
_MACHINE = "Standard_E8s_v3"
"""On what rows are materialized: the smallest that serverless Spark has."""
_STAGES = {"dev": "Development", "staging": "Development", "prod": "Production"}


def workspace_name(platform: PlatformRef, store: str) -> str:
    """Name the workspace of a store, after the platform's own: a life after a deletion has other names."""
    own = live.workspace_path(platform)
    hub = own.rpartition("/")[2] if own else names.inside(platform.name, platform.stage, limit=names.WORKSPACE)
    return physical(hub, store, limit=names.WORKSPACE)


def feature_store(scope: Scope, spec: FeatureStoreSpec) -> FeatureStoreRef:
    """Make the offline store, the identity that materializes, the workspace, and what leads it to the offline store."""
    at = PlatformAddress.of(spec.platform)
    account, container = _offline(scope, spec.platform, at)
    made = access.managed(scope, at.group, at.location, "identity", scope.name, "features")
    needed = [
        # The parts that the workspace is given: it makes containers and shares of its own, and keeps secrets.
        Right("Contributor", at.storage_id, "storage"),
        Right("Storage Blob Data Contributor", at.storage_id, "storage"),
        Right("Storage File Data Privileged Contributor", at.storage_id, "storage"),
        Right("Contributor", at.vault_id, "vault"),
        Right("Key Vault Administrator", at.vault_id, "vault"),
        *([] if at.insights is None else [Right("Contributor", at.insights, "insights")]),
        # The rows that it materializes.
        Right("Storage Blob Data Contributor", container.id, OFFLINE),
    ]
    who = access.known_with(made, access.assign(scope, made.principal_id, at.subscription, needed, part="features"))
    connection = f"OfflineStoreConnectionName-{digest_of([spec.platform.name, spec.platform.stage, scope.name])}"
    workspace = _workspace(scope, spec.platform, who.id, connection)
    # To run the jobs that materialize, in this workspace.
    works = access.assign(
        scope,
        made.principal_id,
        at.subscription,
        [Right("AzureML Data Scientist", workspace.id, "workspace")],
        part="features",
    )
    leads = ml.WorkspaceConnection(
        scope.child("offline-connection"),
        connection_name=connection,
        resource_group_name=at.group,
        workspace_name=workspace.name,
        properties=ml.ManagedIdentityAuthTypeWorkspaceConnectionPropertiesArgs(
            auth_type="ManagedIdentity",
            category="ADLSGen2",
            target=container.id,
            credentials=ml.WorkspaceConnectionManagedIdentityArgs(client_id=made.client_id, resource_id=made.id),
            is_shared_to_all=False,
        ),
        opts=scope.opts,
    )
    here = replace(at, workspace=workspace.name, service_identity=PlatformAddress.service_identity)
    files = datastore(scope, here, "files", at.datastore, (at.storage, at.container))
    return FeatureStoreRef(
        name=scope.name,
        backend="azure",
        platform=spec.platform,
        address=FeatureStoreAddress(
            id=workspace.id,
            workspace=access.after(workspace.name, [*works, leads, files, *_uploads(scope, spec.platform)]),
            rows=Output.format("{0}features/{1}/", spec.platform.artifacts, scope.name),
            cron=spec.materialize.cron if spec.materialize else None,
            timezone=spec.materialize.timezone if spec.materialize else "UTC",
        ).plain(),
        native={"workspace": workspace, "offline": account, "identity": made},
    )


def _uploads(scope: Scope, platform: PlatformRef) -> list[authorization.RoleAssignment]:
    """Let whoever deploys upload specifications: who owns a storage account may not write into it by that alone."""
    at = PlatformAddress.of(platform)
    deployer = providers.caller_of(live.provider_of(platform))
    if deployer is None:
        return []
    place = Place(Output.format("{0}{1}/{2}/", platform.artifacts, SPECIFICATIONS, scope.name))
    return access.assign(scope, deployer, at.subscription, write_place(place, platform), part="deployer", kind=None)


def _offline(
    scope: Scope, platform: PlatformRef, at: PlatformAddress
) -> tuple[storage.StorageAccount, storage.BlobContainer]:
    """Make the account of what is materialized: with folders, which the platform's own account has not."""
    known = "" if is_deferred(at.subscription) else str(at.subscription)
    called = names.everywhere(
        known, f"{scope.project}-{scope.name}", scope.stage, platform.region or "", limit=names.STORAGE
    )
    account = storage.StorageAccount(
        scope.child("offline"),
        resource_group_name=at.group,
        account_name=called,
        location=at.location,
        is_hns_enabled=True,
        **closed_account(scope, closed=platform.private),
        tags=scope.tags,
    )
    container = storage.BlobContainer(
        scope.child("offline-container"),
        resource_group_name=at.group,
        account_name=account.name,
        container_name=OFFLINE,
        public_access=storage.PublicAccess.NONE,
        opts=scope.guarded(),
    )
    return account, container


def _workspace(scope: Scope, platform: PlatformRef, identity: Input[str], connection: str) -> ml.Workspace:
    at = PlatformAddress.of(platform)
    return ml.Workspace(
        scope.child("workspace"),
        resource_group_name=at.group,
        workspace_name=workspace_name(platform, scope.name),
        location=at.location,
        kind="FeatureStore",
        sku={"name": "Basic", "tier": ml.SkuTier.BASIC},
        friendly_name=f"{scope.project} {scope.stage} {scope.name}",
        identity={"type": "UserAssigned", "user_assigned_identities": [identity]},
        primary_user_assigned_identity=identity,
        storage_account=at.storage_id,
        key_vault=at.vault_id,
        application_insights=at.insights,
        feature_store_settings={
            "compute_runtime": {"spark_runtime_version": _SPARK},
            "offline_store_connection_name": connection,
        },
        system_datastores_auth_mode="Identity",
        public_network_access="Disabled" if platform.private else "Enabled",
        managed_network={
            "isolation_mode": "AllowOnlyApprovedOutbound" if platform.private else "AllowInternetOutbound"
        },
        provision_network_now=True,
        v1_legacy_mode=False,
        hbi_workspace=False,
        tags=scope.tags,
        opts=scope.guarded(),
    )


def feature_group(scope: Scope, spec: FeatureGroupSpec) -> FeatureGroupRef:
    """Make the entity of the keys, upload the specification, and make the version of the feature set that it tells of.

    A version never changes: one more feature is another version, and those before it stay.
    """
    platform, store = spec.store.platform, FeatureStoreAddress.of(spec.store)
    at = PlatformAddress.of(platform)
    rows = Output.format("{0}{1}/", store.rows, scope.name)
    common: dict[str, Any] = {"resource_group_name": at.group, "workspace_name": store.workspace}
    entity = ml.FeaturestoreEntityContainerEntity(
        scope.child("entity"),
        name=scope.name,
        properties={"description": f"Keys of {scope.name}", "tags": scope.tags, "is_archived": False},
        opts=scope.opts,
        **common,
    )
    keys = ml.FeaturestoreEntityVersion(
        scope.child("entity-1"),
        name=entity.name,
        version="1",
        properties={
            "index_columns": [{"column_name": key, "data_type": TYPES[spec.features[key]]} for key in spec.keys],
            "stage": _STAGES[scope.profile.name],
            "tags": scope.tags,
            "is_archived": False,
            "is_anonymous": False,
        },
        opts=scope.opts,
        **common,
    )
    group = ml.FeaturesetContainerEntity(
        scope.child("group"),
        name=scope.name,
        properties={"description": spec.description, "tags": scope.tags, "is_archived": False},
        opts=scope.guarded(spec.protect),
        **common,
    )
    version, place = _specified(scope, spec, at, rows)
    kept = ResourceOptions.merge(scope.opts, ResourceOptions(retain_on_delete=True, deleted_with=group))
    properties: Any = {
        "description": spec.description,
        # By the entity's id: a version is no output of it, and not known in a preview.
        "entities": [keys.id.apply(lambda _: f"azureml:{scope.name}:1")],
        "specification": {"path": place},
        "properties": {FEATURES: json.dumps(spec.features, sort_keys=True)},
        "materialization_settings": _materialized(store),
        "stage": _STAGES[scope.profile.name],
        "tags": scope.tags,
        "is_archived": False,
        "is_anonymous": False,
    }
    made = ml.FeaturesetVersion(
        scope.child(f"group-{version}"),
        name=group.name,
        version=version,
        properties=properties,
        opts=kept,
        **common,
    )
    return FeatureGroupRef(
        name=scope.name,
        backend="azure",
        platform=platform,
        keys=spec.keys,
        event_time=spec.event_time,
        features=spec.features,
        has_online=False,
        has_offline=True,
        address=FeatureGroupAddress(id=made.id, called=scope.name, rows=rows).plain(),
        native={"group": group, "version": made, "entity": entity},
    )


def _specified(scope: Scope, spec: FeatureGroupSpec, at: PlatformAddress, rows: Output[str]) -> tuple[str, Output[str]]:
    """Upload the specification below a path that is named after it; return the version of it, and its folder."""
    version = digest_of([spec.features, spec.keys, spec.event_time])
    path = f"{SPECIFICATIONS}/{spec.store.name}/{scope.name}/{version}"
    blob = storage.Blob(
        scope.child(f"specification-{version}"),
        resource_group_name=at.storage_group or at.group,
        account_name=at.storage,
        container_name=at.container,
        # Known when the workspace is there, and with it the right to upload.
        blob_name=Output.from_input(FeatureStoreAddress.of(spec.store).workspace).apply(
            lambda _: f"{path}/FeatureSetSpec.yaml"
        ),
        type=storage.BlobType.BLOCK,
        content_type="application/yaml",
        source=rows.apply(lambda address: pulumi.StringAsset(specification(spec, address))),
        # The version that it tells of stays when the next one is made.
        opts=ResourceOptions.merge(scope.opts, ResourceOptions(retain_on_delete=True)),
    )
    folder = Output.format(
        "azureml://subscriptions/{0}/resourcegroups/{1}/workspaces/{2}/datastores/{3}/paths/{4}",
        at.subscription,
        at.group,
        FeatureStoreAddress.of(spec.store).workspace,
        at.datastore,
        path,
    )
    # Nobody reads it before it is there.
    return version, Output.all(folder, blob.id).apply(lambda known: str(known[0]))


def specification(spec: FeatureGroupSpec, rows: str) -> str:
    """Write what the columns are, and where the rows are that have them.

    https://learn.microsoft.com/azure/machine-learning/feature-set-specification-transformation-concepts
    """
    account, _, rest = rows.removeprefix("https://").partition(".blob.")
    cloud, _, path = rest.partition("/")
    container, _, folder = path.partition("/")
    given = [name for name in spec.features if name not in (*spec.keys, spec.event_time)]
    lines = [
        "$schema: http://azureml/sdk-2-0/FeatureSetSpec.json",
        "source:",
        "  type: parquet",
        f"  path: wasbs://{container}@{account}.blob.{cloud}/{folder}",
        "  timestamp_column:",
        f"    name: {spec.event_time}",
        "features:",
        *(f"  - name: {name}\n    type: {TYPES[spec.features[name]].lower()}" for name in given),
        "index_columns:",
        *(f"  - name: {key}\n    type: {TYPES[spec.features[key]].lower()}" for key in spec.keys),
    ]
    return "\n".join(lines) + "\n"


def _materialized(store: FeatureStoreAddress) -> Mapping[str, Any]:
    """Say when rows are brought into the offline store; without a schedule, never."""
    if store.cron is None:
        return {"store_type": "None"}
    often = recurrence(store.cron)
    if often is None:
        raise LookupError(f"{store.cron} has no recurrence, which the checks should have refused")
    return {
        "store_type": "Offline",
        "resource": {"instance_type": _MACHINE},
        "spark_configuration": {"spark.executor.instances": "2"},
        "schedule": {"trigger_type": "Recurrence", **often, "time_zone": ZONES[store.timezone]},
    }
