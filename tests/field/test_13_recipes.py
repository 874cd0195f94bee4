"""What the interface does not say on AWS is a recipe: the page's own code, used on what the library registers."""

import copy
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pulumi_aws as aws
import pytest

import pulumi_mlops as mlops
from support.facts.aws import HUB, STORE
from support.mocks import Cloud, Registration

PAGE = Path("docs/recipes.md").read_text(encoding="utf-8")


def page(title: str) -> dict[str, Any]:
    """Run the code of a section and return what it defines."""
    (section,) = [part for part in PAGE.split("\n## ") if part.startswith(f"AWS: {title}")]
    (code,) = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(code, title, "exec"), names)  # noqa: S102 (our own page)
    return names


def transformed(function: Callable[[Any], Any], made: Registration) -> dict[str, Any] | None:
    given = SimpleNamespace(type_=made.type, name=made.name, props=copy.deepcopy(dict(made.inputs)), opts=None)
    found = function(given)
    return None if found is None else dict(found.props)


def everything() -> Cloud:
    cloud = Cloud()

    def program() -> None:
        mlops.Platform("hub", backend="aws", network={"private": {}})
        mlops.Endpoint("score", platform=HUB, model={"image": "a/b:1"}, compute={"cpus": 2})
        features: Any = {"id": "string", "at": "timestamp", "embedding": "float", "clicks": "string"}
        mlops.FeatureGroup(
            "items", store=STORE, keys=["id"], event_time="at", features=features, offline=None, online={}
        )

    cloud.run(program)
    return cloud


def test_every_role_has_the_boundary() -> None:
    bounded, cloud = page("a permissions boundary")["bounded"], everything()
    roles = cloud.all("iam/role")
    assert len(roles) >= 2
    for role in roles:
        found = transformed(bounded, role)
        assert found == {**role.inputs, "permissionsBoundary": "arn:aws:iam::111122223333:policy/boundary"}
    assert transformed(bounded, cloud.one("sagemaker/endpointConfiguration")) is None
    assert hasattr(aws.iam.Role, "permissions_boundary")


def test_the_variants_of_an_endpoint_have_the_disk() -> None:
    with_disks, cloud = page("larger disks")["with_disks"], everything()
    found = transformed(with_disks, cloud.one("sagemaker/endpointConfiguration"))
    assert found
    assert [one["volumeSizeInGb"] for one in found["productionVariants"]] == [200]
    assert hasattr(aws.sagemaker.EndpointConfigurationProductionVariantArgs, "volume_size_in_gb")
    assert transformed(with_disks, cloud.one("kms/key")) is None


def test_features_are_collections_in_memory() -> None:
    with_collections, cloud = page("vectors")["with_collections"], everything()
    found = transformed(with_collections, cloud.one("sagemaker/featureGroup"))
    assert found
    assert found["onlineStoreConfig"]["storageType"] == "InMemory"
    features = {one["featureName"]: one for one in found["featureDefinitions"]}
    assert features["embedding"]["collectionConfig"] == {"vectorConfig": {"dimension": 768}}
    assert (features["embedding"]["featureType"], features["embedding"]["collectionType"]) == ("Fractional", "Vector")
    assert features["clicks"]["collectionType"] == "List"
    assert "collectionType" not in features["id"]
    for name in ("collection_type", "collection_config"):
        assert hasattr(aws.sagemaker.FeatureGroupFeatureDefinitionArgs, name)


def test_captured_requests_end_and_access_is_logged() -> None:
    names, cloud = page("captured requests"), everything()
    lifecycle = cloud.one("s3/bucketLifecycleConfiguration")
    found = transformed(names["with_an_end"], lifecycle)
    assert found
    assert found["rules"][:-1] == lifecycle.inputs["rules"]
    assert found["rules"][-1]["expiration"] == {"days": 30}
    logged = Cloud()
    logged.run(lambda: names["logged"](mlops.Platform("hub", backend="aws"), "audit") and None)
    assert logged.one("s3/bucketLogging").inputs["targetBucket"] == "audit"
    assert logged.one("s3/bucketLogging").inputs["bucket"].startswith("hub-dev-artifacts-")


@pytest.mark.parametrize("minutes", [5, 60])
def test_time_to_start_is_an_argument(minutes: int) -> None:
    """For the download of the files, and as much again for the health check."""
    cloud = Cloud()
    serve: Any = {"startup_minutes": minutes}
    cloud.run(
        lambda: mlops.Endpoint("s", platform=HUB, model={"image": "a/b:1"}, compute={"cpus": 2}, serve=serve) and None
    )
    (variant,) = cloud.one("sagemaker/endpointConfiguration").inputs["productionVariants"]
    assert variant["containerStartupHealthCheckTimeoutInSeconds"] == minutes * 60
    assert variant["modelDataDownloadTimeoutInSeconds"] == minutes * 60
