"""Refs: the facts by which one component, or another stack, knows a thing.

A ref is what a builder returns, what other nouns take as an argument (a component stands for its ref), and
what a stack exports. It holds names and addresses, never a secret's value, never a resource in an export.
"""

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Generic, Protocol, Self, TypeVar, cast, get_args

import pulumi
from pulumi import Input, Resource
from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from pulumi_mlops.core.errors import InvalidArgs, Problem
from pulumi_mlops.core.inputs import Spec, deferred, demand_text, is_deferred, kind_of, nearest, refuse
from pulumi_mlops.core.stages import ProfileName, treated

R_co = TypeVar("R_co", bound="Ref", covariant=True)
R = TypeVar("R", bound="Ref")
_SCHEMA = 1
_KINDS: dict[str, type["Ref"]] = {}
"""Every kind of ref by its noun: each class enters itself, so that a ref inside a ref is read back."""


@dataclass(frozen=True, kw_only=True)
class Ref:
    """What is common to every ref."""

    noun: ClassVar[str]
    advice: ClassVar[str] = ""
    """What to write where one of this kind is wanted; ``Noun.from_stack(…)`` if nothing is said here."""
    parts: ClassVar[tuple[str, ...]] = ()
    """Fields with refs of what it consists of: who looks for one of these finds it in an export of the whole."""

    name: str
    """The component's name in its program."""
    backend: str
    """The backend or engine that it lives on."""
    address: Mapping[str, Any] = field(default_factory=dict)
    """Facts that only the backend reads: resource ids, hosts."""
    native: Mapping[str, Resource] = field(default_factory=dict, repr=False, compare=False, metadata={"local": True})
    """The resources behind it by short name; empty when the ref was loaded from another stack."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "noun" in cls.__dict__:
            _KINDS[cls.noun] = cls

    @property
    def ref(self) -> Self:
        """Itself, so that a ref and a component can be used alike."""
        return self

    def export(self) -> dict[str, Any]:
        """Return a plain value for ``pulumi.export``; ``from_stack`` and ``load`` read it back."""
        out: dict[str, Any] = {"noun": self.noun, "schema": _SCHEMA}
        for item in fields(self):
            if not item.metadata.get("local"):
                out[item.name] = _exported(getattr(self, item.name))
        return out

    @classmethod
    def load(cls, data: Mapping[str, Any]) -> Self:
        """Read back what ``export`` wrote, for instance out of stack configuration."""
        if not isinstance(data, Mapping) or data.get("noun") != cls.noun or data.get("schema") != _SCHEMA:
            raise InvalidArgs(cls.__name__, "load", [Problem("", _no_export(cls.noun, data))])
        values: dict[str, Any] = {}
        known = {item.name for item in fields(cls) if not item.metadata.get("local")}
        for key, value in data.items():
            if key in known:
                values[key] = _loaded(value)
        owed = [item.name for item in fields(cls) if item.default is MISSING and item.default_factory is MISSING]
        if missing := [name for name in owed if values.get(name) is None]:
            told = f"the export lacks {', '.join(missing)}; give {cls.noun}.ref.export() whole"
            raise InvalidArgs(cls.__name__, "load", [Problem("", told)])
        return cls(**values)

    @classmethod
    def from_stack(cls, stack: str, output: str | None = None, opts: pulumi.InvokeOptions | None = None) -> Self:
        """Read the ref that another stack exports, while the program runs.

        :param stack: the full stack name, ``organization/project/stack``.
        :param output: the output's name; the default is the noun's own name in snake case.
        :raises InvalidArgs: the stack has no such output, or it is another noun's.
        """
        problems = {
            "stack": demand_text(stack, "'organization/project/stack'"),
            "output": None if output is None else demand_text(output, repr(cls.noun)),
        }
        if wrong := [Problem(argument, said) for argument, said in problems.items() if said]:
            raise InvalidArgs(cls.__name__, "from_stack", wrong)
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


def kinds() -> Mapping[str, type[Ref]]:
    """Return every kind of ref that was imported, by its noun."""
    return _KINDS


@dataclass(frozen=True, kw_only=True)
class HubRef(Ref):
    """What every component needs to know of the thing that it stands on: the platform."""

    stage: str
    profile: ProfileName | None = None
    """How the stage is treated. A ref that was exported without it has what the stage's name tells."""
    owner: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    tag_prefix: str = ""
    """What the keys of the library's own tags begin with."""
    providers: tuple[pulumi.ProviderResource, ...] = field(
        default=(), repr=False, compare=False, metadata={"local": True}
    )
    """The provider instances that travel with the platform."""

    def __post_init__(self) -> None:
        if self.profile is None:
            object.__setattr__(self, "profile", treated(self.stage))


@dataclass(frozen=True, kw_only=True)
class SecretRef(Ref):
    """Where a secret is; workloads read it there, and only they see the value."""

    noun = "secret"
    advice = "platform.secret('…')"

    @classmethod
    def existing(cls, address: Input[str], *, backend: str) -> Self:
        """Name a secret that is there already.

        :param address: its full address on that backend; the backend's page says what that is.
        """
        return cls(name="existing", backend=backend, address={"id": address})


def _no_export(noun: str, data: object) -> str:
    """Say why something is no export of a noun."""
    needed = f"needs what {noun}.ref.export() gives"
    if is_deferred(data):
        return f"{needed}; {deferred(data)}; another stack's export is read with from_stack(…)"
    if not isinstance(data, Mapping):
        return f"{needed}; this is {kind_of(data)}"
    if data.get("noun") != noun:
        return f"{needed}; this is {data.get('noun', 'no noun at all')!r}"
    form = data.get("schema")
    return f"was exported in form {form!r}, and this library reads form {_SCHEMA}; run pulumi up in the stack of it"


def _exported(value: Any) -> Any:
    """Write a ref as a plain value, also within a mapping or a list."""
    if isinstance(value, Ref):
        return value.export()
    if isinstance(value, Mapping):
        return {key: _exported(item) for key, item in value.items()}
    return [_exported(item) for item in value] if isinstance(value, list | tuple) else value


def _loaded(value: Any) -> Any:
    """Read a ref back, and make whole numbers whole again: the engine knows floats only."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, Mapping):
        nested = _KINDS.get(str(value.get("noun", ""))) if "schema" in value else None
        return nested.load(value) if nested else {key: _loaded(item) for key, item in value.items()}
    return [_loaded(item) for item in value] if isinstance(value, list) else value


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


def _article(noun: str) -> str:
    return "an" if noun[0] in "AEIOU" else "a"


def advice(kind: type) -> str:
    """Say what to write where a ref, or a view of one, is wanted."""
    if said := getattr(kind, "advice", ""):
        return f"write {said}"
    noun = kind.__name__.removesuffix("Ref")
    return f"give the {noun}, or the ref of one such as {noun}.from_stack(…)"


class Given:
    """Marks a field that takes an object of this library: ``Annotated[FeatureView, Given()]``.

    A component is taken as its ref.
    """

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Judge by class, and say what to write instead of what was given."""
        several = get_args(source) or (source,)
        nouns = [kind.__name__.removesuffix("Ref") for kind in several]
        advised = advice(several[0]) + "".join(f", or {advice(kind)}" for kind in several[1:])

        def judge(value: object) -> object:
            found = ref_of(value) or value
            if isinstance(found, several):
                return found
            if is_deferred(value):
                why = "names and rights follow from it, and an Output is known only after that"
                raise refuse(f"is {kind_of(value)}, and the {' or '.join(nouns)} itself is needed: {why}; {advised}")
            given = ref_of(value)
            this = type(given).__name__.removesuffix("Ref") if given else type(value).__name__
            needed = " or ".join(f"{_article(noun)} {noun}" for noun in nouns)
            raise refuse(f"needs {needed}, this is {this}; {advised}")

        return core_schema.no_info_plain_validator_function(judge)


class Either:
    """Marks a field that takes an object of this library or arguments of its own, told apart by what is given.

    ``Annotated[ModelVersionRef | ModelFiles, Either()]``: a mapping is judged as ``ModelFiles``, all else as a ref, so
    that an error speaks of one of them.
    """

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Choose by the value's kind."""
        arms = get_args(source)
        spec = next(arm for arm in arms if isinstance(arm, type) and issubclass(arm, Spec))
        other = next(arm for arm in arms if arm is not spec)
        as_spec = handler.generate_schema(spec)
        as_object = handler.generate_schema(Annotated[other, Given()])

        def choose(value: object) -> str:
            return "spec" if isinstance(value, Mapping | Spec) else "object"

        return core_schema.tagged_union_schema({"spec": as_spec, "object": as_object}, discriminator=choose)


if TYPE_CHECKING:
    Of = Annotated[R, "a ref"]
else:

    class Of:
        """A ref of this noun, given as the ref or as the component that made it: ``Of[PlatformRef]``."""

        def __class_getitem__(cls, kind: type) -> Any:
            return Annotated[kind, Given()]
