"""What ModelRegistry accepts, as editors and type checkers see it.

Written by tools/generate_interface.py out of the spec; do not edit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Required, TypedDict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pulumi import Input

    from pulumi_mlops.args.principals import Principal
    from pulumi_mlops.components.platform import PlatformRef
    from pulumi_mlops.core.principals import PrincipalRef
    from pulumi_mlops.core.refs import Has

__all__ = ["ExistingModelRegistryArgs", "ModelRegistryArgs", "Notice"]


class ExistingModelRegistryArgs(TypedDict, total=False):
    """What is said of a registry that exists already. Who approves and reads there is its owner's business."""

    called: str | None
    """The name by which the backend knows it; the default is ``name``. It is a plain value, since it is looked up while
    the program runs."""
    platform: Required[Has[PlatformRef]]
    """The platform on which its models are used."""
    files: str | None
    """URI of the folder in which it keeps the files of versions, where the registry hands files out itself and versions
    name them by it. On Kubernetes: what ``mlflow-artifacts:`` stands for. Endpoints read it with the key of the
    platform's object store."""


class ModelRegistryArgs(TypedDict, total=False):
    """What a registry is asked to be."""

    platform: Required[Has[PlatformRef]]
    """The platform that it stands on."""
    approvers: Sequence[Has[PrincipalRef] | Principal]
    """Principals that may approve and reject versions. On AWS: IAM roles of the account, and Identities. On Azure:
    users, groups, applications and Identities. On Kubernetes: users of the registry, made with it; a service account or
    an Identity gets a user of its own, and may read the login."""
    consumers: Sequence[Has[PrincipalRef] | Principal] | None
    """Principals outside that may read and deploy versions. The default is the platform's. On AWS: accounts, roles and
    Identities. On Azure: users, groups, applications and Identities. A role that each model brings along reads its
    versions, and their files in ``models/<model>/`` of the artifact store. On Kubernetes: namespaces, service accounts
    and Identities."""
    events: Mapping[str, Notice]
    """Who is told of approvals, by short name: ``{"deploy": {"to": …}}``."""
    published: bool
    """Whether it is reached from outside through the platform's gateway, by its own logins. The default is that it is
    reached inside only."""
    regions: Sequence[str]
    """Regions of the platforms that serve its versions, by the cloud's own names. The registry is then one that
    platforms share, also those of another account, and keeps its versions in each of these regions. The default is a
    registry of its platform's own. On Azure: a registry of Azure Machine Learning beside the workspace, which keeps
    versions in the platform's region and in these, such as ``westeurope``. Versions are registered there (``az ml model
    create --registry-name``), or shared out of a workspace (``az ml model share``). An Endpoint on any platform of the
    tenant serves them, by the role Reader on the registry, which its program gives. See
    https://learn.microsoft.com/azure/machine-learning/how-to-manage-registries."""
    tags: Mapping[str, str]
    """Further tags."""


class Notice(TypedDict, total=False):
    """Somebody who is told when the approval of a version changes."""

    to: Required[Input[str]]
    """Full address of who is told. On AWS: the ARN of a queue, topic or function, whose own policy must let EventBridge
    deliver. On Azure: an https address. It is sent ``{registry, model, approval}``, within five minutes; a change may
    be told twice. On Kubernetes: an http or https URL."""
    on: Sequence[Literal["approved", "rejected", "pending"]]
    """Which changes are told."""
