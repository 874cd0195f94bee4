"""Who deploys on Kubernetes: an account with the role of docs/credentials.md, and no other right."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml
from kubernetes import client

from support.e2e.inside import Cluster
from support.e2e.outside import ROOT
from support.waiting import until

ACCOUNT, SPACE = "deployer", "ci"
"""Its name, and the namespace that it is in."""
_RIGHTS = "rbac.authorization.k8s.io/v1"


def rules(page: str) -> Any:
    """Read the role, or the rules, that a page of the docs has: the first of its examples in YAML."""
    written = re.search(r"^```yaml\n(.*?)^```$", (ROOT / "docs" / page).read_text(), re.MULTILINE | re.DOTALL)
    assert written, page
    return yaml.safe_load(written[1])


def deployer(
    cluster: Cluster, admins: Path, folder: Path, more: Iterable[dict[str, Any]] = (), space: str = SPACE
) -> Path:
    """Make the account and its role, with further rules, and a kubeconfig with its token.

    :param admins: the kubeconfig of the cluster's admin.
    :param space: the namespace of the account, by which role and binding are named: there may be several deployers.
    """
    role: dict[str, Any] = rules("credentials.md")
    role["rules"] += more
    role["metadata"]["name"] = bound(space)
    cluster.kind("v1", "Namespace").create(body={"metadata": {"name": space}})
    cluster.kind("v1", "ServiceAccount").create(body={"metadata": {"name": ACCOUNT}}, namespace=space)
    cluster.kind(_RIGHTS, "ClusterRole").create(body=role)
    subject = {"kind": "ServiceAccount", "name": ACCOUNT, "namespace": space}
    named = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": bound(space)}
    binding = {"metadata": {"name": bound(space)}, "roleRef": named, "subjects": [subject]}
    cluster.kind(_RIGHTS, "ClusterRoleBinding").create(body=binding)
    config = yaml.safe_load(admins.read_text())
    for user in config["users"]:
        user["user"] = {"token": _token(cluster, space)}
    path = folder / "kubeconfig"
    path.write_text(yaml.safe_dump(config))
    return path


def dismiss(cluster: Cluster, space: str = SPACE) -> None:
    """Take account, role and namespace away, and wait until they are: the next one has the same names."""
    cluster.kind(_RIGHTS, "ClusterRoleBinding").delete(name=bound(space))
    cluster.kind(_RIGHTS, "ClusterRole").delete(name=bound(space))
    core = client.CoreV1Api(cluster.api)
    core.delete_namespace(space)

    def gone() -> bool:
        return space not in {one.metadata.name for one in core.list_namespace().items}

    until(gone, f"the namespace {space} is gone", 300)


def bound(space: str) -> str:
    """Name the role of the account in a namespace, and its binding."""
    return f"{ACCOUNT}-{space}"


def _token(cluster: Cluster, space: str) -> str:
    """Ask for one that outlasts a whole stack."""
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 7200}}
    made = client.CoreV1Api(cluster.api).create_namespaced_service_account_token(ACCOUNT, space, body)
    return str(made.status.token)
