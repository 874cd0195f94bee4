"""Lambda."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

from pulumi_mlops_sandbox.aws.provider.kind import RowKind
from pulumi_mlops_sandbox.aws.provider.row import Call, Get, Part, Row, TagApi, Wait
from pulumi_mlops_sandbox.provider.contract import AutoName, Missing, ProviderError, Values
from pulumi_mlops_sandbox.provider.values import ARCHIVE, ASSET, SIGNATURE

_EPOCH = (1980, 1, 1, 0, 0, 0)


def packed(code: Any) -> bytes:
    """Return the zip file of an archive as the engine sends it."""
    if not isinstance(code, dict) or code.get(SIGNATURE) not in {ARCHIVE, ASSET}:
        raise ProviderError("code: give an archive or an asset")
    if code.get("uri"):
        raise ProviderError("code: remote archives are not in the table; give a file or a folder")
    path = Path(code["path"]) if code.get("path") else None
    if path is not None and path.is_file():
        return path.read_bytes()
    files: dict[str, bytes] = {}
    _collect("", code, files)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):  # same content, same bytes
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), files[name])
    return buffer.getvalue()


def _collect(prefix: str, code: Any, files: dict[str, bytes]) -> None:
    if code.get("assets") is not None:
        for name, item in code["assets"].items():
            _collect(f"{prefix}/{name}".lstrip("/"), item, files)
    elif code.get("text") is not None:
        files[prefix] = str(code["text"]).encode()
    elif code.get("path"):
        path = Path(code["path"])
        if path.is_dir():
            for item in sorted(path.rglob("*")):
                if item.is_file():
                    files[f"{prefix}/{item.relative_to(path)}".lstrip("/")] = item.read_bytes()
        else:
            files[prefix] = path.read_bytes()


class FunctionKind(RowKind):
    """A function: configuration and code are set apart."""

    def _code(self, inputs: Values) -> Values:
        if inputs.get("imageUri"):
            return {"ImageUri": inputs["imageUri"]}
        if inputs.get("s3Bucket"):
            names = {"s3Bucket": "S3Bucket", "s3Key": "S3Key", "s3ObjectVersion": "S3ObjectVersion"}
            return {member: inputs[name] for name, member in names.items() if inputs.get(name)}
        return {"ZipFile": packed(inputs.get("code"))}

    def creating(self, inputs: Values, scope: Values) -> Values:
        """Send the code."""
        return {"Code": self._code(inputs)}

    def updated(self, object_id: str, olds: Values, news: Values, changed: frozenset[str], scope: Values) -> None:
        """Update the code."""
        if changed.intersection(
            {"code", "imageUri", "s3Bucket", "s3Key", "s3ObjectVersion", "sourceCodeHash", "architectures"}
        ):
            more = {"Architectures": news["architectures"]} if news.get("architectures") else {}
            self.invoke("update_function_code", scope, FunctionName=object_id, **self._code(news), **more)

    def adjusted(self, state: Values, inputs: Values) -> Values:
        """Add the addresses."""
        region = inputs.get("region") or self.session.region
        gateway = f"arn:{self.session.partition}:apigateway:{region}:lambda:path"
        path = f"{gateway}/2015-03-31/functions/{state['arn']}/invocations"
        for name in ("environment", "deadLetterConfig", "vpcConfig"):
            if not any((state.get(name) or {}).values()):
                state[name] = None
        if inputs.get("code") is not None:
            state["code"] = inputs["code"]
        return {**state, "invokeArn": path, "qualifiedArn": f"{state['arn']}:{state.get('version') or '$LATEST'}"}


class PermissionKind(RowKind):
    """A statement in a function's policy."""

    def read(self, object_id: str, inputs: Values) -> Values:
        """Look for the statement."""
        scope = self.scope(object_id, inputs)
        if "function" not in scope and "/" in object_id:
            function, _, statement = object_id.rpartition("/")
            scope.update(function=function, statementId=statement)
        qualifier = {"Qualifier": scope["qualifier"]} if scope.get("qualifier") else {}
        policy = json.loads(self.ask("get_policy", scope, FunctionName=scope["function"], **qualifier)["Policy"])
        found = next((item for item in policy["Statement"] if item.get("Sid") == scope["statementId"]), None)
        if found is None:
            raise Missing(f"statement {scope['statementId']} is not in the policy of {scope['function']}")
        principal = found["Principal"]
        conditions = {key: value for group in (found.get("Condition") or {}).values() for key, value in group.items()}
        return {
            **self.remembered(inputs),
            "function": scope["function"],
            "statementId": scope["statementId"],
            "action": found["Action"],
            "principal": principal if isinstance(principal, str) else next(iter(principal.values())),
            "sourceArn": conditions.get("AWS:SourceArn") or conditions.get("aws:SourceArn"),
            "sourceAccount": conditions.get("AWS:SourceAccount") or conditions.get("aws:SourceAccount"),
            "region": scope["region"],
        }


NAME = {"FunctionName": "{id}"}
CONFIGURATION = (
    "deadLetterConfig",
    "description",
    "environment",
    "ephemeralStorage",
    "fileSystemConfig",
    "handler",
    "imageConfig",
    "kmsKeyArn",
    "layers",
    "loggingConfig",
    "memorySize",
    "role",
    "runtime",
    "timeout",
    "tracingConfig",
    "vpcConfig",
)
ABSENT = ("ResourceNotFoundException",)
NAMES = {
    "name": "FunctionName",
    "arn": "FunctionArn",
    "sourceCodeSize": "CodeSize",
    "kmsKeyArn": "KMSKeyArn",
    "codeSha256": "CodeSha256",
    "sourceCodeHash": "",
}
ROWS = (
    Row(
        resource="aws:lambda/function:Function",
        service="lambda",
        id="{name}",
        name=AutoName(limit=64),
        create=Call(
            "create_function", only=(*CONFIGURATION, "architectures", "name", "packageType", "publish"), rename=NAMES
        ),
        reads=(
            Get(
                "get_function",
                NAME,
                at="Configuration",
                rename=NAMES,
                only=tuple(
                    name
                    for name in (
                        *CONFIGURATION,
                        "architectures",
                        "arn",
                        "codeSha256",
                        "lastModified",
                        "name",
                        "packageType",
                        "sourceCodeSize",
                        "version",
                    )
                    if name not in {"imageConfig", "fileSystemConfig"}
                ),
            ),
        ),
        parts=(Part(Call("update_function_configuration", NAME, only=CONFIGURATION, rename=NAMES), on=CONFIGURATION),),
        delete=Call("delete_function", NAME),
        absent=ABSENT,
        tags=TagApi(ident="Resource", form="map", fetch="list_tags", tags="Tags"),
        replace=("name", "packageType"),
        identity=("name",),
        local=(
            "architectures",
            "code",
            "imageUri",
            "s3Bucket",
            "s3Key",
            "s3ObjectVersion",
            "sourceCodeHash",
            "publish",
        ),
        sticky=("architectures", "ephemeralStorage", "loggingConfig", "tracingConfig"),
        defaults={"memorySize": 128, "timeout": 3, "packageType": "Zip", "publish": False},
        recomputed=("codeSha256", "lastModified", "sourceCodeSize", "version", "qualifiedArn"),
        refused={
            "vpcConfig.vpcId": "it is an output",
            **dict.fromkeys(
                (
                    "capacityProviderConfig",
                    "codeSigningConfigArn",
                    "durableConfig",
                    "publishTo",
                    "replaceSecurityGroupsOnDestroy",
                    "replacementSecurityGroupIds",
                    "reservedConcurrentExecutions",
                    "skipDestroy",
                    "snapStart",
                    "sourceKmsKeyArn",
                    "tenancyConfig",
                    "codeSha256",
                    "useResourceTimeoutForPropagation",
                ),
                "not in the table",
            ),
        },
        wait=Wait("Configuration.State", ("Active", "Inactive"), ("Failed",), "Configuration.StateReason"),
        retry=("InvalidParameterValueException:cannot be assumed", "ResourceConflictException:in progress"),
        kind=FunctionKind,
    ),
    Row(
        resource="aws:lambda/permission:Permission",
        service="lambda",
        id="{statementId}",
        name=AutoName("statementId", limit=100, prefix="statementIdPrefix"),
        create=Call("add_permission", {"FunctionName": "{function}"}, rename={"principalOrgId": "PrincipalOrgID"}),
        reads=(),
        delete=Call("remove_permission", {"FunctionName": "{function}", "StatementId": "{statementId}"}, only=()),
        absent=ABSENT,
        replace=("*",),
        identity=("function", "statementId"),
        kind=PermissionKind,
    ),
)
