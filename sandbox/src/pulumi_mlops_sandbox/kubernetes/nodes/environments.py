"""Python for images: the sandbox's own interpreter, and environments of packages that run with it."""

import hashlib
import sys
import sysconfig
from pathlib import Path

from pulumi_mlops import images
from pulumi_mlops_sandbox import building, packages
from pulumi_mlops_sandbox.kubernetes.nodes.layers import Content, File, Link, Tree
from pulumi_mlops_sandbox.progress import step

VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
UNUSED = (
    *("test", "tests", "idlelib", "tkinter", "turtledemo", "lib2to3", "ensurepip"),
    *("site-packages", "dist-packages", f"config-{VERSION}-x86_64-linux-gnu"),
)
"""What no program of an image needs of the interpreter's own library."""


def interpreter() -> tuple[Content, ...]:
    """Describe this Python, where environments made with it look for it, and as ``python`` on the path."""
    base, made_of = Path(sys.base_prefix), sys.version
    program, library = base / "bin" / f"python{VERSION}", Path(sysconfig.get_path("stdlib"))
    shared = sorted(library.parent.glob("libpython3*.so*"))
    return (
        File(program.resolve(), str(program), made_of),
        Tree(library, str(library), made_of, without=UNUSED),
        *(File(path.resolve(), str(path), made_of) for path in shared),
        *(Link(f"/usr/local/bin/{name}", str(program)) for name in ("python", "python3")),
    )


def environment(name: str) -> Path:
    """Find the environment of the packages that the library pins for an image, or ``<name>.txt`` here, or make it."""
    pins = images.pins(name) if name in images.IMAGES else Path(__file__).with_name(f"{name}.txt").read_text()
    stamp = hashlib.sha256(pins.encode()).hexdigest()[:12]
    entry = f"python-{name}-{stamp}-py{sys.version_info.major}{sys.version_info.minor}"

    def find() -> Path | None:
        folder = building.cache() / entry
        return folder if (folder / "bin" / "python").is_file() else None

    def make(work: Path) -> None:
        with step(f"Installing the packages of {name}") as progress:
            packages.install(pins, work / "product", work, progress)

    return building.once(entry, f"the packages of {name}", find, make)
