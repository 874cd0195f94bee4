"""What users get wrong: one error with every problem, and nothing registered."""

from collections.abc import Callable
from typing import Any

import pulumi
import pytest

import pulumi_mlops as mlops
from pulumi_mlops import InvalidArgs, MissingBackend, MlopsError
from pulumi_mlops.core import registry
from support.facts.aws import GROUP, HUB, MODEL, REGISTRY, STORE, hub
from support.mocks import Cloud

FEATURES = {"id": "string", "at": "timestamp", "age": "integer"}
OTHERS = mlops.ModelRef(
    name="theirs", backend="aws", platform=hub("fraud"), address={"group": "g", "arn": "arn:…:model-package-group/g"}
)
GIVE_A_PLATFORM = (
    "platform: needs a Platform, this is ModelVersion; give the Platform, or the ref of one such as "
    "Platform.from_stack(…)"
)
VERSION = mlops.ModelVersionRef(
    name="churn", backend="aws", platform=HUB, version=3, address={"arn": "arn", "group": "g"}
)
FILES = {"image": "repo:1"}


def platform(**args: Any) -> Callable[[], object]:
    return lambda: mlops.Platform("churn", **({"backend": "aws"} | args))


def group(**args: Any) -> Callable[[], object]:
    good = {"store": STORE, "features": FEATURES, "keys": ["id"], "event_time": "at"}
    return lambda: mlops.FeatureGroup("profile", **(good | args))


def endpoint(**args: Any) -> Callable[[], object]:
    return lambda: mlops.Endpoint("score", **({"platform": HUB} | args))


def with_an_output() -> object:
    return platform(secrets={"tok": pulumi.Output.secret("hunter2")}, stage="production", profile="production")()


def refused(cloud: Cloud, program: Callable[[], object]) -> MlopsError:
    with pytest.raises(MlopsError) as caught:
        cloud.run(program)
    assert cloud.registered == []
    assert cloud.invoked == []
    return caught.value


TABLE = {
    "type misspelt": (
        group(features={**FEATURES, "age": "integr"}),
        (
            "features.age: 'integr' is not one of 'string', 'integer', 'float', 'boolean' or 'timestamp'; "
            "did you mean 'integer'?"
        ),
    ),
    "event time not a feature": (
        group(event_time="att"),
        "event_time: 'att' is not among the features; did you mean 'at'?; add it there, as {'att': 'timestamp'}",
    ),
    "event time of a wrong type": (
        group(event_time="age"),
        "event_time: 'age' is 'integer'; an event time is a 'timestamp' or a 'float'",
    ),
    "key not a feature": (group(keys=["idd"]), "keys: 'idd' is not among the features; did you mean 'id'?; add it"),
    "no word for a feature": (
        group(features={**FEATURES, "last seen": "string"}),
        "features: 'last seen': write letters, digits, hyphens and underscores, the first a letter or a digit",
    ),
    "both stores off": (group(offline=None), "offline: both stores are off; write online={}"),
    "a canary of everything": (
        endpoint(model=FILES, release={"canary": {"percent": 100}}),
        "release.canary.percent: must be at most 99",
    ),
    "a single step": (
        endpoint(model=FILES, release={"linear": {"step_percent": 51}}),
        "release.linear.step_percent: must be at most 50",
    ),
    "canary and linear": (
        endpoint(model=FILES, release={"canary": {"percent": 9}, "linear": {"step_percent": 20}}),
        "release: takes at most one of 'canary' and 'linear', and both are given",
    ),
    "min above max": (
        endpoint(model=FILES, scaling={"min": 3, "max": 2}),
        "scaling.max: 2 is below min (3); write at least 3",
    ),
    "no reason to scale": (
        endpoint(model=FILES, scaling={"min": 1, "max": 2, "requests_per_replica": None}),
        "scaling.requests_per_replica: is required to scale between 1 and 2",
    ),
    "twins": (
        endpoint(variants=[{"name": "a", "model": FILES}, {"name": "a", "model": FILES}]),
        "variants: 'a' stands here twice; give each a name of its own",
    ),
    "no weight at all": (
        endpoint(variants=[{"name": "a", "model": FILES, "weight": 0}]),
        "variants: all weights are 0; give at least one variant a weight above it",
    ),
    "serverless and asynchronous": (
        endpoint(model=FILES, mode={"serverless": {}, "asynchronous": {}}),
        "mode: takes at most one of 'serverless' and 'asynchronous', and both are given",
    ),
    "provisioned above the most": (
        endpoint(model=FILES, mode={"serverless": {"max_concurrency": 2, "provisioned": 3}}),
        "mode.serverless.provisioned: 3 is above max_concurrency (2); write at most that",
    ),
    "shadow beside three": (
        endpoint(variants=[{"name": name, "model": FILES} for name in "abc"], shadow={"model": FILES}),
        "shadow: a shadow stands beside one model, not beside 3 variants",
    ),
    "model and variants": (
        endpoint(model=FILES, variants=[{"name": "a", "model": FILES}]),
        "takes exactly one of 'model' and 'variants', and both are given",
    ),
    "neither model nor variants": (endpoint(), "takes exactly one of 'model' and 'variants', and none is given"),
    "offline features": (
        endpoint(model=FILES, reads=[GROUP.as_of(days=9)]),
        "reads[0]: needs an OnlineView, this is OfflineView; write profile.online",
    ),
    "isolated and reading": (
        endpoint(model=FILES, reads=[GROUP.online], isolated=True),
        "isolated: an isolated container reaches neither feature stores nor secrets",
    ),
    "no variable": (
        endpoint(model=FILES, environment={"a-b": "c"}),
        "environment: 'a-b': not a name for an environment variable",
    ),
    "variant without a word": (
        endpoint(variants=[{"name": "a_b", "model": FILES}]),
        "variants[0].name: 'a_b' must be at most 63 letters, digits and hyphens",
    ),
    "unknown time zone": (
        endpoint(
            model=FILES,
            scaling={
                "max": 2,
                "requests_per_replica": 1,
                "schedules": [{"name": "day", "cron": "0 6 * * *", "timezone": "Europe/Berln", "min": 1, "max": 2}],
            },
        ),
        (
            "scaling.schedules[0].timezone: 'Europe/Berln' is not a time zone of the IANA database; "
            "did you mean 'Europe/Berlin'?"
        ),
    ),
    "a version where a platform belongs": (
        lambda: mlops.FeatureStore("features", platform=VERSION),  # type: ignore[arg-type]
        GIVE_A_PLATFORM,
    ),
    "nothing where a platform belongs": (lambda: mlops.FeatureStore("features"), "platform: is required"),  # type: ignore[call-arg]
    "a gate without a number": (
        lambda: mlops.Model("churn", registry=REGISTRY, gate={"auc": "0.9"}),
        "gate: auc: '0.9': write a comparison with a number, such as '>=0.92'",
    ),
    "a budget without an address": (
        platform(monthly_budget=10),
        "monthly_budget: a budget needs somebody to tell; write alerts=['ml-team@example.com']",
    ),
    "no address": (platform(alerts=["ml-team"]), "alerts: 'ml-team': not an e-mail address; write one such as"),
    "two networks": (
        platform(network={"private": {}, "existing": {"subnets": ["s"], "security_groups": ["g"]}}),
        "network: takes exactly one of 'private' and 'existing'",
    ),
    "no network in the network": (platform(network={}), "network: takes exactly one of 'private' and 'existing'"),
    "a public range": (
        platform(network={"private": {"cidr": "8.8.0.0/16"}}),
        "network.private.cidr: '8.8.0.0/16' must be a private range between /16 and /20",
    ),
    "no range": (
        platform(network={"private": {"cidr": "10.0.0.1/16"}}),
        "network.private.cidr: 10.0.0.1/16 has host bits set; write a range such as '10.64.0.0/16'",
    ),
    "twice the same image": (platform(images=["churn", "churn"]), "images: names one thing twice"),
    "no short name": (platform(images=["Churn"]), "images: 'Churn': write 2 to 40 lower-case letters"),
    "unknown stage": (
        platform(stage="stagin"),
        "profile: is required, because stage 'stagin' tells none; write 'dev', 'staging' or 'prod'; did you mean",
    ),
    "no stage's name": (
        platform(stage="EU-west", profile="dev"),
        "stage: 'EU-west' must be 1 to 12 lower-case letters and digits that begin with a letter, such as 'dev'",
    ),
    "a profile against the stage's name": (
        platform(stage="prod", profile="dev"),
        "profile: is 'prod', because the stage is named so; leave it out, or give the stage another name",
    ),
    "no profile's name": (
        platform(stage="blue", profile="production"),
        "profile: 'production' is not one of 'dev', 'staging' or 'prod'; did you mean 'prod'?",
    ),
    "unknown argument": (
        platform(monthly_bugdet=5),
        "monthly_bugdet: is not an argument here; did you mean 'monthly_budget'?",
    ),
    "a long name": (
        lambda: mlops.Platform("c" * 90, backend="aws"),
        "name: has 90 characters, at most 40 are allowed; write a shorter one",
    ),
    "no backend at all": (
        lambda: mlops.Platform("churn"),
        "backend: is required; write one of 'aws', 'azure', 'kubernetes', or run: pulumi config set backend aws",
    ),
    "no such approval": (
        MODEL.approved,
        "approved: no version is approved yet; approve one, or write approved(otherwise='wait')",
    ),
    "no such image": (
        lambda: hub(images={"churn": "repo"}).image("chrn", "1"),
        "images: has no repository 'chrn'; did you mean 'churn'?; add it to images=[…] (churn)",
    ),
    "no such secret": (lambda: HUB.secret("tok"), "secrets: has no secret 'tok'; add it to secrets={…}"),
    "no online store": (
        lambda: mlops.FeatureGroupRef(**{**vars(GROUP), "has_online": False}).online,
        "online: is off; write online={} to have an online store",
    ),
    "no history": (lambda: GROUP.as_of(days=0), "days: 0 must be a whole number, at least 1"),
}


@pytest.mark.parametrize("case", TABLE)
def test_one_problem(cloud: Cloud, case: str) -> None:
    program, said = TABLE[case]
    error = refused(cloud, program)
    assert isinstance(error, InvalidArgs)
    assert [str(problem)[: len(said)] for problem in error.problems] == [said]


def test_many_problems_in_one_error(cloud: Cloud) -> None:
    error = refused(
        cloud,
        lambda: mlops.Endpoint(
            "Score",
            platform=HUB,
            variants=[{"name": name, "model": FILES} for name in ("a", "a", "b")],
            shadow={"model": FILES},
            mode={"serverless": {"max_concurrency": 0}},
            scaling={"min": 3, "max": 2},
            release={"canary": {"percent": 100}},
            capture_percent="some",  # type: ignore[arg-type]
        ),
    )
    assert isinstance(error, InvalidArgs)
    assert [problem.field for problem in error.problems] == [
        "name",
        "variants",
        "shadow",
        "mode.serverless.max_concurrency",
        "scaling.max",
        "release.canary.percent",
        "capture_percent",
    ]


@pytest.mark.parametrize(
    "program",
    [
        platform(secrets={"Tok": "hunter2"}),
        platform(secrets={"tok": ["hunter2"]}),
        platform(secret={"tok": "hunter2"}),
        platform(secrets="hunter2"),
        with_an_output,
        endpoint(model=FILES, environment={"a b": "hunter2"}),
        endpoint(model=FILES, secrets={"TOKEN": "hunter2"}),
    ],
)
def test_no_error_holds_a_secret(cloud: Cloud, program: Callable[[], object]) -> None:
    error = refused(cloud, program)
    assert "hunter2" not in str(error)
    assert "hunter2" not in repr(error)


def test_an_unknown_backend(cloud: Cloud) -> None:
    error = refused(cloud, platform(backend="awz"))
    assert isinstance(error, MissingBackend)
    assert str(error) == "Platform 'churn': There is no backend 'awz'; write one of: aws, azure, kubernetes."


def test_a_backend_whose_extra_is_not_installed(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    absent = registry.Entry(
        "acme.gcp:ENGINE", packages=("pulumi_gcp_of_nobody",), install="pip install 'pulumi-mlops[gcp]'"
    )
    monkeypatch.setitem(registry.backends(), "gcp", absent)
    error = refused(cloud, platform(backend="gcp"))
    assert isinstance(error, MissingBackend)
    assert (
        str(error) == "Platform 'churn': Backend 'gcp' needs pulumi_gcp_of_nobody; run: pip install 'pulumi-mlops[gcp]'"
    )


def test_the_backend_comes_from_the_configuration_unless_told(cloud: Cloud) -> None:
    cloud.run(lambda: mlops.Platform("churn"), backend="aws")
    assert cloud.one("Platform").name == "churn"
