"""The control planes and the providers that a sandbox can have."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Provider:
    """A Pulumi provider of the sandbox."""

    name: str
    module: str
    """What is started as the plugin: ``python -m MODULE``."""
    package: str
    """The distribution of the provider's SDK, whose version the provider has."""


@dataclass(frozen=True)
class ControlPlane:
    """One cloud of the sandbox."""

    name: str
    server: str
    """The module that serves it: ``python -m SERVER --home DIR --port 0``; writes ``<name>.json`` when it is ready."""
    provider: Provider
    environment: Callable[[Path, str | None], dict[str, str]]
    """What a process needs to use it, given the sandbox's folder and its address; without one, what leads nowhere."""
    hides: tuple[str, ...]
    """The beginnings of the variables that belong to the user's real account."""
    prepare: Callable[[Path, str], None] = lambda _home, _nodes: None
    """Builds what it needs before it can start, once, with progress, given the sandbox's folder and its nodes."""
    nodes: tuple[str, ...] = ()
    """What nodes it can have, told to the server by ``--nodes``; the first one unless somebody says otherwise."""
    clean: Callable[[Path], None] = lambda _home: None
    """Removes from the machine what a server that was killed has left there."""
    warn: Callable[[Path, str], str] = lambda _home, _nodes: ""
    """Says what is about to go wrong while it runs, given the sandbox's folder and its nodes."""


PLAYED, REAL = "played", "real"
"""What nodes a Kubernetes of the sandbox can have: no container runs, or all do."""
NOWHERE = "http://127.0.0.1:9"
"""An address at which nobody answers."""


def _aws(_home: Path, url: str | None) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL": url or NOWHERE,
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "sandbox",
        "AWS_SECRET_ACCESS_KEY": "sandbox",
        "AWS_EC2_METADATA_DISABLED": "true",
        # Nothing of a real account may leak in.
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }


def _azure(_home: Path, url: str | None) -> dict[str, str]:
    from pulumi_mlops_sandbox.azure import facts  # noqa: PLC0415  (as little as can be before a command runs)

    where = url or NOWHERE
    return {
        "ARM_CLOUD_METADATA_URL": f"{where}/metadata/endpoints?api-version=2022-09-01",
        "ARM_SUBSCRIPTION_ID": facts.SUBSCRIPTION,
        "ARM_TENANT_ID": facts.TENANT,
        "ARM_CLIENT_ID": facts.CLIENT,
        "PULUMI_MLOPS_ARM_ENDPOINT": where,
        "PULUMI_MLOPS_ARM_TOKEN": facts.TOKEN,
    }


def _prepare_azure(_home: Path, _nodes: str) -> None:
    from pulumi_mlops_sandbox.azure.types import extract  # noqa: PLC0415  (only who wants Azure)

    extract.ensure()


def _kubernetes(home: Path, _url: str | None) -> dict[str, str]:
    return {"KUBECONFIG": str(home / "kubeconfig")}  # while the cluster is down this leads nowhere by itself


def _prepare_kubernetes(home: Path, nodes: str) -> None:
    from pulumi_mlops_sandbox import packages  # noqa: PLC0415  (only who wants a cluster)
    from pulumi_mlops_sandbox.kubernetes import prepared  # noqa: PLC0415  (as above; it needs packages of its own)
    from pulumi_mlops_sandbox.kubernetes.nodes import images, layers, product, requirements  # noqa: PLC0415  (as above)

    if nodes == REAL:
        requirements.require(home)
        for image in images.node(product.ensure().programs):
            layers.write(image)
    prepared.ensure()
    packages.ensure()


def _warn_kubernetes(home: Path, nodes: str) -> str:
    from pulumi_mlops_sandbox.kubernetes.nodes import requirements  # noqa: PLC0415  (only who had a cluster)

    return requirements.warning(home) if nodes == REAL else ""


def _clean_kubernetes(home: Path) -> None:
    from pulumi_mlops_sandbox.kubernetes.nodes import leftovers  # noqa: PLC0415  (only who had a cluster)

    leftovers.clean(home)


CONTROL_PLANES = (
    ControlPlane(
        name="aws",
        server="pulumi_mlops_sandbox.aws.server",
        provider=Provider("aws", "pulumi_mlops_sandbox.aws.provider", "pulumi-aws"),
        environment=_aws,
        hides=("AWS_",),
    ),
    ControlPlane(
        name="kubernetes",
        server="pulumi_mlops_sandbox.kubernetes.server",
        provider=Provider("kubernetes", "pulumi_mlops_sandbox.kubernetes.provider", "pulumi-kubernetes"),
        environment=_kubernetes,
        hides=("KUBECONFIG", "KUBERNETES_", "HELM_", "PULUMI_K8S_"),
        prepare=_prepare_kubernetes,
        nodes=(PLAYED, REAL),
        clean=_clean_kubernetes,
        warn=_warn_kubernetes,
    ),
    ControlPlane(
        name="azure",
        server="pulumi_mlops_sandbox.azure.server",
        provider=Provider("azure-native", "pulumi_mlops_sandbox.azure.provider", "pulumi-azure-native"),
        environment=_azure,
        hides=("AZURE_", "ARM_", "PULUMI_MLOPS_ARM_"),
        prepare=_prepare_azure,
    ),
)
"""The first one is started where nothing says which is wanted."""

PROVIDERS = (Provider("random", "pulumi_mlops_sandbox.random_provider", "pulumi-random"),)
"""Providers that belong to no control plane."""
