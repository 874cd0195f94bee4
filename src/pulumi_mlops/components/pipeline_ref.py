"""What others know of a pipeline: apart from the noun, since a pipeline can start another."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pulumi import Input

from pulumi_mlops.components.platform import PlatformRef
from pulumi_mlops.core.refs import Ref


@dataclass(frozen=True, kw_only=True)
class PipelineRef(Ref):
    """Steps that run when they are started."""

    noun = "pipeline"

    platform: PlatformRef
    runs: Input[str]
    """The folder below which each run leaves what it made."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """Its parameters with their defaults."""
    types: Mapping[str, str] = field(default_factory=dict)
    """What each parameter is: ``bool``, ``int``, ``float`` or ``str``. A default does not tell when it has been through
    the engine, which knows one kind of number."""

    def __post_init__(self) -> None:
        if not self.types:
            object.__setattr__(self, "types", {name: type(value).__name__ for name, value in self.parameters.items()})
        whole = {name for name, kind in self.types.items() if kind == "float"}
        known = {name: float(value) if name in whole else value for name, value in self.parameters.items()}
        object.__setattr__(self, "parameters", known)
