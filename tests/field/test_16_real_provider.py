"""With Pulumi's real Kubernetes provider: Jobs that failed once, tags beside Jobs, and what follows a killed `up`."""

from typing import Any

import pytest

import pulumi_mlops as mlops
from pulumi_mlops_sandbox.kubernetes.provider import diff, service
from pulumi_mlops_sandbox.kubernetes.provider.discovery import Gvk
from support.facts.kubernetes import HUB, version
from support.mocks import Cloud, Registration

READY = "pulumi.com/replaceUnready"
JOB = Gvk("batch/v1", "Job")


def jobs(platform: dict[str, Any] | None = None, **own: dict[str, Any]) -> dict[str, Registration]:
    """Run a program with every noun that has Jobs, and return these by their names in the program."""

    def program() -> None:
        hub = mlops.Platform("churn", backend="kubernetes", **(platform or {}))
        store = mlops.FeatureStore("features", platform=hub)
        schema: dict[str, Any] = {"id": "string", "at": "timestamp"}
        mlops.FeatureGroup(
            "profile", store=store, keys=["id"], event_time="at", features=schema, **own.get("group", {})
        )
        registry = mlops.ModelRegistry("models", platform=hub, approvers=[{"user": "lead"}])
        mlops.Model("churn", registry=registry, **own.get("model", {}))
        mlops.Endpoint("score", platform=HUB, model=version())

    cloud = Cloud()
    cloud.run(program)
    return {found.name: found for found in cloud.all("Job")}


def test_every_job_that_failed_is_made_anew() -> None:
    """A slow pull past its deadline is enough: the bucket, users, a model, a view, a release."""
    found = jobs()
    assert len(found) >= 5
    assert {job.inputs["metadata"]["annotations"].get(READY) for job in found.values()} == {"true"}


def compared(job: Registration) -> dict[str, Any]:
    """Return what Pulumi compares of a Job."""
    metadata = {key: item for key, item in job.inputs["metadata"].items() if key != "labels"}
    return {"metadata": metadata, "spec": job.inputs["spec"]}


@pytest.mark.parametrize(
    "change", [{"tags": {"cost-centre": "7"}}, {"owner": "growth@example.com"}, {"tags": {"note": "R&D, EU"}}]
)
def test_tags_of_the_platform_touch_no_job(change: dict[str, Any]) -> None:
    before, after = jobs(), jobs(change)
    assert before.keys() == after.keys()
    for name, job in before.items():
        assert "metadata.labels" in job.ignore_changes
        assert compared(job) == compared(after[name]), name


@pytest.mark.parametrize(
    ("whose", "change", "named"),
    [("model", {"tags": {"a": "b"}}, "churn-model"), ("group", {"description": "seen"}, "profile-apply")],
)
def test_what_a_job_writes_down_runs_it_again(whose: str, change: dict[str, Any], named: str) -> None:
    before, after = jobs(), jobs(**{whose: change})
    names = [found[named].inputs["metadata"]["name"] for found in (before, after)]
    assert names[0] != names[1]


def test_a_release_job_leans_on_nothing_that_an_update_writes_down() -> None:
    (job,) = [found for name, found in jobs().items() if "release" in name]
    assert {"metadata.labels", "metadata.annotations"} <= set(job.ignore_changes)


LABELS = {"batch.kubernetes.io/controller-uid": "1", "controller-uid": "1", "job-name": "x", "app": "release"}


@pytest.mark.parametrize("ignored", [("spec",), ("spec.template",)])
def test_the_stand_in_takes_what_the_controller_added_for_a_change(ignored: tuple[str, ...]) -> None:
    """After an update of a Job whose spec is ignored: keys with a hyphen pass the filter, and the Job is replaced."""
    wanted = {"template": {"metadata": {"labels": {"app": "release"}}}}
    live = {**wanted, "template": {"metadata": {"labels": LABELS}}, "completions": 1}
    found = list(service._written_down({service._WRITTEN_DOWN: live}, {"spec": wanted}, ignored))
    assert {change.path[-1] for change in found} == LABELS.keys() - {"app"}
    assert all(diff.replaces(change, diff.rules(JOB, ({}, {}), frozenset())) for change in found)
    assert not list(service._written_down({}, {"spec": wanted}, ignored))
