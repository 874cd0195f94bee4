"""What Loop accepts, as editors and type checkers see it.

Written by tools/generate_interface.py out of the spec; do not edit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Required, TypedDict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pulumi import Input

    from pulumi_mlops.args.compute import Compute
    from pulumi_mlops.args.endpoint import (
        Release,
        Scaling,
        Serve,
    )
    from pulumi_mlops.args.monitor import GroundTruth
    from pulumi_mlops.args.monitor_signals import MonitorSignal
    from pulumi_mlops.args.principals import Principal
    from pulumi_mlops.args.schedules import Schedule
    from pulumi_mlops.components.dataset_ref import DatasetView
    from pulumi_mlops.components.endpoint_ref import EndpointRef
    from pulumi_mlops.components.experiment_tracker import ExperimentTrackerRef
    from pulumi_mlops.components.feature_group import OnlineView
    from pulumi_mlops.components.model import ModelRef
    from pulumi_mlops.components.model_registry import ModelRegistryRef
    from pulumi_mlops.components.platform import PlatformRef
    from pulumi_mlops.core.principals import PrincipalRef
    from pulumi_mlops.core.refs import Has
    from pulumi_mlops.steps.step import Out, Step

__all__ = ["LoopArgs"]


class LoopArgs(TypedDict, total=False):
    """What a loop is asked to be."""

    platform: Required[Has[PlatformRef]]
    """The platform on which everything of it stands."""
    steps: Required[Mapping[str, Step]]
    """How a version comes to be, as in ``Pipeline``, without the registration, which is added. A training that names no
    tracker records in the loop's."""
    files: Required[Out]
    """What becomes a version of the model: ``fit.out("model")``."""
    baseline: Required[Out | DatasetView]
    """What requests are compared with: ``fit.out("baseline")``, or a version of a dataset."""
    parameters: Mapping[str, str | bool | int | float]
    """Values that a run may be started with, each with its default, as in ``Pipeline``."""
    schedule: Schedule
    """When it trains anew without any drift; each Monday at three unless told."""
    gate: Mapping[str, str]
    """What a version must reach to be registered, and to be served once it is approved: ``{"auc": ">=0.9"}``. A step
    measures each of these."""
    image: Input[str] | None
    """The image that versions name for serving; none unless told, and ``serve`` or the backend names one."""
    approvers: Sequence[Has[PrincipalRef] | Principal]
    """Principals that may approve and reject versions."""
    compute: Compute
    """The machine of one replica that serves."""
    scaling: Scaling
    """How many replicas serve, and why."""
    serve: Serve
    """The container that serves."""
    release: Release
    """How a new version takes over: a tenth of the traffic for a quarter of an hour first, unless told."""
    reads: Sequence[OnlineView]
    """What it looks up while it answers."""
    invokers: Sequence[Has[PrincipalRef] | Principal]
    """Principals that may call it."""
    capture_percent: int
    """Share of requests and answers that is kept for the monitor."""
    signals: Sequence[MonitorSignal]
    """What is measured of the requests each hour, and how far it may go: drift and bad values unless told. An empty
    list leaves the monitor out, for one of your own beside the loop."""
    ground_truth: GroundTruth | None
    """What was right, as in ``Monitor``."""
    monitor_image: Input[str] | None
    """The image in which it is measured; the platform's image ``drift`` unless told."""
    cooldown_hours: float
    """Hours in which drift starts no other run after one."""
    tracker: Has[ExperimentTrackerRef] | None
    """A tracker of yours, instead of the backend's own."""
    registry: Has[ModelRegistryRef] | None
    """A registry of yours, instead of one of the loop's own."""
    model: Has[ModelRef] | None
    """A model of yours, with the gate that it has, instead of one of the loop's own."""
    endpoint: Has[EndpointRef] | None
    """An endpoint of yours, which captures, instead of one of the loop's own."""
    tags: Mapping[str, str]
    """Further tags of everything."""
