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
_RIGHTS = "rbac.authorization.k8s.io/v1"


def rules(page: str) -> Any:
    """Read the role, or the rules, that a page of the docs has: the first of its examples in YAML."""
    written = re.search(r"^```yaml\n(.*?)^```$", (ROOT / "docs" / page).read_text(), re.MULTILINE | re.DOTALL)
    assert written, page
    return yaml.safe_load(written[1])


def deployer(cluster: Cluster, admins: Path, folder: Path, more: Iterable[dict[str, Any]] = ()) -> Path:
    """Make the account and its role, with further rules, and a kubeconfig with its token.

    :param admins: the kubeconfig of the cluster's admin.
    """
    role: dict[str, Any] = rules("credentials.md")
    role["rules"] += more
    cluster.kind("v1", "Namespace").create(body={"metadata": {"name": SPACE}})
    cluster.kind("v1", "ServiceAccount").create(body={"metadata": {"name": ACCOUNT}}, namespace=SPACE)
    cluster.kind(_RIGHTS, "ClusterRole").create(body=role)
    subject = {"kind": "ServiceAccount", "name": ACCOUNT, "namespace": SPACE}
    named = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role["metadata"]["name"]}
    binding = {"metadata": {"name": ACCOUNT}, "roleRef": named, "subjects": [subject]}
    cluster.kind(_RIGHTS, "ClusterRoleBinding").create(body=binding)
    config = yaml.safe_load(admins.read_text())
    for user in config["users"]:
        user["user"] = {"token": _token(cluster)}
    path = folder / "kubeconfig"
    path.write_text(yaml.safe_dump(config))
    return path


def dismiss(cluster: Cluster) -> None:
    """Take account, role and namespace away, and wait until they are: the next one has the same names."""
    cluster.kind(_RIGHTS, "ClusterRoleBinding").delete(name=ACCOUNT)
    cluster.kind(_RIGHTS, "ClusterRole").delete(name=rules("credentials.md")["metadata"]["name"])
    core = client.CoreV1Api(cluster.api)
    core.delete_namespace(SPACE)

    def gone() -> bool:
        return SPACE not in {one.metadata.name for one in core.list_namespace().items}

    until(gone, f"the namespace {SPACE} is gone", 300)


def _token(cluster: Cluster) -> str:
    """Ask for one that outlasts a whole stack."""
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 7200}}
    made = client.CoreV1Api(cluster.api).create_namespaced_service_account_token(ACCOUNT, SPACE, body)
    return str(made.status.token)
