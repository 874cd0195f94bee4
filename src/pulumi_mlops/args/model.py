"""What Model accepts, as editors and type checkers see it.

Written by tools/generate_interface.py out of the spec; do not edit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Required, TypedDict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pulumi import Input

    from pulumi_mlops.components.model_registry import ModelRegistryRef
    from pulumi_mlops.components.platform import PlatformRef
    from pulumi_mlops.core.refs import Has

__all__ = ["ExistingModelArgs", "ModelArgs"]


class ExistingModelArgs(TypedDict, total=False):
    """What is said of a model that exists already."""

    called: str | None
    """The name by which the backend knows it; the default is ``name``. It is a plain value, since it is looked up while
    the program runs."""
    registry: Has[ModelRegistryRef] | None
    """The registry that it belongs to. Write either this or ``platform``."""
    platform: Has[PlatformRef] | None
    """The platform on which it is used, for a model that is found without its registry."""
    gate: Mapping[str, str]
    """What a version's metrics must reach before ``approved()`` takes it, as of a model that is made here."""
    files: str | None
    """URI of the folder with the files of its versions, for the rights of who registers and deploys them. The default
    is the folder that a model of this name has in the platform's artifact store."""
    key: Input[str] | None
    """Full address of the key that these files are encrypted with; the default is the platform's. On AWS: ARN of a KMS
    key, whose policy must let the platform's account use it."""


class ModelArgs(TypedDict, total=False):
    """What a model is asked to be."""

    registry: Required[Has[ModelRegistryRef]]
    """The registry that it belongs to."""
    gate: Mapping[str, str]
    """What a version's metrics must reach before ``approved()`` takes it: ``{"auc": ">=0.92"}``. Judged against the
    metadata of the version."""
    description: str | None
    """What the model does. It cannot be changed later."""
    metadata: Mapping[str, str]
    """Facts about the model as a whole, kept as tags."""
    protect: bool | None
    """Refuse to delete the model; as the stage says unless told."""
    tags: Mapping[str, str]
    """Further tags."""
