"""Refs: out of one stack and into another."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import pulumi_mlops as mlops
from pulumi_mlops import InvalidArgs
from pulumi_mlops.core.refs import Ref
from support.facts.aws import GROUP, HUB, IMAGE, MODEL, REGISTRY, STORE
from support.mocks import Cloud

STACK = "acme/ml-platform/prod"
TEXT = st.text(max_size=20)
TEXTS = st.dictionaries(TEXT, TEXT, max_size=3)
PLATFORMS = st.builds(
    mlops.PlatformRef,
    name=TEXT,
    backend=st.just("aws"),
    address=st.dictionaries(TEXT, TEXT | st.lists(TEXT, max_size=2) | TEXTS, max_size=4),
    native=st.just({}),
    stage=st.sampled_from(["dev", "staging", "prod"]),
    region=st.none() | TEXT,
    owner=st.none() | TEXT,
    tags=TEXTS,
    artifacts=TEXT,
    images=TEXTS,
    secrets=TEXTS,
    consumers=st.lists(st.builds(lambda text: {"account": text}, TEXT), max_size=2),
    private=st.booleans(),
    providers=st.just(()),
)
COMMON: dict[str, Any] = {"name": TEXT, "backend": st.just("aws"), "address": TEXTS, "native": st.just({})}
REFS = st.one_of(
    PLATFORMS,
    st.builds(mlops.SecretRef, **COMMON),
    st.builds(mlops.FeatureStoreRef, platform=PLATFORMS, **COMMON),
    st.builds(mlops.FeatureGroupRef, platform=PLATFORMS, features=TEXTS, **COMMON),
    st.builds(mlops.ModelRegistryRef, platform=PLATFORMS, **COMMON),
    st.builds(mlops.ModelRef, platform=PLATFORMS, gate=TEXTS, **COMMON),
    st.builds(mlops.ModelVersionRef, platform=PLATFORMS, **COMMON),
    st.builds(
        mlops.EndpointRef,
        platform=PLATFORMS,
        status=st.just("live"),
        url=st.none() | TEXT,
        captured=st.none() | TEXT,
        **COMMON,
    ),
)


@settings(suppress_health_check=[HealthCheck.too_slow])  # how long it takes is the machine's affair
@given(REFS)
def test_what_is_exported_is_loaded(ref: Ref) -> None:
    wire = json.loads(json.dumps(ref.export()))
    assert type(ref).load(wire) == ref


def test_an_endpoint_that_waits_is_loaded_without_its_nulls() -> None:
    waits = mlops.EndpointRef(name="score", backend="aws", platform=HUB, status="waiting", address={"name": "score"})
    wire = {key: value for key, value in waits.export().items() if value is not None}
    assert mlops.EndpointRef.load(wire) == waits


def test_whole_numbers_are_whole_again() -> None:
    version = mlops.ModelVersionRef(name="churn", backend="aws", platform=HUB, version=3, address={"depth": [1, 0.5]})
    loaded = mlops.ModelVersionRef.load({**version.export(), "version": 3.0, "address": {"depth": [1.0, 0.5]}})
    assert repr(loaded.version) == "3"
    assert repr(loaded.address) == "{'depth': [1, 0.5]}"


def test_an_export_holds_no_resources() -> None:
    exported = HUB.export()
    assert not {"native", "providers"} & set(exported)
    assert (exported["noun"], exported["schema"]) == ("platform", 1)


def test_what_a_newer_version_adds_is_passed_over() -> None:
    assert mlops.PlatformRef.load({**HUB.export(), "colour": "blue"}) == HUB


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (STORE.export(), "gives; this is 'feature_store'"),
        ({}, "gives; this is 'no noun at all'"),
        ({**HUB.export(), "schema": 2}, "was exported in form 2"),
        ("s3://x/", "gives; this is of type str"),
    ],
)
def test_a_wrong_thing_is_refused(data: Any, found: str) -> None:
    with pytest.raises(InvalidArgs) as caught:
        mlops.PlatformRef.load(data)
    assert found in str(caught.value)


def stack(outputs: dict[str, Any]) -> Cloud:
    return Cloud(answers={"pulumi:pulumi:readStackOutputs": {"outputs": outputs, "name": STACK}})


@pytest.mark.parametrize(
    ("noun", "ref"),
    [
        (mlops.Platform, HUB),
        (mlops.FeatureStore, STORE),
        (mlops.FeatureGroup, GROUP),
        (mlops.ModelRegistry, REGISTRY),
        (mlops.Model, MODEL),
    ],
)
@pytest.mark.parametrize("output", [None, "mine"])
def test_from_stack(noun: Any, ref: Ref, output: str | None) -> None:
    cloud = stack({output or ref.noun: ref.export(), "other": 1})
    assert cloud.run(lambda: noun.from_stack(STACK, output)) == ref
    assert cloud.invoked == [("pulumi:pulumi:readStackOutputs", {"name": STACK}, "")]


@pytest.mark.parametrize(
    ("outputs", "said"),
    [
        (
            {"platfrom": HUB.export(), "url": "x"},
            (
                "output: stack 'acme/ml-platform/prod' has no output 'platform'; did you mean 'platfrom'? (it has: "
                "platfrom, url); export it there with pulumi.export('platform', ….ref.export())"
            ),
        ),
        ({}, "has no output 'platform' (it has: none)"),
        ({"platform": STORE.export()}, "needs what platform.ref.export() gives; this is 'feature_store'"),
        ({"platform": "s3://x/"}, "this is of type str"),
    ],
)
def test_from_a_stack_without_it(outputs: dict[str, Any], said: str) -> None:
    cloud = stack(outputs)
    with pytest.raises(InvalidArgs) as caught:
        cloud.run(lambda: mlops.Platform.from_stack(STACK))
    assert said in str(caught.value)
    assert cloud.registered == []


def test_another_stacks_platform_is_built_upon() -> None:
    cloud = stack({"platform": HUB.export()})

    def program() -> None:
        theirs = mlops.Platform.from_stack(STACK)
        mlops.FeatureStore("features", platform=theirs)
        mlops.Endpoint("score", platform=theirs, model={"image": IMAGE})

    cloud.run(program)
    assert "Platform" not in cloud.kinds
    assert cloud.one("glue/catalogDatabase").inputs["name"] == "churn_dev_features"
    assert cloud.one("glue/catalogDatabase").inputs["tags"]["team"] == "growth"
    assert cloud.one("sagemaker/endpointConfiguration").inputs["kmsKeyArn"] == HUB.address["key"]


def test_a_platform_is_exported_and_loaded_whole() -> None:
    cloud = Cloud()

    def program() -> dict[str, Any]:
        made = mlops.Platform(
            "churn", backend="aws", images=["churn"], secrets={"tok": "x"}, consumers=[{"account": "9" * 12}]
        )
        return made.ref.export()

    loaded = mlops.Platform.load(cloud.run(program))
    assert loaded.artifacts == "s3://churn-dev-artifacts-111122223333-us-east-1/"
    assert loaded.address["bucket"] == "churn-dev-artifacts-111122223333-us-east-1"
    assert loaded.secret("tok").address["id"].startswith("arn:aws:secretsmanager:")
    assert loaded.consumers == [{"account": "9" * 12}]
    assert (loaded.providers, loaded.native) == ((), {})


@pytest.mark.parametrize(("tag", "joined"), [("1.0", "repo:1.0"), ("sha256:ab", "repo@sha256:ab")])
def test_an_image_by_tag_or_digest(tag: str, joined: str) -> None:
    ref = mlops.PlatformRef(**{**vars(HUB), "images": {"churn": "repo"}})
    assert Cloud().run(lambda: ref.image("churn", tag)) == joined
    assert mlops.SecretRef.existing("arn:x", backend="aws").address == {"id": "arn:x"}
