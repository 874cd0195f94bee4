"""Batch inferences: what is refused before anything is made, what waits, and which image scores."""

from dataclasses import replace
from typing import Any

import pulumi
import pytest

import pulumi_mlops as mlops
from pulumi_mlops import InvalidArgs, Unsupported
from support.facts import aws, azure, kubernetes
from support.mocks import Cloud

HUB = aws.HUB
ROWS = mlops.DatasetRef(
    name="rows",
    backend="aws",
    platform=HUB,
    location="s3://rows/",
    format="csv",
    columns={"id": "string", "x": "float"},
    address={"key": "k", "database": None},
)
SCORES = replace(ROWS, name="scores", location="s3://scores/", columns={})
FILES: Any = {"image": aws.IMAGE, "artifact": "s3://artifacts/models/churn/1/"}
WAITING = mlops.ModelVersionRef(name="churn", backend="aws", platform=HUB)
AWAY = mlops.ModelVersionRef(name="churn", backend="azure", platform=HUB, version=3, files="https://a.blob/x/")


def batch(on: Any = HUB, **args: Any) -> mlops.BatchInference:
    least: dict[str, Any] = {"model": FILES, "command": ["score"], "input": ROWS.latest(), "output": SCORES}
    return mlops.BatchInference("nightly", platform=on, **(least | args))


WRONG: dict[str, tuple[dict[str, Any], str, str]] = {
    "a kept column that is not there": (
        {"keep": ["idd"]},
        "keep",
        "'idd': no column of 'rows' (it has: id, x)",
    ),
    "a kept column that the output does not have": (
        {"keep": ["id"], "output": replace(SCORES, columns={"score": "float"})},
        "keep",
        "'id': no column of 'scores'; add it there, or leave it out",
    ),
    "the partition of the output": (
        {"keep": ["dt"], "input": replace(ROWS, partition="day").latest(), "output": replace(SCORES, partition="day")},
        "keep",
        "'dt' is what partitions of 'scores' are called",
    ),
    "a column twice": ({"keep": ["id", "id"]}, "keep", "'id' is there twice"),
    "an output that is the input": ({"output": ROWS}, "output", "is the input itself"),
    "an output at the input's address": (
        {"output": replace(SCORES, location=ROWS.location)},
        "output",
        "is the input itself",
    ),
    "rows without a format": ({"input": replace(ROWS, format=None).latest()}, "input", "'rows' has no format"),
    "scores without a format": ({"output": replace(SCORES, format=None)}, "output", "'scores' has no format"),
    "an output of another platform": (
        {"output": replace(SCORES, platform=aws.hub("other"))},
        "output",
        "'scores' is of platform 'other' (dev, aws)",
    ),
    "a dataset where a version is due": ({"input": ROWS}, "input", "rows.latest()"),
    "two images": ({"image": aws.IMAGE}, "image", "stands in model already"),
    "no program": ({"command": []}, "command", "is required with an image"),
    "a program without an image": (
        {"model": replace(AWAY, backend="aws", files="s3://artifacts/models/churn/3/")},
        "command",
        "is a program of an image, and none is given",
    ),
    "an archive": ({"model": {**FILES, "artifact": "s3://artifacts/m.tar.gz"}}, "model", "is an archive"),
    "a model of another cloud": (
        {"model": AWAY, "image": aws.IMAGE},
        "model",
        "version 3 of 'churn' lives on 'azure'",
    ),
    "more than all rows": ({"tolerate_percent": 101}, "tolerate_percent", "must be at most 100"),
    "nothing to skip": ({"overlap": "skip"}, "overlap", "nothing starts it by itself"),
    "a variable of the library's": ({"environment": {"MLOPS_X": "1"}}, "environment", "'MLOPS_X'"),
    "a cron of four fields": ({"schedule": {"cron": "0 3 * *"}}, "schedule.cron", "write five"),
    "a machine that nobody has": (
        {"compute": {"cpus": 4096, "memory_gb": 1}},
        "compute",
        "no SageMaker instance has all of that",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_refused_in_the_words_of_its_fields(name: str) -> None:
    args, field, told = WRONG[name]
    cloud = Cloud()
    with pytest.raises(InvalidArgs) as caught:
        cloud.run(lambda: batch(**args) and None)
    problems = [(problem.field, problem.message) for problem in caught.value.problems]
    assert any(where.startswith(field) and told in message for where, message in problems), problems
    assert len(problems) == 1, problems
    assert not cloud.registered


def test_an_input_of_another_cloud_is_unsupported() -> None:
    theirs = replace(ROWS, backend="azure", platform=azure.HUB)
    with pytest.raises(Unsupported, match=r"bridge\.dataset\.backend"):
        Cloud().run(lambda: batch(input=theirs.latest()) and None)


def of(cloud: Cloud) -> list[str]:
    return [one.type for one in cloud.registered if not one.type.startswith(("pulumi-mlops:", "pulumi:"))]


@pytest.mark.parametrize("preview", [True, False])
def test_while_no_version_is_approved_nothing_is_made(preview: bool) -> None:
    cloud = Cloud(preview=preview)
    out: dict[str, Any] = {}

    def program() -> None:
        made = batch(model=WAITING, image=aws.IMAGE, schedule={"cron": "0 3 * * *"})
        out.update(ref=made.ref)
        pulumi.export("status", made.status)

    cloud.run(program)
    assert of(cloud) == []
    assert (out["ref"].status, out["ref"].pipeline) == ("waiting", None)


def test_the_pipeline_is_found_by_its_name() -> None:
    out: dict[str, Any] = {}
    Cloud().run(lambda: out.update(ref=batch(keep=["id"]).ref))
    ref = out["ref"]
    assert (ref.status, ref.pipeline.name, ref.output.name) == ("live", "nightly", "scores")


def in_cluster(**args: Any) -> dict[str, Any]:
    hub = kubernetes.HUB
    rows = mlops.DatasetRef(
        name="rows", backend="kubernetes", platform=hub, location="s3://artifacts/datasets/rows/", format="csv"
    )
    scores = replace(rows, name="scores", location="s3://artifacts/datasets/scores/")
    cloud = Cloud()
    version = kubernetes.version()
    kept = replace(version, files="s3://artifacts/models/churn/3/")
    least: dict[str, Any] = {"model": kept, "input": rows.latest(), "output": scores}

    def program() -> None:
        given = {key: value() if callable(value) else value for key, value in (least | args).items()}
        mlops.BatchInference("nightly", platform=hub, **given)

    cloud.run(program)
    found = cloud.one("WorkflowTemplate").inputs["spec"]["templates"]
    return {one["name"]: one for one in found}


def test_a_version_is_loaded_in_the_image_of_the_model_server_where_that_has_mlflow() -> None:
    container = in_cluster()["run-score"]["container"]
    assert container["image"] == "docker.io/seldonio/mlserver:1.7.1-mlflow"
    assert container["args"] == ["python3", "$(MLOPS_PROGRAMS)/score.py"]
    with pytest.raises(Unsupported, match=r"batch_inference\.server: .*image=… with a command"):
        Cloud().run(lambda: batch(model=replace(AWAY, backend="aws", files="s3://artifacts/m/3/"), command=[]) and None)


def test_files_that_are_known_later_are_brought() -> None:
    def later() -> dict[str, Any]:
        return {"image": kubernetes.IMAGE, "artifact": pulumi.Output.from_input("s3://artifacts/models/churn/4/")}

    (brought,) = in_cluster(model=later, command=["score"])["run-score"]["inputs"]["artifacts"]
    assert brought["s3"]["key"] == "models/churn/4"
