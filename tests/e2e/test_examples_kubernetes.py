"""Every example that needs a cluster is run: up, unchanged, down without a trace."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from kubernetes import client

from pulumi_mlops_sandbox.environment import Sandbox
from pulumi_mlops_sandbox.kubernetes.registry import Registry, serving
from pulumi_mlops_sandbox.stack import Stack
from support.e2e.inside import Cluster, Ways
from support.e2e.outside import Cloud, shown, succeeded
from support.waiting import until

# A whole stack each, on a machine that may be busy.
pytestmark = [pytest.mark.e2e, pytest.mark.long, pytest.mark.timeout(1800)]
StackOf = Callable[..., Stack]
TOKEN = "hf_not-in-any-state"


@pytest.fixture
def planes(request: pytest.FixtureRequest) -> tuple[str, ...]:
    return ("aws", "kubernetes") if "two_platforms" in request.node.name else ("kubernetes",)


@pytest.fixture
def cluster_inside(empty_sandbox: Sandbox) -> Iterator[Cluster]:
    """Look at the cluster before and after: nothing is left."""
    cluster = Cluster(empty_sandbox)
    before = cluster.everything()
    yield cluster
    assert cluster.everything() == before


@pytest.fixture
def registry(empty_sandbox: Sandbox) -> Iterator[Registry]:
    with serving(empty_sandbox) as found:
        yield found


def lives_and_dies(stack: Stack) -> None:
    assert set(succeeded(stack.up()).counts) == {"create"}
    assert shown(stack.up()) == []
    assert shown(stack.refresh()) == []
    assert set(succeeded(stack.destroy()).counts) == {"delete"}


@pytest.mark.usefixtures("cluster_inside")
def test_model_on_kubernetes(stack_of: StackOf) -> None:
    stack = stack_of("examples/model_on_kubernetes")
    stack.configure(image="registry.example.com/vision/labels:1.0.0")
    lives_and_dies(stack)


def test_gpu_training(stack_of: StackOf, cluster_inside: Cluster) -> None:
    """Quota and priority change in place; a run that an admin's queue would take is found by its queue."""
    stack = stack_of("examples/gpu_training", "kubernetes")
    stack.configure_secret("wandb_api_key", KEYS[0])
    assert set(succeeded(stack.up()).counts) == {"create"}
    assert shown(stack.up()) == []
    assert shown(stack.refresh()) == []
    assert cluster_inside.get("argoproj.io/v1alpha1", "WorkflowTemplate", "retrain", "vision-dev")
    runtimes = cluster_inside.kind("trainer.kubeflow.org/v1alpha1", "TrainingRuntime").get(namespace="vision-dev")
    told = json.dumps(runtimes.to_dict())
    assert [
        word for word in ("torchrun", "WANDB_PROJECT", "MLOPS_CHECKPOINTS", "wandb-api-key") if word not in told
    ] == []
    assert KEYS[0] not in told + stack.export()
    assert quota(cluster_inside, "vision-dev.gpus") == {"cpu": "16", "memory": "64Gi", "nvidia.com/gpu": "4"}
    assert quota(cluster_inside, "vision-dev.spare") == {"cpu": "0", "memory": "0", "nvidia.com/gpu": "0"}
    stack.configure(machines="6", terms='{"max_hours": 24, "priority": "normal"}')
    changed = shown(stack.up())
    assert "update ClusterQueue gpus-quota" in changed
    assert not [line for line in changed if line.startswith(("replace", "create", "delete"))]
    assert shown(stack.up()) == []
    assert quota(cluster_inside, "vision-dev.gpus")["nvidia.com/gpu"] == "6"
    first = cluster_inside.get(KUEUE, "WorkloadPriorityClass", "vision-dev.gpus")
    assert first
    assert first["value"] == 0
    assert set(succeeded(stack.destroy()).counts) == {"delete"}


KUEUE = "kueue.x-k8s.io/v1beta2"


def quota(cluster: Cluster, name: str) -> dict[str, str]:
    """Read how much a queue has of its own."""
    found = cluster.get(KUEUE, "ClusterQueue", name)
    assert found, name
    (group,) = found["spec"]["resourceGroups"]
    return {one["name"]: one["nominalQuota"] for one in group["flavors"][0]["resources"]}


@pytest.mark.usefixtures("cluster_inside")
def test_bring_your_own(stack_of: StackOf) -> None:
    stack = stack_of("examples/bring_your_own")
    stack.configure(access_key="AKEXAMPLE")
    stack.configure_secret("secret_key", "s3-secret")
    stack.configure_secret("database_password", "p@ss/word")
    lives_and_dies(stack)


@pytest.mark.usefixtures("cluster_inside")
def test_shared_platform(stack_of: StackOf) -> None:
    owner, user = stack_of("examples/shared_platform/owner"), stack_of("examples/shared_platform/user")
    owner.configure(backend="kubernetes")
    succeeded(owner.up())
    user.configure(platform_stack="organization/platform-owner/dev", image="registry.example.com/search/ranker:1.0.0")
    lives_and_dies(user)
    succeeded(owner.destroy())


@pytest.mark.usefixtures("cluster_inside")
def test_two_platforms(stack_of: StackOf, cloud: Cloud) -> None:
    before = cloud.everything()
    stack = stack_of("examples/two_platforms")
    lives_and_dies(stack)
    assert {kind: ids for kind, ids in cloud.everything().items() if "Pending" not in kind} == before


@pytest.mark.usefixtures("registry")
def test_fine_tuning(stack_of: StackOf, cluster_inside: Cluster) -> None:
    """A pipeline for several GPUs; the version that it would register is served when it is approved."""
    stack = stack_of("examples/fine_tuning", "kubernetes")
    stack.configure_secret("hub_token", TOKEN)
    assert set(succeeded(stack.up()).counts) == {"create"}
    assert shown(stack.up()) == []
    assert shown(stack.refresh()) == []
    template = cluster_inside.get("argoproj.io/v1alpha1", "WorkflowTemplate", "tuning", "assistant-dev")
    assert template
    assert '"nvidia.com/gpu": "8"' in json.dumps(template)
    assert TOKEN not in json.dumps(template) + stack.export()
    assert set(succeeded(stack.destroy()).counts) == {"delete"}


def test_language_model(stack_of: StackOf, cluster_inside: Cluster, registry: Registry) -> None:
    """The folder is served first, then by the same program a version of the registry, with the image of its own."""
    stack = stack_of("examples/language_model", "kubernetes")
    stack.configure_secret("hub_token", TOKEN)
    assert set(succeeded(stack.up()).counts) == {"create"}
    assert shown(stack.up()) == []
    assert shown(stack.refresh()) == []
    assert_vllm(stack, cluster_inside, stack.get("weights"))

    stack.configure(version=str(registry.register("llama")))
    assert {step.split()[0] for step in shown(stack.up())} == {"create", "update", "delete"}
    assert shown(stack.up()) == []
    assert shown(stack.refresh()) == []
    assert_vllm(stack, cluster_inside, "s3://artifacts/mlflow/")
    assert TOKEN not in stack.export()

    registry.forget()
    assert set(succeeded(stack.destroy()).counts) == {"delete"}


KEYS = ("clearml-0123456789-not-in-any-state", "clearml-9876543210-not-in-any-state")


def test_tracked_by_clearml(stack_of: StackOf, cluster_inside: Cluster) -> None:
    """Keys are rotated in place, read by who records and by nobody else, and found nowhere in clear."""
    stack = stack_of("examples/tracked_by_clearml", "kubernetes")
    stack.configure(**{name: f"http://127.0.0.1:{port}" for port, name in enumerate(("api", "web", "files"), 9)})
    for name, key in zip(("access_key", "secret_key"), KEYS, strict=True):
        stack.configure_secret(name, key)
    said = [succeeded(stack.preview_and_up("--diff")).output]
    assert shown(stack.up()) == []
    assert shown(stack.refresh()) == []
    stack.configure_secret("secret_key", "another-0123456789-not-in-any-state")
    rotated = stack.up("--diff")
    assert shown(rotated) == ["update Secret runs-experiment-tracker-clearml-api-secret-key"]
    assert shown(stack.up()) == []
    keys = {name: key["address"]["id"] for name, key in stack.outputs()["tracker"]["keys"].items()}
    values = {name: cluster_inside.secret("search-dev", secret)["value"] for name, secret in keys.items()}
    assert values == {
        "CLEARML_API_ACCESS_KEY": KEYS[0],
        "CLEARML_API_SECRET_KEY": "another-0123456789-not-in-any-state",
    }
    trainer, nobody = ("system:serviceaccount:search-dev:trainer", "system:serviceaccount:search-dev:default")
    assert all(may_read(cluster_inside, trainer, secret) for secret in keys.values())
    assert not any(may_read(cluster_inside, nobody, secret) for secret in keys.values())
    assert not may_read(cluster_inside, trainer, "search-store-writer")
    said += [rotated.output, stack.export(), json.dumps(stack.outputs())]
    for key in (*KEYS, "another-0123456789-not-in-any-state"):
        assert [words[:200] for words in said if key in words] == []
        assert [path for path in stack.folder.rglob("*") if path.is_file() and key.encode() in path.read_bytes()] == []
    assert set(succeeded(stack.destroy()).counts) == {"delete"}


def may_read(cluster: Cluster, user: str, secret: str) -> bool:
    """Ask the API server whether a service account may read a Secret of its namespace."""
    asked = {"namespace": user.split(":")[2], "verb": "get", "resource": "secrets", "name": secret}
    review = client.V1SubjectAccessReview(spec={"user": user, "resourceAttributes": asked})
    return bool(client.AuthorizationV1Api(cluster.api).create_subject_access_review(review).status.allowed)


TRACKED = """
import pulumi
import pulumi_mlops as mlops

platform = mlops.Platform("tracked", backend="kubernetes")
runs = mlops.ExperimentTracker("runs", platform=platform)
for name in ("trainer", "tuner"):
    mlops.Identity(name, platform=platform, records=[runs])
pulumi.export("tracker", runs.ref.export())
"""


def test_a_tracker_of_ones_own(project: Callable[..., Any], empty_sandbox: Sandbox, cluster_inside: Cluster) -> None:
    """Each who records reads a login of their own, and nobody else's."""
    stack = Stack(empty_sandbox, project(TRACKED, name="tracked"))
    lives = succeeded(stack.up())
    assert set(lives.counts) == {"create"}
    assert shown(stack.up()) == []
    assert shown(stack.refresh()) == []
    logins = {name: f"{name}-record-runs" for name in ("trainer", "tuner")}
    passwords = {name: cluster_inside.secret("tracked-dev", login)["value"] for name, login in logins.items()}
    assert len(set(passwords.values())) == 2
    for name in logins:
        account = f"system:serviceaccount:tracked-dev:{name}"
        assert [other for other, login in logins.items() if may_read(cluster_inside, account, login)] == [name]
        assert not may_read(cluster_inside, account, "runs-tracker"), "the admin's"
    exported = stack.export() + json.dumps(stack.outputs()) + lives.output
    assert not [password for password in passwords.values() if password in exported]
    assert set(succeeded(stack.destroy()).counts) == {"delete"}


def assert_vllm(stack: Stack, cluster: Cluster, files: str) -> None:
    """Find vLLM served in the one revision that is left, as the program says."""
    (found,) = cluster.kind("serving.kserve.io/v1beta1", "InferenceService").get(namespace="assistant-dev").items
    predictor: dict[str, Any] = found.to_dict()["spec"]["predictor"]
    (container,) = predictor["containers"]
    environment = {variable["name"]: variable.get("value") for variable in container["env"]}
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    volumes = {volume["name"]: volume for volume in predictor["volumes"]}
    (uri,) = predictor["storageUris"]
    assert uri["uri"].startswith(files)
    assert uri["mountPath"] == container["command"][2]
    assert container["image"] == stack.get("image")
    assert container["ports"][0]["containerPort"] == 8000
    assert container["readinessProbe"]["httpGet"] == {"path": "/health", "port": 8000}
    assert container["resources"]["limits"]["nvidia.com/gpu"] == "1"
    assert predictor["timeout"] == 300
    assert volumes["shared-memory"]["emptyDir"] == {"medium": "Memory", "sizeLimit": "16Gi"}
    assert mounts["shared-memory"] == "/dev/shm"  # noqa: S108 (where programs look for it)
    (source,) = volumes["secrets"]["projected"]["sources"]
    (item,) = source["secret"]["items"]
    assert environment["HF_TOKEN_PATH"] == f"{mounts['secrets']}/{item['path']}"
    assert environment["MLOPS_SECRET_HUB_TOKEN"] == f"file://{environment['HF_TOKEN_PATH']}"
    assert cluster.secret("assistant-dev", source["secret"]["name"])[item["key"]] == TOKEN


SERVERS = {"feast/feature-server": 6566, "mlflow/tracking": 5000, "models/churn-2019-predictor": 8080}
SERVING = "serving.kserve.io/v1beta1"


def what_other_teams_run(cluster: Cluster) -> None:
    """Make what the example takes over, in namespaces of their own."""

    def make(api_version: str, kind: str, namespace: str | None, name: str, **parts: Any) -> None:
        body = {"apiVersion": api_version, "kind": kind, "metadata": {"name": name}, **parts}
        cluster.kind(api_version, kind).create(body=body, namespace=namespace)

    for namespace in ("feast", "mlflow", "models", "storefront", "jobs"):
        make("v1", "Namespace", None, namespace)
    for called, port in SERVERS.items():
        namespace, name = called.split("/")
        ports = [{"name": "http", "port": 80, "targetPort": "api"}]
        make("v1", "Service", namespace, name, spec={"selector": {"app": name}, "ports": ports})
        container = {
            "name": "server",
            "image": "registry.example.com/server:1",
            "ports": [{"name": "api", "containerPort": port}],
        }
        template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container]}}
        spec = {"replicas": 1, "selector": {"matchLabels": {"app": name}}, "template": template}
        make("apps/v1", "Deployment", namespace, name, spec=spec)
    model = {"modelFormat": {"name": "sklearn"}, "storageUri": "s3://models/churn"}
    make(SERVING, "InferenceService", "models", "churn-2019", spec={"predictor": {"model": model}})
    make("v1", "ServiceAccount", "storefront", "web")
    until(lambda: all(ready(cluster, called) for called in SERVERS), "the servers of the other teams")


def ready(cluster: Cluster, called: str) -> bool:
    namespace, name = called.split("/")
    found = cluster.get("apps/v1", "Deployment", name, namespace)
    return bool(found and found["status"].get("availableReplicas"))


def written(cluster: Cluster) -> dict[str, Any]:
    """Read what was taken over, as its owners wrote it, and the policies beside it."""
    objects = [("v1", "Service", *called.split("/")) for called in SERVERS]
    objects += [(SERVING, "InferenceService", "models", "churn-2019"), ("v1", "ServiceAccount", "storefront", "web")]
    found: dict[str, Any] = {}
    for api_version, kind, namespace, name in objects:
        there = cluster.get(api_version, kind, name, namespace)
        assert there, name
        there["metadata"].pop("managedFields", None)
        found[f"{kind} {namespace}/{name}"] = {"metadata": there["metadata"], "spec": there.get("spec")}
        policies = cluster.kind("networking.k8s.io/v1", "NetworkPolicy").get(namespace=namespace).to_dict()
        found[f"policies of {namespace}"] = policies["items"]
    return found


def test_adopt_on_kubernetes(stack_of: StackOf, empty_sandbox: Sandbox, registry: Registry) -> None:
    cluster, stack = Cluster(empty_sandbox), stack_of("examples/adopt_on_kubernetes")
    refused = stack.preview()
    assert refused.code != 0
    assert "FeatureStore 'features': 1 problem; nothing was registered." in refused.output
    assert "called: there is no Service feast/feature-server in the cluster" in refused.output
    assert "Traceback" not in refused.output

    what_other_teams_run(cluster)
    unknown = stack.preview()
    assert unknown.code != 0
    assert "called: registry 'central' has no model 'Churn'" in unknown.output
    for auc in (0.94, 0.7):  # the newest one misses the gate
        registry.approve("Churn", registry.register("Churn", auc=auc))
    before = written(cluster)
    lives_and_dies(stack)
    assert written(cluster) == before
    assert cluster.get("v1", "Namespace", "ranking-dev") is None


def test_team_access(stack_of: StackOf, empty_sandbox: Sandbox) -> None:
    cluster = Cluster(empty_sandbox)
    cluster.kind("v1", "Namespace").create(body={"metadata": {"name": "ranking"}})
    for account in ("trainer", "web"):
        cluster.kind("v1", "ServiceAccount").create(body={"metadata": {"name": account}}, namespace="ranking")
    before = cluster.everything()
    owner, team = stack_of("examples/team_access/owner"), stack_of("examples/team_access/team")
    owner.configure(backend="kubernetes")
    succeeded(owner.up())
    team.configure(owner_stack="organization/features-owner/dev")
    warned = succeeded(team.preview()).output
    assert all(f"{capability}: Feast" in warned for capability in ("identity.reads", "identity.writes")), warned
    assert set(succeeded(team.up()).counts) == {"create"}
    assert shown(team.up()) == []
    assert shown(team.refresh()) == []
    assert_only_the_trainer_is_trusted(cluster)
    assert_the_team_reads_one_secret(cluster)
    assert_the_ways_of_the_team(cluster)
    assert set(succeeded(team.destroy()).counts) == {"delete"}
    succeeded(owner.destroy())
    assert cluster.everything() == before


HUB, TEAM = "market-dev", "ranking-team"


def assert_only_the_trainer_is_trusted(cluster: Cluster) -> None:
    """Let accounts ask for tokens: the one that is trusted gets the team's and no other."""
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 600}}
    accounts = [item.metadata.name for item in cluster.kind("v1", "ServiceAccount").get(namespace=HUB).items]
    assert len(accounts) > 2
    got = {
        (who, account): cluster.as_account("ranking", who).status_of(
            "POST", f"/api/v1/namespaces/{HUB}/serviceaccounts/{account}/token", body
        )
        for who in ("trainer", "web")
        for account in accounts
    }
    assert {pair for pair, status in got.items() if status == 201} == {("trainer", TEAM)}
    assert {status for pair, status in got.items() if pair != ("trainer", TEAM)} == {403}


def assert_the_team_reads_one_secret(cluster: Cluster) -> None:
    """List all that the team's account may do: it reads the object store's reading key, and nothing else."""
    team = cluster.as_account(HUB, TEAM)
    assert team.rights(HUB) - team.rights("default") == {("get", "", "secrets", "market-store-reader")}
    assert team.tries("get", "", "secrets", "market-store-reader", HUB) == 200
    assert team.tries("get", "", "secrets", "market-store-writer", HUB) == 403
    assert team.tries("list", "", "secrets", "", HUB) == 403


def assert_the_ways_of_the_team(cluster: Cluster) -> None:
    """Judge who reaches what: the team's pods, here and in its namespace, the feature server and the object store."""
    ways, label = Ways(cluster), {"pulumi-mlops/account": TEAM}
    doors = [(pods, port) for pods, port in ways.doors() if pods[0] == HUB]
    assert len({port for _, port in doors}) > 3, doors

    def reached(space: str, labels: Mapping[str, str]) -> set[tuple[str, int]]:
        found = [(pods, port) for pods, port in doors if ways.lead((space, labels), pods, port)]
        return {(pods[1]["app.kubernetes.io/name"], port) for pods, port in found}

    assert reached(HUB, label) == reached("ranking", label) == {("feast", 6566), ("seaweedfs", 8333)}
    assert reached(HUB, {}) == reached("ranking", {}) == reached("elsewhere", label) == set()
