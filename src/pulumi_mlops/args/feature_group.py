"""What FeatureGroup accepts, as editors and type checkers see it.

Written by tools/generate_interface.py out of the spec; do not edit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Required, TypedDict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pulumi_mlops.components.feature_store import FeatureStoreRef
    from pulumi_mlops.components.platform import PlatformRef
    from pulumi_mlops.core.refs import Has

__all__ = ["ExistingFeatureGroupArgs", "FeatureGroupArgs", "Offline", "Online"]


class ExistingFeatureGroupArgs(TypedDict, total=False):
    """What is said of a feature group that exists already. Facts that the backend can read are read and compared."""

    called: str | None
    """The name by which the backend knows it; the default is ``name``. It is a plain value, since it is looked up while
    the program runs."""
    store: Has[FeatureStoreRef] | None
    """The store that it belongs to. Write either this or ``platform``."""
    platform: Has[PlatformRef] | None
    """The platform on which it is used, for a group that is found without its store."""
    features: Mapping[str, Literal["string", "integer", "float", "boolean", "timestamp"]] | None
    """Its columns with their types; the default is what the backend reads. Those that are written must be there."""
    keys: Sequence[str] | None
    """The features that identify a row; the default is what the backend reads."""
    event_time: str | None
    """The feature that says when a row was true; the default is what the backend reads."""
    online: bool | None
    """Whether it has an online store; the default is what the backend reads, and ``True`` where it reads nothing."""
    offline: str | None
    """URI of the folder with its offline rows. The default is what the backend reads; where it reads nothing the group
    counts as one without. On Kubernetes: a folder that the platform's object store has: readers get its key."""


class FeatureGroupArgs(TypedDict, total=False):
    """What a feature group is asked to be."""

    store: Required[Has[FeatureStoreRef]]
    """The store that it belongs to."""
    features: Required[Mapping[str, Literal["string", "integer", "float", "boolean", "timestamp"]]]
    """Every column with its type, key and event time among them. Adding one updates in place; removing or retyping one
    is refused."""
    keys: Required[Sequence[str]]
    """The features that identify a row. They cannot be changed later."""
    event_time: Required[str]
    """The feature that says when a row was true: a ``timestamp`` (ISO 8601) or a ``float`` (seconds since 1970). It
    cannot be changed later."""
    online: Online | None
    """``{}`` for an online store, ``{"ttl_hours": 72}`` for one that forgets; none unless told."""
    offline: Offline | None
    """The offline store; ``None`` for none."""
    description: str | None
    """What the rows are. It cannot be changed later."""
    protect: bool | None
    """Refuse to delete the group; as the stage says unless told."""
    tags: Mapping[str, str]
    """Further tags."""


class Offline(TypedDict, total=False):
    """The offline store: every row ever written, for training."""

    format: Literal["parquet", "iceberg"]
    """Table format. It cannot be changed later."""


class Online(TypedDict, total=False):
    """The online store: the newest row of each key, within milliseconds."""

    ttl_hours: int | None
    """Hours after its event time at which a row is dropped; kept for ever unless told. Changing it updates in place."""
