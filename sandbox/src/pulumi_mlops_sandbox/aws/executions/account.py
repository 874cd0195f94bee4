"""The hands of a job or of a pipeline in the account: requests to this very plane, with the credentials of a role.

So each of them is judged as anybody's: by shapes, by what exists, and by the policies of the role.
"""

import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import ClientError

from pulumi_mlops_sandbox.aws import accounts, authorization
from pulumi_mlops_sandbox.aws.call import Account
from pulumi_mlops_sandbox.aws.executions.jobs import JobError, NothingThereError
from pulumi_mlops_sandbox.running.images import StandIn

_HOURS = 12 * 3600
_MAKING = threading.Lock()
_SDK = botocore.session.Session()


class Role:
    """Somebody who has assumed a role."""

    def __init__(self, plane: Account, arn: str, region: str) -> None:
        self.plane, self.arn, self.region = plane, arn, region
        with plane.lock:
            assumed = accounts.backend("sts", "aws").assume_role(
                region_name=region,
                role_session_name="SageMaker",
                role_arn=arn,
                policy=None,
                duration=_HOURS,
                external_id=None,
            )
        self.credentials = {
            "AWS_ACCESS_KEY_ID": str(assumed.access_key_id),
            "AWS_SECRET_ACCESS_KEY": str(assumed.secret_access_key),
            "AWS_SESSION_TOKEN": str(assumed.session_token),
        }
        self._clients: dict[str, Any] = {}

    def client(self, service: str) -> Any:
        """Make a client of a service."""
        with _MAKING:  # making clients is not made for threads
            if service not in self._clients:
                self._clients[service] = _SDK.create_client(
                    service,
                    region_name=self.region,
                    endpoint_url=self.plane.url,
                    aws_access_key_id=self.credentials["AWS_ACCESS_KEY_ID"],
                    aws_secret_access_key=self.credentials["AWS_SECRET_ACCESS_KEY"],
                    aws_session_token=self.credentials["AWS_SESSION_TOKEN"],
                    config=Config(parameter_validation=False, retries={"total_max_attempts": 3, "mode": "standard"}),
                )
            return self._clients[service]


class RoleHands:
    """What a job does, as its role."""

    def __init__(self, role: Role, group: str) -> None:
        self.role, self.group = role, group
        self._streams: dict[str, str] = {}
        self._unheard = False

    def stand_in(self, image: str) -> StandIn:
        """Return what stands in for an image that the role may pull."""
        if lacks := authorization.lacking(self.role.arn, authorization.pulled(image)):
            raise JobError(f"ClientError: Failed to pull image {image}. {lacks}")
        return self.role.plane.images.of(image)

    def fetch(self, uri: str, folder: Path) -> None:
        """Fetch all that begins with an address, as File mode does."""
        bucket, _, prefix = uri.removeprefix("s3://").partition("/")
        s3 = self.role.client("s3")
        folder.mkdir(parents=True, exist_ok=True)
        try:
            found = [
                one["Key"]
                for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
                for one in page.get("Contents", [])
                if not one["Key"].endswith("/")
            ]
            if not found:
                raise NothingThereError(uri, self.role.arn)
            for key in found:
                place = folder / (key[len(prefix) :].lstrip("/") or Path(key).name)
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
        except ClientError as error:
            raise JobError(f"ClientError: Data download failed:{error}") from None

    def read(self, uri: str) -> bytes:
        """Read one object."""
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        found: bytes = self.role.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
        return found

    def keep(self, folder: Path, uri: str, key: str | None) -> None:
        """Write all files of a folder below an address."""
        bucket, _, prefix = uri.removeprefix("s3://").partition("/")
        encrypted = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key} if key else {}
        try:
            for path in sorted(one for one in folder.rglob("*") if one.is_file()):
                where = f"{prefix.rstrip('/')}/{path.relative_to(folder).as_posix()}".lstrip("/")
                self.role.client("s3").put_object(Bucket=bucket, Key=where, Body=path.read_bytes(), **encrypted)
        except ClientError as error:
            raise JobError(f"ClientError: Data upload failed:{error}") from None

    def say(self, stream: str, lines: Sequence[str]) -> None:
        """Write lines of a log; a job whose role may not goes on without."""
        if self._unheard:
            return
        logs, moment = self.role.client("logs"), int(time.time() * 1000)
        try:
            if stream not in self._streams:
                self._begin(stream, f"{stream}-{moment // 1000}")
            events = [{"timestamp": moment, "message": line or " "} for line in lines]
            logs.put_log_events(logGroupName=self.group, logStreamName=self._streams[stream], logEvents=events)
        except ClientError:
            self._unheard = True

    def _begin(self, stream: str, named: str) -> None:
        logs = self.role.client("logs")
        try:
            logs.create_log_group(logGroupName=self.group)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") != "ResourceAlreadyExistsException":
                raise
        logs.create_log_stream(logGroupName=self.group, logStreamName=named)
        self._streams[stream] = named

    def variables(self) -> Mapping[str, str]:
        """Lead programs to this plane, as the role."""
        return {
            "AWS_ENDPOINT_URL": self.role.plane.url,
            "AWS_DEFAULT_REGION": self.role.region,
            "AWS_EC2_METADATA_DISABLED": "true",
            **self.role.credentials,
        }
