"""What principals accepts, as editors and type checkers see it.

Written by tools/generate_interface.py out of the spec; do not edit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Required, TypeAlias, TypedDict

if TYPE_CHECKING:
    from pulumi import Input


__all__ = [
    "Principal",
    "PrincipalWithAccount",
    "PrincipalWithApplication",
    "PrincipalWithGroup",
    "PrincipalWithNamespace",
    "PrincipalWithRole",
    "PrincipalWithServiceAccount",
    "PrincipalWithUser",
]


class PrincipalWithAccount(TypedDict, total=False):
    """Somebody who gets rights: exactly one of the kinds below."""

    account: Required[Input[str]]
    """An account of the cloud as a whole: its own administrators decide who in it. On AWS: twelve digits."""


class PrincipalWithRole(TypedDict, total=False):
    """Somebody who gets rights: exactly one of the kinds below."""

    role: Required[Input[str]]
    """A role: its name where it is in the platform's own account, else its full address. On AWS: the name of an IAM
    role, or its ARN."""


class PrincipalWithNamespace(TypedDict, total=False):
    """Somebody who gets rights: exactly one of the kinds below."""

    namespace: Required[Input[str]]
    """Everything that runs in a namespace of the cluster."""


class PrincipalWithServiceAccount(TypedDict, total=False):
    """Somebody who gets rights: exactly one of the kinds below."""

    service_account: Required[Input[str]]
    """A service account of the cluster, as ``namespace/name``. On Kubernetes: pods that act as it carry the label
    ``pulumi-mlops/account: <name>``, by which the network policies know them."""


class PrincipalWithUser(TypedDict, total=False):
    """Somebody who gets rights: exactly one of the kinds below."""

    user: Required[Input[str]]
    """A user by name, or by the id that the cloud's directory of people has. On Kubernetes: a user of the model
    registry."""


class PrincipalWithGroup(TypedDict, total=False):
    """Somebody who gets rights: exactly one of the kinds below."""

    group: Required[Input[str]]
    """A group of the cloud's directory of people and programs, by its id there."""


class PrincipalWithApplication(TypedDict, total=False):
    """Somebody who gets rights: exactly one of the kinds below."""

    application: Required[Input[str]]
    """A program that is known to the cloud's directory, by its id there."""


Principal: TypeAlias = (
    PrincipalWithAccount
    | PrincipalWithRole
    | PrincipalWithNamespace
    | PrincipalWithServiceAccount
    | PrincipalWithUser
    | PrincipalWithGroup
    | PrincipalWithApplication
)
"""Somebody who gets rights: exactly one of the kinds below."""
