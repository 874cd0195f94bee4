"""`stacks/kubernetes` is deployed by an account that has the role of docs/credentials.md and no other right."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pulumi_mlops_sandbox.environment import Sandbox
from pulumi_mlops_sandbox.kubernetes.registry import Registry, serving
from pulumi_mlops_sandbox.stack import Stack
from support.e2e.deployer import ACCOUNT, SPACE, bound, deployer
from support.e2e.inside import Cluster
from support.e2e.outside import shown, succeeded

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1800)]  # a whole stack, on a machine that may be busy


@pytest.fixture
def planes() -> tuple[str, ...]:
    return ("kubernetes",)


@pytest.fixture
def registry(empty_sandbox: Sandbox) -> Iterator[Registry]:
    with serving(empty_sandbox) as found:
        yield found


@pytest.fixture
def kubeconfig(empty_sandbox: Sandbox, cluster_inside: Cluster, tmp_path: Path) -> Path:
    return deployer(cluster_inside, empty_sandbox.home / "kubeconfig", tmp_path)


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
    cluster_inside.kind("rbac.authorization.k8s.io/v1", "ClusterRoleBinding").delete(name=bound(SPACE))
    stack = stack_of("stacks/kubernetes")
    stack.configure(**{"kubernetes:kubeconfig": str(kubeconfig)})
    refused = stack.up()
    assert refused.code != 0
    assert "does not let this program read /api/v1/namespaces/churn-dev" in refused.output
    assert cluster_inside.get("v1", "Namespace", "churn-dev") is None
