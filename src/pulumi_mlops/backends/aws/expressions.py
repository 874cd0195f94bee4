"""Values that only a run of SageMaker Pipelines knows, as its definitions write them."""

from typing import TYPE_CHECKING, Any

from pulumi import Input, Output

from pulumi_mlops.steps.step import Parameter
from pulumi_mlops.steps.work import text, together_with

if TYPE_CHECKING:
    from collections.abc import Sequence

Json = dict[str, Any]


def joined(start: Any, *parts: Any) -> Json:
    """Join parts of an address, which a run may know only; an empty one at the end makes it a folder."""
    inner = start.get("Std:Join") if isinstance(start, dict) else None
    values: Sequence[Any] = inner["Values"] if inner else [start]
    return {"Std:Join": {"On": "/", "Values": [*values, *parts]}}


def bare(folder: Input[str]) -> Input[str]:
    """Return the address of a folder without the slash at its end."""
    if isinstance(folder, str):
        return folder.rstrip("/")
    return Output.format("{0}", folder).apply(lambda known: known.rstrip("/"))


def behind(word: str, address: Json) -> Json:
    """Write a word before an address."""
    first, *others = address["Std:Join"]["Values"]
    return joined(together_with(word, first), *others)


def given(value: object) -> Any:
    """Return a plain value, or what a run was started with."""
    return {"Get": f"Parameters.{value.name}"} if isinstance(value, Parameter) else value


def as_text(value: Any) -> Any:
    """Make a text of a plain value, or have the run make one of what only it knows."""
    return {"Std:Join": {"On": "", "Values": [value]}} if isinstance(value, dict) else text(value)
