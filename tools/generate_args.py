"""Write src/pulumi_mlops/args.py, the TypedDicts that editors and type checkers see, out of the specs.

Run ``python tools/generate_args.py``; ``--check`` only says whether the file is what it would write.
"""

import ast
import importlib
import inspect
import itertools
import pkgutil
import subprocess
import sys
import textwrap
import types
import typing
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import InstanceOf

# Components import the very module that is written here: give them names to stand on while it is out of date.
stand_in = types.ModuleType("pulumi_mlops.args")
stand_in.__getattr__ = lambda name: types.new_class(name) if name.endswith("Args") else None  # type: ignore[method-assign]
sys.modules[stand_in.__name__] = stand_in

from pulumi_mlops import components  # noqa: E402 (after the stand-in)
from pulumi_mlops.core import inputs  # noqa: E402
from pulumi_mlops.core.refs import FeatureView, Ref  # noqa: E402

INSTANCE_OF: type = typing.cast("type", InstanceOf)  # checkers read it as Annotated
TARGET = Path(inputs.__file__).parents[1] / "args.py"
HEAD = '''"""What each component accepts, as editors and type checkers see it.

Written by tools/generate_args.py out of the specs in components/; do not edit.
A plain dict and a call mean the same: ``scaling={"min": 1}`` is ``scaling=mlops.Scaling(min=1)``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Required, TypedDict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pulumi import Input

    from pulumi_mlops.core.refs import (
%(refs)s
    )

__all__ = [
%(names)s
]
'''


def specs() -> dict[str, type[inputs.Spec]]:
    """Find every spec that a component can be given, by the name of its TypedDict."""
    found: dict[str, type[inputs.Spec]] = {}

    def visit(spec: type[inputs.Spec]) -> None:
        for annotation in typing.get_type_hints(spec, include_extras=True).values():
            for inner in _inner(annotation):
                visit(inner)
        found.setdefault(title(spec), spec)

    for module in pkgutil.iter_modules(components.__path__):
        loaded = importlib.import_module(f"{components.__name__}.{module.name}")
        for _, spec in inspect.getmembers(loaded, inspect.isclass):
            if issubclass(spec, inputs.Spec) and spec is not inputs.Spec and spec.__module__ == loaded.__name__:
                visit(spec)
    return found


def _inner(annotation: Any) -> list[type[inputs.Spec]]:
    if isinstance(annotation, type) and issubclass(annotation, inputs.Spec):
        return [annotation]
    return [spec for arm in get_args(annotation) for spec in _inner(arm)]


def title(spec: type[inputs.Spec]) -> str:
    """Return the name of a spec's TypedDict."""
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
        if any(type(item) is INSTANCE_OF for item in metadata):
            return "FeatureView" if args[0] is FeatureView else f"Has[{args[0].__name__}]"
        return written(args[0])
    if origin in (Union, types.UnionType):
        return " | ".join(written(arm) for arm in args)
    if origin is Literal:
        return f"Literal[{', '.join(repr(arm).replace(chr(39), chr(34)) for arm in args)}]"
    if origin is list:
        return f"Sequence[{written(args[0])}]"
    if origin is dict:
        return f"Mapping[{written(args[0])}, {written(args[1])}]"
    if annotation is type(None):
        return "None"
    return (
        title(annotation)
        if isinstance(annotation, type) and issubclass(annotation, inputs.Spec)
        else annotation.__name__
    )


def described(spec: type[inputs.Spec]) -> dict[str, str]:
    """Read the docstring under each field of a spec."""
    (parsed,) = ast.parse(textwrap.dedent(inspect.getsource(spec))).body
    notes: dict[str, str] = {}
    for field, note in itertools.pairwise(parsed.body if isinstance(parsed, ast.ClassDef) else []):
        match field, note:
            case ast.AnnAssign(target=ast.Name(id=key)), ast.Expr(value=ast.Constant(value=str(text))):
                notes[key] = inspect.cleandoc(text)
    return notes


def document(name: str, spec: type[inputs.Spec]) -> str:
    """Render one TypedDict."""
    lines = [f"class {name}(TypedDict, total=False):", f'    """{inspect.getdoc(spec)}"""', ""]
    hints = typing.get_type_hints(spec, include_extras=True)
    notes = {
        key: note
        for base in reversed(spec.__mro__)
        if issubclass(base, inputs.Spec)
        for key, note in described(base).items()
    }
    for key, field in spec.model_fields.items():
        kind = written(hints[key])
        lines.append(f"    {key}: {f'Required[{kind}]' if field.is_required() else kind}")
        lines.append(textwrap.indent(f'"""{notes[key]}"""', "    "))
    return "\n".join(lines)


def module() -> str:
    """Render the whole module."""
    found = specs()
    body = "\n\n\n".join(document(name, spec) for name, spec in found.items())
    nouns = [kind.__name__ for kind in Ref.__subclasses__() if f"Has[{kind.__name__}]" in body]
    head = HEAD % {
        "refs": "\n".join(f"        {name}," for name in sorted([*nouns, "FeatureView", "Has"])),
        "names": "\n".join(f'    "{name}",' for name in sorted(found)),
    }
    return subprocess.run(  # noqa: S603 (our own words)
        [sys.executable, "-m", "ruff", "format", "--stdin-filename", str(TARGET), "-"],
        input=f"{head}\n\n{body}\n",
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def main() -> int:
    """Write the file, or with ``--check`` compare it."""
    text = module()
    if "--check" in sys.argv:
        return 0 if TARGET.read_text() == text else 1
    TARGET.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
