"""What principals accepts, as editors and type checkers see it.

Written by tools/generate_interface.py out of the spec; do not edit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from pulumi import Input


__all__ = ["Principal"]


class Principal(TypedDict, total=False):
    """Somebody who gets rights: exactly one of the kinds below."""

    account: Input[str] | None
    """An account of the cloud as a whole: its own administrators decide who in it. On AWS: twelve digits."""
    role: Input[str] | None
    """A role: its name where it is in the platform's own account, else its full address. On AWS: the name of an IAM
    role, or its ARN."""
    namespace: Input[str] | None
    """Everything that runs in a namespace of the cluster."""
    service_account: Input[str] | None
    """A service account of the cluster, as ``namespace/name``. On Kubernetes: pods that act as it carry the label
    ``pulumi-mlops/account: <name>``, by which the network policies know them."""
    user: Input[str] | None
    """A user by name. On Kubernetes: a user of the model registry."""
