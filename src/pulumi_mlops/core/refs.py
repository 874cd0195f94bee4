"""Refs: the facts by which one component, or another stack, knows a thing.

A ref is what a backend returns, what other nouns take as an argument (a component stands for its ref), and
what a stack exports. It holds names and addresses, never a secret's value, never a resource in an export.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Annotated, Any, ClassVar, Generic, Literal, Protocol, Self, TypeVar, cast

import pulumi
from pulumi import Input, Resource
from pydantic import BeforeValidator, InstanceOf
from pydantic_core import PydanticCustomError

from pulumi_mlops.core import registry
from pulumi_mlops.core.errors import InvalidArgs, Problem
from pulumi_mlops.core.inputs import is_deferred, nearest, refuse

R_co = TypeVar("R_co", bound="Ref", covariant=True)
R = TypeVar("R", bound="Ref")
_SCHEMA = 1


@dataclass(frozen=True, kw_only=True)
class Ref:
    """What is common to every ref."""

    noun: ClassVar[str]

    name: str
    """The component's name in its program."""
    backend: str
    """The backend that it lives on."""
    address: Mapping[str, Any] = field(default_factory=dict)
    """Facts that only the backend reads: ARNs, resource ids, hosts."""
    native: Mapping[str, Resource] = field(default_factory=dict, repr=False, compare=False, metadata={"local": True})
    """The resources behind it by short name; empty when the ref was loaded from another stack."""

    @property
    def ref(self) -> Self:
        """Itself, so that a ref and a component can be used alike."""
        return self

    def export(self) -> dict[str, Any]:
        """Return a plain value for ``pulumi.export``; ``from_stack`` and ``load`` read it back."""
        out: dict[str, Any] = {"noun": self.noun, "schema": _SCHEMA}
        for item in fields(self):
            if not item.metadata.get("local"):
                value = getattr(self, item.name)
                out[item.name] = value.export() if isinstance(value, Ref) else value
        return out

    @classmethod
    def load(cls, data: Mapping[str, Any]) -> Self:
        """Read back what ``export`` wrote, for instance out of stack configuration."""
        if not isinstance(data, Mapping) or data.get("noun") != cls.noun or data.get("schema") != _SCHEMA:
            found = data.get("noun", "no noun at all") if isinstance(data, Mapping) else type(data).__name__
            raise InvalidArgs(
                cls.__name__, "load", [Problem("", f"needs what {cls.noun}.ref.export() gives; this is {found!r}")]
            )
        values: dict[str, Any] = {}
        known = {item.name for item in fields(cls) if not item.metadata.get("local")}
        for key, value in data.items():
            if key in known:
                nested = _KINDS.get(value.get("noun", "")) if isinstance(value, Mapping) else None
                values[key] = nested.load(value) if nested else _whole(value)
        return cls(**values)

    @classmethod
    def from_stack(cls, stack: str, output: str | None = None, opts: pulumi.InvokeOptions | None = None) -> Self:
        """Read the ref that another stack exports, while the program runs.

        :param stack: the full stack name, ``organization/project/stack``.
        :param output: the output's name; the noun's own name in snake case unless told.
        :raises InvalidArgs: the stack has no such output, or it is another noun's.
        """
        wanted = output or cls.noun
        found = pulumi.runtime.invoke("pulumi:pulumi:readStackOutputs", {"name": stack}, opts)
        outputs = cast("Mapping[str, Any]", (found.value or {}).get("outputs") or {})
        if wanted not in outputs:
            there = ", ".join(sorted(outputs)) or "none"
            hint = (
                f"stack {stack!r} has no output {wanted!r}{nearest(wanted, outputs)} (it has: {there}); export it "
                f"there with pulumi.export({wanted!r}, ….ref.export())"
            )
            raise InvalidArgs(cls.__name__, wanted, [Problem("output", hint)])
        return cls.load(outputs[wanted])


def _whole(value: Any) -> Any:
    """Make whole numbers whole again: the engine knows floats only."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, Mapping):
        return {key: _whole(item) for key, item in value.items()}
    return [_whole(item) for item in value] if isinstance(value, list) else value


class Has(Protocol, Generic[R_co]):
    """Whatever stands for a ref: the ref itself, or the component that made it."""

    @property
    def ref(self) -> R_co:
        """The ref."""
        ...


def ref_of(value: object) -> Ref | None:
    """Return the ref that a value is or stands for."""
    # An Output has every attribute, and makes a promise of it: it stands for no ref.
    ref = None if is_deferred(value) else getattr(value, "ref", None)
    return ref if isinstance(ref, Ref) else None


def _as_ref(value: object) -> object:
    return found if (found := ref_of(value)) else value


Of = Annotated[InstanceOf[R], BeforeValidator(_as_ref)]
"""A ref of this noun, given as the ref or as the component that made it."""


@dataclass(frozen=True, kw_only=True)
class SecretRef(Ref):
    """Where a secret is; jobs read it there, and only they see the value."""

    noun = "secret"

    @classmethod
    def existing(cls, address: Input[str], *, backend: str) -> Self:
        """Name a secret that is there already.

        :param address: its full address there (on AWS: the ARN; on Kubernetes: the Secret's name, in the platform's
            namespace, with the value under the key ``value``).
        """
        return cls(name="existing", backend=backend, address={"id": address})


@dataclass(frozen=True, kw_only=True)
class PlatformRef(Ref):
    """The hub that every other component stands on."""

    noun = "platform"

    stage: Literal["dev", "staging", "prod"]
    region: str | None = None
    owner: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    artifacts: Input[str]
    """Where artifacts are kept, as a URI that ends in a slash."""
    images: Mapping[str, Input[str]] = field(default_factory=dict)
    """Image repositories by short name."""
    secrets: Mapping[str, Input[str]] = field(default_factory=dict)
    """Addresses of the platform's secrets by short name."""
    consumers: list[str] = field(default_factory=list)
    """Principals outside the platform that may read what it shares."""
    private: bool = False
    """Whether workloads run inside the platform's own or an existing network."""
    providers: tuple[pulumi.ProviderResource, ...] = field(
        default=(), repr=False, compare=False, metadata={"local": True}
    )
    """The provider instances that travel with the platform."""

    def image(self, name: str, tag: Input[str]) -> pulumi.Output[str]:
        """Return the full address of an image in one of the platform's repositories.

        :param name: a repository that the platform declares in ``images``.
        :param tag: a tag, or a digest that starts with ``sha256:``.
        """
        if name not in self.images:
            raise InvalidArgs(
                "Platform",
                self.name,
                [
                    Problem(
                        "images",
                        f"has no repository {name!r}{nearest(name, self.images)}; add it to images=[…] "
                        f"({', '.join(self.images) or 'none yet'})",
                    )
                ],
            )
        return pulumi.Output.all(self.images[name], tag).apply(
            lambda of: f"{of[0]}{'@' if of[1].startswith('sha256:') else ':'}{of[1]}"
        )

    def secret(self, name: str) -> SecretRef:
        """Return the address of one of the platform's secrets, to be handed to jobs and endpoints."""
        if name not in self.secrets:
            raise InvalidArgs(
                "Platform",
                self.name,
                [Problem("secrets", f"has no secret {name!r}{nearest(name, self.secrets)}; add it to secrets={{…}}")],
            )
        return SecretRef(name=name, backend=self.backend, address={"id": self.secrets[name]})


@dataclass(frozen=True, kw_only=True)
class FeatureStoreRef(Ref):
    """A place for feature groups."""

    noun = "feature_store"

    platform: PlatformRef


@dataclass(frozen=True, kw_only=True)
class FeatureGroupRef(Ref):
    """A table of features with a key and a time."""

    noun = "feature_group"

    platform: PlatformRef
    keys: list[str]
    event_time: str
    features: Mapping[str, str]
    has_online: bool
    has_offline: bool

    @property
    def online(self) -> "FeatureView":
        """The newest values, for serving: give it to ``Endpoint(reads=[…])``."""
        if not self.has_online:
            raise InvalidArgs(
                "FeatureGroup", self.name, [Problem("online", "is off; write online={} to have an online store")]
            )
        return FeatureView(self, "online")

    def as_of(self, *, days: int) -> "FeatureView":
        """Return the history of the last ``days`` days, for training: every row with the time at which it was true."""
        if not self.has_offline:
            raise InvalidArgs(
                "FeatureGroup", self.name, [Problem("offline", "is off; write offline={} to have an offline store")]
            )
        if days < 1:
            raise InvalidArgs("FeatureGroup", self.name, [Problem("days", f"{days} must be at least 1")])
        return FeatureView(self, "offline", days)


@dataclass(frozen=True)
class FeatureView:
    """What somebody reads of a feature group; being given one is what grants the right to read it."""

    group: FeatureGroupRef
    tier: Literal["online", "offline"]
    days: int | None = None


View = InstanceOf[FeatureView]
"""A feature view as an argument."""


@dataclass(frozen=True, kw_only=True)
class ModelRegistryRef(Ref):
    """Where the versions of models are kept and approved."""

    noun = "model_registry"

    platform: PlatformRef
    approvers: list[str] = field(default_factory=list)
    consumers: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class ModelRef(Ref):
    """A named model with versions."""

    noun = "model"

    platform: PlatformRef
    gate: Mapping[str, str] = field(default_factory=dict)

    def approved(self, *, otherwise: Literal["wait", "fail"] = "fail") -> "ModelVersionRef":
        """Return the newest approved version, looked up while the program runs, and pin it.

        :param otherwise: what happens while no version is approved: ``"fail"`` is an error; with ``"wait"``
            whatever is given the version waits for the first approval, says so, and appears on the ``up`` after it.
        """
        found = registry.load(self.backend).approved(self)
        if found is None and otherwise == "fail":
            raise InvalidArgs(
                "Model",
                self.name,
                [Problem("approved", "no version is approved yet; approve one, or write approved(otherwise='wait')")],
            )
        return found or ModelVersionRef(name=self.name, backend=self.backend, platform=self.platform, version=None)

    def version(self, number: int) -> "ModelVersionRef":
        """Return one version by number, approved or not."""
        return registry.load(self.backend).version(self, number)


@dataclass(frozen=True, kw_only=True)
class ModelVersionRef(Ref):
    """One version of a model, or the promise of the first one."""

    noun = "model_version"

    platform: PlatformRef
    version: int | None = None
    """None while it waits for an approval."""

    @property
    def waiting(self) -> bool:
        """Whether there is no version yet."""
        return self.version is None


@dataclass(frozen=True, kw_only=True)
class EndpointRef(Ref):
    """A model behind an address."""

    noun = "endpoint"

    platform: PlatformRef
    url: Input[str | None] = None
    status: Literal["live", "waiting"]
    variants: list[str] = field(default_factory=list)
    captured: Input[str | None] = None


_KINDS: dict[str, type[Ref]] = {
    kind.noun: kind
    for kind in (
        SecretRef,
        PlatformRef,
        FeatureStoreRef,
        FeatureGroupRef,
        ModelRegistryRef,
        ModelRef,
        ModelVersionRef,
        EndpointRef,
    )
}


def same_platform(platform: PlatformRef | None, other: PlatformRef, what: str) -> PydanticCustomError | None:
    """Refuse what belongs to another platform: its key, its network and its account are others."""
    if platform is None or (platform.name, platform.stage, platform.backend) == (
        other.name,
        other.stage,
        other.backend,
    ):
        return None
    return refuse(
        f"{what} belongs to platform {other.name!r} ({other.backend}, {other.stage}), not to {platform.name!r} "
        f"({platform.backend}, {platform.stage}); give one of this platform"
    )
