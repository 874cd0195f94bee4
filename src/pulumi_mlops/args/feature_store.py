"""What FeatureStore accepts, as editors and type checkers see it.

Written by tools/generate_interface.py out of the spec; do not edit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Required, TypedDict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pulumi_mlops.args.principals import Principal
    from pulumi_mlops.args.schedules import Schedule
    from pulumi_mlops.components.platform import PlatformRef
    from pulumi_mlops.core.principals import PrincipalRef
    from pulumi_mlops.core.refs import Has

__all__ = ["ExistingFeatureStoreArgs", "FeatureStoreArgs"]


class ExistingFeatureStoreArgs(TypedDict, total=False):
    """What is said of a feature store that exists already."""

    called: str | None
    """The name by which the backend knows it; the default is ``name``. It is a plain value, since it is looked up while
    the program runs."""
    platform: Required[Has[PlatformRef]]
    """The platform on which its groups are used."""
    writer: Has[PrincipalRef] | Principal | None
    """Who writes the offline rows of groups that are made in it. On AWS: a role that SageMaker may assume."""
    rows: str | None
    """URI of the folder for the offline rows of groups that are made in it."""


class FeatureStoreArgs(TypedDict, total=False):
    """What a feature store is asked to be."""

    platform: Required[Has[PlatformRef]]
    """The platform that it stands on."""
    materialize: Schedule | None
    """When rows of the offline stores are brought into the online stores, for backends that do not write both at once.
    Without it online stores hold what is pushed to them. On Azure: rows are brought into the offline store on
    serverless Spark."""
    tags: Mapping[str, str]
    """Further tags."""
