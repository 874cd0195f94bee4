"""ModelRegistry: who approves versions of models, who may use them, and who is told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Literal, Unpack

from pulumi import Input, ResourceOptions
from pydantic import Field, field_validator

from pulumi_mlops.components.platform import PlatformRef
from pulumi_mlops.core import principals
from pulumi_mlops.core.component import Component
from pulumi_mlops.core.engines import Task
from pulumi_mlops.core.existing import Existing, folder, take_over
from pulumi_mlops.core.inputs import Flag, In, Needs, Sensitive, Spec, given, refuse
from pulumi_mlops.core.principals import Principals, Who
from pulumi_mlops.core.refs import Of, Ref

if TYPE_CHECKING:  # read by type checkers; a program need not make a TypedDict of each spec
    from pulumi_mlops.args.model_registry import ExistingModelRegistryArgs, ModelRegistryArgs


class Notice(Spec):
    """Somebody who is told when the approval of a version changes."""

    to: Annotated[In[str], Sensitive()]
    """Full address of who is told."""
    on: Annotated[list[Literal["approved", "rejected", "pending"]], Field(min_length=1)] = ["approved"]
    """Which changes are told."""


class ModelRegistrySpec(Spec):
    """What a registry is asked to be."""

    platform: Of[PlatformRef]
    """The platform that it stands on."""
    approvers: Annotated[Principals, Needs("model_registry.approvers")] = []
    """Principals that may approve and reject versions."""
    consumers: Principals | None = None
    """Principals outside that may read and deploy versions. The default is the platform's."""
    events: Annotated[dict[str, Notice], Needs("model_registry.events")] = {}
    """Who is told of approvals, by short name: ``{"deploy": {"to": …}}``."""
    published: Annotated[Flag, Needs("model_registry.published", bool)] = False
    """Whether it is reached from outside through the platform's gateway, by its own logins. The default is that it is
    reached inside only."""
    regions: Annotated[list[str], Needs("model_registry.regions")] = []
    """Regions of the platforms that serve its versions, by the cloud's own names. The registry is then one that
    platforms share, also those of another account, and keeps its versions in each of these regions. The default is a
    registry of its platform's own."""
    tags: dict[str, str] = {}
    """Further tags."""

    @field_validator("regions")
    @classmethod
    def _each_once(cls, value: list[str]) -> list[str]:
        if len(set(value)) != len(value):
            raise refuse("names one region twice")
        return value

    def uses(self) -> frozenset[str]:
        """Consumers are the platform's where none are given here."""
        return frozenset({"model_registry.consumers"} if self.readers else ())

    @property
    def readers(self) -> Sequence[Who]:
        """The consumers: its own, or the platform's."""
        return principals.read(self.platform.consumers) if self.consumers is None else self.consumers


class ExistingModelRegistrySpec(Existing):
    """What is said of a registry that exists already. Who approves and reads there is its owner's business."""

    platform: Of[PlatformRef]
    """The platform on which its models are used."""
    files: Annotated[str | None, Needs("model_registry.existing.files", given)] = None
    """URI of the folder in which it keeps the files of versions, where the registry hands files out itself and versions
    name them by it."""

    @field_validator("files")
    @classmethod
    def _folder(cls, value: str | None) -> str | None:
        return None if value is None else folder(value)


@dataclass(frozen=True, kw_only=True)
class ModelRegistryRef(Ref):
    """Where the versions of models are kept and approved."""

    noun = "model_registry"

    platform: PlatformRef
    approvers: list[Mapping[str, Input[str]]] = field(default_factory=list)
    consumers: list[Mapping[str, Input[str]]] = field(default_factory=list)
    shared: bool = False
    """Whether platforms share it: each serves its versions as if they were its own."""


EXISTING = Task[[str, ExistingModelRegistrySpec], ModelRegistryRef]("ModelRegistry.existing")
"""Look up a registry that no program of ours made."""


class ModelRegistry(Component[ModelRegistrySpec, ModelRegistryRef]):
    """Where the versions of models are kept, approved and announced.

    Approval is what deploys: ``model.approved()`` pins the newest approved version when a program runs, and ``events``
    start the next run.
    """

    spec_type = ModelRegistrySpec
    ref_type = ModelRegistryRef
    existing_type = ExistingModelRegistrySpec

    def __init__(self, name: str, opts: ResourceOptions | None = None, **args: "Unpack[ModelRegistryArgs]") -> None:
        self.build(name, args, opts)

    @classmethod
    def existing(cls, name: str, **args: "Unpack[ExistingModelRegistryArgs]") -> ModelRegistryRef:
        """Use a registry that exists already; it is never changed or deleted."""
        return take_over(EXISTING, ExistingModelRegistrySpec, name, args)
