"""What stands behind an address, as network policies have to know it: pods by their labels, or ranges of addresses.

A policy is judged by the pod that a packet comes to, not by the Service that it was sent to: the port is the pod's, and
a range of addresses matches no pod where the plugin knows pods by identity (Cilium). So Services are looked up. Where
nobody can be asked, the namespace is opened that the host name tells.
"""

import ipaddress
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from pulumi_mlops.backends.kubernetes import live
from pulumi_mlops.backends.kubernetes.addresses import Door, PlatformAddress
from pulumi_mlops.backends.kubernetes.objects import namespace_name
from pulumi_mlops.components.platform import PlatformRef, PlatformSpec
from pulumi_mlops.core import private
from pulumi_mlops.core.errors import MlopsError, Problem
from pulumi_mlops.core.inputs import is_deferred

_PORTS = {"https": 443, "http": 80, "postgresql": 5432}
_API_PORTS = (443, 6443, 8443, 16443)
"""Where API servers listen: of managed clusters, kubeadm, minikube and MicroK8s."""
_SERVICE = 2  # service.namespace
_ENDPOINTS = "/apis/discovery.k8s.io/v1/namespaces/{0}/endpointslices"


@dataclass(frozen=True)
class Around:
    """Where an address is looked at from: the platform's namespace, and the ranges that its user named."""

    context: str | None
    namespace: str
    cidrs: Sequence[str] = ()

    @classmethod
    def of(cls, platform: PlatformRef) -> "Around":
        """Look from a platform."""
        address = PlatformAddress.of(platform)
        return cls(live.context_of(platform), namespace_name(platform.name, platform.stage), address.cidrs)


def port_of(url: str) -> int:
    """Return the port of an address.

    >>> port_of("https://prometheus.example.com"), port_of("http://prometheus.monitoring.svc:9090")
    (443, 9090)
    """
    parts = urlsplit(url)
    return parts.port or _PORTS.get(parts.scheme, 80)


def door(name: str, url: str, around: Around) -> Door:
    """Return the door that an address leads to."""
    host, port = urlsplit(url).hostname or "", port_of(url)
    inside = _inside(host, around)
    if inside is None:
        return Door(name, port, cidrs=_literal(host) or list(around.cidrs))
    space, service = inside
    found = _service(around.context, space, service)
    elsewhere = None if space == around.namespace else space
    if found is None:  # nobody can be asked, or it is not there yet
        asked = live.cluster(around.context) is not None
        return Door(name, port, pods={} if elsewhere is None else None, namespace=elsewhere, any_port=asked)
    spec = found["spec"]
    if spec.get("type") == "ExternalName":
        return Door(name, port, cidrs=list(around.cidrs))
    target = _target(spec, port)
    pods = spec.get("selector")
    if not pods:
        return _listed(name, around, space, service) or Door(name, port, cidrs=list(around.cidrs))
    number = target if isinstance(target, int) else _called(around.context, space, pods, target)
    return Door(name, number or port, pods=pods, namespace=elsewhere, any_port=number is None)


def problems(spec: PlatformSpec, around: Around) -> Iterator[Problem]:
    """Refuse parts beyond a private network of which nobody said where they are: the whole internet would be open."""
    if spec.network is None:
        return
    given = spec.existing
    addresses = {
        "existing.object_store.url": given.object_store.url if given.object_store else None,
        "existing.database.host": f"postgresql://{given.database.host}" if given.database else None,
        "existing.metrics": given.metrics,
    }
    yield from named({field: url for field, url in addresses.items() if url}, around)


def named(addresses: Mapping[str, object], around: Around) -> Iterator[Problem]:
    """Refuse addresses beyond the cluster that no range is named for."""
    for field, url in addresses.items():
        if around.cidrs:
            continue
        told = "an address that is not known yet" if is_deferred(url) else repr(url)
        if is_deferred(url) or _beyond(door("", str(url), around)):
            yield Problem(
                field,
                f"{told} is outside of the cluster, and the platform is private: name the ranges of what is outside, "
                "existing={'cidrs': ['192.0.2.0/24']}",
            )


def _beyond(found: Door) -> bool:
    return found.pods is None and found.namespace is None and not found.cidrs


def _inside(host: str, around: Around) -> tuple[str, str] | None:
    """Return namespace and name of the Service that a host name means, if it means one."""
    labels = host.split(".")
    if _literal(host):
        return None
    if len(labels) == 1:
        return around.namespace, labels[0]
    if labels[_SERVICE : _SERVICE + 1] == ["svc"] and labels[_SERVICE + 1 :] in ([], ["cluster", "local"]):
        return labels[1], labels[0]
    if len(labels) == _SERVICE:
        # It may be a domain as well: the cluster tells.
        asked = live.cluster(around.context) is not None
        return None if asked and _service(around.context, labels[1], labels[0]) is None else (labels[1], labels[0])
    return None


def _literal(host: str) -> list[str]:
    """Write an address that is a number as the range of itself."""
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        return []
    return [f"{found}/{found.max_prefixlen}"]


def _service(context: str | None, namespace: str, name: str) -> Any:
    return _read(context, f"/api/v1/namespaces/{namespace}/services/{name}")


def _read(context: str | None, path: str, **query: str) -> Any:
    """Read what may be read; None where it is not there, or not for these eyes."""
    cluster = live.cluster(context)
    if cluster is None:
        return None
    try:
        return private.once(f"{context} {path} {query}", lambda: cluster.get(path, **query))
    except MlopsError:
        return None


def _target(spec: Mapping[str, Any], port: int) -> int | str:
    ports = spec.get("ports") or [{"port": port}]
    chosen = next((one for one in ports if one["port"] == port), ports[0])
    found: int | str = chosen.get("targetPort", chosen["port"])
    return found


def _called(context: str | None, namespace: str, pods: Mapping[str, str], word: str) -> int | None:
    """Return the number of a port that a Service knows by its name only, if a pod says it."""
    selector = ",".join(f"{key}={value}" for key, value in pods.items())
    listed = _read(context, f"/api/v1/namespaces/{namespace}/pods", labelSelector=selector) or {}
    containers = (one for pod in listed.get("items", []) for one in pod["spec"]["containers"])
    numbers = (port["containerPort"] for one in containers for port in one.get("ports", []) if port.get("name") == word)
    return next((int(number) for number in numbers), None)


def _listed(name: str, around: Around, namespace: str, service: str) -> Door | None:
    """Return the addresses that somebody wrote down for a Service without pods of its own."""
    found = _addresses(around.context, namespace, service)
    return Door(name, found[0][1], cidrs=sorted({cidr for cidr, _ in found})) if found else None


def _addresses(context: str | None, namespace: str, service: str) -> list[tuple[str, int]]:
    query = {"labelSelector": f"kubernetes.io/service-name={service}"}
    slices = _read(context, _ENDPOINTS.format(namespace), **query) or {}
    return [
        (cidr, int(port["port"]))
        for one in slices.get("items", [])
        for port in one.get("ports") or []
        for endpoint in one.get("endpoints") or []
        for address in endpoint.get("addresses", [])
        for cidr in _literal(address)
    ]


def api_server(context: str | None) -> tuple[tuple[str, tuple[int, ...]], ...]:
    """Return ranges and ports of the API server, before and behind its Service; none where nobody can be asked."""
    addresses = _addresses(context, "default", "kubernetes")
    if not addresses:
        return ()
    service = _service(context, "default", "kubernetes")
    spec = service["spec"] if service else {}
    own = [cidr for one in spec.get("clusterIPs") or [spec.get("clusterIP", "")] for cidr in _literal(one)]
    found: dict[str, set[int]] = {}
    for cidr, port in [*addresses, *((cidr, 443) for cidr in own)]:
        found.setdefault(cidr, set()).add(port)
    return tuple((cidr, tuple(sorted(ports))) for cidr, ports in sorted(found.items()))


def usual_api_ports() -> Iterable[int]:
    """Return where API servers listen, for clusters that do not tell."""
    return _API_PORTS


def has_cilium(context: str | None) -> bool:
    """Tell whether Cilium judges the policies of a cluster: it knows the API server and nodes by no address."""
    kinds = live.served(context, "cilium.io/v2") or {}
    return any(kind["kind"] == "CiliumNetworkPolicy" for kind in kinds.get("resources", []))
