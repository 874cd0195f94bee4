"""Takes the types that the sandbox judges by out of Microsoft's Bicep types, as a Go module carries them.

The whole is 240 MB; what is reached from the wanted resources, without descriptions, is half a megabyte.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pulumi_mlops_sandbox import building
from pulumi_mlops_sandbox.azure.types import wanted
from pulumi_mlops_sandbox.azure.types.wanted import FOLDER, MODULE, VERSION, WANTED
from pulumi_mlops_sandbox.building import IDENTITY
from pulumi_mlops_sandbox.errors import SandboxError
from pulumi_mlops_sandbox.progress import step

WHAT = "the types of Azure's resources"
FILE = "types.json"


def ensure() -> Path:
    """Find the extracted types in the cache, or extract them. Safe to interrupt; two at once wait for each other."""
    name = f"azure-types-{VERSION}"
    identity = building.digest(Path(__file__), Path(wanted.__file__))
    made = building.once(name, WHAT, lambda: building.made_of(name, identity), lambda work: _make(work, identity))
    return made / FILE


def _make(work: Path, identity: str) -> None:
    target = work / "product"
    target.mkdir()
    with step(f"Fetching {WHAT} from {MODULE} v{VERSION} (once)") as progress:
        folder = building.module(MODULE, VERSION, work, progress, what=WHAT) / FOLDER
        extracted = extract(folder, progress.update)
    (target / FILE).write_text(json.dumps(extracted, separators=(",", ":")))
    (target / IDENTITY).write_text(identity)


def extract(folder: Path, told: Callable[[str], None]) -> dict[str, Any]:
    """Follow everything from the wanted resources: ``{"types": […], "index": {type in lower case: number}}``."""
    known = {
        key.lower(): found["$ref"]
        for key, found in json.loads((folder / "index.json").read_text())["resources"].items()
    }
    places: dict[str, list[tuple[str, int]]] = {}
    for kind, version in WANTED.items():
        place = known.get(f"{kind}@{version}".lower())
        if place is None:
            raise SandboxError(f"{MODULE} v{VERSION} has no {kind}@{version}.")
        path, _, number = place.partition("#/")
        places.setdefault(path, []).append((kind, int(number)))
    types: list[dict[str, Any]] = []
    index: dict[str, int] = {}
    for done, (path, wanted_here) in enumerate(sorted(places.items())):
        told(f"{done} of {len(places)} files")
        taken = _Taken(json.loads((folder / path).read_text()), types)
        for kind, number in wanted_here:
            index[kind.lower()] = taken.take(taken.source[number]["body"]["$ref"])
    return {"types": types, "index": index}


class _Taken:
    """What was taken from one file so far."""

    def __init__(self, source: list[dict[str, Any]], types: list[dict[str, Any]]) -> None:
        self.source, self._types = source, types
        self._numbers: dict[int, int] = {}

    def take(self, reference: str) -> int:
        """Take a type with all that it refers to; give its new number."""
        old = int(reference.removeprefix("#/"))
        if old not in self._numbers:
            self._numbers[old] = len(self._types)
            self._types.append({})  # a type may refer to itself
            self._types[self._numbers[old]] = self._slim(self.source[old])
        return self._numbers[old]

    def _slim(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._slim(one) for one in value]
        if not isinstance(value, dict):
            return value
        if "$ref" in value:
            return self.take(value["$ref"])
        return {
            key: self._slim(inner)
            for key, inner in value.items()
            if not (key == "description" and isinstance(inner, str))
        }


def main() -> None:
    """Have them: ``python -m pulumi_mlops_sandbox.azure.types.extract``."""
    try:
        sys.stdout.write(f"{ensure()}\n")
    except SandboxError as error:
        sys.exit(f"Error: {error}")


if __name__ == "__main__":
    main()
