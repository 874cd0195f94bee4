"""FeatureStore: a place for feature groups."""

from dataclasses import dataclass
from typing import Annotated, Unpack

from pulumi import ResourceOptions

from pulumi_mlops.args.feature_store import FeatureStoreArgs
from pulumi_mlops.components.platform import PlatformRef
from pulumi_mlops.core.component import Component
from pulumi_mlops.core.inputs import Needs, Spec
from pulumi_mlops.core.refs import Of, Ref
from pulumi_mlops.core.schedules import Schedule


class FeatureStoreSpec(Spec):
    """What a feature store is asked to be."""

    platform: Of[PlatformRef]
    """The platform that it stands on."""
    materialize: Annotated[Schedule | None, Needs("feature_store.materialize")] = None
    """When rows of the offline stores are brought into the online stores, for backends that do not write both at
    once. Without it online stores hold what is pushed to them."""
    tags: dict[str, str] = {}
    """Further tags."""


@dataclass(frozen=True, kw_only=True)
class FeatureStoreRef(Ref):
    """A place for feature groups."""

    noun = "feature_store"

    platform: PlatformRef


class FeatureStore(Component[FeatureStoreSpec, FeatureStoreRef]):
    """A place for feature groups: a catalogue, a prefix in the artifact store, and one identity that writes there."""

    spec_type = FeatureStoreSpec
    ref_type = FeatureStoreRef

    def __init__(self, name: str, opts: ResourceOptions | None = None, **args: Unpack[FeatureStoreArgs]) -> None:
        self.build(name, args, opts)
