"""What Kubernetes bounds of models, and what it does not bound of what other clouds do."""

from typing import Any

import pytest

import pulumi_mlops as mlops
from pulumi_mlops import InvalidArgs
from pulumi_mlops.backends.kubernetes.checks import problems
from pulumi_mlops.components.feature_group import FeatureGroupSpec
from pulumi_mlops.components.model import ModelSpec
from support.facts.kubernetes import HUB, REGISTRY
from support.mocks import Cloud

STORE = mlops.FeatureStoreRef(name="features", backend="kubernetes", platform=HUB, address={})


def test_how_long_the_description_of_a_model_is() -> None:
    longest = ModelSpec.model_validate({"registry": REGISTRY, "description": "x" * 5000})
    assert list(problems("churn", longest)) == []
    cloud = Cloud(preview=True)
    with pytest.raises(InvalidArgs, match="description: 5001 characters: MLflow takes at most 5000 characters"):
        cloud.run(lambda: mlops.Model("churn", registry=REGISTRY, description="x" * 5001) and None)
    assert cloud.registered == []


@pytest.mark.parametrize("feature", ["write_time", "is_deleted", "a" * 100, "age_"])
def test_features_may_have_names_that_another_cloud_refuses(feature: str) -> None:
    wanted: dict[str, Any] = {
        "store": STORE,
        "features": {"id": "string", "at": "timestamp", feature: "float"},
        "keys": ["id"],
        "event_time": "at",
        "description": "x" * 1000,
    }
    assert list(problems("profile", FeatureGroupSpec.model_validate(wanted))) == []
