"""Two components of one program that would be one thing in the cloud are refused before anything is made."""

from collections.abc import Callable
from typing import Any

import pulumi
import pytest

import pulumi_mlops as mlops
from pulumi_mlops.core.errors import InvalidArgs
from support.conformance import programs
from support.conformance.words import WORDS, Words
from support.mocks import Cloud

Declares = Callable[[Words, Any], object]


class Team(pulumi.ComponentResource):
    """A component of the user's, under which others are declared."""

    def __init__(self, name: str) -> None:
        super().__init__("acme:index:Team", name)


def elsewhere() -> pulumi.ResourceOptions:
    """Return options by which Pulumi takes a component of a name for another one."""
    return pulumi.ResourceOptions(parent=Team("team"))


def pipeline(words: Words, on: Any, name: str = "night", **others: Any) -> object:
    return mlops.Pipeline(name, platform=on, alerts=False, steps={"fit": programs.training(words)}, **others)


def batch(words: Words, on: Any, name: str = "night") -> object:
    rows = programs.dataset(words, on, "rows", format="csv", partition="day")
    scores = programs.dataset(words, on, "scores", format="csv", partition="day")
    return mlops.BatchInference(
        name,
        platform=on,
        model={"image": words.image, "artifact": f"{words.rows}models/3/"},
        input=rows.latest(),
        output=scores,
        command=["python3", "score.py"],
    )


def monitor(words: Words, on: Any, name: str = "night") -> object:
    return mlops.Monitor(
        name,
        endpoint=programs.endpoint(words, on, capture_percent=100),
        signals=[{"kind": "data_drift"}],
        image=words.image,
        baseline=programs.dataset(words, on, "seen").latest(),
    )


def declared(backend: str, *parts: Declares) -> None:
    """Declare components on one platform."""
    words = WORDS[backend]
    settings = {key.replace(":", "__"): value for key, value in words.settings.items()}

    def program() -> None:
        on = programs.platform(words)
        for part in parts:
            part(words, on)

    Cloud(preview=True).run(program, **settings)


MEET: dict[str, tuple[Declares, Declares, str]] = {
    "a-batch-after-a-pipeline": (pipeline, batch, "Pipeline 'night' and this one both make the pipeline 'night'"),
    "a-pipeline-after-a-batch": (batch, pipeline, "BatchInference 'night' and this one both make the pipeline 'night'"),
    "a-pipeline-after-a-monitor": (
        monitor,
        lambda words, on: pipeline(words, on, "night-monitor"),
        "Monitor 'night' and this one both make the pipeline 'night-monitor'",
    ),
    "a-batch-after-a-monitor": (
        monitor,
        lambda words, on: batch(words, on, "night-monitor"),
        "Monitor 'night' and this one both make the pipeline 'night-monitor'",
    ),
    "two-pipelines-under-two-parents": (
        pipeline,
        lambda words, on: pipeline(words, on, opts=elsewhere()),
        "Pipeline 'night' and this one both make the pipeline 'night'",
    ),
    "two-endpoints-under-two-parents": (
        programs.endpoint,
        lambda words, on: programs.endpoint(words, on, opts=elsewhere()),
        "and this one both make the endpoint",
    ),
    "two-datasets-under-two-parents": (
        programs.dataset,
        lambda words, on: programs.dataset(words, on, opts=elsewhere()),
        "and this one both make the dataset",
    ),
}


@pytest.mark.parametrize("backend", sorted(WORDS))
@pytest.mark.parametrize("case", MEET)
def test_what_would_be_one_thing_is_refused(backend: str, case: str) -> None:
    *parts, said = MEET[case]
    with pytest.raises(InvalidArgs) as refused:
        declared(backend, *parts)
    assert said in str(refused.value)
    assert "give one of them another name" in str(refused.value)


@pytest.mark.parametrize("backend", sorted(WORDS))
def test_other_names_go_together(backend: str) -> None:
    declared(backend, pipeline, lambda words, on: batch(words, on, "day"), monitor)


@pytest.mark.parametrize("backend", sorted(WORDS))
def test_a_name_that_was_refused_is_free(backend: str) -> None:
    """Somebody may catch the error, and declare what is in order."""

    def refused(words: Words, on: Any) -> None:
        with pytest.raises(InvalidArgs):
            mlops.Pipeline("night", platform=on, steps={})
        pipeline(words, on)

    declared(backend, refused)
