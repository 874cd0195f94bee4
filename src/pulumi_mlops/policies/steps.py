"""What a preview does to what is there: the protocol of packs does not tell it, the engine's own events do."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from pulumi_mlops.policies.catalogue import BY_ID
from pulumi_mlops.policies.judge import Judge
from pulumi_mlops.policies.model import record
from pulumi_mlops.policies.resources import Resource, resource
from pulumi_mlops.policies.settings import Settings, problems

RULE: Final = BY_ID["data.replacement-named"]
OPERATIONS: Final = {
    "delete": "delete",
    "replace": "replace",
    "create-replacement": "replace",
    "delete-replaced": "replace",
}
"""What is said of a resource, by what the engine calls a step."""


def lost(log: Path) -> list[Resource]:
    """List the resources that a preview would replace or delete, out of the engine's log of its events."""
    found: dict[str, Resource] = {}
    for line in log.read_text().splitlines() if log.is_file() else ():
        step = (json.loads(line).get("resourcePreEvent") or {}).get("metadata")
        if step and step["op"] in OPERATIONS:
            found.setdefault(step["urn"], _resource(step))
    return list(found.values())


def _resource(step: Mapping[str, Any]) -> Resource:
    state = step.get("old") or step.get("new") or {}
    return resource(
        step["type"],
        step["urn"].rpartition("::")[2],
        urn=step["urn"],
        parent=state.get("parent", ""),
        protect=bool(state.get("protect")),
        step=OPERATIONS[step["op"]],
    )


def findings(resources: Iterable[Resource], end: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Judge them by the levels and settings that a pack had, whose last line these are."""
    level = end["levels"].get(RULE.id)
    if level is None:  # disabled, or no rule of that pack
        return
    settings = problems(end["settings"], BY_ID)[0] or Settings()
    judge = Judge([RULE], replace(settings, replaceable=tuple(end["replaceable"])))
    for each in resources:
        yield from (record(finding, level) for finding in judge.resource(each))
