"""What each identity of a full platform on Azure does, as calls that its roles alone allow."""

import itertools
import json
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pulumi_mlops_sandbox.azure.facts import DEPLOYER, TOKEN
from pulumi_mlops_sandbox.stack import Stack
from support.e2e.outside import resources
from support.e2e.tenant import Tenant

Use = Callable[[], bool]
"""Does something as somebody; says whether Azure let it."""
TEAM, LEAD, SHOP, WEB = (f"00000000-0000-4000-8000-0000000000f{number}" for number in range(1, 5))
"""A group, a user, and two applications of the tenant."""
RIGHTS, IDENTITIES = ":RoleAssignment", ":UserAssignedIdentity"
VERSIONS = {"authorization": "2022-04-01", "logic": "2019-05-01", "storage": "2024-01-01"}
REFUSED = (401, 403)
BEFORE = "mlops-before"
MODEL, TRAINED, RANKER = "models-churn", "models-trained", "ranker"
ELSEWHERE = "https://of-the-registry.blob.core.windows.net/ranker/"
"""Where a registry that workspaces share keeps its files."""


@dataclass
class World:
    """A platform that is up, and calls to it."""

    tenant: Tenant
    stack: Stack
    numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(100))

    def ask(self, who: str, method: str, path: str, body: Any = None, version: str = "2025-12-01") -> tuple[int, Any]:
        """Send one request as somebody."""
        content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        token = TOKEN if who == DEPLOYER else f"principal:{who}"
        kind = "application/octet-stream" if isinstance(body, bytes) else "application/json"
        headers = {"Authorization": f"Bearer {token}", "Content-Type": kind}
        request = urllib.request.Request(
            f"{self.tenant.url}{path}?api-version={version}", content, headers, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                text = answer.read()
                return answer.status, json.loads(text) if text and "json" in answer.headers["Content-Type"] else None
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read() or b"{}")

    def may(self, who: str, method: str, path: str, body: Any = None, version: str = "2025-12-01") -> bool:
        """Say whether somebody may; what is refused for another reason is a fault of the test."""
        status, said = self.ask(who, method, path, body, version)
        missing = method == "GET" and status == 404
        assert status < 300 or status in REFUSED or missing, (method, path, status, said)
        return status not in REFUSED

    def runs(self, object_id: str, later: float = 0.0) -> bool:
        """Play what acts as its own identity."""
        return bool(self.tenant.run(object_id, later)["status"] == "Succeeded")

    def all(self, kind: str) -> dict[str, dict[str, Any]]:
        """List resources of the state by their names in the program."""
        return {one["urn"].rpartition("::")[2]: one for one in resources(self.stack) if one["type"].endswith(kind)}

    def id(self, kind: str, name: str) -> str:
        """Return the id of one of them."""
        return str(self.all(kind)[name]["id"])

    def principal(self, name: str) -> str:
        """Return the object id of an identity."""
        return str(self.all(IDENTITIES)[name]["outputs"]["principalId"])


@dataclass
class Doing:
    """What is done on the platform, each as a use of its own."""

    world: World

    def __post_init__(self) -> None:
        at = self.world.stack.outputs()["platform"]["address"]
        self.workspace, self.storage = str(at["workspace_id"]), str(at["storage_id"])
        self.files = f"/blob/{at['storage']}/{at['container']}"
        self.image, self.secrets = f"/image/{at['registry']}/whole-dev/serve", f"/vault/{at['vault']}/secrets"
        self.models = f"{self.workspace}/models"

    def call(self, who: str, *request: Any) -> Use:
        """Send a request as somebody."""
        return lambda: self.world.may(who, *request)

    def changed(self, object_id: str, version: str = "2025-12-01") -> Use:
        """Change what acts as its identity while it is written."""

        def change() -> bool:
            tags = {"asked": str(next(self.world.numbers))}
            return self.world.may(DEPLOYER, "PATCH", object_id, {"tags": tags}, version)

        return change

    def played(self, object_id: str) -> Use:
        """Play what acts as its identity while nobody asks."""
        return lambda: self.world.runs(object_id)

    def serves(self, endpoint: str) -> list[Use]:
        """Play a container of each deployment."""
        found = self.world.ask(DEPLOYER, "GET", f"{self.world.id(':OnlineEndpoint', endpoint)}/deployments")[1]
        return [self.played(one["id"]) for one in found["value"]]

    def released(self, endpoint: str) -> list[Use]:
        """Let the release's workflow look: it moves traffic on, and, where none is under way, ends itself."""
        world, object_id = self.world, self.world.id(":OnlineEndpoint", f"{endpoint}-endpoint")
        flows = world.all(":Workflow").items()
        (flow,) = (one["id"] for name, one in flows if name.startswith(f"{endpoint}-release-"))
        body = written(world.ask(DEPLOYER, "GET", object_id)[1])

        def looks(tags: Mapping[str, str]) -> bool:
            assert world.may(DEPLOYER, "PUT", object_id, {**body, "tags": tags})
            assert world.may(DEPLOYER, "POST", f"{flow}/enable", {}, VERSIONS["logic"])
            return world.runs(flow, 1200.0)

        ended = {name: value for name, value in body["tags"].items() if name != BEFORE}
        return [lambda: looks(body["tags"]), lambda: looks(ended)]

    def model(self, called: str) -> str:
        """Return the id of a model: of the workspace, or of the registry that workspaces share."""
        shared = f"{RANKER}-container"
        return self.world.id(":RegistryModelContainer", shared) if called == RANKER else f"{self.models}/{called}"

    def registers(self, who: str, model: str = MODEL) -> Use:
        """Register a version, with its files where whoever registers writes them."""

        def register() -> bool:
            number = next(self.world.numbers)
            path = f"models/{model}/{number}/model.bin"
            place = ELSEWHERE if model == RANKER else f"azureml://datastores/artifacts/paths/{path}"
            body = {"properties": {"modelUri": place, "modelType": "custom_model"}}
            wrote = model == RANKER or self.world.may(who, "PUT", f"{self.files}/{path}", b"weights")
            return self.world.may(who, "PUT", f"{self.model(model)}/versions/{number}", body) and wrote

        return register

    def approves(self, who: str, model: str = MODEL) -> Use:
        """Change the tags of a version."""
        path = f"{self.model(model)}/versions/1"
        there = self.world.ask(DEPLOYER, "GET", path)[1]["properties"]
        kept = {name: there[name] for name in ("modelUri", "modelType", "properties")}

        def approve() -> bool:
            tags = {**there["tags"], "note": str(next(self.world.numbers))}
            return self.world.may(who, "PUT", path, {"properties": {**kept, "tags": tags}})

        return approve

    def reads(self, who: str, model: str = MODEL) -> list[Use]:
        """Find the versions of a model, and read the files of one: a registry hands its own out itself."""
        found, files = self.model(model), f"{self.files}/models/{model}/1/model.bin"
        looks = self.call(who, "GET", f"{found}/versions/1")
        return [looks] if model == RANKER else [looks, self.call(who, "GET", files)]


def uses(world: World) -> Mapping[str, Sequence[Use]]:
    """Say what each principal does: by nouns and by grants, and nothing of its roles."""
    do, own = Doing(world), {name: world.principal(name) for name in world.all(IDENTITIES)}
    (features,) = (one["id"] for one in world.all(":FeaturesetVersion").values())
    score = f"/score/{world.id(':OnlineEndpoint', 'score-endpoint').rpartition('/')[2]}"
    group, rows = world.id(":FeaturesetContainerEntity", "profile-group"), f"{do.files}/features/features/profile/1"
    mine = {name.removesuffix("-identity"): principal for name, principal in own.items()}
    named = {
        # Azure itself, as the identity of what it runs.
        "whole-workspace": [do.changed(do.workspace), do.changed(do.storage, VERSIONS["storage"])],
        "features": [do.changed(world.id(":Workspace", "features-workspace")), do.played(features)],
        "score": do.serves("score-endpoint"),
        "batch": do.serves("batch-endpoint"),
        "rank": do.serves("rank-endpoint"),
        "plain": do.serves("plain-endpoint"),
        "score-release": do.released("score"),
        "batch-release": do.released("batch"),
        "rank-release": do.released("rank"),
        "plain-release": do.released("plain"),
        "models-events": [do.played(world.id(":Workflow", "models-event-deploy"))],
        "shared-events": [do.played(world.id(":Workflow", "shared-event-deploy"))],
        # Whoever acts as an Identity does what its arguments say.
        "registrar": [do.registers(mine["registrar"])],
        "sharer": [do.registers(mine["sharer"], RANKER)],
        "judge": [do.approves(mine["judge"], RANKER)],
        "follower": do.reads(mine["follower"], RANKER),
        "approver": [do.approves(mine["approver"])],
        "releaser": do.reads(mine["releaser"]),
        "reader": [do.call(mine["reader"], "GET", group), do.call(mine["reader"], "GET", rows)],
        "writer": [do.call(mine["writer"], "PUT", rows, b"rows")],
        "keeper": [do.call(mine["keeper"], "GET", f"{do.secrets}/other")],
        "caller": [do.call(mine["caller"], "POST", score, {})],
    }
    specification = f"{do.files}/specifications/features/profile/next/FeatureSetSpec.yaml"
    return {
        **{mine[name]: found for name, found in named.items()},
        TEAM: [do.call(TEAM, "GET", do.models), do.call(TEAM, "GET", do.image), do.reads(TEAM)[1]],
        LEAD: [do.approves(LEAD, model) for model in (MODEL, TRAINED, RANKER)],
        SHOP: [use for model in (MODEL, TRAINED, RANKER) for use in do.reads(SHOP, model)],
        WEB: [do.call(WEB, "POST", score, {})],
        DEPLOYER: [do.call(DEPLOYER, "PUT", specification, b"features")],
    }


def written(shown: Mapping[str, Any]) -> dict[str, Any]:
    """Write an endpoint again as it is shown."""
    said = shown["properties"]
    kept = ("authMode", "publicNetworkAccess", "description", "traffic", "mirrorTraffic")
    return {
        **{name: shown[name] for name in ("location", "tags", "kind")},
        "identity": {
            "type": "UserAssigned",
            "userAssignedIdentities": {one: {} for one in shown["identity"]["userAssignedIdentities"]},
        },
        "properties": {name: said[name] for name in kept if name in said},
    }
