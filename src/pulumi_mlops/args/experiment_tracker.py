"""What ExperimentTracker accepts, as editors and type checkers see it.

Written by tools/generate_interface.py out of the spec; do not edit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Required, TypedDict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pulumi import Input

    from pulumi_mlops.components.platform import PlatformRef
    from pulumi_mlops.core.inputs import EngineArgs
    from pulumi_mlops.core.refs import Has

__all__ = ["ExperimentTrackerArgs", "Wandb"]


class ExperimentTrackerArgs(TypedDict, total=False):
    """What an experiment tracker is asked to be: one engine is named, where the backend has no tracker of its own."""

    platform: Required[Has[PlatformRef]]
    """The platform whose secrets keep the tracker's key."""
    wandb: Wandb | None
    """Record runs in Weights & Biases."""
    engine: EngineArgs | None
    """Record runs in an engine of another distribution, by the arguments that it has: ``acme.Runs(…)``."""
    tags: Mapping[str, str]
    """Further tags."""


class Wandb(TypedDict, total=False):
    """A project of Weights & Biases, on its own service or on a server of yours."""

    entity: Required[str]
    """The team or user that the project belongs to."""
    project: Required[str]
    """The project that runs go to. It is made by the first run, and stays when the tracker is deleted."""
    api_key: Required[Input[str]]
    """The key of a service account that may write to the project. It is kept as a secret of the platform, and only
    workloads that use the tracker read it there."""
    base_url: str | None
    """The address of a server of yours, such as ``https://wandb.example.com``; the default is the vendor's service."""
