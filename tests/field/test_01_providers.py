"""A provider that is made has the stack's settings, and what is looked up is asked with the provider's settings."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest

import pulumi_mlops as mlops
from pulumi_mlops.backends.aws import live, sessions
from pulumi_mlops.core import private
from support.facts.aws import hub
from support.mocks import ACCOUNT, Cloud

ROLE = "arn:aws:iam::111122223333:role/deploy"
OTHER = "444455556666"
SETTINGS: dict[str, tuple[str, object]] = {
    "profile": ("profile", "deployer"),
    "assumeRoles": ("assumeRoles", [{"roleArn": ROLE}, {"roleArn": ROLE, "externalId": "x"}]),
    "defaultTags": ("defaultTags", {"tags": {"cost": "4711"}}),
    "endpoints": ("endpoints", [{"sagemaker": "http://localhost:4566"}]),
    "keys": ("accessKey", "AKIA1"),
    "web": ("assumeRoleWithWebIdentity", {"roleArn": ROLE, "webIdentityTokenFile": "/token"}),
    "files": ("sharedCredentialsFiles", ["/etc/aws"]),
    "proxy": ("httpsProxy", "http://proxy:3128"),
    "fips": ("useFipsEndpoint", True),
    "ignored": ("ignoreTags", {"keyPrefixes": ["audit:"]}),
}


@pytest.mark.parametrize("setting", SETTINGS)
def test_a_made_provider_has_every_setting_of_the_stack(setting: str) -> None:
    key, value = SETTINGS[setting]
    cloud = Cloud()
    given = {f"aws__{key}": value if isinstance(value, str) else json.dumps(value)}
    cloud.run(lambda: mlops.Platform("hub", backend="aws", region="eu-west-1") and None, **given)
    (made,) = [item for item in cloud.registered if item.type == "pulumi:providers:aws"]
    assert made.inputs["region"] == "eu-west-1"
    assert (made.inputs[key] if isinstance(value, str) else made.document(key)) == value


class Session:
    """Stands for boto3's session and remembers what clients are made with."""

    def __init__(self, profile: str | None) -> None:
        self.profile = profile
        self.made: list[tuple[str, Any]] = []

    def client(self, service: str, **options: Any) -> Any:
        self.made.append((service, options))
        return self

    def assume_role(self, **asked: Any) -> Any:
        self.made.append(("assumed", asked))
        return {"Credentials": {"AccessKeyId": "k", "SecretAccessKey": "s", "SessionToken": "t"}}

    assume_role_with_web_identity = assume_role

    def get_caller_identity(self) -> Any:
        return {"Account": OTHER if self.profile is None else ACCOUNT}


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Session]]:
    found: dict[str, Session] = {}

    def opened(_: str | None, profile: str | None, *_files: str | None) -> Session:
        assert "session" not in found or found["session"].profile == profile
        return found.setdefault("session", Session(profile))

    monkeypatch.setattr(sessions, "_session", opened)
    sessions._client.cache_clear()
    yield found
    sessions._client.cache_clear()


def asked(program: Callable[[], mlops.PlatformRef], session: dict[str, Session], **config: str) -> Session:
    Cloud().run(lambda: live.client(program(), "sagemaker") and None, **config)
    return session["session"]


def test_look_ups_use_keys_endpoints_proxies_and_roles_of_the_stack(session: dict[str, Session]) -> None:
    config = {
        "aws__accessKey": "AKIA1", "aws__secretKey": "hush", "aws__httpsProxy": "http://proxy:3128",
        "aws__endpoints": json.dumps([{"sagemaker": "http://localhost:4566", "sts": "http://localhost:4567"}]),
        "aws__assumeRoles": json.dumps([{"roleArn": ROLE, "externalId": "x", "sessionName": "ci"}]),
        "aws__customCaBundle": "/ca.pem", "aws__useFipsEndpoint": "true",
    }  # fmt: skip
    sts, role, last = asked(hub, session, **config).made
    assert (sts[1]["aws_access_key_id"], sts[1]["aws_secret_access_key"]) == ("AKIA1", "hush")
    assert (sts[1]["endpoint_url"], last[1]["endpoint_url"]) == ("http://localhost:4567", "http://localhost:4566")
    assert role[1] == {"RoleArn": ROLE, "RoleSessionName": "ci", "ExternalId": "x"}
    assert (last[1]["aws_session_token"], last[1]["verify"]) == ("t", "/ca.pem")
    assert (last[1]["config"].proxies, last[1]["config"].use_fips_endpoint) == ({"https": "http://proxy:3128"}, True)


def test_look_ups_use_a_web_identity(session: dict[str, Session]) -> None:
    web = json.dumps({"roleArn": ROLE, "webIdentityToken": "jwt"})
    _, role, _ = asked(hub, session, aws__assumeRoleWithWebIdentity=web).made
    assert role[1] == {"RoleArn": ROLE, "RoleSessionName": "pulumi-mlops", "WebIdentityToken": "jwt"}


def test_look_ups_use_the_profile_of_the_provider_in_opts_and_not_the_stacks(session: dict[str, Session]) -> None:
    def program() -> mlops.PlatformRef:
        return hub(providers=(aws.Provider("own", region="us-east-1", profile="other"),))

    found = asked(program, session, aws__profile="deployer", aws__assumeRoles=json.dumps([{"roleArn": ROLE}]))
    assert found.profile == "other"
    assert [service for service, _ in found.made] == ["sagemaker"]


@pytest.mark.usefixtures("session")
def test_a_provider_that_leads_elsewhere_than_the_look_ups_is_refused(
    refused_at_preview: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its roles cannot be read: the environment's own account is asked, and it is another one."""
    monkeypatch.setattr(private, "mocked", lambda: False)

    def program() -> None:
        own = aws.Provider("own", region="us-east-1", assume_roles=[{"role_arn": ROLE}])
        platform = mlops.Platform("churn", backend="aws", opts=pulumi.ResourceOptions(provider=own))
        mlops.FeatureStore("features", platform=platform)

    said = refused_at_preview(program)
    assert f"platform: is in account {ACCOUNT} by its provider in opts" in said
    assert f"looked up in account {OTHER}" in said


@pytest.mark.parametrize(("given", "wanted"), [({"region": "us-east-2"}, "region"), ({"account": OTHER}, "account")])
def test_a_platform_beside_a_provider_of_another_place_is_refused(
    given: dict[str, str], wanted: str, refused_at_preview: Callable[..., str]
) -> None:
    def program() -> None:
        class Parent(pulumi.ComponentResource):
            pass

        own = aws.Provider("own", region="eu-west-1")
        parent = Parent("acme:index:Parent", "parent", opts=pulumi.ResourceOptions(providers=[own]))
        region = {"region": "eu-west-1", **given}
        mlops.Platform("churn", backend="aws", **region, opts=pulumi.ResourceOptions(parent=parent))  # type: ignore[arg-type]

    assert f"- {wanted}: " in refused_at_preview(program)
