"""The images of a real node: one for each that the library, and what it stands on, write into manifests."""

import json
import re
from pathlib import Path

import pytest

import pulumi_mlops.backends.kubernetes
from pulumi_mlops.backends.kubernetes import database
from pulumi_mlops_sandbox import building, packages
from pulumi_mlops_sandbox.kubernetes.nodes import environments, published
from pulumi_mlops_sandbox.kubernetes.nodes.layers import Text, Tree
from pulumi_mlops_sandbox.kubernetes.operators import install, manifests, table

DOCS = Path(__file__).parents[4] / "docs" / "sandbox.md"
WRITTEN = re.compile(r'"((?:docker\.io|ghcr\.io|quay\.io)/[^"\s]+:[^"\s]+)"')
PROGRAMS = {program.image for module in table.MODULES for program in module.programs}
NAMES = {each.name for each in published.STAND_INS} | PROGRAMS


def test_each_image_that_the_library_names_is_made_here() -> None:
    folder = Path(pulumi_mlops.backends.kubernetes.__file__).parent
    named = {image for path in folder.glob("*.py") for image in WRITTEN.findall(path.read_text())}
    assert len(named) >= 7
    assert not named - NAMES


def test_postgres_is_of_the_version_that_its_name_says() -> None:
    """CloudNativePG writes settings for the major version that it reads off the name."""
    pinned = Path(environments.__file__).with_name("postgres.txt").read_text().strip().partition("==")[2]
    assert pinned.partition(".")[0] == database.IMAGE.rpartition(":")[2].partition(".")[0]


def test_each_image_that_kserve_puts_into_pods_is_made_here() -> None:
    """It takes them from its settings, by names without a registry."""
    kserve = next(operator for operator in manifests.OPERATORS if operator.name == "kserve")
    objects = install.manifest(kserve)
    settings = next(each["data"] for each in objects if each["kind"] == "ConfigMap")
    initializer = next(each for each in objects if each["kind"] == "ClusterStorageContainer")
    asked = [json.loads(settings[part])["image"] for part in ("agent", "logger", "storageInitializer")]
    for image in (*asked, initializer["spec"]["container"]["image"]):
        assert manifests.qualified(image) in NAMES


def test_nothing_is_made_of_two_things() -> None:
    names = [each.name for each in published.STAND_INS]
    assert len(names) == len(set(names))
    assert not set(names) & PROGRAMS


@pytest.mark.parametrize("name", ["mlserver", "storage", "envoy", "postgres"])
def test_what_an_environment_holds_is_pinned(name: str) -> None:
    lines = Path(environments.__file__).with_name(f"{name}.txt").read_text().splitlines()
    assert lines
    for line in lines:
        assert "==" in line, line


def test_a_python_of_an_image_starts_from_its_bytecode(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing may be written in a pod: without it, each start of MLflow compiles for twelve seconds of CPU."""
    monkeypatch.setattr(environments, "environment", lambda _: tmp_path)
    monkeypatch.setattr(packages, "ensure", lambda: tmp_path / "bin")
    layers = (published._python(), published._projects(), published._environment("mlserver"))
    trees = [content for layer in layers for content in layer.contents if isinstance(content, Tree)]
    assert len(trees) == 3
    assert not [tree.target for tree in trees if "__pycache__" in tree.without]


def test_the_image_of_monitors_has_all_of_evidently(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It has packages that are called tests, and imports them."""
    monkeypatch.setattr(environments, "environment", lambda _: tmp_path)
    monitors = next(each for each in published.STAND_INS if each.name == published.DRIFT)
    trees = [one for layer in monitors.layers() for one in layer.contents if isinstance(one, Tree)]
    (own,) = [one for one in trees if one.target == "/opt/drift"]
    assert not own.without


def test_the_initializer_can_be_executed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It comes out of a Go module, none of whose files may be."""
    script = tmp_path / "python" / "storage-initializer" / "scripts" / "initializer-entrypoint"
    script.parent.mkdir(parents=True)
    script.write_text("#!/usr/bin/env python3\n")
    script.chmod(0o644)
    monkeypatch.setattr(building, "module", lambda *_, **__: tmp_path)
    initializer = next(each for each in published.STAND_INS if each.name == published.STORAGE_INITIALIZER)
    (made,) = [one for one in published._initializer().contents if isinstance(one, Text)]
    assert made.target == initializer.entrypoint[0]
    assert made.mode & 0o111 == 0o111


def test_the_page_says_where_each_differs() -> None:
    page = DOCS.read_text()
    for each in published.STAND_INS:
        assert f"| `{each.name.partition('/')[2]}` | {each.differs} |" in page
    for module in table.MODULES:
        assert module.version in page, module.name


@pytest.mark.parametrize(
    ("image", "full"),
    [
        ("kserve/agent:v0.20.0", "docker.io/kserve/agent:v0.20.0"),
        ("busybox", "docker.io/library/busybox"),
        ("quay.io/a/b:1", "quay.io/a/b:1"),
        ("localhost/a", "localhost/a"),
        ("registry:5000/a", "registry:5000/a"),
    ],
)
def test_names_are_those_of_containerd(image: str, full: str) -> None:
    assert manifests.qualified(image) == full
