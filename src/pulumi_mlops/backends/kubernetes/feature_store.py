"""FeatureStore and FeatureGroup on Kubernetes: Feast, with its registry in Postgres and Valkey as the online store."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pulumi_kubernetes as k8s
from pulumi import Output, ResourceOptions

from pulumi_mlops.backends.kubernetes import access, database, feast, live, trust
from pulumi_mlops.backends.kubernetes.addresses import (
    Door,
    FeatureGroupAddress,
    FeatureStoreAddress,
    PlatformAddress,
    is_managed,
)
from pulumi_mlops.backends.kubernetes.cron import kubernetes_cron
from pulumi_mlops.backends.kubernetes.objects import (
    App,
    after,
    disruption_budget,
    once,
    resources,
    secret_variable,
)
from pulumi_mlops.backends.kubernetes.valkey import valkey
from pulumi_mlops.components.feature_group import FeatureGroupRef, FeatureGroupSpec
from pulumi_mlops.components.feature_store import FeatureStoreRef, FeatureStoreSpec
from pulumi_mlops.core.component import Scope
from pulumi_mlops.core.content import content_name
from pulumi_mlops.core.errors import Problem

STORE_LABEL = "pulumi-mlops/feature-store"
"""The label of every pod that works on a store: it may reach the registry, the online store and the object store."""
_DEFINITION = "features"
"""The last part of the name of a group's ConfigMap."""
_KEY_TYPES = ("string", "integer")
_REPLICAS = {"dev": 1, "staging": 1, "prod": 2}
_LATE_SECONDS, _LONGEST_SECONDS, _TRIES = 600, 6 * 3600, 3
_APPLY_SECONDS = 900


def feature_store(scope: Scope, spec: FeatureStoreSpec) -> FeatureStoreRef:
    """Make registry and online store, then the server, and the job that brings offline rows online."""
    platform = spec.platform
    app = access.app_of(scope, platform, "feast")
    account = access.identity(app, "feast")
    postgres = database.postgres(app, platform, "feast")
    online = valkey(app, "online", account.metadata.name)
    files = feast.repository(feast.project_name(platform, scope.name), f"{online.host}:{online.port}")
    config = k8s.core.v1.ConfigMap(
        scope.child("repository"), metadata=app.metadata(app.name("feast")), data=files, opts=scope.opts
    )
    writer = PlatformAddress.of(platform).store.writer
    variables = [
        *feast.environment(platform),
        *trust.replaced(platform),
        *postgres.variables,
        secret_variable("ONLINE_STORE_PASSWORD", online.secret, "password"),
        *(secret_variable(name, writer, name) for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")),
    ]
    mark = content_name("repository", [feast.IMAGE, files, variables])
    member = {STORE_LABEL: scope.name}
    doors = [postgres.door, online.door, access.store_door(platform)]
    opened = access.call(app, "feast", member, doors)
    waits = after(scope.opts, *postgres.needs, online.server, *opened)
    pods: dict[str, Any] = {
        "volumes": [feast.volume(config.metadata.name), *trust.volumes(platform)],
        "account": account.metadata.name,
        "labels": member,
        # Feast reads files and logins once: others are another pod.
        "annotations": {"repository": mark, "online": online.mark, **PlatformAddress.of(platform).logins},
    }
    server = _server(app, variables, trust.mounts(platform), pods, waits)
    if spec.materialize:
        _materialize(app, spec, variables, pods, waits)
    native = {"server": server, "online": online.server, "repository": config}
    native |= {"registry": postgres.cluster} if postgres.cluster else {}
    door = Door(scope.name, feast.PORT, app.selector)
    # Groups take the name from here: known when the server is up, and with it the registry's tables.
    ready = Output.all(config.metadata.name, server.id).apply(lambda known: str(known[0]))
    return FeatureStoreRef(
        name=scope.name,
        backend="kubernetes",
        platform=platform,
        address=FeatureStoreAddress(
            door=door,
            url=f"http://{app.host(app.name('feast'))}:{feast.PORT}",
            project=feast.project_name(platform, scope.name),
            repository=ready,
            mark=mark,
            account=account.metadata.name,
            variables=variables,
        ).plain(),
        native=native,
    )


def _server(
    app: App, variables: list[Any], mounts: list[Any], pods: dict[str, Any], waits: ResourceOptions
) -> k8s.apps.v1.Deployment:
    """Serve features by HTTP (https://docs.feast.dev/reference/feature-servers/python-feature-server)."""
    scope, name, replicas = app.scope, app.name("feast"), _REPLICAS[app.scope.profile.name]
    healthy = {"http_get": {"path": "/health", "port": "http"}, "timeout_seconds": 5}
    container = feast.container(
        "feast",
        feast.SERVE,
        variables,
        volume_mounts=mounts,
        ports=[{"name": "http", "container_port": feast.PORT}],
        startup_probe={**healthy, "period_seconds": 5, "failure_threshold": 60},
        readiness_probe={**healthy, "period_seconds": 10},
        liveness_probe={**healthy, "period_seconds": 20, "failure_threshold": 6},
        resources=resources("250m", "1Gi"),
    )
    k8s.core.v1.Service(
        scope.child("feast"),
        metadata=app.metadata(name),
        spec={
            "selector": app.selector,
            "ports": [{"name": "http", "port": feast.PORT, "target_port": "http"}],
        },
        opts=scope.opts,
    )
    if replicas > 1:
        disruption_budget(app, name, app.selector)
    return k8s.apps.v1.Deployment(
        scope.child("feast-server"),
        metadata=app.metadata(name),
        spec={
            "replicas": replicas,
            "selector": {"match_labels": app.selector},
            "strategy": {"type": "RollingUpdate", "rolling_update": {"max_unavailable": 0, "max_surge": 1}},
            "template": app.pod(container, spread=True, **pods),
        },
        opts=waits,
    )


def _materialize(
    app: App, spec: FeatureStoreSpec, variables: list[Any], pods: dict[str, Any], waits: ResourceOptions
) -> k8s.batch.v1.CronJob:
    """Bring rows online that came to the offline stores since the last time."""
    assert spec.materialize is not None  # noqa: S101 (for type checkers)
    container = feast.container(
        "materialize",
        feast.MATERIALIZE,
        variables,
        volume_mounts=trust.mounts(spec.platform),
        resources=resources("500m", "2Gi"),
    )
    other = replace(app, kind="feast-materialize")
    return k8s.batch.v1.CronJob(
        app.scope.child("materialize"),
        metadata=other.metadata(app.name("materialize")),
        spec={
            "schedule": kubernetes_cron(spec.materialize.cron),
            "time_zone": spec.materialize.timezone,
            "concurrency_policy": "Forbid",
            "starting_deadline_seconds": _LATE_SECONDS,
            "successful_jobs_history_limit": 1,
            "failed_jobs_history_limit": 3,
            "job_template": {
                "spec": {
                    "backoff_limit": _TRIES,
                    "active_deadline_seconds": _LONGEST_SECONDS,
                    "template": other.pod(container, restart_policy="Never", **pods),
                }
            },
        },
        opts=waits,
    )


def feature_group(scope: Scope, spec: FeatureGroupSpec) -> FeatureGroupRef:
    """Write the definition down, and have it applied; a Job cannot change, so another definition is another Job."""
    platform, store = spec.store.platform, FeatureStoreAddress.of(spec.store)
    app = access.app_of(scope, platform, "feast-apply")
    group = feast.group(scope.name, spec, scope.tags)
    config = k8s.core.v1.ConfigMap(
        scope.child("definition"),
        metadata=app.metadata(app.name(_DEFINITION)),
        data={feast.GROUP_FILE: json.dumps(group, indent=2)},
        opts=scope.guarded(spec.protect),
    )
    container = feast.container(
        "apply",
        feast.APPLY,
        store.variables,
        resources=resources("250m", "1Gi"),
        volume_mounts=[{"name": "group", "mount_path": feast.GROUP, "read_only": True}, *trust.mounts(platform)],
    )
    template = app.pod(
        container,
        volumes=[
            feast.volume(store.repository),
            *trust.volumes(platform),
            {"name": "group", "config_map": {"name": config.metadata.name}},
        ],
        account=store.account,
        labels={STORE_LABEL: spec.store.name},
        annotations={"repository": store.mark},
        restart_policy="Never",
    )
    applied = k8s.batch.v1.Job(
        scope.child("apply"),
        # Tags of the platform come along with the next change: another owner runs no Job.
        metadata=app.job_metadata(content_name(app.name("apply"), [{**group, "tags": spec.tags}, store.mark])),
        spec={
            "backoff_limit": _TRIES,
            "active_deadline_seconds": _APPLY_SECONDS,
            "template": template,
        },
        opts=once(scope.opts),
    )
    return FeatureGroupRef(
        name=scope.name,
        backend="kubernetes",
        platform=platform,
        keys=spec.keys,
        event_time=spec.event_time,
        features=spec.features,
        has_online=spec.online is not None,
        has_offline=spec.offline is not None,
        address=FeatureGroupAddress(
            door=store.door,
            url=store.url,
            view=feast.view_name(scope.name),
            location=group["location"],
        ).plain(),
        native={"definition": config, "apply": applied},
    )


def feature_group_problems(name: str, spec: FeatureGroupSpec) -> Iterator[Problem]:
    """Refuse what Feast does not take, and what rows that are there forbid."""
    if not is_managed(spec.store):
        yield Problem(
            "store",
            f"{spec.store.name!r} is a server that existed already, and views are applied to it by whoever runs it; "
            "apply the view there, and write FeatureGroup.existing(…)",
        )
    if spec.features[spec.event_time] != "timestamp":
        yield Problem(
            "event_time",
            f"{spec.event_time!r} is {spec.features[spec.event_time]!r}; Feast takes a 'timestamp'",
        )
    for key in spec.keys:
        if spec.features[key] not in _KEY_TYPES:
            yield Problem(
                f"features.{key}",
                f"is a key and {spec.features[key]!r}; Feast's keys are {' or '.join(map(repr, _KEY_TYPES))}",
            )
    there = live.namespaced(spec.store.platform, "v1", "configmaps", f"{name}-{_DEFINITION}")
    if there is not None:
        yield from _changes(json.loads(there["data"][feast.GROUP_FILE]), feast.group(name, spec, {}))


def _changes(there: dict[str, Any], wanted: dict[str, Any]) -> Iterator[Problem]:
    way_out = "rows that are there have it; keep it, or make a new FeatureGroup of another name and move its readers"
    for feature, kind in there["features"].items():
        if feature not in wanted["features"]:
            yield Problem("features", f"{feature!r} cannot be removed from a group that exists: {way_out}")
        elif wanted["features"][feature] != kind:
            yield Problem(
                f"features.{feature}",
                f"cannot become {wanted['features'][feature]!r} in a group that exists (Feast holds it as {kind!r}): "
                f"{way_out}",
            )
    for field in ("store", "keys", "event_time", "online", "offline"):
        old, new = there[field], wanted[field]
        if isinstance(old, bool):
            old, new = ("on" if value else "off" for value in (old, new))
        if old != new:
            yield Problem(
                field,
                f"cannot change from {old!r} to {new!r}: rows that are there would not be found any more; keep it, "
                "or make a new FeatureGroup of another name",
            )
