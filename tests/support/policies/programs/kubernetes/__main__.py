"""Programs of plain objects of Kubernetes: `CASE` names one, and with `BAD` it has one mistake."""

import os
from typing import Any

import pulumi_kubernetes as k8s

BAD = bool(os.environ.get("BAD"))
LABELS = {"owner": "ml", "app.kubernetes.io/part-of": "churn"}


def named(name: str, **more: Any) -> Any:
    return {"name": name, "namespace": "default", "labels": LABELS, **more}


def server(*, root: bool = False, host: bool = False, image: str = "ghcr.io/acme/churn:3", env: Any = None) -> None:
    security: Any = {
        "run_as_non_root": not root,
        "allow_privilege_escalation": False,
        "capabilities": {"drop": ["ALL"]},
    }
    container: Any = {
        "name": "main",
        "image": image,
        "security_context": security,
        "resources": {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"memory": "1Gi"}},
        "readiness_probe": {"http_get": {"path": "/", "port": 8080}},
        "env": [env] if env else [],
    }
    volume: Any = {"name": "tmp", "host_path": {"path": "/var"}} if host else {"name": "tmp", "empty_dir": {}}
    pod: Any = {
        "automount_service_account_token": False,
        "security_context": {"seccomp_profile": {"type": "RuntimeDefault"}},
        "containers": [container],
        "volumes": [volume],
    }
    template: Any = {"metadata": {"labels": {"app": "churn"}}, "spec": pod}
    k8s.apps.v1.Deployment(
        "server",
        metadata=named("server"),
        spec={"replicas": 2, "selector": {"match_labels": {"app": "churn"}}, "template": template},
    )


def root() -> None:
    server(root=BAD)


def folder_of_the_machine() -> None:
    server(host=BAD)


def moving_image() -> None:
    server(image="ghcr.io/acme/churn:latest" if BAD else "ghcr.io/acme/churn:3")


def plain_secret() -> None:
    source = {"value_from": {"secret_key_ref": {"name": "keys", "key": "api"}}}
    server(env={"name": "API_KEY", **({"value": "abc"} if BAD else source)})


def administrator() -> None:
    kind, role = ("ClusterRole", "cluster-admin") if BAD else ("Role", "reader")
    subject: Any = {"kind": "ServiceAccount", "name": "work", "namespace": "default"}
    k8s.rbac.v1.RoleBinding(
        "bound",
        metadata=named("bound"),
        role_ref={"api_group": "rbac.authorization.k8s.io", "kind": kind, "name": role},
        subjects=[subject],
    )


def every_secret() -> None:
    names = {} if BAD else {"resource_names": ["keys"]}
    rule: Any = {"api_groups": [""], "resources": ["secrets"], "verbs": ["get"], **names}
    k8s.rbac.v1.Role("reads", metadata=named("reads"), rules=[rule])


def space(*, quota: bool = True, deny: bool = True) -> None:
    labels = {**LABELS, "pod-security.kubernetes.io/enforce": "restricted"}
    namespace = k8s.core.v1.Namespace("ml", metadata={"name": "plain-ml", "labels": labels})
    here = namespace.metadata.name
    if quota:
        k8s.core.v1.ResourceQuota(
            "quota", metadata={"name": "quota", "namespace": here}, spec={"hard": {"requests.cpu": "10"}}
        )
    if deny:
        k8s.networking.v1.NetworkPolicy(
            "deny",
            metadata={"name": "deny", "namespace": here},
            spec={"pod_selector": {}, "policy_types": ["Ingress", "Egress"]},
        )


def no_quota() -> None:
    space(quota=not BAD)


def nothing_denied() -> None:
    space(deny=not BAD)


globals()[os.environ["CASE"]]()
