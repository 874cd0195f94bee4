"""What callers ask of what was made, judged by roles.

``GET /vault/<vault>/secrets/<name>`` tells a secret. ``POST /score/<endpoint>`` tells which deployment would
answer; no model runs. ``GET /image/<registry>/<repository>`` pulls, and PUT pushes: images need not exist, and none is
kept.
"""

import random
from typing import Any

from werkzeug.wrappers import Request

from pulumi_mlops_sandbox.azure import access
from pulumi_mlops_sandbox.azure.call import Answer, Tenant
from pulumi_mlops_sandbox.azure.errors import ArmError
from pulumi_mlops_sandbox.azure.store import Record

VAULT, SCORE, IMAGE = "/vault/", "/score/", "/image/"
PREFIXES = (VAULT, SCORE, IMAGE)
REGISTRIES = "Microsoft.ContainerRegistry/registries"
IMAGES = {"GET": f"{REGISTRIES}/pull/read", "PUT": f"{REGISTRIES}/push/write"}
METRICS = "Microsoft.MachineLearningServices/workspaces/metrics/resource/write"
GET_SECRET = "Microsoft.KeyVault/vaults/secrets/getSecret/action"  # noqa: S105  (the name of a right)
INVOKE = "Microsoft.MachineLearningServices/workspaces/onlineEndpoints/score/action"
ENDPOINTS = "Microsoft.MachineLearningServices/workspaces/onlineEndpoints"


def answer(tenant: Tenant, request: Request, path: str, principal: str) -> Answer:
    """Answer one request."""
    if path.startswith(VAULT):
        return _secret(tenant, request, path.removeprefix(VAULT).split("/"), principal)
    if path.startswith(IMAGE):
        return _image(tenant, request, path.removeprefix(IMAGE).partition("/")[0], principal)
    return _score(tenant, request, path.removeprefix(SCORE).partition("/")[0], principal)


def _named(tenant: Tenant, kind: str, name: str) -> Record:
    for record in tenant.store.of_type(kind):
        if record.name.lower() == name.lower() and record.state != "Deleting":
            return record
    raise ArmError("ResourceNotFound", f"There is no {kind} '{name}'.", 404)


def _secret(tenant: Tenant, request: Request, parts: list[str], principal: str) -> Answer:
    vault = _named(tenant, "Microsoft.KeyVault/vaults", parts[0])
    if request.method != "GET" or len(parts) < 3 or parts[1] != "secrets":  # noqa: PLR2004  (vault, word, name)
        raise ArmError("BadParameter", "The sandbox tells secrets only: GET /vault/<vault>/secrets/<name>.")
    identity = f"{vault.id}/secrets/{parts[2]}"
    if not access.allowed(tenant, principal, GET_SECRET, identity, data=True):
        said = f"Caller is not authorized to perform action: '{principal}' lacks '{GET_SECRET}' on '{identity}'."
        raise ArmError("Forbidden", said, 403)
    secret = tenant.store.get(identity)
    if secret is None:
        raise ArmError("SecretNotFound", f"A secret with (name/id) {parts[2]} was not found in this key vault.", 404)
    told: dict[str, Any] = {"value": secret.properties.get("value"), "id": secret.at("properties.secretUriWithVersion")}
    return Answer(200, told)


def _image(tenant: Tenant, request: Request, name: str, principal: str) -> Answer:
    registry = _named(tenant, REGISTRIES, name)
    if request.method not in IMAGES:
        raise ArmError("UNSUPPORTED", "An image is pulled by GET, and pushed by PUT.", 405)
    if not access.allowed(tenant, principal, IMAGES[request.method], registry.id):
        raise ArmError("DENIED", f"'{principal}' lacks '{IMAGES[request.method]}' on '{registry.id}'.", 403)
    return Answer(200, {})


def _score(tenant: Tenant, request: Request, name: str, principal: str) -> Answer:
    endpoint = _named(tenant, ENDPOINTS, name)
    if request.method != "POST":
        raise ArmError("MethodNotAllowed", "An endpoint is asked by POST.", 405)
    if not access.allowed(tenant, principal, INVOKE, endpoint.id):
        raise ArmError("Forbidden", f"'{principal}' lacks '{INVOKE}' on '{endpoint.id}'.", 403)
    traffic = {one: share for one, share in (endpoint.properties.get("traffic") or {}).items() if share}
    if not traffic:
        raise ArmError("NoTraffic", f"The endpoint '{name}' has no deployment with traffic.", 404)
    chosen = random.choices(list(traffic), list(traffic.values()))[0]  # noqa: S311  (a share of the traffic)
    return Answer(200, {"deployment": chosen}, {"azureml-model-deployment": chosen})
