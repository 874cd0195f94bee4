"""Names within Azure's limits, and such as nobody else may have in the whole cloud.

https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules
"""

import hashlib
import re

from pulumi_mlops.core.naming import physical

GROUP, WORKSPACE, IDENTITY, LOGS, INSIGHTS, ALERTS, BUDGET = 90, 33, 128, 63, 260, 260, 63
"""Characters of a resource group, a workspace, a managed identity, a Log Analytics workspace, …"""
STORAGE, VAULT, REGISTRY = 24, 24, 50
"""Characters of what is named once in the whole cloud."""
SHORT = 12
"""Characters of the name by which messages call an action group."""
SECRET = 127
ARTIFACTS = "artifacts"
"""The container of the artifact store."""
LIVES = ("", *map(str, range(2, 10)))
"""What tells the names of a platform from those that an earlier one of its name has left (see ``leftovers``)."""
_DIGEST = 8


def group(project: str, stage: str, location: str, life: str = "") -> str:
    """Name a resource group; one program may run in several regions of a subscription."""
    return physical(project, stage, location, life, limit=GROUP)


def inside(project: str, stage: str, *parts: str, limit: int) -> str:
    """Name a thing whose name is its own within its resource group."""
    return physical(project, stage, *parts, limit=limit)


def everywhere(subscription: str, project: str, stage: str, location: str, *, limit: int, life: str = "") -> str:
    """Name a thing whose name nobody else in the cloud may have: what it is of, and a digest of where it is.

    >>> everywhere("0", "churn", "prod", "westeurope", limit=24)
    'churnprodd4ffe6fc'
    """
    word = re.sub(r"[^a-z0-9]", "", f"{project}{stage}")
    digest = hashlib.sha256(f"{subscription}/{project}/{stage}/{location}/{life}".encode()).hexdigest()[:_DIGEST]
    return f"{word[: limit - _DIGEST]}{digest}"


def short(project: str) -> str:
    """Name an action group in messages."""
    return project[:SHORT].rstrip("-")
