"""The tags that every taggable resource carries: the library's, by fixed keys, and the user's beside them."""

import re
from collections.abc import Iterable, Iterator, Mapping

from pulumi_mlops.core.errors import Problem

OWN = ("project", "stage", "component", "managed-by", "owner")
"""The keys that are the library's, whether a platform has an owner or not."""
PREFIX = re.compile(r"([A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?)?[./:_-]")
PREFIX_RULE = "letters and digits that end in a separator, such as 'mlops-', 'mlops:' or 'acme.com/'"


def own_tags(*, project: str, stage: str, component: str, owner: str | None, prefix: str = "") -> dict[str, str]:
    """Return the library's tags."""
    base = {"project": project, "stage": stage, "component": component, "managed-by": "pulumi-mlops"}
    if owner:
        base["owner"] = owner
    return {f"{prefix}{key}": value for key, value in base.items()}


def tag_problems(field: str, given: Iterable[str], others: Iterable[str] = (), prefix: str = "") -> Iterator[Problem]:
    """Judge the keys of a user's tags: none may be the library's, nor differ from another in upper and lower case only.

    :param others: the keys that come with the platform.
    """
    ours = {f"{prefix}{key}".casefold(): f"{prefix}{key}" for key in OWN}
    seen: dict[str, str] = {key.casefold(): key for key in others if key.casefold() not in ours}
    for key in given:
        if (own := ours.get(key.casefold())) is not None:
            advice = f"write owner={'…'!r} of the platform, or " if own == f"{prefix}owner" else ""
            yield Problem(
                f"{field}.{key}",
                f"is the library's own key ({own!r}; case does not tell keys apart); {advice}take another key, or "
                "rename the library's keys with tag_prefix='mlops-' of the platform",
            )
        elif (other := seen.setdefault(key.casefold(), key)) != key:
            yield Problem(
                f"{field}.{key}", f"differs from {other!r} in upper and lower case only; write one key of the two"
            )


def tags(own: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    """Return the user's tags with the library's own on top."""
    return {**own, **given, **own}
