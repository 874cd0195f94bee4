"""Which programs are built of which Go modules, and what of the published image matters to manifests."""

from dataclasses import dataclass
from pathlib import Path

from pulumi_mlops_sandbox.kubernetes.crds import ARGO, SOURCES

NONROOT = "65532"
"""The user of distroless images."""
_DISTROLESS = "FROM gcr.io/distroless/static:nonroot"


@dataclass(frozen=True)
class Program:
    """A program, and the image by whose published name it is asked for."""

    name: str
    package: str
    path: str
    """Where the published image has it."""
    image: str
    source: str
    """Where user, entrypoint and path of the published image are written."""
    user: str = NONROOT
    entrypoint: tuple[str, ...] = ()
    """Empty: what is at `path`."""
    links: tuple[tuple[str, str], ...] = ()
    """Further names of the program in the image, and what each leads to."""


@dataclass(frozen=True)
class Module:
    """A Go module, built in its own folder with its own go.mod."""

    name: str
    path: str
    version: str
    programs: tuple[Program, ...]
    tags: str = ""
    replaces: tuple[tuple[str, str], ...] = ()
    """What its go.mod replaces by folders that a published module does not hold, and what is published of it."""
    generated: tuple[tuple[str, str], ...] = ()
    """Files that its release makes, without which it does not compile, and what is written there instead."""
    linked: tuple[tuple[str, str], ...] = ()
    """Go variables that its own release sets, and their values."""


def _version(module: str) -> str:
    """Take the version whose definitions the sandbox has."""
    return next(source.version for source in SOURCES if source.module == module)


_KSERVE = "github.com/kserve/kserve"
_CNPG = "github.com/cloudnative-pg/cloudnative-pg"
_KEDA = "github.com/kedacore/keda/v2"
_PROMETHEUS_OPERATOR = "github.com/prometheus-operator/prometheus-operator"
_KUEUE = "sigs.k8s.io/kueue"
_TRAINER = "github.com/kubeflow/trainer/v2"

_CONTROLLER_IMAGE = f"docker.io/kserve/kserve-controller:v{_version(_KSERVE)}"
KSERVE = Module(
    "kserve",
    _KSERVE,
    _version(_KSERVE),
    (
        Program(
            "kserve",
            "./cmd/manager",
            "/manager",
            _CONTROLLER_IMAGE,
            "Dockerfile",
        ),
        Program(
            "agent", "./cmd/agent", "/ko-app/agent", f"docker.io/kserve/agent:v{_version(_KSERVE)}", "agent.Dockerfile"
        ),
    ),
)
CNPG = Module(
    "cloudnative-pg",
    _CNPG,
    _version(_CNPG),
    (
        Program(
            "cnpg",
            "./cmd/manager",
            "/operator/manager_amd64",  # instances copy it from here into their pods
            f"ghcr.io/cloudnative-pg/cloudnative-pg:{_version(_CNPG)}",
            "Dockerfile",
            entrypoint=("/manager",),
            links=(("/manager", "operator/manager_amd64"),),
        ),
    ),
)
KEDA = Module(
    "keda",
    _KEDA,
    _version(_KEDA),
    (
        Program("keda", "./cmd/operator", "/keda", f"ghcr.io/kedacore/keda:{_version(_KEDA)}", "Dockerfile"),
        Program(
            "keda-adapter",
            "./cmd/adapter",
            "/keda-adapter",
            f"ghcr.io/kedacore/keda-metrics-apiserver:{_version(_KEDA)}",
            "Dockerfile.adapter",
        ),
    ),
    linked=(("github.com/kedacore/keda/v2/version.Version", _version(_KEDA)),),
)
_OPERATOR_IMAGE = f"quay.io/prometheus-operator/prometheus-operator:v{_version(_PROMETHEUS_OPERATOR)}"
_RELOADER_IMAGE = f"quay.io/prometheus-operator/prometheus-config-reloader:v{_version(_PROMETHEUS_OPERATOR)}"
PROMETHEUS_OPERATOR = Module(
    "prometheus-operator",
    _PROMETHEUS_OPERATOR,
    _version(_PROMETHEUS_OPERATOR),
    (
        Program("prometheus-operator", "./cmd/operator", "/bin/operator", _OPERATOR_IMAGE, "Dockerfile", user="65534"),
        Program(
            "prometheus-config-reloader",
            "./cmd/prometheus-config-reloader",
            "/bin/prometheus-config-reloader",
            _RELOADER_IMAGE,
            "cmd/prometheus-config-reloader/Dockerfile",
            user="65534",
        ),
    ),
    replaces=tuple(
        (f"{_PROMETHEUS_OPERATOR}/pkg/{part}", f"{_PROMETHEUS_OPERATOR}/pkg/{part}@v{_version(_PROMETHEUS_OPERATOR)}")
        for part in ("apis/monitoring", "client")
    ),
)
PROMETHEUS = Module(
    "prometheus",
    "github.com/prometheus/prometheus",
    "0.316.0",
    (
        Program(
            "prometheus",
            "./cmd/prometheus",
            "/bin/prometheus",
            "quay.io/prometheus/prometheus:v3.16.0",
            "Dockerfile",
            user="65534",
        ),
    ),
    tags="remove_all_sd,enable_kubernetes_sd,netgo",  # of all it can discover only Kubernetes: a third of the time
)
ALERTMANAGER = Module(
    "alertmanager",
    "github.com/prometheus/alertmanager",
    "0.35.0",
    (
        Program(
            "alertmanager",
            "./cmd/alertmanager",
            "/bin/alertmanager",
            "quay.io/prometheus/alertmanager:v0.35.0",
            "Dockerfile",
            user="65534",
        ),
    ),
    generated=(("ui/app/dist/index.html", "Alertmanager, without its pages."),),
)
ENVOY_GATEWAY = Module(
    "envoy-gateway",
    "github.com/envoyproxy/gateway",
    "1.9.1",
    (
        Program(
            "envoy-gateway",
            "./cmd/envoy-gateway",
            "/usr/local/bin/envoy-gateway",
            "docker.io/envoyproxy/gateway:v1.9.1",
            "tools/docker/envoy-gateway/Dockerfile",
        ),
    ),
)
ARGO_WORKFLOWS = Module(
    "argo-workflows",
    ARGO,
    _version(ARGO),
    (
        Program(
            "workflow-controller",
            "./cmd/workflow-controller",
            "/bin/workflow-controller",
            f"quay.io/argoproj/workflow-controller:v{_version(ARGO)}",
            "Dockerfile",
            user="8737",
        ),
        Program(
            "argoexec",
            "./cmd/argoexec",
            "/bin/argoexec",
            f"quay.io/argoproj/argoexec:v{_version(ARGO)}",
            "Dockerfile",
            user="",
            entrypoint=("argoexec",),
        ),
    ),
    generated=(
        (
            "workflow/executor/osspecific/signal_linux.go",
            Path(__file__).with_name("signal_linux.go.txt").read_text(),
        ),
    ),
    linked=((f"{ARGO}.version", f"v{_version(ARGO)}"),),  # by which its controller names the executor's image
)
KUEUE = Module(
    "kueue",
    _KUEUE,
    _version(_KUEUE),
    (
        Program(
            "kueue",
            "./cmd/kueue",
            "/manager",
            f"registry.k8s.io/kueue/kueue:v{_version(_KUEUE)}",
            "Dockerfile",
        ),
    ),
    linked=((f"{_KUEUE}/pkg/version.GitVersion", f"v{_version(_KUEUE)}"),),
)
TRAINER = Module(
    "trainer",
    _TRAINER,
    _version(_TRAINER),
    (
        Program(
            "trainer",
            "./cmd/trainer-controller-manager",
            "/manager",
            f"ghcr.io/kubeflow/trainer/trainer-controller-manager:v{_version(_TRAINER)}",
            "cmd/trainer-controller-manager/Dockerfile",
        ),
    ),
)
JOBSET = Module(
    "jobset",
    "sigs.k8s.io/jobset",
    "0.11.0",  # the one that Trainer's chart installs
    (Program("jobset", ".", "/manager", "registry.k8s.io/jobset/jobset:v0.11.0", "Dockerfile"),),
)
SEAWEEDFS = Module(
    "seaweedfs",
    "github.com/seaweedfs/seaweedfs",
    "0.0.0-20261109003541-7506e5f91cd6",  # the commit of release 4.41, by which alone the Go proxy serves it
    (
        Program(
            "weed",
            "./weed",
            "/usr/bin/weed",
            "docker.io/chrislusf/seaweedfs:4.41",
            "docker/Dockerfile.go_build",
            user="",
            entrypoint=("/usr/bin/weed",),
        ),
    ),
)

PUSHGATEWAY = Module(
    "pushgateway",
    "github.com/prometheus/pushgateway",
    "1.11.3",
    (
        Program(
            "pushgateway",
            ".",
            "/bin/pushgateway",
            "quay.io/prometheus/pushgateway:v1.11.3",
            "Dockerfile",
            user="65534",
        ),
    ),
)

SERVERS = (SEAWEEDFS, PUSHGATEWAY)
"""What the library runs by itself, beside no operator."""
MODULES = (
    *(KSERVE, ENVOY_GATEWAY, CNPG, KEDA, PROMETHEUS_OPERATOR, PROMETHEUS, ALERTMANAGER),
    *(ARGO_WORKFLOWS, KUEUE, TRAINER, JOBSET, SEAWEEDFS, PUSHGATEWAY),
)
