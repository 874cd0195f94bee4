"""FeatureStore and FeatureGroup: features by key and time, for training and for serving."""

import re
from typing import Annotated, Literal, Unpack

from pulumi import ResourceOptions
from pydantic import Field, ValidationInfo, field_validator

from pulumi_mlops.args import FeatureGroupArgs, FeatureStoreArgs
from pulumi_mlops.core.component import Component
from pulumi_mlops.core.inputs import Flag, Spec, Whole, given, nearest, refuse
from pulumi_mlops.core.refs import FeatureGroupRef, FeatureStoreRef, FeatureView, Of, PlatformRef
from pulumi_mlops.core.schedules import Schedule

FeatureType = Literal["string", "integer", "float", "boolean", "timestamp"]
_FEATURE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


class FeatureStoreSpec(Spec):
    """What a feature store is asked to be."""

    platform: Of[PlatformRef]
    """The platform that it stands on."""
    materialize: Schedule | None = None
    """When rows of the offline stores are brought into the online stores, for backends that do not write both at
    once. Without it online stores hold what is pushed to them."""
    tags: dict[str, str] = {}
    """Further tags."""

    def uses(self) -> frozenset[str]:
        """Name what these arguments need."""
        return frozenset({"feature_store", "feature_store.materialize"} if self.materialize else {"feature_store"})


class FeatureStore(Component[FeatureStoreRef]):
    """A place for feature groups: a catalogue, a prefix in the artifact store, and one identity that writes there.

    On AWS: a Glue database, and an IAM role for SageMaker Feature Store.
    See https://docs.aws.amazon.com/sagemaker/latest/dg/feature-store.html.
    On Kubernetes: Feast, that is its registry in Postgres, Valkey as the online store, and the feature server.
    See https://docs.feast.dev/.
    """

    def __init__(self, name: str, opts: ResourceOptions | None = None, **args: Unpack[FeatureStoreArgs]) -> None:
        scope, spec = self.begin(FeatureStoreSpec, name, args, opts)
        self.finish(scope.backend.feature_store(scope, spec))

    @staticmethod
    def from_stack(stack: str, output: str | None = None) -> FeatureStoreRef:
        """Use the store that another stack exports; see :meth:`Ref.from_stack`."""
        return FeatureStoreRef.from_stack(stack, output)


class Online(Spec):
    """The online store: the newest row of each key, within milliseconds."""

    ttl_hours: Annotated[Whole, Field(ge=1)] | None = None
    """Hours after its event time at which a row is dropped; kept for ever unless told. Changing it updates in place."""


class Offline(Spec):
    """The offline store: every row ever written, for training."""

    format: Literal["parquet", "iceberg"] = "parquet"
    """Table format. It cannot be changed later."""


class FeatureGroupSpec(Spec):
    """What a feature group is asked to be."""

    store: Of[FeatureStoreRef]
    """The store that it belongs to."""
    features: Annotated[dict[str, FeatureType], Field(min_length=1)]
    """Every column with its type, key and event time among them. Adding one updates in place; removing or
    retyping one is refused."""
    keys: Annotated[list[str], Field(min_length=1)]
    """The features that identify a row. They cannot be changed later."""
    event_time: str
    """The feature that says when a row was true: a ``timestamp`` (ISO 8601) or a ``float`` (seconds since 1970).
    It cannot be changed later."""
    online: Online | None = None
    """``{}`` for an online store, ``{"ttl_hours": 72}`` for one that forgets; none unless told."""
    offline: Offline | None = Offline()
    """The offline store; ``None`` for none."""
    description: str | None = None
    """What the rows are. It cannot be changed later."""
    protect: Flag | None = None
    """Refuse to delete the group; as the stage says unless told."""
    tags: dict[str, str] = {}
    """Further tags."""

    @field_validator("features")
    @classmethod
    def _names(cls, value: dict[str, FeatureType]) -> dict[str, FeatureType]:
        if wrong := [name for name in value if not _FEATURE_NAME.fullmatch(name)]:
            raise refuse(
                f"{', '.join(map(repr, wrong))}: write letters, digits, hyphens and underscores, the first a letter or "
                "a digit"
            )
        return value

    @field_validator("keys")
    @classmethod
    def _keys_are_features(cls, value: list[str], info: ValidationInfo) -> list[str]:
        features = given(info, "features") or {}
        if features and (wrong := [key for key in value if key not in features]):
            raise refuse(
                f"{', '.join(map(repr, wrong))} is not among the features{nearest(wrong[0], features)}; add it "
                "there with its type"
            )
        return value

    @field_validator("event_time")
    @classmethod
    def _time_is_a_feature(cls, value: str, info: ValidationInfo) -> str:
        features = given(info, "features") or {}
        if features and value not in features:
            raise refuse(
                f"{value!r} is not among the features{nearest(value, features)}; add it there, as "
                f"{{{value!r}: 'timestamp'}}"
            )
        if features and features[value] in ("string", "integer", "boolean"):
            raise refuse(f"{value!r} is {features[value]!r}; an event time is a 'timestamp' or a 'float'")
        return value

    @field_validator("offline")
    @classmethod
    def _somewhere(cls, value: Offline | None, info: ValidationInfo) -> Offline | None:
        if value is None and info.data.get("online") is None:
            raise refuse("both stores are off; write online={} or leave offline as it is")
        return value

    def anchor(self) -> PlatformRef:
        """Return the platform of the store."""
        return self.store.platform

    def uses(self) -> frozenset[str]:
        """Name what these arguments need."""
        wanted = {
            "feature_group.online": self.online,
            "feature_group.online.ttl": self.online and self.online.ttl_hours,
            "feature_group.offline": self.offline,
            "feature_group.offline.iceberg": self.offline and self.offline.format == "iceberg",
            "feature_group.compound_key": len(self.keys) > 1,
        }
        return frozenset(["feature_group", *(name for name, used in wanted.items() if used)])


class FeatureGroup(Component[FeatureGroupRef]):
    """A table of typed features with a key and a time, online and offline, encrypted with the platform's key.

    Adding a feature updates the group in place. Removing or retyping one is refused: rows that are there have it.
    On Kubernetes: a Feast feature view, applied by a Job. On AWS: a SageMaker FeatureGroup.
    See https://docs.aws.amazon.com/sagemaker/latest/dg/feature-store-create-feature-group.html.
    """

    def __init__(self, name: str, opts: ResourceOptions | None = None, **args: Unpack[FeatureGroupArgs]) -> None:
        scope, spec = self.begin(FeatureGroupSpec, name, args, opts)
        self.finish(scope.backend.feature_group(scope, spec))

    @property
    def online(self) -> FeatureView:
        """The newest values, for ``Endpoint(reads=[…])``; see :attr:`FeatureGroupRef.online`."""
        return self.ref.online

    def as_of(self, *, days: int) -> FeatureView:
        """Return the history of the last days, for training; see :meth:`FeatureGroupRef.as_of`."""
        return self.ref.as_of(days=days)

    @staticmethod
    def from_stack(stack: str, output: str | None = None) -> FeatureGroupRef:
        """Use the group that another stack exports; see :meth:`Ref.from_stack`."""
        return FeatureGroupRef.from_stack(stack, output)
