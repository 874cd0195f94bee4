"""Identity on Kubernetes: an account without rights but those of its arguments."""

from typing import Any

import pytest

import pulumi_mlops as mlops
from pulumi_mlops import Unsupported
from support.facts.kubernetes import GROUP, HUB, MODEL
from support.mocks import Cloud


def make(cloud: Cloud, **args: Any) -> None:
    cloud.run(lambda: mlops.Identity("team", platform=HUB, **args) and None)


def test_nothing_is_given_that_is_not_named(cloud: Cloud) -> None:
    make(cloud)
    assert cloud.one("ServiceAccount", "team-account").inputs["automountServiceAccountToken"] is False
    assert not cloud.all("Role")
    assert not cloud.all("NetworkPolicy")


def test_a_reader_of_history_gets_the_reading_key_and_a_way(cloud: Cloud) -> None:
    make(cloud, reads=[GROUP.as_of(days=9)])
    (rule,) = cloud.one("Role").inputs["rules"]
    assert (rule["resourceNames"], rule["verbs"]) == (["churn-store-reader"], ["get"])
    way = cloud.one("NetworkPolicy", "team-net-calls-to-store").inputs["spec"]
    (peer,) = way["ingress"][0]["from"]
    assert peer["podSelector"]["matchLabels"] == {"pulumi-mlops/account": "team"}


def test_who_is_trusted_may_ask_for_the_token_and_call_with_the_label(cloud: Cloud) -> None:
    make(cloud, writes=[GROUP], trusts={"service_account": "ranking/web"})
    (rule,) = cloud.one("Role", "team-role-trusts").inputs["rules"]
    assert (rule["resources"], rule["verbs"]) == (["serviceaccounts/token"], ["create"])
    assert rule["resourceNames"] == ["team"]
    (subject,) = cloud.one("RoleBinding", "team-binding-trusts").inputs["subjects"]
    assert (subject["kind"], subject["namespace"], subject["name"]) == ("ServiceAccount", "ranking", "web")
    (peer,) = cloud.one("NetworkPolicy", "team-net-trusted-to-features").inputs["spec"]["ingress"][0]["from"]
    assert peer["namespaceSelector"]["matchLabels"] == {"kubernetes.io/metadata.name": "ranking"}
    assert peer["podSelector"]["matchLabels"] == {"pulumi-mlops/account": "team"}


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ({"registers": [MODEL]}, "ModelRegistry(approvers=[…]) with the Identity"),
        ({"trusts": {"github": {"repository": "acme/ranker", "branch": "main"}}}, "is a setting of the cluster"),
    ],
)
def test_what_the_cluster_does_not_have_is_refused(cloud: Cloud, args: Any, said: str) -> None:
    with pytest.raises(Unsupported) as caught:
        make(cloud, **args)
    assert said in str(caught.value)


def test_an_identity_approves_by_a_user_of_its_own(cloud: Cloud) -> None:
    def program() -> None:
        team = mlops.Identity("team", platform=HUB)
        mlops.ModelRegistry("models", platform=HUB, approvers=[team])

    cloud.run(program)
    (rule,) = cloud.one("Role", "models-role-approver-team").inputs["rules"]
    assert rule["resourceNames"] == ["models-user-team"]
    (subject,) = cloud.one("RoleBinding", "models-binding-approver-team").inputs["subjects"]
    assert (subject["name"], subject["namespace"]) == ("team", "churn-dev")
