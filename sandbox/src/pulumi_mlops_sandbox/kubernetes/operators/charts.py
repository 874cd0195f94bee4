"""Renders the operators' own Helm charts, with a small Go program, so that their rights and settings are theirs."""

import hashlib
import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from pulumi_mlops_sandbox import building
from pulumi_mlops_sandbox.errors import SandboxError
from pulumi_mlops_sandbox.progress import step

SOURCE = Path(__file__).parent / "chart" / "main.go"
BINARY = "chart"
WHAT = "the program that renders charts"
REQUIRES = {"github.com/Masterminds/sprig/v3": "3.3.0", "sigs.k8s.io/yaml": "1.6.0"}

Object = dict[str, Any]


def renderer() -> Path:
    """Find the program, or build it: some seconds."""
    stamp = hashlib.sha256(SOURCE.read_bytes() + repr(REQUIRES).encode()).hexdigest()[:12]
    name = f"chart-{stamp}"

    def find() -> Path | None:
        path = building.cache() / name / BINARY
        return path if path.is_file() else None

    return building.once(name, WHAT, find, _build)


def _build(work: Path) -> None:
    product, source = work / "product", work / "source"
    product.mkdir()
    source.mkdir()
    shutil.copyfile(SOURCE, source / SOURCE.name)
    required = "".join(f"\t{path} v{version}\n" for path, version in REQUIRES.items())
    (source / "go.mod").write_text(f"module sandbox.invalid/chart\n\ngo 1.25.0\n\nrequire (\n{required})\n")
    with step("Building what renders charts (once, some seconds)") as progress:
        building.go(["go", "mod", "tidy"], source, progress, "modules", what=WHAT)
        command = ["go", "build", "-v", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w"]
        command += ["-o", str(product / BINARY), "."]
        building.go(command, source, progress, "packages", what=WHAT, environment={"CGO_ENABLED": "0"})


def render(chart: Path, release: str, namespace: str, values: Mapping[str, Any] | None = None) -> list[Object]:
    """Return what a chart installs, given what a user would set."""
    done = subprocess.run(  # noqa: S603  (what we built)
        [renderer(), str(chart), release, namespace],
        input=json.dumps(dict(values or {})),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise SandboxError(f"The chart in {chart} cannot be rendered: {done.stderr.strip()[-1000:]}")
    return documents(done.stdout)


class _Loader(yaml.CSafeLoader):
    """Reads YAML in which a plain ``=`` stands for itself, as in Prometheus' lists of operators."""


_Loader.add_constructor("tag:yaml.org,2002:value", lambda _loader, node: str(node.value))


def documents(text: str) -> list[Object]:
    """Read what stands in a YAML file."""
    return [found for found in yaml.load_all(text, _Loader) if found]


def namespace(name: str) -> Object:
    """Describe a namespace."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def without_descriptions(schema: Any) -> Any:
    """Leave out the texts; a property that is called description is a mapping, and stays."""
    if isinstance(schema, dict):
        return {
            key: without_descriptions(value)
            for key, value in schema.items()
            if not (key == "description" and isinstance(value, str))
        }
    return [without_descriptions(item) for item in schema] if isinstance(schema, list) else schema
