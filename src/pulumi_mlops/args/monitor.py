"""What Monitor accepts, as editors and type checkers see it.

Written by tools/generate_interface.py out of the spec; do not edit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Required, TypedDict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pulumi import Input

    from pulumi_mlops.args.compute import Compute
    from pulumi_mlops.args.monitor_signals import MonitorSignal
    from pulumi_mlops.args.schedules import Schedule
    from pulumi_mlops.components.dataset_ref import DatasetView
    from pulumi_mlops.components.endpoint_ref import EndpointRef
    from pulumi_mlops.components.pipeline_ref import PipelineRef
    from pulumi_mlops.core.refs import Has
    from pulumi_mlops.steps.step import Out

__all__ = ["GroundTruth", "MonitorArgs", "OnBreach"]


class GroundTruth(TypedDict, total=False):
    """What was right, as it is known later."""

    dataset: Required[DatasetView]
    """The dataset with the truth: ``labels.latest()``."""
    join: Required[str]
    """The column by which a row of it is found for a request: the requests have a field of this name as well, and
    ``id`` stands for the id of the call where they have none."""
    label: Required[str]
    """The column with what was right."""


class MonitorArgs(TypedDict, total=False):
    """What a monitor is asked to be."""

    endpoint: Required[Has[EndpointRef]]
    """The endpoint that is looked at, with ``capture_percent``. Changing it updates in place."""
    baseline: Required[Out | DatasetView]
    """What its requests are compared with: ``fit.out("baseline")`` is the folder that a step made in the run which made
    the version that is served, and another one with every version; or a version of a dataset, ``rows.latest()``.
    Parquet, CSV with a line of names, or JSON lines."""
    signals: Required[Sequence[MonitorSignal]]
    """What is measured, and how far it may go. Changing them changes the next look."""
    ground_truth: GroundTruth | None
    """What was right, as far as it is known: needed by signals that are measured beside it, and by no other."""
    schedule: Schedule
    """When it looks; every hour unless told. Changing it updates in place."""
    window_hours: int
    """How many hours of requests it looks at each time."""
    minimum_rows: int
    """How many requests are needed for a judgement; with fewer it says so, and nothing is a breach."""
    image: Input[str] | None
    """The image in which it runs: what ``pulumi-mlops image drift`` builds. It is the platform's image ``drift``, under
    the tag that ``pulumi-mlops image`` tells, unless told."""
    on_breach: OnBreach | None
    """What is started when a signal is past its threshold. Nothing unless told."""
    managed: bool
    """Whether the cloud's own monitor looks instead of the library's program, with what that measures. On AWS:
    SageMaker Model Monitor, for accounts that have used it already. The baseline is a dataset in whose folder
    ``statistics.json`` and ``constraints.json`` are, which Model Monitor's own baselining leaves; the alarm of a signal
    is of one feature's metric in ``aws/sagemaker/Endpoints/data-metrics``. See
    https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-data-quality.html."""
    alerts: bool
    """Whether those whom the platform alerts are told of a breach, of a monitor that failed, and of one that has not
    looked for too long."""
    compute: Compute
    """The machine that looks."""
    max_hours: float
    """Hours after which a look is ended and counts as failed."""
    tags: Mapping[str, str]
    """Further tags."""


class OnBreach(TypedDict, total=False):
    """What is done when a signal is past its threshold."""

    run: Required[Has[PipelineRef]]
    """The pipeline that is started, which trains anew: once, whoever else starts it meanwhile."""
    cooldown_hours: float
    """Hours in which no other run begins after one, whoever started that; at least as long as it takes for a new
    version to be approved and served. It is not less than the time between two looks."""
    parameters: Mapping[str, str | bool | int | float]
    """Parameters of the run; the pipeline's defaults unless told."""
