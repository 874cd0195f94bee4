"""The images that the node's own pods run, under the names of the published ones.

A table for other pods is a function of the same form, in a module beside this one, and is given to `bring` with it.
"""

import subprocess
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from pulumi_mlops_sandbox.errors import SandboxError
from pulumi_mlops_sandbox.kubernetes.nodes import layers, requirements
from pulumi_mlops_sandbox.kubernetes.nodes.layers import File, Folder, Image, Layer, Link, Packages, Written

NAMESPACE = "k8s.io"
"""The namespace of containerd in which the kubelet looks."""
_LOOKS_EVERY = 0.2
PAUSE = "registry.k8s.io/pause:3.10.1"
BUSYBOX = "docker.io/library/busybox:1.37"
COREDNS = "registry.k8s.io/coredns/coredns:v1.14.4"
NETWORK_POLICIES = "registry.k8s.io/networking/kube-network-policies:v0.8.0"
LOCAL_PATH = "docker.io/rancher/local-path-provisioner:v0.0.30"
METRICS_SERVER = "registry.k8s.io/metrics-server/metrics-server:v0.9.0"

APPLETS = (
    *("ash", "awk", "base64", "basename", "cat", "chgrp", "chmod", "chown", "cp", "cut", "date", "dd", "df", "dirname"),
    *("du", "echo", "env", "expr", "false", "find", "grep", "gunzip", "gzip", "head", "hostname", "httpd", "id", "ip"),
    *("kill", "ln", "ls", "mkdir", "mktemp", "mv", "nc", "nslookup", "ping", "printf", "ps", "pwd", "readlink", "rm"),
    *("rmdir", "sed", "seq", "sh", "sleep", "sort", "stat", "sync", "tail", "tar", "tee", "test", "timeout", "touch"),
    *("tr", "true", "uname", "uniq", "vi", "wc", "wget", "which", "whoami", "xargs", "yes"),
)
"""Busybox's commands that get a name of their own in the image."""


def _program(name: str, source: Path, target: str) -> Layer:
    return Layer(name, (File(source, target),))


def node(programs: Path) -> tuple[Image, ...]:
    """List what the node needs, of the programs in the folder of its product."""
    people = Layer(
        "people",
        (
            layers.Text("/etc/passwd", "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n"),
            layers.Text("/etc/group", "root:x:0:\nnogroup:x:65534:\n"),
            Folder("/tmp", 0o1777),  # noqa: S108  (a folder of the image)
        ),
    )
    busybox = Layer(
        "busybox",
        (
            Packages(("busybox", "libc6")),
            *(Link(f"/{name}", f"usr/{name}") for name in ("bin", "lib", "lib64")),
            *(Link(f"/usr/bin/{name}", "busybox") for name in APPLETS),
        ),
    )
    return (
        Image(PAUSE, (_program("pause", programs / "pause", "/pause"),), entrypoint=("/pause",), user="65535:65535"),
        Image(
            BUSYBOX,
            (people, busybox),
            command=("sh",),
            differs="Debian's busybox 1.35, whose wget crashes of -T",
        ),
        Image(
            COREDNS,
            (_program("coredns", programs / "coredns", "/coredns"),),
            entrypoint=("/coredns",),
            user="65532",
            differs="nine plugins",
        ),
        Image(
            NETWORK_POLICIES,
            (_program("kube-network-policies", programs / "kube-network-policies", "/bin/netpol"),),
            command=("/bin/netpol",),
        ),
        Image(
            LOCAL_PATH,
            (
                _program(
                    "local-path-provisioner", programs / "local-path-provisioner", "/usr/bin/local-path-provisioner"
                ),
            ),
            command=("local-path-provisioner",),
        ),
        Image(
            METRICS_SERVER,
            (_program("metrics-server", programs / "metrics-server", "/metrics-server"),),
            entrypoint=("/metrics-server",),
            user="65534",
        ),
    )


def bring(images: Iterable[Image], ctr: Sequence[str | Path], folder: Path, ending: threading.Event) -> list[str]:
    """Give containerd, whose files are in a folder, the images that it does not have yet, or has with another content.

    :param ending: is set when the cluster ends: gigabytes on their way are given up.
    :returns: their names.
    :raises SandboxError: there is no room for them, or the cluster ends.
    """
    wanted = [layers.write(image) for image in images]
    there = _there(ctr)
    missing = [image for image in wanted if there.get(image.image.name) != image.digest]
    if not missing:
        return []
    kept = [image for image in wanted if image not in missing]
    if said := requirements.short(folder, requirements.KEPT + size(missing, kept)):
        names = ", ".join(image.image.name for image in missing)
        raise SandboxError(f"{said}, for images that the node does not have yet ({names}) and for what pods write.")
    command = [*ctr, "--namespace", NAMESPACE, "images", "import", "--local", "-"]
    with (
        subprocess.Popen(  # noqa: S603  (our own binary)
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        ) as process,
        _given_up(process, ending),
    ):
        assert process.stdin is not None  # noqa: S101  (for the type checker)
        assert process.stdout is not None  # noqa: S101  (for the type checker)
        try:
            layers.archive(missing, process.stdin)
        except BrokenPipeError:
            pass  # it says why
        finally:
            process.stdin.close()
        said = process.stdout.read().decode(errors="replace")
    if ending.is_set():
        raise SandboxError("The cluster ends, and with it what brings images.")
    if process.returncode != 0:
        raise SandboxError(f"containerd does not take the images: {said.strip()[-1000:]}")
    return [image.image.name for image in missing]


@contextmanager
def _given_up(process: subprocess.Popen[bytes], ending: threading.Event) -> Iterator[None]:
    """End a process as soon as the cluster ends."""
    over = threading.Event()

    def watch() -> None:
        while not over.wait(_LOOKS_EVERY):
            if ending.is_set():
                process.kill()
                return

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield
    finally:
        over.set()
        watching.join()


def size(missing: Sequence[Written], kept: Sequence[Written] = ()) -> int:
    """Count the bytes that images take: containerd has each layer as it came, and unpacked."""
    there = {layer.digest for image in kept for layer in image.layers}
    new = {layer.digest: layer.size for image in missing for layer in image.layers if layer.digest not in there}
    return 2 * sum(new.values())


def _there(ctr: Sequence[str | Path]) -> dict[str, str]:
    """List the images that containerd has, by name, with the digests of their manifests."""
    said = subprocess.run(  # noqa: S603  (our own binary)
        [*ctr, "--namespace", NAMESPACE, "images", "list"], capture_output=True, text=True, check=False
    )
    if said.returncode != 0:
        raise SandboxError(f"containerd does not list its images: {said.stderr.strip()[-1000:]}")
    rows = (line.split() for line in said.stdout.splitlines()[1:])
    return {row[0]: row[2] for row in rows}
