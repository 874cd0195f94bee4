"""Every example that needs a cluster is run: up, unchanged, down without a trace."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pulumi_mlops_sandbox.environment import Sandbox
from pulumi_mlops_sandbox.kubernetes.registry import Registry, serving
from pulumi_mlops_sandbox.stack import Stack
from support.e2e.inside import Cluster
from support.e2e.outside import Cloud, shown, succeeded

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1800)]  # a whole stack, on a machine that may be busy
StackOf = Callable[..., Stack]
TOKEN = "hf_not-in-any-state"


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


@pytest.fixture
def registry(empty_sandbox: Sandbox) -> Iterator[Registry]:
    with serving(empty_sandbox) as found:
        yield found


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


def test_language_model(stack_of: StackOf, cluster_inside: Cluster, registry: Registry) -> None:
    """The folder is served first, then by the same program a version of the registry, with the image of its own."""
    stack = stack_of("examples/language_model", "kubernetes")
    stack.configure_secret("hub_token", TOKEN)
    assert set(succeeded(stack.up()).counts) == {"create"}
    assert shown(stack.up()) == []
    assert shown(stack.refresh()) == []
    assert_vllm(stack, cluster_inside, stack.get("weights"))

    stack.configure(version=str(registry.register("llama")))
    assert {step.split()[0] for step in shown(stack.up())} == {"create", "update", "delete"}
    assert shown(stack.up()) == []
    assert shown(stack.refresh()) == []
    assert_vllm(stack, cluster_inside, "s3://artifacts/mlflow/")
    assert TOKEN not in stack.export()

    registry.forget()
    assert set(succeeded(stack.destroy()).counts) == {"delete"}


def assert_vllm(stack: Stack, cluster: Cluster, files: str) -> None:
    """Find vLLM served in the one revision that is left, as the program says."""
    (found,) = cluster.kind("serving.kserve.io/v1beta1", "InferenceService").get(namespace="assistant-dev").items
    predictor: dict[str, Any] = found.to_dict()["spec"]["predictor"]
    (container,) = predictor["containers"]
    environment = {variable["name"]: variable.get("value") for variable in container["env"]}
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    volumes = {volume["name"]: volume for volume in predictor["volumes"]}
    (uri,) = predictor["storageUris"]
    assert uri["uri"].startswith(files)
    assert uri["mountPath"] == container["command"][2]
    assert container["image"] == stack.get("image")
    assert container["ports"][0]["containerPort"] == 8000
    assert container["readinessProbe"]["httpGet"] == {"path": "/health", "port": 8000}
    assert container["resources"]["limits"]["nvidia.com/gpu"] == "1"
    assert predictor["timeout"] == 300
    assert volumes["shared-memory"]["emptyDir"] == {"medium": "Memory", "sizeLimit": "16Gi"}
    assert mounts["shared-memory"] == "/dev/shm"  # noqa: S108 (where programs look for it)
    (source,) = volumes["secrets"]["projected"]["sources"]
    (item,) = source["secret"]["items"]
    assert environment["HF_TOKEN_PATH"] == f"{mounts['secrets']}/{item['path']}"
    assert environment["MLOPS_SECRET_HUB_TOKEN"] == f"file://{environment['HF_TOKEN_PATH']}"
    assert cluster.secret("assistant-dev", source["secret"]["name"])[item["key"]] == TOKEN
