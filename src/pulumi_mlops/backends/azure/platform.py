"""Platform on Azure: group, store, vault, registry, workspace, alerts, budget, secrets, in the order of making."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pulumi
from pulumi import Input, Output, ResourceOptions
from pulumi_azure_native import (
    authorization,
    consumption,
    machinelearningservices,
    monitor,
    operationalinsights,
    resources,
)

from pulumi_mlops.backends.azure import access, leftovers, live, names, network, parts, providers, workspace
from pulumi_mlops.backends.azure.addresses import PlatformAddress
from pulumi_mlops.backends.azure.parts import SHORTEST_LOGS, Place
from pulumi_mlops.backends.azure.rights import Right
from pulumi_mlops.backends.azure.secrets import secret
from pulumi_mlops.backends.azure.stores import datastore
from pulumi_mlops.components.platform import PlatformRef, PlatformSpec
from pulumi_mlops.core.component import Scope
from pulumi_mlops.core.principals import plain

_ALL = 100
"""Per cent of a budget: the whole of it."""


def platform(scope: Scope, spec: PlatformSpec) -> PlatformRef:
    """Build the hub."""
    native: dict[str, pulumi.Resource] = {}
    given = scope.component.get_provider(f"{providers.PACKAGE}:index:any")
    subscription = spec.account or providers.subscription_of(given) or ""
    theirs = workspace.taken_over(given, scope.project, spec, subscription)
    location = theirs.location if theirs else live.normal(spec.region or live.default_location(given) or "")
    if given is None and (spec.region or spec.account):
        scope = replace(scope, provider=providers.make(scope.child("azure"), location, spec.account, scope.opts))
    tenant = authorization.get_client_config_output(opts=scope.invoke).tenant_id
    place = _place(scope, spec, (subscription, tenant, location), theirs, native)
    alerts = spec.existing.alerts or _alerts(scope, spec, place, native)
    if spec.monthly_budget:
        native["budget"] = _budget(scope, spec, place, alerts)
    address = PlatformAddress(
        subscription=subscription,
        tenant=tenant,
        group=place.group,
        location=location,
        logs=place.logs,
        log_days=spec.log_days or max(scope.profile.log_days, SHORTEST_LOGS),
        alerts=alerts,
        **(workspace.stand_on(scope, spec, place, theirs, native) if theirs else _made(scope, spec, place, native)),
    )
    vault = (address.vault_group or place.group, address.vault)
    kept = {short: secret(scope, vault, f"secret-{short}", short, value).id for short, value in spec.secrets.items()}
    files = datastore(scope, address, "files", address.datastore, (address.storage, address.container))
    address = replace(address, workspace=access.after(address.workspace, [files]))
    images = Output.format("{0}/{1}", address.server, scope.physical())
    _consumers(scope, spec, address)
    return PlatformRef(
        name=scope.name,
        backend="azure",
        stage=spec.stage,
        profile=scope.profile.name,
        region=location,
        owner=spec.owner,
        tags=spec.tags,
        tag_prefix=spec.tag_prefix,
        artifacts=address.files,
        images={name: Output.format("{0}/{1}", images, name) for name in spec.images},
        secrets=kept,
        consumers=plain(spec.consumers),
        private=place.private,
        providers=tuple(found for found in [scope.provider or given] if found),
        native=native,
        address=address.plain(),
    )


def _made(scope: Scope, spec: PlatformSpec, place: Place, native: dict[str, pulumi.Resource]) -> dict[str, Any]:
    """Make the workspace, and what it stands on; return the address of these parts."""
    location, subscription = place.location, place.subscription
    identity = access.managed(scope, place.group, location, "workspace-identity", "workspace")
    keyed = parts.keyed(scope, spec.existing.key, subscription, identity)
    theirs = spec.existing.artifacts
    store = parts.existing_store(theirs) if theirs is not None else parts.store(scope, place, keyed, native)
    vault = parts.vault(scope, place, native)
    registry = parts.registry(scope, place, native)
    insights = parts.insights(scope, place, native)
    watched = {"vault": vault.id, "registry": registry.id, "files": parts.files_of(store.id)}
    net = _network(scope, spec, place, native)
    shut = {"blob": store.id, "vault": vault.id, "registry": registry.id}
    doors = network.doors(scope, net, place.group, location, shut) if net else []

    wanted = needed(store.id, vault.id, registry.id, insights)
    assigned = access.assign(scope, identity.principal_id, subscription, wanted, part="workspace")
    made = _workspace(
        scope,
        place,
        access.known_with(identity, assigned),
        {"storage": store.id, "vault": vault.id, "registry": registry.id, "insights": insights},
        native,
    )
    if net:
        doors += network.doors(scope, net, place.group, location, {"workspace": made.id})
    watched["workspace"] = made.id
    for what, id_ in watched.items():
        _watch(scope, what, id_, place.logs)
    return {
        "workspace": access.after(made.name, doors),
        "workspace_id": access.after(made.id, doors),
        "storage": store.name,
        "storage_id": store.id,
        "storage_group": store.id.apply(workspace.group_of) if theirs is not None else None,
        "container": store.container,
        "vault": vault.name,
        "vault_id": vault.id,
        "registry": registry.name,
        "registry_id": registry.id,
        "insights": insights,
        "principal": identity.principal_id,
        "tracking": made.ml_flow_tracking_uri,
        "network": net.id if net else None,
        "subnets": [net.subnet] if net else [],
    }


def _network(
    scope: Scope, spec: PlatformSpec, place: Place, native: dict[str, pulumi.Resource]
) -> network.Network | None:
    """Make the network of private endpoints, or take the user's."""
    if spec.network is None:
        return None
    if spec.network.private is not None:
        return network.private(scope, spec.network.private, place.group, place.location, native)
    assert spec.network.existing is not None  # noqa: S101 (Network holds exactly one of the two)
    asked = scope.component.get_provider(f"{providers.PACKAGE}:index:any")
    return network.theirs(scope, spec.network.existing, asked, (place.subscription, place.group))


def _place(
    scope: Scope,
    spec: PlatformSpec,
    whose: tuple[str, Output[str], str],
    theirs: workspace.Workspace | None,
    native: dict[str, pulumi.Resource],
) -> Place:
    """Make the group, and the place where everything in it tells what it does.

    :param whose: subscription, tenant, and region.
    """
    subscription, tenant, location = whose
    known = theirs.group if theirs else spec.existing.group
    name = known or names.group(scope.project, scope.stage, location)
    path = f"/subscriptions/{subscription}/resourceGroups/{name}"
    group_name, group_id = Output.from_input(name), Output.from_input(path)
    if known is None:
        group = resources.ResourceGroup(
            scope.child("group"), resource_group_name=name, location=location, tags=scope.tags, opts=scope.guarded()
        )
        native["group"] = group
        group_name, group_id = group.name, group.id
    at = leftovers.Where(subscription, scope.project, scope.stage, location, name)
    asked = scope.component.get_provider(f"{providers.PACKAGE}:index:any")
    life = "" if theirs else leftovers.life(asked, at)
    unpurged = theirs is None and (scope.profile.protect or leftovers.unpurged(asked, at, life))
    private = theirs.closed if theirs else spec.network is not None
    logs = operationalinsights.Workspace(
        scope.child("logs"),
        resource_group_name=group_name,
        workspace_name=names.inside(scope.project, scope.stage, "logs", limit=names.LOGS),
        location=location,
        sku={"name": "PerGB2018"},
        retention_in_days=spec.log_days or max(scope.profile.log_days, SHORTEST_LOGS),
        features={"disable_local_auth": True, "enable_log_access_using_only_resource_permissions": True},
        # Services deliver by Azure's own network; who queries is known to Entra ID.
        public_network_access_for_ingestion="Enabled",
        public_network_access_for_query="Enabled",
        tags=scope.tags,
        opts=scope.opts,
    )
    native["logs"] = logs
    called = names.inside(scope.project, scope.stage, life, limit=names.WORKSPACE)
    own = f"{path}/providers/Microsoft.MachineLearningServices/workspaces/{called}"
    live.declare(scope.name, scope.stage, theirs.id if theirs else own)
    return Place(subscription, tenant, location, group_name, group_id, logs.id, private, life, unpurged)


def needed(storage_id: Input[str], vault: Input[str], registry: Input[str], insights: Input[str]) -> list[Right]:
    """Return what the workspace's identity needs of the parts that the workspace is given.

    Contributor approves private endpoints as well, which the managed network makes to what is shut, and pushes images.
    https://learn.microsoft.com/azure/machine-learning/how-to-identity-based-service-authentication
    """
    return [
        # The workspace makes containers and shares of its own in the account, and reads its settings.
        Right("Contributor", storage_id, "artifacts"),
        Right("Storage Blob Data Contributor", storage_id, "artifacts"),
        Right("Storage File Data Privileged Contributor", storage_id, "artifacts"),
        Right("Key Vault Administrator", vault, "vault"),
        Right("Contributor", vault, "vault"),
        Right("Contributor", registry, "images"),
        Right("Contributor", insights, "insights"),
    ]


def _workspace(
    scope: Scope,
    place: Place,
    identity: access.Identity,
    on: Mapping[str, Input[str]],
    native: dict[str, pulumi.Resource],
) -> machinelearningservices.Workspace:
    """Make the workspace, when its identity has its rights."""
    acts_as: Any = {"type": "UserAssigned", "user_assigned_identities": [identity.id]}
    mode = "AllowOnlyApprovedOutbound" if place.private else "AllowInternetOutbound"
    made = machinelearningservices.Workspace(
        scope.child("workspace"),
        resource_group_name=place.group,
        workspace_name=names.inside(scope.project, scope.stage, place.life, limit=names.WORKSPACE),
        location=place.location,
        kind="Default",
        sku={"name": "Basic", "tier": machinelearningservices.SkuTier.BASIC},
        friendly_name=f"{scope.project} {scope.stage}",
        identity=acts_as,
        primary_user_assigned_identity=identity.id,
        storage_account=on["storage"],
        key_vault=on["vault"],
        container_registry=on["registry"],
        application_insights=on["insights"],
        system_datastores_auth_mode="Identity",
        public_network_access=place.public,
        managed_network={"isolation_mode": mode},
        # Serverless Spark does not wait for a network that the first machine would make.
        provision_network_now=True,
        v1_legacy_mode=False,
        hbi_workspace=False,
        tags=scope.tags,
        opts=scope.guarded(),
    )
    native["workspace"] = made
    return made


def _watch(scope: Scope, what: str, resource: Input[str], logs: Input[str]) -> None:
    """Have a service tell what it does, and who did what, where logs are kept."""
    group = "audit" if what in ("vault", "registry") else "allLogs"
    monitor.DiagnosticSetting(
        scope.child(f"logs-{what}"),
        name="platform",
        resource_uri=resource,
        workspace_id=logs,
        logs=[{"category_group": group, "enabled": True}],
        metrics=[{"category": "Transaction" if what == "files" else "AllMetrics", "enabled": True}],
        opts=scope.opts,
    )


def _alerts(scope: Scope, spec: PlatformSpec, place: Place, native: dict[str, pulumi.Resource]) -> Output[str]:
    """Make the group of whom alarms tell; each address is asked by mail once."""
    made = monitor.ActionGroup(
        scope.child("alerts"),
        resource_group_name=place.group,
        action_group_name=names.inside(scope.project, scope.stage, "alerts", limit=names.ALERTS),
        group_short_name=names.short(scope.project),
        location="Global",
        enabled=True,
        email_receivers=[
            {"name": address, "email_address": address, "use_common_alert_schema": True} for address in spec.alerts
        ],
        tags=scope.tags,
        opts=scope.opts,
    )
    native["alerts"] = made
    return made.id


def _budget(scope: Scope, spec: PlatformSpec, place: Place, alerts: Input[str]) -> consumption.Budget:
    """Make the budget of the group: what the platform pays for is in it, and carries its tags."""

    def notice(percent: int, kind: str) -> Any:
        return {
            "enabled": True,
            "operator": "GreaterThan",
            "threshold": percent,
            "threshold_type": kind,
            "contact_emails": list(spec.alerts),
            "contact_groups": [alerts],
        }

    notices = {f"Actual{percent}": notice(percent, "Actual") for percent in spec.budget_thresholds}
    if _ALL in spec.budget_thresholds:
        notices[f"Forecasted{_ALL}"] = notice(_ALL, "Forecasted")
    shared: Any = {"name": f"{spec.tag_prefix}project", "operator": "In", "values": [scope.project]}
    return consumption.Budget(
        scope.child("budget"),
        budget_name=names.inside(scope.project, scope.stage, limit=names.BUDGET),
        scope=place.group_id,
        amount=spec.monthly_budget or 0,
        category="Cost",
        time_grain="Monthly",
        # Azure takes a month that has begun, and keeps it: the next run's month changes nothing.
        time_period={"start_date": f"{dt.datetime.now(dt.UTC):%Y-%m}-01T00:00:00Z"},
        # In a group that others use as well, what counts is what has the platform's tag.
        filter={"tags": shared} if spec.existing.group or spec.existing.workspace else None,
        notifications=notices,
        opts=ResourceOptions.merge(scope.opts, ResourceOptions(ignore_changes=["timePeriod"])),
    )


def _consumers(scope: Scope, spec: PlatformSpec, address: PlatformAddress) -> None:
    """Let principals outside read what is shared: files of versions, images, and the workspace's list of models."""
    shared = [
        Right("Storage Blob Data Reader", address.container_id, "artifacts", ("models/*",)),
        Right("Reader", address.workspace_id, "workspace"),
    ]
    if address.registry_id is not None:
        shared.append(Right("AcrPull", address.registry_id, "images"))
    access.let_at(scope, "consumer", address.subscription, spec.consumers, shared)
