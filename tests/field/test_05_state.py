"""A thing was there, and was taken for a healthy one: an endpoint that had failed, a secret that waited for its end."""

import json
import urllib.request
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

import pulumi_mlops as mlops
from pulumi_mlops.backends.aws import leftovers, live
from pulumi_mlops.core import private
from pulumi_mlops_sandbox.environment import Sandbox
from pulumi_mlops_sandbox.stack import Stack
from support.facts.aws import HUB, REGISTRY, STORE, hub
from support.mocks import Cloud

Refused = Callable[..., str]
MADE = datetime(2026, 11, 3, 8, 30, tzinfo=UTC)
GROUP: dict[str, Any] = {"features": {"id": "string", "at": "timestamp"}, "keys": ["id"], "event_time": "at"}
FILES = {"image": "111122223333.dkr.ecr.us-east-1.amazonaws.com/churn:1", "artifact": "s3://files/churn.tar.gz"}


def endpoint(status: str) -> dict[str, Any]:
    return {
        "EndpointArn": "arn:aws:sagemaker:us-east-1:111122223333:endpoint/churn-dev-score",
        "EndpointConfigName": "score-configuration-1",
        "EndpointStatus": status,
        "FailureReason": "The primary container did not pass the ping health check",
        "CreationTime": MADE,
        "LastModifiedTime": MADE,
    }


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Say what an account answers; whatever else is asked for is not there."""
    for name in ("endpoint", "endpoint_config", "feature_group", "model_group", "table", "secret"):
        monkeypatch.setattr(live, name, lambda *_: None)
    monkeypatch.setattr(live, "tags", lambda *_: {})

    def answers(**given: Any) -> None:
        for name, answer in given.items():
            monkeypatch.setattr(live, name, lambda *_, answer=answer: answer)

    return answers


def desired(cloud: Cloud) -> dict[str, str]:
    state = json.loads(cloud.one("cloudcontrol/resource", "score-endpoint").inputs["desiredState"])
    return {tag["Key"]: tag["Value"] for tag in state["Tags"]}


def serve(cloud: Cloud, **args: Any) -> Cloud:
    cloud.run(lambda: mlops.Endpoint("score", platform=HUB, **({"model": FILES} | args)) and None)
    return cloud


def test_an_endpoint_that_failed_is_made_again_and_the_preview_says_so(asked: Callable[..., None]) -> None:
    asked(endpoint=endpoint("Failed"), tags={"component": "Endpoint/score"})
    cloud = serve(Cloud(preview=True))
    assert [said for said in cloud.infos if "is Failed (The primary container did not pass" in said]
    assert desired(cloud)[leftovers.LIFE] == MADE.isoformat()


def test_one_that_failed_and_is_somebody_elses_is_left_alone(asked: Callable[..., None]) -> None:
    asked(endpoint=endpoint("Failed"), tags={"component": "Endpoint/other"})
    assert leftovers.LIFE not in desired(serve(Cloud()))


def test_the_one_that_took_its_place_stays(asked: Callable[..., None]) -> None:
    asked(endpoint=endpoint("InService"), tags={leftovers.LIFE: MADE.isoformat()})
    cloud = serve(Cloud())
    assert desired(cloud)[leftovers.LIFE] == MADE.isoformat()


def test_one_that_never_failed_is_as_before(asked: Callable[..., None]) -> None:
    asked(endpoint=endpoint("InService"))
    assert leftovers.LIFE not in desired(serve(Cloud()))


@pytest.mark.parametrize("status", ["Updating", "RollingBack", "Deleting"])
def test_one_that_is_busy_is_said(status: str, asked: Callable[..., None]) -> None:
    asked(endpoint=endpoint(status))
    cloud = serve(Cloud(preview=True))
    assert [said for said in cloud.infos if f"is {status}, and AWS refuses" in said and "endpoint-in-service" in said]


def test_a_failed_one_that_others_release_is_refused(asked: Callable[..., None], refused_at_preview: Refused) -> None:
    asked(endpoint=endpoint("Failed"))
    said = refused_at_preview(lambda: mlops.Endpoint("score", platform=HUB, model=FILES, release={"owner": "registry"}))
    assert "aws sagemaker delete-endpoint --endpoint-name churn-dev-score" in said


@pytest.mark.parametrize("state", ["CreateFailed", "DeleteFailed", "Deleting"])
def test_a_feature_group_that_failed_is_refused(
    state: str, asked: Callable[..., None], refused_at_preview: Refused
) -> None:
    there = {
        "FeatureDefinitions": [
            {"FeatureName": "id", "FeatureType": "String"},
            {"FeatureName": "at", "FeatureType": "String"},
        ],
        "RecordIdentifierFeatureName": "id",
        "EventTimeFeatureName": "at",
        "OfflineStoreConfig": {"DataCatalogConfig": {"Database": "churn_dev_features"}},
        "FeatureGroupStatus": state,
        "FailureReason": "the role cannot write",
    }
    asked(feature_group=there)
    said = refused_at_preview(lambda: mlops.FeatureGroup("profile", store=STORE, **GROUP))
    wanted = "being deleted" if state == "Deleting" else "aws sagemaker delete-feature-group --feature-group-name"
    assert wanted in said


@pytest.mark.parametrize("state", ["Failed", "DeleteFailed"])
def test_a_model_group_that_failed_is_refused(
    state: str, asked: Callable[..., None], refused_at_preview: Refused
) -> None:
    asked(model_group={"ModelPackageGroupStatus": state})
    said = refused_at_preview(lambda: mlops.Model("churn", registry=REGISTRY))
    assert "aws sagemaker delete-model-package-group --model-package-group-name" in said


def test_a_secret_that_waits_for_its_deletion_is_refused(
    asked: Callable[..., None], refused_at_preview: Refused
) -> None:
    asked(secret={"DeletedDate": MADE})
    said = refused_at_preview(lambda: mlops.Platform("churn", backend="aws", stage="prod", secrets={"token": "x"}))
    assert "secrets.token: secret 'churn-prod/token' was deleted on 2026-11-03" in said
    assert "aws secretsmanager restore-secret --secret-id churn-prod/token" in said


def test_a_table_that_outlived_its_group_is_refused_in_prod(
    asked: Callable[..., None], refused_at_preview: Refused
) -> None:
    asked(table={"Name": "churn_prod_profile"})
    store = replace(STORE, platform=hub(stage="prod"))
    said = refused_at_preview(lambda: mlops.FeatureGroup("profile", store=store, **GROUP))
    assert "offline: table 'churn_prod_profile' of database" in said
    assert "aws glue delete-table --database-name" in said


def test_a_table_that_outlived_its_group_goes_in_dev(
    asked: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    deleted: list[dict[str, str]] = []

    class Glue:
        def delete_table(self, **which: str) -> None:
            deleted.append(which)

    asked(table={"Name": "churn_dev_profile"})
    monkeypatch.setattr(live, "client", lambda *_: Glue())
    monkeypatch.setattr(live, "is_written", lambda *_: False)
    monkeypatch.setattr(private, "mocked", lambda: False)
    monkeypatch.setattr("pulumi.runtime.is_dry_run", lambda: False)
    said: list[str] = []
    scope: Any = SimpleNamespace(profile=leftovers.PROFILES["dev"], say=said.append)
    leftovers.drop_table(scope, HUB, "churn_dev_features", "churn_dev_profile", "churn-dev-profile")
    assert deleted == [{"DatabaseName": "churn_dev_features", "Name": "churn_dev_profile"}]
    assert said == [
        "table churn_dev_profile of database churn_dev_features, which an earlier group of this name left, is deleted"
    ]


PROGRAM = """
    import pulumi_mlops as mlops
    hub = mlops.Platform("state", backend="aws", stage="dev")
    store = mlops.FeatureStore("features", platform=hub)
    if {group}:
        mlops.FeatureGroup("profile", store=store, features={{"id": "string", "at": "timestamp"}}, keys=["id"],
                           event_time="at")
    mlops.Endpoint("score", platform=hub, model={{"image": "{image}"}})
"""


@pytest.mark.long
@pytest.mark.e2e
def test_what_failed_or_was_left_comes_back(sandbox: Sandbox, project: Any, pulumi: Any) -> None:
    """AWS fails a creation; a feature group is taken out of a program and put back."""
    image = "111122223333.dkr.ecr.us-east-1.amazonaws.com/churn:1"
    folder = project(PROGRAM.format(group=True, image=image))
    url = f"{sandbox.env()['AWS_ENDPOINT_URL']}/_sandbox/faults"
    fault = {"service": "sagemaker", "operation": "EndpointCreation", "message": "the health check failed"}
    urllib.request.urlopen(urllib.request.Request(url, json.dumps(fault).encode(), method="POST")).close()

    failed = pulumi("up", "--yes", "--skip-preview", cwd=folder, code=1)
    assert "the health check failed" in failed.stdout + failed.stderr
    said = pulumi("preview", cwd=folder)
    assert "is Failed (the health check failed)" in said.stdout
    pulumi("up", "--yes", "--skip-preview", cwd=folder)

    project(PROGRAM.format(group=False, image=image))
    less = Stack(sandbox, folder).up()
    assert less.code == 0, less.output
    assert {step.op for step in less.changes} == {"delete"}, "the endpoint that was made again stays as it is"
    project(PROGRAM.format(group=True, image=image))
    again = pulumi("up", "--yes", cwd=folder)
    assert "which an earlier group of this name left, is deleted" in again.stdout
    pulumi("preview", "--expect-no-changes", cwd=folder)
    pulumi("destroy", "--yes", "--skip-preview", cwd=folder)
