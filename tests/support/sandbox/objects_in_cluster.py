"""Objects for the tests, made and looked at."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import grpc
import pytest
from kubernetes.dynamic import DynamicClient
from kubernetes.dynamic.exceptions import NotFoundError

from pulumi_mlops_sandbox.provider.contract import Values
from pulumi_mlops_sandbox.provider.diagnostics import Diagnostics
from pulumi_mlops_sandbox.provider.values import plain, receive
from support.engine_calls import Engine

LABELS = {"app": "web"}
DEPLOYMENT: Mapping[str, Any] = {
    "replicas": 2,
    "selector": {"matchLabels": LABELS},
    "template": {
        "metadata": {"labels": LABELS},
        "spec": {
            "containers": [
                {
                    "name": "main",
                    "image": "registry.example/web:1",
                    "args": ["serve"],
                    "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
                    "ports": [{"containerPort": 8080}],
                    "resources": {"requests": {"cpu": "1000m", "memory": "1024Mi"}, "limits": {"memory": "2Gi"}},
                    "volumeMounts": [{"name": "scratch", "mountPath": "/tmp", "readOnly": False}],  # noqa: S108
                }
            ],
            "volumes": [{"name": "scratch", "emptyDir": {}}],
        },
    },
}
JOB: Mapping[str, Any] = {
    "backoffLimit": 0,
    "template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "main", "image": "registry.example/j:1"}]}},
}
MODEL: Mapping[str, Any] = {
    "predictor": {"minReplicas": 1, "model": {"modelFormat": {"name": "sklearn"}, "storageUri": "s3://bucket/model"}}
}
FAIL = "sandbox.pulumi-mlops/fail"


class Recorder(Diagnostics):
    """Keeps the warnings."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []

    def warn(self, message: str, urn: str) -> None:  # noqa: ARG002 - the signature of what it stands for
        self.said.append(message)


def urn(token: str, name: str = "it") -> str:
    return f"urn:pulumi:dev::p::kubernetes:{token}::{name}"


@dataclass
class Made:
    """An object that a test has made."""

    urn: str
    id: str
    inputs: Values
    state: Values


@dataclass
class Place:
    """A namespace, seen by the engine and by the Python client."""

    engine: Engine
    client: DynamicClient
    name: str

    def checked(self, token: str, inputs: Mapping[str, Any], name: str = "it", olds: Values | None = None) -> Values:
        metadata = {"namespace": self.name, **inputs.get("metadata", {})}
        found, failures = self.engine.check({**inputs, "metadata": metadata}, olds, urn(token, name))
        assert failures == {}
        return found

    def make(self, token: str, inputs: Mapping[str, Any], name: str = "it", *, timeout: float = 60) -> Made:
        checked = self.checked(token, inputs, name)
        object_id, state = self.engine.create(checked, urn(token, name), timeout=timeout)
        return Made(urn(token, name), object_id, checked, state)

    def change(self, made: Made, **top: Any) -> Values:
        """Return the inputs of an object with other ones."""
        return {**copy.deepcopy(made.inputs), **top}

    def update(self, made: Made, news: Values, *, ignore: tuple[str, ...] = ()) -> Values:
        made.state = self.engine.update(made.id, made.inputs, news, made.urn, ignore=ignore)
        made.inputs = news
        return plain(made.state)

    def delete(self, made: Made) -> None:
        self.engine.delete(made.id, made.inputs, made.urn)

    def refreshed(self, made: Made) -> Values | None:
        answer = self.engine.read(made.id, made.inputs, made.state, made.urn)
        return receive(answer.inputs) if answer.id else None

    def live(self, api_version: str, kind: str, name: str) -> dict[str, Any] | None:
        """Ask the Python client."""
        try:
            found = self.client.resources.get(api_version=api_version, kind=kind).get(name=name, namespace=self.name)
        except NotFoundError:
            return None
        return dict(found.to_dict())

    def meddle(self, api_version: str, kind: str, body: dict[str, Any], manager: str = "somebody") -> None:
        """Change an object behind Pulumi's back, as another field manager."""
        resource = self.client.resources.get(api_version=api_version, kind=kind)
        body = {"apiVersion": api_version, "kind": kind, **body}
        self.client.server_side_apply(resource, body, namespace=self.name, field_manager=manager, force_conflicts=True)


def refusal(call: Any, *arguments: Any, **options: Any) -> str:
    """Return what the provider says when it refuses."""
    with pytest.raises(grpc.RpcError) as caught:
        call(*arguments, **options)
    return str(caught.value.details())
