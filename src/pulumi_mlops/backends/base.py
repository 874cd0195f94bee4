"""What a backend is: a module with one function a noun, its capabilities and its own checks.

A function that a backend does not have needs no stand-in: its table of capabilities calls the noun absent, and
that is found before the function would be called.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import pulumi
from pulumi import InvokeOptions, ProviderResource, ResourceOptions
from pulumi.runtime import mocks
from pulumi.runtime.settings import get_monitor

from pulumi_mlops.core import refs
from pulumi_mlops.core.capabilities import Table
from pulumi_mlops.core.errors import Problem
from pulumi_mlops.core.inputs import Spec
from pulumi_mlops.core.naming import physical
from pulumi_mlops.core.stages import PROFILES, Profile, Stage

if TYPE_CHECKING:
    from pulumi_mlops.components.endpoint import EndpointSpec
    from pulumi_mlops.components.feature_store import FeatureGroupSpec, FeatureStoreSpec
    from pulumi_mlops.components.model_registry import ModelRegistrySpec, ModelSpec
    from pulumi_mlops.components.platform import PlatformSpec
    from pulumi_mlops.core.component import Component


@dataclass(frozen=True)
class Scope:
    """Where a backend function builds: under which component, by which names, with which tags."""

    component: "Component[Any]"
    backend: "Backend"
    name: str
    """The component's name."""
    project: str
    """The platform's name."""
    stage: Stage
    tags: Mapping[str, str]
    provider: ProviderResource | None = None
    """The provider that a platform makes for itself; every other component inherits its platform's."""

    @property
    def opts(self) -> ResourceOptions:
        """The options of every child."""
        return ResourceOptions(parent=self.component, provider=self.provider)

    def guarded(self, protect: bool | None = None) -> ResourceOptions:
        """Return the options of a child that holds data: protected as told, else as the stage says."""
        wanted = self.profile.protect if protect is None else protect
        return ResourceOptions(parent=self.component, provider=self.provider, protect=wanted or None)

    @property
    def invoke(self) -> InvokeOptions:
        """The options of a look-up: it runs under the component's provider."""
        return InvokeOptions(parent=self.component, provider=self.provider)

    @property
    def profile(self) -> Profile:
        """The defaults that follow from the stage."""
        return PROFILES[self.stage]

    def child(self, part: str) -> str:
        """Name a child resource in the program."""
        return f"{self.name}-{part}"

    def physical(self, *parts: str, limit: int = 63, separator: str = "-") -> str:
        """Name a thing in the cloud: project, stage, the parts given."""
        return physical(self.project, self.stage, *parts, limit=limit, separator=separator)

    def say(self, message: str) -> None:
        """Tell the user something about this component, in the preview."""
        if pulumi.runtime.is_dry_run():
            pulumi.log.info(message, self.component)


def mocked() -> bool:
    """Whether the program runs under Pulumi's mocks, where no cloud is there to be asked."""
    return isinstance(get_monitor(), mocks.MockMonitor)


def waiting(scope: Scope, spec: "EndpointSpec", address: Mapping[str, str]) -> refs.EndpointRef:
    """Say what an endpoint waits for, and stand for it until then: nothing is made."""
    models = ", ".join(sorted({model.name for model in spec.waiting}))
    scope.say(f"waits for the first approved version of {models}; approve one, and the next up creates the endpoint")
    return refs.EndpointRef(
        name=scope.name,
        backend=spec.platform.backend,
        platform=spec.platform,
        url=None,
        status="waiting",
        variants=[variant.name for variant in spec.served],
        address=address,
    )


class Backend(Protocol):
    """The functions of a backend: a scope and a spec in, a ref out."""

    CAPABILITIES: Table

    def problems(self, name: str, spec: Spec) -> Iterable[Problem]:
        """Judge what only this backend can judge, and what is there already forbids, before anything is registered."""
        ...

    def platform(self, scope: Scope, spec: "PlatformSpec") -> refs.PlatformRef:
        """Build the hub."""
        ...

    def feature_store(self, scope: Scope, spec: "FeatureStoreSpec") -> refs.FeatureStoreRef:
        """Build a place for feature groups."""
        ...

    def feature_group(self, scope: Scope, spec: "FeatureGroupSpec") -> refs.FeatureGroupRef:
        """Build a feature group."""
        ...

    def model_registry(self, scope: Scope, spec: "ModelRegistrySpec") -> refs.ModelRegistryRef:
        """Build a model registry."""
        ...

    def model(self, scope: Scope, spec: "ModelSpec") -> refs.ModelRef:
        """Build a named model."""
        ...

    def endpoint(self, scope: Scope, spec: "EndpointSpec") -> refs.EndpointRef:
        """Build an endpoint."""
        ...

    def approved(self, model: refs.ModelRef) -> refs.ModelVersionRef | None:
        """Look up the newest approved version that passes the model's gate."""
        ...

    def version(self, model: refs.ModelRef, number: int) -> refs.ModelVersionRef:
        """Name one version."""
        ...
