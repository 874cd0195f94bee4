"""A stack, as its outputs tell of it: `pulumi` is asked, and what it keeps as a secret stays one."""

import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pulumi_mlops.core import registry
from pulumi_mlops.core.errors import MlopsError, NotFound
from pulumi_mlops.core.inputs import nearest
from pulumi_mlops.core.refs import Ref, kinds

R = TypeVar("R", bound=Ref)
_HIDDEN = "[secret]"
"""What `pulumi` prints in the place of a secret."""


@dataclass(frozen=True)
class Stack:
    """What a stack says of itself."""

    name: str
    outputs: Mapping[str, Any]
    settings: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Its configuration, with which providers go to their clouds."""
    cwd: Path | None = None
    """The folder of its program."""
    asked: bool = False
    """Whether it is a stack of ``pulumi``'s, and not made of what was exported."""

    def recorded(self) -> dict[str, Any]:
        """Return what the engine recorded of its resources; secrets in it are encrypted.

        :raises MlopsError: that cannot be read.
        """
        if not self.asked:
            raise MlopsError("no stack was named, and an export tells of one noun and of what it stands on")
        return _asked(self.name, self.cwd, "stack", "export")

    def refs(self, kind: type[R]) -> dict[str, list[R]]:
        """Find the refs of one kind among its outputs, by the name of the component."""
        found: dict[str, list[R]] = {}
        for data in _exported(self.outputs, kind.noun):
            ref = kind.load(data)
            if ref not in found.setdefault(ref.name, []):
                found[ref.name].append(ref)
        return found

    def find(self, kind: type[R], name: str) -> R:
        """Find a ref by the component's name, or by that of the output that has it.

        :raises NotFound: there is none; the message says what there is.
        """
        noun = kind.noun.replace("_", " ")
        data = self.outputs.get(name)
        if isinstance(data, Mapping) and data.get("noun") == kind.noun:
            return kind.load(data)
        refs = self.refs(kind)
        several = refs.get(name, [])
        if len(several) > 1:
            raise NotFound(
                f"Stack {self.name!r} exports several {noun}s {name!r}; name the output of the one you mean."
            )
        if several:
            return several[0]
        there = f"it exports: {', '.join(sorted(refs))}" if refs else f"it exports no {noun}"
        if name in self._components(kind.__name__.removesuffix("Ref")):
            variable = name.replace("-", "_")
            raise NotFound(
                f"Stack {self.name!r} has {noun} {name!r} and does not export it ({there}); add to its program, and "
                f"run pulumi up: pulumi.export({name!r}, {variable}.ref.export())"
            )
        hidden = sorted(key for key, value in self.outputs.items() if value == _HIDDEN)
        secret = f"; outputs that are secrets were not looked into: {', '.join(hidden)}" if hidden else ""
        raise NotFound(f"Stack {self.name!r} has no {noun} {name!r}{nearest(name, refs)} ({there}{secret}).")

    def _components(self, noun: str) -> list[str]:
        """Name the components of a noun in the stack's state, whether they are exported or not."""
        try:
            state = self.recorded()
        except MlopsError:
            return []  # only a better message is lost
        found = (state.get("deployment") or {}).get("resources") or []
        return [one["urn"].rpartition("::")[2] for one in found if one.get("type") == f"pulumi-mlops:index:{noun}"]


def _exported(value: Any, noun: str) -> Iterator[Mapping[str, Any]]:
    """Yield the exports of one noun; of another ref what it consists of, and not what it stands on."""
    if isinstance(value, Mapping):
        if "schema" in value and "noun" in value:
            if value["noun"] == noun:
                yield value
            parts = kinds()[value["noun"]].parts if value["noun"] in kinds() else ()
            yield from (found for part in parts for found in _exported(value.get(part), noun))
            return
        for inner in value.values():
            yield from _exported(inner, noun)
    elif isinstance(value, list):
        for inner in value:
            yield from _exported(inner, noun)


def read(name: str, cwd: Path | None = None) -> Stack:
    """Ask `pulumi` for the outputs and the configuration of a stack.

    :param cwd: the folder of the program, for a stack that is named without its project.
    """
    outputs = _asked(name, cwd, "stack", "output", "--json")
    return Stack(name, outputs, _settings(name, cwd), cwd, asked=True)


def _settings(name: str, cwd: Path | None) -> dict[str, str]:
    """Read the configuration of providers; secrets only where a provider has one."""
    try:
        found = _asked(name, cwd, "config", "--json")
        if any(one.get("secret") for key, one in found.items() if _of_a_provider(key)):
            found = _asked(name, cwd, "config", "--json", "--show-secrets")
    except MlopsError:
        return {}  # the program is elsewhere: its configuration is in files beside it
    return {
        key: str(one["value"]) for key, one in found.items() if _of_a_provider(key) and one.get("value") is not None
    }


def up(stack: Stack) -> None:
    """Bring a stack up, as its program says."""
    _run(stack.name, stack.cwd, "up", "--yes", "--skip-preview")


def _of_a_provider(key: str) -> bool:
    packages = {package for entry in registry.backends().values() for package in entry.packages}
    return f"pulumi_{key.partition(':')[0].replace('-', '_')}" in packages


def _asked(name: str, cwd: Path | None, *words: str) -> dict[str, Any]:
    printed = _run(name, cwd, *words)
    try:
        found: Any = json.loads(printed or "{}")
    except ValueError:
        raise MlopsError(f"`pulumi {' '.join(words)} --stack {name}` printed no JSON.") from None
    return found if isinstance(found, dict) else {}


def _run(name: str, cwd: Path | None, *words: str) -> str:
    """Run `pulumi`, and return what it printed."""
    program = shutil.which("pulumi")
    if program is None:
        raise MlopsError("There is no `pulumi` on the PATH; install it, or name its folder in PATH.")
    done = subprocess.run(  # noqa: S603 (Pulumi's own command)
        [program, *words, "--stack", name, "--non-interactive", "--color", "never"],
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        # An update tells its progress, and in between what went wrong.
        wrong = [line for line in f"{done.stdout}\n{done.stderr}".splitlines() if "error: " in line]
        said = " ".join(" ".join(wrong or [done.stderr or done.stdout]).split()).removeprefix("error: ")
        raise MlopsError(f"`pulumi {' '.join(words)} --stack {name}` failed: {said or 'it says nothing'}")
    return done.stdout
