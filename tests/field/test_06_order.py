"""What AWS takes in one order only: other machines of a variant that is scaled; a time to live that goes."""

from collections.abc import Callable
from typing import Any

import pytest

import pulumi_mlops as mlops
from pulumi_mlops.backends.aws import live, release
from pulumi_mlops.backends.aws.scaling import Registered
from pulumi_mlops.components.platform import PlatformRef
from support.facts.aws import HUB, STORE
from support.mocks import Cloud, Registration

WHERE = {
    "ServiceNamespace": "sagemaker",
    "ResourceId": "endpoint/churn-dev-score/variant/main",
    "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
}
NIGHT = {"name": "night", "cron": "0 22 * * *", "min": 1, "max": 2}


class Scaling:
    """Answers as Application Auto Scaling does, and remembers what it was told."""

    def __init__(self, *, registered: bool = True) -> None:
        self.told: list[tuple[str, dict[str, Any]]] = []
        self.targets = [{**WHERE, "MinCapacity": 3, "MaxCapacity": 7, "ScalableTargetARN": "arn"}] if registered else []

    def describe_scalable_targets(self, **_: Any) -> Any:
        return {"ScalableTargets": self.targets}

    def describe_scaling_policies(self, **_: Any) -> Any:
        policy = {**WHERE, "PolicyName": "load", "PolicyType": "TargetTrackingScaling", "Alarms": [], "PolicyARN": "p"}
        return {"ScalingPolicies": [policy]}

    def describe_scheduled_actions(self, **_: Any) -> Any:
        return {"ScheduledActions": [{**WHERE, "ScheduledActionName": "night", "Schedule": "cron(0 22 * * ? *)"}]}

    def list_tags_for_resource(self, **_: Any) -> Any:
        return {"Tags": {"project": "churn"}}

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda **asked: self.told.append((name, asked))


@pytest.fixture
def scaling(monkeypatch: pytest.MonkeyPatch) -> Scaling:
    found = Scaling()
    monkeypatch.setattr(live, "client", lambda *_: found)
    return found


def test_a_target_is_deregistered_and_comes_back_as_it_was_when_the_release_went_back(scaling: Scaling) -> None:
    taken = live.take_scaling(HUB, "churn-dev-score", "main")
    assert scaling.told == [("deregister_scalable_target", WHERE)]
    assert taken
    registered = Registered(HUB, "churn-dev-score", ["main"])
    registered.taken = [taken]
    registered.restore()
    _, target, policy, action = scaling.told
    assert target[1] == {**WHERE, "MinCapacity": 3, "MaxCapacity": 7, "Tags": {"project": "churn"}}
    assert (policy[0], policy[1]["PolicyName"], "PolicyARN" in policy[1]) == ("put_scaling_policy", "load", False)
    assert (action[0], action[1]["Schedule"]) == ("put_scheduled_action", "cron(0 22 * * ? *)")


def test_what_is_not_registered_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    found = Scaling(registered=False)
    monkeypatch.setattr(live, "client", lambda *_: found)
    assert live.take_scaling(HUB, "churn-dev-score", "main") is None
    assert found.told == []


def endpoint(monkeypatch: pytest.MonkeyPatch, machine: str, **compute: Any) -> list[Registration]:
    """Deploy an endpoint of which the machine serves already, whose bounds the clock has moved."""
    serving = release.Serving(machines={"main": machine}, now={"main": 5})
    monkeypatch.setattr(release, "serving", lambda *_: serving)
    monkeypatch.setattr(live, "scaling_bounds", lambda *_: (3, 7))
    cloud = Cloud()
    scaled = {"min": 1, "max": 9, "requests_per_replica": 10, "schedules": [NIGHT]}
    cloud.run(
        lambda: (
            mlops.Endpoint("score", platform=HUB, model={"image": "a/b:1"}, compute=compute, scaling=scaled) and None
        )  # type: ignore[arg-type]
    )
    return [cloud.one(f"appautoscaling/{kind}") for kind in ("target", "policy", "scheduledAction")] + [
        cloud.one("sagemaker/endpointConfiguration")
    ]


@pytest.mark.parametrize("compute", [{"cpus": 8}, {"memory_gb": 60}, {"accelerator": "A10G:1"}])
def test_with_other_machines_a_target_is_registered_again_with_the_bounds_that_it_had(
    monkeypatch: pytest.MonkeyPatch, compute: dict[str, Any]
) -> None:
    before, after = (endpoint(monkeypatch, "ml.c5.large", **one) for one in ({"cpus": 2}, compute))
    for one, other in zip(before[:3], after[:3], strict=True):
        assert one.replacement_trigger != other.replacement_trigger
        assert other.delete_before_replace, "what is deleted last would take the new one away"
    assert (before[0].inputs["minCapacity"], before[0].inputs["maxCapacity"]) == (1, 9)
    assert (after[0].inputs["minCapacity"], after[0].inputs["maxCapacity"]) == (3, 7)
    assert after[3].inputs["productionVariants"][0]["initialInstanceCount"] == 5, "counts are kept"


@pytest.mark.parametrize("ttl", [None, 48])
def test_a_time_to_live_can_go_and_change(monkeypatch: pytest.MonkeyPatch, ttl: int | None) -> None:
    features = {"id": "string", "at": "timestamp"}
    there = {
        "FeatureDefinitions": [{"FeatureName": one, "FeatureType": "String"} for one in features],
        "RecordIdentifierFeatureName": "id",
        "EventTimeFeatureName": "at",
        "OnlineStoreConfig": {"EnableOnlineStore": True, "TtlDuration": {"Unit": "Hours", "Value": 24}},
    }

    def found(_: PlatformRef, __: str) -> dict[str, Any]:
        return there

    monkeypatch.setattr(live, "feature_group", found)
    cloud = Cloud(preview=True)
    online = {"ttl_hours": ttl}
    cloud.run(
        lambda: (
            mlops.FeatureGroup(
                "g", store=STORE, keys=["id"], event_time="at", features=features, online=online, offline=None
            )  # type: ignore[arg-type]
            and None
        )
    )
    assert ("ttlDuration" in cloud.one("sagemaker/featureGroup").inputs["onlineStoreConfig"]) == (ttl is not None)
