"""How traffic moves on Azure: worked out of what serves now, and told to a workflow that goes on, or back."""

import json
from typing import Any

import pytest

import pulumi_mlops as mlops
from pulumi_mlops import ReleaseRolledBack
from pulumi_mlops.backends.azure import live, release, revision
from pulumi_mlops.backends.azure.revision import BEFORE, RELEASE, ROLLED_BACK, Live
from pulumi_mlops.components.endpoint import Release
from support.facts.azure import HUB, IMAGE, SETTINGS
from support.mocks import Cloud

CANARY: dict[str, Any] = {"canary": {"percent": 10, "bake_minutes": 15}}


def run(there: Live, monkeypatch: pytest.MonkeyPatch, **args: Any) -> Cloud:
    """Run a program beside an endpoint that serves."""
    monkeypatch.setattr(revision, "now", lambda *_: there)
    cloud = Cloud()
    cloud.run(
        lambda: {"ref": mlops.Endpoint("score", platform=HUB, model={"image": IMAGE}, **args).ref.export()}, **SETTINGS
    )
    return cloud


def body(cloud: Cloud) -> Any:
    (template,) = [item for item in cloud.registered if item.type.endswith(":Deployment")]
    return template.inputs["properties"]["template"]["resources"][0]


def wanted(cloud: Cloud) -> str:
    (made,) = [item for item in cloud.registered if item.type.endswith(":OnlineDeployment")]
    return str(made.inputs["deploymentName"])


def definition(cloud: Cloud) -> Any:
    (workflow,) = [item for item in cloud.registered if item.type.endswith(":Workflow")]
    return workflow.inputs["definition"]


def test_a_canary_takes_its_share_of_what_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    cloud = run(Live(there=True, traffic={"old": 100}, replicas={"old": 1}), monkeypatch, release=CANARY)
    new = wanted(cloud)
    assert body(cloud)["properties"]["traffic"] == {"old": 90, new: 10}
    assert body(cloud)["tags"][BEFORE] == "old=100"
    assert body(cloud)["tags"][RELEASE] == new


def test_a_release_that_is_under_way_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    new = wanted(run(Live(), monkeypatch))
    there = Live(
        there=True,
        traffic={"old": 40, new: 60},
        replicas={"old": 1, new: 1},
        tags={BEFORE: "old=100", RELEASE: new},
    )
    again = run(there, monkeypatch, release=CANARY)
    assert wanted(again) == new
    assert body(again)["properties"]["traffic"] == {"old": 40, new: 60}
    assert body(again)["tags"][BEFORE] == "old=100"


def test_whoever_goes_back_to_a_former_content_gets_another_deployment(monkeypatch: pytest.MonkeyPatch) -> None:
    former = wanted(run(Live(), monkeypatch))
    there = Live(
        there=True,
        traffic={former: 90, "other": 10},
        replicas={former: 1, "other": 1},
        tags={BEFORE: f"{former}=100", RELEASE: "other"},
    )
    assert wanted(run(there, monkeypatch, release=CANARY)) == f"{former}-2"


@pytest.mark.parametrize("idle", [True, False])
def test_who_has_gone_back_stays(monkeypatch: pytest.MonkeyPatch, *, idle: bool) -> None:
    """The former deployment waits to be deleted, or is gone: it does not take the place of the second."""
    former = wanted(run(Live(), monkeypatch))
    second, others = f"{former}-2", {former: 1} if idle else {}
    there = Live(there=True, traffic={second: 100}, replicas={**others, second: 1}, tags={RELEASE: second})
    assert wanted(run(there, monkeypatch, release=CANARY)) == second


def test_a_deployment_that_an_interrupted_update_left_is_taken_up_again(monkeypatch: pytest.MonkeyPatch) -> None:
    left = wanted(run(Live(), monkeypatch))
    there = Live(there=True, traffic={"old": 100}, replicas={"old": 1, left: 1}, tags={RELEASE: "old"})
    monkeypatch.setattr(live, "has_environment", lambda *_: True)
    assert wanted(run(there, monkeypatch)) == left


def test_the_workflow_goes_back_when_an_alert_fires_and_on_when_none_does(monkeypatch: pytest.MonkeyPatch) -> None:
    there = Live(there=True, traffic={"old": 100}, replicas={"old": 1, "older": 1}, variants={"old": "main"})
    cloud = run(there, monkeypatch, release=CANARY)
    new, watch = wanted(cloud), watched(cloud)
    onwards, back = watch["actions"], watch["else"]["actions"]
    first, last = onwards["after_10_percent"]["actions"], onwards["after_100_percent"]["actions"]
    assert first["next"]["inputs"]["body"]["properties"]["traffic"] == {new: 100}
    assert last["done"]["inputs"]["body"]["properties"]["traffic"] == {new: 100}
    assert {"delete_old", "delete_older"} <= set(last)
    assert back["back"]["inputs"]["body"]["properties"]["traffic"] == {"old": 100}
    assert ROLLED_BACK in back["back"]["inputs"]["body"]["tags"]
    assert f"delete_{new}" in back
    for several in (last, back):
        gone = {name for name in several if name.startswith("delete_")}
        assert set(several["done"]["runAfter"]) <= gone, "what a look did not delete is deleted by the next"
    assert "15" in json.dumps(onwards["after_10_percent"]["expression"])


def watched(cloud: Cloud) -> Any:
    """Return what a look does while the release is under way."""
    sent = definition(cloud)["actions"]["sent"]
    assert sent["expression"]["equals"][1] == wanted(cloud), "before it is sent, the endpoint is another release's"
    return sent["actions"]["under_way"]["actions"]["is_well"]


def test_copies_go_back_to_who_had_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Azure deletes no deployment that gets copies."""
    there = Live(there=True, traffic={"old": 100}, mirrored={"shade": 20}, replicas={"old": 1, "shade": 1})
    back = watched(run(there, monkeypatch, release=CANARY))["else"]["actions"]
    for name in ("back", "done"):
        assert back[name]["inputs"]["body"]["properties"]["mirrorTraffic"] == {"shade": 20}


def test_the_workflow_is_written_for_one_release(monkeypatch: pytest.MonkeyPatch) -> None:
    cloud = run(Live(), monkeypatch)
    (workflow,) = [item for item in cloud.registered if item.type.endswith(":Workflow")]
    assert set(workflow.ignore_changes) == {"definition", "state"}


def test_what_was_rolled_back_is_said_and_not_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    lost = wanted(run(Live(), monkeypatch))
    there = Live(there=True, traffic={"old": 100}, replicas={"old": 1}, tags={RELEASE: lost, ROLLED_BACK: lost})
    with pytest.raises(ReleaseRolledBack, match=lost):
        run(there, monkeypatch)


def test_a_new_revision_begins_with_the_machines_that_serve(monkeypatch: pytest.MonkeyPatch) -> None:
    there = Live(there=True, traffic={"old": 100}, replicas={"old": 7}, variants={"old": "main"})
    cloud = run(there, monkeypatch, scaling={"min": 2, "max": 9, "requests_per_replica": 100})
    (made,) = [item for item in cloud.registered if item.type.endswith(":OnlineDeployment")]
    assert made.inputs["sku"]["capacity"] == 7
    assert made.ignore_changes == ["sku"]


@pytest.mark.parametrize("percent", [1, 10, 33, 50, 99])
def test_every_mixture_is_a_hundred(percent: int) -> None:
    found = release.mixed({"a": 34, "b": 33, "c": 33}, release.shares({"x": 1, "y": 1, "z": 1}), percent)
    assert sum(found.values()) == 100
    assert sum(share for name, share in found.items() if name in "xyz") == percent


def test_a_linear_release_has_equal_steps() -> None:
    found = release.steps(Release.model_validate({"linear": {"step_percent": 25, "interval_minutes": 5}}))
    assert [(step.percent, step.minutes) for step in found][:3] == [(25, 5), (50, 5), (75, 5)]
    assert found[-1].percent == 100


def test_the_end_of_a_release_is_no_other_content(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a release goes back to is in a tag that the workflow takes away: the next update must not send it again."""
    new = wanted(run(Live(), monkeypatch))
    before: dict[str, Any] = {"there": True, "replicas": {"old": 1, new: 1}}
    under_way = run(
        Live(**before, traffic={"old": 90, new: 10}, tags={BEFORE: "old=100", RELEASE: new}),
        monkeypatch,
        release=CANARY,
    )
    over = run(Live(**before, traffic={new: 100}, tags={RELEASE: new}), monkeypatch, release=CANARY)
    names = [
        next(item.name for item in cloud.registered if item.type.endswith(":Deployment")) for cloud in (under_way, over)
    ]
    assert names[0] == names[1]
