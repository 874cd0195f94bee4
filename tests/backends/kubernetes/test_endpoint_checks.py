"""What Kubernetes refuses of an endpoint, before anything is registered."""

from typing import Any

import pytest

import pulumi_mlops as mlops
from pulumi_mlops import InvalidArgs, MlopsError
from pulumi_mlops.backends.kubernetes import live
from pulumi_mlops.backends.kubernetes.endpoint_checks import endpoint_problems
from pulumi_mlops.components.endpoint import EndpointSpec
from support.facts.kubernetes import HUB, IMAGE, hub, version
from support.mocks import Cloud

FILES = {"image": IMAGE, "artifact": "s3://artifacts/m/"}
SCALED = {"min": 1, "max": 4, "requests_per_replica": 400}
DIGEST = "sha256:" + "a" * 64
ROOMY = {"cpus": 100, "memory_gb": 400, "accelerators": 8, "storage_gb": None}


def problems(**args: Any) -> dict[str, str]:
    cloud = Cloud(preview=True)

    def program() -> None:
        wanted = {"platform": HUB} | args
        mlops.Endpoint("score", **(wanted if "variants" in args else {"model": FILES} | wanted))

    try:
        cloud.run(program)
    except InvalidArgs as error:
        assert not cloud.registered, "nothing is registered"
        return {problem.field: problem.message for problem in error.problems}
    return {}


def several(count: int) -> list[dict[str, Any]]:
    return [{"name": f"v{number}", "model": FILES} for number in range(count)]


REFUSED: dict[str, tuple[dict[str, Any], str, str]] = {
    "no tag in prod": (
        {"platform": hub(stage="prod"), "model": {"image": "registry.example.com:5000/serve"}},
        "model.image",
        "a digest",
    ),
    "latest in prod": (
        {"platform": hub(stage="prod"), "model": {"image": "serve:latest"}},
        "model.image",
        "can become another image at any time",
    ),
    "no tag in a shadow": (
        {"platform": hub(stage="prod"), "shadow": {"model": {"image": "serve"}}},
        "shadow.model.image",
        "a digest",
    ),
    "an address without a scheme": (
        {"model": {**FILES, "artifact": "models/1"}},
        "model.artifact",
        "begins with s3://",
    ),
    "a scheme that nobody loads": (
        {"model": {**FILES, "artifact": "ftp://host/m"}},
        "model.artifact",
        "no address that KServe can load",
    ),
    "a scheme that is misspelt": (
        {"variants": [{"name": "a", "model": {**FILES, "artifact": "s3a://b/m"}}]},
        "variants[0].model.artifact",
        "did you mean 's3'?",
    ),
    "out of reach": (
        {"model": {**FILES, "artifact": "hf://org/model"}},
        "model.artifact",
        "or write isolated=False",
    ),
    "out of a private platform's reach": (
        {"platform": hub(private=True), "isolated": False, "model": {**FILES, "artifact": "gs://b/m"}},
        "model.artifact",
        "copy the files into the platform's object store",
    ),
    "an accelerator that no label names": (
        {"compute": {"accelerator": "A10X:1"}},
        "compute.accelerator",
        "did you mean 'A10'?",
    ),
    "a pin that is no label": (
        {"compute": {"pin": {"kubernetes": "ml.g5.xlarge"}}},
        "compute.pin.kubernetes",
        "label=value",
    ),
    "upper case": (
        {"variants": [{"name": "A", "model": FILES}, {"name": "b", "model": FILES}]},
        "variants[0].name",
        "lower-case",
    ),
    "too long": ({"variants": [{"name": "v" * 41, "model": FILES}]}, "variants[0].name", "shorten it by 3"),
    "the shadow's name": (
        {"variants": [{"name": "shadow", "model": FILES}], "shadow": {"model": version()}},
        "variants[0].name",
        "take another name",
    ),
    "more variants than a route leads to": (
        {"variants": several(17)},
        "variants",
        "17: a route leads to 16 revisions at most; write at most 16",
    ),
    "more variants than a route leads to by halves": (
        {"variants": several(9), "release": {"canary": {"percent": 10}}},
        "variants",
        "write at most 8",
    ),
    "a cooldown of an hour": (
        {"scaling": SCALED | {"cooldown_in_seconds": 3600}},
        "scaling.cooldown_in_seconds",
        "3600: Kubernetes waits at most 1800 seconds",
    ),
    "no namespace": (
        {"invokers": [{"namespace": "shop"}, {"namespace": "Shop_2"}]},
        "invokers[1].namespace",
        "'Shop_2' is not the name of a namespace",
    ),
    "variants without a gateway": (
        {"platform": hub(gateway=None), "variants": [{"name": "a", "model": FILES}, {"name": "b", "model": FILES}]},
        "variants",
        "existing={'gateway'",
    ),
    "a shadow without a gateway": (
        {"platform": hub(gateway=None), "shadow": {"model": version()}},
        "shadow",
        "existing={'gateway'",
    ),
    "a canary without a gateway": (
        {"platform": hub(gateway=None), "release": {"canary": {"percent": 10}}},
        "release.canary",
        "existing={'gateway'",
    ),
    "steps that nobody watches": (
        {"platform": hub(metrics=None), "release": {"linear": {"step_percent": 10}}},
        "release.linear",
        "existing={'metrics'",
    ),
    "alarms that nobody reads": (
        {"platform": hub(metrics=None), "release": {"rollback_alarms": ["Theirs"]}},
        "release.rollback_alarms",
        "existing={'metrics'",
    ),
    "scaling that nobody counts": (
        {"platform": hub(metrics=None), "scaling": SCALED},
        "scaling",
        "existing={'metrics'",
    ),
    "too many CPUs": (
        {"platform": hub(quota=ROOMY | {"cpus": 3}), "compute": {"cpus": 2, "memory_gb": 4}},
        "compute",
        "needs 4 cpus at least",
    ),
    "too much memory": (
        {"platform": hub(quota=ROOMY | {"memory_gb": 40}), "scaling": {"min": 3, "max": 3}},
        "scaling.min",
        "needs 48 memory_gb at least",
    ),
    "room for everything but the agents": (
        {"platform": hub(quota=ROOMY | {"memory_gb": 17}), "capture_percent": 100},
        "compute",
        "needs 18 memory_gb at least",
    ),
    "accelerators that the quota forbids": (
        {"platform": hub(quota=ROOMY | {"accelerators": 0}), "compute": {"accelerator": "L4:1"}},
        "compute",
        "needs 2 accelerators at least",
    ),
    "no room for the shadow": (
        {"platform": hub(quota=ROOMY | {"cpus": 5}), "shadow": {"model": version()}},
        "compute",
        "needs 6 cpus at least",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case: str) -> None:
    args, field, message = REFUSED[case]
    found = problems(**args)
    assert message in found.get(field, f"nothing about {field}, but {found}")


def test_what_is_wrong_is_said_once() -> None:
    for args, field, _ in REFUSED.values():
        assert set(problems(**args)) <= {field, "release.linear", "release.canary"}, field


ACCEPTED: dict[str, dict[str, Any]] = {
    "a tag": {"platform": hub(stage="prod"), "model": {"image": "registry.example.com:5000/serve:1.4.2"}},
    "a digest": {"platform": hub(stage="prod"), "model": {"image": f"serve@{DIGEST}"}},
    "no tag in dev": {"model": {"image": "serve"}},
    "another store": {"isolated": False, "model": {**FILES, "artifact": "gs://bucket/m"}},
    "a claim": {"model": {**FILES, "artifact": "pvc://models/m"}},
    "a pinned node": {"compute": {"accelerator": "Gaudi3:1", "pin": {"kubernetes": "acme.com/pool=habana"}}},
    "room": {"platform": hub(quota=ROOMY), "scaling": {"min": 3, "max": 3}},
    "room to the last": {
        "platform": hub(quota=ROOMY | {"cpus": 4, "memory_gb": 16}),
        "compute": {"cpus": 2, "memory_gb": 8},
    },
    "what other clouds bound": {
        "variants": several(8),
        "release": {"canary": {"percent": 99, "bake_minutes": 600}, "rollback_alarms": ["Theirs"] * 20},
    },
    "many small steps": {"release": {"linear": {"step_percent": 1, "interval_minutes": 90}}},
    "variants to the last": {"variants": several(16)},
    "all at once without a gateway": {"platform": hub(gateway=None, metrics=None)},
}


@pytest.mark.parametrize("case", ACCEPTED)
def test_accepted(case: str) -> None:
    assert problems(**ACCEPTED[case]) == {}


def test_waiting_while_it_serves_would_be_an_outage(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, ...]] = []

    def there(_: Any, *where: str, **__: str) -> Any:
        asked.append(where)
        return {"metadata": {"name": "score"}}

    monkeypatch.setattr(live, "namespaced", there)
    waiting = mlops.ModelVersionRef(name="churn", backend="kubernetes", platform=HUB, version=None)
    assert "would be an outage" in problems(model=waiting)["model"]
    assert ("v1", "services", "score") in asked


SPEC = {"platform": HUB, "model": FILES}


class Kube:
    """A cluster whose storage initializer is as given."""

    def __init__(self, answer: dict[str, Any] | MlopsError | None) -> None:
        self.answer = answer

    def get(self, path: str, **_: str) -> Any:
        if path != "/apis/serving.kserve.io/v1alpha1/clusterstoragecontainers/default":
            return None
        if isinstance(self.answer, MlopsError):
            raise self.answer
        return self.answer


def initializer(**security: Any) -> dict[str, Any]:
    return {"spec": {"container": {"name": "storage-initializer", "securityContext": security}}}


@pytest.mark.parametrize(
    ("answer", "refused"),
    [
        (initializer(allowPrivilegeEscalation=False, capabilities={"drop": ["ALL"]}), False),
        (initializer(allowPrivilegeEscalation=False), True),
        (initializer(), True),
        ({"spec": {"container": {}}}, True),
        (None, False),
        (MlopsError("may not read it"), False),
    ],
)
def test_an_initializer_that_the_namespace_would_refuse(
    monkeypatch: pytest.MonkeyPatch,
    answer: dict[str, Any] | MlopsError | None,
    refused: bool,
) -> None:
    monkeypatch.setattr(live, "of", lambda _: Kube(answer))
    found = [str(problem) for problem in endpoint_problems("score", EndpointSpec.model_validate(SPEC))]
    assert [line.startswith("platform: KServe's storage initializer") for line in found] == [True] * refused
