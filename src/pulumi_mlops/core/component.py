"""What every component does: parse, compare, register; then hand over to the engine that builds it."""

import inspect
import re
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar, cast, get_origin

import pulumi
from pulumi import ComponentResource, InvokeOptions, Output, ProviderResource, Resource, ResourceOptions

from pulumi_mlops.core import capabilities, claims, prerequisites, registry
from pulumi_mlops.core.engines import Engine, Part, Task
from pulumi_mlops.core.errors import InvalidArgs, MlopsError, Problem, Unsupported, concerning
from pulumi_mlops.core.inputs import (
    Sensitive,
    Spec,
    engines_of,
    is_deferred,
    kind_of,
    needs,
    parse,
    shown,
    spec_of,
)
from pulumi_mlops.core.loading import collecting_later
from pulumi_mlops.core.naming import physical, snake
from pulumi_mlops.core.refs import HubRef, Ref, ref_of
from pulumi_mlops.core.replaceable import REPLACEABLE, named, names
from pulumi_mlops.core.stages import PROFILES, Profile, treated
from pulumi_mlops.core.tags import own_tags, tag_problems, tags

S = TypeVar("S", bound=Spec)
R = TypeVar("R", bound=Ref)
WITHHELD = "[withheld]"


class Component(ComponentResource, Generic[S, R]):
    """The base of every public noun. A noun declares its spec and its ref; a subclass of one keeps them."""

    spec_type: ClassVar[type[Spec]]
    ref_type: ClassVar[type[Ref]]
    existing_type: ClassVar[type[Spec] | None] = None
    """What is said of one that exists already, for a noun of which one can be taken over."""
    noun: ClassVar[str]
    """The name of the noun: of the class that declares the spec, not of a user's subclass."""
    token: ClassVar[str]
    """Pulumi's type of the resource: ``class House(mlops.Endpoint, token="acme:ml:House")`` sets one; a subclass that
    sets none is ``pulumi-mlops:index:House``."""

    ref: R
    """The facts by which other components and stacks know this one; ``ref.export()`` for another stack."""
    native: Mapping[str, Resource]
    """The engine's own resources by short name: the way out where the neutral interface ends."""

    def __init_subclass__(cls, *, token: str | None = None) -> None:
        super().__init_subclass__()
        if "spec_type" in cls.__dict__:
            cls.noun = cls.__name__
        cls.token = token or f"pulumi-mlops:index:{cls.__name__}"

    @classmethod
    def built_by(cls, function: "Callable[[Scope, S], R]", *, over: Iterable[Task[Any, Any]] = ()) -> Part:
        """Say which function of an engine builds this noun, and over which primitives of the platform's backend."""
        return Task[[Scope, S], R](cls.noun).done_by(function, over=over)

    @classmethod
    def from_stack(cls, stack: str, output: str | None = None) -> R:
        """Use what another stack exports; see :meth:`Ref.from_stack`."""
        return cast("R", cls.ref_type.from_stack(stack, output))

    @classmethod
    def load(cls, data: Mapping[str, Any]) -> R:
        """Use what was exported and handed over in configuration; see :meth:`Ref.load`."""
        return cast("R", cls.ref_type.load(data))

    def build(self, name: str, args: Mapping[str, Any], opts: ResourceOptions | None) -> None:
        """Judge the arguments, register the component, let its engine build it, and set its outputs.

        Everything that can be refused is refused before anything is registered.
        """
        if opts is not None and not isinstance(opts, ResourceOptions):
            said = f"needs pulumi.ResourceOptions(…); this is {kind_of(opts)}"
            raise InvalidArgs(self.noun, shown(name), [Problem("opts", said)])
        try:
            with concerning(self.noun, shown(name)), collecting_later():
                self._build(name, args, opts)
        except MlopsError as error:
            prerequisites.refused(error)
            raise

    def _build(self, name: str, args: Mapping[str, Any], opts: ResourceOptions | None) -> None:
        what = f"{self.noun} {shown(name)!r}"
        named = named_engine(self.spec_type, args)
        if named:  # what is not there at all is said before its details are judged
            found = registry.load_engine(named)
            table = capabilities.of_one(found.capabilities)
            wanted = _asked_of(found, self.noun, {snake(self.noun), *needs(self.spec_type, args)})
            capabilities.check(registry.titled(named), table, what, wanted)
        spec = cast("S", parse(self.spec_type, self.noun, name, args))
        hub = anchor(spec)
        engine_name, project = _place(spec, name, hub)
        own = spec if hub is None else hub
        stage, profile = _stage(own)
        engine = registry.load(engine_name)
        uses = {*needs(self.spec_type, vars(spec)), *spec.uses()}
        warnings = _refuse_absent(engine, engine_name, what, self.noun, uses)
        if hub is not None:
            warnings += _refuse_without(
                engine.over(self.noun), engine_name, hub.backend, what, noun=self.noun, uses=uses
            )
        if hub is not None and engine.composed:  # what the backend has in part is said by the parts
            home = registry.load(hub.backend)
            capabilities.check(
                registry.titled(hub.backend), home.capabilities, what, frozenset({snake(self.noun), *uses})
            )
        if problems := [*_problems(spec, hub, self.noun, name), *engine.problems(name, spec)]:
            raise InvalidArgs(self.noun, name, problems)

        own_providers = _providers(opts)
        if hub is None:
            if misplaced := list(
                engine.misplaced(name, spec, own_providers.get(engine.package) or _from_parent(engine, opts))
            ):
                raise InvalidArgs(self.noun, name, misplaced)
            brought: Sequence[ProviderResource] = ()
        elif hub.native or hub.providers:
            brought = hub.providers
        else:  # another stack owns the platform
            home = registry.load(hub.backend)
            brought = home.reach(hub, own_providers.get(home.package))
        # Pulumi takes one provider a package: the component's own stands in the place of the platform's.
        inherited = ResourceOptions(
            providers=[one for one in brought if one.package not in own_providers], depends_on=_gate()
        )
        claims.take(hub, self.noun, name, spec)
        props = echo(self.spec_type, args)
        super().__init__(type(self).token, name, props, ResourceOptions.merge(inherited, opts))
        if pulumi.runtime.is_dry_run():
            for line in warnings:
                pulumi.log.warn(line, self)
        ours = own_tags(
            project=project,
            stage=stage,
            component=f"{self.noun}/{name}",
            owner=getattr(own, "owner", None),
            prefix=getattr(own, "tag_prefix", ""),
        )
        given = {**getattr(own, "tags", {}), **getattr(spec, "tags", {})}
        scope = Scope(
            component=self,
            name=name,
            project=project,
            stage=stage,
            profile=profile,
            tags=tags(ours, given),
            own_tags=ours,
        )
        self._finish(cast("R", engine.tasks[self.noun](scope, spec)))

    def further(self) -> Mapping[str, Any]:
        """Return the outputs that a subclass adds, by the names that it annotates as ``Output[…]``.

        It is called when ``ref`` is there and may declare resources under ``self``.
        """
        return {}

    def _finish(self, ref: R) -> None:
        self.ref = ref
        self.native = ref.native
        outputs = {}
        own = self.further()
        for key in output_names(type(self)):
            if key not in own and not hasattr(ref, key):
                continue  # a subclass sets it by itself
            outputs[key] = Output.from_input(own[key] if key in own else getattr(ref, key))
            setattr(self, key, outputs[key])
        self.register_outputs(outputs)


def _replaceable() -> tuple[str, ...]:
    """Read what the stack's settings say may be lost by this change."""
    project, _, key = REPLACEABLE.partition(":")
    try:
        return names(pulumi.Config(project).get(key) or "")
    except ValueError as error:
        raise MlopsError(str(error)) from None


@dataclass(frozen=True)
class Scope:
    """Where a builder builds: under which component, by which names, with which tags."""

    component: Component[Any, Any]
    name: str
    """The component's name."""
    project: str
    """The platform's name."""
    stage: str
    """The platform's stage, which is in the names of things."""
    profile: Profile
    """The defaults that follow from how the stage is treated."""
    tags: Mapping[str, str]
    own_tags: Mapping[str, str]
    """Those among them that are the library's."""
    provider: ProviderResource | None = None
    """The provider that a platform makes for itself; every other component inherits its platform's."""

    @property
    def opts(self) -> ResourceOptions:
        """The options of every child."""
        return ResourceOptions(parent=self.component, provider=self.provider)

    def guarded(self, protect: bool | None = None) -> ResourceOptions:
        """Return the options of a child that holds data: protected as told, by default by its stage.

        A component that the stack's setting `pulumi-mlops:replaceable` names is not: its change may replace it.
        """
        wanted = self.profile.protect if protect is None else protect
        if wanted and named(_replaceable(), self.name):
            wanted = False
        return ResourceOptions(parent=self.component, provider=self.provider, protect=wanted or None)

    @property
    def invoke(self) -> InvokeOptions:
        """The options of a look-up: it runs under the component's provider."""
        return InvokeOptions(parent=self.component, provider=self.provider)

    def child(self, part: str) -> str:
        """Name a child resource in the program."""
        return f"{self.name}-{part}"

    def physical(self, *parts: str, limit: int = 63, separator: str = "-") -> str:
        """Name a thing in the cloud: project, stage, the parts given."""
        return physical(self.project, self.stage, *parts, limit=limit, separator=separator)

    def say(self, message: str) -> None:
        """Tell the user something about this component, in the preview."""
        if pulumi.runtime.is_dry_run():
            pulumi.log.info(message, self.component)


def _gate() -> "list[Awaitable[Any]]":
    """Have a component wait until what the whole program requires was judged."""
    gate = prerequisites.gate()
    return [gate] if gate else []


def _problems(spec: Spec, hub: HubRef | None, noun: str, name: str) -> Iterator[Problem]:
    """Judge what is no engine's business: tags, fields beside each other, names that others have."""
    yield from _tag_problems(spec, hub)
    yield from spec.problems_of(name)
    if hub is not None:
        yield from claims.problems(hub, noun, name, spec)


def _tag_problems(spec: Spec, hub: HubRef | None) -> Iterator[Problem]:
    own: Spec | HubRef = spec if hub is None else hub
    prefix: str = getattr(own, "tag_prefix", "")
    for field in ("tags", "metadata"):
        yield from tag_problems(field, getattr(spec, field, {}), hub.tags if hub else (), prefix)


def _providers(opts: ResourceOptions | None) -> dict[str, ProviderResource]:
    """Return the providers that a component's own options name, by package."""
    if opts is None:
        return {}
    several = opts.providers or []
    found = list(several.values()) if isinstance(several, Mapping) else list(several)
    return {one.package: one for one in [*found, *([opts.provider] if opts.provider else [])]}


def _from_parent(engine: Engine, opts: ResourceOptions | None) -> ProviderResource | None:
    """Return the provider that a platform has from the component that it is a child of."""
    return opts.parent.get_provider(f"{engine.package}:index:any") if opts and opts.parent and engine.package else None


def output_names(component: type[Component[Any, Any]]) -> list[str]:
    """Name the outputs of a component: its annotated Outputs, those of the noun that it extends included."""
    found: dict[str, None] = {}
    for kind in reversed(component.__mro__):
        if isinstance(kind, type) and issubclass(kind, Component):
            hints = inspect.get_annotations(kind)
            found |= dict.fromkeys(key for key, hint in hints.items() if _is_output(hint))
    return list(found)


def _is_output(hint: object) -> bool:
    """Tell an Output, also where a module keeps its annotations as text."""
    written = hint if isinstance(hint, str) else ""
    return get_origin(hint) is Output or bool(re.match(r"(\w+\.)*Output\[", written))


def anchor(spec: Spec) -> HubRef | None:
    """Return the platform that a component stands on; a platform stands on nothing."""
    return _hub(getattr(spec, spec.stands_on, None)) or _hub(getattr(spec, "platform", None))


def _hub(value: object) -> HubRef | None:
    found = ref_of(value)
    return found if isinstance(found, HubRef) else getattr(found, "platform", None)


def named_engine(spec: type[Spec], args: Mapping[str, Any]) -> str | None:
    """Return the engine that arguments name before they are judged, if it can be told."""
    for engine in engines_of(spec, args):
        return engine or None
    if spec.built_by:
        return spec.built_by
    hub = _hub(args.get(spec.stands_on)) or _hub(args.get("platform"))
    name = hub.backend if hub else args.get("backend")
    return name if isinstance(name, str) and registry.known(name) else None


def _refuse_absent(engine: Engine, name: str, what: str, noun: str, uses: set[str]) -> list[str]:
    """Refuse what the engine does not have; return the warnings for what it has in part."""
    feature = snake(noun)
    if noun not in engine.tasks and capabilities.level(engine.capabilities, feature) != "absent":
        raise Unsupported(f"{what}: {registry.titled(name)} has no {noun}.")
    asked = _asked_of(engine, noun, {feature, *uses})
    return capabilities.check(registry.titled(name), engine.capabilities, what, asked)


def _asked_of(engine: Engine, noun: str, uses: set[str]) -> frozenset[str]:
    """Return what is asked of an engine itself: where it adds to the backend's own noun, the backend does the rest."""
    if not engine.composed and all(task.name != noun for task in engine.over(noun)):
        return frozenset(uses)
    return frozenset(name for name in uses if frozenset([name]) in engine.capabilities)


def _refuse_without(
    primitives: Iterable[Task[Any, Any]], engine: str, backend: str, what: str, *, noun: str, uses: set[str]
) -> list[str]:
    """Refuse an engine whose primitives the platform's backend lacks; return the warnings for what it has in part."""
    found, who = registry.load(backend), registry.titled(backend)
    warnings: list[str] = []
    for task in primitives:
        if task.optional and task.capability not in uses:
            continue
        needed = f"{what}, which engine {engine!r} builds over {task.name}"
        also = uses if task.name == noun else ()  # an engine that adds to the noun leaves the rest to the backend
        warnings += capabilities.check(who, found.capabilities, needed, frozenset({task.capability, *also}))
        if found.find(task) is None:
            raise Unsupported(f"{needed}: {who} has no {task.name}; use a platform on another backend.")
    return warnings


def _place(spec: Spec, name: str, hub: HubRef | None) -> tuple[str, str]:
    """Return the engine that builds a component, and the project that it belongs to; a platform is one itself."""
    if hub is not None:
        return next(engines_of(type(spec), vars(spec)), spec.built_by or hub.backend), hub.name
    backend = getattr(spec, "backend", None) or pulumi.Config().get("backend")
    if not backend:
        known = sorted(registry.backends())
        raise InvalidArgs(
            "Platform",
            name,
            [
                Problem(
                    "backend",
                    f"is required; write one of {', '.join(map(repr, known))}, or run: pulumi config set backend "
                    f"{known[0]}",
                )
            ],
        )
    return backend, name


def _stage(own: Spec | HubRef) -> tuple[str, Profile]:
    """Return the stage of a platform, and how it is treated."""
    stage: str = getattr(own, "stage", "dev")
    return stage, PROFILES[getattr(own, "profile", None) or treated(stage)]


def echo(spec: type[Spec] | None, args: Mapping[str, Any]) -> dict[str, Any]:
    """Echo arguments for the engine to record: other components by their names, of secrets only that they are."""
    fields = spec.model_fields if spec else {}
    out: dict[str, Any] = {}
    for key, value in args.items():
        field = fields.get(key)
        if field and any(isinstance(mark, Sensitive) for mark in field.metadata):
            out[key] = sorted(value) if isinstance(value, Mapping) else WITHHELD
        else:
            out[key] = _echo(spec_of(field.annotation) if field else None, value)
    return out


def _echo(spec: type[Spec] | None, value: Any) -> Any:
    if isinstance(value, Spec):
        return echo(type(value), {key: getattr(value, key) for key in value.model_fields_set})
    if isinstance(value, Mapping):
        named = spec is not None and not set(value) <= set(spec.model_fields)
        return {key: _echo(spec, item) for key, item in value.items()} if named or not spec else echo(spec, value)
    if isinstance(value, list | tuple):
        return [_echo(spec, item) for item in value]
    return value if is_deferred(value) else _label(value)


def _label(value: object) -> object:
    """Name another component, a version of a model, or a view of a feature group; any other value is itself."""
    ref = ref_of(value)
    if ref is None:
        return getattr(value, "label", value)
    version = getattr(ref, "version", None)
    return f"{ref.name}:{version}" if isinstance(version, int) else ref.name
