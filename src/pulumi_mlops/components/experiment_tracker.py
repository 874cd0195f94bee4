"""ExperimentTracker: where runs are recorded."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal, Unpack

from pulumi import Output, ResourceOptions
from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from pulumi_mlops.components.platform import PlatformRef
from pulumi_mlops.core.component import Component
from pulumi_mlops.core.inputs import (
    PATH,
    URL,
    ByEngine,
    EngineArgs,
    Flag,
    In,
    Needs,
    OneOf,
    Sensitive,
    Spec,
    given,
    is_deferred,
    refuse,
    withheld,
)
from pulumi_mlops.core.refs import Given, Of
from pulumi_mlops.core.workload import TrackerRef

if TYPE_CHECKING:  # read by type checkers; a program need not make a TypedDict of each spec
    from pulumi_mlops.args.experiment_tracker import ExperimentTrackerArgs


def _word(value: str | None) -> str | None:
    if value is not None and value != value.strip():
        raise refuse(f"{value!r} must be a name without spaces around it")
    return value


def _server(value: object) -> object:
    if value is not None and not is_deferred(value) and not URL.fullmatch(str(value)):
        raise refuse(f"{value!r} must be an address without a path, such as 'https://runs.example.com'")
    return value


Name = Annotated[str, Field(min_length=1, max_length=250), AfterValidator(_word)]
Server = Annotated[In[str], AfterValidator(_server)]


class Managed(Spec):
    """The backend's own tracker."""

    experiment: Name | None = None
    """The experiment that runs go to unless they name one; the default is the component's name."""
    size: Annotated[Literal["small", "medium", "large"] | None, Needs("experiment_tracker.size", given)] = None
    """Machines of the tracker's own, of this size, which run all the time; the default is what the backend runs
    without being asked."""
    published: Annotated[Flag, Needs("experiment_tracker.published")] = False
    """Whether it is reached from outside through the platform's gateway, by its own logins. The default is that it is
    reached inside only, where the backend knows the difference."""


class Mlflow(Spec):
    """A server of MLflow's that somebody runs already."""

    one_of = OneOf("password", "token", optional=True)

    url: In[str]
    """Its address, such as ``https://mlflow.example.com``."""
    experiment: Name | None = None
    """The experiment that runs go to unless they name one; the default is the component's name."""
    username: Annotated[str, Field(min_length=1)] | None = None
    """The user as whom runs are recorded; a server that asks for no login needs none."""
    password: Annotated[In[str] | None, Sensitive(), AfterValidator(withheld)] = None
    """The user's password. It is kept as a secret of the platform, and only workloads that record read it there."""
    token: Annotated[In[str] | None, Sensitive(), AfterValidator(withheld)] = None
    """A token, for servers that take one instead of user and password; kept as a password is."""

    @field_validator("url")
    @classmethod
    def _address(cls, value: object) -> object:
        if not is_deferred(value) and not PATH.fullmatch(str(value)):
            raise refuse(
                f"{value!r} must be an address such as 'https://mlflow.example.com', without a login in it and without "
                "a slash at its end"
            )
        return value

    @field_validator("password")
    @classmethod
    def _whole_login(cls, value: object, info: ValidationInfo) -> object:
        if "username" in info.data and (info.data["username"] is None) != (value is None):
            raise refuse("username and password belong together; give both, or a token, or neither")
        return value


class Wandb(Spec):
    """A project of Weights & Biases, on its own service or on a server of yours."""

    entity: Name
    """The team or user that the project belongs to."""
    project: Name
    """The project that runs go to. It is made by the first run, and stays when the tracker is deleted."""
    api_key: Annotated[In[str], Sensitive(), AfterValidator(withheld)]
    """The key of a service account that may write to the project. It is kept as a secret of the platform, and only
    workloads that record read it there."""
    base_url: Annotated[Server | None, Needs("experiment_tracker.self_hosted")] = None
    """The address of a server of yours, such as ``https://wandb.example.com``; the default is the vendor's service."""

    @field_validator("entity", "project")
    @classmethod
    def _a_part_of_a_path(cls, value: str) -> str:
        if "/" in value:
            raise refuse(f"{value!r} must be a name without slashes; entity and project are apart")
        return value


class Clearml(Spec):
    """A project of ClearML's, on its own service or on a server of yours."""

    project: Name
    """The project that runs go to; a slash leads to a project within a project. It is made by the first run, and stays
    when the tracker is deleted."""
    api: Server
    """The address of the API server, such as ``https://api.clear.ml``."""
    web: Server
    """Where people look, such as ``https://app.clear.ml``."""
    files: Server
    """The address of the server of files, such as ``https://files.clear.ml``."""
    access_key: Annotated[In[str], Sensitive(), AfterValidator(withheld)]
    """The first half of credentials that were made in the web application. Both are kept as secrets of the platform,
    and only workloads that record read them there."""
    secret_key: Annotated[In[str], Sensitive(), AfterValidator(withheld)]
    """The second half."""


class ExperimentTrackerSpec(Spec):
    """What an experiment tracker is asked to be: the backend's own, or an engine by its name."""

    one_of = OneOf(
        *("managed", "mlflow", "wandb", "clearml", "engine"),
        optional=True,
        advice="write a second tracker for the other",
    )

    platform: Of[PlatformRef]
    """The platform that it stands on, and whose secrets keep the keys of an engine."""
    managed: Managed | None = None
    """How the backend's own tracker is to be; it is taken where no engine is named."""
    mlflow: Annotated[Mlflow | None, ByEngine("mlflow")] = None
    """Record runs on a server of MLflow's that is there already."""
    wandb: Annotated[Wandb | None, ByEngine("wandb")] = None
    """Record runs in Weights & Biases."""
    clearml: Annotated[Clearml | None, ByEngine("clearml")] = None
    """Record runs in ClearML."""
    engine: Annotated[Annotated[EngineArgs, Given()] | None, ByEngine()] = None
    """Record runs in an engine of another distribution, by the arguments that it has: ``acme.Runs(…)``."""
    tags: dict[str, str] = {}
    """Further tags."""

    @property
    def own(self) -> Managed:
        """How the backend's own tracker is to be."""
        return self.managed or Managed()


@dataclass(frozen=True, kw_only=True)
class ExperimentTrackerRef(TrackerRef):
    """Where runs are recorded: what a workload is told, and the secrets that let it record them."""

    noun = "experiment_tracker"

    platform: PlatformRef


class ExperimentTracker(Component[ExperimentTrackerSpec, ExperimentTrackerRef]):
    """Where runs are recorded: the backend's own tracker, or an engine, whose keys are secrets of the platform.

    Who may record is said by identities: ``Identity(…, records=[runs])``.

    :raises Unsupported: the engine, or the backend where none is named, cannot do this.
    """

    url: Output[str]
    """Where people find the runs."""

    spec_type = ExperimentTrackerSpec
    ref_type = ExperimentTrackerRef

    def __init__(self, name: str, opts: ResourceOptions | None = None, **args: "Unpack[ExperimentTrackerArgs]") -> None:
        self.build(name, args, opts)
