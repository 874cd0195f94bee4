"""Every example on Azure is run: up, unchanged, down without a trace, beside what other teams run in the same place."""

import copy
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest

from pulumi_mlops_sandbox.environment import Sandbox
from pulumi_mlops_sandbox.stack import Stack
from support.e2e.outside import shown, succeeded
from support.e2e.tenant import ActingAs, Tenant
from support.sandbox.arm_good import GOOD, GROUP, MODEL, NETWORK, STORAGE, VAULT, WORKSPACE, P

pytestmark = [pytest.mark.e2e, pytest.mark.long, pytest.mark.timeout(1800)]  # a whole stack, on a busy machine
StackOf = Callable[..., Stack]
DEPLOYER = "22222222-0000-4000-8000-000000000002"
CONTRIBUTOR, USER_ACCESS_ADMINISTRATOR = (
    "b24988ac-6180-42a0-ab88-20f7382dd24c",
    "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9",
)
TOKEN = "hf_not-in-any-state"


@pytest.fixture
def planes() -> tuple[str, ...]:
    return ("azure",)


def approved(tenant: Tenant, number: int, auc: float) -> None:
    """Have a version of the other team's model, as its training registers it, and approved."""
    properties: dict[str, Any] = {
        "modelUri": f"azureml://datastores/workspaceblobstore/paths/models/churn/{number}/",
        "modelType": "custom_model",
        "properties": {"auc": str(auc)},
        "tags": {"approval": "approved"},
    }
    tenant.done("PUT", f"{MODEL}/versions/{number}", {"properties": properties})


def test_existing_workspace(stack_of: StackOf, tenant: Tenant) -> None:
    """Whoever deploys it has rights in the workspace's resource group, and nowhere else."""
    stack = stack_of("examples/existing_workspace")
    stack.configure(workspace="churn", model="churn", endpoint="churn-live")
    stack.configure_secret("hub_token", TOKEN)
    refused = stack.preview()
    assert refused.code != 0
    assert "existing.workspace: there is no workspace 'churn' in subscription" in refused.output
    assert "Traceback" not in refused.output

    tenant.furnish()
    for number, auc in {7: 0.94, 8: 0.7}.items():  # the newest one misses the gate
        approved(tenant, number, auc)
    for number, role in enumerate((CONTRIBUTOR, USER_ACCESS_ADMINISTRATOR)):
        tenant.give(GROUP, role, DEPLOYER, number)
    stack.sandbox = ActingAs(stack.sandbox, DEPLOYER)
    stack.configure(workspace=WORKSPACE)
    before, written = tenant.everything(), tenant.written()
    assert set(succeeded(stack.up()).counts) == {"create"}
    assert shown(stack.up()) == []
    assert shown(stack.refresh()) == []
    assert_beside(stack, tenant)
    assert tenant.written() == written
    assert TOKEN not in stack.export()
    assert set(succeeded(stack.destroy()).counts) == {"delete"}
    assert tenant.everything() == before
    assert tenant.written() == written


NETWORKED = """
import pulumi
import pulumi_mlops as mlops

subnet = pulumi.Config().require("subnet")
mlops.Platform("shut", backend="azure", region="eastus", network={"existing": {"subnets": [subnet]}})
"""


def test_a_network_that_is_there(tenant: Tenant, empty_sandbox: Sandbox, project: Callable[..., Path]) -> None:
    """Private endpoints are in the other team's subnet; its zone of the vault's names is used, the others are made."""
    tenant.furnish()
    vaults = GOOD["zone"].id
    asks = {"registrationEnabled": False, "virtualNetwork": {"id": NETWORK}}
    tenant.done("PUT", f"{vaults}/virtualNetworkLinks/theirs", {"location": "global", "properties": asks})
    before, written = tenant.everything(), tenant.written()
    stack = Stack(empty_sandbox, project(NETWORKED, name="shut"))
    stack.configure(subnet=GOOD["subnet"].id)
    assert set(succeeded(stack.up()).counts) == {"create"}
    assert shown(stack.up()) == []
    assert shown(stack.refresh()) == []
    zones = tenant.everything()["Microsoft.Network/privateDnsZones"]
    named = [zone.rpartition("/")[2] for zone in zones]
    assert len(named) == len(set(named)) == 5
    doors = [tenant.done("GET", path) for path in tenant.everything()["Microsoft.Network/privateEndpoints"]]
    assert {one["properties"]["subnet"]["id"] for one in doors} == {GOOD["subnet"].id}
    assert set(succeeded(stack.destroy()).counts) == {"delete"}
    assert tenant.everything() == before
    assert tenant.written() == written


def assert_beside(stack: Stack, tenant: Tenant) -> None:
    """Find the platform in the workspace, with a container of its own in the storage account that is there."""
    found = {item["type"].rpartition(":")[2] for item in stack.state()["resources"]}
    assert not found & {"ResourceGroup", "StorageAccount", "Vault", "Registry"}
    assert stack.outputs()["artifacts"] == "https://churnfiles.blob.core.windows.net/legacy-dev/"
    (score,) = (
        one
        for one in tenant.done("GET", f"{WORKSPACE}/onlineEndpoints")["value"]
        if one.get("tags", {}).get("component") == "Endpoint/score"
    )
    (deployment,) = tenant.done("GET", f"{score['id']}/deployments")["value"]
    assert deployment["properties"]["model"].endswith("/workspaces/churn/models/churn/versions/7")
    assert score["properties"]["traffic"] == {deployment["name"]: 100}


NOUNS = """
import pulumi
import pulumi_mlops as mlops

platform = mlops.Platform("legacy", backend="azure", existing={"workspace": "bare"})
store = mlops.FeatureStore("features", platform=platform, materialize={"cron": "0 * * * *"})
mlops.FeatureGroup(
    "profile", store=store, keys=["id"], event_time="at", features={"id": "string", "at": "timestamp"}
)
registry = mlops.ModelRegistry("models", platform=platform, events={"deploy": {"to": "https://ci.example.com/hook"}})
churn = mlops.Model("churn", registry=registry)
mlops.Endpoint("score", platform=platform, model={"image": "docker.io/library/server:1"}, capture_percent=20)
"""


def test_every_noun_stands_on_a_workspace_that_has_the_least(
    tenant: Tenant, empty_sandbox: Sandbox, project: Callable[..., Path]
) -> None:
    """The workspace acts as its own identity, has neither registry nor insights, and its parts are in another group."""
    tenant.furnish()
    elsewhere = f"{GROUP}-data"
    storage = STORAGE.replace(GROUP, elsewhere).replace("churnfiles", "barefiles")
    vault = VAULT.replace(GROUP, elsewhere).replace("churn-vault", "bare-vault")
    tenant.done("PUT", elsewhere, {"location": "eastus"})
    tenant.done("PUT", storage, GOOD["storage"].body)
    tenant.done("PUT", vault, GOOD["vault"].body)
    body = copy.deepcopy(GOOD["workspace"].body) | {"identity": {"type": "SystemAssigned"}}
    body["properties"] |= {"storageAccount": storage, "keyVault": vault}
    for part in ("containerRegistry", "applicationInsights", "primaryUserAssignedIdentity"):
        del body["properties"][part]
    bare = WORKSPACE.replace("/churn", "/bare")
    tenant.done("PUT", bare, body)
    before, written = tenant.everything(), tenant.done("GET", bare)
    stack = Stack(empty_sandbox, project(NOUNS, name="legacy"))
    assert set(succeeded(stack.up()).counts) == {"create"}
    assert shown(stack.up()) == []
    assert shown(stack.refresh()) == []
    (model,) = (one["id"] for one in stack.state()["resources"] if one["type"].endswith(":ModelContainer"))
    assert model == f"{bare}/models/legacy-dev-models-churn", "the workspace may have a model of that name"
    assert tenant.done("GET", bare) == written
    succeeded(stack.destroy())
    assert tenant.everything() == before


IMAGES = f"{P}/Microsoft.ContainerRegistry/registries/imagesofours"
WEIGHTS = f"{P}/Microsoft.Storage/storageAccounts/weightsofours"


def test_gpu_training(stack_of: StackOf, tenant: Tenant) -> None:
    """Counts and idle time change in place; another size is another compute, made before the old one goes."""
    for path, kind in {GROUP: "group", IMAGES: "registry"}.items():
        tenant.done("PUT", path, GOOD[kind].body)
    stack, before = stack_of("examples/gpu_training", "azure"), tenant.everything()
    stack.configure_secret("wandb_api_key", KEYS[0])
    assert set(succeeded(stack.up()).counts) == {"create"}
    assert shown(stack.up()) == []
    assert shown(stack.refresh()) == []
    assert KEYS[0] not in stack.export()
    stack.configure(run="{}")
    assert "delete Pipeline retrain" in shown(stack.up())
    stack.configure(machines="9")
    refused = stack.preview()
    assert refused.code != 0
    assert "9 of Standard_ND96asr_v4 have 864 CPUs, and the quota of" in refused.output
    stack.configure(machines="1", terms='{"idle_minutes": 40}')
    assert shown(stack.up()) == ["update Compute gpus-compute", "update TrainingCluster gpus"]
    stack.configure(accelerator="A100:1", terms="{}")
    assert "replace Compute gpus-compute" in shown(stack.up())
    assert shown(stack.up()) == []
    assert set(succeeded(stack.destroy()).counts) == {"delete"}
    assert tenant.everything() == before


def test_fine_tuning(stack_of: StackOf, tenant: Tenant) -> None:
    """A pipeline for several GPUs; nothing is served before somebody approves what it registers."""
    for path, kind in {GROUP: "group", IMAGES: "registry"}.items():
        tenant.done("PUT", path, GOOD[kind].body)
    stack, before = stack_of("examples/fine_tuning", "azure"), tenant.everything()
    stack.configure_secret("hub_token", TOKEN)
    assert set(succeeded(stack.up()).counts) == {"create"}
    assert shown(stack.up()) == []
    assert shown(stack.refresh()) == []
    assert TOKEN not in stack.export()
    assert "OnlineEndpoint" not in {item["type"].rpartition(":")[2] for item in stack.state()["resources"]}
    assert set(succeeded(stack.destroy()).counts) == {"delete"}
    assert tenant.everything() == before


def test_language_model(stack_of: StackOf, tenant: Tenant) -> None:
    """The folder is served first, then by the same program a version of the registry, with the image of its own."""
    container = f"{WEIGHTS}/blobServices/default/containers/weights"
    kinds = {GROUP: "group", IMAGES: "registry", WEIGHTS: "storage", container: "container"}
    for path, kind in kinds.items():
        tenant.done("PUT", path, GOOD[kind].body)
    before = tenant.everything()
    stack = stack_of("examples/language_model", "azure")
    stack.configure_secret("hub_token", TOKEN)
    assert set(succeeded(stack.up()).counts) == {"create"}
    assert shown(stack.up()) == []
    assert shown(stack.refresh()) == []
    files = assert_vllm(stack, tenant)
    assert "/paths/llama-3.1-8b/" in files["modelUri"]
    named = files["modelUri"].split("/datastores/")[1].split("/")[0]
    store = tenant.done("GET", f"{tenant.root(stack)}/datastores/{named}")
    assert store["properties"]["accountName"] == "weightsofours"
    assert readers(tenant, container) == {"llama-3.1-8b/*"}

    root = f"{tenant.root(stack)}/models/models-llama"
    properties = {"modelUri": "azureml://datastores/artifacts/paths/models/llama/1/", "modelType": "custom_model"}
    tenant.done("PUT", f"{root}/versions/1", {"properties": properties})
    stack.configure(version="1")
    moved = shown(stack.up())
    assert {step.split()[1] for step in moved if step.startswith("replace")} == set(), moved
    assert shown(stack.up()) == []
    assert_vllm(stack, tenant)
    assert readers(tenant, container) == set(), "what is served no more is read no more"
    assert TOKEN not in stack.export()

    tenant.done("DELETE", f"{root}/versions/1")
    assert set(succeeded(stack.destroy()).counts) == {"delete"}
    assert tenant.everything() == before


def assert_vllm(stack: Stack, tenant: Tenant) -> dict[str, Any]:
    """Find vLLM served by the newest deployment, as the program says; return the version of the model there."""
    (deployment,) = tenant.newest(stack)
    said = deployment["properties"]
    environment = tenant.done("GET", said["environmentId"])["properties"]
    health = {"port": 8000, "path": "/health"}
    assert environment["image"] == stack.get("image")
    assert environment["inferenceConfig"]["startupRoute"] == environment["inferenceConfig"]["readinessRoute"] == health
    assert environment["inferenceConfig"]["scoringRoute"] == {"port": 8000, "path": "/invocations"}
    assert said["instanceType"] == "Standard_NC24ads_A100_v4"
    assert said["modelMountPath"] == "/mnt/models"
    assert said["requestSettings"]["requestTimeout"] == "PT180S"
    assert (said["startupProbe"]["failureThreshold"], said["startupProbe"]["period"]) == (240, "PT10S"), "40 minutes"
    secret = said["environmentVariables"]["MLOPS_SECRET_HUB_TOKEN"]
    assert secret.endswith(".vault.azure.net/secrets/hub-token")
    return dict(tenant.done("GET", said["model"])["properties"])


def readers(tenant: Tenant, container: str) -> set[str]:
    """Return the paths of a container that somebody is let at."""
    path = f"{container}/providers/Microsoft.Authorization/roleAssignments"
    given = [one["properties"] for one in tenant.done("GET", path)["value"]]
    return {path for one in given for path in re.findall(r"blobs:path\] StringLike '([^']+)'", one["condition"])}


HOOK = "https://ci.example.com/hooks/ranker"


def test_two_workspaces(stack_of: StackOf, tenant: Tenant) -> None:
    """Both wait; training registers a version in the registry, and it is served in both regions."""
    before = tenant.everything()
    stack = stack_of("examples/two_workspaces")
    stack.configure(tag="1")
    stack.configure_secret("hook", HOOK)
    assert set(succeeded(stack.up()).counts) == {"create"}
    assert shown(stack.up()) == []
    model = stack.outputs()["model"]
    registry = model.partition("/models/")[0]
    version = {
        "properties": {
            "modelUri": "https://of-the-registry.blob.core.windows.net/ranker/1",
            "modelType": "custom_model",
            "tags": {"approval": "approved"},
            "properties": {"ndcg": "0.7"},
        }
    }
    assert refused(tenant, "nobody", f"{model}/versions/1", version) == "AuthorizationFailed"
    tenant.done("PUT", f"{model}/versions/1", version, principal=stack.outputs()["training"])
    (flow,) = (one["id"] for one in stack.state()["resources"] if one["type"].endswith(":Workflow"))
    assert [one["body"]["approval"] for one in tenant.run(flow, 0.0)["told"]] == ["approved"]
    assert set(succeeded(stack.up()).counts) <= {"create", "update"}
    assert shown(stack.up()) == []
    assert shown(stack.refresh()) == []
    served = tenant.served()
    assert set(served) == {"westeurope", "northeurope"}
    assert set(served.values()) == {f"azureml://registries/{registry.rpartition('/')[2]}/models/ranker/versions/1"}
    assert [one["location"] for one in tenant.done("GET", registry)["properties"]["regionDetails"]] == [
        "westeurope",
        "northeurope",
    ]
    tenant.done("DELETE", f"{model}/versions/1")
    assert set(succeeded(stack.destroy()).counts) == {"delete"}
    assert tenant.everything() == before


def refused(tenant: Tenant, principal: str, path: str, body: dict[str, Any]) -> str:
    """Return the code with which somebody's request is refused."""
    with pytest.raises(HTTPError) as caught:
        tenant.done("PUT", path, body, principal=principal)
    with caught.value as error:
        return str(json.load(error)["error"]["code"])


KEYS = ("clearml-0123456789-not-in-any-state", "clearml-9876543210-not-in-any-state")


def test_tracked_by_clearml(stack_of: StackOf, tenant: Tenant) -> None:
    """Keys are rotated in place, read by who records and by nobody else, and found nowhere in clear."""
    before, stack = tenant.everything(), stack_of("examples/tracked_by_clearml", "azure")
    stack.configure(**{name: f"http://127.0.0.1:{port}" for port, name in enumerate(("api", "web", "files"), 9)})
    for name, key in zip(("access_key", "secret_key"), KEYS, strict=True):
        stack.configure_secret(name, key)
    said = [succeeded(stack.preview_and_up("--diff")).output]
    assert shown(stack.up()) == []
    assert shown(stack.refresh()) == []
    stack.configure_secret("secret_key", "another-0123456789-not-in-any-state")
    rotated = stack.up("--diff")
    assert shown(rotated) == ["update Secret runs-secret-clearml-api-secret-key"]
    assert shown(stack.up()) == []
    keys = stack.outputs()["tracker"]["keys"]
    (trainer,) = (one for one in stack.state()["resources"] if one["urn"].endswith("::trainer-identity"))
    principal = trainer["outputs"]["principalId"]
    for name, value in (("ACCESS_KEY", KEYS[0]), ("SECRET_KEY", "another-0123456789-not-in-any-state")):
        *_, vault, _, secret = keys[f"CLEARML_API_{name}"]["address"]["id"].split("/")
        assert tenant.done("GET", f"/vault/{vault}/secrets/{secret}", principal=principal)["value"] == value
        with pytest.raises(HTTPError) as caught:
            tenant.done("GET", f"/vault/{vault}/secrets/{secret}", principal=DEPLOYER)
        with caught.value as error:
            assert error.code == 403
    said += [rotated.output, stack.export(), json.dumps(stack.outputs()), tenant.shown()]
    for key in (*KEYS, "another-0123456789-not-in-any-state"):
        assert [words[:200] for words in said if key in words] == []
        assert [path for path in stack.folder.rglob("*") if path.is_file() and key.encode() in path.read_bytes()] == []
    succeeded(stack.destroy())
    assert tenant.everything() == before
