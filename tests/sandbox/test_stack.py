"""What a command did, read out of the engine's events."""

from typing import Any

import pytest

from pulumi_mlops_sandbox.stack import Step, changing, steps

URN = "urn:pulumi:dev::p::aws:sqs/queue:Queue::jobs"


def event(kind: str, op: str, *, planning: bool = False, **states: Any) -> dict[str, Any]:
    """Write an event as the engine's event log has it."""
    return {kind: {"planning": planning, "metadata": {"op": op, "type": "aws:sqs/queue:Queue", "urn": URN} | states}}


def test_what_was_planned_and_what_was_done_are_told_apart() -> None:
    events = [
        event("resourcePreEvent", "update", planning=True),
        event("resOutputsEvent", "update", planning=True),
        event("resourcePreEvent", "create"),
        event("resOutputsEvent", "create"),
        {"summaryEvent": {}},
    ]
    assert [str(step) for step in steps(events, planned=True)] == ["update Queue jobs"]
    assert [str(step) for step in steps(events, planned=False)] == ["create Queue jobs"]


@pytest.mark.parametrize(
    ("new", "found"),
    [
        ({"inputs": {"delay": 1}, "outputs": {"seen": 2}}, []),
        ({"inputs": {"delay": 2}}, ["update"]),
        (None, ["delete"]),
    ],
)
def test_what_a_refresh_inside_an_up_found_is_a_change(new: dict[str, Any] | None, found: list[str]) -> None:
    old = {"inputs": {"delay": 1}, "outputs": {"seen": 1}}
    events = [event("resOutputsEvent", "refresh", old=old, new=new), event("resOutputsEvent", "same", old=old, new=old)]
    assert [step.op for step in changing(steps(events, planned=False))] == found


def test_a_stack_itself_is_no_change() -> None:
    assert changing([Step("create", "pulumi:pulumi:Stack", "p-dev")]) == []
