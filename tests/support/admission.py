"""Offer what a program registers to a real API server: would it take the objects, and the pods that follow."""

from typing import Any
from urllib.parse import urlencode

from kubernetes import config
from kubernetes.client import ApiClient, ApiException, CoreV1Api

from support.mocks import Registration
from support.waiting import until

PLURALS = {"NetworkPolicy": "networkpolicies", "WorkloadPriorityClass": "workloadpriorityclasses"}
CLUSTER_WIDE = {"Namespace", "ClusterQueue", "ResourceFlavor", "WorkloadPriorityClass"}


def client(kubeconfig: str) -> ApiClient:
    return config.new_client_from_config(kubeconfig)


def whole(value: Any) -> Any:
    """Turn back into integers what Pulumi sends as a double."""
    if isinstance(value, dict):
        return {key: whole(item) for key, item in value.items()}
    if isinstance(value, list):
        return [whole(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def document(made: Registration) -> dict[str, Any]:
    """Return a registered object as the API gets it."""
    found: dict[str, Any] = whole(dict(made.inputs))
    return found


def path(found: dict[str, Any]) -> str:
    version, kind = found["apiVersion"], found["kind"]
    root = f"/apis/{version}" if "/" in version else f"/api/{version}"
    if kind not in CLUSTER_WIDE:
        root += f"/namespaces/{found['metadata']['namespace']}"
    return f"{root}/{PLURALS.get(kind, kind.lower() + 's')}"


def offer(api: ApiClient, found: dict[str, Any], *, keep: bool = False) -> list[str]:
    """Create an object, or only ask; return the warnings. Unknown fields are errors.

    :raises ApiException: it is refused.
    """
    query = {"fieldValidation": "Strict"} | ({} if keep else {"dryRun": "All"})
    headers = {"Accept": "application/json", "Content-Type": "application/json"}
    answer: Any = api.call_api(
        "POST",
        f"{api.configuration.host}{path(found)}?{urlencode(query)}",
        header_params=headers | dict(api.default_headers) | _login(api),
        body=found,
    )
    if answer.status >= 300:
        raise ApiException(status=answer.status, reason=answer.read().decode())
    return [value for key, value in answer.getheaders().items() if key.lower() == "warning"]


def _login(api: ApiClient) -> dict[str, str]:
    headers: dict[str, str] = {}
    api.update_params_for_auth(headers, [], ["BearerToken"], "", "GET", None)
    return headers


def restricted_namespace(name: str) -> dict[str, Any]:
    level = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "audit", "warn")}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": level}}


def pods_of(found: dict[str, Any], runtimes: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Write the pod that follows from an object: a workload's own, or the one that KServe makes of a predictor."""
    metadata = {"name": f"{found['metadata']['name']}-0", "namespace": found["metadata"]["namespace"]}
    if found["kind"] != "InferenceService":
        template = found["spec"]["template"]
        metadata["labels"] = template["metadata"]["labels"]
        return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}
    predictor = dict(found["spec"]["predictor"])
    model = predictor.pop("model", None)
    for key in ("timeout", "deploymentStrategy", "logger", "minReplicas", "maxReplicas", "storageUris"):
        predictor.pop(key, None)
    if model:
        own = {
            key: value
            for key, value in model.items()
            if key not in ("modelFormat", "protocolVersion", "storageUri", "runtime")
        }
        predictor["containers"] = [{**runtimes[model["runtime"]]["spec"]["containers"][0], **own}]
    metadata["labels"] = found["metadata"]["labels"]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": predictor}


def remove_namespace(api: ApiClient, name: str) -> None:
    """Delete a namespace and wait until it is gone: the next module that runs here may want the same name."""
    core = CoreV1Api(api)
    core.delete_namespace(name)
    until(lambda: name not in {found.metadata.name for found in core.list_namespace().items}, name)
