"""Endpoint on Kubernetes: identity, ways in and out, revisions, scaling, release, route, alerts."""

from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import urlsplit

import pulumi
import pulumi_kubernetes as k8s
from pulumi import Input, Output

from pulumi_mlops.backends.kubernetes import access, health, release, revision
from pulumi_mlops.backends.kubernetes.addresses import Door, EndpointAddress, FeatureGroupAddress, PlatformAddress
from pulumi_mlops.backends.kubernetes.gateway import Gateway, guarded
from pulumi_mlops.backends.kubernetes.objects import NAME_LIMIT, App, Fields, after, disruption_budget
from pulumi_mlops.backends.kubernetes.operators import OPERATORS
from pulumi_mlops.backends.kubernetes.revision import Revision
from pulumi_mlops.backends.kubernetes.runtime import AGENT_PORT
from pulumi_mlops.backends.kubernetes.scaling import scale
from pulumi_mlops.components.endpoint import EndpointSpec, waiting
from pulumi_mlops.components.endpoint_ref import EndpointRef
from pulumi_mlops.components.platform import PlatformRef
from pulumi_mlops.core.component import Scope
from pulumi_mlops.core.inputs import is_deferred
from pulumi_mlops.core.naming import physical
from pulumi_mlops.core.workload import PORT

_KIND = "model-server"
_SEVERAL = 2


def endpoint(scope: Scope, spec: EndpointSpec) -> EndpointRef:
    """Build the endpoint, or nothing yet while a model waits for its first approval."""
    if spec.waiting:
        return waiting(scope, spec, EndpointAddress(name=scope.name).plain())

    app = access.app_of(scope, spec.platform, _KIND)
    store = PlatformAddress.of(spec.platform).store
    # KServe's agent has the login of its pod's account, whatever account its logger names. Only the containers that
    # KServe adds get it, and not the model's.
    account = access.identity(app, secrets=[store.writer if spec.capture_percent else store.reader])
    opened = [*_ways_out(app, spec), *_ways_in(app, spec)]
    wanted = revision.revisions(app, spec, account.metadata.name)
    # By order, not by a value: a view that is applied anew must not look like another revision in the preview.
    applied = [view.group.native["apply"] for view in spec.reads if "apply" in view.group.native]
    needs = [account, *opened, *applied]
    made = {part.variant: revision.make(app, spec, part, account.metadata.name, needs) for part in wanted}
    ready = [there for _, there in made.values()]
    ready += [scale(app, spec, part, made[part.variant][1]) for part in wanted if part.fixed is None]
    if spec.scaling.min >= _SEVERAL:
        for part in wanted:
            name = health.stem(scope.name, part.variant)
            disruption_budget(app, name, {**app.selector, health.VARIANT: part.variant})
    native: dict[str, pulumi.Resource] = {f"revision.{variant}": one for variant, (one, _) in made.items()}
    released: Sequence[Input[pulumi.Resource]] = ready
    gateway = Gateway.of(spec.platform)
    if gateway or spec.scaling.moves:
        native["release"] = release.job(app, spec, wanted, ready)
        released = [native["release"]]
    inside = native["service"] = _service(app, spec, wanted, released)
    url = inside.urn.apply(lambda _: f"http://{app.host(app.name())}")
    if gateway:
        # The release job writes the rules as well: what it leaves is what is declared here.
        forced = {"pulumi.com/patchForce": "true"}
        rules = release.rules(spec, wanted, scope.name)
        guard = gateway.guard(app, app.name())
        native |= {} if guard is None else {"login": guard}
        opts = guarded(after(scope.opts, *released), guard)
        route = native["route"] = gateway.route(app, app.name(), rules, annotations=forced, opts=opts)
        address = gateway.url(scope.name)
        url = route.urn.apply(lambda _: address)
    health.monitor(app, spec)
    captured = Output.format("{0}/", revision.captured_prefix(spec, scope.name)) if spec.capture_percent else None
    return EndpointRef(
        name=scope.name,
        backend="kubernetes",
        platform=spec.platform,
        url=url,
        status="live",
        variants=[variant.name for variant in spec.served],
        captured=captured,
        capture_percent=spec.capture_percent,
        records=spec.records,
        address=EndpointAddress(
            name=scope.name,
            service=app.host(app.name()),
            door=Door(scope.name, _port(spec), app.selector),
        ).plain(),
        native=native,
    )


def _port(spec: EndpointSpec) -> int:
    """Return the port at which pods get requests: KServe's agent stands before a server that is listened to."""
    return AGENT_PORT if spec.capture_percent else spec.serve.port


def _service(
    app: App, spec: EndpointSpec, wanted: Sequence[Revision], released: Sequence[Input[pulumi.Resource]]
) -> k8s.core.v1.Service:
    """Keep one address inside the cluster, which leads to the revision that was released.

    A Service cannot weigh: where variants share the traffic, it leads to the heaviest of them.
    """
    heaviest = max(spec.served, key=lambda part: part.weight).name
    live = next(part for part in wanted if part.variant == heaviest)
    return k8s.core.v1.Service(
        app.scope.child("service"),
        # That pods are there is known from the revision, which was waited for.
        metadata=app.metadata(app.name(), annotations={"pulumi.com/skipAwait": "true"}),
        spec={
            "selector": {health.REVISION: live.name},
            "ports": [{"name": "http", "port": 80, "target_port": _port(spec), "protocol": "TCP"}],
        },
        opts=after(app.scope.opts, *released),
    )


def _ways_out(app: App, spec: EndpointSpec) -> list[pulumi.Resource]:
    """Let the pods reach the object store, what they read, and the internet where they are not cut off."""
    found: list[pulumi.Resource] = access.call(app, "calls", app.selector, [access.store_door(spec.platform)])
    views = {door.name: door for door in (FeatureGroupAddress.of(view.group).door for view in spec.reads)}
    # Two names of the user's are in the name of a policy: together they may be too long.
    room = NAME_LIMIT - len(app.name("reads-to-"))
    doors = [replace(door, name=physical(name, limit=room)) for name, door in sorted(views.items())]
    found += access.call(app, "reads", app.selector, doors)
    if not (spec.is_isolated or spec.platform.private):
        found.append(access.allow(app, "internet", app.selector, egress=[access.internet()]))
    return found


def _ways_in(app: App, spec: EndpointSpec) -> list[pulumi.Resource]:
    """Let the gateway and the invokers' namespaces send requests, and Prometheus read metrics."""
    gateway = Gateway.of(spec.platform)
    # By name, so that the order in which they are written changes nothing; those that are not known yet come last.
    named = {name: access.namespace(name) for name in (gateway.proxies if gateway else ())}
    unnamed: list[Fields] = []
    for index, who in enumerate(spec.invokers):
        caller = access.caller(index, who)
        if is_deferred(who.value):
            unnamed += caller.peers
        else:
            named |= {f"{caller.word}{place or ''}": peer for place, peer in enumerate(caller.peers)}
    callers = [*(named[name] for name in sorted(named)), *unnamed]
    watcher = access.namespace(metrics_namespace(spec.platform))
    rules: list[Fields] = [{"from_": [watcher], "ports": access.ports(*health.metrics_ports(spec))}]
    if callers:
        rules.append(
            {
                "from_": callers,
                "ports": access.ports(*sorted({PORT, _port(spec)} if spec.serve.port != PORT else {_port(spec)})),
            }
        )
    return [access.allow(app, "callers", app.selector, ingress=rules)]


def metrics_namespace(platform: PlatformRef) -> str:
    """Return the namespace of Prometheus: by its address where that is a Service's, else the usual one."""
    host = urlsplit(PlatformAddress.of(platform).metrics or "").hostname or ""
    labels = host.split(".")
    inside = len(labels) == _SEVERAL or labels[_SEVERAL : _SEVERAL + 1] == ["svc"]
    return labels[1] if inside else OPERATORS["prometheus"].namespace
