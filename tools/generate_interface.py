"""Write the public surface out of the specs: ``pulumi_mlops/__init__.py`` and the TypedDicts in ``pulumi_mlops/args/``.

Run ``python tools/generate_interface.py``; ``--check`` only says whether the files are what it would write.
"""

import ast
import importlib
import inspect
import itertools
import pkgutil
import re
import subprocess
import sys
import textwrap
import types
import typing
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

PACKAGE = Path(__file__).parents[1] / "src" / "pulumi_mlops"
CLASSES = ("components", "core", "steps")


class _StandIn(types.ModuleType):
    """Components import the very modules that are written here: it stands for them while they are out of date."""

    def __getattr__(self, name: str) -> Any:
        if name.endswith("Args"):
            return types.new_class(name)
        raise AttributeError(name)


for source in [path for folder in CLASSES for path in (PACKAGE / folder).glob("*.py")]:
    sys.modules[f"pulumi_mlops.args.{source.stem}"] = _StandIn(f"pulumi_mlops.args.{source.stem}")

from pulumi_mlops import backends, components, core, steps  # noqa: E402 (after the stand-ins)
from pulumi_mlops.clients.client import Client, client  # noqa: E402
from pulumi_mlops.clients.lineage import Lineage  # noqa: E402
from pulumi_mlops.clients.picture import Picture  # noqa: E402
from pulumi_mlops.clients.results import (  # noqa: E402
    Decision,
    Prediction,
    RegisteredVersion,
    Report,
    RollBack,
    Signal,
    Written,
)
from pulumi_mlops.clients.runs import Run, StepState  # noqa: E402
from pulumi_mlops.core import errors, inputs  # noqa: E402
from pulumi_mlops.core.component import Component  # noqa: E402
from pulumi_mlops.core.inputs import Spec  # noqa: E402
from pulumi_mlops.core.refs import Given, HubRef, Ref  # noqa: E402
from pulumi_mlops.steps.step import Step, parameter  # noqa: E402

RESULTS = (Decision, Prediction, RegisteredVersion, Report, RollBack, Signal, Written)
"""What the client answers with."""

HEAD = '''"""What {what} accepts, as editors and type checkers see it.

Written by tools/generate_interface.py out of the spec; do not edit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Required, TypeAlias, TypedDict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pulumi import Input

{imports}

__all__ = {names}


{body}
'''

FACE = '''"""Pulumi components for MLOps platforms: one typed interface, several clouds.

    import pulumi_mlops as mlops

    platform = mlops.Platform("churn", backend="…")

Every public name is here. A name's module is loaded when it is first used, and a cloud's SDK when a platform
names its backend, so that importing this package costs what importing pulumi costs.
Written by tools/generate_interface.py; do not edit.
"""

import importlib
from typing import TYPE_CHECKING, Any

from pulumi_mlops.core.loading import collecting_later

if TYPE_CHECKING:
{imports}

_HOMES = {homes}
_MODULE_OF = {{name: f"{{__name__}}.{{module}}" for module, names in _HOMES.items() for name in names}}

__all__ = {names}


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used."""
    if name not in _MODULE_OF:
        raise AttributeError(f"module {{__name__!r}} has no attribute {{name!r}}")
    with collecting_later():
        value = getattr(importlib.import_module(_MODULE_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names."""
    return __all__
'''


def backend_notes() -> dict[str, dict[str, str]]:
    """Return the notes of each backend by its title."""
    modules = [importlib.import_module(f"{backends.__name__}.{name}.notes") for name in backends.ENTRIES]
    return {module.TITLE: module.NOTES for module in modules}


def modules() -> list[types.ModuleType]:
    """Import every module that can hold a spec, nouns last."""
    return [
        importlib.import_module(f"{package.__name__}.{module.name}")
        for package in (core, components, steps)
        for module in pkgutil.iter_modules(package.__path__)
    ]


def nouns() -> list[type[Component[Any, Any]]]:
    """List the nouns in the order in which a program uses them: whatever a noun stands on comes before it."""
    found = {
        kind.__name__: kind
        for module in modules()
        for _, kind in inspect.getmembers(module, inspect.isclass)
        if issubclass(kind, Component) and "spec_type" in kind.__dict__
    }
    order: list[type[Component[Any, Any]]] = []

    def visit(kind: type[Component[Any, Any]]) -> None:
        for ref in refs_in(kind.spec_type):
            if (below := found.get(ref.removesuffix("Ref"))) and below is not kind:
                visit(below)
        if kind not in order:
            order.append(kind)

    for kind in found.values():
        visit(kind)
    return order


def refs_in(spec: type[Spec]) -> list[str]:
    """Name the kinds of refs that a spec's own fields take."""
    text = " ".join(written(hint) for hint in hints(spec).values())
    return [name for kind in kinds() if f"Has[{(name := kind.__name__)}]" in text]


def kinds() -> list[type[Ref]]:
    """List every kind of ref."""

    def below(kind: type[Ref]) -> list[type[Ref]]:
        return [found for one in kind.__subclasses__() for found in [one, *below(one)]]

    return [kind for kind in below(Ref) if kind is not HubRef]


def specs() -> dict[str, type[Spec]]:
    """Find every spec that a component can be given, by the name of its TypedDict."""
    found: dict[str, type[Spec]] = {}

    def visit(spec: type[Spec]) -> None:
        for annotation in hints(spec).values():
            for inner in specs_in(annotation):
                visit(inner)
        found.setdefault(title(spec), spec)

    for kind in nouns():
        visit(kind.spec_type)
        if kind.existing_type:
            visit(kind.existing_type)
    for step in step_kinds():
        visit(step)
    return dict(sorted(found.items()))


def step_kinds() -> list[type[Step]]:
    """List the kinds of steps, for each of which there is a function of its kind's name.

    Those whose command is the library's own are made by nouns, and have none.
    """
    return [
        kind
        for module in modules()
        for _, kind in inspect.getmembers(module, inspect.isclass)
        if kind.__module__ == module.__name__ and issubclass(kind, Step) and "kind" in kind.__dict__
        if not getattr(kind, "programs", ())
    ]


def hints(spec: type[Spec]) -> dict[str, Any]:
    """Return the type of each field as it is written."""
    found = typing.get_type_hints(spec, include_extras=True)
    apart = spec.positional if issubclass(spec, Step) else ()
    return {key: found[key] for key in spec.model_fields if key not in apart}


def specs_in(annotation: Any) -> list[type[Spec]]:
    """List the specs inside a type."""
    if isinstance(annotation, type) and issubclass(annotation, Spec):
        return [annotation]
    if any(isinstance(item, Given) for item in getattr(annotation, "__metadata__", ())):
        return []  # an object of the library, not arguments
    return [spec for arm in get_args(annotation) for spec in specs_in(arm)]


def title(spec: type) -> str:
    """Return the name of a spec's TypedDict."""
    if issubclass(spec, Step):
        return spec.__name__.removesuffix("Step") + "Args"
    return spec.__name__.removesuffix("Spec") + "Args" if spec.__name__.endswith("Spec") else spec.__name__


def written(annotation: Any) -> str:  # noqa: PLR0911 (one return a kind of type)
    """Render a type as a user may give it."""
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is typing.Annotated:
        metadata = annotation.__metadata__
        if any(isinstance(item, inputs._Deferrable) for item in metadata):  # noqa: SLF001 (the marker of In)
            plain = [
                arm for arm in get_args(args[0]) if get_origin(arm) is None or get_origin(arm).__module__ == "builtins"
            ]
            return f"Input[{' | '.join(written(arm) for arm in plain)}]"
        if not any(isinstance(item, Given) for item in metadata):
            return written(args[0])
        kinds = get_args(args[0]) if isinstance(args[0], types.UnionType) else [args[0]]
        return " | ".join(_object(kind) for kind in kinds)
    if origin in (Union, types.UnionType):
        return " | ".join(dict.fromkeys(written(arm) for arm in args))
    if origin is Literal:
        return f"Literal[{', '.join(repr(arm).replace(chr(39), chr(34)) for arm in args)}]"
    if origin is list:
        return f"Sequence[{written(args[0])}]"
    if origin is dict:
        return f"Mapping[{written(args[0])}, {written(args[1])}]"
    if annotation is type(None):
        return "None"
    if isinstance(annotation, type) and issubclass(annotation, Spec):
        return title(annotation)
    return _object(annotation)


def _object(kind: Any) -> str:
    if arms := get_args(kind):
        return " | ".join(map(_object, arms))
    return f"Has[{kind.__name__}]" if issubclass(kind, Ref) else str(kind.__name__)


def described(kind: type) -> dict[str, str]:
    """Read the docstring under each annotated name of a class."""
    (parsed,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    notes: dict[str, str] = {}
    for field, note in itertools.pairwise(parsed.body if isinstance(parsed, ast.ClassDef) else []):
        match field, note:
            case ast.AnnAssign(target=ast.Name(id=key)), ast.Expr(value=ast.Constant(value=str(text))):
                notes[key] = inspect.cleandoc(text)
    return notes


def described_whole(kind: type) -> dict[str, str]:
    """Read the docstrings under the names of a class and of those that it extends."""
    bases = [base for base in reversed(kind.__mro__) if issubclass(base, Spec | Component)]
    return {key: note for base in bases for key, note in described(base).items()}


def noted(kind: type, key: str, text: str) -> str:
    """Add what each backend says of an argument or an output."""
    wanted = f"{title(kind).removesuffix('Args')}.{key}"
    said = [f"On {name}: {notes[wanted]}" for name, notes in backend_notes().items() if wanted in notes]
    return " ".join([text, *said])


def wrapped(text: str) -> str:
    """Lay out a docstring under a field."""
    return textwrap.fill(f'"""{text}"""', 116, break_long_words=False, break_on_hyphens=False)


def forms(name: str, spec: type[Spec]) -> dict[str, str]:
    """Name the forms of a spec whose fields exclude each other, a TypedDict each, by the field that each has.

    A noun's own arguments have one form: keywords cannot be one of several TypedDicts, and with overloads mypy tells
    every mistake in any argument as one of the whole call.
    """
    nouns_own = issubclass(spec, Step) or any(spec in (kind.spec_type, kind.existing_type) for kind in nouns())
    return {} if spec.one_of is None or nouns_own else {key: f"{name}With{camel(key)}" for key in spec.one_of.fields}


def camel(key: str) -> str:
    """Write a field as part of a class's name."""
    return "".join(word.capitalize() for word in key.split("_"))


def document(name: str, spec: type[Spec]) -> str:
    """Render one spec: a TypedDict, or one for each form of it."""
    apart = forms(name, spec)
    if not apart:
        return typed_dict(name, spec, list(hints(spec)))
    shared = [key for key in spec.model_fields if key not in apart]
    base = f"_{name}" if shared else "TypedDict"
    parts = [typed_dict(base, spec, shared)] if shared else []
    parts += [typed_dict(form, spec, [key], base=base) for key, form in apart.items()]
    parts.append(f"{name}: TypeAlias = {' | '.join(apart.values())}\n{wrapped(flat(inspect.getdoc(spec) or ''))}")
    return "\n\n\n".join(parts)


def typed_dict(name: str, spec: type[Spec], keys: list[str], base: str = "TypedDict") -> str:
    """Render one TypedDict."""
    said = textwrap.indent(wrapped(flat(inspect.getdoc(spec) or "")), "    ")
    lines = [f"class {name}({base}, total=False):", said, ""]
    kinds_of = hints(spec)
    notes = described_whole(spec)
    for key in keys:
        kind = written(kinds_of[key])
        needed = spec.model_fields[key].is_required()
        if spec.one_of and key in spec.one_of.fields and not spec.one_of.optional and forms(name, spec):
            kind, needed = kind.removesuffix(" | None"), True
        lines.append(f"    {key}: {f'Required[{kind}]' if needed else kind}")
        lines.append(textwrap.indent(wrapped(flat(noted(spec, key, notes[key]))), "    "))
    return "\n".join(lines)


def flat(text: str) -> str:
    """Write a text in one line."""
    return " ".join(text.split())


def formatted(text: str, target: Path) -> str:
    """Format a module."""
    fixed = subprocess.run(  # noqa: S603 (our own words)
        [
            sys.executable,
            "-m",
            "ruff",
            "check",
            "--fix-only",
            "--quiet",
            "--select",
            "I,F401,TC005",
            "-",
            "--stdin-filename",
            str(target),
        ],
        input=text,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return subprocess.run(  # noqa: S603 (as above)
        [sys.executable, "-m", "ruff", "format", "--stdin-filename", str(target), "-"],
        input=fixed,
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def home(kind: Any) -> str:
    """Return the module of a class or function within the package."""
    return kind.__module__.removeprefix("pulumi_mlops.")


def args_modules() -> dict[Path, str]:
    """Render the modules of TypedDicts, one for each module that has specs."""
    groups: dict[str, dict[str, type[Spec]]] = {}
    for name, spec in specs().items():
        groups.setdefault(home(spec).rpartition(".")[2], {})[name] = spec
    objects = {kind.__name__: kind for kind in [*kinds(), *views()]}
    objects["Has"] = typing.cast("type", types.SimpleNamespace(__module__="pulumi_mlops.core.refs"))
    texts = {}
    for module, members in groups.items():
        body = "\n\n\n".join(document(name, spec) for name, spec in members.items())
        words = {name for name, kind in objects.items() if re.search(rf"(?<![\w.`]){name}(?=[\[\] ,\n])", body)}
        others = {name: other for other, found in groups.items() if other != module for name in found}
        lines = [f"    from {objects[name].__module__} import {name}" for name in sorted(words)]
        lines += [f"    from pulumi_mlops.args.{other} import {name}" for name, other in others.items()]
        target = PACKAGE / "args" / f"{module}.py"
        what = next((kind.__name__ for kind in nouns() if kind.spec_type in members.values()), module)
        texts[target] = formatted(
            HEAD.format(what=what, imports="\n".join(lines), names=exported(members), body=body), target
        )
    return texts


def exported(members: dict[str, type[Spec]]) -> list[str]:
    """Name what a module of TypedDicts has for others."""
    return sorted(found for name, spec in members.items() for found in (name, *forms(name, spec).values()))


def views() -> list[type]:
    """List the public classes that stand for a part of a ref, such as FeatureView."""
    return [
        kind
        for module in modules()
        for _, kind in inspect.getmembers(module, inspect.isclass)
        if kind.__module__ == module.__name__ and "advice" in kind.__dict__ and not issubclass(kind, Ref)
    ]


def face() -> str:
    """Render the package's own module."""
    homes: dict[str, list[str]] = {}
    for kind in [*nouns(), *views(), *kinds()]:
        homes.setdefault(home(kind), []).append(kind.__name__)
    homes["core.errors"] = sorted(
        name for name, kind in inspect.getmembers(errors, inspect.isclass) if kind.__module__ == errors.__name__
    )
    for name, spec in specs().items():
        homes.setdefault("args." + home(spec).rpartition(".")[2], []).extend([name, *forms(name, spec).values()])
    for step in step_kinds():
        homes.setdefault(home(step), []).extend([step.__name__, step.kind])
    homes.setdefault(home(Step), []).append(parameter.__name__)
    for public in (client, Client, Lineage, Picture, Run, StepState, *RESULTS):
        homes.setdefault(home(public), []).append(public.__name__)
    homes = {module: sorted(names) for module, names in sorted(homes.items())}
    imports = "\n".join(f"    from pulumi_mlops.{module} import {', '.join(names)}" for module, names in homes.items())
    names = sorted(name for found in homes.values() for name in found)
    return formatted(FACE.format(imports=imports, homes=homes, names=names), PACKAGE / "__init__.py")


def files() -> dict[Path, str]:
    """Render everything."""
    head = '"""What each component accepts, one module a noun; written by tools/generate_interface.py."""\n'
    return {PACKAGE / "args" / "__init__.py": head, **args_modules(), PACKAGE / "__init__.py": face()}


def main() -> int:
    """Write the files, or with ``--check`` compare them."""
    wanted = files()
    stale = [path for path in (PACKAGE / "args").glob("*.py") if path not in wanted]
    if "--check" in sys.argv:
        return 1 if stale or any(not path.is_file() or path.read_text() != text for path, text in wanted.items()) else 0
    for path in stale:
        path.unlink()
    for path, text in wanted.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
