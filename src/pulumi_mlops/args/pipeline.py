"""What Pipeline accepts, as editors and type checkers see it.

Written by tools/generate_interface.py out of the spec; do not edit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Required, TypeAlias, TypedDict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pulumi import Input

    from pulumi_mlops.args.schedules import Schedule
    from pulumi_mlops.components.dataset_ref import DatasetRef
    from pulumi_mlops.components.model import ModelRef
    from pulumi_mlops.components.pipeline_ref import PipelineRef
    from pulumi_mlops.components.platform import PlatformRef
    from pulumi_mlops.core.refs import Has
    from pulumi_mlops.steps.step import Step

__all__ = [
    "PipelineArgs",
    "Trigger",
    "TriggerWithAlarm",
    "TriggerWithApproval",
    "TriggerWithData",
    "TriggerWithPipeline",
]


class PipelineArgs(TypedDict, total=False):
    """What a pipeline is asked to be."""

    platform: Required[Has[PlatformRef]]
    """The platform on which it runs. Changing it makes another pipeline."""
    parameters: Mapping[str, str | bool | int | float]
    """Values that a run may be started with, by name, each with its default; steps take them by
    ``mlops.parameter("days")``."""
    steps: Required[Mapping[str, Step]]
    """Its steps by name. They run when what they take is there, several at a time. Changing it changes the next run;
    those that have begun go on as they were."""
    schedule: Schedule | None
    """When it starts by itself. On Azure: no months; days of the month, or of the week."""
    triggers: Sequence[Trigger]
    """What else starts it. On Azure: a workflow of Logic Apps looks every five minutes; one event starts one run."""
    overlap: Literal["allow", "skip"]
    """What happens when it is to start while a run goes on: ``allow`` runs both, ``skip`` does not begin another. On
    Azure: with ``skip``, the schedule is a workflow of Logic Apps, and names no days of the month."""
    parallel: int | None
    """How many steps of a run go on at a time; no bound unless told. On Azure: steps are laid into as many rows, each
    of which is one after the other."""
    alerts: bool
    """Whether those whom the platform alerts are told of a run that failed."""
    tags: Mapping[str, str]
    """Further tags."""


class TriggerWithData(TypedDict, total=False):
    """What starts a pipeline: one of these."""

    data: Required[Has[DatasetRef]]
    """Another version of this dataset, when it is published. On Azure: those that were published with ``--asset``."""


class TriggerWithApproval(TypedDict, total=False):
    """What starts a pipeline: one of these."""

    approval: Required[Has[ModelRef]]
    """The approval of a version of this model."""


class TriggerWithAlarm(TypedDict, total=False):
    """What starts a pipeline: one of these."""

    alarm: Required[Input[str]]
    """An alarm that goes off, by its name. On AWS: an alarm of CloudWatch. On Azure: the id of the alert rule. On
    Kubernetes: an alert of Prometheus."""


class TriggerWithPipeline(TypedDict, total=False):
    """What starts a pipeline: one of these."""

    pipeline: Required[Has[PipelineRef]]
    """The success of another pipeline."""


Trigger: TypeAlias = TriggerWithData | TriggerWithApproval | TriggerWithAlarm | TriggerWithPipeline
"""What starts a pipeline: one of these."""
