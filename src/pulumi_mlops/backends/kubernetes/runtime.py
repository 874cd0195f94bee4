"""Model servers and machines, as tables: where a server listens, how it is measured, what an accelerator is called."""

from dataclasses import dataclass, field, replace
from typing import Any

from pulumi import Input

from pulumi_mlops.backends.kubernetes.addresses import ModelVersionAddress
from pulumi_mlops.backends.kubernetes.objects import Fields, camel_case, decimal, gibibytes, restricted
from pulumi_mlops.components.endpoint import ModelFiles, Serve
from pulumi_mlops.components.model import ModelVersionRef
from pulumi_mlops.core.compute import ACCELERATOR, Compute
from pulumi_mlops.core.workload import PORT

MODELS = "/mnt/models"
"""Where KServe's storage initializer puts a model's files."""
SECRETS = "/var/run/secrets/mlops"
CONTAINER = "kserve-container"
AGENT_PORT = 9081
"""Where KServe's agent listens in front of a server whose requests are captured."""
_STARTS_WITHIN = 1800
_PROBE_SECONDS = 10


@dataclass(frozen=True)
class Server:
    """A model server, and what its metrics are called: counters and a histogram that Prometheus scrapes."""

    metrics_port: int
    requests: str
    """The counter of requests for answers."""
    answers: str
    """The matcher that leaves health checks out."""
    failed: str
    """The matcher of those that failed inside the server."""
    refused: str
    """The matcher of those that it answered as faults of the caller's (4xx). MLServer does so with whatever an MLflow
    model raises: https://github.com/SeldonIO/MLServer/blob/1.7.1/runtimes/mlflow/mlserver_mlflow/runtime.py."""
    seconds: str
    """The histogram of durations."""
    ready_path: str | None = None
    """The path that says whether a model can answer; without one, a server that takes connections is ready."""
    variables: dict[str, str] = field(default_factory=dict)
    model_variable: str | None = None
    """The variable that names the model, which is part of every request's path: it stays from version to version."""
    answered: tuple[str, ...] = ()
    """The paths, and what is below them, at which it answers callers; all but ``MANAGEMENT`` where it names none.
    ``{model}`` stands for the model."""
    port: int = PORT
    """Where it listens. Probes name it by its number: KServe's agent takes the name of a port for port 80."""

    def told(self, model: str) -> dict[str, str]:
        """Return the variables that the server needs."""
        return self.variables | ({self.model_variable: model} if self.model_variable else {})

    def ready(self, model: str) -> Fields:
        """Ask whether a model can answer."""
        if self.ready_path is None:
            return {"tcp_socket": {"port": self.port}}
        return {"http_get": {"path": self.ready_path.format(model=model), "port": self.port}}


MANAGEMENT = (
    "/metrics",
    "/v2/repository",
    "/v2/logging",
    "/v2/trace",
    "/v2/cudasharedmemory",
    "/v2/systemsharedmemory",
    "/v1/load_lora_adapter",
    "/v1/unload_lora_adapter",
)
"""Paths by which known model servers (MLServer, Triton, vLLM) are measured, and by which whoever reaches them unloads a
model or changes the server. They are for no caller from outside."""


MLSERVER = Server(
    metrics_port=8082,
    requests="rest_server_requests_total",
    answers='path!~"/v2/health/.*|.*/ready|/ping|/health|/version|/metrics"',
    failed='status_code=~"5.+"',
    refused='status_code=~"4.+"',
    seconds="rest_server_request_duration_seconds",
    ready_path="/v2/models/{model}/ready",  # the server as a whole calls itself ready when no model could be loaded
    variables={
        "HOME": "/tmp",  # noqa: S108 (an emptyDir: everything else is read-only)
        "MLSERVER_HTTP_PORT": str(PORT),
        "MLSERVER_METRICS_PORT": "8082",
        "MLSERVER_METRICS_DIR": "/tmp/metrics",  # noqa: S108 (as above)
        "MLSERVER_ENVIRONMENTS_DIR": "/tmp/environments",  # noqa: S108 (as above)
        "MLSERVER_MODEL_IMPLEMENTATION": "mlserver_mlflow.MLflowRuntime",
        "MLSERVER_MODEL_URI": MODELS,
    },
    model_variable="MLSERVER_MODEL_NAME",
    answered=("/invocations", "/v2/models/{model}", "/v2/health"),
)
"""What serves versions out of the registry: https://mlserver.readthedocs.io/en/stable/user-guide/metrics.html."""
MLSERVER_IMAGE = "docker.io/seldonio/mlserver:1.7.1-mlflow"

OWN = Server(
    metrics_port=PORT,
    requests="http_requests_total",
    answers='handler!~"/metrics|/health.*|/ready.*"',
    failed='status=~"5.+"',
    refused='status=~"4.+"',
    seconds="http_request_duration_seconds",
)
"""What an image of the user's is expected to be: port 8080, metrics at /metrics under the names that instrumentation
libraries for web frameworks give them."""


def is_own(served: ModelVersionRef | ModelFiles, serve: Serve) -> bool:
    """Tell whether an image of the user's serves a model."""
    return isinstance(served, ModelFiles) or serve.image is not None


def server_of(served: ModelVersionRef | ModelFiles, serve: Serve) -> Server:
    """Return what serves a model."""
    if not is_own(served, serve):
        return MLSERVER
    path = None if serve.health is None else serve.health.replace("{", "{{").replace("}", "}}")
    return replace(OWN, port=serve.port, metrics_port=serve.port, ready_path=path)


def brought_image(served: ModelVersionRef | ModelFiles) -> Input[str] | None:
    """Return the image that a version of the registry brings along, if it does."""
    return ModelVersionAddress.of(served).image if isinstance(served, ModelVersionRef) else None


def container(server: Server, image: Input[str], model: str, startup_minutes: int | None = None) -> Fields:
    """Write the serving container, without what an endpoint adds: locked down, probed, given time to finish."""
    ports = [{"name": "http", "container_port": server.port, "protocol": "TCP"}]
    if server.metrics_port != server.port:
        ports.append({"name": "metrics", "container_port": server.metrics_port, "protocol": "TCP"})
    starts_within = _STARTS_WITHIN if startup_minutes is None else startup_minutes * 60
    probe = {**server.ready(model), "period_seconds": _PROBE_SECONDS, "timeout_seconds": 5}
    locked = restricted(
        {
            "name": CONTAINER,
            "image": image,
            "ports": ports,
            "readiness_probe": probe,
            # A model may take long to load; once it has, a server that hangs, or has lost its model, is started again.
            "startup_probe": {**probe, "failure_threshold": starts_within // _PROBE_SECONDS},
            "liveness_probe": {
                **server.ready(model),
                "period_seconds": 30,
                "timeout_seconds": 10,
                "failure_threshold": 5,
            },
            # Gateways learn of a pod's end a little after it: until then it goes on answering.
            "lifecycle": {"pre_stop": {"sleep": {"seconds": 15}}},
        }
    )
    written: Fields = camel_case(locked)
    return written


PRODUCTS = {
    "T4": ("Tesla-T4", "NVIDIA-T4"),
    "V100": ("Tesla-V100-SXM2-16GB", "Tesla-V100-SXM2-32GB", "Tesla-V100-PCIE-16GB", "Tesla-V100-PCIE-32GB"),
    "A10": ("NVIDIA-A10",),
    "A10G": ("NVIDIA-A10G",),
    "L4": ("NVIDIA-L4",),
    "L40S": ("NVIDIA-L40S",),
    "A100": ("NVIDIA-A100-SXM4-40GB", "NVIDIA-A100-SXM4-80GB", "NVIDIA-A100-PCIE-40GB", "NVIDIA-A100-80GB-PCIe"),
    "H100": ("NVIDIA-H100-80GB-HBM3", "NVIDIA-H100-PCIe", "NVIDIA-H100-NVL"),
    "H200": ("NVIDIA-H200", "NVIDIA-H200-NVL"),
    "B200": ("NVIDIA-B200",),
}
"""Values of the label ``nvidia.com/gpu.product``, which GPU feature discovery puts on nodes, by accelerator."""
SLICED = ("A100", "H100", "H200", "B200")
"""Accelerators that can be cut into slices (MIG), each with a resource of its own, such as nvidia.com/mig-1g.5gb."""
AMD_PRODUCTS = {
    name: tuple(f"AMD_Instinct_{name}{form}" for form in ("", "_OAM", "_HF", "_VF"))
    for name in ("MI210", "MI250X", "MI300X", "MI325X", "MI355X")
}
"""Values of the label ``amd.com/gpu.product-name``, which AMD's node labeller puts on nodes, by accelerator."""
GPU, AMD_GPU = "nvidia.com/gpu", "amd.com/gpu"
_PRODUCT, _AMD_PRODUCT = "nvidia.com/gpu.product", "amd.com/gpu.product-name"
_CPUS, _MEMORY_GB = 1, 2
_CPUS_BESIDE, _MEMORY_GB_BESIDE = 4, 16  # what feeds one accelerator


@dataclass(frozen=True)
class Machine:
    """What one replica asks for."""

    cpus: float
    memory_gb: float
    accelerators: int = 0
    products: tuple[str, ...] = ()
    """Any of these accelerators will do; all, where there is none."""
    label: tuple[str, str] | None = None
    """A node label that the user pinned."""
    resource: str = GPU
    """What its accelerators are called as a resource; slices have names of their own."""

    @property
    def resources(self) -> Fields:
        """Requests of the container, and the same as limits.

        Memory and accelerators are never shared out twice. Where CPUs have no limit, KServe's webhook sets one of its
        own, 1 as installed, and a pod that requests more is refused.
        """
        bounds = {"cpu": decimal(self.cpus), "memory": gibibytes(self.memory_gb)}
        bounds |= {self.resource: str(self.accelerators)} if self.accelerators else {}
        return {"requests": bounds, "limits": bounds}

    @property
    def placement(self) -> Fields:
        """Fields of the pod that lead it to such a node."""
        found: Fields = {}
        if self.label:
            found["nodeSelector"] = dict([self.label])
        elif self.products:
            key = _AMD_PRODUCT if self.resource == AMD_GPU else _PRODUCT
            match = {"key": key, "operator": "In", "values": list(self.products)}
            terms = {"nodeSelectorTerms": [{"matchExpressions": [match]}]}
            found["affinity"] = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}}
        taints: list[Fields] = []
        if self.accelerators:
            taint = AMD_GPU if self.resource == AMD_GPU else GPU
            taints.append({"key": taint, "operator": "Exists", "effect": "NoSchedule"})
        if self.label:  # a pool that is kept for some is tainted as it is labelled
            taints.append({"key": self.label[0], "operator": "Equal", "value": self.label[1]})
        return found | ({"tolerations": taints} if taints else {})


def machine(compute: Compute) -> Machine:
    """Turn neutral words into a machine."""
    model, count, resource = "", 0, GPU
    if compute.accelerator and (parts := ACCELERATOR.fullmatch(compute.accelerator)):
        model, count = parts["whole"], int(parts["count"])
        resource = AMD_GPU if model in AMD_PRODUCTS else f"nvidia.com/mig-{parts['slice']}" if parts["slice"] else GPU
    key, _, value = (compute.pin or {}).get("kubernetes", "").partition("=")
    return Machine(
        cpus=compute.cpus or (count * _CPUS_BESIDE) or _CPUS,
        memory_gb=compute.memory_gb or (count * _MEMORY_GB_BESIDE) or _MEMORY_GB,
        accelerators=count,
        products=PRODUCTS.get(model) or AMD_PRODUCTS.get(model, ()),
        resource=resource,
        label=(key, value) if key else None,
    )


def selector(server: Server, more: str = "", **labels: Any) -> str:
    """Write the braces of a query."""
    matchers = [f'{key}="{value}"' for key, value in labels.items()]
    return "{" + ",".join([*matchers, server.answers, *([more] if more else [])]) + "}"
