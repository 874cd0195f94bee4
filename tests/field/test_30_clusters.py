"""Clusters as they are: OpenShift's user ranges, GPUs in slices, of AMD or tainted, mirrors, proxies, disks."""

import copy
import json
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import pulumi_mlops as mlops
from pulumi_mlops.backends.kubernetes import live
from pulumi_mlops.core.errors import MlopsError
from support.facts import aws
from support.facts.kubernetes import HUB, IMAGE, version
from support.mocks import Cloud, Registration

Refused = Callable[..., str]


def endpoint(**args: Any) -> dict[str, Any]:
    cloud = Cloud()
    cloud.run(lambda: mlops.Endpoint("score", **({"platform": HUB, "model": version()} | args)) and None)
    predictor: dict[str, Any] = cloud.one("InferenceService").inputs["spec"]["predictor"]
    return predictor


@pytest.mark.parametrize(
    ("accelerator", "resource", "label", "products", "taint"),
    [
        ("A100-1g.5gb:2", "nvidia.com/mig-1g.5gb", "nvidia.com/gpu.product", "NVIDIA-A100", "nvidia.com/gpu"),
        ("H100-3g.40gb:1", "nvidia.com/mig-3g.40gb", "nvidia.com/gpu.product", "NVIDIA-H100", "nvidia.com/gpu"),
        ("MI300X:8", "amd.com/gpu", "amd.com/gpu.product-name", "AMD_Instinct_MI300X", "amd.com/gpu"),
        ("MI210:1", "amd.com/gpu", "amd.com/gpu.product-name", "AMD_Instinct_MI210", "amd.com/gpu"),
        ("A10G:1", "nvidia.com/gpu", "nvidia.com/gpu.product", "NVIDIA-A10G", "nvidia.com/gpu"),
    ],
)
def test_accelerators(accelerator: str, resource: str, label: str, products: str, taint: str) -> None:
    """Slices and other makers' devices are resources of their own, on nodes with labels and taints of their own."""
    found = endpoint(compute={"accelerator": accelerator, "cpus": 4, "memory_gb": 16})
    count = accelerator.partition(":")[2]
    for bounds in found["model"]["resources"].values():
        assert {name: amount for name, amount in bounds.items() if "/" in name} == {resource: count}
    required = found["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    (match,) = required["nodeSelectorTerms"][0]["matchExpressions"]
    assert match["key"] == label
    assert all(value.startswith(products) for value in match["values"])
    assert found["tolerations"] == [{"key": taint, "operator": "Exists", "effect": "NoSchedule"}]


@pytest.mark.parametrize(
    ("pin", "key", "value"),
    [("pool=gpu", "pool", "gpu"), ("kubernetes.io/arch=arm64", "kubernetes.io/arch", "arm64")],
)
def test_a_pool_that_is_tainted_as_it_is_labelled(pin: str, key: str, value: str) -> None:
    found = endpoint(compute={"cpus": 1, "memory_gb": 2, "pin": {"kubernetes": pin}})
    assert found["nodeSelector"] == {key: value}
    assert found["tolerations"] == [{"key": key, "operator": "Equal", "value": value}]
    assert "tolerations" not in endpoint()


@pytest.mark.parametrize("accelerator", ["T4-1g.5gb:1", "MI300X-1g.5gb:1", "MI999:1", "A100-big:1"])
def test_accelerators_that_nobody_has(refused_at_preview: Refused, accelerator: str) -> None:
    compute: Any = {"accelerator": accelerator}
    said = refused_at_preview(lambda: mlops.Endpoint("score", platform=HUB, model=version(), compute=compute))
    assert "compute.accelerator" in said


def test_on_aws_slices_are_refused_at_preview(refused_at_preview: Refused) -> None:
    def program() -> object:
        compute: Any = {"accelerator": "A100-1g.5gb:1"}
        return mlops.Endpoint("score", platform=aws.HUB, model={"image": IMAGE}, compute=compute)

    assert "accelerator" in refused_at_preview(program)


def test_a_quota_bounds_devices_of_every_maker() -> None:
    cloud = Cloud()
    quota: Any = {"cpus": 8, "memory_gb": 64, "accelerators": 3}
    cloud.run(lambda: mlops.Platform("churn", backend="kubernetes", quota=quota) and None)
    hard = cloud.one("ResourceQuota").inputs["spec"]["hard"]
    assert hard["requests.nvidia.com/gpu"] == hard["requests.amd.com/gpu"] == "3"


def everything(**args: Any) -> Cloud:
    """Run a program with whatever the library runs itself."""

    def program() -> None:
        home = mlops.Platform("churn", backend="kubernetes", **args)
        mlops.ModelRegistry("models", platform=home)
        store = mlops.FeatureStore("features", platform=home, materialize={"cron": "0 * * * *"})
        features: dict[str, Any] = {"id": "string", "at": "timestamp"}
        mlops.FeatureGroup("profile", store=store, keys=["id"], event_time="at", features=features)
        mlops.Endpoint("score", platform=home, model={"image": IMAGE})

    cloud = Cloud()
    cloud.run(program)
    return cloud


def contexts(value: Any) -> list[dict[str, Any]]:
    """Find the security contexts of pods."""
    if isinstance(value, dict):
        return [value] if "runAsNonRoot" in value else [one for item in value.values() for one in contexts(item)]
    return [one for item in value for one in contexts(item)] if isinstance(value, list) else []


def pods(cloud: Cloud) -> list[dict[str, Any]]:
    return [one for made in cloud.registered for one in contexts(dict(made.inputs))]


def test_users_of_a_range_that_the_cluster_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    """On OpenShift a pod that names its user outside of the namespace's range is refused: none does."""
    fixed = pods(everything())
    assert len(fixed) >= 8
    assert {one.get("runAsUser") for one in fixed} == {10001}
    served = live.served
    monkeypatch.setattr(
        live,
        "served",
        lambda context, group: {"kind": "APIResourceList"} if "openshift" in group else served(context, group),
    )
    assigned = pods(everything())
    assert len(assigned) == len(fixed)
    assert all(one["runAsNonRoot"] and not {"runAsUser", "runAsGroup", "fsGroup"} & one.keys() for one in assigned)


class Classes:
    """A cluster with these storage classes."""

    server, uid = "https://here", "u"

    def __init__(self, items: list[dict[str, Any]] | None, *, may_look: bool = True) -> None:
        self.items, self.may_look = items, may_look

    def get(self, path: str, **_: str) -> dict[str, Any] | None:
        if not path.endswith("storageclasses"):
            return None
        if not self.may_look:
            raise MlopsError("forbidden")
        return {"items": self.items}


DEFAULT = {"metadata": {"annotations": {"storageclass.kubernetes.io/is-default-class": "true"}}}


@pytest.mark.parametrize(
    ("cluster", "said"),
    [
        (Classes([]), True),
        (Classes([{"metadata": {}}]), True),
        (Classes([DEFAULT]), False),
        (Classes(None, may_look=False), False),
    ],
)
def test_no_default_storage_class_is_said(monkeypatch: pytest.MonkeyPatch, cluster: Classes, said: bool) -> None:
    monkeypatch.setattr(live, "cluster", lambda _: cluster)
    cloud = Cloud(preview=True)
    cloud.run(lambda: mlops.Platform("churn", backend="kubernetes") and None)
    assert any("no default StorageClass" in line for line in cloud.infos) is said


PAGE = Path("docs/recipes.md").read_text()


def recipe(title: str, function: str) -> Callable[[Registration], dict[str, Any]]:
    """Return a function of the page, to be used on a resource as Pulumi would."""
    (section,) = [part for part in PAGE.split("\n## ") if part.startswith(title)]
    (code,) = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(code, title, "exec"), names)  # noqa: S102 (our own page)

    def use(made: Registration) -> dict[str, Any]:
        given = SimpleNamespace(type_=made.type, name=made.name, props=copy.deepcopy(dict(made.inputs)), opts=None)
        found: dict[str, Any] = names[function](given).props
        return found

    return use


def images(value: Any) -> list[str]:
    text = json.dumps(value)
    return re.findall(r'"image(?:Name)?": "([^"]+)"', text)


def test_a_mirror_for_every_image_of_our_own() -> None:
    use = recipe("Kubernetes: a mirror", "through_the_mirror")
    found = [image for made in everything().registered for image in images(use(made))]
    assert len(found) >= 10
    assert {image.partition("/")[0] for image in found} == {"registry.example.com"}
    pinned = [image for image in found if "library/python" in image]
    assert pinned
    assert all("@sha256:" in image for image in pinned)


def test_a_proxy_for_every_pod_of_our_own() -> None:
    use = recipe("Kubernetes: a way out", "through_the_proxy")
    cloud = everything()
    for made in (one for kind in ("Deployment", "StatefulSet", "Job", "CronJob") for one in cloud.all(kind)):
        text = json.dumps(use(made))
        boxes = text.count('"image": ')
        assert boxes
        assert text.count('"HTTPS_PROXY"') == text.count('"NO_PROXY"') == boxes
    (secret, *_) = cloud.all("Secret")
    assert use(secret) == secret.inputs


def test_a_storage_class_and_sizes() -> None:
    use = recipe("Kubernetes: a StorageClass", "on_fast_disks")
    cloud = everything()
    claims = [claim for made in cloud.all("StatefulSet") for claim in use(made)["spec"]["volumeClaimTemplates"]]
    assert {(one["spec"]["storageClassName"], one["spec"]["resources"]["requests"]["storage"]) for one in claims} == {
        ("fast", "50Gi")
    }
    databases = [use(made)["spec"]["storage"] for made in cloud.all("Cluster")]
    assert databases == [{"size": "20Gi", "storageClass": "fast"}] * 2
