"""Who may do what: callers, the identities as which Azure acts, and the objects that a condition names."""

from itertools import count

import pytest

from pulumi_mlops_sandbox.azure.conditions import Asked, ConditionError, holds, parse
from support.sandbox.arm import GROUP, Arm
from support.sandbox.arm_good import (
    DEPLOYMENT,
    ENDPOINT,
    FEATURES,
    GOOD,
    IDENTITY,
    REGISTRY,
    SERVING,
    STORAGE,
    STORE,
    VAULT,
    WORKSPACE,
    Good,
    role,
)
from support.sandbox.arm_world import body, furnish

# What a role is for: the resource that fails without it.
NEEDED = {
    "role-storage": "workspace",
    "role-blobs": "workspace",
    "role-shares": "workspace",
    "role-vault": "workspace",
    "role-secrets": "workspace",
    "role-registry": "workspace",
    "role-insights": "workspace",
    "role-pull": "deployment",
    "role-collected": "deployment",
}
SECRETS_USER, METRICS_WRITER = "Key Vault Secrets User", "AzureML Metrics Writer (preview)"
ASKED = count()
TEXT = {"Content-Type": "text/plain"}
BLOB = "/blob/churnfiles/artifacts"
READER = "principal:11111111-0000-4000-8000-000000000001"


@pytest.fixture(scope="module")
def world(server: Arm) -> Arm:
    furnish(server)
    return server


def _fails(arm: Arm, name: str) -> str:
    """Ask for a resource once more, with a change, and return the code of its failure."""
    good = GOOD[name]
    body_of = arm.sent[name] | {"tags": {"asked": str(next(ASKED))}}
    said = arm.ask("PUT", good.id, body_of, version=good.version)
    if said.code or "Azure-AsyncOperation" not in said.headers:
        return said.code
    ended = arm.wait(said.headers["Azure-AsyncOperation"])
    return str(ended.get("error", {}).get("code", ""))


@pytest.mark.parametrize("name", NEEDED)
def test_every_role_is_needed(world: Arm, name: str) -> None:
    of, good = NEEDED[name], GOOD[name]
    world.done("DELETE", good.id)
    if name == "role-collected":  # reading is a part of it
        assert _fails(world, of) == "BadArgument"
    else:
        assert _fails(world, of) == {"workspace": "AuthorizationFailed", "deployment": "BadArgument"}[of]
    world.done("PUT", good.id, body(world, good), version=good.version)
    assert _fails(world, of) == ""


def test_reading_a_model_is_enough_where_nothing_is_collected(world: Arm) -> None:
    collected, sent = GOOD["role-collected"], world.sent["deployment"]
    world.done("DELETE", collected.id)
    quiet = sent | {"properties": {key: value for key, value in sent["properties"].items() if key != "dataCollector"}}
    said = world.ask("PUT", DEPLOYMENT, quiet)
    assert world.wait(said.headers["Azure-AsyncOperation"])["status"] == "Succeeded"
    models = GOOD["role-models"]
    world.done("DELETE", models.id)
    failed = world.ask("PUT", DEPLOYMENT, quiet | {"tags": {"asked": "again"}})
    assert "Storage Blob Data Reader" in world.wait(failed.headers["Azure-AsyncOperation"])["error"]["message"]
    for good in (models, collected):
        world.done("PUT", good.id, body(world, good), version=good.version)
    world.done("PUT", DEPLOYMENT, sent)


def test_a_feature_set_is_materialised_by_an_identity_that_may(world: Arm) -> None:
    who = f"{GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/materialise"
    made = world.done("PUT", who, {"location": "eastus"})
    target = f"{STORAGE}/blobServices/default/containers/artifacts"
    connection = {
        "authType": "ManagedIdentity",
        "category": "ADLSGen2",
        "target": target,
        "credentials": {"clientId": made["properties"]["clientId"], "resourceId": who},
    }
    world.done("PUT", f"{STORE}/connections/OfflineStoreConnectionName-12345678", {"properties": connection})
    sent = world.sent["features-version"]["properties"]
    asked = sent | {
        "materializationSettings": {"storeType": "Offline", "resource": {"instanceType": "Standard_E8s_v3"}}
    }

    def put(version: str) -> str:
        said = world.ask("PUT", f"{FEATURES}/versions/{version}", {"properties": asked})
        assert said.status == 201, said.body
        ended = world.wait(said.headers["Azure-AsyncOperation"])
        return str(ended.get("error", {}).get("message", ""))

    assert "Storage Blob Data Contributor" in put("2")
    rights: list[Good] = [
        role(STORAGE, "Storage Blob Data Contributor", 30, who),
        role(STORE, "AzureML Data Scientist", 31, who),
    ]
    world.done("PUT", rights[0].id, body(world, rights[0]), version=rights[0].version)
    assert "AzureML Data Scientist" in put("3")
    world.done("PUT", rights[1].id, body(world, rights[1]), version=rights[1].version)
    assert put("4") == ""


def test_a_job_reads_its_data_as_its_identity(world: Arm) -> None:
    path, sent = f"{WORKSPACE}/jobs/other", world.sent["job"]
    asked = sent | {
        "properties": sent["properties"] | {"identity": {"identityType": "Managed", "resourceId": IDENTITY}}
    }
    assert world.ask("PUT", path, asked).status == 201  # it may read and write, and pull as a contributor
    world.done("DELETE", GOOD["role-blobs"].id)
    refused = world.ask("PUT", f"{path}-2", asked)
    assert (refused.code, "blobs/read" in refused.message) == ("AuthorizationFailed", True)
    world.done("PUT", GOOD["role-blobs"].id, world.sent["role-blobs"], version="2022-04-01")


def test_a_caller_has_the_rights_of_its_roles(world: Arm) -> None:
    principal = READER.partition(":")[2]
    assert world.ask("GET", WORKSPACE, token=READER).code == "AuthorizationFailed"
    given = GOOD["role-pull"].body["properties"] | {"principalId": principal}
    reader = given["roleDefinitionId"].rpartition("/")[0] + "/acdd72a7-3385-48ef-bd42-f606fba81ae7"
    path = f"{WORKSPACE}/providers/Microsoft.Authorization/roleAssignments/00000000-0000-4000-8000-000000000040"
    world.done("PUT", path, {"properties": given | {"roleDefinitionId": reader}}, version="2022-04-01")
    assert world.ask("GET", DEPLOYMENT, token=READER).status == 200
    assert world.ask("DELETE", DEPLOYMENT, token=READER).code == "AuthorizationFailed"
    assert world.ask("POST", f"{WORKSPACE}/listKeys", {}, token=READER).code == "AuthorizationFailed"
    assert world.ask("GET", STORAGE, token=READER).code == "AuthorizationFailed"


def test_a_federated_token_is_that_of_the_identity(world: Arm) -> None:
    trust = GOOD["trust"].body["properties"]
    token = f"federated:{trust['issuer']}#{trust['subject']}"
    refused = world.ask("GET", WORKSPACE, token=token)
    assert world.done("GET", SERVING)["properties"]["principalId"] in refused.message
    assert world.ask("GET", WORKSPACE, token=f"{token}x").code == "AADSTS700213"


def test_objects_are_for_those_with_a_data_role(world: Arm) -> None:
    refused = world.ask("PUT", f"{BLOB}/a.txt", b"hello", version=None, headers=TEXT)
    assert refused.code == "AuthorizationPermissionMismatch"  # an owner has no rights on data
    principal = world.done("GET", IDENTITY)["properties"]["principalId"]
    writer = f"principal:{principal}"
    put = world.ask("PUT", f"{BLOB}/models/a.txt", b"hello", token=writer, version=None, headers=TEXT)
    assert put.status == 201
    assert world.ask("GET", f"{BLOB}/models/a.txt", token=writer, version=None).body == b"hello"
    assert world.ask("HEAD", f"{BLOB}/models/a.txt", token=writer, version=None).status == 200
    listed = world.ask("GET", f"{BLOB}?prefix=models/", token=writer, version=None)
    assert [one["name"] for one in listed.body["value"]] == ["models/a.txt"]
    part = world.ask("GET", f"{BLOB}/models/a.txt", token=writer, version=None, headers={"x-ms-range": "bytes=1-3"})
    assert (part.status, part.body, part.headers["Content-Range"]) == (206, b"ell", "bytes 1-3/5")
    assert world.ask("GET", f"{BLOB}/b.txt", token=writer, version=None).code == "BlobNotFound"
    assert world.ask("PUT", "/blob/churnfiles/none/a", b"", token=writer, version=None).code == "ContainerNotFound"
    bounded = GOOD["role-models"].body["properties"] | {
        "principalId": READER.partition(":")[2],
        "conditionVersion": "2.0",
        "condition": "(@Resource[Microsoft.Storage/storageAccounts/blobServices/containers/blobs:path] StringLike "
        "'data/*')",
    }
    path = f"{STORAGE}/providers/Microsoft.Authorization/roleAssignments/00000000-0000-4000-8000-000000000041"
    world.done("PUT", path, {"properties": bounded}, version="2022-04-01")
    assert world.ask("GET", f"{BLOB}/models/a.txt", token=READER, version=None).status == 403
    world.ask("PUT", f"{BLOB}/data/a.txt", b"x", token=writer, version=None, headers=TEXT)
    assert world.ask("GET", f"{BLOB}/data/a.txt", token=READER, version=None).body == b"x"
    for name in ("models/a.txt", "data/a.txt"):
        assert world.ask("DELETE", f"{BLOB}/{name}", token=writer, version=None).status == 202


def test_a_secret_is_told_to_those_who_may(world: Arm) -> None:
    path = "/vault/churn-vault/secrets/token"
    assert world.ask("GET", path, version=None).code == "Forbidden"  # an owner has no rights on data
    keeper = f"principal:{world.done('GET', IDENTITY)['properties']['principalId']}"
    assert world.ask("GET", path, token=keeper, version=None).body["value"] == "hunter2"
    assert world.ask("GET", f"{path}-2", token=keeper, version=None).code == "SecretNotFound"


def test_an_endpoint_answers_those_who_may(world: Arm) -> None:
    assert world.ask("POST", "/score/churn-live", {}, version=None).code == "NoTraffic"
    serving = GOOD["endpoint"].body["properties"] | {"traffic": {"blue": 100}}
    world.done("PUT", ENDPOINT, GOOD["endpoint"].body | {"properties": serving})
    assert world.done("POST", "/score/churn-live", {}, version=None) == {"deployment": "blue"}
    assert world.ask("POST", "/score/churn-live", {}, token=f"{READER}9", version=None).code == "Forbidden"
    world.done("PUT", ENDPOINT, GOOD["endpoint"].body)


def test_a_container_acts_as_its_endpoint(world: Arm) -> None:
    """It reads the secrets that its variables name, and tells how busy it is."""
    sent = world.sent["deployment"]["properties"]
    named = {"TOKEN": "https://churn-vault.vault.azure.net/secrets/token"}
    world.done("PUT", DEPLOYMENT, world.sent["deployment"] | {"properties": sent | {"environmentVariables": named}})

    def lacking() -> list[str]:
        played = world.admin("POST", "run", {"id": DEPLOYMENT})
        return [one["name"].partition("/")[2] for one in played["actions"] if one["status"] == "Failed"]

    assert lacking() == ["vaults/secrets/getSecret/action", "workspaces/metrics/resource/write"]
    secret = f"{VAULT}/secrets/token"
    for number, (scope, name) in enumerate(((secret, SECRETS_USER), (WORKSPACE, METRICS_WRITER)), 70):
        given = role(scope, name, number, SERVING)
        world.done("PUT", given.id, body(world, given), version=given.version)
    assert lacking() == []
    world.done("PUT", DEPLOYMENT, world.sent["deployment"])


def test_an_image_is_pulled_and_pushed_by_who_may(world: Arm) -> None:
    path = f"/image/{REGISTRY.rpartition('/')[2]}/serve"
    serving = f"principal:{world.done('GET', SERVING)['properties']['principalId']}"
    assert world.ask("GET", path, token=serving, version=None).status == 200
    assert world.ask("PUT", path, token=serving, version=None).code == "DENIED"
    assert world.ask("GET", path, token=READER, version=None).code == "DENIED"


def test_a_role_that_nothing_needs_is_told(server: Arm) -> None:
    furnish(server)
    needless = role(REGISTRY, "AcrPull", 60, IDENTITY)  # a contributor pulls as well
    server.done("PUT", needless.id, body(server, needless), version=needless.version)
    told = server.admin("GET", "unneeded")
    assert needless.id in told
    assert not {GOOD[name].id for name in NEEDED} & set(told)


PATH = "@Resource[Microsoft.Storage/storageAccounts/blobServices/containers/blobs:path]"


@pytest.mark.parametrize(
    ("condition", "path", "expected"),
    [
        (f"{PATH} StringEquals 'a/b'", "a/b", True),
        (f"{PATH} StringEquals 'a/b'", "a/B", False),
        (f"!({PATH} StringStartsWith 'a/')", "a/b", False),
        (f"{PATH} StringLike 'a/*' AND {PATH} StringNotLike '*.tmp'", "a/b.tmp", False),
        (f"({PATH} StringLike 'x/*') OR ({PATH} StringLike 'a/*')", "a/b", True),
        (f"!(ActionMatches{{'*/read'}}) OR {PATH} StringLike 'x/*'", "a/b", False),
        (
            f"!(ActionMatches{{'*/read'}} AND SubOperationMatches{{'Blob.List'}}) OR {PATH} StringLike 'x/*'",
            "a/b",
            True,
        ),
    ],
)
def test_a_condition_holds_for_some(condition: str, path: str, *, expected: bool) -> None:
    asked = Asked(
        "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read", "", (("resource:path", path),)
    )
    assert holds(condition, asked) is expected


@pytest.mark.parametrize("condition", ["", "(", f"{PATH} Is 'a'", f"{PATH} StringLike 'a' 'b'", "name = 'x'"])
def test_a_condition_that_is_none_is_refused(condition: str) -> None:
    with pytest.raises(ConditionError):
        parse(condition)
