"""What is asked of AWS while a program runs, and what is said when it does not answer."""

from collections.abc import Iterator
from typing import Any

import botocore.session
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from moto import mock_aws

from pulumi_mlops import MlopsError
from pulumi_mlops.backends.aws import live
from pulumi_mlops.core import private
from support.facts.aws import HUB
from support.mocks import REGION


class AbsentError(ClientError):
    def __init__(self, message: str = "gone") -> None:
        super().__init__({"Error": {"Code": "ValidationException", "Message": message}}, "Describe")


class SageMaker:
    """Answers from a list; an exception in it is raised."""

    class exceptions:  # noqa: N801 (boto3's name)
        ResourceNotFound = AbsentError
        ClientError = ClientError

    def __init__(self, *answers: Any) -> None:
        self.answers, self.asked = iter(answers), []

    def _answer(self, **asked: Any) -> Any:
        self.asked.append(asked)
        answer = next(self.answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    describe_feature_group = describe_model_package_group = describe_model_package = _answer

    def get_paginator(self, _: str) -> "SageMaker":
        return self

    def paginate(self, **asked: Any) -> Iterator[Any]:
        yield self._answer(**asked)


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch) -> Any:
    def answers(*given: Any) -> SageMaker:
        sagemaker = SageMaker(*given)
        monkeypatch.setattr(live, "client", lambda *_: sagemaker)
        monkeypatch.setattr(private, "mocked", lambda: False)
        return sagemaker

    return answers


def test_all_pages_of_features_are_read(ask: Any) -> None:
    sagemaker = ask({"FeatureDefinitions": ["a"], "NextToken": "t"}, {"FeatureDefinitions": ["b"]})
    found = live.feature_group(HUB, "g")
    assert found
    assert found["FeatureDefinitions"] == ["a", "b"]
    assert sagemaker.asked[1] == {"FeatureGroupName": "g", "NextToken": "t"}


def test_what_is_not_there_is_nothing(ask: Any) -> None:
    ask(AbsentError())
    assert live.feature_group(HUB, "g") is None
    ask(AbsentError("ModelPackageGroup x does not exist."))
    assert live.model_group(HUB, "x") is None
    ask(AbsentError("ModelPackageGroup x does not exist."))
    assert list(live.approved_packages(HUB, "x")) == []


def test_a_version_is_found_by_its_number(ask: Any) -> None:
    versions = [{"ModelPackageArn": f"arn:{number}", "ModelPackageVersion": number} for number in (4, 3)]
    sagemaker = ask({}, {"ModelPackageSummaryList": versions}, {"ModelPackageVersion": 3})
    assert live.package(HUB, "x", 3) == {"ModelPackageVersion": 3}
    assert sagemaker.asked[2] == {"ModelPackageName": "arn:3"}
    ask({}, {"ModelPackageSummaryList": versions})
    assert live.package(HUB, "x", 5) is None


def test_approved_versions_come_newest_first(ask: Any) -> None:
    summary = {"ModelPackageSummaryList": [{"ModelPackageArn": "arn:4"}, {"ModelPackageArn": "arn:3"}]}
    sagemaker = ask({}, summary, {"ModelPackageVersion": 4}, {"ModelPackageVersion": 3})
    assert [found["ModelPackageVersion"] for found in live.approved_packages(HUB, "x")] == [4, 3]
    assert sagemaker.asked[1]["ModelApprovalStatus"] == "Approved"
    assert (sagemaker.asked[1]["SortBy"], sagemaker.asked[1]["SortOrder"]) == ("CreationTime", "Descending")


@pytest.mark.parametrize(
    "failure",
    [AbsentError("the group is locked"), EndpointConnectionError(endpoint_url="http://x")],
)
def test_a_failure_says_what_was_asked_and_what_to_look_at(ask: Any, failure: Exception) -> None:
    ask(failure)
    with pytest.raises(MlopsError, match=r"AWS .* asked about model package group 'x': .*(locked|get-caller-identity)"):
        live.model_group(HUB, "x")


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Ask an account of moto's, which answers as AWS does; return what makes clients of it."""
    for key in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(key, "test")
    monkeypatch.setattr(private, "mocked", lambda: False)
    with mock_aws():
        session = botocore.session.get_session()

        def client(service: str) -> Any:
            return session.create_client(service, region_name=REGION)

        monkeypatch.setattr(live, "client", lambda _, service: client(service))
        yield client


def test_databases_are_found_by_name(account: Any) -> None:
    account("glue").create_database(DatabaseInput={"Name": "theirs", "LocationUri": "s3://theirs/"})
    found = live.database(HUB, "theirs")
    assert found
    assert found["LocationUri"] == "s3://theirs/"
    assert live.database(HUB, "ours") is None


def test_roles_are_found_by_name(account: Any) -> None:
    account("iam").create_role(RoleName="web", Path="/teams/", AssumeRolePolicyDocument="{}")
    found = live.role(HUB, "web")
    assert found
    assert found["Arn"].endswith(":role/teams/web")
    assert live.role(HUB, "job") is None


def test_keys_have_an_arn_by_whatever_they_are_named(account: Any) -> None:
    kms = account("kms")
    key = kms.create_key()["KeyMetadata"]
    kms.create_alias(AliasName="alias/theirs", TargetKeyId=key["KeyId"])
    alias = key["Arn"].replace(f"key/{key['KeyId']}", "alias/theirs")
    for name in (key["KeyId"], key["Arn"], "alias/theirs", alias):
        assert live.key_arn(HUB, name) == key["Arn"]
    with pytest.raises(MlopsError, match="AWS refused what it was asked about key 'alias/none'"):
        live.key_arn(HUB, "alias/none")


def test_groups_of_a_registry_are_found_by_their_prefix(account: Any) -> None:
    account("sagemaker").create_model_package_group(ModelPackageGroupName="central-churn")
    assert live.has_model_groups(HUB, "central-")
    assert not live.has_model_groups(HUB, "churn")  # it is within the name, and does not begin it
    assert not live.has_model_groups(HUB, "other-")
