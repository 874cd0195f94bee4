"""What starts a pipeline by itself, as far as no backend is needed to judge it."""

from typing import Any

import pytest

import pulumi_mlops as mlops
from pulumi_mlops import DatasetRef, InvalidArgs, PipelineRef
from support.facts.aws import HUB, IMAGE, MODEL
from support.mocks import Cloud

ROWS = DatasetRef(name="rows", backend="aws", platform=HUB, location="s3://rows/", address={"database": "rows"})
ITSELF = PipelineRef(name="retrain", backend="aws", platform=HUB, runs="s3://a/", address={"name": "n", "arn": "a"})


def refused(**args: Any) -> str:
    def program() -> None:
        fit = mlops.train(image=IMAGE, command=["train"])
        steps = {"fit": fit, "register": mlops.register(MODEL, fit.out("model"), image=IMAGE)}
        mlops.Pipeline("retrain", **({"platform": HUB, "steps": steps} | args))

    cloud = Cloud()
    with pytest.raises(InvalidArgs) as caught:
        cloud.run(program)
    assert not cloud.registered
    return "\n".join(str(problem) for problem in caught.value.problems)


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (
            {"triggers": [{"approval": MODEL}]},
            "triggers[0].approval: would start itself, since a step registers versions of 'churn'; leave it out",
        ),
        ({"triggers": [{"pipeline": ITSELF}]}, "triggers[0].pipeline: would start itself, since it is this pipeline"),
        ({"triggers": [{"data": ROWS}, {"data": ROWS}]}, "triggers[1].data: is there twice"),
        ({"triggers": [{"alarm": "drift"}, {"alarm": "drift"}]}, "triggers[1].alarm: is there twice"),
        ({"triggers": [{"data": ROWS, "alarm": "drift"}]}, "takes exactly one of"),
        ({"triggers": [{}]}, "none is given"),
        ({"triggers": [{"data": ROWS.latest()}]}, "triggers[0].data: needs a Dataset"),
        ({"overlap": "skip"}, "overlap: nothing starts it by itself"),
        ({"overlap": "wait"}, "overlap"),
        ({"schedule": {"cron": "0 3 31 2 *"}}, "never happens"),
        ({"schedule": {"cron": "0 3 * * MON", "timezone": "Europe/Berlim"}}, "did you mean 'Europe/Berlin'?"),
    ],
)
def test_what_would_start_itself_or_never_or_twice_is_refused(args: Any, told: str) -> None:
    assert told in refused(**args)
