"""What the cluster must have, asked before anything is registered."""

from typing import Any

import pytest

import pulumi_mlops as mlops
from pulumi_mlops.backends.kubernetes import live, operators
from pulumi_mlops.backends.kubernetes.operators import OPERATORS
from support.mocks import Cloud

CANARY = {"properties": {"spec": {"properties": {"canary": {}}}}}


class There:
    """A cluster that serves some groups, described as the API server does."""

    def __init__(self, *short: str, schema: dict[str, Any] | None = None) -> None:
        self.groups = {OPERATORS[one].provides: OPERATORS[one].kinds for one in short}
        self.schema = CANARY if schema is None else schema

    def get(self, path: str) -> dict[str, Any] | None:
        group_version = path.rsplit("/apis/", maxsplit=1)[-1]
        if group_version not in self.groups:
            return None
        kinds = self.groups[group_version]
        if path.startswith("/apis/"):
            return {"resources": [{"kind": kind} for kind in kinds]}
        group, _, version = group_version.partition("/")
        names = [{"group": group, "version": version, "kind": kind} for kind in kinds]
        return {"components": {"schemas": {"x": {**self.schema, "x-kubernetes-group-version-kind": names}}}}


@pytest.fixture
def cluster_with(monkeypatch: pytest.MonkeyPatch) -> Any:
    def put(there: There | None) -> None:
        live._schemas.cache_clear()
        monkeypatch.setattr(live, "cluster", lambda _: there)

    yield put
    live._schemas.cache_clear()


def test_what_is_there_is_not_asked_for(cluster_with: Any) -> None:
    cluster_with(There("kserve", "keda"))
    operators.require("Endpoint", "score", ["kserve", "keda"], None, [])


def test_all_that_is_missing_is_listed_with_a_way_to_install_it(cluster_with: Any) -> None:
    cluster_with(There("prometheus"))
    with pytest.raises(mlops.MissingRequirements) as caught:
        operators.require("Endpoint", "score", ["kserve", "keda", "prometheus"], None, [])
    said = str(caught.value)
    assert said.startswith("Endpoint 'score' needs software that the cluster does not have; nothing was registered.")
    assert (
        "KServe 0.20 or newer, which serves models: there is no InferenceService in serving.kserve.io/v1beta1" in said
    )
    assert "KEDA 2.17 or newer" in said
    assert "helm install keda keda --version" in said
    assert "helm install kserve-resources oci://ghcr.io/kserve/charts/kserve-resources --version" in said
    assert "--set kserve.controller.deploymentMode=Standard --set kserve.controller.gateway.disable" in said
    assert "Prometheus" not in said
    assert said.endswith("Platform(…, addons=['keda', 'kserve']).")


def test_a_version_that_is_too_old_is_told_by_a_field_that_it_lacks(cluster_with: Any) -> None:
    cluster_with(There("kserve", schema={"properties": {"spec": {"properties": {}}}}))
    with pytest.raises(mlops.MissingRequirements, match=r"older: its InferenceService has no spec\.canary"):
        operators.require("Endpoint", "score", ["kserve"], None, [])


def test_a_version_is_told_by_a_field_within_a_list_as_well(cluster_with: Any) -> None:
    def artifact(**fields: Any) -> dict[str, Any]:
        artifacts = {"type": "array", "items": {"properties": fields}}
        return {"properties": {"outputs": {"properties": {"artifacts": artifacts}}}}

    demand = operators.Demand("Pipeline", "retrain", frozenset(["argo-workflows"]), None)
    cluster_with(There("argo-workflows", schema=artifact(plugin={})))
    operators.judge([demand])
    cluster_with(There("argo-workflows", schema=artifact(s3={})))
    with pytest.raises(mlops.MissingRequirements, match=r"older: its WorkflowTaskResult has no outputs\.artifacts"):
        operators.judge([demand])


def test_what_the_platform_installs_is_taken_to_be_there(cluster_with: Any) -> None:
    cluster_with(There())
    operators.require("Endpoint", "score", ["kserve"], None, ["kserve"])


def test_nothing_is_judged_without_a_cluster(cluster_with: Any) -> None:
    cluster_with(None)
    operators.require("Endpoint", "score", ["kserve"], None, [])


def test_nothing_is_registered_when_something_is_missing(cluster_with: Any, cloud: Cloud) -> None:
    cluster_with(There())

    def program() -> None:
        mlops.Platform("churn", backend="kubernetes", alerts=["ml@example.com"])

    with pytest.raises(mlops.MissingRequirements, match="Prometheus operator"):
        cloud.run(program)
    assert cloud.registered == []


@pytest.mark.parametrize("short", OPERATORS)
def test_every_operator_can_be_installed(short: str) -> None:
    operator = OPERATORS[short]
    assert operator.charts
    assert all(chart.version and (chart.repository or chart.name.startswith("oci://")) for chart in operator.charts)
    assert set(operator.after) <= set(OPERATORS)
