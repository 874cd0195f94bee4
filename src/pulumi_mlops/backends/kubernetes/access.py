"""Who may talk to whom, and who may do what: identities, doors between pods, rights in the API."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as k8s
from pulumi import Input, Output

from pulumi_mlops.backends.kubernetes import outside
from pulumi_mlops.backends.kubernetes.addresses import Door, PlatformAddress
from pulumi_mlops.backends.kubernetes.objects import NAMESPACE, App, Fields, custom, namespace_name
from pulumi_mlops.components.platform import PlatformRef
from pulumi_mlops.core.component import Scope
from pulumi_mlops.core.errors import Problem
from pulumi_mlops.core.inputs import is_deferred
from pulumi_mlops.core.principals import PrincipalRef, Who
from pulumi_mlops.core.refs import HubRef

# Instance metadata answers with the node's own credentials, and private ranges are the cluster and its neighbours.
_NOT_THE_INTERNET = ["169.254.0.0/16", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"]
_NOT_THE_INTERNET_6 = ["fd00:ec2::/32", "fe80::/10", "fc00::/7"]
ACCOUNT = "pulumi-mlops/account"
"""The label of pods that act as a service account which was given rights; the ways through the network are theirs."""
_WRITTEN = {
    "namespace": NAMESPACE,
    "service_account": re.compile(rf"{NAMESPACE.pattern}/{NAMESPACE.pattern}"),
    "user": re.compile(r"\S.{0,252}"),
}
_WRITE = {
    "namespace": "is not the name of a namespace; write lower-case letters, digits and hyphens",
    "service_account": "is not a service account; write namespace/name in lower-case letters, digits and hyphens",
    "user": "is not the name of a user; write the name that the API server knows it by",
}
_HTTPS = 443


def pods(labels: Mapping[str, str]) -> Fields:
    """Pods of this namespace."""
    return {"pod_selector": {"match_labels": dict(labels)}}


def namespace(name: Input[str], labels: Mapping[str, Input[str]] | None = None) -> Fields:
    """Pods of another namespace."""
    peer: Fields = {"namespace_selector": {"match_labels": {"kubernetes.io/metadata.name": name}}}
    return peer | ({"pod_selector": {"match_labels": dict(labels)}} if labels else {})


def ports(*numbers: int) -> list[Fields]:
    """TCP ports of a rule."""
    return [{"protocol": "TCP", "port": number} for number in numbers]


def internet(*numbers: int) -> Fields:
    """Egress to public addresses only, of both families; by https unless told."""
    blocks = [
        {"ip_block": {"cidr": "0.0.0.0/0", "except_": _NOT_THE_INTERNET}},
        {"ip_block": {"cidr": "::/0", "except_": _NOT_THE_INTERNET_6}},
    ]
    return {"to": blocks, "ports": ports(*(numbers or (_HTTPS,)))}


def anywhere(*numbers: int) -> Fields:
    """Egress by port alone, for an address that the user named and of which only the name is known."""
    blocks = [
        {"ip_block": {"cidr": "0.0.0.0/0", "except_": _NOT_THE_INTERNET[:1]}},
        {"ip_block": {"cidr": "::/0", "except_": _NOT_THE_INTERNET_6[:2]}},
    ]
    return {"to": blocks, "ports": ports(*numbers)}


def blocks(cidrs: Sequence[str]) -> list[Fields]:
    """Ranges of addresses, as peers."""
    return [{"ip_block": {"cidr": cidr}} for cidr in cidrs]


def way_out(door: Door) -> Fields:
    """Egress to a door: to its pods, its namespace, its ranges, or by its port alone."""
    if door.pods is not None or door.namespace is not None:
        to = [_inside(door, door.pods or {})]
        return {"to": to} if door.any_port else {"to": to, "ports": ports(door.port)}
    if door.cidrs:
        return {"to": blocks(door.cidrs), "ports": ports(door.port)}
    return anywhere(door.port)


def api_server(context: str | None) -> list[Fields]:
    """Egress to the API server: to its addresses, where the cluster tells them."""
    found = outside.api_server(context)
    if not found:
        return [anywhere(*outside.usual_api_ports())]
    by_ports: dict[tuple[int, ...], list[str]] = {}
    for cidr, numbers in found:
        by_ports.setdefault(numbers, []).append(cidr)
    return [{"to": blocks(cidrs), "ports": ports(*numbers)} for numbers, cidrs in by_ports.items()]


def reach_api_server(app: App, part: str, selector: Mapping[str, str], context: str | None) -> list[pulumi.Resource]:
    """Let pods reach the API server where Cilium judges: it knows the API server by no address.

    https://docs.cilium.io/en/stable/security/policy/language/#entities-based
    """
    if not outside.has_cilium(context):
        return []
    policy = custom(
        app.scope.child(f"net-{part}-api"),
        "cilium.io/v2",
        "CiliumNetworkPolicy",
        metadata=app.metadata(app.name(f"{part}-api")),
        spec={"endpointSelector": {"matchLabels": dict(selector)}, "egress": [{"toEntities": ["kube-apiserver"]}]},
        opts=app.scope.opts,
    )
    return [policy]


def allow(
    app: App,
    part: str,
    selector: Mapping[str, str],
    *,
    ingress: Sequence[Fields] = (),
    egress: Sequence[Fields] = (),
) -> k8s.networking.v1.NetworkPolicy:
    """Open the namespace's default deny for some pods."""
    kinds = [kind for kind, rules in (("Ingress", ingress), ("Egress", egress)) if rules]
    spec: Any = {"pod_selector": {"match_labels": dict(selector)}, "policy_types": kinds}
    spec |= {"ingress": list(ingress)} if ingress else {}
    spec |= {"egress": list(egress)} if egress else {}
    return k8s.networking.v1.NetworkPolicy(
        app.scope.child(f"net-{part}"), metadata=app.metadata(app.name(part)), spec=spec, opts=app.scope.opts
    )


def listen(
    app: App, part: str, selector: Mapping[str, str], port: int, callers: Sequence[Fields]
) -> k8s.networking.v1.NetworkPolicy:
    """Let callers reach a port of some pods."""
    return allow(app, part, selector, ingress=[{"from_": list(callers), "ports": ports(port)}])


def call(app: App, part: str, callers: Mapping[str, str], doors: Sequence[Door]) -> list[Any]:
    """Let pods of ours reach doors, from both sides: their way out, and the way in for those that are pods here.

    The way in to pods of another namespace is for its owner to open.
    """
    ways_out = [way_out(door) for door in doors]
    opened = [allow(app, f"{part}-out", callers, egress=ways_out)] if ways_out else []
    return opened + [
        listen(app, f"{part}-to-{door.name}", door.pods, door.port, [pods(callers)])
        for door in doors
        if door.pods and door.namespace is None
    ]


def _inside(door: Door, labels: Mapping[str, str]) -> Fields:
    return pods(labels) if door.namespace is None else namespace(door.namespace, labels)


def identity(app: App, part: str = "", secrets: Sequence[Input[str]] = ()) -> k8s.core.v1.ServiceAccount:
    """Make a service account without rights, whose token no pod gets unless it asks.

    :param secrets: Secrets that operators read on behalf of pods with this account (KServe's storage initializer).
    """
    name = app.name(part)
    return k8s.core.v1.ServiceAccount(
        app.scope.child(f"account-{part}" if part else "account"),
        metadata=app.metadata(name),
        automount_service_account_token=False,
        image_pull_secrets=None if app.pull_secret is None else [{"name": app.pull_secret}],
        secrets=[{"name": secret} for secret in secrets] or None,
        opts=app.scope.opts,
    )


def rule(group: str, resource: str, verbs: Sequence[str], names: Sequence[Input[str]]) -> Any:
    """Write one right: verbs on named objects of one kind. ``list`` and ``watch`` know no names: they are not here."""
    return {
        "api_groups": [group],
        "resources": [resource],
        "verbs": list(verbs),
        **({"resource_names": list(names)} if names else {}),
    }


def grant(app: App, part: str, rules: Sequence[Any], subjects: Sequence[Any]) -> k8s.rbac.v1.RoleBinding:
    """Give rights in the platform's namespace to somebody."""
    name = app.name(part)
    role = k8s.rbac.v1.Role(
        app.scope.child(f"role-{part}"), metadata=app.metadata(name), rules=list(rules), opts=app.scope.opts
    )
    return k8s.rbac.v1.RoleBinding(
        app.scope.child(f"binding-{part}"),
        metadata=app.metadata(name),
        role_ref={"api_group": "rbac.authorization.k8s.io", "kind": "Role", "name": role.metadata.name},
        subjects=list(subjects),
        opts=app.scope.opts,
    )


def account_of(account: k8s.core.v1.ServiceAccount) -> Any:
    """Return a service account as the subject of a grant."""
    return {"kind": "ServiceAccount", "name": account.metadata.name, "namespace": account.metadata.namespace}


def accounts_in(name: Input[str]) -> Any:
    """Return all service accounts of a namespace as the subject of a grant."""
    # Written out where it is known, so that a preview shows it.
    group = Output.format("system:serviceaccounts:{0}", name) if is_deferred(name) else f"system:serviceaccounts:{name}"
    return {"kind": "Group", "name": group, "api_group": "rbac.authorization.k8s.io"}


@dataclass(frozen=True)
class Caller:
    """A principal as the API and the network know it."""

    word: str
    """What tells its objects apart: its name where that is known, else its place in the list."""
    subjects: list[Any]
    """Who it is in a RoleBinding."""
    peers: list[Fields]
    """Its pods in a network policy: of a service account those that carry the label ``pulumi-mlops/account``, since a
    network policy knows pods by labels only."""


def caller(index: int, who: Who) -> Caller:
    """Return how a principal of ours is known in the cluster."""
    word = who.name if isinstance(who, PrincipalRef) else str(index) if is_deferred(who.value) else str(who.value)
    if who.kind == "namespace":
        return Caller(word, [accounts_in(who.value)], [namespace(who.value)])
    if who.kind == "user":
        return Caller(word, [{"kind": "User", "name": who.value, "api_group": "rbac.authorization.k8s.io"}], [])
    parts = Output.from_input(who.value).apply(lambda value: value.split("/", 1))
    plain: Sequence[Input[str]] = [parts[0], parts[1]] if is_deferred(who.value) else str(who.value).split("/", 1)
    space, name = plain
    subject = {"kind": "ServiceAccount", "name": name, "namespace": space}
    return Caller(word.replace("/", "-"), [subject], [namespace(space, {ACCOUNT: name})])


def principal_problems(field: str, principals: Sequence[Who], takes: Sequence[str]) -> Iterator[Problem]:
    """Judge principals: their backend, their kind where one is not taken, and how they are written."""
    for index, who in enumerate(principals):
        where = f"{field}[{index}]"
        if isinstance(who, PrincipalRef):
            if who.backend != "kubernetes":
                told = f"identity {who.name!r} lives on {who.backend!r}; give an Identity of a Kubernetes platform"
                yield Problem(where, told)
            continue
        if who.kind not in takes:
            yield Problem(f"{where}.{who.kind}", f"is not taken here; write one of {', '.join(takes)}, or an Identity")
        elif not is_deferred(who.value) and not _WRITTEN[who.kind].fullmatch(str(who.value)):
            yield Problem(f"{where}.{who.kind}", f"{who.value!r} {_WRITE[who.kind]}")


def app_of(scope: Scope, platform: HubRef, kind: str) -> App:
    """Begin a workload of a component on a platform."""
    space = namespace_name(platform.name, platform.stage)
    address = PlatformAddress.of(platform)
    return App(scope, space, address.namespace, kind, address.pull_secret, address.assigned_users)


def store_door(platform: PlatformRef) -> Door:
    """Return the door of the platform's object store."""
    return PlatformAddress.of(platform).store.door
