"""A workload on Azure: its variables, and the requests that its container takes."""

from collections.abc import Mapping
from typing import Any

from pulumi import Input, Output

from pulumi_mlops.backends.azure.addresses import SecretAddress, secret_url
from pulumi_mlops.components.feature_group import FeatureView
from pulumi_mlops.core.refs import SecretRef
from pulumi_mlops.core.workload import HEALTH, Workload, variables

CLIENT = "AZURE_CLIENT_ID"
"""The variable by which Microsoft's own libraries know which identity a program runs as."""
SCORING = "/invocations"
"""The path that takes requests."""
MODELS = "/mnt/models"
"""Where files are, below folders that Azure names after the model and its version (``AZUREML_MODEL_DIR``)."""
_PERIOD = 10


def environment(workload: Workload[FeatureView], client: Input[str]) -> dict[str, Input[str]]:
    """Return the variables of the container; those of the library win, and the checks refused a user's of such a name.

    Variables are read by whoever may read the deployment: a secret's variable holds the address of its value, which the
    container fetches from the vault as the endpoint's identity.
    """
    ours = variables({}, addresses(workload.secrets), workload.tracker, addresses(workload.keys))
    return {**workload.environment, **ours, CLIENT: client}


def addresses(secrets: Mapping[str, SecretRef]) -> dict[str, Input[str]]:
    """Return where each secret is, for who reads it with the vault's own API."""
    return {key: Output.from_input(SecretAddress.of(secret).id).apply(secret_url) for key, secret in secrets.items()}


def routes(workload: Workload[FeatureView]) -> dict[str, Any]:
    """Say where the container is asked, and where requests go."""
    health = {"port": workload.port, "path": workload.health or HEALTH}
    found: dict[str, Any] = {
        "liveness_route": health,
        "readiness_route": health,
        "scoring_route": {"port": workload.port, "path": SCORING},
    }
    if workload.startup_minutes is not None:
        found["startup_route"] = health
    return found


def probes(workload: Workload[FeatureView]) -> dict[str, Any]:
    """Say how often the container is asked, and how long it may take to be ready."""
    usual = {
        "period": f"PT{_PERIOD}S",
        "timeout": "PT2S",
        "initial_delay": f"PT{_PERIOD}S",
        "success_threshold": 1,
        "failure_threshold": 30,
    }
    found: dict[str, Any] = {"liveness_probe": usual, "readiness_probe": usual}
    if workload.startup_minutes is not None:
        found["startup_probe"] = {**usual, "failure_threshold": workload.startup_minutes * 60 // _PERIOD}
    return found
