"""How replicas follow load and clock."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import pulumi_mlops as mlops
from pulumi_mlops.backends.aws.cron import aws_cron
from pulumi_mlops.backends.aws.instances import ACCELERATORS, INSTANCES, pick
from pulumi_mlops.core.compute import Compute
from support.facts.aws import HUB, IMAGE
from support.mocks import Cloud

NIGHT = {"name": "night", "cron": "0 22 * * *", "timezone": "Europe/Berlin", "min": 1, "max": 1}


def make(cloud: Cloud, **args: Any) -> None:
    cloud.run(lambda: mlops.Endpoint("score", platform=HUB, model={"image": IMAGE}, **args) and None)


def test_nothing_moves_unless_told(cloud: Cloud) -> None:
    make(cloud)
    assert not {kind for kind in cloud.kinds if kind.startswith("appautoscaling/")}


def test_replicas_follow_the_load(cloud: Cloud) -> None:
    make(cloud, scaling={"min": 2, "max": 9, "requests_per_replica": 400, "cooldown_in_seconds": 60})
    target = cloud.one("appautoscaling/target")
    assert target.inputs["resourceId"] == "endpoint/churn-dev-score/variant/main"
    assert (target.inputs["minCapacity"], target.inputs["maxCapacity"]) == (2, 9)
    assert target.ignore_changes == []
    assert "score-endpoint" in target.depends_on
    policy = cloud.one("appautoscaling/policy").inputs
    assert policy["targetTrackingScalingPolicyConfiguration"] == {
        "targetValue": 400,
        "scaleInCooldown": 60,
        "scaleOutCooldown": 60,
        "predefinedMetricSpecification": {"predefinedMetricType": "SageMakerVariantInvocationsPerInstance"},
    }
    (variant,) = cloud.one("sagemaker/endpointConfiguration").inputs["productionVariants"]
    assert variant["initialInstanceCount"] == 2


def test_an_asynchronous_endpoint_sleeps_and_wakes(cloud: Cloud) -> None:
    make(cloud, mode={"asynchronous": {}}, scaling={"min": 0, "max": 2, "requests_per_replica": 5})
    load = cloud.one("appautoscaling/policy", "score-main-follows-load").inputs
    metric = load["targetTrackingScalingPolicyConfiguration"]["customizedMetricSpecification"]
    assert metric["metricName"] == "ApproximateBacklogSizePerInstance"
    wake = cloud.one("appautoscaling/policy", "score-main-wakes")
    (step,) = wake.inputs["stepScalingPolicyConfiguration"]["stepAdjustments"]
    assert step == {"metricIntervalLowerBound": "0", "scalingAdjustment": 1}
    alarm = cloud.one("cloudwatch/metricAlarm", "score-main-waits")
    assert alarm.inputs["metricName"] == "HasBacklogWithoutCapacity"
    assert "score-main-wakes" in alarm.depends_on
    assert cloud.one("appautoscaling/target").inputs["minCapacity"] == 0


def test_bounds_by_the_clock(cloud: Cloud) -> None:
    make(cloud, scaling={"min": 2, "max": 9, "requests_per_replica": 400, "schedules": [NIGHT]})
    action = cloud.one("appautoscaling/scheduledAction").inputs
    assert (action["schedule"], action["timezone"]) == ("cron(0 22 * * ? *)", "Europe/Berlin")
    assert action["scalableTargetAction"] == {"minCapacity": 1, "maxCapacity": 1}
    assert cloud.one("appautoscaling/target").ignore_changes == ["minCapacity", "maxCapacity"]


@pytest.mark.parametrize(
    ("unix", "there"),
    [
        ("* * * * *", "* * * * ? *"),
        ("0 3 * * *", "0 3 * * ? *"),
        ("*/15 8-18 1,15 * *", "*/15 8-18 1,15 * ? *"),
        ("0 0 1 JAN *", "0 0 1 JAN ? *"),
        ("0 3 * * MON", "0 3 ? * MON *"),
        ("0 3 * * mon-fri", "0 3 ? * MON,TUE,WED,THU,FRI *"),
        ("0 3 * * 0", "0 3 ? * SUN *"),
        ("0 3 * * 7", "0 3 ? * SUN *"),
        ("0 3 * * 1", "0 3 ? * MON *"),
        ("0 3 * * 5-7", "0 3 ? * SUN,FRI,SAT *"),
        ("0 3 * * 0,7", "0 3 ? * SUN *"),
        ("0 3 * * */2", "0 3 ? * SUN,TUE,THU,SAT *"),
        ("0 3 * * 1-5/2", "0 3 ? * MON,WED,FRI *"),
        ("0 3 * 6 SAT,SUN", "0 3 ? 6 SUN,SAT *"),
    ],
)
def test_cron_of_unix_is_cron_of_aws(unix: str, there: str) -> None:
    assert aws_cron(unix) == f"cron({there})"


WISHES = st.builds(
    Compute,
    cpus=st.none() | st.integers(1, 192),
    memory_gb=st.none() | st.floats(0.5, 2048),
    accelerator=st.none() | st.builds("{}:{}".format, st.sampled_from(ACCELERATORS), st.integers(1, 16)),
    pin=st.none(),
)


@given(WISHES)
def test_the_smallest_machine_that_fits_is_picked(wish: Compute) -> None:
    model, _, count = (wish.accelerator or ":0").partition(":")
    fitting = [
        machine
        for machine in INSTANCES
        if machine.accelerator == model
        and machine.accelerators == int(count)
        and machine.cpus >= (wish.cpus or 0)
        and machine.memory_gb >= (wish.memory_gb or 0)
    ]
    picked = pick(wish)
    assert (picked is None) == (not fitting)
    if picked:
        assert picked in fitting
        assert picked[4:] + picked[1:3] == min(machine[4:] + machine[1:3] for machine in fitting)


def test_a_pin_wins() -> None:
    picked = pick(Compute(cpus=1, pin={"aws": "ml.p5.48xlarge"}))
    assert picked
    assert (picked.name, picked.has_local_disk) == ("ml.p5.48xlarge", True)
    other = pick(Compute(cpus=1, pin={"azure": "Standard_E4s_v3"}))
    assert other
    assert other.name == "ml.c5.large"
