"""What every component does: parse, compare, register; then hand over to the backend."""

from collections.abc import Mapping
from typing import Any, Generic, TypeVar

import pulumi
from pulumi import ComponentResource, Output, Resource, ResourceOptions

from pulumi_mlops.backends.base import Scope
from pulumi_mlops.core import capabilities, registry
from pulumi_mlops.core.errors import InvalidArgs, Problem
from pulumi_mlops.core.inputs import Spec, parse
from pulumi_mlops.core.refs import FeatureView, Ref, ref_of
from pulumi_mlops.core.stages import Stage
from pulumi_mlops.core.tags import tags

R = TypeVar("R", bound=Ref)
S = TypeVar("S", bound=Spec)


class Component(ComponentResource, Generic[R]):
    """The base of every public noun."""

    ref: R
    """The facts by which other components and stacks know this one; ``ref.export()`` for another stack."""
    native: Mapping[str, Resource]
    """The cloud's own resources by short name: the way out where the neutral interface ends."""

    def begin(
        self, spec_type: type[S], name: str, args: Mapping[str, Any], opts: ResourceOptions | None
    ) -> tuple[Scope, S]:
        """Judge the arguments, register the component, and say where its children belong.

        Everything that can be refused is refused before anything is registered.
        """
        noun = type(self).__name__
        spec = parse(spec_type, noun, name, args)
        hub = spec.anchor()
        backend_name, project, stage = _place(spec, name) if hub is None else (hub.backend, hub.name, hub.stage)
        backend = registry.load(backend_name)
        warnings = capabilities.check(backend_name, backend.CAPABILITIES, f"{noun} {name!r}", spec.uses())
        if problems := list(backend.problems(name, spec)):
            raise InvalidArgs(noun, name, problems)

        # Pulumi takes one provider a package: the component's own stands in the place of the platform's.
        package = opts.provider.package if opts and opts.provider else None
        inherited = ResourceOptions(providers=[one for one in hub.providers if one.package != package] if hub else None)
        props = _echo(dict(args), spec.withheld)
        super().__init__(f"pulumi-mlops:index:{noun}", name, props, ResourceOptions.merge(inherited, opts))
        if pulumi.runtime.is_dry_run():
            for line in warnings:
                pulumi.log.warn(line, self)
        own = spec if hub is None else hub
        tagged = tags(
            project=project,
            stage=stage,
            component=f"{noun}/{name}",
            owner=getattr(own, "owner", None),
            own={**getattr(own, "tags", {}), **getattr(spec, "tags", {})},
        )
        return Scope(component=self, backend=backend, name=name, project=project, stage=stage, tags=tagged), spec

    def finish(self, ref: R) -> None:
        """Turn the backend's ref into the component's outputs."""
        self.ref = ref
        self.native = ref.native
        outputs = {}
        for key, hint in type(self).__annotations__.items():
            if getattr(hint, "__origin__", None) is Output:
                outputs[key] = Output.from_input(getattr(ref, key))
                setattr(self, key, outputs[key])
        self.register_outputs(outputs)


def _place(spec: Spec, name: str) -> tuple[str, str, Stage]:
    """Return backend, project and stage of a platform, which stands on nothing else."""
    backend = getattr(spec, "backend", None) or pulumi.Config().get("backend")
    if not backend:
        known = sorted(registry.BACKENDS)
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
    return backend, name, getattr(spec, "stage", "dev")


def _echo(value: Any, withheld: frozenset[str], path: str = "") -> Any:
    """Echo the arguments for the engine to record: other components by their names, of secrets only that they are."""
    if path in withheld:
        return sorted(value) if isinstance(value, Mapping) else "[withheld]"
    if isinstance(value, FeatureView):
        return f"{value.group.name}.{value.tier}"
    if ref := ref_of(value):
        version = getattr(ref, "version", None)
        return f"{ref.name}:{version}" if version else ref.name
    if isinstance(value, Mapping):
        return {key: _echo(item, withheld, f"{path}.{key}" if path else key) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_echo(item, withheld, path) for item in value]
    return value
