"""Write the pages of docs/ that are made out of the code: nouns, updates, capabilities, and the README's matrix.

Run ``python tools/generate_docs.py``; ``--check`` only says which files are not what it would write.
"""

import importlib
import inspect
import json
import re
import sys
import textwrap
import tomllib
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_origin

import aws_rights
import generate_interface
import policy_rules
from annotated_types import Ge, Gt, Le, Lt, MaxLen, MinLen
from pydantic.fields import FieldInfo

from pulumi_mlops import backends
from pulumi_mlops.backends.kubernetes.operators import OPERATORS
from pulumi_mlops.core import capabilities, matrix, registry
from pulumi_mlops.core.component import Component, output_names
from pulumi_mlops.core.inputs import Spec
from pulumi_mlops.core.naming import snake

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
NOTE = "<!-- Written by tools/generate_docs.py; do not edit. -->\n"
WIDTH = 120
NOUNS = {kind.__name__: kind for kind in generate_interface.nouns()}
LIMITS: dict[type, str] = {
    Ge: "at least {.ge}",
    Gt: "above {.gt}",
    Le: "at most {.le}",
    Lt: "below {.lt}",
    MinLen: "at least {.min_length} long",
    MaxLen: "at most {.max_length} long",
}

TITLES = {name: importlib.import_module(f"pulumi_mlops.backends.{name}.notes").TITLE for name in backends.ENTRIES}


def tables(folder: str) -> dict[str, dict[str, Any]]:
    """Read what docs/<folder>/<backend>.toml say, by the title of the backend."""
    return {title: tomllib.loads((DOCS / folder / f"{name}.toml").read_text()) for name, title in TITLES.items()}


UPDATES, NATIVE = tables("updates"), tables("native")
EFFECTS: dict[str, dict[str, str]] = {title: table.pop("effects") for title, table in UPDATES.items()}


def specs() -> dict[str, type[Spec]]:
    """Return every spec by its public name, without the ``Args`` of a noun's own."""
    return {name.removesuffix("Args"): spec for name, spec in generate_interface.specs().items()}


def plain(text: str) -> str:
    """Turn a docstring's marks into Markdown."""
    text = re.sub(r":(?:meth|attr|class):`~?([^`]+)`", r"`\1`", text).replace("``", "`")
    return re.sub(r"(?<![<(])(https?://[^\s<>]+?)(?=[.,;)]*(\s|$))", r"<\1>", text)


def cell(text: str) -> str:
    """Fit a text into a cell of a table."""
    return " ".join(plain(text).split()).replace("|", "\\|")


def table(head: list[str], rows: list[list[str]]) -> str:
    """Lay out a table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def doc_of(thing: object) -> tuple[str, list[tuple[str, str]]]:
    """Split a docstring into its text and its ``:raises X: why`` lines."""
    text = inspect.getdoc(thing) or ""
    raises = re.findall(r"^:raises (\w+): (.*)$", text, flags=re.MULTILINE)
    return plain(re.sub(r"^:.*$\n?", "", text, flags=re.MULTILINE)).strip(), raises


def prose(*sentences: str) -> str:
    """Lay out a paragraph."""
    return textwrap.fill(" ".join(sentences), WIDTH, break_long_words=False, break_on_hyphens=False) + "\n"


def bounds(hint: Any) -> list[str]:
    """Say the limits that a field's type carries."""
    declared = [item for item in getattr(hint, "__metadata__", ()) if isinstance(item, FieldInfo)]
    limits = [limit for item in declared for limit in item.metadata]
    said = [LIMITS[type(limit)].format(limit) for limit in limits if type(limit) in LIMITS]
    if get_origin(hint) in (list, dict):
        return said
    inner = [arm for arm in typing.get_args(hint) if arm is not type(None)]
    return said + [found for arm in inner[:1] for found in bounds(arm)]


def default(field: FieldInfo) -> str:
    """Render a default as a user would write it."""
    if field.is_required():
        return "required"
    if field.default_factory:
        return "as said there"
    value = field.default
    if isinstance(value, Spec):
        value = value.model_dump(exclude_unset=True)
    if isinstance(value, list):
        value = [one.model_dump(exclude_unset=True) if isinstance(one, Spec) else one for one in value]
    return f"`{json.dumps(value, ensure_ascii=False)}`" if isinstance(value, str | dict | list) else f"`{value}`"


def nested(spec: type[Spec]) -> list[type[Spec]]:
    """List the specs inside a spec, outermost first, each once."""
    found: list[type[Spec]] = []
    for hint in generate_interface.hints(spec).values():
        for inner in generate_interface.specs_in(hint):
            found += [one for one in (inner, *nested(inner)) if one not in found]
    return list(dict.fromkeys(found))


def arguments(name: str, spec: type[Spec], tables: Mapping[str, dict[str, Any]] = UPDATES) -> str:
    """Lay out the arguments of a spec, with what changing each one does.

    :param tables: what they say of changes, by the title of the backend; none for what nothing is made of.
    """
    hints, said, rows = generate_interface.hints(spec), generate_interface.described_whole(spec), []
    for key, field in spec.model_fields.items():
        limits = ", ".join(bounds(hints[key]))
        kind = generate_interface.written(hints[key])
        rows.append(
            [
                f"`{key}`",
                f"`{kind}`".replace("|", "\\|") + (f", {limits}" if limits else ""),
                default(field),
                cell(generate_interface.noted(spec, key, said[key])),
                *(", ".join(changes[name][key][:-1]) for changes in tables.values()),
            ]
        )
    heads = [f"a change on {title}" for title in tables]
    return table(["argument", "type", "default", "meaning", *heads], rows)


def outputs(component: type[Component[Any, Any]]) -> list[list[str]]:
    """List the outputs of a component: annotation and the docstring under it."""
    said = generate_interface.described_whole(component)
    return [[f"`{key}`", cell(generate_interface.noted(component, key, said[key]))] for key in output_names(component)]


def methods(component: type[Component[Any, Any]]) -> list[list[str]]:
    """List the public methods and properties of a component."""
    rows = []
    shared = {key: vars(Component)[key] for key in ("from_stack", "load")}
    for key, member in {**vars(component), **shared}.items():
        function = member.__func__ if isinstance(member, staticmethod | classmethod) else member
        if key.startswith("_") or not (inspect.isfunction(function) or isinstance(member, property)):
            continue
        if isinstance(member, property):
            rows.append([f"`.{key}`", cell(inspect.getdoc(member) or "")])
            continue
        given = [
            str(parameter.replace(annotation=inspect.Parameter.empty)).replace("'", '"')
            for parameter in inspect.signature(function).parameters.values()
            if parameter.name not in ("self", "cls")
        ]
        keywords = any(
            parameter.kind is parameter.KEYWORD_ONLY for parameter in inspect.signature(function).parameters.values()
        )
        owner = component.__name__ if isinstance(member, staticmethod | classmethod) else ""
        rows.append([f"`{owner}.{key}({'*, ' * keywords}{', '.join(given)})`", cell(inspect.getdoc(function) or "")])
    return rows


def noun_page(noun: str) -> str:
    """Write the page of one noun."""
    component = NOUNS[noun]
    spec = component.spec_type
    text, raises = doc_of(component)
    general = [
        ("InvalidArgs", "an argument is wrong; every problem is listed and nothing is registered."),
        ("Unsupported", "the backend cannot do this, or not together; the message names the nearest thing."),
    ]
    errors = list((dict(general) | dict(raises)).items())
    renamed = " ".join(f"On {title}: {', '.join(changes[noun]['name'][:-1])}." for title, changes in UPDATES.items())
    on_backends = [
        prose(f"On {name}: {said[noun]}") for name, said in generate_interface.backend_notes().items() if noun in said
    ]
    parts = [
        f"# {noun}\n",
        NOTE,
        text,
        *("\n" + plain(said) for said in on_backends),
        "\n## Arguments\n",
        prose(
            f"`mlops.{noun}(name, opts=None, **arguments)`.",
            "`name` is lower-case letters, digits and hyphens, at most 40, and part of every physical name.",
            f"Changing it: {renamed}",
            "What the words of the last columns mean, and what happens, is in",
            f"[updates](../updates.md#{noun.lower()}).",
        ),
        arguments(noun, spec),
    ]
    for inner in nested(spec):
        name = generate_interface.title(inner)
        parts += [f"\n### {name}\n", f"{doc_of(inner)[0]}\n", arguments(name, inner)]
    refs = ["`ref`", "The facts for other components; `ref.export()` for other stacks."]
    parts += [
        "\n## Outputs\n",
        table(["output", "meaning"], [*outputs(component), refs]),
    ]
    if rows := methods(component):
        parts += ["\n## Methods\n", table(["method", "meaning"], rows)]
    if component.existing_type:
        parts += ["\n## One that exists already\n", *existing(noun, component.existing_type)]
    for title, resources in NATIVE.items():
        if noun not in resources:  # the backend does not have it
            continue
        native = [[f"`{key}`", cell(meaning)] for key, meaning in resources[noun].items()]
        parts += [
            f"\n## Native resources on {title}\n",
            table([f"`{snake(noun)}.native[…]`", "resource"], native),
        ]
    parts += ["\n## Errors\n", table(["error", "when"], [[f"`{name}`", cell(why)] for name, why in errors])]
    return "\n".join(parts) + "\n"


def existing(noun: str, spec: type[Spec]) -> list[str]:
    """Say what is said of one that exists already, and what each backend takes it to be."""
    name = generate_interface.title(spec)
    found = [
        prose(f"On {title}: {said[key]}")
        for title, said in generate_interface.backend_notes().items()
        if (key := f"{noun}.existing") in said
    ]
    return [
        prose(
            f"`mlops.{noun}.existing(name, **arguments)` returns the ref of one that no program of ours made.",
            "`name` is what the program calls it. Nothing is registered, so it is never changed or deleted.",
        ),
        *(plain(said) for said in found),
        arguments(name, spec, {}),
    ]


def updates_page() -> str:
    """Write the table of what each change does."""
    found = specs()
    words = dict.fromkeys(word for meanings in EFFECTS.values() for word in meanings)
    parts = [
        "# What a change does\n",
        NOTE,
        "For each argument of each noun: is the change made in place, does it replace something, or is it refused?\n",
        table(
            ["word", *(f"on {title}" for title in EFFECTS)],
            [[f"**{word}**", *(meanings.get(word, "-") for meanings in EFFECTS.values())] for word in words],
        ),
        "",
        prose(
            "In stage `prod` what holds data is protected: an `up` that would replace or delete it fails before it",
            "touches it. See [recovery](recovery.md).",
            "What shows in the resources' inputs is tested: `tests/examples/test_updates.py` makes each change and",
            "judges it by the provider's rules.",
        ),
    ]
    for noun, kind in NOUNS.items():
        spec = kind.spec_type
        parts += [f"\n## {noun}\n", f"Arguments: [{noun}](nouns/{snake(noun, '-')}.md).\n"]
        rows = [["`name`", *effects(noun, "name")]]
        rows += list(change_rows("", noun, spec, found))
        parts.append(table(["argument", *UPDATES], rows))
    return "\n".join(parts) + "\n"


def effects(name: str, key: str) -> list[str]:
    """Return the cells that say what a change of a field does, one for each backend."""
    return [
        f"**{', '.join(entry[:-1])}**: {cell(entry[-1])}" for entry in (table[name][key] for table in UPDATES.values())
    ]


def change_rows(prefix: str, name: str, spec: type[Spec], found: Mapping[str, type[Spec]]) -> Iterator[list[str]]:
    """List a spec's fields, and under each the fields of the specs in it."""
    hints = generate_interface.hints(spec)
    for key in spec.model_fields:
        yield [f"`{prefix}{key}`", *effects(name, key)]
        many = {list: "[]", dict: ".<name>"}.get(container(hints[key]), "")
        for inner in generate_interface.specs_in(hints[key]):
            if prefix and inner.__name__ in ("Compute", "ModelFiles"):
                continue  # said once, at the top
            yield from change_rows(f"{prefix}{key}{many}.", generate_interface.title(inner), inner, found)


def container(hint: Any) -> Any:
    """Return the container of a field, under its annotations."""
    return container(typing.get_args(hint)[0]) if hasattr(hint, "__metadata__") else get_origin(hint)


def note(entry: capabilities.Entry) -> str:
    """Say why, and what instead."""
    reason = entry.reason and entry.reason.rstrip(".") + "."
    instead = f"Instead: {entry.instead.rstrip('.')}." if entry.instead else ""
    return cell(f"{reason} {instead}")


def told(entry: capabilities.Entry) -> bool:
    """Whether an entry says more than its level; what is not offered says it by being absent."""
    return entry != capabilities.NOT_OFFERED and bool(entry.instead or entry.reason)


def capabilities_page() -> str:
    """Write the whole matrix with its reasons."""
    names = [*registry.ours("backends"), *registry.ours("engines")]
    rows = list(matrix.matrix(names))
    parts = [
        "# Capabilities\n",
        NOTE,
        prose(
            "What each backend can do, and each engine of the nouns that it has. `native`: the cloud has it.",
            "`emulated`: the library does it with other means.",
            "`lossy`: something is lost, and a warning at preview says so. `absent`: `Unsupported` is raised before",
            "anything is registered. `.venv/bin/pulumi-mlops matrix` prints the same.",
        ),
    ]
    for title, combined in (("One by one", False), ("Together", True)):
        cells = [
            [
                f"`{row.capability}`",
                *(row.cells[name].level if name in row.cells else "" for name in names),
                " ".join(f"**{name}**: {note(entry)}" for name, entry in row.cells.items() if told(entry)),
            ]
            for row in rows
            if (" + " in row.capability) is combined
        ]
        parts += [f"## {title}\n", table(["capability", *names, "reason"], cells), ""]
    return "\n".join(parts)


def summary() -> str:
    """Write the README's matrix: a noun a row, and whatever is not native in words."""
    backends = list(registry.ours("backends"))
    found = list(matrix.matrix(backends))
    rows = [row for row in found if " + " not in row.capability]
    combined = len(found) - len(rows)
    nouns: dict[str, list[matrix.Row]] = {}
    for row in rows:
        nouns.setdefault(row.capability.partition(".")[0], []).append(row)
    lines = []
    for name in NOUNS:
        noun, cells = snake(name), []
        for backend in backends:
            short = {row.capability.removeprefix(noun).lstrip("."): row.cells[backend] for row in nouns[noun]}
            by_level: dict[str, list[str]] = {}
            for part, entry in short.items():
                by_level.setdefault(entry.level, []).extend([part] if part else [])
            native = ", ".join(by_level.pop("native", [])) or short[""].level
            cells.append(
                "; ".join([native, *(f"**{level}**: {', '.join(found)}" for level, found in by_level.items() if found)])
            )
        by = [f"`{engine}`" for engine in registry.ours("engines") if name in registry.load(engine).tasks]
        lines.append([f"`{noun}`", *cells, ", ".join(by)])
    said = prose(
        "Native unless marked.",
        f"{combined} combinations have entries of their own, such as canary with serverless on AWS (absent):",
        "all of it, with reasons and what to write instead, is in [capabilities](docs/capabilities.md).",
    )
    return f"{table(['noun', *backends, 'engines on any'], lines)}\n\n{said}"


def operators_table() -> str:
    """List what a cluster must have: project, version, purpose, and the lines that install it."""
    rows = [
        [
            f"`{short}`",
            f"{of.title} {of.version}",
            of.purpose,
            cell("; ".join(f"`{chart.name}` {chart.version}" for chart in of.charts)),
        ]
        for short, of in OPERATORS.items()
    ]
    return table(["addon", "project, from version", "which", "charts"], rows) + "\n"


def aws_rights_table() -> str:
    """List what each grant lets a role do on AWS."""
    rows = [[words, *(cell(f"`{part}`" if part else "") for part in parts)] for words, *parts in aws_rights.rows()]
    return table(["for", "actions", "resources", "only where"], rows) + "\n"


def between(page: Path, name: str, text: str) -> str:
    """Put a text between two marks of a page that is written by hand."""
    start, end = f"<!-- {name}:start (tools/generate_docs.py) -->", f"<!-- {name}:end -->"
    before, _, rest = page.read_text().partition(start)
    _, _, after = rest.partition(end)
    return f"{before}{start}\n{text}{end}{after}"


def pages() -> dict[Path, str]:
    """Render every page."""
    readme, cluster = ROOT / "README.md", DOCS / "kubernetes.md"
    made = {DOCS / "nouns" / f"{snake(noun, '-')}.md": noun_page(noun) for noun in NOUNS}
    return made | {
        DOCS / "updates.md": updates_page(),
        DOCS / "capabilities.md": capabilities_page(),
        DOCS / "policies" / "rules.md": policy_rules.page(NOTE, table),
        readme: between(readme, "matrix", summary()),
        cluster: between(cluster, "operators", operators_table()),
        DOCS / "security.md": between(DOCS / "security.md", "aws-rights", aws_rights_table()),
    }


def main() -> int:
    """Write the pages, or with ``--check`` compare them."""
    out_of_date = {path: text for path, text in pages().items() if not path.is_file() or path.read_text() != text}
    if "--check" in sys.argv:
        for path in out_of_date:
            print(f"{path.relative_to(ROOT)} is out of date; run: make docs", file=sys.stderr)  # noqa: T201 (a tool)
        return 1 if out_of_date else 0
    for path, text in out_of_date.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
