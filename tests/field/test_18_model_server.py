"""A model server at a gateway: one POST to the model repository's path unloaded the model, and nobody was told."""

from typing import Any

import pytest

import pulumi_mlops as mlops
from pulumi_mlops.jobs import release as job
from support.facts.kubernetes import HUB, IMAGE, version
from support.mocks import Cloud

FILES = {"image": IMAGE}


def make(**args: Any) -> Cloud:
    wanted = {"platform": HUB, **({} if "variants" in args else {"model": version()}), **args}
    cloud = Cloud()
    cloud.run(lambda: mlops.Endpoint("score", **wanted) and None)
    return cloud


def led_to(rules: list[dict[str, Any]], path: str) -> bool:
    """Tell whether a request reaches a pod, as a gateway judges it: the longest path that fits wins."""
    fitting = []
    for rule in rules:
        for match in rule.get("matches", [{"path": {"type": "PathPrefix", "value": "/"}}]):
            prefix = match["path"]["value"].rstrip("/")
            if path == prefix or path.startswith(f"{prefix}/"):
                fitting.append((len(prefix), bool(rule.get("backendRefs"))))
    return bool(fitting) and max(fitting)[1]


def rules_of(cloud: Cloud) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = cloud.one("HTTPRoute").inputs["spec"]["rules"]
    return found


@pytest.mark.parametrize(
    ("path", "reached"),
    [
        ("/invocations", True),
        ("/v2/models/score/infer", True),
        ("/v2/models/score/ready", True),
        ("/v2/health/live", True),
        ("/v2/repository/models/score/unload", False),
        ("/v2/repository/index", False),
        ("/v2/models/scorer/infer", False),
        ("/metrics", False),
        ("/docs", False),
    ],
)
def test_only_inference_is_published(path: str, *, reached: bool) -> None:
    cloud = make()
    assert led_to(rules_of(cloud), path) is reached


@pytest.mark.parametrize(
    ("args"),
    [
        {"model": FILES},
        {"serve": {"image": IMAGE}},
        {"variants": [{"name": "a", "model": FILES}, {"name": "b", "model": version()}]},
        {"shadow": {"model": FILES, "percent": 10}},
    ],
    ids=["files", "image for versions", "one of two", "shadow"],
)
def test_an_image_of_ones_own_is_managed_by_nobody_outside(args: dict[str, Any]) -> None:
    """Further instances: Triton's and vLLM's ways to unload a model, and what is measured, at the same port."""
    cloud = make(**args)
    rules = rules_of(cloud)
    assert led_to(rules, "/v1/chat/completions")
    for path in ("/v2/repository/models/m/unload", "/v1/unload_lora_adapter", "/metrics", "/v2/logging"):
        assert not led_to(rules, path)


def test_the_release_keeps_what_is_shut() -> None:
    before = [{"backendRefs": [{"name": "old", "port": 80, "weight": 1}]}]
    shut = {"matches": [{"path": {"type": "PathPrefix", "value": "/metrics"}}]}
    wanted = [{"backendRefs": [{"name": "new", "port": 80, "weight": 1}]}, shut]
    assert job.divided(before, wanted, 10)[1:] == [shut]


@pytest.mark.parametrize(
    ("args", "path"),
    [({}, "/v2/models/score/ready"), ({"model": FILES, "serve": {"health": "/health"}}, "/health")],
)
def test_a_server_that_lost_its_model_is_started_again(args: dict[str, Any], path: str) -> None:
    cloud = make(**args)
    runtime = cloud.all("ServingRuntime") or cloud.all("InferenceService")
    spec = runtime[0].inputs["spec"]
    (container,) = spec.get("containers") or spec["predictor"]["containers"]
    assert container["livenessProbe"]["httpGet"]["path"] == path


@pytest.mark.parametrize("variants", [(), ("a", "b")])
def test_somebody_is_told_of_replicas_that_do_not_answer(variants: tuple[str, ...]) -> None:
    several = {"variants": [{"name": name, "model": version()} for name in variants]} if variants else {}
    cloud = make(**several)
    rules = cloud.one("PrometheusRule").inputs["spec"]["groups"][0]["rules"]
    missing = [rule for rule in rules if rule["alert"] == "EndpointReplicas"]
    stems = [f"score-{name}" for name in variants] or ["score"]
    assert len(missing) == len(stems)
    for rule, stem in zip(missing, stems, strict=True):
        assert f'deployment=~"{stem}-[0-9a-f]{{8}}-predictor"' in rule["expr"]
        assert "absent(" in rule["expr"], "where there is no Deployment, nothing is counted"
        assert rule["labels"]["namespace"] == "churn-dev"
