"""`stacks/kubernetes` is deployed by an account that has the role of docs/credentials.md and no other right."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from kubernetes import client

from pulumi_mlops_sandbox.environment import Sandbox
from pulumi_mlops_sandbox.kubernetes.registry import Registry, serving
from pulumi_mlops_sandbox.stack import Stack
from support.e2e.inside import Cluster
from support.e2e.outside import ROOT, shown, succeeded

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1800)]  # a whole stack, on a machine that may be busy

ACCOUNT, SPACE = "deployer", "ci"


@pytest.fixture
def planes() -> tuple[str, ...]:
    return ("kubernetes",)


@pytest.fixture
def registry(empty_sandbox: Sandbox) -> Iterator[Registry]:
    with serving(empty_sandbox) as found:
        yield found


@pytest.fixture
def kubeconfig(empty_sandbox: Sandbox, cluster_inside: Cluster, tmp_path: Path) -> Path:
    """Make the account and its role, and a kubeconfig with its token."""
    page = (ROOT / "docs" / "credentials.md").read_text()
    written = re.search(r"^```yaml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert written
    role = yaml.safe_load(written[1])
    rights = "rbac.authorization.k8s.io/v1"
    cluster_inside.kind("v1", "Namespace").create(body={"metadata": {"name": SPACE}})
    cluster_inside.kind("v1", "ServiceAccount").create(body={"metadata": {"name": ACCOUNT}}, namespace=SPACE)
    cluster_inside.kind(rights, "ClusterRole").create(body=role)
    cluster_inside.kind(rights, "ClusterRoleBinding").create(
        body={
            "metadata": {"name": ACCOUNT},
            "roleRef": {
                "apiGroup": "rbac.authorization.k8s.io",
                "kind": "ClusterRole",
                "name": role["metadata"]["name"],
            },
            "subjects": [{"kind": "ServiceAccount", "name": ACCOUNT, "namespace": SPACE}],
        }
    )
    config = yaml.safe_load((empty_sandbox.home / "kubeconfig").read_text())
    for user in config["users"]:
        user["user"] = {"token": token(cluster_inside)}
    path = tmp_path / "kubeconfig"
    path.write_text(yaml.safe_dump(config))
    return path


def token(cluster: Cluster) -> str:
    """Ask for one that outlasts a whole stack."""
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 3600}}
    made = client.CoreV1Api(cluster.api).create_namespaced_service_account_token(ACCOUNT, SPACE, body)
    return str(made.status.token)


@pytest.mark.long
def test_the_documented_role_is_enough(
    stack_of: Callable[..., Stack], kubeconfig: Path, cluster_inside: Cluster, registry: Registry
) -> None:
    stack = stack_of("stacks/kubernetes")
    stack.configure(**{"kubernetes:kubeconfig": str(kubeconfig)})
    assert "namespaces" in str(cluster_inside.as_account(SPACE, ACCOUNT).rights("default"))
    before = cluster_inside.everything()
    succeeded(stack.up())
    registry.approve("churn", registry.register("churn"))
    succeeded(stack.up())
    assert stack.outputs()["status"] == "live"
    stack.configure(cpus="3")
    succeeded(stack.up())
    assert shown(stack.refresh()) == []
    succeeded(stack.destroy())
    assert cluster_inside.everything() == before


def test_without_it_nothing_is_made(stack_of: Callable[..., Stack], kubeconfig: Path, cluster_inside: Cluster) -> None:
    cluster_inside.kind("rbac.authorization.k8s.io/v1", "ClusterRoleBinding").delete(name=ACCOUNT)
    stack = stack_of("stacks/kubernetes")
    stack.configure(**{"kubernetes:kubeconfig": str(kubeconfig)})
    refused = stack.up()
    assert refused.code != 0
    assert "does not let this program read /api/v1/namespaces/churn-dev" in refused.output
    assert cluster_inside.get("v1", "Namespace", "churn-dev") is None
