"""What others know of an endpoint: apart from the noun, since steps read what endpoints capture."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal, cast

from pulumi import Input

from pulumi_mlops.components.platform import PlatformRef
from pulumi_mlops.core.errors import InvalidArgs, Problem
from pulumi_mlops.core.inputs import demand_number
from pulumi_mlops.core.refs import Ref
from pulumi_mlops.core.workload import folder


@dataclass(frozen=True, kw_only=True)
class EndpointRef(Ref):
    """A model behind an address."""

    noun = "endpoint"

    platform: PlatformRef
    url: Input[str | None] = None
    status: Literal["live", "waiting"]
    variants: list[str] = field(default_factory=list)
    captured: Input[str | None] = None
    capture_percent: int | None = None
    """The share of requests that is captured; None where it is not known."""
    records: Mapping[str, str] = field(default_factory=dict)
    """By variant, the record of the step that made what it serves, where one is known."""

    def requests(self, *, hours: int) -> "CapturedView":
        """Return the requests and answers that were captured in the last hours before they are read.

        :param hours: how many; hours that have begun are read whole.
        """
        if said := demand_number(hours, f"{self.name}.requests(hours=24)"):
            raise InvalidArgs("Endpoint", self.name, [Problem("hours", said)])
        if self.status == "live" and self.captured is None:
            told = "captures nothing; write Endpoint(…, capture_percent=20)"
            raise InvalidArgs("Endpoint", self.name, [Problem("requests", told)])
        if self.status == "waiting":
            told = "waits for a first approved version, and has captured nothing yet; read its requests when it is live"
            raise InvalidArgs("Endpoint", self.name, [Problem("requests", told)])
        return CapturedView(self, hours)


@dataclass(frozen=True)
class CapturedView:
    """What an endpoint was asked, and answered; being given it is what grants the right to read it."""

    advice: ClassVar[str] = "score.requests(hours=24)"

    endpoint: EndpointRef
    hours: int

    @property
    def label(self) -> str:
        """How the engine's record names it."""
        return f"{self.endpoint.name}@{self.hours}"

    @property
    def folder(self) -> Input[str]:
        """Address of the folder, which ends in a slash."""
        address = self.endpoint.captured
        assert address is not None  # noqa: S101 (there is no view of what is not captured)
        return folder(cast("Input[str]", address))  # that of an endpoint which existed already may have no slash
