"""Primitives: what engines that belong to no backend are built from. Each backend does each of them once.

An engine names the primitives that a function calls, ``ExperimentTracker.built_by(build, over=[KEEP_SECRET])``, so that
a backend without one is refused before anything is registered. The platform's own parts are made by the same code.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pulumi import Input, Resource

from pulumi_mlops.core import registry
from pulumi_mlops.core.component import Scope
from pulumi_mlops.core.engines import Task
from pulumi_mlops.core.refs import HubRef, Ref, SecretRef


@dataclass(frozen=True, kw_only=True)
class Measure:
    """One number that is measured again and again."""

    name: str
    """Lower-case letters, digits and underscores, such as ``data_drift``."""
    threshold: float | None = None
    """The bound beyond which it is an alarm; none unless told."""
    above: bool = True
    """Whether it is more than the bound that is too much; else less is too little."""
    description: str = ""
    """What the number says, for people."""


@dataclass(frozen=True, kw_only=True)
class Watch:
    """What is measured of an endpoint, and when that is an alarm."""

    name: str
    """Who measures: lower-case letters, digits and hyphens, unique within the platform."""
    endpoint: Ref
    """The endpoint whose numbers these are."""
    measures: Sequence[Measure]
    """The numbers. One that a measurement leaves out raises no alarm."""
    alerts: bool = True
    """Whether those whom the platform alerts are told of alarms."""
    stale_after_hours: float | None = None
    """How old the newest measurement may be before that is an alarm as well; none is raised unless told."""


@dataclass(frozen=True, kw_only=True, eq=False)
class WatchRef:
    """Where measurements go, and the alarms that follow; ``("measure", ref)`` is the right to send them there."""

    name: str
    address: Input[str]
    """Where ``jobs/measure.py`` puts them: the value of ``MLOPS_WATCH``."""
    alarms: Mapping[str, Input[str]] = field(default_factory=dict)
    """The alarm of each measure that has a threshold, as triggers of a pipeline and a release's ``rollback_alarms``
    name it."""
    stale: Input[str] | None = None
    """The alarm of measurements that are missing."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What only the backend reads."""
    native: Mapping[str, Resource] = field(default_factory=dict, repr=False)
    """The resources behind it by short name."""

    @property
    def label(self) -> str:
        """How the engine's record names it."""
        return self.name


KEEP_SECRET = Task[[Scope, HubRef, str, Input[str]], SecretRef]("secret.keep", capability="platform.secrets")
"""Keep a value as a secret of a platform: encrypted, tagged, protected and deleted as its own ``secrets`` are."""

WATCH = Task[[Scope, HubRef, Watch], WatchRef]("metrics.watch", capability="monitor.metrics")
"""Watch numbers that a program measures of an endpoint: metrics, alarms, who is told, and a dashboard."""

PRIMITIVES = (KEEP_SECRET, WATCH)


def keep_secret(scope: Scope, platform: HubRef, short: str, value: Input[str]) -> SecretRef:
    """Keep a value as a secret of a platform, as a child of the component.

    :param short: lower-case letters, digits and hyphens; unique within the component.
    """
    return registry.find(platform.backend, KEEP_SECRET)(scope, platform, short, value)


def watch(scope: Scope, platform: HubRef, wanted: Watch) -> WatchRef:
    """Watch what is measured of an endpoint, as children of the component."""
    return registry.find(platform.backend, WATCH)(scope, platform, wanted)
