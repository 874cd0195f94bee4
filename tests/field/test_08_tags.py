"""Tags whose keys are the library's in other letters: IAM refuses them after some resources, a budget sees nothing."""

import json
from collections.abc import Callable
from typing import Any

import pytest

import pulumi_mlops as mlops
from support.facts.aws import MODEL, REGISTRY, hub
from support.mocks import Cloud

BACKENDS = ("aws", "azure", "kubernetes")


def platform(**args: Any) -> mlops.Platform:
    return mlops.Platform("churn", **{"backend": "aws", **args})


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("key", ["Project", "project", "STAGE", "Managed-By", "Component", "Owner", "owner"])
def test_our_keys_are_refused_in_every_case(backend: str, key: str, refused_at_preview: Callable[..., str]) -> None:
    said = refused_at_preview(lambda: platform(backend=backend, tags={key: "x"}))
    assert f"tags.{key}: is the library's own key" in said
    assert "tag_prefix=" in said


REFUSED: dict[str, tuple[Callable[[], object], str]] = {
    "of a component": (lambda: mlops.FeatureStore("f", platform=hub(), tags={"Stage": "x"}), "tags.Stage"),
    "metadata": (lambda: mlops.Model("m", registry=REGISTRY, metadata={"project": "x"}), "metadata.project"),
    "twice": (lambda: platform(tags={"Team": "x", "team": "y"}), "tags.team: differs from 'Team'"),
    "beside the platform's": (
        lambda: mlops.FeatureStore("f", platform=hub(), tags={"TEAM": "x"}),
        "tags.TEAM: differs from 'team'",
    ),
    "prefixed": (lambda: platform(tag_prefix="mlops-", tags={"MLOPS-project": "x"}), "tags.MLOPS-project"),
    "prefix of aws": (lambda: platform(tag_prefix="aws:"), "tag_prefix: keys that begin with 'aws:'"),
    "key of aws": (lambda: platform(tags={"AWS:cost": "x"}), "tags.AWS:cost: keys that begin"),
    "bare prefix": (lambda: platform(tag_prefix="mlops"), "tag_prefix: 'mlops' must be letters"),
    "prefix of azure": (
        lambda: platform(backend="azure", tag_prefix="microsoft-"),
        "tag_prefix: names that begin with 'microsoft', 'azure', 'windows' are Azure's own",
    ),
    "sign on azure": (
        lambda: platform(backend="azure", tag_prefix="acme.com/"),
        "tag_prefix: '/' is not taken in a tag's name by Azure",
    ),
    "label": (
        lambda: platform(backend="kubernetes", tags={"app.kubernetes.io/part-of": "x"}),
        "tags.app.kubernetes.io/part-of: is a label",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_keys_that_would_meet_are_refused(case: str, refused_at_preview: Callable[..., str]) -> None:
    program, said = REFUSED[case]
    assert said in refused_at_preview(program)


@pytest.mark.parametrize("key", ["Project", "Owner"])
def test_default_tags_of_the_provider_are_refused(key: str, refused_at_preview: Callable[..., str]) -> None:
    """The provider adds them to each resource, beside ours."""
    tags = json.dumps({"tags": {key: "x"}})
    assert f"aws:defaultTags has {key!r}" in refused_at_preview(platform, aws__defaultTags=tags)
    said = refused_at_preview(lambda: platform(tags={"cost": "1"}), aws__defaultTags='{"tags": {"Cost": "2"}}')
    assert "tags.cost: differs from 'Cost' of aws:defaultTags" in said


def test_with_a_prefix_the_keys_are_free_and_the_budget_counts_ours() -> None:
    cloud = Cloud()

    def program() -> None:
        made = platform(
            tag_prefix="mlops:", tags={"project": "4711"}, owner="ml", alerts=["a@example.com"], monthly_budget=9
        )
        mlops.FeatureStore("features", platform=made)

    cloud.run(program)
    budget = cloud.one("budgets/budget").inputs
    assert budget["costFilters"] == [{"name": "TagKeyValue", "values": ["user:mlops:project$churn"]}]
    for made in ("kms/key", "glue/catalogDatabase", "iam/role"):
        tags = cloud.one(made).inputs["tags"]
        assert (tags["mlops:project"], tags["mlops:owner"], tags["project"]) == ("churn", "ml", "4711")


def test_a_role_that_may_deploy_is_held_to_the_tag_with_the_prefix() -> None:
    cloud = Cloud()
    where = hub(tag_prefix="acme-")
    model = mlops.ModelRef(name="churn", backend="aws", platform=where, address=MODEL.address)
    cloud.run(
        lambda: (
            mlops.Identity("ci", platform=where, trusts={"role": "arn:aws:iam::1:role/ci"}, deploys=[model]) and None
        )
    )
    assert "aws:RequestTag/acme-project" in cloud.one("iam/rolePolicy").inputs["policy"]
