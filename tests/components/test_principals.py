"""Principals: typed values, one kind each, refused where a backend has no such kind; Outputs are taken too."""

from typing import Any

import pulumi
import pytest

import pulumi_mlops as mlops
from pulumi_mlops import InvalidArgs, MlopsError, Unsupported
from support.facts import aws, kubernetes
from support.mocks import ACCOUNT, Cloud

BAD: dict[str, tuple[Any, str, Any]] = {
    "a plain string": (
        aws.HUB,
        "invokers[0]: needs a Principal, this is str; write {'account': …}, {'role': …}",
        "web",
    ),
    "two kinds": (aws.HUB, "invokers[0]: takes exactly one of 'account', 'role'", {"role": "a", "account": "1" * 12}),
    "no kind": (aws.HUB, "invokers[0]: takes exactly one of", {}),
    "misspelt": (aws.HUB, "invokers[0].rolle: is not an argument here; did you mean 'role'?", {"rolle": "web"}),
    "half an account of the cluster": (
        kubernetes.HUB,
        "invokers[0].service_account: 'web' is not a service account; write it as 'namespace/name'",
        {"service_account": "web"},
    ),
    "an account where a role is wanted": (aws.HUB, "invokers[0].account: is not a role", {"account": "1" * 12}),
    "a role that cannot be": (aws.HUB, "invokers[0].role: 'a b' is not an IAM role", {"role": "a b"}),
    "a namespace that cannot be": (
        kubernetes.HUB,
        "invokers[0].namespace: 'Shop_2' is not the name of a namespace",
        {"namespace": "Shop_2"},
    ),
}
ABSENT = {
    "namespace": (aws.HUB, "AWS has no namespaces. Instead: {'account': …} or {'role': …}.", {"namespace": "shop"}),
    "user": (aws.HUB, "{'role': …}, or an Identity.", {"user": "lead"}),
    "role": (kubernetes.HUB, "{'namespace': …} or {'service_account': …}.", {"role": "web"}),
    "account": (kubernetes.HUB, "a cluster has no accounts of a cloud.", {"account": "1" * 12}),
}


def endpoint(hub: Any, *who: Any) -> Any:
    files: Any = {"image": "registry.example.com/churn:1.0.0"}
    invokers: Any = list(who)
    return mlops.Endpoint("score", platform=hub, model=files, invokers=invokers) and None


@pytest.mark.parametrize("case", BAD)
def test_what_is_no_principal_is_refused(cloud: Cloud, case: str) -> None:
    hub, said, who = BAD[case]
    with pytest.raises(InvalidArgs) as caught:
        cloud.run(lambda: endpoint(hub, who))
    assert said in str(caught.value)
    assert cloud.registered == []


@pytest.mark.parametrize("kind", ABSENT)
def test_a_kind_that_the_backend_does_not_have_is_refused_by_its_table(cloud: Cloud, kind: str) -> None:
    hub, said, who = ABSENT[kind]
    with pytest.raises(Unsupported) as caught:
        cloud.run(lambda: endpoint(hub, who))
    assert f"principal.{kind}: " in str(caught.value)
    assert said in str(caught.value)
    assert cloud.registered == []


def test_nobody_stands_twice(cloud: Cloud) -> None:
    with pytest.raises(InvalidArgs, match="'web' stands here twice"):
        cloud.run(lambda: endpoint(aws.HUB, {"role": "web"}, {"role": "web"}))


def test_outputs_and_addresses_are_roles_too(cloud: Cloud) -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:role/teams/web"
    cloud.run(lambda: endpoint(aws.HUB, {"role": "app"}, {"role": arn}, {"role": pulumi.Output.from_input(arn + "2")}))
    attached = {found.name: found.inputs["role"] for found in cloud.all("iam/rolePolicyAttachment")}
    assert attached == {"score-invoke-app": "app", "score-invoke-web": "web", "score-invoke-2": "web2"}


def test_a_role_of_another_account_is_refused(cloud: Cloud) -> None:
    with pytest.raises(MlopsError, match="is not in account"):
        cloud.run(lambda: endpoint(aws.HUB, {"role": "arn:aws:iam::444455556666:role/web"}))


def test_a_service_account_calls_by_its_label(cloud: Cloud) -> None:
    def program() -> Any:
        later = {"service_account": pulumi.Output.from_input("shop/batch")}
        return endpoint(kubernetes.HUB, {"service_account": "shop/web"}, later)

    cloud.run(program)
    peers = cloud.one("NetworkPolicy", "score-net-callers").inputs["spec"]["ingress"][1]["from"]
    known = [
        (
            peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"],
            peer.get("podSelector", {}).get("matchLabels", {}).get("pulumi-mlops/account"),
        )
        for peer in peers
    ]
    assert [one for one in known if one[1]] == [("shop", "web"), ("shop", "batch")]


def test_a_registry_takes_a_role_of_another_account_as_consumer(cloud: Cloud) -> None:
    arn = "arn:aws:iam::444455556666:role/ranker"

    def program() -> Any:
        who: Any = [{"role": arn}, {"role": "local"}, {"account": pulumi.Output.from_input("4" * 12)}]
        registry = mlops.ModelRegistry("models", platform=aws.HUB, consumers=who)
        mlops.Model("churn", registry=registry)
        return registry.ref.export()

    exported = cloud.run(program)
    (group, _) = cloud.one("sagemaker/modelPackageGroupPolicy").document("resourcePolicy")["Statement"]
    assert group["Principal"]["AWS"] == [
        arn,
        f"arn:aws:iam::{ACCOUNT}:role/local",
        f"arn:aws:iam::{'4' * 12}:root",
    ]
    assert exported["consumers"] == [{"role": arn}, {"role": "local"}, {"account": "4" * 12}]
    assert mlops.ModelRegistryRef.load(exported).consumers == exported["consumers"]


def test_an_approver_of_the_cluster_gets_a_user_and_reads_its_login(cloud: Cloud) -> None:
    who: Any = [{"user": "lead"}, {"service_account": "ci/deploy"}]
    cloud.run(lambda: mlops.ModelRegistry("models", platform=kubernetes.hub(), approvers=who) and None)
    (role,) = cloud.all("Role")
    assert role.inputs["rules"][0]["resourceNames"] == ["models-user-ci-deploy"]
    (binding,) = cloud.all("RoleBinding")
    assert binding.inputs["subjects"] == [{"kind": "ServiceAccount", "name": "deploy", "namespace": "ci"}]
