"""ExperimentTracker: where runs are recorded."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Unpack

from pulumi import Input, Output, ResourceOptions
from pydantic import Field, field_validator

from pulumi_mlops.components.platform import PlatformRef
from pulumi_mlops.core.component import Component
from pulumi_mlops.core.inputs import URL, ByEngine, EngineArgs, In, Needs, OneOf, Sensitive, Spec, refuse
from pulumi_mlops.core.refs import Given, Of, Ref, SecretRef

if TYPE_CHECKING:  # read by type checkers; a program need not make a TypedDict of each spec
    from pulumi_mlops.args.experiment_tracker import ExperimentTrackerArgs


class Wandb(Spec):
    """A project of Weights & Biases, on its own service or on a server of yours."""

    entity: Annotated[str, Field(min_length=1)]
    """The team or user that the project belongs to."""
    project: Annotated[str, Field(min_length=1)]
    """The project that runs go to. It is made by the first run, and stays when the tracker is deleted."""
    api_key: Annotated[In[str], Sensitive()]
    """The key of a service account that may write to the project. It is kept as a secret of the platform, and only
    workloads that use the tracker read it there."""
    base_url: Annotated[str | None, Needs("experiment_tracker.self_hosted")] = None
    """The address of a server of yours, such as ``https://wandb.example.com``; the default is the vendor's service."""

    @field_validator("entity", "project")
    @classmethod
    def _a_part_of_a_path(cls, value: str) -> str:
        if "/" in value or value != value.strip():
            raise refuse(f"{value!r} must be a name without slashes or spaces around it; entity and project are apart")
        return value

    @field_validator("api_key")
    @classmethod
    def _something(cls, value: object) -> object:
        if isinstance(value, str) and not value.strip():
            raise refuse("is empty; read it with pulumi.Config().require_secret(…)")
        return value

    @field_validator("base_url")
    @classmethod
    def _address(cls, value: str | None) -> str | None:
        if value is not None and not URL.fullmatch(value):
            raise refuse(f"{value!r} must be an address without a path, such as 'https://wandb.example.com'")
        return value


class ExperimentTrackerSpec(Spec):
    """What an experiment tracker is asked to be: one engine is named, where the backend has no tracker of its own."""

    one_of = OneOf("wandb", "engine", optional=True, advice="write a second tracker for the other")

    platform: Of[PlatformRef]
    """The platform whose secrets keep the tracker's key."""
    wandb: Annotated[Wandb | None, ByEngine("wandb")] = None
    """Record runs in Weights & Biases."""
    engine: Annotated[Annotated[EngineArgs, Given()] | None, ByEngine()] = None
    """Record runs in an engine of another distribution, by the arguments that it has: ``acme.Runs(…)``."""
    tags: dict[str, str] = {}
    """Further tags."""


@dataclass(frozen=True, kw_only=True)
class ExperimentTrackerRef(Ref):
    """Where runs are recorded, and the secret that lets workloads record them."""

    noun = "experiment_tracker"

    platform: PlatformRef
    engine: str
    """The engine that records."""
    url: Input[str]
    """Where people find the runs."""
    server: Input[str]
    """What programs talk to."""
    entity: Input[str] | None = None
    """The team or user that the project belongs to, for engines that have such."""
    project: Input[str]
    """The project that runs go to."""
    key: SecretRef
    """The secret that holds the key."""


class ExperimentTracker(Component[ExperimentTrackerSpec, ExperimentTrackerRef]):
    """Where runs are recorded: an engine, a project in it, and the key for it as a secret of the platform.

    :raises Unsupported: no engine is named and the backend has no tracker of its own, or the engine cannot do this.
    """

    url: Output[str]
    """Where people find the runs."""

    spec_type = ExperimentTrackerSpec
    ref_type = ExperimentTrackerRef

    def __init__(self, name: str, opts: ResourceOptions | None = None, **args: "Unpack[ExperimentTrackerArgs]") -> None:
        self.build(name, args, opts)
