"""A cluster of the sandbox as `kubectl` and the Python client see it."""

import base64
import re
from collections.abc import Iterator, Mapping
from typing import Any

from kubernetes import client, config
from kubernetes.dynamic import DynamicClient
from kubernetes.dynamic.exceptions import NotFoundError
from kubernetes.utils.quantity import parse_quantity

from pulumi_mlops_sandbox.environment import Sandbox
from pulumi_mlops_sandbox.stack import Stack, inventory
from support.e2e.outside import resources

_QUANTITY = re.compile(r"\d+(\.\d+)?(m|k|[KMGT]i?)?")


class Cluster:
    """One cluster."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.kubeconfig = sandbox.home / "kubeconfig"
        self.url = next(status.url for status in sandbox.status() if status.name == "kubernetes" and status.url)
        self.api = config.new_client_from_config(str(self.kubeconfig))
        self.dynamic = DynamicClient(self.api)

    def everything(self) -> dict[str, list[str]]:
        """List all objects of all kinds, but for what an empty cluster has."""
        return inventory(self.url)

    def kind(self, api_version: str, kind: str) -> Any:
        """Return the resource of a kind, for get, patch and the like."""
        return self.dynamic.resources.get(api_version=api_version, kind=kind)

    def get(self, api_version: str, kind: str, name: str, namespace: str | None = None) -> dict[str, Any] | None:
        """Read an object."""
        try:
            found: dict[str, Any] = self.kind(api_version, kind).get(name=name, namespace=namespace).to_dict()
        except NotFoundError:
            return None
        return found

    def secret(self, namespace: str, name: str) -> dict[str, str]:
        """Read the values of a Secret."""
        found = self.get("v1", "Secret", name, namespace)
        assert found, name
        return {key: base64.b64decode(value).decode() for key, value in found["data"].items()}

    def token(self, namespace: str, account: str) -> str:
        """Ask for a token of a service account, as a pod of its would get it."""
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 600}}
        made = client.CoreV1Api(self.api).create_namespaced_service_account_token(account, namespace, body)
        return str(made.status.token)

    def as_account(self, namespace: str, account: str) -> "Account":
        """Act as a service account."""
        return Account(self, self.token(namespace, account), account)


Pods = tuple[str, Mapping[str, str]]
"""Pods by their namespace and labels."""


class Ways:
    """The ways through the network of a cluster, as its network policies say."""

    def __init__(self, cluster: Cluster) -> None:
        found = cluster.kind("networking.k8s.io/v1", "NetworkPolicy").get().to_dict()["items"]
        self.policies = [(one["metadata"]["namespace"], one["spec"]) for one in found]

    def lead(self, caller: Pods, called: Pods, port: int) -> bool:
        """Say whether pods reach a port of other pods: out of the one's namespace, and into the other's."""
        return self._open("egress", caller, called, port) and self._open("ingress", called, caller, port)

    def doors(self) -> Iterator[tuple[Pods, int]]:
        """Name the ports that a policy opens to anybody, with the pods behind each."""
        for where, spec in self.policies:
            for rule in spec.get("ingress", []):
                yield from (((where, spec["podSelector"]["matchLabels"]), one["port"]) for one in rule["ports"])

    def _open(self, way: str, here: Pods, there: Pods, port: int) -> bool:
        (space, labels), peers = here, {"egress": "to", "ingress": "from"}[way]
        about = [
            spec
            for where, spec in self.policies
            if where == space and way.capitalize() in spec["policyTypes"] and _selects(spec["podSelector"], labels)
        ]
        return not about or any(
            any(_is_peer(peer, space, there) for peer in rule[peers])
            and any(one["port"] == port for one in rule["ports"])
            for spec in about
            for rule in spec.get(way, [])
        )


def _is_peer(peer: Mapping[str, Any], space: str, pods: Pods) -> bool:
    if "ipBlock" in peer:
        return False  # addresses outside of the cluster
    where, labels = pods
    named = {"kubernetes.io/metadata.name": where}
    inside = _selects(peer["namespaceSelector"], named) if "namespaceSelector" in peer else where == space
    return inside and _selects(peer.get("podSelector", {}), labels)


def _selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    assert not set(selector) - {"matchLabels"}, selector
    return selector.get("matchLabels", {}).items() <= labels.items()


class Account:
    """A service account, by its own token and nothing else."""

    def __init__(self, cluster: Cluster, token: str, name: str) -> None:
        self.name = name
        admin = cluster.api.configuration
        own = client.Configuration()
        own.host, own.ssl_ca_cert = admin.host, admin.ssl_ca_cert
        own.api_key = {"BearerToken": f"Bearer {token}", "authorization": f"Bearer {token}"}
        self.api = client.ApiClient(own)

    def rights(self, namespace: str) -> set[tuple[str, str, str, str]]:
        """List all that it may do in a namespace: verb, group, resource, name; an empty name stands for all."""
        body = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectRulesReview"}
        asked = client.AuthorizationV1Api(self.api)
        answer = asked.create_self_subject_rules_review({**body, "spec": {"namespace": namespace}})
        assert not answer.status.incomplete
        return {
            (verb, group, resource, name)
            for rule in answer.status.resource_rules
            for verb in rule.verbs
            for group in rule.api_groups
            for resource in rule.resources
            for name in rule.resource_names or [""]
        }

    def tries(self, verb: str, group: str, resource: str, name: str, namespace: str) -> int:
        """Do something, without effect where it would have one, and say how it was answered."""
        version = {"serving.kserve.io": "v1beta1"}.get(group, "v1")
        root = f"/apis/{group}/{version}" if group else "/api/v1"
        path = f"{root}/namespaces/{namespace}/{resource}" + (f"/{name}" if name else "")
        if verb in ("get", "list"):
            return self.status_of("GET", path)
        method, body = {"patch": ("PATCH", {"metadata": {"annotations": {"tried": "yes"}}}), "delete": ("DELETE", {})}[
            verb
        ]
        content = "application/merge-patch+json" if verb == "patch" else "application/json"
        return self.status_of(method, f"{path}?dryRun=All", body, content)

    def status_of(self, method: str, path: str, body: object = None, content: str = "application/json") -> int:
        """Send a request and say how it was answered."""
        headers = {"Authorization": self.api.configuration.api_key["authorization"], "Content-Type": content}
        answer = self.api.rest_client.request(
            method, f"{self.api.configuration.host}{path}", headers=headers, body=body
        )
        answer.read()
        return int(answer.status)


def objects(stack: Stack) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield name and inputs of everything of Kubernetes in a stack's state."""
    for resource in resources(stack):
        if resource.get("custom") and resource["type"].startswith("kubernetes:"):
            yield resource["urn"].rsplit("::", 1)[-1], resource["inputs"]


def differences(said: Any, found: Any, path: str = "") -> Iterator[str]:
    """Name what the stack says and the cluster has not; what the cluster adds is its own business."""
    if isinstance(said, Mapping) and "4dabf18193072939515e22adb298388d" in said:
        return  # a secret, whose value the state holds encrypted
    if isinstance(said, Mapping):
        theirs = found if isinstance(found, Mapping) else {}
        for key, value in said.items():
            if key in theirs:
                yield from differences(value, theirs[key], f"{path}.{key}")
            elif not key.startswith("__") and value not in ({}, [], None):
                yield f"{path}.{key}: not there"
    elif isinstance(said, list):
        if not isinstance(found, list) or len(found) != len(said):
            yield f"{path}: {found!r} is not {said!r}"
            return
        for index, (mine, theirs) in enumerate(zip(said, found, strict=True)):
            yield from differences(mine, theirs, f"{path}[{index}]")
    elif said != found and not _same_quantity(said, found):
        yield f"{path}: {found!r} is not {said!r}"


def _same_quantity(one: Any, other: Any) -> bool:
    if not (isinstance(one, str) and isinstance(other, str) and _QUANTITY.fullmatch(one)):
        return False
    return bool(parse_quantity(one) == parse_quantity(other))
