"""FeatureGroup: features by key and time, for training and for serving."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Unpack

from pulumi import ResourceOptions
from pydantic import Field, ValidationInfo, field_validator

from pulumi_mlops.components.feature_store import FeatureStoreRef
from pulumi_mlops.components.platform import PlatformRef
from pulumi_mlops.core.component import Component
from pulumi_mlops.core.engines import Task
from pulumi_mlops.core.errors import InvalidArgs, Problem
from pulumi_mlops.core.existing import Existing, folder, take_over
from pulumi_mlops.core.inputs import Flag, Needs, OneOf, Spec, Whole, demand_number, earlier, given, nearest, refuse
from pulumi_mlops.core.refs import Of, Ref

if TYPE_CHECKING:  # read by type checkers; a program need not make a TypedDict of each spec
    from pulumi_mlops.args.feature_group import ExistingFeatureGroupArgs, FeatureGroupArgs

FeatureType = Literal["string", "integer", "float", "boolean", "timestamp"]
_FEATURE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


class Online(Spec):
    """The online store: the newest row of each key, within milliseconds."""

    ttl_hours: Annotated[Annotated[Whole, Field(ge=1)] | None, Needs("feature_group.online.ttl")] = None
    """Hours after its event time at which a row is dropped; kept for ever unless told. Changing it updates in place."""


class Offline(Spec):
    """The offline store: every row ever written, for training."""

    format: Annotated[
        Literal["parquet", "iceberg"], Needs("feature_group.offline.iceberg", lambda table: table == "iceberg")
    ] = "parquet"
    """Table format. It cannot be changed later."""


def _features(info: ValidationInfo) -> Mapping[str, str]:
    found = earlier(info, "features")
    return found if isinstance(found, Mapping) else {}


def _among_the_features(keys: list[str], features: Mapping[str, str]) -> None:
    if features and (wrong := [key for key in keys if key not in features]):
        raise refuse(
            f"{', '.join(map(repr, wrong))} is not among the features{nearest(wrong[0], features)}; add it "
            "there with its type"
        )


def _can_be_a_time(name: str, features: Mapping[str, str]) -> None:
    if features and name not in features:
        raise refuse(
            f"{name!r} is not among the features{nearest(name, features)}; add it there, as {{{name!r}: 'timestamp'}}"
        )
    if features and features[name] in ("string", "integer", "boolean"):
        raise refuse(f"{name!r} is {features[name]!r}; an event time is a 'timestamp' or a 'float'")


class FeatureGroupSpec(Spec):
    """What a feature group is asked to be."""

    stands_on = "store"

    store: Of[FeatureStoreRef]
    """The store that it belongs to."""
    features: Annotated[dict[str, FeatureType], Field(min_length=1)]
    """Every column with its type, key and event time among them. Adding one updates in place; removing or
    retyping one is refused."""
    keys: Annotated[list[str], Field(min_length=1), Needs("feature_group.compound_key", lambda keys: len(keys) > 1)]
    """The features that identify a row. They cannot be changed later."""
    event_time: str
    """The feature that says when a row was true: a ``timestamp`` (ISO 8601) or a ``float`` (seconds since 1970).
    It cannot be changed later."""
    online: Annotated[Online | None, Needs("feature_group.online", given)] = None
    """``{}`` for an online store, ``{"ttl_hours": 72}`` for one that forgets; none unless told."""
    offline: Annotated[Offline | None, Needs("feature_group.offline", given)] = Offline()
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
        _among_the_features(value, _features(info))
        return value

    @field_validator("event_time")
    @classmethod
    def _time_is_a_feature(cls, value: str, info: ValidationInfo) -> str:
        _can_be_a_time(value, _features(info))
        return value

    @field_validator("offline")
    @classmethod
    def _somewhere(cls, value: Offline | None, info: ValidationInfo) -> Offline | None:
        if value is None and info.data.get("online") is None:
            raise refuse("both stores are off; write online={} or leave offline as it is")
        return value


class ExistingFeatureGroupSpec(Existing):
    """What is said of a feature group that exists already. Facts that the backend can read are read and compared."""

    stands_on = "store"
    one_of = OneOf("store", "platform")

    store: Of[FeatureStoreRef] | None = None
    """The store that it belongs to. Write either this or ``platform``."""
    platform: Annotated[Of[PlatformRef] | None, Needs("feature_group.existing.by_itself", given)] = None
    """The platform on which it is used, for a group that is found without its store."""
    features: Annotated[dict[str, FeatureType], Field(min_length=1)] | None = None
    """Its columns with their types; the default is what the backend reads. Those that are written must be there."""
    keys: Annotated[
        Annotated[list[str], Field(min_length=1)] | None,
        Needs("feature_group.compound_key", lambda keys: keys is not None and len(keys) > 1),
    ] = None
    """The features that identify a row; the default is what the backend reads."""
    event_time: str | None = None
    """The feature that says when a row was true; the default is what the backend reads."""
    online: Flag | None = None
    """Whether it has an online store; the default is what the backend reads, and ``True`` where it reads nothing."""
    offline: str | None = None
    """URI of the folder with its offline rows. The default is what the backend reads; where it reads nothing the group
    counts as one without."""

    @field_validator("keys")
    @classmethod
    def _keys_are_features(cls, value: list[str] | None, info: ValidationInfo) -> list[str] | None:
        _among_the_features(value or [], _features(info))
        return value

    @field_validator("event_time")
    @classmethod
    def _time_is_a_feature(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None:
            _can_be_a_time(value, _features(info))
        return value

    @field_validator("offline")
    @classmethod
    def _folder(cls, value: str | None) -> str | None:
        return None if value is None else folder(value)

    @property
    def hub(self) -> PlatformRef:
        """The platform on which it is used."""
        found = self.store.platform if self.store else self.platform
        assert found is not None  # noqa: S101 (judged above)
        return found


@dataclass(frozen=True, kw_only=True)
class FeatureGroupRef(Ref):
    """A table of features with a key and a time."""

    noun = "feature_group"

    platform: PlatformRef
    keys: list[str]
    event_time: str
    features: Mapping[str, str]
    has_online: bool
    has_offline: bool

    @property
    def online(self) -> "OnlineView":
        """The newest values, for serving: give it to ``Endpoint(reads=[…])``."""
        if not self.has_online:
            raise InvalidArgs(
                "FeatureGroup", self.name, [Problem("online", "is off; write online={} to have an online store")]
            )
        return OnlineView(self, "online")

    def as_of(self, *, days: int) -> "OfflineView":
        """Return the history of the last ``days`` days, for training: every row with the time at which it was true."""
        if not self.has_offline:
            raise InvalidArgs(
                "FeatureGroup", self.name, [Problem("offline", "is off; write offline={} to have an offline store")]
            )
        if said := demand_number(days, f"{self.name}.as_of(days=90)"):
            raise InvalidArgs("FeatureGroup", self.name, [Problem("days", said)])
        return OfflineView(self, "offline", days)


@dataclass(frozen=True)
class FeatureView:
    """What somebody reads of a feature group; being given one is what grants the right to read it."""

    advice: ClassVar[str] = "profile.online, or profile.as_of(days=90)"

    group: FeatureGroupRef
    tier: Literal["online", "offline"]
    days: int | None = None

    @property
    def label(self) -> str:
        """How the engine's record names it."""
        return f"{self.group.name}.{self.tier}"


@dataclass(frozen=True)
class OnlineView(FeatureView):
    """The newest values of a feature group, for serving."""

    advice: ClassVar[str] = "profile.online"


@dataclass(frozen=True)
class OfflineView(FeatureView):
    """The history of a feature group, for training."""

    advice: ClassVar[str] = "profile.as_of(days=90)"


EXISTING = Task[[str, ExistingFeatureGroupSpec], FeatureGroupRef]("FeatureGroup.existing")
"""Look up a group that no program of ours made."""


class FeatureGroup(Component[FeatureGroupSpec, FeatureGroupRef]):
    """A table of typed features with a key and a time, online and offline, encrypted with the platform's key.

    Adding a feature updates the group in place. Removing or retyping one is refused: rows that are there have it.
    """

    spec_type = FeatureGroupSpec
    ref_type = FeatureGroupRef
    existing_type = ExistingFeatureGroupSpec

    def __init__(self, name: str, opts: ResourceOptions | None = None, **args: "Unpack[FeatureGroupArgs]") -> None:
        self.build(name, args, opts)

    @classmethod
    def existing(cls, name: str, **args: "Unpack[ExistingFeatureGroupArgs]") -> FeatureGroupRef:
        """Use a feature group that exists already: it is read and written, and never changed or deleted."""
        return take_over(EXISTING, ExistingFeatureGroupSpec, name, args)

    @property
    def online(self) -> OnlineView:
        """The newest values, for ``Endpoint(reads=[…])``; see :attr:`FeatureGroupRef.online`."""
        return self.ref.online

    def as_of(self, *, days: int) -> OfflineView:
        """Return the history of the last days, for training; see :meth:`FeatureGroupRef.as_of`."""
        return self.ref.as_of(days=days)
