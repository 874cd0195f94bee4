"""Bridges: how a ref of one platform is used on another, or why it cannot be."""

from pydantic_core import PydanticCustomError

from pulumi_mlops.core.inputs import refuse
from pulumi_mlops.core.refs import HubRef


def same(one: HubRef, other: HubRef) -> bool:
    """Tell whether two refs are of one platform: a platform loaded twice is still one."""
    return (one.name, one.stage, one.backend) == (other.name, other.stage, other.backend)


def same_platform(platform: HubRef | None, other: HubRef, what: str) -> PydanticCustomError | None:
    """Refuse what belongs to another platform: its key, its network and its account are others."""
    if platform is None or same(platform, other):
        return None
    return refuse(
        f"{what} belongs to platform {other.name!r} ({other.backend}, {other.stage}), not to {platform.name!r} "
        f"({platform.backend}, {platform.stage}); give one of this platform"
    )
