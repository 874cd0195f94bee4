"""What ExperimentTracker accepts, as editors and type checkers see it.

Written by tools/generate_interface.py out of the spec; do not edit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Required, TypeAlias, TypedDict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pulumi import Input

    from pulumi_mlops.components.platform import PlatformRef
    from pulumi_mlops.core.inputs import EngineArgs
    from pulumi_mlops.core.refs import Has

__all__ = ["Clearml", "ExperimentTrackerArgs", "Managed", "Mlflow", "MlflowWithPassword", "MlflowWithToken", "Wandb"]


class Clearml(TypedDict, total=False):
    """A project of ClearML's, on its own service or on a server of yours."""

    project: Required[str]
    """The project that runs go to; a slash leads to a project within a project. It is made by the first run, and stays
    when the tracker is deleted."""
    api: Required[Input[str]]
    """The address of the API server, such as ``https://api.clear.ml``."""
    web: Required[Input[str]]
    """Where people look, such as ``https://app.clear.ml``."""
    files: Required[Input[str]]
    """The address of the server of files, such as ``https://files.clear.ml``."""
    access_key: Required[Input[str]]
    """The first half of credentials that were made in the web application. Both are kept as secrets of the platform,
    and only workloads that record read them there."""
    secret_key: Required[Input[str]]
    """The second half."""


class ExperimentTrackerArgs(TypedDict, total=False):
    """What an experiment tracker is asked to be: the backend's own, or an engine by its name."""

    platform: Required[Has[PlatformRef]]
    """The platform that it stands on, and whose secrets keep the keys of an engine."""
    managed: Managed | None
    """How the backend's own tracker is to be; it is taken where no engine is named."""
    mlflow: Mlflow | None
    """Record runs on a server of MLflow's that is there already."""
    wandb: Wandb | None
    """Record runs in Weights & Biases."""
    clearml: Clearml | None
    """Record runs in ClearML."""
    engine: EngineArgs | None
    """Record runs in an engine of another distribution, by the arguments that it has: ``acme.Runs(…)``."""
    tags: Mapping[str, str]
    """Further tags."""


class Managed(TypedDict, total=False):
    """The backend's own tracker."""

    experiment: str | None
    """The experiment that runs go to unless they name one; the default is the component's name."""
    size: Literal["small", "medium", "large"] | None
    """Machines of the tracker's own, of this size, which run all the time; the default is what the backend runs without
    being asked. On AWS: ``TrackingServerSize``."""
    published: bool
    """Whether it is reached from outside through the platform's gateway, by its own logins. The default is that it is
    reached inside only, where the backend knows the difference."""


class _Mlflow(TypedDict, total=False):
    """A server of MLflow's that somebody runs already."""

    url: Required[Input[str]]
    """Its address, such as ``https://mlflow.example.com``."""
    experiment: str | None
    """The experiment that runs go to unless they name one; the default is the component's name."""
    username: str | None
    """The user as whom runs are recorded; a server that asks for no login needs none."""


class MlflowWithPassword(_Mlflow, total=False):
    """A server of MLflow's that somebody runs already."""

    password: Input[str] | None
    """The user's password. It is kept as a secret of the platform, and only workloads that record read it there."""


class MlflowWithToken(_Mlflow, total=False):
    """A server of MLflow's that somebody runs already."""

    token: Input[str] | None
    """A token, for servers that take one instead of user and password; kept as a password is."""


Mlflow: TypeAlias = MlflowWithPassword | MlflowWithToken
"""A server of MLflow's that somebody runs already."""


class Wandb(TypedDict, total=False):
    """A project of Weights & Biases, on its own service or on a server of yours."""

    entity: Required[str]
    """The team or user that the project belongs to."""
    project: Required[str]
    """The project that runs go to. It is made by the first run, and stays when the tracker is deleted."""
    api_key: Required[Input[str]]
    """The key of a service account that may write to the project. It is kept as a secret of the platform, and only
    workloads that record read it there."""
    base_url: Input[str] | None
    """The address of a server of yours, such as ``https://wandb.example.com``; the default is the vendor's service."""
