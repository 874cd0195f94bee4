"""An `up` died with a native call and no word of the component, and "could not be asked" where AWS had said no."""

from http import HTTPStatus
from types import SimpleNamespace
from typing import Any

import pytest
from botocore import exceptions

import pulumi_mlops as mlops
from pulumi_mlops import MlopsError
from pulumi_mlops.backends.aws import live as aws
from pulumi_mlops.backends.kubernetes import live as kubernetes
from pulumi_mlops.core import private
from support.facts.aws import REGISTRY, STORE
from support.mocks import Cloud

WANTED: dict[str, Any] = {"features": {"id": "string", "at": "timestamp"}, "keys": ["id"], "event_time": "at"}
DENIED = (
    "User: arn:aws:iam::111122223333:user/ci is not authorized to perform: sagemaker:DescribeFeatureGroup on resource: "
    "arn:aws:sagemaker:us-east-1:111122223333:feature-group/churn-dev-profile because no policy allows it"
)


def said(code: str, message: str) -> exceptions.ClientError:
    return exceptions.ClientError({"Error": {"Code": code, "Message": message}}, "DescribeFeatureGroup")


@pytest.mark.parametrize(
    ("failure", "told", "way_out"),
    [
        (said("AccessDeniedException", DENIED), "does not let this program ask", "Give sagemaker:DescribeFeatureGroup"),
        (said("AccessDenied", "no"), "does not let this program ask", "Give DescribeFeatureGroup to who deploys"),
        (said("ExpiredTokenException", "it expired"), "does not take the credentials", "aws sso login"),
        (said("UnrecognizedClientException", "bad token"), "does not take the credentials", "aws sts get-caller"),
        (said("ThrottlingException", "Rate exceeded"), "is asked too often", "--parallel 4"),
        (said("ServiceUnavailable", "busy"), "failed when it was asked", "again later"),
        (said("ValidationException", "bad name"), "refused what it was asked", "bad name"),
        (exceptions.NoCredentialsError(), "for want of credentials", "aws sso login"),
        (exceptions.UnauthorizedSSOTokenError(), "for want of credentials", "aws sso login"),
        (exceptions.ProfileNotFound(profile="prod"), "was not asked", "pulumi config set aws:profile"),
        (exceptions.NoRegionError(), "there is no region", "pulumi config set aws:region"),
        (exceptions.ProxyConnectionError(proxy_url="http://p"), "does not answer", "proxies"),
        (exceptions.ReadTimeoutError(endpoint_url="http://x"), "does not answer", "region, network"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_a_look_up_that_fails_names_the_component_the_cause_and_the_way_out(
    failure: Exception, told: str, way_out: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def client(*_: object) -> None:
        raise failure

    monkeypatch.setattr(aws, "client", client)
    monkeypatch.setattr(private, "mocked", lambda: False)
    cloud = Cloud(preview=True)
    with pytest.raises(MlopsError) as raised:
        cloud.run(lambda: mlops.FeatureGroup("profile", store=STORE, **WANTED) and None)
    message = str(raised.value)
    assert message.startswith("FeatureGroup 'profile': AWS ")
    assert told in message
    assert way_out in message
    assert "could not be asked" not in message
    assert cloud.registered == []


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (HTTPStatus.UNAUTHORIZED, "does not take the credentials of this program's kubeconfig"),
        (HTTPStatus.FORBIDDEN, "kubectl auth can-i"),
        (HTTPStatus.SERVICE_UNAVAILABLE, "could not answer .* again later"),
        (HTTPStatus.TOO_MANY_REQUESTS, "could not answer"),
        (HTTPStatus.NOT_ACCEPTABLE, "refused to be asked"),
    ],
)
def test_a_cluster_that_says_no_is_not_one_that_is_down(
    status: HTTPStatus, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = SimpleNamespace(status=status, reason=status.phrase, read=lambda: b"{}")
    client = SimpleNamespace(
        configuration=SimpleNamespace(host="https://cluster.example.com"),
        default_headers={},
        update_params_for_auth=lambda *_: None,
        call_api=lambda *_, **__: answer,
    )
    monkeypatch.setattr(kubernetes, "client", lambda *_: client)
    with pytest.raises(MlopsError, match=f"The cluster at https://cluster.example.com .*{told}"):
        kubernetes.Cluster(None).get("/api/v1/namespaces/churn-dev")


def test_an_error_in_the_making_of_a_component_is_about_that_component(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a builder raises gets the component's name, also a look-up of the cluster's."""

    def refuse(*_: object, **__: object) -> None:
        raise MlopsError("The cluster at https://cluster.example.com does not answer: refused. Start it")

    monkeypatch.setattr(kubernetes, "cluster", refuse)
    with pytest.raises(MlopsError, match=r"^Platform 'hub': The cluster at https://cluster\.example\.com"):
        Cloud(preview=True).run(lambda: mlops.Platform("hub", backend="kubernetes") and None)


def test_a_version_that_is_not_there_names_the_argument(monkeypatch: pytest.MonkeyPatch) -> None:
    def program() -> None:
        model = mlops.Model("churn", registry=REGISTRY)
        monkeypatch.setattr(aws, "package", lambda *_: None)
        monkeypatch.setattr(private, "mocked", lambda: False)
        model.version(7)

    with pytest.raises(mlops.InvalidArgs, match=r"Model 'churn': 1 problem.*\n  - version: has no version 7 in group"):
        Cloud(preview=True).run(program)
