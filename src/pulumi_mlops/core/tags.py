"""The tags that every taggable resource carries."""

from collections.abc import Mapping


def tags(*, project: str, stage: str, component: str, owner: str | None, own: Mapping[str, str]) -> dict[str, str]:
    """Return the library's tags with the user's own on top."""
    base = {"project": project, "stage": stage, "component": component, "managed-by": "pulumi-mlops"}
    if owner:
        base["owner"] = owner
    return base | dict(own)
