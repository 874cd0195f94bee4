"""Images without a registry and without Docker: layers out of files of this machine, kept by what they are made of.

A layer is a tar file in the user's cache, made once and shared by every image that names it. Images are written as one
OCI archive into a stream, which `ctr images import` reads: nothing is stored twice outside of containerd.
"""

import hashlib
import io
import json
import platform
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Protocol

from pulumi_mlops_sandbox import building
from pulumi_mlops_sandbox.kubernetes.nodes import debian

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
PLATFORM = {"architecture": ARCHITECTURES.get(platform.machine(), platform.machine()), "os": "linux"}
MADE_OF, TAR, ABOUT = "made-of", "layer.tar", "layer.json"
READABLE, EXECUTABLE = 0o444, 0o111
FORM = "1"
"""Counts changes in how layers are written: each makes all layers anew."""


class Content(Protocol):
    """Something that a layer holds."""

    @property
    def identity(self) -> str:
        """What it is made of: another identity is another layer."""
        ...

    def members(self, work: Path) -> "Iterator[Member]":
        """Describe its files, in order; `work` is an empty folder for what has to be fetched first."""
        ...


@dataclass(frozen=True)
class Member:
    """One file, folder or link of a layer."""

    name: str
    """The path in the image, without a leading slash."""
    source: Path | None = None
    """A file, folder or link of this machine that it is a copy of."""
    data: bytes | None = None
    """The content of a file that is a copy of nothing."""
    link: str = ""
    mode: int = 0o755
    owner: int = 0


@dataclass(frozen=True)
class File:
    """A file of this machine at a path of the image."""

    source: Path
    target: str
    made_of: str = ""
    """What it is made of, such as a version; without it the file is read to find out."""

    @property
    def identity(self) -> str:
        """By what the caller says that it is made of, else by content."""
        if self.made_of:
            return f"file {self.target} {self.made_of}"
        with self.source.open("rb") as stream:
            return f"file {self.target} {hashlib.file_digest(stream, 'sha256').hexdigest()}"

    def members(self, work: Path) -> Iterator[Member]:
        """Describe it."""
        del work
        yield Member(_relative(self.target), source=self.source)


@dataclass(frozen=True)
class Tree:
    """A folder of this machine with all that is in it, at a path of the image."""

    source: Path
    target: str
    made_of: str
    """What its content is made of, such as a version: it is not read to find out."""
    owner: int = 0
    without: tuple[str, ...] = ("__pycache__",)
    """Names of files and folders, at any depth, that are left out."""

    @property
    def identity(self) -> str:
        """By what the caller says that it is made of."""
        return f"tree {self.target} {self.made_of} {self.owner} {self.without}"

    def members(self, work: Path) -> Iterator[Member]:
        """Describe everything, folders before what is in them."""
        del work
        yield from _tree(self.source, _relative(self.target), self.owner, frozenset(self.without))


@dataclass(frozen=True)
class Text:
    """A file with a given text."""

    target: str
    text: str
    mode: int = 0o644

    @property
    def identity(self) -> str:
        """By content."""
        return f"text {self.target} {self.mode} {self.text}"

    def members(self, work: Path) -> Iterator[Member]:
        """Describe it."""
        del work
        yield Member(_relative(self.target), data=self.text.encode(), mode=self.mode)


@dataclass(frozen=True)
class Folder:
    """An empty folder."""

    target: str
    mode: int = 0o755
    owner: int = 0

    @property
    def identity(self) -> str:
        """By its path and rights."""
        return f"folder {self.target} {self.mode} {self.owner}"

    def members(self, work: Path) -> Iterator[Member]:
        """Describe it."""
        del work
        yield Member(_relative(self.target), mode=self.mode, owner=self.owner)


@dataclass(frozen=True)
class Link:
    """A symbolic link."""

    target: str
    to: str

    @property
    def identity(self) -> str:
        """By both its ends."""
        return f"link {self.target} {self.to}"

    def members(self, work: Path) -> Iterator[Member]:
        """Describe it."""
        del work
        yield Member(_relative(self.target), link=self.to)


@dataclass(frozen=True)
class Packages:
    """Packages of Debian, exactly those that are named, unpacked and not installed: no maintainer's script is run."""

    names: tuple[str, ...]
    without: tuple[str, ...] = ()
    """Names of files and folders, at any depth, that are left out."""

    @property
    def identity(self) -> str:
        """By their names and Debian's release; updates within a release do not make a layer anew."""
        return f"packages {debian.release()} {self.names} {self.without}"

    def members(self, work: Path) -> Iterator[Member]:
        """Describe everything that they hold."""
        debian.unpack(self.names, work, work / "root")
        yield from _tree(work / "root", "", 0, frozenset(self.without))


@dataclass(frozen=True)
class Layer:
    """Files that images share."""

    name: str
    contents: tuple[Content, ...]

    @property
    def identity(self) -> str:
        """What it is made of."""
        return "\n".join([FORM, *(content.identity for content in self.contents)])

    def made(self) -> "Made":
        """Find it in the cache, or make it."""
        name, identity = f"layer-{self.name}", hashlib.sha256(self.identity.encode()).hexdigest()

        def find() -> Made | None:
            folder = building.cache() / name
            try:
                about = json.loads((folder / ABOUT).read_text()) if (folder / MADE_OF).read_text() == identity else None
                return Made(folder / TAR, about["digest"], about["size"]) if about else None
            except (OSError, ValueError, KeyError):
                return None

        return building.once(name, f"the layer {self.name}", find, lambda work: self._make(work, identity))

    def _make(self, work: Path, identity: str) -> None:
        target = work / "product"
        target.mkdir()
        with (target / TAR).open("wb") as file:
            hashing = _Hashing(file)
            with tarfile.open(fileobj=hashing, mode="w|", format=tarfile.PAX_FORMAT) as tar:  # type: ignore[call-overload]  # writes and nothing else
                writer = _Writer(tar)
                for number, content in enumerate(self.contents):
                    place = work / f"content-{number}"
                    place.mkdir()
                    for member in content.members(place):
                        writer.add(member)
        (target / ABOUT).write_text(json.dumps({"digest": hashing.digest, "size": hashing.size}))
        (target / MADE_OF).write_text(identity)


@dataclass(frozen=True)
class Made:
    """A layer in the cache."""

    tar: Path
    digest: str
    size: int


@dataclass(frozen=True)
class Image:
    """An image under the name that manifests write."""

    name: str
    """With registry and tag, as containerd has it: docker.io/library/… for an official image of Docker Hub."""
    layers: tuple[Layer, ...]
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    user: str = ""
    folder: str = ""
    """The working folder."""
    differs: str = ""
    """Where it differs from the published image of this name, for the documentation."""

    def config(self, layers: Sequence[Made]) -> bytes:
        """Write the image's configuration."""
        environment = {"PATH": PATH, **self.environment}
        wanted = {
            "Env": [f"{name}={value}" for name, value in environment.items()],
            "Entrypoint": list(self.entrypoint),
            "Cmd": list(self.command),
            "User": self.user,
            "WorkingDir": self.folder,
        }
        config = {name: value for name, value in wanted.items() if value}
        roots = {"type": "layers", "diff_ids": [layer.digest for layer in layers]}
        return json.dumps({**PLATFORM, "config": config, "rootfs": roots}).encode()

    def manifest(self, config: bytes, layers: Sequence[Made]) -> bytes:
        """Write the image's manifest."""
        kind = "application/vnd.oci.image"
        described = {
            "schemaVersion": 2,
            "mediaType": f"{kind}.manifest.v1+json",
            "config": {"mediaType": f"{kind}.config.v1+json", "digest": digest(config), "size": len(config)},
            "layers": [
                {"mediaType": f"{kind}.layer.v1.tar", "digest": layer.digest, "size": layer.size} for layer in layers
            ],
        }
        return json.dumps(described).encode()


@dataclass(frozen=True)
class Written:
    """An image whose layers are made."""

    image: Image
    config: bytes
    manifest: bytes
    layers: tuple[Made, ...]

    @property
    def digest(self) -> str:
        """By which containerd knows it."""
        return digest(self.manifest)


def write(image: Image) -> Written:
    """Make the layers of an image that the cache does not hold, and describe it."""
    layers = tuple(layer.made() for layer in image.layers)
    config = image.config(layers)
    return Written(image, config, image.manifest(config, layers), layers)


def archive(images: Sequence[Written], stream: IO[bytes]) -> None:
    """Write images into one OCI archive, each layer once."""
    entries = [
        {
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "digest": image.digest,
            "size": len(image.manifest),
            "platform": PLATFORM,
            "annotations": {"io.containerd.image.name": image.image.name},
        }
        for image in images
    ]
    with tarfile.open(fileobj=stream, mode="w|") as tar:
        _put(tar, "oci-layout", b'{"imageLayoutVersion":"1.0.0"}')
        _put(tar, "index.json", json.dumps({"schemaVersion": 2, "manifests": entries}).encode())
        blobs = {digest(blob): blob for image in images for blob in (image.config, image.manifest)}
        for name, blob in blobs.items():
            _put(tar, _blob(name), blob)
        for layer in {layer.digest: layer for image in images for layer in image.layers}.values():
            entry = tarfile.TarInfo(_blob(layer.digest))
            entry.size = layer.size
            with layer.tar.open("rb") as content:
                tar.addfile(entry, content)


def digest(content: bytes) -> str:
    """Name content as OCI does."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _blob(name: str) -> str:
    return f"blobs/sha256/{name.removeprefix('sha256:')}"


def _put(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    tar.addfile(entry, io.BytesIO(content))


def _relative(path: str) -> str:
    return path.strip("/")


def _tree(source: Path, target: str, owner: int, without: frozenset[str]) -> Iterator[Member]:
    if target:
        yield Member(target, source=source, owner=owner)
    for path in sorted(source.iterdir()):
        if path.name in without:
            continue
        name = f"{target}/{path.name}".lstrip("/")
        if path.is_dir() and not path.is_symlink():
            yield from _tree(path, name, owner, without)
        else:
            yield Member(name, source=path, owner=owner)


class _Hashing:
    """A file that is only written to, and its digest."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._hash, self.size = file, hashlib.sha256(), 0

    @property
    def digest(self) -> str:
        return f"sha256:{self._hash.hexdigest()}"

    def write(self, data: bytes) -> int:
        self._hash.update(data)
        self.size += len(data)
        return self._file.write(data)


class _Writer:
    """Writes members into a tar file, each path once, its folders before it."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar
        self._written: set[str] = set()

    def add(self, member: Member) -> None:
        """Write one, unless something of that path is there already."""
        if member.name in self._written:
            return
        for folder in reversed(Path(member.name).parents[:-1]):
            if str(folder) not in self._written:
                self._add(tarfile.TarInfo(str(folder)), Member(str(folder)))
        entry = self._tar.gettarinfo(member.source, member.name) if member.source else tarfile.TarInfo(member.name)
        if entry is not None:  # a socket is left out
            self._add(entry, member)

    def _add(self, entry: tarfile.TarInfo, member: Member) -> None:
        self._written.add(member.name)
        entry.uid = entry.gid = member.owner
        entry.uname = entry.gname = ""
        entry.mtime = int(entry.mtime)
        if member.source is not None:
            if entry.islnk():  # the second name of a file: an image holds it twice
                entry.type, entry.size = tarfile.REGTYPE, member.source.stat().st_size
            if not entry.issym():  # what root made for itself is to be read by any user of a container
                executable = entry.isdir() or entry.mode & EXECUTABLE
                entry.mode |= READABLE | (EXECUTABLE if executable else 0)
        else:
            entry.mode = member.mode
            entry.type = (
                tarfile.SYMTYPE if member.link else tarfile.REGTYPE if member.data is not None else tarfile.DIRTYPE
            )
            entry.linkname = member.link
            entry.size = len(member.data or b"")
        if not entry.isreg():
            self._tar.addfile(entry)
        elif member.source is not None:
            with member.source.open("rb") as content:
                self._tar.addfile(entry, content)
        else:
            self._tar.addfile(entry, io.BytesIO(member.data or b""))
