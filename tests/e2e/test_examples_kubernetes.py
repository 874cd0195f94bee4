"""Every example that needs a cluster is run: up, unchanged, down without a trace."""

from collections.abc import Callable, Iterator

import pytest

from pulumi_mlops_sandbox.environment import Sandbox
from pulumi_mlops_sandbox.stack import Stack
from support.e2e.inside import Cluster
from support.e2e.outside import Cloud, shown, succeeded

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1800)]  # a whole stack, on a machine that may be busy
StackOf = Callable[..., Stack]


@pytest.fixture
def planes(request: pytest.FixtureRequest) -> tuple[str, ...]:
    return ("aws", "kubernetes") if "two_platforms" in request.node.name else ("kubernetes",)


@pytest.fixture
def cluster_inside(empty_sandbox: Sandbox) -> Iterator[Cluster]:
    """Look at the cluster before and after: nothing is left."""
    cluster = Cluster(empty_sandbox)
    before = cluster.everything()
    yield cluster
    assert cluster.everything() == before


def lives_and_dies(stack: Stack) -> None:
    assert set(succeeded(stack.up()).counts) == {"create"}
    assert shown(stack.up()) == []
    assert shown(stack.refresh()) == []
    assert set(succeeded(stack.destroy()).counts) == {"delete"}


@pytest.mark.usefixtures("cluster_inside")
def test_model_on_kubernetes(stack_of: StackOf) -> None:
    stack = stack_of("examples/model_on_kubernetes")
    stack.configure(image="registry.example.com/vision/labels:1.0.0")
    lives_and_dies(stack)


@pytest.mark.usefixtures("cluster_inside")
def test_bring_your_own(stack_of: StackOf) -> None:
    stack = stack_of("examples/bring_your_own")
    stack.configure(access_key="AKEXAMPLE")
    stack.configure_secret("secret_key", "s3-secret")
    stack.configure_secret("database_password", "p@ss/word")
    lives_and_dies(stack)


@pytest.mark.usefixtures("cluster_inside")
def test_shared_platform(stack_of: StackOf) -> None:
    owner, user = stack_of("examples/shared_platform/owner"), stack_of("examples/shared_platform/user")
    owner.configure(backend="kubernetes")
    succeeded(owner.up())
    user.configure(platform_stack="organization/platform-owner/dev", image="registry.example.com/search/ranker:1.0.0")
    lives_and_dies(user)
    succeeded(owner.destroy())


@pytest.mark.usefixtures("cluster_inside")
def test_two_platforms(stack_of: StackOf, cloud: Cloud) -> None:
    before = cloud.everything()
    stack = stack_of("examples/two_platforms")
    lives_and_dies(stack)
    assert {kind: ids for kind, ids in cloud.everything().items() if "Pending" not in kind} == before
