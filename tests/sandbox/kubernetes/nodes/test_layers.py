"""Layers and images: what is in them, what they are kept by, and what an archive holds."""

import hashlib
import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from pulumi_mlops_sandbox.kubernetes.nodes import images, layers
from pulumi_mlops_sandbox.kubernetes.nodes.layers import File, Folder, Image, Layer, Link, Text, Tree


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_MLOPS_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    (folder / "deep" / "__pycache__").mkdir(parents=True)
    (folder / "deep" / "__pycache__" / "left.pyc").write_text("left out")
    program = folder / "deep" / "program"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o700)
    (folder / "secret").write_text("told")
    (folder / "secret").chmod(0o600)
    (folder / "link").symlink_to("deep/program")
    (folder / "again").hardlink_to(folder / "secret")
    return folder


def read(tar: Path) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(tar) as opened:
        return {member.name: member for member in opened}


def test_a_layer_holds_what_it_names_readable_by_anybody(source: Path) -> None:
    layer = Layer(
        "mixed",
        (
            Tree(source, "/opt/app", made_of="1", owner=1000),
            Text("/etc/passwd", "root\n"),
            Folder("/scratch", 0o1777),
            Link("/usr/bin/app", "/opt/app/deep/program"),
            File(source / "secret", "/opt/app/secret"),
        ),
    )
    members = read(layer.made().tar)
    assert list(members)[:4] == ["opt", "opt/app", "opt/app/again", "opt/app/deep"], "folders come before their content"
    assert {name for name in members if "left" in name} == set()
    assert oct(members["opt/app/deep/program"].mode) == "0o755"
    assert oct(members["opt/app/secret"].mode) == "0o644"
    assert members["opt/app/again"].isreg(), "a second name of a file is a file of its own"
    assert members["opt/app/link"].linkname == "deep/program"
    assert (members["opt/app/secret"].uid, members["etc/passwd"].uid) == (1000, 0)
    assert oct(members["scratch"].mode) == "0o1777"
    assert members["usr/bin"].isdir()
    assert members["usr/bin/app"].linkname == "/opt/app/deep/program"


def test_a_layer_is_made_once_for_what_it_is_made_of(source: Path) -> None:
    def layer(made_of: str) -> Layer:
        return Layer("app", (Tree(source, "/app", made_of=made_of),))

    first = layer("1").made()
    (source / "secret").write_text("changed")
    assert layer("1").made() == first, "what it is made of is said to be the same"
    assert layer("2").made().digest != first.digest
    content = first.tar.read_bytes()
    assert layer("2").made().digest == f"sha256:{hashlib.sha256(content).hexdigest()}"


def test_a_file_is_known_by_its_content_unless_told(source: Path) -> None:
    told, read_ = File(source / "secret", "/x", made_of="1"), File(source / "secret", "/x")
    before = told.identity, read_.identity
    (source / "secret").write_text("another")
    assert told.identity == before[0]
    assert read_.identity != before[1]


def test_an_archive_holds_each_layer_once_and_names_every_image(source: Path) -> None:
    shared = Layer("shared", (Tree(source, "/app", made_of="1"),))
    wanted = [
        Image("docker.io/library/one:1", (shared,), entrypoint=("/app/deep/program",), user="1000"),
        Image("docker.io/library/two:2", (shared, Layer("more", (Text("/more", "x"),))), environment={"PATH": "/x"}),
    ]
    stream = io.BytesIO()
    layers.archive([layers.write(image) for image in wanted], stream)
    stream.seek(0)
    with tarfile.open(fileobj=stream) as tar:
        blobs = {member.name: (tar.extractfile(member) or io.BytesIO()).read() for member in tar}
    index = json.loads(blobs["index.json"])
    assert [entry["annotations"]["io.containerd.image.name"] for entry in index["manifests"]] == [
        image.name for image in wanted
    ]
    assert len([name for name in blobs if name.startswith("blobs/")]) == 2 + 2 + 2, "manifests, configurations, layers"
    for name, blob in blobs.items():
        if name.startswith("blobs/"):
            assert name == f"blobs/sha256/{hashlib.sha256(blob).hexdigest()}"
    one, two = (json.loads(blobs[f"blobs/{entry['digest'].replace(':', '/')}"]) for entry in index["manifests"])
    config = json.loads(blobs[f"blobs/{one['config']['digest'].replace(':', '/')}"])
    assert config["config"] == {
        "Env": [f"PATH={layers.PATH}"],
        "Entrypoint": ["/app/deep/program"],
        "User": "1000",
    }
    assert config["rootfs"]["diff_ids"] == [layer["digest"] for layer in one["layers"]]
    assert two["layers"][0]["digest"] == one["layers"][0]["digest"]


def test_images_of_the_node_have_names_and_layers_of_their_own(tmp_path: Path) -> None:
    wanted = images.node(tmp_path)
    names = [image.name for image in wanted]
    assert len(set(names)) == len(names)
    of: dict[str, tuple[object, ...]] = {}
    for layer in _layers(wanted):
        assert of.setdefault(layer.name, layer.contents) == layer.contents, f"two layers are called {layer.name}"


def _layers(wanted: tuple[Image, ...]) -> Iterator[Layer]:
    for image in wanted:
        yield from image.layers
