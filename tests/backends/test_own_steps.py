"""Steps of the library's own: their programs are delivered on every backend, and nothing of others is."""

import json
import shlex
from collections.abc import Mapping
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest

import pulumi_mlops as mlops
from pulumi_mlops import InvalidArgs
from support import rights
from support.facts import aws, azure, kubernetes
from support.mocks import ACCOUNT, REGION, Cloud
from support.own_steps import delivered, own

FACTS: Mapping[str, ModuleType] = {"aws": aws, "azure": azure, "kubernetes": kubernetes}
BACKENDS = pytest.mark.parametrize("backend", FACTS)
IMAGE = "registry.example.com/own:1"


def built(cloud: Cloud, backend: str, steps: Mapping[str, mlops.Step]) -> None:
    facts = FACTS[backend]
    settings: dict[str, Any] = getattr(facts, "SETTINGS", {})
    cloud.run(lambda: mlops.Pipeline("watch", platform=facts.HUB, steps=dict(steps)) and None, **settings)


@BACKENDS
def test_programs_of_a_step_are_beside_the_one_that_begins_it(backend: str) -> None:
    plain, cloud = Cloud(), Cloud()
    built(plain, backend, {"fit": mlops.train(image=IMAGE, command=["fit"])})
    built(cloud, backend, {"fit": mlops.train(image=IMAGE, command=["fit"]), "own": own(IMAGE)})
    assert "step.py" in delivered(plain)
    assert delivered(cloud) - delivered(plain) == {"suggest.py"}


WHOLE = f"{azure.WORKSPACE}/components/retrain/versions"
RETRAIN: Mapping[str, mlops.PipelineRef] = {
    backend: mlops.PipelineRef(
        name="retrain",
        backend=backend,
        platform=facts.HUB,
        runs="s3://artifacts/pipelines/retrain/",
        parameters={"days-back": 30},
        address=address,
    )
    for (backend, facts), address in zip(
        FACTS.items(),
        (
            {"name": "churn-dev-retrain", "arn": f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:pipeline/churn-dev-retrain"},
            {
                "id": f"{WHOLE}/abc",
                "experiment": "churn-dev-retrain",
                "client": "c",
            },
            {"template": "retrain"},
        ),
        strict=True,
    )
}


def starts(cloud: Cloud, backend: str) -> None:
    """Build a pipeline of which one step starts another pipeline, and another does not."""
    watched = mlops.prepare(image=IMAGE, command=["prep"], outputs=["rows"])
    built(cloud, backend, {"plain": watched, "own": own(IMAGE, {"next": RETRAIN[backend]})})


@BACKENDS
def test_what_starts_another_pipeline_has_the_program_for_it(backend: str) -> None:
    cloud = Cloud()
    starts(cloud, backend)
    assert "starting.py" in delivered(cloud)
    assert {"cluster.py", "release.py"} <= delivered(cloud) or backend != "kubernetes"


@BACKENDS
def test_a_pipeline_of_another_platform_or_itself_is_started_by_no_step(backend: str) -> None:
    other = replace(RETRAIN[backend], platform=replace(RETRAIN[backend].platform, name="other"))
    with pytest.raises(InvalidArgs, match=r"steps\.own\.starts\.next.* is of platform 'other'"):
        built(Cloud(), backend, {"own": own(IMAGE, {"next": other})})
    itself = replace(RETRAIN[backend], name="watch")
    with pytest.raises(InvalidArgs, match=r"steps\.own\.starts\.next.* would start itself"):
        built(Cloud(), backend, {"own": own(IMAGE, {"next": itself})})


def test_on_aws_a_step_looks_for_runs_of_that_pipeline_and_starts_it() -> None:
    cloud = Cloud()
    starts(cloud, "aws")
    arn = RETRAIN["aws"].address["arn"]
    may = rights.of(cloud, "watch-rights")
    for action in ("StartPipelineExecution", "ListPipelineExecutions"):
        assert may(f"sagemaker:{action}", arn)
        assert not may(f"sagemaker:{action}", f"{arn}-2")
    assert not may("sagemaker:StopPipelineExecution", arn)
    definition = cloud.one("sagemaker/pipeline", "watch-pipeline").document("pipelineDefinition")
    plain, starting = (step["Arguments"]["Environment"] for step in definition["Steps"])
    assert starting["MLOPS_START_NEXT"] == arn
    assert not [name for name in plain if name.startswith("MLOPS_START_")]


def test_on_azure_a_step_is_told_the_job_and_its_identity_starts_jobs_alone() -> None:
    cloud = Cloud()
    starts(cloud, "azure")
    (role,) = (item.inputs for item in cloud.registered if item.name == "watch-starts")
    (permissions,) = role["permissions"]
    assert "Microsoft.MachineLearningServices/workspaces/jobs/write" in permissions["actions"]
    assert not [one for one in permissions["actions"] if one.endswith(("*", "/delete")) or "/computes/w" in one]
    assert not permissions["dataActions"]
    (given,) = (item.inputs for item in cloud.registered if item.name == "watch-right-step-starter-starts")
    assert given["scope"] == azure.WORKSPACE
    made = [item.inputs["properties"] for item in cloud.registered if "component-" in item.name]
    specs = [one["componentSpec"] for one in made if "componentSpec" in one]
    commands = {spec["name"]: str(spec["command"]) for spec in specs if spec.get("type") == "command"}
    said = json.loads(shlex.split(commands["churn_dev_watch__own"])[-1])["environment"]
    told = json.loads(said["MLOPS_START_NEXT"])
    assert told["workspace"] == azure.WORKSPACE
    assert told["job"]["componentId"] == RETRAIN["azure"].address["id"]
    assert told["job"]["inputs"] == {"days_back": {"jobInputType": "literal", "value": "30"}}
    assert "MLOPS_START_" not in commands["churn_dev_watch__plain"]


def test_on_azure_another_version_of_what_is_started_is_another_version_of_the_step() -> None:
    """A version of a component never changes, and what it starts stands in it."""
    versions = set()
    for number in ("abc", "def", "abc"):
        cloud = Cloud()
        address = {**RETRAIN["azure"].address, "id": f"{WHOLE}/{number}"}
        built(cloud, "azure", {"own": own(IMAGE, {"next": replace(RETRAIN["azure"], address=address)})})
        versions |= {item.name for item in cloud.registered if item.name.startswith("watch-component-own-")}
    assert len(versions) == 2


def test_on_kubernetes_the_step_that_starts_has_a_token_of_its_own_and_no_other_has() -> None:
    cloud = Cloud()
    starts(cloud, "kubernetes")
    given = cloud.one("WorkflowTemplate").inputs["spec"]
    templates = {one["name"]: one for one in given["templates"]}
    plain, starting = templates["step-plain"], templates["step-own"]
    account = cloud.one("ServiceAccount", "watch-account-starts").inputs["metadata"]["name"]
    assert starting["serviceAccountName"] == account
    assert "serviceAccountName" not in plain
    assert given["serviceAccountName"] != account
    (volume,) = (one for one in starting["volumes"] if "projected" in one)
    assert volume["projected"]["sources"][0]["serviceAccountToken"]["path"] == "token"
    (mount,) = (one for one in starting["container"]["volumeMounts"] if one["name"] == volume["name"])
    assert mount == {"name": "account", "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount", "readOnly": True}
    assert not [one for one in plain["volumes"] if "projected" in one]
    rules = {one["resources"][0]: one for one in cloud.one("Role", "watch-role-starts").inputs["rules"]}
    assert rules["workflows"]["verbs"] == ["list", "create"]
    assert (rules["workflowtemplates"]["verbs"], rules["workflowtemplates"]["resourceNames"]) == (["get"], ["retrain"])
    env = {one["name"]: one.get("value") for one in starting["container"]["env"]}
    where = f"/apis/argoproj.io/v1alpha1/namespaces/{kubernetes.NAMESPACE}/workflowtemplates/retrain"
    assert env["MLOPS_START_NEXT"] == f"https://kubernetes.default.svc{where}"
