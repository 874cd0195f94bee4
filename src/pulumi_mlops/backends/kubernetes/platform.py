"""Platform on Kubernetes: namespace, network policies, quota, object store, secrets, alerts, in the order of making."""

from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pulumi
import pulumi_kubernetes as k8s
from pulumi import Output

from pulumi_mlops.backends.kubernetes import access, gateway, live, operators, outside, providers, secrets
from pulumi_mlops.backends.kubernetes.addresses import DatabaseAddress, PlatformAddress, QuotaAddress
from pulumi_mlops.backends.kubernetes.objects import App, custom, gibibytes, mark_of, namespace_name, secret, split_tags
from pulumi_mlops.backends.kubernetes.store import Store, authority, object_store
from pulumi_mlops.components.platform import PlatformRef, PlatformSpec
from pulumi_mlops.core.component import Scope
from pulumi_mlops.core.errors import MlopsError
from pulumi_mlops.core.principals import plain

OWNER = "pulumi-mlops/stack"
"""The annotation that says which stack a namespace belongs to."""
_SECURITY = {"enforce": "restricted", "audit": "restricted", "warn": "restricted"}
_SECURITY_VERSION = "v1.33"  # the rules change with this line, not with the cluster's next version


_OPENSHIFT = "security.openshift.io/v1"
_CLASSES, _DEFAULT_CLASS = "/apis/storage.k8s.io/v1/storageclasses", "storageclass.kubernetes.io/is-default-class"


def _disks(scope: Scope, context: str | None) -> None:
    """Say it in the preview where nobody would make disks that name no class; who may not look is not told."""
    cluster = live.cluster(context)
    try:
        found = cluster.get(_CLASSES) if cluster else None
    except MlopsError:
        return
    notes = [one["metadata"].get("annotations") or {} for one in (found or {}).get("items", [])]
    if found is not None and not any(note.get(_DEFAULT_CLASS) == "true" for note in notes):
        scope.say(
            "the cluster has no default StorageClass, and without one no disk is made: have an admin mark one, or name "
            "one by a transform (docs/recipes.md)"
        )


def stack() -> str:
    """Name this stack, as it is written on the namespace."""
    return f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}"


def platform(scope: Scope, spec: PlatformSpec) -> PlatformRef:
    """Build the hub."""
    native: dict[str, pulumi.Resource] = {}
    context = spec.account or live.default_context()
    given = scope.component.get_provider("kubernetes:core/v1:Namespace")
    provider = given or providers.make(scope.child("cluster"), context, scope.opts)
    scope = replace(scope, provider=provider)
    cluster = live.cluster(context)
    if cluster:
        where = f"the cluster at {cluster.server}" + (f", context {context!r}" if context else "")
        scope.say(
            f"what is there is looked up in {where}; the provider in `opts` must lead to the same"
            if given
            else f"goes to {where}"
        )
    addons = operators.install(scope, spec.addons)
    name = namespace_name(scope.project, scope.stage)
    namespace = _namespace(scope, name, addons)
    assigned = bool(live.served(context, _OPENSHIFT))
    app = App(scope, name, namespace.metadata.name, "platform", assigned_users=assigned)
    if spec.existing.object_store is None or spec.existing.database is None:
        _disks(scope, context)
    limits = _limits(app, spec)
    guards = [_deny_by_default(app), *limits.values()]
    native |= {"namespace": namespace, **limits}
    ready = Output.all(namespace.metadata.name, *(guard.id for guard in guards)).apply(lambda known: str(known[0]))
    app = replace(app, ready=ready)
    made: list[pulumi.Resource] = []
    around = outside.Around(context, name, spec.existing.cidrs)
    app = replace(app, pull_secret=_pull_secret(app, spec, made))
    store = object_store(replace(app, kind="seaweedfs"), spec.existing.object_store, around, native)
    kept = {short: _secret(app, short, value, made) for short, value in spec.secrets.items()}
    database = _database(app, spec, made)
    # Others name these Secrets, and take the namespace from here: so they come after all of them.
    served = Output.all(ready, *(found.urn for found in (*made, *store.keys))).apply(lambda known: str(known[0]))
    if spec.alerts or spec.existing.alerts:
        native["alerts"] = _alerts(app, spec)
    _consumers(app, spec, store)
    return PlatformRef(
        name=scope.name,
        backend="kubernetes",
        stage=spec.stage,
        profile=scope.profile.name,
        region=None,
        owner=spec.owner,
        tags=spec.tags,
        tag_prefix=spec.tag_prefix,
        artifacts=f"s3://{store.address.bucket}/",
        images={short: f"{spec.existing.images.address}/{short}" for short in spec.images}
        if spec.existing.images
        else {},
        secrets=kept,
        consumers=plain(spec.consumers),
        private=spec.network is not None,
        providers=(provider,),
        native=native,
        address=PlatformAddress(
            context=context,
            cluster=cluster.uid if cluster else None,
            server=cluster.server if cluster else None,
            namespace=served,
            assigned_users=assigned,
            addons=spec.addons,
            pull_secret=app.pull_secret,
            store=store.address,
            database=database,
            quota=QuotaAddress(**spec.quota.model_dump()) if spec.quota else None,
            gateway=gateway.address(spec.existing.gateway, context) if spec.existing.gateway else None,
            metrics=spec.existing.metrics,
            cidrs=spec.existing.cidrs,
        ).plain(),
    )


def _namespace(scope: Scope, name: str, addons: list[pulumi.Resource]) -> k8s.core.v1.Namespace:
    labels, remarks = split_tags(scope)
    for mode, level in _SECURITY.items():
        labels |= {
            f"pod-security.kubernetes.io/{mode}": level,
            f"pod-security.kubernetes.io/{mode}-version": _SECURITY_VERSION,
        }
    return k8s.core.v1.Namespace(
        scope.child("namespace"),
        metadata={"name": name, "labels": labels, "annotations": {**remarks, OWNER: stack()}},
        opts=pulumi.ResourceOptions.merge(scope.guarded(), pulumi.ResourceOptions(depends_on=addons)),
    )


def _deny_by_default(app: App) -> k8s.networking.v1.NetworkPolicy:
    """Deny everything both ways, but the names of services; each component opens what its references need."""
    scope = app.scope
    deny = k8s.networking.v1.NetworkPolicy(
        scope.child("net-deny"),
        metadata=app.metadata("default-deny"),
        spec={"pod_selector": {}, "policy_types": ["Ingress", "Egress"]},
        opts=scope.opts,
    )
    servers = [
        access.namespace("kube-system", {"k8s-app": "kube-dns"}),
        # A cache on each node, at its usual address: https://kubernetes.io/docs/tasks/administer-cluster/nodelocaldns/
        access.namespace("kube-system", {"k8s-app": "node-local-dns"}),
        *access.blocks(["169.254.20.10/32", "fd00:169:254::10/128"]),
    ]
    elsewhere = access.namespace("openshift-dns", {"dns.operator.openshift.io/daemonset-dns": "default"})
    way_out: Any = [{"to": servers, "ports": _names(53)}, {"to": [elsewhere], "ports": _names(5353)}]
    k8s.networking.v1.NetworkPolicy(
        scope.child("net-names"),
        metadata=app.metadata("allow-names"),
        spec={"pod_selector": {}, "policy_types": ["Egress"], "egress": way_out},
        opts=scope.opts,
    )
    return deny


def _names(port: int) -> list[Any]:
    return [{"protocol": protocol, "port": port} for protocol in ("UDP", "TCP")]


def _limits(app: App, spec: PlatformSpec) -> dict[str, pulumi.CustomResource]:
    """Bound the whole, and give a size to every container that says none: under a quota it would be refused."""
    scope = app.scope
    hard = {"services.loadbalancers": "0", "services.nodeports": "0"}  # the gateway is the one way in
    if quota := spec.quota:
        hard |= {
            "requests.cpu": str(quota.cpus),
            "requests.memory": gibibytes(quota.memory_gb),
            "limits.memory": gibibytes(quota.memory_gb),
            "requests.nvidia.com/gpu": str(quota.accelerators),
            "requests.amd.com/gpu": str(quota.accelerators),
        }
        if quota.storage_gb is not None:
            hard["requests.storage"] = gibibytes(quota.storage_gb)
    bound = k8s.core.v1.ResourceQuota(
        scope.child("quota"), metadata=app.metadata("quota"), spec={"hard": hard}, opts=scope.opts
    )
    defaults: Any = {
        "type": "Container",
        "default_request": {"cpu": "100m", "memory": "256Mi"},
        "default": {"memory": "256Mi"},
    }
    sizes = k8s.core.v1.LimitRange(
        scope.child("limits"), metadata=app.metadata("limits"), spec={"limits": [defaults]}, opts=scope.opts
    )
    return {"quota": bound, "limits": sizes}


def _pull_secret(app: App, spec: PlatformSpec, made: list[pulumi.Resource]) -> str | None:
    images = spec.existing.images
    if images is None or images.username is None or images.password is None:
        return None
    login = Output.json_dumps(
        {"auths": {images.address.split("/")[0]: {"username": images.username, "password": images.password}}}
    )
    made.append(secret(app, "pull", {".dockerconfigjson": login}, kind="kubernetes.io/dockerconfigjson"))
    return app.name("pull")


def _secret(app: App, short: str, value: Any, made: list[pulumi.Resource]) -> str:
    part = f"secret-{short}"
    made.append(secrets.secret(app, part, value))
    return app.name(part)


def _database(app: App, spec: PlatformSpec, made: list[pulumi.Resource]) -> DatabaseAddress | None:
    """Keep the way to the user's Postgres server; user and password as they must be within an address."""
    given = spec.existing.database
    if given is None:
        return None
    password = Output.secret(given.password).apply(lambda plain: quote(plain, safe=""))
    login = secret(app, "database", {"username": quote(given.username, safe=""), "password": password})
    made.append(login)
    ca = None if given.ca is None else authority(app, "database-ca", given.ca)
    return DatabaseAddress(
        secret=app.name("database"), host=given.host, port=given.port, tls=given.tls, mark=mark_of(login), ca=ca
    )


def _alerts(app: App, spec: PlatformSpec) -> pulumi.Resource:
    """Tell people of the alerts of this namespace; the mail server is Alertmanager's own.

    https://prometheus-operator.dev/docs/developer/alerting/
    """
    receiver: dict[str, Any] = {"name": "platform"}
    if spec.alerts:
        receiver["emailConfigs"] = [{"to": address, "sendResolved": True} for address in spec.alerts]
    if spec.existing.alerts is not None:
        # Such an address often has a token in it.
        told = secret(app, "alerts", {"url": spec.existing.alerts})
        receiver["webhookConfigs"] = [{"urlSecret": {"name": told.metadata.name, "key": "url"}, "sendResolved": True}]
    route = {"receiver": "platform", "groupBy": ["alertname"], "groupWait": "30s", "repeatInterval": "12h"}
    return custom(
        app.scope.child("alerts"),
        "monitoring.coreos.com/v1alpha1",
        "AlertmanagerConfig",
        metadata=app.metadata(app.name("alerts")),
        spec={"route": route, "receivers": [receiver]},
        opts=app.scope.opts,
    )


def _consumers(app: App, spec: PlatformSpec, store: Store) -> None:
    """Let other namespaces read artifacts: the key that may only read, and the way to the store."""
    for index, who in enumerate(spec.consumers):
        caller = access.caller(index, who)
        part = f"consumer-{caller.word}"
        access.grant(app, part, [access.rule("", "secrets", ["get"], [store.address.reader])], caller.subjects)
        if store.address.door.pods:
            access.listen(app, part, store.address.door.pods, store.address.door.port, caller.peers)
