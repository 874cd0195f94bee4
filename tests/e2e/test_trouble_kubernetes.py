"""What goes wrong while a stack runs on Kubernetes, and that the next `up` recovers."""

import base64
import json
import os
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pulumi_mlops_sandbox.environment import Sandbox
from pulumi_mlops_sandbox.kubernetes.registry import Registry, serving
from pulumi_mlops_sandbox.stack import Stack
from support.e2e.inside import Cluster
from support.e2e.outside import reset, resources, shown, succeeded

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1800)]  # a whole stack, on a machine that may be busy
StackOf = Callable[..., Stack]

SECRET = "hunter2-the-token-nobody-may-see"
KILLS = 10


@pytest.fixture
def planes() -> tuple[str, ...]:
    return ("kubernetes",)


@pytest.fixture
def registry(empty_sandbox: Sandbox) -> Iterator[Registry]:
    with serving(empty_sandbox) as found:
        yield found


@pytest.mark.long
def test_a_killed_engine_leaves_nothing_behind(
    stack_of: StackOf, empty_sandbox: Sandbox, cluster_inside: Cluster, registry: Registry
) -> None:
    """Ten times the engine is killed when it has made something more; the up after that makes the rest."""
    whole, cluster = stack_of("stacks/kubernetes"), cluster_inside
    registry.approve("churn", registry.register("churn"))
    before = cluster.everything()
    for done in range(KILLS):
        kill_engine_after(empty_sandbox, whole.folder, created=done * 3 % 7 + 1)
    succeeded(whole.up())
    succeeded(whole.up())  # the registry stands now, and with it the approved version's endpoint
    assert shown(whole.up()) == []
    assert whole.outputs()["status"] == "live"
    urns = [resource["urn"] for resource in resources(whole)]
    assert len(urns) == len(set(urns)), "something is there twice"
    succeeded(whole.destroy())
    assert cluster.everything() == before


def kill_engine_after(sandbox: Sandbox, folder: Path, created: int) -> None:
    """Start `pulumi up` and kill the engine, by its own number, when it says that it has created that many."""
    command = ["pulumi", "up", "--yes", "--skip-preview", "-s", "dev", "--non-interactive", "--color", "never"]
    process = subprocess.Popen(
        command, cwd=folder, env=sandbox.environ(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert process.stdout is not None
    seen, said = 0, ""
    for line in process.stdout:
        said += line
        seen += bool(re.search(r"(kubernetes|random):\S+ \S+ created", line))
        if seen >= created:
            os.kill(process.pid, signal.SIGKILL)
            break
    process.stdout.close()
    assert process.wait() in (-signal.SIGKILL, 0), said


def test_secrets_are_nowhere_in_clear(
    stack_of: StackOf, empty_sandbox: Sandbox, cluster_inside: Cluster, registry: Registry
) -> None:
    """Neither the user's secret, nor a generated one, as it is or in base64, but in Secrets."""
    stack, cluster = stack_of("stacks/kubernetes"), cluster_inside
    stack.configure_secret("hub_token", SECRET)
    registry.approve("churn", registry.register("churn"))
    said = [stack.preview("--diff").output, succeeded(stack.up()).output, stack.preview("--diff").output]
    said += [succeeded(stack.up("--diff")).output, stack.refresh().output, stack.export(), json.dumps(stack.outputs())]
    said += [json.dumps(empty_sandbox.env()), empty_sandbox.shell()]
    generated = [
        cluster.secret("churn-dev", name)[key]
        for name, key in (("churn-store-writer", "AWS_SECRET_ACCESS_KEY"), ("models-mlflow", "password"))
    ]
    for kind in ("Deployment", "StatefulSet", "Job", "CronJob", "ConfigMap", "InferenceService", "Pod"):
        versions = {"Job": "batch/v1", "CronJob": "batch/v1", "ConfigMap": "v1", "Pod": "v1"}
        version = versions.get(kind, "serving.kserve.io/v1beta1" if kind == "InferenceService" else "apps/v1")
        said.append(json.dumps(cluster.kind(version, kind).get(namespace="churn-dev").to_dict()))
    # All but the API server's own store, where Secrets are.
    files = [path for path in empty_sandbox.home.rglob("*") if path.is_file() and "etcd" not in path.parts]
    files += [path for path in stack.folder.rglob("*") if path.is_file()]
    for value in (SECRET, *generated):
        for text in (value, base64.b64encode(value.encode()).decode()):
            assert [words[:200] for words in said if text in words] == []
            assert [path for path in files if text.encode() in path.read_bytes()] == []


@pytest.mark.parametrize(
    ("server", "says"),
    [
        ("https://127.0.0.1:9", "does not answer: .*Connection refused"),
        (None, "gives no way to a cluster"),
    ],
)
def test_a_cluster_that_is_down_is_one_line(
    server: str | None, says: str, stack_of: StackOf, empty_sandbox: Sandbox, tmp_path: Path
) -> None:
    stack = stack_of("stacks/kubernetes")
    elsewhere = tmp_path / "kubeconfig"
    if server:
        text = (empty_sandbox.home / "kubeconfig").read_text()
        elsewhere.write_text(re.sub(r"https://127\.0\.0\.1:\d+", server, text))
    done = empty_sandbox.run(
        ["pulumi", "preview", "-s", "dev", "--non-interactive", "--color", "never"],
        cwd=stack.folder,
        KUBECONFIG=str(elsewhere),
    )
    assert done.returncode != 0
    assert re.search(says, done.stdout + done.stderr), done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_a_namespace_of_somebody_else_is_left_alone(stack_of: StackOf, cluster_inside: Cluster) -> None:
    cluster_inside.kind("v1", "Namespace").create(body={"metadata": {"name": "churn-dev"}})
    before = cluster_inside.everything()
    refused = stack_of("stacks/kubernetes").preview()
    assert refused.code != 0
    assert "namespace 'churn-dev' is there and is not one of ours" in refused.output
    assert "Traceback" not in refused.output
    assert "1 errored" in refused.output
    assert " created" not in refused.output
    assert cluster_inside.everything() == before


@pytest.fixture
def without_postgres(cluster_inside: Cluster) -> Iterator[None]:
    """Take away what the sandbox's cluster has from the start; only a reset brings it back."""
    definitions = cluster_inside.kind("apiextensions.k8s.io/v1", "CustomResourceDefinition")
    definitions.delete(name="clusters.postgresql.cnpg.io")
    yield
    reset(cluster_inside.url)


@pytest.mark.usefixtures("without_postgres")
def test_operators_that_are_missing_are_listed(stack_of: StackOf) -> None:
    refused = stack_of("stacks/kubernetes").up()
    assert refused.code != 0
    assert "CloudNativePG 1.26 or newer, which runs Postgres: there is no Cluster" in refused.output
    assert "helm install cloudnative-pg" in refused.output
    assert "Traceback" not in refused.output
    assert "1 errored" in refused.output
    assert " created" not in refused.output
