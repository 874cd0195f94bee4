"""A release that measured nothing is not promoted: no data is no good news."""

import json
from pathlib import Path
from typing import Any

import pytest

import pulumi_mlops as mlops
from pulumi_mlops.backends.kubernetes.operators import OPERATORS
from pulumi_mlops.jobs import release
from support.facts.kubernetes import HUB, IMAGE, hub, version
from support.mocks import Cloud
from support.release_job import SERVICE, SERVICES, Clock, Stage, rules, run, service


def test_a_prometheus_that_selects_none_of_it(stage: Stage, clock: Clock, account: Path) -> None:
    """It selects by a `release` label, or another Prometheus is asked: no series, and no traffic moves."""
    stage.scraped = None
    with pytest.raises(release.RollbackError, match="measures no replica of score-new: it must select the PodMonitors"):
        run(stage, clock, account)
    assert stage.shares() == [{"old": 1}]


def test_targets_that_are_down_are_no_series(stage: Stage, clock: Clock, account: Path) -> None:
    stage.scraped = 0
    with pytest.raises(release.RollbackError, match="measures no replica"):
        run(stage, clock, account)


def test_one_of_two_variants_that_is_not_measured(stage: Stage, clock: Clock, account: Path) -> None:
    stage.objects[f"{SERVICES}/score-b"] = service()
    stage.measured = lambda asked: 0 if 'mlops_revision=~"score-b"' in asked else None
    with pytest.raises(release.RollbackError, match="measures no replica of score-b:"):
        run(stage, clock, account, rules=rules(new=1, b=1), revisions=["score-new", "score-b"])


def test_a_target_that_appears_late_is_waited_for(stage: Stage, clock: Clock, account: Path) -> None:
    stage.measured = lambda asked: 0 if asked.startswith("count(up") and clock.seconds < 60 else None
    run(stage, clock, account)
    assert stage.route["spec"]["rules"] == rules(new=1)


def test_requests_that_are_counted_under_another_name(stage: Stage, clock: Clock, account: Path) -> None:
    """The image is scraped and counts its requests in another metric: its errors would never be seen."""
    stage.measured = lambda asked: None if not asked.startswith("count(requests") else 0
    with pytest.raises(release.RollbackError, match="requests of main: nothing was measured; send some"):
        run(stage, clock, account)
    assert stage.shares() == [{"old": 9000, "new": 1000}, {"old": 1}]


def test_none_of_none_replicas_is_not_enough(stage: Stage, clock: Clock, account: Path) -> None:
    stage.measured = lambda asked: 0 if 'mlops_revision=~"score-old"' in asked else None
    with pytest.raises(release.RollbackError, match="measures no replica of what serves"):
        run(stage, clock, account, sized_by_load=True)


def test_without_a_route_it_is_the_same(stage: Stage, clock: Clock, account: Path) -> None:
    selector = {"serving.kserve.io/inferenceservice": "score-old"}
    stage.objects[SERVICE] = {"metadata": {}, "spec": {"selector": selector}}
    stage.scraped = None
    with pytest.raises(release.RollbackError, match="measures no replica of score-new"):
        run(stage, clock, account, route=None, sized_by_load=True)


def test_whoever_says_so_may_promote_it(stage: Stage, clock: Clock, account: Path) -> None:
    stage.scraped = None
    run(stage, clock, account, **of(release={"unmeasured": "promote"}, keys=("insists", "counted")))
    assert stage.route["spec"]["rules"] == rules(new=1)


def of(keys: tuple[str, ...], **args: Any) -> dict[str, Any]:
    cloud = Cloud()
    wanted = {"platform": HUB, "model": version()} | args
    cloud.run(lambda: mlops.Endpoint("score", **wanted) and None)
    found = json.loads(cloud.one("ConfigMap").inputs["data"]["settings.json"])
    return {key: found[key] for key in keys}


@pytest.mark.parametrize(
    ("model", "counter"),
    [(version(), "rest_server_requests_total"), ({"image": IMAGE}, "http_requests_total")],
)
def test_each_new_revision_is_insisted_on_by_default(model: Any, counter: str) -> None:
    found = of(("insists", "counted"), model=model)
    assert found["insists"] is True
    (counted,) = found["counted"]
    assert counted["query"].startswith(f"count({counter}{{")
    assert "unmeasured" in counted["means"]


def test_without_a_prometheus_nothing_is_insisted_on() -> None:
    assert of(("counted",), platform=hub(metrics=None)) == {"counted": []}


def test_our_own_prometheus_selects_every_namespace_and_label() -> None:
    (chart,) = OPERATORS["prometheus"].charts
    given = chart.values["prometheus"]["prometheusSpec"]
    assert given["podMonitorSelectorNilUsesHelmValues"] is given["ruleSelectorNilUsesHelmValues"] is False
