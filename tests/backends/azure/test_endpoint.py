"""Endpoint on Azure: an empty endpoint, deployments named after their content, and what the containers are given."""

from typing import Any

import pytest

import pulumi_mlops as mlops
from pulumi_mlops import InvalidArgs
from pulumi_mlops.backends.azure import live
from support.facts.azure import HUB, IMAGE, SETTINGS, VAULT, hub
from support.mocks import Cloud

FILES = "https://churndev1.blob.core.windows.net/artifacts/models/churn/1/"
SECRET = mlops.SecretRef(name="token", backend="azure", address={"id": f"{VAULT}/secrets/token"})
SOMEBODY = "0f8fad5b-d9cb-469f-a165-70867728950e"
DEPLOYMENT, ENDPOINT = "machinelearningservices/OnlineDeployment", "machinelearningservices/OnlineEndpoint"


def build(cloud: Cloud, platform: mlops.PlatformRef = HUB, **args: Any) -> Any:
    least: dict[str, Any] = {} if "variants" in args else {"model": {"image": IMAGE, "artifact": FILES}}
    return cloud.run(
        lambda: {"ref": mlops.Endpoint("score", platform=platform, **(least | args)).ref.export()}, **SETTINGS
    )["ref"]


def kind_of(cloud: Cloud, name: str) -> Any:
    return [item for item in cloud.registered if item.type.endswith(f":{name}")]


def sent(cloud: Cloud) -> Any:
    (template,) = kind_of(cloud, "Deployment")
    return template, template.inputs["properties"]["template"]["resources"][0]


def test_the_endpoint_has_no_traffic_and_is_let_go_of(cloud: Cloud) -> None:
    build(cloud)
    (made,) = kind_of(cloud, "OnlineEndpoint")
    assert "traffic" not in made.inputs["properties"]
    assert set(made.ignore_changes) == {"properties", "tags", "identity", "kind", "sku"}
    assert made.inputs["properties"]["authMode"] == "AADToken"


def test_traffic_is_sent_once_for_each_content_when_all_is_there(cloud: Cloud) -> None:
    build(cloud)
    template, body = sent(cloud)
    (deployment,) = kind_of(cloud, "OnlineDeployment")
    assert body["properties"]["traffic"] == {deployment.inputs["deploymentName"]: 100}
    assert {"properties", "tags"} <= set(template.ignore_changes)
    assert deployment.name in template.depends_on


def test_another_content_is_another_deployment_and_a_tag_is_none() -> None:
    names = []
    for args in ({}, {"tags": {"tier": "gold"}}, {"environment": {"A": "b"}}, {"compute": {"cpus": 4}}):
        cloud = Cloud()
        build(cloud, **args)
        names.append(kind_of(cloud, "OnlineDeployment")[0].inputs["deploymentName"])
    assert names[0] == names[1]
    assert len(set(names)) == 3


def test_a_secret_is_an_address_that_the_endpoints_identity_may_read(cloud: Cloud) -> None:
    build(cloud, secrets={"hub": SECRET})
    (deployment,) = kind_of(cloud, "OnlineDeployment")
    told = deployment.inputs["properties"]["environmentVariables"]
    assert told["MLOPS_SECRET_HUB"] == "https://churndev1.vault.azure.net/secrets/token"
    assert set(told) == {"MLOPS_SECRET_HUB", "AZURE_CLIENT_ID"}
    scopes = [item.inputs["scope"] for item in kind_of(cloud, "RoleAssignment")]
    assert f"{VAULT}/secrets/token" in scopes


def test_weights_are_whole_per_cent_and_a_shadow_is_mirrored(cloud: Cloud) -> None:
    files = {"image": IMAGE, "artifact": FILES}
    build(cloud, shadow={"model": files, "percent": 20})
    _, body = sent(cloud)
    assert sorted(body["properties"]["traffic"].values()) == [100]
    assert list(body["properties"]["mirrorTraffic"].values()) == [20]
    assert not set(body["properties"]["traffic"]) & set(body["properties"]["mirrorTraffic"])


def test_a_private_platform_has_no_public_address(cloud: Cloud) -> None:
    build(cloud, hub(private=True))
    _, body = sent(cloud)
    assert body["properties"]["publicNetworkAccess"] == "Disabled"
    assert kind_of(cloud, "OnlineEndpoint")[0].inputs["properties"]["publicNetworkAccess"] == "Disabled"


def test_who_calls_it_may_do_nothing_else(cloud: Cloud) -> None:
    build(cloud, invokers=[{"user": SOMEBODY}])
    (role,) = kind_of(cloud, "RoleDefinition")
    actions = role.inputs["permissions"][0]["actions"]
    assert not [action for action in actions if action.endswith(("/write", "/delete", "*"))]
    (given,) = [item for item in kind_of(cloud, "RoleAssignment") if item.inputs["principalId"] == SOMEBODY]
    assert given.inputs["scope"].rpartition("/")[0].endswith("onlineEndpoints")
    assert given.inputs["principalType"] == "User"


@pytest.mark.parametrize(
    ("compute", "field"), [({"pin": {"azure": "Standard_DS99_v9"}}, "compute.pin.azure"), ({"cpus": 2}, "compute")]
)
def test_a_size_that_the_region_has_not_is_told_before_anything_is_made(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, compute: Any, field: str
) -> None:
    monkeypatch.setattr(live, "sizes", lambda _: frozenset({"standard_ds5_v2"}))
    with pytest.raises(InvalidArgs, match=rf"{field}: region 'westeurope' has no size") as told:
        build(cloud, compute=compute)
    assert "did you mean 'Standard_DS5_v2'?" in str(told.value) or field == "compute"


@pytest.mark.parametrize(
    ("args", "field"),
    [
        ({"serve": {"timeout_seconds": 300}}, "serve.timeout_seconds"),
        ({"compute": {"pin": {"azure": "ml.m5.large"}}}, "compute.pin.azure"),
        ({"compute": {"accelerator": "A10G:1"}}, "compute"),
        ({"compute": {"accelerator": "T4:3"}}, "compute.accelerator"),
        ({"scaling": {"min": 1, "max": 60, "requests_per_replica": 9}}, "scaling.max"),
        ({"scaling": {"max": 4, "requests_per_replica": 9, "cooldown_out_seconds": 7}}, "scaling.cooldown_out_seconds"),
        ({"shadow": {"model": {"image": IMAGE, "artifact": FILES}}}, "shadow.percent"),
        ({"environment": {"AZURE_CLIENT_ID": "mine"}}, "environment"),
        ({"model": {"image": IMAGE, "artifact": "s3://models/churn/"}}, "model.artifact"),
        ({"invokers": [{"user": "lead"}]}, "invokers[0].user"),
    ],
)
def test_what_azure_would_refuse_later_is_refused_first(args: dict[str, Any], field: str) -> None:
    cloud = Cloud()
    with pytest.raises(InvalidArgs) as refused:
        build(cloud, **args)
    assert [problem.field for problem in refused.value.problems] == [field]
    assert not kind_of(cloud, "OnlineEndpoint")


def test_all_that_is_wrong_is_said_at_once() -> None:
    wrong: dict[str, Any] = {"serve": {"timeout_seconds": 300}, "compute": {"pin": {"azure": "x"}}}
    with pytest.raises(InvalidArgs) as refused:
        build(Cloud(), **wrong, scaling={"min": 60})
    assert {problem.field for problem in refused.value.problems} >= {
        "serve.timeout_seconds",
        "compute.pin.azure",
        "scaling.min",
    }
