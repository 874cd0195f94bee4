"""KMS, IAM and Secrets Manager."""

import json
from typing import Any
from urllib.parse import unquote

from pulumi_mlops_sandbox.aws.provider.kind import RowKind
from pulumi_mlops_sandbox.aws.provider.row import Call, Get, Part, Row, TagApi
from pulumi_mlops_sandbox.provider.contract import AutoName, Missing, Values

GONE = ("PendingDeletion", "PendingReplicaDeletion")
_MOST_VERSIONS = 5  # of a managed policy


class KeyKind(RowKind):
    """A key: its state and rotation are switches, and deletion is a waiting time."""

    def created(self, object_id: str, inputs: Values, scope: Values) -> None:
        """Set the switches."""
        self._switch(
            object_id,
            inputs,
            scope,
            frozenset(name for name in ("enableKeyRotation", "isEnabled") if inputs.get(name) is not None),
        )

    def updated(self, object_id: str, olds: Values, news: Values, changed: frozenset[str], scope: Values) -> None:
        """Set the switches that changed."""
        self._switch(object_id, news, scope, changed)

    def _switch(self, object_id: str, values: Values, scope: Values, changed: frozenset[str]) -> None:
        if changed.intersection({"enableKeyRotation", "rotationPeriodInDays"}):
            if values.get("enableKeyRotation"):
                period = (
                    {"RotationPeriodInDays": values["rotationPeriodInDays"]}
                    if values.get("rotationPeriodInDays")
                    else {}
                )
                self.invoke("enable_key_rotation", scope, KeyId=object_id, **period)
            elif "enableKeyRotation" in changed and self._rotates(object_id, scope):
                self.invoke("disable_key_rotation", scope, KeyId=object_id)
        if "isEnabled" in changed:
            self.invoke("enable_key" if values.get("isEnabled", True) else "disable_key", scope, KeyId=object_id)

    def _rotates(self, object_id: str, scope: Values) -> bool:
        return bool(self.invoke("get_key_rotation_status", scope, KeyId=object_id).get("KeyRotationEnabled"))

    def check_gone(self, found: Any) -> None:
        """Say that a key is gone which waits for its deletion."""
        if found.get("KeyState") in GONE:
            raise Missing(f"key {found['KeyId']} is {found['KeyState']}")

    def deleting(self, object_id: str, inputs: Values, scope: Values) -> None:
        """Schedule the deletion."""
        window = int(inputs.get("deletionWindowInDays") or 30)
        with self.absence("KMSInvalidStateException:pending deletion"):
            self.invoke("schedule_key_deletion", scope, KeyId=object_id, PendingWindowInDays=window)


class RoleKind(RowKind):
    """A role; its trust document comes back encoded."""

    def adjusted(self, state: Values, inputs: Values) -> Values:
        """Read the trust document."""
        boundary = state.get("permissionsBoundary")
        return {**state, **_documents(state, "assumeRolePolicy"), "permissionsBoundary": boundary}

    def deleting(self, object_id: str, inputs: Values, scope: Values) -> None:
        """Detach policies where the program says so; others make IAM refuse."""
        if inputs.get("forceDetachPolicies"):
            for policy in self.ask("list_attached_role_policies", scope, RoleName=object_id)["AttachedPolicies"]:
                self.invoke("detach_role_policy", scope, RoleName=object_id, PolicyArn=policy["PolicyArn"])
            for name in self.invoke("list_role_policies", scope, RoleName=object_id)["PolicyNames"]:
                self.invoke("delete_role_policy", scope, RoleName=object_id, PolicyName=name)


class RolePolicyKind(RowKind):
    """A policy written into a role."""

    def adjusted(self, state: Values, inputs: Values) -> Values:
        """Read the document."""
        return {**state, **_documents(state, "policy")}


class PolicyKind(RowKind):
    """A managed policy, of which each change is a new version."""

    def adjusted(self, state: Values, inputs: Values) -> Values:
        """Read the version in force."""
        data = self.invoke("get_policy", {"region": ""}, PolicyArn=state["arn"])["Policy"]
        version = self.invoke(
            "get_policy_version", {"region": ""}, PolicyArn=state["arn"], VersionId=data["DefaultVersionId"]
        )
        document = version["PolicyVersion"]["Document"]
        return {**state, **_documents({"policy": document}, "policy")}

    def updated(self, object_id: str, olds: Values, news: Values, changed: frozenset[str], scope: Values) -> None:
        """Add a version, in place of the oldest when there are too many."""
        if "policy" not in changed:
            return
        versions = self.invoke("list_policy_versions", scope, PolicyArn=object_id)["Versions"]
        if len(versions) >= _MOST_VERSIONS:
            oldest = min(
                (item for item in versions if not item["IsDefaultVersion"]), key=lambda item: item["CreateDate"]
            )
            self.invoke("delete_policy_version", scope, PolicyArn=object_id, VersionId=oldest["VersionId"])
        self.invoke(
            "create_policy_version", scope, PolicyArn=object_id, PolicyDocument=news["policy"], SetAsDefault=True
        )

    def deleting(self, object_id: str, inputs: Values, scope: Values) -> None:
        """Delete the versions that are not in force."""
        versions = self.ask("list_policy_versions", scope, PolicyArn=object_id)["Versions"]
        for item in versions:
            if not item["IsDefaultVersion"]:
                self.invoke("delete_policy_version", scope, PolicyArn=object_id, VersionId=item["VersionId"])


class AttachmentKind(RowKind):
    """A managed policy on a role: found in the role's list."""

    def read(self, object_id: str, inputs: Values) -> Values:
        """Look for the policy among those attached."""
        scope = self.scope(object_id, inputs)
        if "role" not in scope or "policyArn" not in scope:
            role, _, arn = object_id.partition("/")
            scope.update(role=role, policyArn=arn)
        attached = self.listed("list_attached_role_policies", scope, RoleName=scope["role"])
        if scope["policyArn"] not in {item["PolicyArn"] for item in attached["AttachedPolicies"]}:
            raise Missing(f"{scope['policyArn']} is not attached to {scope['role']}")
        return {"role": scope["role"], "policyArn": scope["policyArn"]}


class SecretKind(RowKind):
    """A secret: deleted at once or after a recovery window."""

    def check_gone(self, found: Any) -> None:
        """Say that a secret is gone which waits for its deletion."""
        if found.get("DeletedDate"):
            raise Missing(f"secret {found.get('Name')} is scheduled for deletion")

    def deleting(self, object_id: str, inputs: Values, scope: Values) -> None:
        """Delete with the window that the program gives."""
        window = int(inputs.get("recoveryWindowInDays", 30))
        how: Values = {"RecoveryWindowInDays": window} if window else {"ForceDeleteWithoutRecovery": True}
        self.ask("delete_secret", scope, SecretId=object_id, **how)


class SecretVersionKind(RowKind):
    """A value of a secret; its id names the secret and the version."""

    def scope(self, object_id: str, inputs: Values) -> Values:
        """Split the id."""
        secret, _, version = object_id.partition("|")
        return {**super().scope(object_id, inputs), **({"secretId": secret, "versionId": version} if version else {})}

    def deleting(self, object_id: str, inputs: Values, scope: Values) -> None:
        """Take the stages off the version, but the current one stays: AWS has no call to delete a version."""
        for stage in (item for item in scope.get("versionStages") or [] if item != "AWSCURRENT"):
            self.ask(
                "update_secret_version_stage",
                scope,
                SecretId=scope["secretId"],
                VersionStage=stage,
                RemoveFromVersionId=scope["versionId"],
            )


def _documents(state: Values, name: str) -> Values:
    """Decode a policy document, which botocore gives as an object or as encoded text."""
    document = state.get(name)
    if isinstance(document, dict):
        return {name: json.dumps(document)}
    return {name: unquote(document)} if isinstance(document, str) and document.startswith("%") else {name: document}


IAM_ABSENT = ("NoSuchEntity",)
SECRET_ABSENT = ("ResourceNotFoundException", "InvalidRequestException:marked for deletion")
ROWS = (
    Row(
        resource="aws:kms/key:Key",
        service="kms",
        id="{result[KeyMetadata][KeyId]}",
        create=Call(
            "create_key",
            rename={"customerMasterKeySpec": "KeySpec"},
            only=(
                "bypassPolicyLockoutSafetyCheck",
                "customerMasterKeySpec",
                "description",
                "keyUsage",
                "multiRegion",
                "policy",
            ),
        ),
        reads=(
            Get(
                "describe_key",
                {"KeyId": "{id}"},
                at="KeyMetadata",
                rename={"isEnabled": "Enabled", "customerMasterKeySpec": "KeySpec"},
                only=("arn", "customerMasterKeySpec", "description", "isEnabled", "keyId", "keyUsage", "multiRegion"),
            ),
            Get("get_key_policy", {"KeyId": "{id}", "PolicyName": "default"}, only=("policy",)),
            Get(
                "get_key_rotation_status",
                {"KeyId": "{id}"},
                only=("enableKeyRotation", "rotationPeriodInDays"),
                rename={"enableKeyRotation": "KeyRotationEnabled"},
                absent=("UnsupportedOperationException",),
            ),
        ),
        parts=(
            Part(Call("update_key_description", {"KeyId": "{id}"}, only=("description",)), on=("description",)),
            Part(
                Call(
                    "put_key_policy",
                    {"KeyId": "{id}", "PolicyName": "default"},
                    only=("policy", "bypassPolicyLockoutSafetyCheck"),
                ),
                on=("policy",),
            ),
        ),
        delete=None,
        absent=("NotFoundException",),
        tags=TagApi(ident="KeyId", form="TagKey/TagValue", fetch="list_resource_tags", value="{id}"),
        replace=("customerMasterKeySpec", "keyUsage", "multiRegion"),
        local=(
            "deletionWindowInDays",
            "enableKeyRotation",
            "isEnabled",
            "rotationPeriodInDays",
            "bypassPolicyLockoutSafetyCheck",
        ),
        sticky=("policy", "description", "multiRegion", "rotationPeriodInDays"),
        defaults={
            "customerMasterKeySpec": "SYMMETRIC_DEFAULT",
            "isEnabled": True,
            "keyUsage": "ENCRYPT_DECRYPT",
            "bypassPolicyLockoutSafetyCheck": False,
        },
        refused={"customKeyStoreId": "not in the table", "xksKeyId": "not in the table"},
        retry=("MalformedPolicyDocumentException:invalid principal",),
        kind=KeyKind,
    ),
    Row(
        resource="aws:kms/alias:Alias",
        service="kms",
        id="{name}",
        name=AutoName(limit=256, lead="alias/"),
        create=Call("create_alias", rename={"name": "AliasName"}),
        reads=(
            Get(
                "list_aliases",
                at="Aliases",
                where={"AliasName": "{id}"},
                rename={"name": "AliasName", "arn": "AliasArn"},
            ),
        ),
        parts=(Part(Call("update_alias", {"AliasName": "{id}"}, only=("targetKeyId",)), on=("targetKeyId",)),),
        delete=Call("delete_alias", {"AliasName": "{id}"}),
        absent=("NotFoundException",),
        replace=("name", "namePrefix"),
        identity=("name",),
        outputs={"targetKeyArn": "arn:{partition}:kms:{region}:{account}:key/{targetKeyId}"},
        kind=None,
    ),
    Row(
        resource="aws:iam/role:Role",
        service="iam",
        id="{name}",
        name=AutoName(limit=64),
        create=Call("create_role", rename={"name": "RoleName", "assumeRolePolicy": "AssumeRolePolicyDocument"}),
        reads=(
            Get(
                "get_role",
                {"RoleName": "{id}"},
                at="Role",
                rename={
                    "name": "RoleName",
                    "assumeRolePolicy": "AssumeRolePolicyDocument",
                    "uniqueId": "RoleId",
                    "permissionsBoundary": "PermissionsBoundary.PermissionsBoundaryArn",
                },
            ),
        ),
        parts=(
            Part(
                Call(
                    "update_assume_role_policy",
                    {"RoleName": "{id}"},
                    only=("assumeRolePolicy",),
                    rename={"assumeRolePolicy": "PolicyDocument"},
                ),
                on=("assumeRolePolicy",),
            ),
            Part(
                Call("update_role", {"RoleName": "{id}"}, only=("description", "maxSessionDuration")),
                on=("description", "maxSessionDuration"),
            ),
            Part(
                Call("put_role_permissions_boundary", {"RoleName": "{id}"}, only=("permissionsBoundary",)),
                on=("permissionsBoundary",),
                clear=Call("delete_role_permissions_boundary", {"RoleName": "{id}"}),
            ),
        ),
        delete=Call("delete_role", {"RoleName": "{id}"}),
        absent=IAM_ABSENT,
        tags=TagApi(ident="RoleName", add="tag_role", remove="untag_role", fetch="list_role_tags", value="{id}"),
        replace=("name", "namePrefix", "path"),
        identity=("name",),
        local=("forceDetachPolicies",),
        defaults={"forceDetachPolicies": False, "maxSessionDuration": 3600, "path": "/"},
        refused={
            "inlinePolicies": "deprecated in the real provider: use iam.RolePolicy",
            "managedPolicyArns": "deprecated in the real provider: use iam.RolePolicyAttachment",
        },
        retry=("MalformedPolicyDocument:Invalid principal",),
        kind=RoleKind,
    ),
    Row(
        resource="aws:iam/rolePolicy:RolePolicy",
        service="iam",
        id="{role}:{name}",
        name=AutoName(limit=128),
        create=(
            PUT_ROLE_POLICY := Call(
                "put_role_policy",
                {"RoleName": "{role}", "PolicyName": "{name}"},
                only=("policy",),
                rename={"policy": "PolicyDocument"},
            )
        ),
        reads=(
            Get(
                "get_role_policy",
                {"RoleName": "{role}", "PolicyName": "{name}"},
                rename={"role": "RoleName", "name": "PolicyName", "policy": "PolicyDocument"},
            ),
        ),
        parts=(Part(PUT_ROLE_POLICY, on=("policy",)),),
        delete=Call("delete_role_policy", {"RoleName": "{role}", "PolicyName": "{name}"}),
        absent=IAM_ABSENT,
        replace=("name", "namePrefix", "role"),
        identity=("name", "role"),
        kind=RolePolicyKind,
    ),
    Row(
        resource="aws:iam/policy:Policy",
        service="iam",
        id="{result[Policy][Arn]}",
        name=AutoName(limit=128),
        create=Call("create_policy", rename={"name": "PolicyName", "policy": "PolicyDocument"}),
        reads=(
            Get(
                "get_policy",
                {"PolicyArn": "{id}"},
                at="Policy",
                rename={"name": "PolicyName"},
                only=("arn", "attachmentCount", "description", "name", "path", "policyId"),
            ),
        ),
        delete=Call("delete_policy", {"PolicyArn": "{id}"}),
        absent=IAM_ABSENT,
        tags=TagApi(ident="PolicyArn", add="tag_policy", remove="untag_policy", fetch="list_policy_tags", value="{id}"),
        replace=("description", "name", "namePrefix", "path"),
        identity=("name",),
        local=("policy",),
        defaults={"path": "/"},
        refused={"delayAfterPolicyCreationInMs": "the sandbox's IAM is consistent at once"},
        kind=PolicyKind,
    ),
    Row(
        resource="aws:iam/rolePolicyAttachment:RolePolicyAttachment",
        service="iam",
        id="{role}/{policyArn}",
        create=Call("attach_role_policy", {"RoleName": "{role}"}, only=("policyArn",)),
        reads=(),
        delete=Call("detach_role_policy", {"RoleName": "{role}", "PolicyArn": "{policyArn}"}),
        absent=IAM_ABSENT,
        replace=("*",),
        identity=("policyArn", "role"),
        kind=AttachmentKind,
    ),
    Row(
        resource="aws:secretsmanager/secret:Secret",
        service="secretsmanager",
        id="{result[ARN]}",
        name=AutoName(limit=512),
        create=Call("create_secret", only=("description", "forceOverwriteReplicaSecret", "kmsKeyId", "name")),
        reads=(
            Get("describe_secret", {"SecretId": "{id}"}, only=("arn", "description", "kmsKeyId", "name")),
            Get("get_resource_policy", {"SecretId": "{id}"}, only=("policy",), rename={"policy": "ResourcePolicy"}),
        ),
        parts=(
            Part(
                Call("update_secret", {"SecretId": "{id}"}, only=("description", "kmsKeyId")),
                on=("description", "kmsKeyId"),
            ),
            Part(
                Call(
                    "put_resource_policy", {"SecretId": "{id}"}, only=("policy",), rename={"policy": "ResourcePolicy"}
                ),
                on=("policy",),
                clear=Call("delete_resource_policy", {"SecretId": "{id}"}),
                at_create=True,
            ),
        ),
        delete=None,
        absent=SECRET_ABSENT,
        tags=TagApi(ident="SecretId", fetch="describe_secret", value="{id}"),
        replace=("name", "namePrefix"),
        identity=("name",),
        local=("recoveryWindowInDays", "forceOverwriteReplicaSecret"),
        defaults={"recoveryWindowInDays": 30, "forceOverwriteReplicaSecret": False},
        refused={"replicas": "not in the table", "type": "not in the table"},
        retry=("InvalidRequestException:scheduled for deletion", "MalformedPolicyDocumentException:invalid principal"),
        kind=SecretKind,
    ),
    Row(
        resource="aws:secretsmanager/secretVersion:SecretVersion",
        service="secretsmanager",
        id="{secretId}|{result[VersionId]}",
        create=Call("put_secret_value", {"SecretId": "{secretId}"}, only=("secretString", "versionStages")),
        reads=(
            Get(
                "get_secret_value",
                {"SecretId": "{secretId}", "VersionId": "{versionId}"},
                only=("arn", "secretString", "versionId", "versionStages"),
            ),
        ),
        outputs={"secretId": "{secretId}", "secretArn": "{arn}"},
        delete=None,
        absent=SECRET_ABSENT,
        replace=("secretId", "secretString"),
        sticky=("versionStages",),
        sensitive=("secretString",),
        refused={
            "secretBinary": "not in the table: give text",
            "secretStringWo": "write-only values are not in the table",
            "secretStringWoVersion": "write-only values are not in the table",
        },
        local=("versionStages",),
        kind=SecretVersionKind,
    ),
)
