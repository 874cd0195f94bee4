"""The table of signals: what each takes, and how far its threshold can go."""

from typing import Any

import pytest

from pulumi_mlops.components.monitor_signals import KINDS, MonitorSignal, names, written
from pulumi_mlops.core.errors import InvalidArgs
from pulumi_mlops.core.inputs import parse

PAIRS = [(kind, metric) for kind, row in KINDS.items() for metric in row.metrics]


def signal(**args: Any) -> MonitorSignal:
    return parse(MonitorSignal, "MonitorSignal", "x", args)


@pytest.mark.parametrize(("kind", "metric"), PAIRS)
def test_each_metric_of_each_kind(kind: str, metric: str) -> None:
    """A threshold within the range is taken, one outside is refused, and defaults are within."""
    bounds, more = KINDS[kind].metrics[metric], {"group": "sex"} if kind == "bias" else {}
    inside = (bounds.low + (bounds.high or 2)) / 2
    assert signal(kind=kind, metric=metric, threshold=inside, **more).bound == inside
    for outside in (bounds.low, *([bounds.high] if bounds.high else [])):
        with pytest.raises(InvalidArgs, match=f"threshold: .*is outside.*{metric}.*{bounds.told}"):
            signal(kind=kind, metric=metric, threshold=outside, **more)
    if bounds.default is not None:
        assert bounds.holds(bounds.default)
        assert signal(kind=kind, metric=metric, **more).bound == bounds.default


@pytest.mark.parametrize(
    ("args", "field", "said"),
    [
        ({"kind": "dat_drift"}, "kind", "did you mean 'data_drift'?"),
        ({"kind": "data_drift", "metric": "accuracy"}, "metric", "is no metric of data_drift; it has 'psi'"),
        ({"kind": "model_quality"}, "threshold", "is needed for accuracy"),
        ({"kind": "model_quality", "metric": "mae"}, "threshold", "is needed for mae"),
        ({"kind": "bias"}, "group", "is needed"),
        (
            {"kind": "data_drift", "group": "sex"},
            "group",
            "data_drift does not look at it; leave it out",
        ),
        ({"kind": "data_drift", "positive": True}, "positive", "ask for model_quality, bias"),
        ({"kind": "prediction_drift", "features": ["age"]}, "features", "prediction_drift does not look at it"),
        ({"kind": "data_drift", "features": ["age", "age"]}, "features", "'age' stands here twice"),
    ],
)
def test_bad(args: dict[str, Any], field: str, said: str) -> None:
    with pytest.raises(InvalidArgs) as caught:
        signal(**args)
    assert any(problem.field == field and said in problem.message for problem in caught.value.problems), caught.value


def test_what_the_program_is_given_names_every_default() -> None:
    found = written([signal(kind="data_drift"), signal(kind="bias", group="sex", metric="impact")])
    assert found[0] == {
        "name": "data_drift",
        "kind": "data_drift",
        "metric": "psi",
        "threshold": 0.2,
        "above": True,
        "truth": False,
        "features": [],
        "prediction": None,
        "group": None,
        "positive": None,
    }
    assert (found[1]["metric"], found[1]["threshold"], found[1]["above"]) == ("impact", 0.8, False)


def test_two_of_a_kind_are_told_apart() -> None:
    found = names([signal(kind="data_drift"), signal(kind="bias", group="sex"), signal(kind="bias", group="age")])
    assert found == ["data_drift", "bias_1", "bias_2"]
