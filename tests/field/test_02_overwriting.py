"""Two stacks with the same names on one shared platform: where AWS would overwrite in silence, names do not meet."""

from collections.abc import Callable

import pytest

import pulumi_mlops as mlops
from support.facts.aws import hub
from support.mocks import Cloud, Registration

QUEUE = "arn:aws:sqs:us-east-1:111122223333:approvals"
IMAGE = {"image": "example/churn:1"}
SHARED = hub("shared")


def registry() -> None:
    mlops.ModelRegistry("models", platform=SHARED, events={"deploy": {"to": QUEUE}, "a" * 40: {"to": QUEUE}})


def endpoint() -> None:
    night = {"name": "night", "cron": "0 22 * * *", "min": 1, "max": 2}
    scaling = {"min": 1, "max": 4, "requests_per_replica": 100, "schedules": [night]}
    health = {"latency_ms": 100}
    mlops.Endpoint("score", platform=SHARED, model=IMAGE, compute={"cpus": 2}, scaling=scaling, health=health)  # type: ignore[arg-type]


def queue() -> None:
    scaling = {"min": 0, "max": 4, "requests_per_replica": 5}
    mode: dict[str, dict[str, int]] = {"asynchronous": {}}
    mlops.Endpoint("score", platform=SHARED, model=IMAGE, compute={"cpus": 2}, scaling=scaling, mode=mode)  # type: ignore[arg-type]


def platform() -> None:
    mlops.Platform("shared", backend="aws", alerts=["ml@example.com"])


PUT = [  # the API overwrites or gives back what has the name
    (registry, "cloudwatch/eventRule", 2),
    (endpoint, "cloudwatch/metricAlarm", 2),
    (endpoint, "appautoscaling/policy", 1),
    (endpoint, "appautoscaling/scheduledAction", 1),
    (queue, "cloudwatch/metricAlarm", 2),
    (queue, "appautoscaling/policy", 2),
    (platform, "sns/topic", 1),
]


def made(program: Callable[[], None], kind: str, stack: str) -> list[Registration]:
    cloud = Cloud(stack=stack)
    cloud.run(program)
    return cloud.all(kind)


@pytest.mark.parametrize(("program", "kind", "count"), PUT)
def test_names_of_two_stacks_do_not_meet(program: Callable[[], None], kind: str, count: int) -> None:
    one, other = ({item.inputs["name"] for item in made(program, kind, stack)} for stack in ("one", "other"))
    assert len(one) == len(other) == count
    assert not one & other
    assert one == {item.inputs["name"] for item in made(program, kind, "one")}  # and the second up changes nothing


@pytest.mark.parametrize(("program", "kind", "count"), PUT[1:])
def test_what_runs_already_keeps_its_name(program: Callable[[], None], kind: str, count: int) -> None:
    """A topic that is made again has to be confirmed again; a rule is made again, it may be another stack's."""
    assert [item.ignore_changes for item in made(program, kind, "one")] == [["name"]] * count


def test_targets_are_registered_when_the_endpoint_is_this_stacks() -> None:
    """A scalable target is named by its endpoint, which AWS refuses to make twice."""
    for target in made(endpoint, "appautoscaling/target", "one"):
        assert "score-endpoint" in target.depends_on
