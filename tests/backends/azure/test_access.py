"""Rights on Azure: roles at the narrowest scope, each once, bounded to paths within the artifact store."""

from collections.abc import Callable
from typing import Any

import pulumi
import pytest

import pulumi_mlops as mlops
from pulumi_mlops.backends.azure import access, live, names, rights
from pulumi_mlops.backends.azure.rights import Right
from pulumi_mlops.core.errors import MlopsError
from pulumi_mlops.core.principals import Principal
from pulumi_mlops.core.workload import Image, Place
from support.facts.azure import HUB, IMAGE, REGISTRY_ID, SETTINGS, STORAGE
from support.mocks import SUBSCRIPTION, Cloud

CONTAINERS = f"{STORAGE}/blobServices/default/containers"
ARTIFACTS = f"{CONTAINERS}/artifacts"
FILES = "https://churndev1.blob.core.windows.net/artifacts/"
SOMEBODY = "0f8fad5b-d9cb-469f-a165-70867728950e"


def judged(cloud: Cloud, give: Callable[[], list[Right]]) -> Any:
    def program() -> Any:
        found = rights.merged(give())
        return [{"role": one.role, "scope": one.scope, "condition": rights.condition(one)} for one in found]

    return cloud.run(program, **SETTINGS)


def test_a_folder_is_read_and_not_its_neighbours(cloud: Cloud) -> None:
    (found,) = judged(cloud, lambda: rights.read_place(Place(f"{FILES}models/churn/"), HUB))
    assert found["scope"] == f"{STORAGE}/blobServices/default/containers/artifacts"
    assert "blobs:path] StringLike 'models/churn/*'" in found["condition"]
    assert "blobs:prefix] StringLike 'models/churn/*'" in found["condition"]
    assert "containers/blobs/write'" in found["condition"]


def test_two_folders_of_one_store_are_one_assignment(cloud: Cloud) -> None:
    """Azure takes a role once for whoever gets it at a scope."""

    def give() -> list[Right]:
        return [right for name in ("a", "b") for right in rights.read_place(Place(f"{FILES}{name}/"), HUB)]

    (found,) = judged(cloud, give)
    assert "StringLike 'a/*' OR" in found["condition"]
    assert "StringLike 'b/*'" in found["condition"]


@pytest.mark.parametrize(("container", "several"), [("artifacts", 1), ("azureml-blobstore-1", 2)])
def test_a_plain_address_in_the_store_that_the_program_makes_is_known(
    cloud: Cloud, container: str, several: int
) -> None:
    """As registries tell it, beside those that are Outputs of the same program: a role is given once."""
    account = names.everywhere(SUBSCRIPTION, "churn", "dev", "westeurope", limit=names.STORAGE)

    def give() -> list[Right]:
        hub = mlops.Platform("churn", backend="azure", region="westeurope").ref
        plain = f"https://{account}.blob.core.windows.net/{container}/models/3/"
        places = (Place(plain), Place(pulumi.Output.format("{0}captured/", hub.artifacts)))
        return [right for place in places for right in rights.read_place(place, hub)]

    assert len(judged(cloud, give)) == several


def test_a_right_without_bounds_holds_one_with_them(cloud: Cloud) -> None:
    bounded, whole = Right("Reader", "/x", "x", ("a/*",)), Right("Reader", "/x", "x")
    (found,) = judged(cloud, lambda: [bounded, whole])
    assert found["condition"] is None


def test_a_late_address_outside_of_the_store_is_refused() -> None:
    def give() -> list[Right]:
        return rights.read_place(Place(pulumi.Output.from_input("https://theirs.blob.core.windows.net/files/a")), HUB)

    with pytest.raises(MlopsError, match="write the address as a plain text"):
        judged(Cloud(), give)


@pytest.mark.parametrize(
    ("image", "scope"),
    [(IMAGE, REGISTRY_ID), ("mcr.microsoft.com/azureml/serve:1", None), ("docker.io/acme/serve:1", None)],
)
def test_an_image_is_pulled_from_its_own_registry(image: str, scope: str | None) -> None:
    found = rights.pull_image(Image(image), HUB)
    assert [one.scope for one in found] == ([] if scope is None else [scope])
    assert {one.role for one in found} <= {"AcrPull"}


BOUNDED = "StringLike 'models/churn/*'"


@pytest.mark.parametrize(
    ("files", "scope", "bounds"),
    [
        (f"{FILES}models/churn/3/", ARTIFACTS, BOUNDED),
        ("azureml://datastores/artifacts/paths/models/churn/3/model.bin", ARTIFACTS, BOUNDED),
        ("azureml://datastores/workspaceblobstore/paths/azureml/job-1/model", f"{CONTAINERS}/azureml-blobstore-1", ""),
        ("azureml://jobs/job-1/outputs/model", STORAGE, ""),
    ],
)
def test_the_files_of_a_version_are_read_beside_those_of_the_one_that_serves(
    cloud: Cloud, files: str, scope: str, bounds: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The model's folder, or the container of what jobs wrote; all of the account only where nothing is known."""
    monkeypatch.setattr(live, "container_of", lambda *_: ("churndev1", "azureml-blobstore-1"))
    version = mlops.ModelVersionRef(
        name="churn", backend="azure", platform=HUB, version=3, files=files, address={"id": "x"}
    )
    (found,) = judged(cloud, lambda: rights.rights(HUB, [("read", version)]))
    assert found["scope"] == scope
    assert (bounds in found["condition"]) if bounds else found["condition"] is None


def test_every_role_is_told_apart() -> None:
    assert len(set(rights.ROLES.values())) == len(rights.ROLES)


@pytest.mark.parametrize(
    ("who", "told"),
    [
        (Principal(user="ada@example.com"), "is not an object id of Entra ID"),
        (Principal(group="6f1f6c2e"), "is not an object id of Entra ID"),
        (mlops.IdentityRef(name="t", backend="aws", platform=HUB, kind="role", principal="x"), "lives on 'aws'"),
    ],
)
def test_who_is_nobody_of_the_directory_is_refused(who: Any, told: str) -> None:
    (problem,) = access.principal_problems("consumers", [who])
    assert told in problem.message


def test_an_object_of_the_directory_is_taken() -> None:
    assert not list(access.principal_problems("consumers", [Principal(user=SOMEBODY), Principal(group=SOMEBODY)]))


def test_an_assignment_is_found_again_by_its_name(cloud: Cloud) -> None:
    def names() -> list[str]:
        other = Cloud(preview=cloud.preview)
        other.run(
            lambda: mlops.Platform("churn", backend="azure", consumers=[{"group": SOMEBODY}]).artifacts, **SETTINGS
        )
        return sorted(item.inputs["roleAssignmentName"] for item in other.all("authorization/RoleAssignment"))

    first = names()
    assert first == names()
    assert len(set(first)) == len(first)
