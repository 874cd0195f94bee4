"""Names that must not meet: of what an account has only once, and of what AWS overwrites where others would refuse.

The names of a stack that exists are kept: a role or a topic that was made again would take with it what stands on it.
"""

import hashlib

import pulumi
from pulumi import Output, ResourceOptions

from pulumi_mlops.core.component import Scope
from pulumi_mlops.core.errors import MlopsError

_HOME = "us-east-1"
"""Where AWS keeps what has no region: names there have no suffix."""
_MARK = 6


def in_account(scope: Scope, region: str | None, *parts: str, limit: int = 64) -> str:
    """Name what belongs to no region (roles, policies, budgets): one program may run in several regions."""
    return scope.physical(*parts, *([region] if region not in (None, _HOME) else []), limit=limit)


def of_stack(scope: Scope, *parts: str, limit: int = 64) -> str:
    """Name what AWS overwrites in silence where the name is taken: two stacks may have parts of one platform."""
    return scope.physical(*parts, mark(), limit=limit)


def mark() -> str:
    """Return what tells this stack's names from another's."""
    return hashlib.sha256(f"{pulumi.get_project()}/{pulumi.get_stack()}".encode()).hexdigest()[:_MARK]


def kept(scope: Scope) -> ResourceOptions:
    """Return the options of a child that keeps the name that it has already."""
    return ResourceOptions.merge(scope.opts, ResourceOptions(ignore_changes=["name"]))


def kept_in(scope: Scope, region: str | None) -> ResourceOptions:
    """Return the options of a child that is named by ``in_account``."""
    return scope.opts if region in (None, _HOME) else kept(scope)


def as_made(scope: Scope, value: Output[str], named: Output[str], wanted: str, field: str) -> Output[str]:
    """Give a value on, where a resource has the name that it was given: by this name it is looked up.

    :param named: the name that the resource has; a transform may have given it another.
    :param field: the property that holds it.
    """

    def check(known: str) -> str:
        if known and known != wanted:
            raise MlopsError(
                f"{scope.component.noun} {scope.name!r}: a transform made its {field} {known!r} of {wanted!r}, and "
                "by that name it is looked up, released and given rights; leave this property out of the transform, "
                "and give the component or the platform another name instead"
            )
        return known

    return Output.all(value, named.apply(check)).apply(lambda known: str(known[0]))
