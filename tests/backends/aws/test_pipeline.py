"""Pipeline on AWS: definitions that SageMaker takes and that run, its rights, and what it refuses."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import pulumi_mlops as mlops
from pulumi_mlops import InvalidArgs
from pulumi_mlops_sandbox.aws.sagemaker.pipeline import Definition
from support.facts.aws import GROUP, HUB, IMAGE, KEY, MODEL, hub
from support.mocks import ACCOUNT, REGION, Cloud
from support.sagemaker_runs import FailedJobError, Run

RUN: Any = {"image": IMAGE, "command": ["sh", "-c", "echo x > $(MLOPS_OUTPUT_MODEL)/x"]}
OVER: Any = {"lr": {"log_uniform": [0.001, 0.1]}, "depth": {"choice": [4, 6]}, "deep": {"integer": [1, 9]}}
MEASURE = ["sh", "-c", 'echo "{\\"auc\\": $(MLOPS_PARAMETER_AUC)}" > $(MLOPS_METRICS)']
LONG = replace(MODEL, address={**MODEL.address, "name": "churn-" * 18, "group": "churn-" * 18})
Steps = Mapping[str, mlops.Step]


def fit(**args: Any) -> mlops.TrainStep:
    return mlops.train(**(RUN | args))


def judge(of: mlops.Out, auc: Any = 0.95, **args: Any) -> mlops.EvaluateStep:
    inputs = {"model": of}
    return mlops.evaluate(image=IMAGE, command=MEASURE, inputs=inputs, metrics=["auc"], parameters={"auc": auc}, **args)


def registered(of: mlops.Out, **args: Any) -> mlops.RegisterStep:
    return mlops.register(MODEL, of, image=IMAGE, **args)


def alone() -> Steps:
    return {"fit": fit()}


def prepared() -> Steps:
    rows = mlops.prepare(image=IMAGE, command=["sh", "-c", "echo 1 > $(MLOPS_OUTPUT_ROWS)/1"], outputs=["rows"])
    taken = ["sh", "-c", "cp $(MLOPS_INPUT_X)/1 $(MLOPS_OUTPUT_MODEL)/"]
    return {"prep": rows, "fit": fit(inputs={"x": rows.out("rows")}, command=taken)}


def distributed() -> Steps:
    return {"fit": fit(nodes=4, compute={"accelerator": "A100:8"}, launcher="torchrun", checkpoints=True)}


def tuned() -> Steps:
    measure = [
        "sh",
        "-c",
        'echo m > $(MLOPS_OUTPUT_MODEL)/m; echo "{\\"auc\\": 0.$(MLOPS_PARAMETER_DEPTH)}" > $(MLOPS_METRICS)',
    ]
    best = mlops.tune(fit(command=measure), maximize="auc", trials=4, parallel=2, over=OVER)
    return {"tune": best, "judge": judge(best.out("model"))}


def conditional(bound: float = 0.9, auc: float = 0.95) -> Steps:
    model = fit()
    measured = judge(model.out("model"), auc)
    return {
        "fit": model,
        "judge": measured,
        "register": registered(model.out("model"), when=measured.metric("auc") >= bound),
    }


def twice_conditional() -> Steps:
    model = fit()
    first = judge(model.out("model"))
    second = judge(model.out("model"), 0.5, when=first.metric("auc") >= 0.9)
    last = registered(model.out("model"), when=second.metric("auc") < 0.6, metrics=[first.metric("auc")])
    return {"fit": model, "first": first, "second": second, "register": last}


def both() -> Steps:
    model = fit()
    one, other = judge(model.out("model")), judge(model.out("model"), 0.2)
    when = (one.metric("auc") >= 0.9) & (other.metric("auc") < 0.3)
    return {"fit": model, "one": one, "other": other, "register": registered(model.out("model"), when=when)}


def fanned_out() -> Steps:
    parts = {f"fit-{index}": fit() for index in range(8)}
    together = mlops.prepare(
        image=IMAGE,
        command=["sh", "-c", "echo $(ls $(MLOPS_INPUT_FIT_3)) > $(MLOPS_OUTPUT_ALL)/all"],
        inputs={name: part.out("model") for name, part in parts.items()},
        outputs=["all"],
    )
    return {**parts, "together": together}


def of_the_training() -> Steps:
    measure = ["sh", "-c", 'echo m > $(MLOPS_OUTPUT_MODEL)/m; echo "{\\"auc\\": 0.97}" > $(MLOPS_METRICS)']
    model = fit(command=measure, metrics=["auc"])
    return {"fit": model, "register": registered(model.out("model"), when=model.metric("auc") > 0.96)}


def of_the_best_trial() -> Steps:
    measure = [
        "sh",
        "-c",
        'echo m > $(MLOPS_OUTPUT_MODEL)/m; echo "{\\"loss\\": 0.$(MLOPS_PARAMETER_DEPTH)}" > $(MLOPS_METRICS)',
    ]
    best = mlops.tune(fit(command=measure), minimize="loss", trials=2, over=OVER)
    return {"tune": best, "register": registered(best.out("model"), when=best.metric("loss") <= 0.45)}


def several_outputs() -> Steps:
    both = [
        "sh",
        "-c",
        "echo m > $(MLOPS_OUTPUT_MODEL)/m; echo b > $(MLOPS_OUTPUT_BASE_LINE)/b; echo c > $(MLOPS_OUTPUT_BASE)/c",
    ]
    model = fit(command=both, outputs=["model", "base-line", "base"])
    read = [
        "sh",
        "-c",
        "ls $(MLOPS_INPUT_B) > $(MLOPS_OUTPUT_SEEN)/seen; ls $(MLOPS_INPUT_M) >> $(MLOPS_OUTPUT_SEEN)/seen",
    ]
    inputs = {"b": model.out("base"), "m": model.out("model")}
    return {"fit": model, "read": mlops.prepare(image=IMAGE, command=read, inputs=inputs, outputs=["seen"])}


def repeated() -> Steps:
    return {
        "fit": fit(
            retries=2,
            max_hours=0.5,
            command=["sh", "-c", "echo >> t; [ $(wc -l < t) = 2 ] && cp t $MLOPS_OUTPUT_MODEL"],
        )
    }


VERSION = mlops.ModelVersionRef(
    name="churn",
    backend="aws",
    platform=HUB,
    version=3,
    files="s3://artifacts/models/churn/3/",
    address={"arn": "arn:1", "group": "churn-dev-models-churn", "files": ["s3://artifacts/models/churn/3/"]},
)


def scored() -> Steps:
    rows = mlops.prepare(image=IMAGE, command=["sh", "-c", "echo 1 > $(MLOPS_OUTPUT_ROWS)/1"], outputs=["rows"])
    model = fit()
    write = "cat $(MLOPS_INPUT_MODEL)/x $(MLOPS_INPUT_ROWS)/1 > $(MLOPS_OUTPUT_SCORES)/all"
    score = mlops.batch(model.out("model"), image=IMAGE, command=["sh", "-c", write], inputs={"rows": rows.out("rows")})
    return {"rows": rows, "fit": model, "score": score}


RIGHT = (
    *(alone, prepared, distributed, tuned, conditional, twice_conditional, both, fanned_out, of_the_training),
    *(of_the_best_trial, several_outputs, repeated, scored),
)


def made(cloud: Cloud, steps: Steps, on: mlops.PlatformRef = HUB, **args: Any) -> dict[str, Any]:
    cloud.run(lambda: mlops.Pipeline("retrain", platform=on, steps=steps, **args) and None)
    found: dict[str, Any] = cloud.one("sagemaker/pipeline", "retrain-pipeline").document("pipelineDefinition")
    return found


def ran(steps: Steps, **args: Any) -> dict[str, Any]:
    """Return the definition of an update."""
    return made(Cloud(), steps, **args)


@pytest.mark.parametrize("private", [False, True], ids=["public", "private"])
@pytest.mark.parametrize("steps", RIGHT)
def test_what_is_right_is_taken_by_sagemaker(cloud: Cloud, steps: Callable[[], Steps], private: bool) -> None:
    definition = made(cloud, steps(), hub(private=private))
    assert not list(Definition(definition).problems())
    jobs = json.dumps(definition)
    assert ("VpcConfig" in jobs) == private
    assert KEY in jobs


@pytest.mark.parametrize("steps", [one for one in RIGHT if one is not distributed])
def test_what_is_right_runs(steps: Callable[[], Steps], tmp_path: Path) -> None:
    written = steps()
    run = Run(ran(written), tmp_path)()
    worked = {name for name, step in written.items() if not isinstance(step, mlops.RegisterStep)}
    assert set(run.done) == worked
    assert len(run.packages) == len(written) - len(worked)


def test_a_condition_that_does_not_hold_skips_what_is_behind_it(tmp_path: Path) -> None:
    run = Run(ran(conditional(auc=0.5)), tmp_path)()
    assert set(run.done) == {"fit", "judge"}
    assert run.packages == []


def test_a_version_has_its_metrics_its_run_and_its_files(tmp_path: Path) -> None:
    (package,) = Run(ran(conditional()), tmp_path)().packages
    assert package["ModelApprovalStatus"] == "PendingManualApproval"
    assert package["ModelPackageGroupName"] == "churn-dev-models-churn"
    folder = "s3://artifacts/models/churn-dev-models-churn/run-1/fit/pipelines-fit/output"
    assert package["CustomerMetadataProperties"] == {
        "auc": "0.95",
        "mlops-pipeline": "retrain",
        "mlops-run": "run-1",
        "mlops-step": "fit",
        "mlops-code": IMAGE,
        "mlops-facts": f"{folder}/data/facts.json",
    }
    (container,) = package["InferenceSpecification"]["Containers"]
    uri = container["ModelDataSource"]["S3DataSource"]["S3Uri"]
    assert uri.startswith("s3://artifacts/models/churn-dev-models-churn/run-1/fit/"), "where its readers may read"
    assert (tmp_path / "s3" / uri.removeprefix("s3://") / "x").is_file()


def facts(root: Path, address: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((root / "s3" / address.removeprefix("s3://")).read_text())
    assert found["address"] == address
    return found


def test_from_the_record_of_a_step_all_before_it_is_found(tmp_path: Path) -> None:
    rows = mlops.prepare(image=IMAGE, command=["sh", "-c", "echo 1 > $(MLOPS_OUTPUT_ROWS)/1"], outputs=["rows"])
    measure = 'cp $MLOPS_INPUT_X/1 $MLOPS_OUTPUT_MODEL; echo "{\\"auc\\": 0.$MLOPS_PARAMETER_DEPTH}" > $MLOPS_METRICS'
    trial = fit(inputs={"x": rows.out("rows")}, command=["sh", "-c", measure], parameters={"rounds": 3})
    best = mlops.tune(trial, maximize="auc", trials=2, over=OVER)
    steps = {"prep": rows, "tune": best, "register": registered(best.out("model"))}
    run = Run(ran(steps), tmp_path)()
    (package,) = run.packages
    found = facts(tmp_path, package["CustomerMetadataProperties"]["mlops-facts"])
    assert (found["status"], found["metrics"]) == ("succeeded", {"auc": 0.6})
    assert found["parameters"] == {"rounds": "3", "lr": "0.1", "depth": "6", "deep": "9"}
    assert (found["pipeline"], found["run"], found["step"]) == ("retrain", "run-1", "tune")
    assert found["trial"] == run.done["tune"]["BestTrainingJob"]["TrainingJobName"]
    before = facts(tmp_path, found["inputs"]["x"].pop("facts"))
    assert found["inputs"]["x"] == {"step": "prep", "output": "rows"}
    assert (before["step"], before["code"], before["inputs"]) == ("prep", IMAGE, {})


def test_the_best_trial_is_what_is_judged(tmp_path: Path) -> None:
    run = Run(ran(tuned()), tmp_path)()
    best = run.done["tune"]["BestTrainingJob"]
    assert best["FinalHyperParameterTuningJobObjectiveMetric"] == {"Value": 0.6}
    assert len(run.logs) == 5


def test_an_input_is_its_folder_and_not_what_begins_alike(tmp_path: Path) -> None:
    run = Run(ran(several_outputs()), tmp_path)()
    (seen,) = (tmp_path / "s3").rglob("seen/seen")
    assert seen.read_text() == "c\nm\n"
    assert set(run.done) == {"fit", "read"}


def test_a_run_is_told_its_parameters(tmp_path: Path) -> None:
    model = fit()
    steps = {"fit": model, "judge": judge(model.out("model"), mlops.parameter("auc"))}
    definition = ran(steps, parameters={"auc": 0.5})
    assert definition["Parameters"] == [{"Name": "auc", "Type": "Float", "DefaultValue": 0.5}]
    run = Run(definition, tmp_path, {"auc": 0.75})()
    assert "mlops-metric auc=0.75;" in run.logs["pipelines-judge"]


def test_rows_are_scored_with_the_model_that_was_made(tmp_path: Path) -> None:
    run = Run(ran(scored()), tmp_path)()
    assert set(run.done) == {"rows", "fit", "score"}
    ((scores,),) = [list(folder.glob("all")) for folder in tmp_path.rglob("scores") if (folder / "all").is_file()][:1]
    assert scores.read_text() == "x\n1\n"


def test_a_version_of_the_registry_scores_and_is_read(cloud: Cloud) -> None:
    rows = mlops.prepare(image=IMAGE, command=["rows"], outputs=["rows"])
    score = mlops.batch(VERSION, image=IMAGE, command=["score"], inputs={"rows": rows.out("rows")})
    (_, written) = made(cloud, {"rows": rows, "score": score})["Steps"]
    inputs = {one["InputName"]: one["S3Input"]["S3Uri"] for one in written["Arguments"]["ProcessingInputs"]}
    assert inputs["model"] == "s3://artifacts/models/churn/3/"
    assert written["Arguments"]["Environment"]["MLOPS_MODEL_MODEL"] == "churn@3 s3://artifacts/models/churn/3/"
    allowed = json.dumps(cloud.one("iam/rolePolicy", "retrain-rights").document("policy"))
    assert "artifacts/models/churn/3/*" in allowed


def test_a_step_that_leaves_nothing_fails_the_run(tmp_path: Path) -> None:
    with pytest.raises(FailedJobError, match="output 'model' is empty"):
        Run(ran({"fit": fit(command=["true"])}), tmp_path)()


def test_the_definition_is_the_same_each_time() -> None:
    written = [made(Cloud(), twice_conditional()) for _ in range(2)]
    assert written[0] == written[1]


def flat(one: Any) -> list[str]:
    return [one] if isinstance(one, str) else list(one)


def rights(cloud: Cloud, steps: Steps, **args: Any) -> dict[str, Any]:
    made(cloud, steps, **args)
    found = cloud.one("iam/rolePolicy", "retrain-rights").document("policy")["Statement"]
    return {action: one["Resource"] for one in found for action in one["Action"]}


def test_its_role_may_do_what_its_steps_name(cloud: Cloud) -> None:
    allowed = rights(cloud, {"fit": fit()})
    jobs = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:training-job/pipelines-*"
    assert allowed["sagemaker:CreateTrainingJob"] == jobs
    assert allowed["iam:PassRole"] == f"arn:aws:iam::{ACCOUNT}:role/churn-dev-retrain-pipeline"
    assert "arn:aws:s3:::artifacts/pipelines/retrain/*" in allowed["s3:PutObject"]
    assert allowed["ecr:BatchGetImage"] == f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/serve"
    assert not {"sagemaker:CreateModelPackage", "sagemaker:CreateProcessingJob", "secretsmanager:GetSecretValue"} & set(
        allowed
    )


def test_who_registers_writes_the_models_files_and_approves_nothing(cloud: Cloud) -> None:
    allowed = rights(cloud, conditional())
    assert "arn:aws:s3:::artifacts/models/churn-dev-models-churn/*" in allowed["s3:PutObject"]
    assert "sagemaker:UpdateModelPackage" not in allowed
    assert "sagemaker:CreateProcessingJob" in allowed


def test_what_starts_it_may_start_it_and_nothing_else(cloud: Cloud) -> None:
    made(cloud, alone(), schedule={"cron": "0 3 * * MON", "timezone": "Europe/Berlin"}, triggers=[{"approval": MODEL}])
    (only,) = cloud.one("iam/rolePolicy", "retrain-start-rights").document("policy")["Statement"]
    assert only["Action"] == ["sagemaker:StartPipelineExecution"]
    assert only["Resource"] == f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:pipeline/churn-dev-retrain"
    schedule = cloud.one("scheduler/schedule", "retrain-schedule").inputs
    assert schedule["scheduleExpression"] == "cron(0 3 ? * MON *)"
    assert schedule["scheduleExpressionTimezone"] == "Europe/Berlin"
    pattern = cloud.one("cloudwatch/eventRule", "retrain-trigger-0").document("eventPattern")
    assert pattern["detail"] == {
        "ModelPackageGroupName": ["churn-dev-models-churn"],
        "ModelApprovalStatus": ["Approved"],
    }


def test_those_whom_the_platform_alerts_are_told_of_a_failure(cloud: Cloud) -> None:
    made(cloud, alone())
    pattern = cloud.one("cloudwatch/eventRule", "retrain-failures").document("eventPattern")
    assert pattern["detail"]["currentPipelineExecutionStatus"] == ["Failed"]
    assert cloud.one("cloudwatch/eventTarget", "retrain-failures-target").inputs["arn"] == HUB.address["topic"]


def crossed() -> Steps:
    model = fit()
    first, second = judge(model.out("model")), judge(model.out("model"))
    one = mlops.prepare(**(RUN | {"outputs": ["model"], "when": first.metric("auc") > 0.5}))
    other = mlops.prepare(**(RUN | {"outputs": ["model"], "when": second.metric("auc") > 0.5}))
    inputs = {"a": one.out("model"), "b": other.out("model")}
    last = mlops.prepare(**(RUN | {"outputs": ["model"], "inputs": inputs}))
    return {"fit": model, "first": first, "second": second, "one": one, "other": other, "last": last}


@pytest.mark.parametrize(
    ("steps", "told"),
    [
        (
            lambda: {"fit": fit(compute={"accelerator": "A100:3"})},
            "steps.fit.compute.accelerator: no SageMaker instance",
        ),
        (lambda: {"fit": fit(compute={"accelerator": "B9:1"})}, "steps.fit.compute"),
        (
            lambda: {"fit": fit(compute={"pin": {"aws": "ml.c5.large"}})},
            "'ml.c5.large' is not an instance type of training",
        ),
        (lambda: {"fit": fit(command=["x" * 300])}, "steps.fit.AlgorithmSpecification.ContainerArguments[0]: 300"),
        (lambda: {"fit": fit(environment={f"V{one}": "1" for one in range(120)})}, "steps.fit.Environment: "),
        (lambda: {"fit": fit(environment={"V": "x" * 600})}, "steps.fit.Environment.V: 600"),
        (
            lambda: {"fit": fit(inputs={f"x{one}": fit().out("model") for one in range(3)})},
            "takes from a step of mlops.train",
        ),
        (lambda: {"a": (one := fit()), "r": mlops.register(MODEL, one.out("model"))}, "steps.r.image: is required"),
        (
            lambda: {"f" * 40: (one := fit()), "r": mlops.register(LONG, one.out("model"), image=IMAGE)},
            "steps.r: the record of step 'ffffffffffffffffffffffffffffffffffffffff' would have an address of",
        ),
        (crossed, "steps.last: needs 'other', which runs under another condition"),
        (lambda: {"tune": mlops.tune(fit(), maximize="auc", trials=500, parallel=100, over=OVER)}, ""),
    ],
)
def test_what_sagemaker_would_refuse_is_refused_before(cloud: Cloud, steps: Callable[[], Steps], told: str) -> None:
    if not told:
        made(cloud, steps())
        return
    with pytest.raises(InvalidArgs) as caught:
        made(cloud, steps())
    assert told in str(caught.value)
    assert not cloud.registered


def history(**args: Any) -> Steps:
    return {"fit": fit(inputs={"the-x": GROUP.as_of(days=9)}, **args)}


def test_the_history_of_a_group_is_queried_when_the_step_begins(cloud: Cloud) -> None:
    said = made(cloud, history())["Steps"][0]["Arguments"]["Environment"]
    assert json.loads(said["MLOPS_STEP"])["queries"] == ["the-x"]
    assert said["MLOPS_INPUT_THE_X"] == "/opt/ml/input/data/the-x"
    name, _, address = said["MLOPS_HISTORY_THE_X"].partition(" ")
    assert name == "profile@9"
    assert address == (
        "athena://churn_dev_features/churn_dev_profile?key=id&time=at&kind=timestamp"
        "&answers=s3://artifacts/queries/churn-dev-profile/"
    )


def test_who_queries_reads_the_rows_of_the_group_and_answers_of_its_own(cloud: Cloud) -> None:
    allowed = rights(cloud, history())
    assert allowed["athena:StartQueryExecution"].endswith(":workgroup/primary")
    assert f"arn:aws:glue:{REGION}:{ACCOUNT}:table/churn_dev_features/churn_dev_profile" in allowed["glue:GetTable"]
    assert "arn:aws:s3:::artifacts/queries/churn-dev-profile/*" in allowed["s3:PutObject"]
    assert "sagemaker:GetRecord" not in allowed


def test_a_history_of_another_platform_is_refused(cloud: Cloud) -> None:
    theirs = replace(GROUP, platform=hub("other"))
    with pytest.raises(InvalidArgs, match=r"steps\.fit\.inputs\.x: 'profile' is of platform 'other' \(dev\)"):
        made(cloud, {"fit": fit(inputs={"x": theirs.as_of(days=9)})})


TABLE = mlops.DatasetRef(
    name="table", backend="aws", platform=HUB, location="s3://table/", address={"key": KEY, "database": None}
)


def test_who_publishes_writes_the_dataset_and_has_the_program(cloud: Cloud) -> None:
    rows = mlops.prepare(image=IMAGE, command=["prep"], outputs=["the-rows"], publish={"the-rows": TABLE})
    (step,) = made(cloud, {"prep": rows})["Steps"]
    said = step["Arguments"]["Environment"]
    assert said["MLOPS_PUBLISH_THE_ROWS"] == "table/ s3://table/"
    assert json.loads(said["MLOPS_STEP"])["publish"] == ["the-rows"]
    assert "retrain-program" in next(one.name for one in cloud.registered if one.name.endswith("-publish"))
    found = cloud.one("iam/rolePolicy", "retrain-rights").document("policy")["Statement"]
    allowed = {(action, where) for one in found for action in one["Action"] for where in flat(one["Resource"])}
    assert {("s3:PutObject", "arn:aws:s3:::table/*"), ("s3:ListBucketVersions", "arn:aws:s3:::table")} < allowed


def test_a_version_names_the_datasets_of_the_step_that_made_it(cloud: Cloud) -> None:
    rows = mlops.prepare(image=IMAGE, command=["prep"], outputs=["rows"], inputs={"the-y": TABLE.version(3)})
    model = fit(inputs={"y": TABLE.latest(), "x": rows.out("rows")})
    kept = {"one": registered(rows.out("rows")), "other": registered(model.out("model"))}
    definition = made(cloud, {"prep": rows, "fit": model, **kept})
    said = {one["Name"]: one for one in definition["Steps"]}
    packages = {name: said[name]["Arguments"]["CustomerMetadataProperties"] for name in kept}
    version = {"Get": "Steps.fit.FinalMetricDataList['mlops-version-y'].Value"}
    assert packages["other"]["mlops-data-y"] == {"Std:Join": {"On": "@", "Values": ["table", version]}}
    (metric,) = said["fit"]["Arguments"]["AlgorithmSpecification"]["MetricDefinitions"]
    assert metric == {"Name": "mlops-version-y", "Regex": "mlops-version y=([0-9]+);"}
    read = packages["one"]["mlops-data-the-y"]["Std:Join"]["Values"][1]["Std:JsonGet"]
    assert read == {"PropertyFile": {"Get": "Steps.prep.PropertyFiles.facts"}, "Path": "inputs.the_y.version"}
    assert {"PropertyFileName": "facts", "OutputName": "mlops.metrics", "FilePath": "facts.json"} in said["prep"][
        "PropertyFiles"
    ]
    assert not list(Definition(definition).problems())
