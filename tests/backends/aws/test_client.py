"""The client on AWS: what is asked and answered fits the API's own shapes, and is told neutrally."""

import datetime as dt
import io
import json
from collections.abc import Callable, Iterator
from typing import Any

import botocore.session
import pytest
from botocore.stub import Stubber

import pulumi_mlops as mlops
from pulumi_mlops import EndpointRef, MlopsError, NotFound, PipelineRef
from pulumi_mlops.backends.aws import live
from pulumi_mlops.backends.aws.client import CLIENT
from pulumi_mlops.clients.lineage import Code, Making, Read, Unknown, Version
from pulumi_mlops.core import private
from support.facts.aws import HUB, IMAGE, MODEL
from support.mocks import ACCOUNT, REGION, Cloud

ROOT = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}"
ARN = f"{ROOT}:pipeline/churn-dev-retrain"
RUN = f"{ARN}/execution/abcdefghijkl"
PACKAGE = f"{ROOT}:model-package/churn-dev-models-churn/3"
RETRAIN = PipelineRef(
    name="retrain",
    backend="aws",
    platform=HUB,
    runs="s3://artifacts/pipelines/retrain/",
    parameters={"days": 30, "least": 0.9},
    address={"name": "churn-dev-retrain", "arn": ARN},
)
SCORE = EndpointRef(
    name="score",
    backend="aws",
    platform=HUB,
    url="https://x",
    status="live",
    variants=["main"],
    address={"name": "churn-dev-score"},
)
DIGEST = f"sha256:{'a' * 64}"
CODE = Code(image=f"{IMAGE}@{DIGEST}", digest=DIGEST)
T0 = dt.datetime(2026, 11, 30, 3, 0, tzinfo=dt.UTC)
GROUP = {
    "ModelPackageGroupName": "churn-dev-models-churn",
    "ModelPackageGroupArn": f"{ROOT}:model-package-group/churn-dev-models-churn",
    "CreationTime": T0,
    "CreatedBy": {},
    "ModelPackageGroupStatus": "Completed",
}
Answers = Any


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Answers]:
    """Answer calls in their order, as botocore's own shapes have them."""
    session = botocore.session.get_session()
    keys: Any = {"aws_access_key_id": "some", "aws_secret_access_key": "some"}
    clients = {name: session.create_client(name, region_name=REGION, **keys) for name in ("sagemaker", "logs", "s3")}
    stubs = {name: Stubber(client) for name, client in clients.items()}
    monkeypatch.setattr(live, "client", lambda _, service: clients[service])
    monkeypatch.setattr(live, "account", lambda _: ACCOUNT)
    monkeypatch.setattr(private, "mocked", lambda: False)

    def answers(call: str, answer: dict[str, Any], asked: dict[str, Any] | None = None) -> None:
        service = {"get_object": "s3"}.get(call, "logs" if "log" in call else "sagemaker")
        stubs[service].add_response(call, answer, asked)

    answers.missing = stubs["s3"].add_client_error  # type: ignore[attr-defined]
    answers.refused = stubs["sagemaker"].add_client_error  # type: ignore[attr-defined]
    for stub in stubs.values():
        stub.activate()
    yield answers
    for stub in stubs.values():
        stub.assert_no_pending_responses()


@pytest.fixture(scope="module")
def definition() -> str:
    """Render a pipeline with a condition, as it is registered."""
    rows = mlops.prepare(
        image=IMAGE, command=["select"], outputs=["rows"], parameters={"days": mlops.parameter("days")}
    )
    fit = mlops.train(image=CODE.image, command=["train"], inputs={"x": rows.out("rows")})
    judge = mlops.evaluate(image=IMAGE, command=["judge"], inputs={"m": fit.out("model")}, metrics=["auc"])
    when = judge.metric("auc") >= mlops.parameter("least")
    keep = mlops.register(MODEL, fit.out("model"), image=IMAGE, when=when)
    graph = {"rows": rows, "fit": fit, "judge": judge, "keep": keep}
    cloud = Cloud()
    cloud.run(
        lambda: mlops.Pipeline("retrain", platform=HUB, steps=graph, parameters={"days": 30, "least": 0.9}) and None
    )
    return json.dumps(cloud.one("sagemaker/pipeline", "retrain-pipeline").document("pipelineDefinition"))


def step(name: str, status: str = "Succeeded", **facts: Any) -> dict[str, Any]:
    return {"StepName": name, "StepStatus": status, "StartTime": T0, "EndTime": T0 + dt.timedelta(minutes=2), **facts}


def job(name: str, kind: str = "TrainingJob") -> dict[str, Any]:
    word = {"TrainingJob": "training-job", "ProcessingJob": "processing-job"}[kind]
    return {kind: {"Arn": f"{ROOT}:{word}/{name}"}}


@pytest.fixture
def run(aws: Answers, definition: str) -> Callable[..., None]:
    def answers(status: str, listed: list[dict[str, Any]], **facts: Any) -> None:
        """Have an execution answer."""
        described = {
            "PipelineExecutionArn": RUN,
            "PipelineExecutionStatus": status,
            "CreationTime": T0,
            "LastModifiedTime": T0 + dt.timedelta(minutes=9),
            **facts,
        }
        asked = {"PipelineExecutionArn": RUN}
        aws("describe_pipeline_execution", described, asked)
        aws("list_pipeline_execution_steps", {"PipelineExecutionSteps": listed}, asked)
        aws("describe_pipeline_definition_for_execution", {"PipelineDefinition": definition, "CreationTime": T0}, asked)
        given = {"PipelineParameters": [{"Name": "days", "Value": "7"}]}
        aws("list_pipeline_parameters_for_execution", given, asked)

    return answers


def condition(outcome: str) -> dict[str, Any]:
    return step("keep-when", Metadata={"Condition": {"Outcome": outcome}})


def test_an_execution_is_started_with_what_was_given(aws: Answers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("uuid.uuid4", lambda: type("Some", (), {"hex": "0" * 32}))
    asked = {
        "PipelineName": "churn-dev-retrain",
        "PipelineParameters": [{"Name": "days", "Value": "7"}],
        "ClientRequestToken": "0" * 32,
    }
    aws("start_pipeline_execution", {"PipelineExecutionArn": RUN}, asked)
    assert CLIENT.start(RETRAIN, {"days": "7"}) == "abcdefghijkl"


def test_the_newest_runs_are_listed(aws: Answers) -> None:
    newest, older = f"{ARN}/execution/newest", f"{ARN}/execution/older"
    summaries = [
        {"PipelineExecutionArn": newest, "StartTime": T0, "PipelineExecutionStatus": "Executing"},
        {
            "PipelineExecutionArn": older,
            "PipelineExecutionStatus": "Failed",
            "PipelineExecutionFailureReason": "no rows",
        },
    ]
    asked = {"PipelineName": "churn-dev-retrain", "SortBy": "CreationTime", "SortOrder": "Descending", "MaxResults": 2}
    aws("list_pipeline_executions", {"PipelineExecutionSummaries": summaries}, asked)
    found = CLIENT.runs(RETRAIN, 2)
    assert [(one.id, one.state, one.began, one.reason) for one in found] == [
        ("newest", "running", T0, ""),
        ("older", "failed", None, "no rows"),
    ]


def test_runs_of_a_pipeline_that_is_gone(aws: Answers) -> None:
    aws.refused("list_pipeline_executions", "ResourceNotFound")
    with pytest.raises(NotFound, match="SageMaker has none called churn-dev-retrain"):
        CLIENT.runs(RETRAIN, 2)


def test_what_has_not_begun_waits(run: Any) -> None:
    run("Executing", [step("rows"), step("fit", "Executing", AttemptCount=2)])
    found = CLIENT.look(RETRAIN, "abcdefghijkl")
    assert found
    assert [(one.name, one.state, one.detail) for one in found.steps] == [
        ("rows", "succeeded", ""),
        ("fit", "running", "attempt 2"),
        ("judge", "waiting", ""),
        ("keep", "waiting", ""),
    ]
    assert (found.state, found.ended, found.parameters) == ("running", None, {"days": "7", "least": "0.9"})


def test_a_condition_that_does_not_hold_is_said(run: Any) -> None:
    run("Succeeded", [step("rows"), step("fit"), step("judge"), condition("False")])
    found = CLIENT.look(RETRAIN, "abcdefghijkl")
    assert found
    assert found.unregistered == found.left_out != []
    assert found.steps[-1].reason == "auc >= least did not hold"


def test_a_condition_that_could_not_be_judged_is_a_step(run: Any) -> None:
    broken = step("keep-when", "Failed", FailureReason="no file", Metadata={"Condition": {}})
    run("Failed", [step("rows"), step("fit"), step("judge"), broken])
    found = CLIENT.look(RETRAIN, "abcdefghijkl")
    assert found
    assert [(one.name, one.state, one.reason) for one in found.steps[3:]] == [
        ("keep", "stopped", ""),
        ("keep-when", "failed", "no file"),
    ]


def test_a_failed_step_says_why_and_what_it_printed_last(aws: Answers, run: Any) -> None:
    failed = step("fit", "Failed", FailureReason="AlgorithmError: 1", Metadata=job("pipelines-fit-1"))
    run("Failed", [step("rows"), failed], FailureReason="Step failure: One or multiple steps failed.")
    found = CLIENT.look(RETRAIN, RUN)
    assert found
    broken = found.steps[1]
    assert (broken.state, broken.reason) == ("failed", "AlgorithmError: 1")
    group = "/aws/sagemaker/TrainingJobs"
    streams = {"logStreams": [{"logStreamName": "pipelines-fit-1/algo-1-7"}]}
    aws("describe_log_streams", streams, {"logGroupName": group, "logStreamNamePrefix": "pipelines-fit-1/"})
    aws("get_log_events", {"events": [{"message": "Traceback\n"}, {"message": "KeyError: 'x'\n"}]})
    assert CLIENT.last_lines(RETRAIN, found, broken) == ["Traceback", "KeyError: 'x'"]


def package(**facts: str) -> dict[str, Any]:
    made_by = {
        "mlops-pipeline": "retrain",
        "mlops-run": "abcdefghijkl",
        "mlops-step": "fit",
        "mlops-code": CODE.image,
        "mlops-facts": "s3://artifacts/models/f/facts.json",
        "mlops-data-y": "rows@3.0",
    }
    source = {"S3Uri": "s3://artifacts/models/3/", "S3DataType": "S3Prefix", "CompressionType": "None"}
    return {
        "ModelPackageName": "churn-dev-models-churn",
        "ModelPackageGroupName": "churn-dev-models-churn",
        "ModelPackageVersion": 3,
        "ModelPackageArn": PACKAGE,
        "CreationTime": T0,
        "ModelPackageStatus": "Completed",
        "ModelPackageStatusDetails": {"ValidationStatuses": []},
        "ModelApprovalStatus": "Approved",
        "CustomerMetadataProperties": {**made_by, "auc": "0.93", "team": "growth", **facts},
        "InferenceSpecification": {
            "Containers": [{"Image": IMAGE, "ModelDataSource": {"S3DataSource": source}}],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
    }


def serves(aws: Answers, container: dict[str, Any]) -> None:
    """Have an endpoint answer that serves a model."""
    kept = {"EndpointConfigName": "c", "EndpointConfigArn": f"{ROOT}:endpoint-config/c", "CreationTime": T0}
    aws(
        "describe_endpoint",
        {
            "EndpointName": "churn-dev-score",
            "EndpointArn": f"{ROOT}:endpoint/churn-dev-score",
            "EndpointConfigName": "c",
            "EndpointStatus": "InService",
            "CreationTime": T0,
            "LastModifiedTime": T0,
            "ProductionVariants": [
                {"VariantName": "main", "CurrentWeight": 3.0},
                {"VariantName": "b", "CurrentWeight": 1.0},
            ],
        },
        {"EndpointName": "churn-dev-score"},
    )
    variants = [{"VariantName": one, "ModelName": f"m-{one}"} for one in ("main", "b")]
    aws("describe_endpoint_config", {**kept, "ProductionVariants": variants}, {"EndpointConfigName": "c"})
    model = {"ModelName": "m", "ModelArn": f"{ROOT}:model/m", "CreationTime": T0, "PrimaryContainer": container}
    aws("describe_model", model, {"ModelName": "m-main"})


def gone(aws: Answers) -> None:
    files = {"ModelName": "m", "ModelArn": f"{ROOT}:model/m", "CreationTime": T0, "PrimaryContainer": {"Image": IMAGE}}
    aws("describe_model", files, {"ModelName": "m-b"})


def test_an_endpoint_is_traced_back_to_the_step_that_made_its_version(aws: Answers, run: Any) -> None:
    serves(aws, {"ModelPackageName": PACKAGE})
    aws("describe_model_package", package(), {"ModelPackageName": PACKAGE})
    registered = step("keep", Metadata={"RegisterModel": {"Arn": PACKAGE}})
    run("Succeeded", [step("rows"), step("fit"), step("judge"), condition("True"), registered])
    record = {
        "step": "fit",
        "parameters": {"lr": "0.1"},
        "inputs": {"x": {"step": "rows", "facts": "s3://artifacts/r"}},
    }
    before = {
        "step": "rows",
        "inputs": {"y": {"dataset": "rows", "version": 3, "asked": "latest", "location": "s3://r/"}},
    }
    aws(
        "get_object",
        {"Body": io.BytesIO(json.dumps(record).encode())},
        {"Bucket": "artifacts", "Key": "models/f/facts.json"},
    )
    aws("get_object", {"Body": io.BytesIO(json.dumps(before).encode())}, {"Bucket": "artifacts", "Key": "r"})
    gone(aws)
    main, other = CLIENT.served(SCORE, [MODEL])
    assert (main.percent, other.percent) == (75, 25)
    assert other.version == Unknown(f"it serves image {IMAGE} with files of its own")
    version = main.version
    assert isinstance(version, Version)
    assert (version.model, version.version, version.approval) == ("churn", 3, "approved")
    assert (version.metrics, version.metadata) == ({"auc": "0.93"}, {"team": "growth"})
    making = version.by
    assert isinstance(making, Making)
    assert (making.pipeline, making.run, making.step) == ("retrain", "abcdefghijkl", "fit")
    assert making.code == CODE
    assert (making.parameters, making.settings) == ({"days": "7", "least": "0.9"}, {"lr": "0.1"})
    read = Read(kind="dataset", name="rows", version="3", step="rows", location="s3://r/", asked="latest")
    assert making.reads == (read,)


def test_a_record_that_is_gone_is_said(aws: Answers, run: Any) -> None:
    """The facts of the version tell of the step alone."""
    aws("describe_model_package_group", GROUP)
    summary = {"ModelPackageArn": PACKAGE, "CreationTime": T0, "ModelPackageStatus": "Completed"}
    aws("list_model_packages", {"ModelPackageSummaryList": [summary]})
    aws("describe_model_package", package())
    run("Succeeded", [])
    aws.missing("get_object", "NoSuchKey")
    version = CLIENT.version(MODEL, None)
    assert version
    assert isinstance(version.by, Making)
    gone = Unknown("s3://artifacts/models/f/facts.json is not there any more")
    assert version.by.settings == gone
    assert version.by.reads == (
        Read(kind="dataset", name="rows", version="3"),
        Read(kind="files", name="of other steps", version=gone),
    )


def test_credentials_of_another_account_start_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "account", lambda _: "999999999999")
    with pytest.raises(MlopsError, match="these credentials are of account 999999999999"):
        CLIENT.start(RETRAIN, {})
