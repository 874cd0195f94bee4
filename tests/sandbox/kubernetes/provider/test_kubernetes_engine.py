"""A program with the real engine: up, nothing to do, edits, drift, a conflict, destroy."""

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
from kubernetes.dynamic import DynamicClient

from pulumi_mlops_sandbox.environment import Sandbox

PROGRAM = """
    import pulumi
    import pulumi_kubernetes as kubernetes
    import pulumi_random as random

    config = pulumi.Config()
    cluster = kubernetes.Provider("cluster", context="sandbox", enable_config_map_mutable=True)
    opts = pulumi.ResourceOptions(provider=cluster)
    space = kubernetes.core.v1.Namespace("space", opts=opts)
    namespace = space.metadata["name"]
    password = random.RandomPassword("password", length=20, special=False)
    secret = kubernetes.core.v1.Secret(
        "secret", metadata={"namespace": namespace}, string_data={"password": password.result}, opts=opts
    )
    settings = kubernetes.core.v1.ConfigMap(
        "settings",
        metadata={"namespace": namespace, "name": "settings"},
        data={"level": config.require("level")},
        opts=opts,
    )
    labels = {"app": "web"}
    container = {
        "name": "main",
        "image": "registry.example/web:1",
        "resources": {"requests": {"cpu": "1000m"}},
        "env": [{"name": "P", "value_from": {"secret_key_ref": {"name": secret.metadata["name"], "key": "password"}}}],
    }
    kubernetes.apps.v1.Deployment(
        "web",
        metadata={"namespace": namespace, "name": "web"},
        spec={
            "replicas": config.require_int("replicas"),
            "selector": {"match_labels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
        opts=opts,
    )
    kubernetes.apiextensions.CustomResource(
        "model",
        api_version="serving.kserve.io/v1beta1",
        kind="InferenceService",
        metadata={"namespace": namespace, "annotations": {"pulumi.com/waitFor": "condition=Ready"}},
        spec={"predictor": {"model": {"modelFormat": {"name": "sklearn"}, "storageUri": "s3://bucket/model"}}},
        opts=opts,
    )
    pulumi.export("namespace", namespace)
    pulumi.export("password", password.result)
"""


class Runs:
    """Runs of the engine on one project."""

    def __init__(self, cluster: Sandbox, folder: Path) -> None:
        self.cluster, self.folder = cluster, folder

    def __call__(self, *arguments: str, code: int = 0) -> CompletedProcess[str]:
        command = ["pulumi", *arguments, "--color", "never"]
        done = self.cluster.run(command, cwd=self.folder, planes=["kubernetes"])
        assert done.returncode == code, f"{done.stdout}\n{done.stderr}"
        return done

    def set(self, **settings: str) -> None:
        pairs = [word for name, value in settings.items() for word in ("--plaintext", f"{name}={value}")]
        self("config", "set-all", *pairs)

    def outputs(self) -> Any:
        return json.loads(self("stack", "output", "--json", "--show-secrets").stdout)


@pytest.mark.long
@pytest.mark.e2e
def test_a_program(cluster: Sandbox, client: DynamicClient, project: Callable[..., Path]) -> None:
    run = Runs(cluster, project(PROGRAM))
    run("stack", "init", "dev")
    run.set(level="info", replicas="2")
    assert "8 to create" in run("preview").stdout
    run("up", "--yes", "--skip-preview")
    outputs = run.outputs()
    namespace, password = outputs["namespace"], outputs["password"]
    for arguments in (("up", "--yes"), ("refresh", "--yes"), ("up", "--yes", "--skip-preview")):
        assert "8 unchanged" in run(*arguments).stdout
    assert password not in run("stack", "export").stdout

    deployments = client.resources.get(api_version="apps/v1", kind="Deployment")
    assert deployments.get(name="web", namespace=namespace).status.availableReplicas == 2

    run.set(level="debug", replicas="3")
    shown = run("preview", "--diff").stdout
    assert 'level: "info" => "debug"' in shown
    assert "replicas: 2 => 3" in shown
    assert "~ 2 updated" in run("up", "--yes", "--skip-preview").stdout

    maps = client.resources.get(api_version="v1", kind="ConfigMap")
    maps.delete(name="settings", namespace=namespace)
    patch = {"metadata": {"name": "web"}, "spec": {"replicas": 1}}
    deployments.patch(patch, namespace=namespace, content_type="application/merge-patch+json", field_manager="somebody")
    refreshed = run("refresh", "--yes").stdout
    assert "~ 1 updated" in refreshed
    assert "- 1 deleted" in refreshed
    said = run("up", "--yes", "--skip-preview", code=1).stdout
    assert '.spec.replicas belongs to field manager "somebody"' in said
    assert deployments.get(name="web", namespace=namespace).spec.replicas == 1
    run.set(replicas="1")
    assert "8 unchanged" in run("up", "--yes", "--skip-preview").stdout

    run("destroy", "--yes", "--skip-preview", "--remove")
    spaces = client.resources.get(api_version="v1", kind="Namespace").get()
    assert namespace not in [item.metadata.name for item in spaces.items]
