"""Clients of the configured account: credentials, region, roles to assume, and what every call needs."""

import os
import threading
from collections.abc import Mapping
from functools import cache
from typing import Any

import boto3
import botocore.session
from botocore.config import Config
from botocore.loaders import Loader, create_loader

from pulumi_mlops_sandbox.aws.provider import failures
from pulumi_mlops_sandbox.provider.contract import ProviderError, Values

_SERVICES = {"lambda": "lambda", "appautoscaling": "application-autoscaling"}


DEFAULT_REGION = "us-east-1"


class Session:
    """One provider's way to AWS."""

    def __init__(self, config: Values) -> None:
        self.config = config
        self.region = str(
            config.get("region")
            or os.environ.get("AWS_REGION")
            or os.environ.get("AWS_DEFAULT_REGION")
            or DEFAULT_REGION
        )
        self.cancelled = threading.Event()
        self._lock = threading.Lock()
        self._clients: dict[tuple[str, str], Any] = {}
        self._account = ""
        self._boto = boto3.Session(
            aws_access_key_id=config.get("accessKey"),
            aws_secret_access_key=config.get("secretKey"),
            aws_session_token=config.get("token"),
            region_name=self.region,
            botocore_session=_core(config.get("profile")),
        )
        for role in config.get("assumeRoles") or []:
            self._boto = self._assumed(role)

    @property
    def partition(self) -> str:
        """The partition of the region."""
        return str(self._boto.get_partition_for_region(self.region))

    @property
    def account(self) -> str:
        """The account, asked once."""
        if not self._account:
            self._account = str(self.client("sts").get_caller_identity()["Account"])
        return self._account

    @property
    def default_tags(self) -> Mapping[str, str]:
        """The provider's own tags for every resource."""
        return dict((self.config.get("defaultTags") or {}).get("tags") or {})

    def client(self, service: str, region: str = "") -> Any:
        """Return the client of a service, made once."""
        where = region or self.region
        with self._lock:  # sessions are not safe for threads, clients are
            if (service, where) not in self._clients:
                self._clients[service, where] = self._boto.client(
                    service,  # type: ignore[call-overload]  # a plain name
                    region_name=where,
                    endpoint_url=self._endpoint(service),
                    config=Config(
                        retries={
                            "max_attempts": 0
                        },  # retries are ours: a call that half worked is not repeated blindly
                        connect_timeout=5,
                        read_timeout=120,
                        max_pool_connections=64,
                        s3={"addressing_style": "path"},
                        parameter_validation=True,
                    ),
                )
            return self._clients[service, where]

    def _endpoint(self, service: str) -> str | None:
        for entry in self.config.get("endpoints") or []:
            for name, url in entry.items():
                if _SERVICES.get(name, name) == service and url:
                    return str(url)
        return None

    def _assumed(self, role: Mapping[str, Any]) -> boto3.Session:
        arn = role.get("roleArn")
        if not arn:
            raise ProviderError("assumeRoles: an entry has no roleArn")
        members = {
            "DurationSeconds": None,
            "ExternalId": role.get("externalId"),
            "Policy": role.get("policy"),
            "PolicyArns": [{"arn": item} for item in role.get("policyArns") or []] or None,
        }
        sts = self._boto.client("sts", region_name=self.region, endpoint_url=self._endpoint("sts"))
        answer = failures.patiently(
            sts.assume_role,
            (),
            RoleArn=arn,
            RoleSessionName=role.get("sessionName") or "pulumi-mlops-sandbox",
            **{name: item for name, item in members.items() if item},
        )
        found = answer["Credentials"]
        return boto3.Session(
            aws_access_key_id=found["AccessKeyId"],
            aws_secret_access_key=found["SecretAccessKey"],
            aws_session_token=found["SessionToken"],
            region_name=self.region,
            botocore_session=_core(),
        )


@cache
def _loader() -> Loader:
    return create_loader(os.environ.get("AWS_DATA_PATH"))


def _core(profile: str | None = None) -> botocore.session.Session:
    """Make a session that shares what reads the services' descriptions, which are large."""
    core = botocore.session.Session(profile=profile)
    core.register_component("data_loader", _loader())
    return core
