"""A transform gives a resource another name: what is called and looked up is that one, or the renaming is refused."""

import asyncio
from collections.abc import Callable
from typing import Any

import pulumi
import pytest

import pulumi_mlops as mlops
from pulumi_mlops.backends.aws import feature_store, live
from pulumi_mlops.core import private
from pulumi_mlops.core.errors import MlopsError
from support.facts.aws import HUB, REGISTRY, STORE
from support.mocks import Cloud

FEATURES = {"id": "string", "at": "timestamp"}


def renamed(kind: str, **change: Any) -> pulumi.ResourceOptions:
    def transform(of: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
        if of.type_.split(":")[1] != kind:
            return None
        state = of.props.get("desired_state") or of.props.get("desiredState")
        if state is not None:
            changed = pulumi.Output.from_input(state).apply(lambda text: text.replace("churn-dev-score", "theirs"))
            return pulumi.ResourceTransformationResult({**of.props, "desired_state": changed}, of.opts)
        return pulumi.ResourceTransformationResult({**of.props, **change}, of.opts)

    return pulumi.ResourceOptions(transformations=[transform])


def group(**offline: Any) -> mlops.FeatureGroup:
    options = renamed("sagemaker/featureGroup", feature_group_name="theirs", **offline)
    return mlops.FeatureGroup("g", store=STORE, keys=["id"], event_time="at", features=FEATURES, opts=options)  # type: ignore[arg-type]


def test_new_features_are_sent_to_the_group_that_was_made(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[str] = []
    monkeypatch.setattr(feature_store, "_add_missing", lambda _scope, _spec, name: sent.append(name) or [])
    complete = feature_store._complete

    def outside(*given: Any) -> Any:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(private, "mocked", lambda: False)
            return asyncio.run(complete(*given))

    monkeypatch.setattr(feature_store, "_complete", lambda *given: asyncio.to_thread(outside, *given))
    Cloud().run(lambda: group() and None)
    assert sent == ["theirs"]


def test_who_reads_a_renamed_group_has_the_rights_of_that_one() -> None:
    cloud = Cloud()

    def program() -> dict[str, Any]:
        made = group()
        mlops.Identity("reader", platform=HUB, trusts={"account": {"id": "111122223333"}}, reads=[made.as_of(days=7)])
        return {"name": made.ref.address["name"], "table": made.ref.address["table"]}

    assert cloud.run(program) == {"name": "theirs", "table": "churn_dev_g"}
    rights = cloud.one("iam/rolePolicy").inputs["policy"]
    assert "offline-store/theirs-" in rights
    assert "churn_dev_features/churn_dev_g" in rights


REFUSED: dict[str, tuple[Callable[[], object], str]] = {
    "endpoint": (
        lambda: mlops.Endpoint(
            "score",
            platform=HUB,
            model={"image": "a/b:1"},
            compute={"cpus": 2},
            opts=renamed("cloudcontrol/resource"),
        ),
        "Endpoint 'score': a transform made its EndpointName 'theirs' of 'churn-dev-score'",
    ),
    "model": (
        lambda: mlops.Model(
            "churn",
            registry=REGISTRY,
            opts=renamed("sagemaker/modelPackageGroup", model_package_group_name="theirs"),
        ),
        "Model 'churn': a transform made its modelPackageGroupName 'theirs' of 'churn-dev-models-churn'",
    ),
    "store": (
        lambda: mlops.FeatureStore("features", platform=HUB, opts=renamed("glue/catalogDatabase", name="theirs")),
        "FeatureStore 'features': a transform made its name 'theirs' of 'churn_dev_features'",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
@pytest.mark.parametrize("preview", [True, False])
def test_other_names_cannot_be_changed(case: str, *, preview: bool) -> None:
    """Known when the resource is: in the preview already."""
    program, said = REFUSED[case]
    with pytest.raises(MlopsError, match=said):
        Cloud(preview=preview).run(lambda: program() and None)


def test_a_table_to_which_a_renamed_group_writes_is_not_left_over(monkeypatch: pytest.MonkeyPatch) -> None:
    class SageMaker:
        def get_paginator(self, _: str) -> "SageMaker":
            return self

        def paginate(self) -> Any:
            yield {"FeatureGroupSummaries": [{"FeatureGroupName": "theirs"}]}

    monkeypatch.setattr(private, "mocked", lambda: False)
    monkeypatch.setattr(live, "client", lambda *_: SageMaker())
    catalog = {"Database": "churn_dev_features", "TableName": "churn_dev_g"}
    monkeypatch.setattr(live, "feature_group", lambda *_: {"OfflineStoreConfig": {"DataCatalogConfig": catalog}})
    assert live.is_written(HUB, "churn_dev_features", "churn_dev_g")
    monkeypatch.setattr(live, "feature_group", lambda *_: {})
    assert not live.is_written(HUB, "churn_dev_features", "churn_dev_g")
