"""What ``pulumi.com/waitFor`` says: ``condition=Type[=Status]``, ``jsonpath={.path}[=value]``, or a JSON list."""

import json
import re
from collections.abc import Callable
from typing import Any

from pulumi_mlops_sandbox.kubernetes.provider.client import Object
from pulumi_mlops_sandbox.provider.contract import ProviderError

Test = Callable[[Object], str]
"""Looks at an object; returns nothing when it is satisfied, else what is missing."""
_JSONPATH = re.compile(r"^\{\s*(?P<path>[.\[$].*?)\s*\}(?:=(?P<value>.*))?$", re.DOTALL)


def tests(annotation: Any) -> list[Test]:
    """Read the annotation; raise :class:`ProviderError` that names the expression which is none."""
    try:
        values = json.loads(annotation) if str(annotation).lstrip().startswith("[") else [annotation]
    except ValueError as error:
        raise ProviderError(f"pulumi.com/waitFor: {annotation!r} is no JSON list") from error
    if not values:
        raise ProviderError("pulumi.com/waitFor: the list is empty")
    return [_test(str(value)) for value in values]


def _test(expression: str) -> Test:
    form, separator, rest = expression.partition("=")
    if separator and form == "condition" and rest:
        kind, _, status = rest.partition("=")
        return lambda live: condition(live, kind, status or "True")
    if separator and form == "jsonpath":
        return _jsonpath(expression, rest)
    raise ProviderError(
        f"pulumi.com/waitFor: {expression!r} is neither condition=Type[=Status] nor jsonpath={{.path}}[=value]"
    )


def _jsonpath(expression: str, rest: str) -> Test:
    match = _JSONPATH.match(rest)
    if match is None:
        raise ProviderError(f"pulumi.com/waitFor: {expression!r} is not of the form jsonpath={{.path}}[=value]")
    from jsonpath_ng.ext.parser import parse  # noqa: PLC0415 - loaded only where somebody waits for a path

    path, wanted = match["path"], match["value"]
    try:
        finder = parse(path if path.startswith("$") else f"${path}")
    except Exception as error:  # the parser raises bare exceptions
        raise ProviderError(f"pulumi.com/waitFor: {path!r} is no JSONPath") from error

    def test(live: Object) -> str:
        found = [item.value for item in finder.find(live)]
        if not found:
            return f"{path} is not there yet"
        shown = [json.dumps(item) if isinstance(item, (dict, list, bool)) else str(item) for item in found]
        return "" if wanted is None or wanted in shown else f"{path} is {', '.join(shown)}, not {wanted}"

    return test


def condition(live: Object, kind: str, wanted: str = "True") -> str:
    """Say what an object lacks of a condition; what was said of an older generation does not count."""
    status = live.get("status") or {}
    generation = live.get("metadata", {}).get("generation", 0)
    for item in status.get("conditions") or []:
        if str(item.get("type")).lower() != kind.lower():
            continue
        seen = item.get("observedGeneration", status.get("observedGeneration"))
        if isinstance(seen, int) and seen < generation:
            return f"condition {kind} is of an older generation"
        if str(item.get("status")).lower() == wanted.lower():
            return ""
        because = ": ".join(str(item[name]) for name in ("reason", "message") if item.get(name))
        return f"condition {kind} is {item.get('status')}" + (f" ({because})" if because else "")
    return f"it has no condition {kind} yet"
