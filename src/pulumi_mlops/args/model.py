"""What Model accepts, as editors and type checkers see it.

Written by tools/generate_interface.py out of the spec; do not edit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Required, TypedDict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pulumi_mlops.components.model_registry import ModelRegistryRef
    from pulumi_mlops.core.refs import Has

__all__ = ["ModelArgs"]


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
