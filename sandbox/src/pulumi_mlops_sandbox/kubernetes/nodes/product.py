"""The programs of a node, built out of their Go modules once and kept in the user's cache.

What belongs to Kubernetes is pinned, with everything that it needs, in one go.mod (`kubernetes/source`), so that its
parts share what is compiled. containerd is built in its own module, as its project builds it.
"""

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from pulumi_mlops_sandbox import building
from pulumi_mlops_sandbox.building import IDENTITY
from pulumi_mlops_sandbox.errors import SandboxError
from pulumi_mlops_sandbox.kubernetes import binaries
from pulumi_mlops_sandbox.kubernetes.nodes import debian
from pulumi_mlops_sandbox.progress import step

WHAT = "a real node of Kubernetes"
OTHERWISE = "Played nodes need none of this: leave out `--nodes real`."
CONTAINERD = "2.4.2"
VERSION = "k8s.io/component-base/version.gitVersion"

OURS = {"node": "./node", "coredns": "./dns", "pause": "./pause"}
"""Programs of which we have the main function: name and package."""
THEIRS = {
    "kube-network-policies": "sigs.k8s.io/kube-network-policies/cmd",
    "local-path-provisioner": "github.com/rancher/local-path-provisioner",
    "metrics-server": "sigs.k8s.io/metrics-server/cmd/metrics-server",
}
"""Programs of modules that our go.mod requires."""
OF_CONTAINERD = ("containerd", "containerd-shim-runc-v2", "ctr")

TOOLS = {"runc": "runc", "iptables": "iptables", "nft": "nftables"}
"""Programs that are taken from the machine, else from Debian: name and package."""
PLUGINS = ("bridge", "host-local", "loopback", "portmap")
PLUGINS_PACKAGE = "containernetworking-plugins"
PLUGIN_FOLDERS = ("usr/lib/cni", "opt/cni/bin", "usr/libexec/cni")
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

NAME = f"kubernetes-node-{binaries.KUBERNETES}"


@dataclass(frozen=True)
class NodeProduct:
    """The folder of a node's programs."""

    folder: Path

    @property
    def programs(self) -> Path:
        """What was built."""
        return self.folder / "bin"

    @property
    def kubectl(self) -> tuple[str, str]:
        """The beginning of a command line of kubectl."""
        return str(self.programs / "node"), "kubectl"

    @property
    def made_of(self) -> str:
        """What it was made of."""
        return (self.folder / IDENTITY).read_text()


def ensure() -> NodeProduct:
    """Find the programs in the cache, or build them."""
    return NodeProduct(building.once(NAME, WHAT, find, _make))


def find() -> Path | None:
    """Find the programs in the cache."""
    return building.made_of(NAME, _identity())


def lacking() -> list[str]:
    """Name the packages of Debian whose programs this machine does not have."""
    wanted = [package for name, package in TOOLS.items() if shutil.which(name, path=SYSTEM_PATH) is None]
    has_plugins = any(_has_plugins(Path("/") / folder) for folder in PLUGIN_FOLDERS)
    return wanted if has_plugins else [*wanted, PLUGINS_PACKAGE]


def _identity() -> str:
    return building.digest(
        *binaries.sources(OURS.values()),
        repr((OURS, THEIRS, CONTAINERD, OF_CONTAINERD, TOOLS, PLUGINS, binaries.KUBERNETES)),
    )


def _make(work: Path) -> None:
    binaries.require_go()
    target = work / "product"
    (target / "bin").mkdir(parents=True)
    _unpack_tools(work, target)
    with step(f"Building a node of Kubernetes v{binaries.KUBERNETES} (once, ten to twenty minutes)") as progress:
        source = work / "source"
        shutil.copytree(binaries.SOURCE, source)
        for name, package in {**OURS, **THEIRS}.items():
            linked = f"-s -w -X {VERSION}=v{binaries.KUBERNETES}" if name == "node" else "-s -w"
            binaries.compile_package(
                source, package, target / "bin" / name, progress, linked=linked, what=WHAT, otherwise=OTHERWISE
            )
    with step(f"Building containerd v{CONTAINERD} (once)") as progress:
        (work / "fetched").mkdir()
        module = building.module(
            "github.com/containerd/containerd/v2",
            CONTAINERD,
            work / "fetched",
            progress,
            what=WHAT,
            otherwise=OTHERWISE,
        )
        for name in ("go.mod", "go.sum"):  # a module in Go's cache cannot be written to, and `go build` may want to
            (work / f"containerd{Path(name).suffix}").write_bytes((module / name).read_bytes())
        packages = [f"./cmd/{name}" for name in OF_CONTAINERD]
        modules = [f"-modfile={work / 'containerd.mod'}", "-mod=mod"]
        linked = f"-s -w -X github.com/containerd/containerd/v2/version.Version=v{CONTAINERD}"
        building.go(
            [*binaries.BUILD, linked, *modules, "-o", f"{target / 'bin'}/", *packages],
            module,
            progress,
            "packages compiled",
            what=WHAT,
            otherwise=OTHERWISE,
            environment={"CGO_ENABLED": "0", "GOWORK": "off"},
        )
    (target / IDENTITY).write_text(_identity())


def _unpack_tools(work: Path, target: Path) -> None:
    """Take what this machine does not have from Debian's packages."""
    wanted = lacking()
    root = target / "debian"
    if wanted:
        (work / "debian").mkdir()
        debian.unpack(debian.missing(wanted), work / "debian", root)
    else:
        root.mkdir()
    links = target / "tools"
    links.mkdir()
    for name in ("iptables", "iptables-save", "iptables-restore", "ip6tables"):
        # An installation chooses between this program and an older one; it looks by which name it is called.
        if (root / "usr/sbin/xtables-nft-multi").exists():
            (links / name).symlink_to("../debian/usr/sbin/xtables-nft-multi")
    folders = [root / PLUGIN_FOLDERS[0], *(Path("/") / folder for folder in PLUGIN_FOLDERS)]
    plugins = next((folder for folder in folders if _has_plugins(folder)), None)
    if plugins is None:
        raise SandboxError(f"Debian's package {PLUGINS_PACKAGE} does not hold {', '.join(PLUGINS)}.")
    (target / "cni").mkdir()
    for name in PLUGINS:
        shutil.copyfile(plugins / name, target / "cni" / name)
        (target / "cni" / name).chmod(0o755)


def _has_plugins(folder: Path) -> bool:
    return all((folder / name).is_file() for name in PLUGINS)


def main() -> None:
    """Have everything: ``python -m pulumi_mlops_sandbox.kubernetes.nodes.product``."""
    try:
        sys.stdout.write(f"{ensure().programs}\n")
    except SandboxError as error:
        sys.exit(f"Error: {error}")


if __name__ == "__main__":
    main()
