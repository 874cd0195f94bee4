"""What outlives a deletion under a name of ours, and what AWS lets be deleted only: asked for before a name is used.

In ``dev`` and ``staging`` it goes; in ``prod`` it is refused, with the line that helps.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import pulumi

from pulumi_mlops.backends.aws import live
from pulumi_mlops.backends.aws.asking import asking
from pulumi_mlops.components.platform import PlatformRef
from pulumi_mlops.core import private
from pulumi_mlops.core.component import Scope
from pulumi_mlops.core.errors import Problem
from pulumi_mlops.core.stages import PROFILES, Profile

LIFE = "mlops-life"
"""Tag of an endpoint that was made after one that failed: when that one was made."""
FIRST = "first"
_DELETION_SECONDS = 600
_BUSY = ("Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting")


def profile_of(platform: PlatformRef) -> Profile:
    """Return how the platform's stage is treated."""
    return PROFILES[platform.profile or "prod"]


def failed(there: Mapping[str, Any] | None) -> bool:
    """Tell whether an endpoint failed: AWS lets it be deleted, and nothing else.

    See https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeEndpoint.html.
    """
    return there is not None and there.get("EndpointStatus") == "Failed"


def failed_endpoint(name: str, owner: str) -> Iterator[Problem]:
    """Refuse to leave a failed endpoint to others, who can do nothing with it."""
    if owner == "registry":
        yield Problem(
            "name",
            f"endpoint {name!r} is Failed, AWS lets it be deleted only, and release={{'owner': 'registry'}} leaves it "
            "to others; run: "
            f"aws sagemaker delete-endpoint --endpoint-name {name}, then pulumi refresh, then pulumi up",
        )


def life(scope: Scope, platform: PlatformRef, name: str) -> str:
    """Return what replaces an endpoint when it changes: a failed one is deleted and made again, any other one stays.

    It is deleted here, before the engine is at it: where its creation failed, no state knows it, and its name is taken.
    """
    there = live.endpoint(platform, name)
    if there is None:
        return FIRST
    found = live.tags(platform, there["EndpointArn"])
    if failed(there) and found.get("component") == scope.tags["component"]:
        why = there.get("FailureReason", "no reason given")
        scope.say(
            f"endpoint {name} is Failed ({why}), and AWS lets it be deleted only: it is deleted and made again. Look "
            f"at its log group, /aws/sagemaker/Endpoints/{name}"
        )
        if not pulumi.runtime.is_dry_run():
            _delete(platform, name)
        return str(there["CreationTime"].isoformat())
    if there["EndpointStatus"] in _BUSY:
        scope.say(
            f"endpoint {name} is {there['EndpointStatus']}, and AWS refuses to change it meanwhile; wait for it with: "
            f"aws sagemaker wait endpoint-in-service --endpoint-name {name}"
        )
    return found.get(LIFE, FIRST)


def _delete(platform: PlatformRef, name: str) -> None:
    with asking(f"the deletion of endpoint {name!r}, which failed"):
        sagemaker = live.client(platform, "sagemaker")
        sagemaker.delete_endpoint(EndpointName=name)
        sagemaker.get_waiter("endpoint_deleted").wait(
            EndpointName=name, WaiterConfig={"Delay": 1, "MaxAttempts": _DELETION_SECONDS}
        )


_ENDED: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "feature-group": ("FeatureGroupStatus", ("CreateFailed", "DeleteFailed")),
    "model-package-group": ("ModelPackageGroupStatus", ("Failed", "DeleteFailed")),
}
"""By the word for a kind in AWS's commands: the member of the description that holds its state, and the states from
which it can be deleted only."""


def ended(word: str, name: str, there: Mapping[str, Any]) -> Iterator[Problem]:
    """Refuse to go on with a thing that failed, or that is being deleted."""
    member, states = _ENDED[word]
    state = there.get(member)
    if state in states:
        yield Problem(
            "name",
            f"{word.replace('-', ' ')} {name!r} is {state} ({there.get('FailureReason', 'no reason given')}), and AWS "
            f"lets it be deleted only; run: aws sagemaker delete-{word} --{word}-name {name}, then pulumi refresh, "
            "then pulumi up",
        )
    elif state == "Deleting":
        yield Problem(
            "name", f"{word.replace('-', ' ')} {name!r} is being deleted; run pulumi up again when it is gone"
        )


def table(platform: PlatformRef, database: str, name: str) -> Iterator[Problem]:
    """Refuse a new feature group whose table is there already, where nothing may be deleted by itself."""
    if not profile_of(platform).protect or not _left_over(platform, database, name):
        return
    yield Problem(
        "offline",
        f"table {name!r} of database {database!r} is what an earlier group of this name left, and a new group cannot "
        f"write to it; when nobody queries it any more, run: aws glue delete-table --database-name {database} --name "
        f"{name} (its rows stay in the bucket), or give the FeatureGroup another name",
    )


def _left_over(platform: PlatformRef, database: str, name: str) -> bool:
    return live.table(platform, database, name) is not None and not live.is_written(platform, database, name)


def drop_table(scope: Scope, platform: PlatformRef, database: str, name: str, group: str) -> None:
    """Delete the table that an earlier group left, where a stage is not protected: AWS leaves it when a group goes."""
    if private.mocked() or scope.profile.protect or live.feature_group(platform, group) is not None:
        return
    if not _left_over(platform, database, name):
        return
    scope.say(f"table {name} of database {database}, which an earlier group of this name left, is deleted")
    if not pulumi.runtime.is_dry_run():
        with asking(f"the deletion of table {name!r} of database {database!r}"):
            live.client(platform, "glue").delete_table(DatabaseName=database, Name=name)


def deleted(
    given: pulumi.ProviderResource | None, region: str | None, prefix: str, paths: Mapping[str, str]
) -> Iterator[Problem]:
    """Refuse secrets whose names wait for their deletion: AWS gives a name to nobody else until then.

    :param given: the provider of the platform.
    :param prefix: the platform's own name, with which the names of its secrets begin.
    :param paths: the rest of their names, by the argument that they come from.
    """
    for field, path in paths.items():
        name = f"{prefix}/{path}"
        found = live.secret(given, region, name)
        if found is not None and "DeletedDate" in found:
            yield Problem(
                field,
                f"secret {name!r} was deleted on {found['DeletedDate']:%Y-%m-%d} and can still be brought back, so its "
                f"name is taken; to make a new one, run: aws secretsmanager delete-secret --secret-id {name} "
                "--force-delete-without-recovery; to have the old one again: aws secretsmanager restore-secret "
                f"--secret-id {name}, then pulumi import",
            )
