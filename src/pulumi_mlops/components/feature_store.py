"""FeatureStore: a place for feature groups."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Unpack

from pulumi import ResourceOptions
from pydantic import field_validator

from pulumi_mlops.components.platform import PlatformRef
from pulumi_mlops.core.component import Component
from pulumi_mlops.core.engines import Task
from pulumi_mlops.core.existing import Existing, folder, take_over
from pulumi_mlops.core.inputs import Needs, Spec, given
from pulumi_mlops.core.principals import Principal, PrincipalRef
from pulumi_mlops.core.refs import Either, Of, Ref
from pulumi_mlops.core.schedules import Schedule

if TYPE_CHECKING:  # read by type checkers; a program need not make a TypedDict of each spec
    from pulumi_mlops.args.feature_store import ExistingFeatureStoreArgs, FeatureStoreArgs


class FeatureStoreSpec(Spec):
    """What a feature store is asked to be."""

    platform: Of[PlatformRef]
    """The platform that it stands on."""
    materialize: Annotated[Schedule | None, Needs("feature_store.materialize")] = None
    """When rows of the offline stores are brought into the online stores, for backends that do not write both at
    once. Without it online stores hold what is pushed to them."""
    tags: dict[str, str] = {}
    """Further tags."""


class ExistingFeatureStoreSpec(Existing):
    """What is said of a feature store that exists already."""

    platform: Of[PlatformRef]
    """The platform on which its groups are used."""
    writer: Annotated[
        Annotated[PrincipalRef | Principal, Either()] | None, Needs("feature_store.existing.writer", given)
    ] = None
    """Who writes the offline rows of groups that are made in it."""
    rows: Annotated[str | None, Needs("feature_store.existing.rows", given)] = None
    """URI of the folder for the offline rows of groups that are made in it."""

    @field_validator("rows")
    @classmethod
    def _folder(cls, value: str | None) -> str | None:
        return None if value is None else folder(value)


@dataclass(frozen=True, kw_only=True)
class FeatureStoreRef(Ref):
    """A place for feature groups."""

    noun = "feature_store"

    platform: PlatformRef


EXISTING = Task[[str, ExistingFeatureStoreSpec], FeatureStoreRef]("FeatureStore.existing")
"""Look up a store that no program of ours made."""


class FeatureStore(Component[FeatureStoreSpec, FeatureStoreRef]):
    """A place for feature groups: a catalogue, a prefix in the artifact store, and one identity that writes there."""

    spec_type = FeatureStoreSpec
    ref_type = FeatureStoreRef
    existing_type = ExistingFeatureStoreSpec

    def __init__(self, name: str, opts: ResourceOptions | None = None, **args: "Unpack[FeatureStoreArgs]") -> None:
        self.build(name, args, opts)

    @classmethod
    def existing(cls, name: str, **args: "Unpack[ExistingFeatureStoreArgs]") -> FeatureStoreRef:
        """Use a feature store that exists already; it is never changed or deleted."""
        return take_over(EXISTING, ExistingFeatureStoreSpec, name, args)
