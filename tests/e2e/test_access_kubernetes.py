"""What each service account may do with its own token, and what it may not, asked of a real API server."""

from collections.abc import Iterator

import pytest

from pulumi_mlops_sandbox.environment import Sandbox
from pulumi_mlops_sandbox.stack import Stack
from support.e2e.inside import Account, Cluster, objects
from support.e2e.outside import empty, succeeded

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

PROGRAM = """
import pulumi_mlops as mlops

platform = mlops.Platform(
    "shop",
    backend="kubernetes",
    secrets={"token": "t"},
    consumers=[{"namespace": "team-a"}, {"namespace": "team-b"}],
    existing={"gateway": {"name": "gateways/public", "domain": "shop.example.com"}, "metrics": "http://p.monitoring:9090"},
)
store = mlops.FeatureStore("features", platform=platform, materialize={"cron": "0 * * * *"})
features = {"id": "string", "at": "timestamp"}
profile = mlops.FeatureGroup("profile", store=store, keys=["id"], event_time="at", features=features, online={})
registry = mlops.ModelRegistry("models", platform=platform, approvers=[{"user": "lead"}])
mlops.Model("churn", registry=registry)
files = {"image": "registry.example.com/serve:1", "artifact": "s3://artifacts/a"}
pair = [{"name": name, "model": files} for name in ("one", "two")]
mlops.Endpoint("score", platform=platform, variants=pair, reads=[profile.online])
mlops.Endpoint("rank", platform=platform, model=files, release={"canary": {"percent": 10}})
mlops.Endpoint("sort", platform=platform, model=files, capture_percent=100)
"""
SPACE, KSERVE, ROUTES = "shop-dev", "serving.kserve.io", "gateway.networking.k8s.io"


@pytest.fixture(scope="module")
def shop(stacks_sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stack, Cluster]]:
    """Bring a program with every noun up, once for all questions."""
    project = tmp_path_factory.mktemp("shop")
    stacks_sandbox.up(planes=("kubernetes",))
    (project / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")
    (project / "__main__.py").write_text(PROGRAM)
    stack, cluster = Stack(stacks_sandbox, project), Cluster(stacks_sandbox)
    for name in ("team-a", "team-b"):
        cluster.kind("v1", "Namespace").create(body={"metadata": {"name": name}})
    succeeded(stack.up())
    yield stack, cluster
    empty(stacks_sandbox)


def revisions(cluster: Cluster, endpoint: str) -> list[str]:
    """Name the InferenceServices of an endpoint."""
    found = cluster.kind("serving.kserve.io/v1beta1", "InferenceService").get(namespace=SPACE).to_dict()["items"]
    names = [item["metadata"]["name"] for item in found]
    return [name for name in names if name.startswith(f"{endpoint}-")]


def granted(cluster: Cluster) -> dict[tuple[str, str], set[tuple[str, str, str, str]]]:
    """Say what is meant to be allowed: (namespace, account) → (verb, group, resource, name)."""
    wanted: dict[tuple[str, str], set[tuple[str, str, str, str]]] = {}
    for endpoint in ("score", "rank", "sort"):
        wanted[SPACE, f"{endpoint}-release"] = {
            *(("get", KSERVE, "inferenceservices", name) for name in revisions(cluster, endpoint)),
            *(("get", "apps", "deployments", f"{name}-predictor") for name in revisions(cluster, endpoint)),
            ("get", ROUTES, "httproutes", endpoint),
            ("patch", ROUTES, "httproutes", endpoint),
        }
    for team in ("team-a", "team-b"):
        wanted[team, "default"] = {
            ("get", "", "secrets", "shop-store-reader"),
            ("get", "", "secrets", "models-user-reader"),
        }
    return wanted


def everybody(cluster: Cluster) -> Iterator[tuple[str, str]]:
    """Name every account of the platform, and those of its consumers."""
    for item in cluster.kind("v1", "ServiceAccount").get(namespace=SPACE).to_dict()["items"]:
        yield SPACE, item["metadata"]["name"]
    yield from (("team-a", "default"), ("team-b", "default"))


def test_every_account_has_the_rights_that_it_needs_and_no_other(shop: tuple[Stack, Cluster]) -> None:
    """Let the authoriser list all that an account may do; what every account may do is in an empty namespace too."""
    _, cluster = shop
    wanted = granted(cluster)
    for space, name in everybody(cluster):
        account = cluster.as_account(space, name)
        assert account.rights(SPACE) - account.rights("default") == wanted.get((space, name), set()), name


def test_the_rights_hold_in_earnest(shop: tuple[Stack, Cluster]) -> None:
    """Try it: with its own token each account does what it may, and is refused what it may not."""
    _, cluster = shop
    wanted = granted(cluster)
    tried = {200: 0, 403: 0, 404: 0}

    def tries(account: Account, *right: str, status: int) -> None:
        got = account.tries(*right, SPACE)
        assert got == status, (account.name, right, got)
        tried[status] += 1

    for space, name in everybody(cluster):
        account, rights = cluster.as_account(space, name), wanted.get((space, name), set())
        assert account.status_of("GET", "/version") == 200
        for right in rights:
            # No KServe runs here that makes the Deployments: the right to read one shows as its absence.
            tries(account, *right, status=404 if right[2] == "deployments" else 200)
        for secret in ("shop-store-writer", "models-mlflow", "shop-secret-token"):
            tries(account, "get", "", "secrets", secret, status=403)
        for group, resource in (("", "secrets"), ("", "pods"), ("apps", "deployments"), (ROUTES, "httproutes")):
            tries(account, "list", group, resource, "", status=403)
        for _, group, resource, thing in rights:
            tries(account, "delete", group, resource, thing, status=403)
    mover = cluster.as_account(SPACE, "rank-release")
    tries(mover, "patch", ROUTES, "httproutes", "score", status=403)
    tries(mover, "patch", KSERVE, "inferenceservices", revisions(cluster, "rank")[0], status=403)
    for space in ("team-a", "team-b"):
        tries(cluster.as_account(space, "default"), "patch", "", "secrets", "shop-store-reader", status=403)
    assert tried[200] + len(list(everybody(cluster))) >= 20
    assert tried[403] >= 20


def test_no_right_is_for_everything(shop: tuple[Stack, Cluster]) -> None:
    stack, _ = shop
    roles = [said for _, said in objects(stack) if said["kind"] in ("Role", "ClusterRole")]
    assert roles
    for role in roles:
        assert role["kind"] == "Role"
        for rule in role["rules"]:
            assert "*" not in [*rule["verbs"], *rule["resources"], *rule["apiGroups"]]
            assert rule["resourceNames"]
            assert not {"list", "watch", "deletecollection"} & set(rule["verbs"])


def test_every_pod_is_admitted_and_gets_no_token_that_it_does_not_ask_for(shop: tuple[Stack, Cluster]) -> None:
    """Every template is offered to the API server as a pod: there *restricted* refuses, elsewhere it only warns."""
    stack, cluster = shop
    offered = 0
    for name, said in objects(stack):
        spec = said.get("spec", {})
        template = spec.get("jobTemplate", {}).get("spec", spec).get("template")
        if not template or "spec" not in template:
            continue
        if said["kind"] not in ("Deployment", "StatefulSet", "Job", "CronJob"):
            continue
        live = cluster.get(said["apiVersion"], said["kind"], said["metadata"]["name"], SPACE)
        assert live
        found = live["spec"].get("jobTemplate", {}).get("spec", live["spec"])["template"]
        body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": f"try-{offered}", "namespace": SPACE}}
        # What a StatefulSet gives its pods is a claim each.
        claims = [claim["metadata"]["name"] for claim in live["spec"].get("volumeClaimTemplates", [])]
        volumes = [*found["spec"].get("volumes", []), *({"name": claim, "emptyDir": {}} for claim in claims)]
        answer = cluster.kind("v1", "Pod").create(
            body={**body, "spec": {**found["spec"], "volumes": volumes, "restartPolicy": "Never"}},
            namespace=SPACE,
            query_params=[("dryRun", "All")],
        )
        assert answer.kind == "Pod"
        offered += 1
        assert found["spec"]["automountServiceAccountToken"] is ("-release-" in name), name
    assert offered >= 10
