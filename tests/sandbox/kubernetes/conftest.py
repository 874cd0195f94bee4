"""The cluster by its official client, and a namespace for each test."""

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
import yaml
from kubernetes import client, config, dynamic
from kubernetes.client.exceptions import ApiException

from pulumi_mlops_sandbox.environment import Sandbox

Apply = Callable[[str], Callable[[], Any]]
Until = Callable[[Callable[[], Any]], Any]


@pytest.fixture(scope="session")
def api(cluster: Sandbox) -> Iterator[client.ApiClient]:
    with config.new_client_from_config(cluster.env()["KUBECONFIG"]) as found:
        yield found


@pytest.fixture(scope="session")
def kinds(api: client.ApiClient) -> dynamic.DynamicClient:
    return dynamic.DynamicClient(api)


@pytest.fixture
def core(api: client.ApiClient) -> client.CoreV1Api:
    return client.CoreV1Api(api)


@pytest.fixture
def namespace(core: client.CoreV1Api) -> Iterator[str]:
    """Make a namespace, and delete it without waiting until it is gone."""
    name = f"test-{secrets.token_hex(4)}"
    core.create_namespace({"metadata": {"name": name}})
    yield name
    with suppress(ApiException):  # a test may have deleted it
        core.delete_namespace(name)


@pytest.fixture
def until() -> Until:
    """Wait until a condition holds; return what it returned."""

    def wait(condition: Callable[[], Any], within: float = 90.0) -> Any:
        deadline = time.monotonic() + within
        while not (found := condition()):
            assert time.monotonic() < deadline, "it did not come to pass"
            time.sleep(0.05)
        return found

    return wait


@pytest.fixture
def apply(kinds: dynamic.DynamicClient, namespace: str) -> Apply:
    """Apply a manifest to the test's namespace, and return a function that reads the object again."""

    def make(text: str) -> Callable[[], Any]:
        manifest = yaml.safe_load(text)
        resource = kinds.resources.get(api_version=manifest["apiVersion"], kind=manifest["kind"])
        name = manifest["metadata"]["name"]
        where = {"namespace": namespace} if resource.namespaced else {}
        resource.server_side_apply(manifest, name=name, field_manager="test", force_conflicts=True, **where)
        return lambda: resource.get(name=name, **where).to_dict()

    return make
