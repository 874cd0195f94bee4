"""Model: a named model with versions."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Literal, Unpack

from pulumi import ResourceOptions
from pydantic import AfterValidator, field_validator

from pulumi_mlops.components.model_registry import ModelRegistryRef
from pulumi_mlops.components.platform import PlatformRef
from pulumi_mlops.core import registry
from pulumi_mlops.core.component import Component
from pulumi_mlops.core.engines import Task
from pulumi_mlops.core.errors import InvalidArgs, Problem, concerning
from pulumi_mlops.core.existing import Existing, folder, take_over
from pulumi_mlops.core.gates import GATE
from pulumi_mlops.core.inputs import (
    Flag,
    In,
    Needs,
    OneOf,
    Spec,
    deferred,
    demand_number,
    given,
    is_deferred,
    kind_of,
    nearest,
    refuse,
)
from pulumi_mlops.core.refs import Of, Ref

if TYPE_CHECKING:  # read by type checkers; a program need not make a TypedDict of each spec
    from pulumi_mlops.args.model import ExistingModelArgs, ModelArgs


def _judge_gate(value: dict[str, str]) -> dict[str, str]:
    if wrong := [f"{metric}: {bound!r}" for metric, bound in value.items() if not GATE.fullmatch(bound)]:
        raise refuse(f"{', '.join(wrong)}: write a comparison with a number, such as '>=0.92'")
    return value


Gate = Annotated[dict[str, str], AfterValidator(_judge_gate)]


class ModelSpec(Spec):
    """What a model is asked to be."""

    stands_on = "registry"

    registry: Of[ModelRegistryRef]
    """The registry that it belongs to."""
    gate: Annotated[Gate, Needs("model.gate")] = {}
    """What a version's metrics must reach before ``approved()`` takes it: ``{"auc": ">=0.92"}``. Judged against
    the metadata of the version."""
    description: str | None = None
    """What the model does. It cannot be changed later."""
    metadata: dict[str, str] = {}
    """Facts about the model as a whole, kept as tags."""
    protect: Flag | None = None
    """Refuse to delete the model; as the stage says unless told."""
    tags: dict[str, str] = {}
    """Further tags."""


class ExistingModelSpec(Existing):
    """What is said of a model that exists already."""

    stands_on = "registry"
    one_of = OneOf("registry", "platform")

    registry: Of[ModelRegistryRef] | None = None
    """The registry that it belongs to. Write either this or ``platform``."""
    platform: Annotated[Of[PlatformRef] | None, Needs("model.existing.by_itself", given)] = None
    """The platform on which it is used, for a model that is found without its registry."""
    gate: Annotated[Gate, Needs("model.gate")] = {}
    """What a version's metrics must reach before ``approved()`` takes it, as of a model that is made here."""
    files: Annotated[str | None, Needs("model.existing.files", given)] = None
    """URI of the folder with the files of its versions, for the rights of who registers and deploys them. The default
    is the folder that a model of this name has in the platform's artifact store."""
    key: Annotated[In[str] | None, Needs("model.existing.key", given)] = None
    """Full address of the key that these files are encrypted with; the default is the platform's."""

    @field_validator("files")
    @classmethod
    def _folder(cls, value: str | None) -> str | None:
        return None if value is None else folder(value)

    @property
    def hub(self) -> PlatformRef:
        """The platform on which it is used."""
        found = self.registry.platform if self.registry else self.platform
        assert found is not None  # noqa: S101 (judged above)
        return found


@dataclass(frozen=True, kw_only=True)
class ModelVersionRef(Ref):
    """One version of a model, or the promise of the first one."""

    noun = "model_version"
    advice = "churn.approved(), or churn.version(3)"

    platform: PlatformRef
    version: int | None = None
    """None while it waits for an approval."""
    files: str | None = None
    """Address of its files, an archive or a folder, which ends in a slash; None where it has none, or several."""
    image: str | None = None
    """The image that it names for serving; None where it names none, or several."""
    digest: str | None = None
    """Digest of that image, where the registry keeps it."""
    flavour: str | None = None
    """What its files are, in the registry's words: a framework or a format."""
    record: str | None = None
    """Address of the record of the step that made its files; None where no pipeline of this library did."""
    shared: bool = False
    """Whether its registry is one that platforms share."""

    @property
    def waiting(self) -> bool:
        """Whether there is no version yet."""
        return self.version is None


@dataclass(frozen=True, kw_only=True)
class ModelRef(Ref):
    """A named model with versions."""

    noun = "model"

    platform: PlatformRef
    gate: Mapping[str, str] = field(default_factory=dict)
    shared: bool = False
    """Whether its registry is one that platforms share."""

    def approved(self, *, otherwise: Literal["wait", "fail"] = "fail") -> "ModelVersionRef":
        """Return the newest approved version, looked up while the program runs, and pin it.

        :param otherwise: what happens while no version is approved: ``"fail"`` is an error; with ``"wait"``
            whatever is given the version waits for the first approval, says so, and appears on the ``up`` after it.
        """
        if otherwise not in ("wait", "fail"):
            close = nearest(otherwise, ["wait", "fail"])
            this = repr(otherwise) if isinstance(otherwise, str) else kind_of(otherwise)
            said = deferred(otherwise) if is_deferred(otherwise) else f"{this} is not one of 'wait' or 'fail'{close}"
            raise InvalidArgs("Model", self.name, [Problem("otherwise", said)])
        with concerning("Model", self.name):
            found = registry.find(self.backend, APPROVED)(self)
        if found is None and otherwise == "fail":
            raise InvalidArgs(
                "Model",
                self.name,
                [Problem("approved", "no version is approved yet; approve one, or write approved(otherwise='wait')")],
            )
        return found or ModelVersionRef(
            name=self.name, backend=self.backend, platform=self.platform, version=None, shared=self.shared
        )

    def version(self, number: int) -> "ModelVersionRef":
        """Return one version by number, approved or not."""
        if said := demand_number(
            number, f"{self.name}.version(3), or {self.name}.approved() for the newest approved one"
        ):
            raise InvalidArgs("Model", self.name, [Problem("version", said)])
        with concerning("Model", self.name):
            return registry.find(self.backend, VERSION)(self, number)


def no_version(model: ModelRef, number: int, where: str) -> InvalidArgs:
    """Say that a model has no such version.

    :param where: what a version stands in, such as ``"group 'churn'"``.
    """
    said = f"has no version {number} in {where} yet; write the number of one that is there, or use approved()"
    return InvalidArgs("Model", model.name, [Problem("version", said)])


APPROVED = Task[[ModelRef], ModelVersionRef | None]("Model.approved")
"""Look up the newest approved version that passes the model's gate."""
VERSION = Task[[ModelRef, int], ModelVersionRef]("Model.version")
"""Name one version."""
EXISTING = Task[[str, ExistingModelSpec], ModelRef]("Model.existing")
"""Look up a model that no program of ours made."""


class Model(Component[ModelSpec, ModelRef]):
    """A named model with versions. Versions come from training, not from this program."""

    spec_type = ModelSpec
    ref_type = ModelRef
    existing_type = ExistingModelSpec

    def __init__(self, name: str, opts: ResourceOptions | None = None, **args: "Unpack[ModelArgs]") -> None:
        self.build(name, args, opts)

    @classmethod
    def existing(cls, name: str, **args: "Unpack[ExistingModelArgs]") -> ModelRef:
        """Use a model that exists already: its versions are looked up, and it is never changed or deleted."""
        return take_over(EXISTING, ExistingModelSpec, name, args)

    def approved(self, *, otherwise: Literal["wait", "fail"] = "fail") -> ModelVersionRef:
        """Return the newest approved version and pin it; see :meth:`ModelRef.approved`."""
        return self.ref.approved(otherwise=otherwise)

    def version(self, number: int) -> ModelVersionRef:
        """Return one version by number; see :meth:`ModelRef.version`."""
        return self.ref.version(number)
