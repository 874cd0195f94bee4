"""Secrets on AWS: of a platform, and what an engine keeps for a component."""

import pulumi_aws as aws
from pulumi import Input, Output

from pulumi_mlops.backends.aws import leftovers
from pulumi_mlops.backends.aws.addresses import PlatformAddress, SecretAddress
from pulumi_mlops.core.component import Scope
from pulumi_mlops.core.errors import InvalidArgs
from pulumi_mlops.core.naming import snake
from pulumi_mlops.core.refs import HubRef, SecretRef


def secret(scope: Scope, key: Input[str], part: str, path: str, value: Input[str]) -> "aws.secretsmanager.Secret":
    """Keep a value in Secrets Manager under the platform's key.

    :param path: the secret's name in the account, below the platform's own.
    """
    made = aws.secretsmanager.Secret(
        scope.child(part),
        name=f"{scope.physical()}/{path}",
        kms_key_id=key,
        recovery_window_in_days=scope.profile.recovery_days,
        tags=scope.tags,
        opts=scope.guarded(),
    )
    aws.secretsmanager.SecretVersion(
        scope.child(f"{part}-value"), secret_id=made.id, secret_string=Output.secret(value), opts=scope.opts
    )
    return made


def keep_secret(scope: Scope, platform: HubRef, short: str, value: Input[str]) -> SecretRef:
    """Keep a value for a component; noun and name in its path keep it apart from the platform's own."""
    noun = snake(scope.component.noun, "-")
    key, path = PlatformAddress.of(platform).key, f"{noun}/{scope.name}/{short}"
    given, region = next(iter(platform.providers), None), getattr(platform, "region", None)
    waiting = list(leftovers.deleted(given, region, scope.physical(), {short.replace("-", "_"): path}))
    if waiting:
        raise InvalidArgs(scope.component.noun, scope.name, waiting)
    made = secret(scope, key, f"secret-{short}", path, value)
    return SecretRef(
        name=short,
        backend=platform.backend,
        address=SecretAddress(id=made.arn).plain(),
        native={"secret": made},
    )
