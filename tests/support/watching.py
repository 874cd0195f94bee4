"""Something that is watched, for tests of what a backend makes of it."""

import datetime as dt
from typing import Any

import pulumi

import pulumi_mlops as mlops
from pulumi_mlops.core import prerequisites, primitives
from pulumi_mlops.core.component import Component, Scope
from pulumi_mlops.core.primitives import Measure, Watch, WatchRef
from pulumi_mlops.core.refs import Ref
from pulumi_mlops.core.stages import PROFILES
from pulumi_mlops.steps.work import Work

DRIFT = Measure(name="data_drift", threshold=0.2, description="Share of columns that drifted")
ACCURACY = Measure(name="model_quality", threshold=0.85, above=False)
ROWS = Measure(name="rows")
AT = dt.datetime(2023, 11, 14, 22, 13, 20, tzinfo=dt.UTC)


class Watching(Component[Any, Any]):
    """The component that watches."""

    noun = "Watching"

    def __init__(self, name: str) -> None:
        gate: Any = prerequisites.gate()  # as every component waits
        pulumi.ComponentResource.__init__(self, self.token, name, None, pulumi.ResourceOptions(depends_on=[gate]))


class Sending(Work):
    """A step that measures."""

    kind = "sending"
    programs = ("measure.py",)
    to: Any

    @property
    def watch(self) -> WatchRef | None:
        """Where it sends measurements."""
        return self.to if isinstance(self.to, WatchRef) else None


def watched(platform: mlops.PlatformRef, endpoint: Ref, **args: Any) -> WatchRef:
    """Watch an endpoint, within a program."""
    given: dict[str, Any] = {"name": "drift", "endpoint": endpoint, "measures": [DRIFT, ACCURACY, ROWS]}
    scope = Scope(
        component=Watching("drift"),
        name="drift",
        project=platform.name,
        stage=platform.stage,
        profile=PROFILES["dev"],
        tags={"team": "growth"},
        own_tags={},
    )
    return primitives.watch(scope, platform, Watch(**{**given, **args}))


def sending(watch: WatchRef, image: str) -> Sending:
    """Return a step that sends measurements there."""
    return Sending(image=image, command=["python3", "measure"], to=watch)
