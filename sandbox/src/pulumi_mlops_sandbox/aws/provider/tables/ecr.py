"""ECR: repositories and their policies."""

from pulumi_mlops_sandbox.aws.provider.kind import RowKind
from pulumi_mlops_sandbox.aws.provider.row import Call, Get, Part, Row, TagApi
from pulumi_mlops_sandbox.provider.contract import AutoName, Values

AT = {"repositoryName": "{id}"}
ABSENT = ("RepositoryNotFoundException",)


class RepositoryKind(RowKind):
    """A repository; deletion says whether images go with it."""

    def deleting(self, object_id: str, inputs: Values, scope: Values) -> None:
        """Tell the delete call."""
        scope["forced"] = bool(inputs.get("forceDelete"))


def _policy(resource: str, *, put: str, get: str, delete: str, member: str, absent: str) -> Row:
    """Make the row of a policy on a repository."""
    rename = {"policy": member}
    call = Call(put, {"repositoryName": "{repository}"}, only=("policy",), rename=rename)
    return Row(
        resource=f"aws:ecr/{resource}",
        service="ecr",
        id="{repository}",
        create=call,
        reads=(Get(get, AT, only=("policy", "registryId"), rename=rename),),
        outputs={"repository": "{id}"},
        parts=(Part(call, on=("policy",)),),
        delete=Call(delete, AT),
        absent=(*ABSENT, absent),
        replace=("repository",),
        identity=("repository",),
    )


ROWS = (
    Row(
        resource="aws:ecr/repository:Repository",
        service="ecr",
        id="{name}",
        name=AutoName(limit=256, lower=True),
        create=Call("create_repository", rename={"name": "repositoryName"}),
        reads=(
            Get(
                "describe_repositories",
                {"repositoryNames": ["{id}"]},
                at="repositories[0]",
                rename={
                    "name": "repositoryName",
                    "arn": "repositoryArn",
                    "repositoryUrl": "repositoryUri",
                    "encryptionConfigurations.kmsKey": "kmsKey",
                },
            ),
        ),
        parts=(
            Part(
                Call("put_image_tag_mutability", AT, only=("imageTagMutability", "imageTagMutabilityExclusionFilters")),
                on=("imageTagMutability", "imageTagMutabilityExclusionFilters"),
            ),
            Part(
                Call("put_image_scanning_configuration", AT, only=("imageScanningConfiguration",)),
                on=("imageScanningConfiguration",),
                clear=Call(
                    "put_image_scanning_configuration",
                    {**AT, "imageScanningConfiguration": {"scanOnPush": False}},
                    only=(),
                ),
            ),
        ),
        delete=Call("delete_repository", {**AT, "force": "{forced}"}),
        absent=ABSENT,
        tags=TagApi(ident="resourceArn", tags="tags", keys="tagKeys", at_create="tags"),
        replace=("name", "encryptionConfigurations"),
        identity=("name",),
        local=("forceDelete",),
        sticky=("encryptionConfigurations",),
        defaults={"imageTagMutability": "MUTABLE"},
        kind=RepositoryKind,
    ),
    _policy(
        "lifecyclePolicy:LifecyclePolicy",
        put="put_lifecycle_policy",
        get="get_lifecycle_policy",
        delete="delete_lifecycle_policy",
        member="lifecyclePolicyText",
        absent="LifecyclePolicyNotFoundException",
    ),
    _policy(
        "repositoryPolicy:RepositoryPolicy",
        put="set_repository_policy",
        get="get_repository_policy",
        delete="delete_repository_policy",
        member="policyText",
        absent="RepositoryPolicyNotFoundException",
    ),
)
