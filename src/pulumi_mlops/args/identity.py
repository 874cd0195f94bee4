"""What Identity accepts, as editors and type checkers see it.

Written by tools/generate_interface.py out of the spec; do not edit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Required, TypeAlias, TypedDict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pulumi import Input

    from pulumi_mlops.components.dataset_ref import DatasetRef, DatasetView
    from pulumi_mlops.components.endpoint_ref import EndpointRef
    from pulumi_mlops.components.experiment_tracker import ExperimentTrackerRef
    from pulumi_mlops.components.feature_group import FeatureGroupRef, FeatureView
    from pulumi_mlops.components.feature_store import FeatureStoreRef
    from pulumi_mlops.components.model import ModelRef
    from pulumi_mlops.components.platform import PlatformRef
    from pulumi_mlops.core.refs import Has, SecretRef

__all__ = [
    "AccountTrust",
    "ExistingIdentityArgs",
    "GithubTrust",
    "GithubTrustWithBranch",
    "GithubTrustWithEnvironment",
    "IdentityArgs",
    "TokenTrust",
    "Trusts",
]


class AccountTrust(TypedDict, total=False):
    """Another account, or this one: its administrators decide who in it."""

    id: Required[Input[str]]
    """The account. On AWS: twelve digits."""
    external_id: Input[str] | None
    """A word that whoever acts as the identity has to name; anybody of the account may act without one by default."""


class ExistingIdentityArgs(TypedDict, total=False):
    """What is said of somebody who exists already. What they may do elsewhere is not touched."""

    called: str | None
    """The name by which the backend knows it; the default is ``name``. It is a plain value, since it is looked up while
    the program runs."""
    platform: Required[Has[PlatformRef]]
    """The platform on which they are given rights, as a principal: ``invokers=[team]``."""


class _GithubTrust(TypedDict, total=False):
    """Jobs of GitHub Actions of one repository, on one branch or in one environment."""

    repository: Required[str]
    """The repository, as ``owner/name``; as ``owner@123/name@456`` where its tokens name the ids of both, as those of
    repositories do that were made or renamed since July 2026."""


class GithubTrustWithBranch(_GithubTrust, total=False):
    """Jobs of GitHub Actions of one repository, on one branch or in one environment."""

    branch: Required[str]
    """The branch whose jobs are trusted."""


class GithubTrustWithEnvironment(_GithubTrust, total=False):
    """Jobs of GitHub Actions of one repository, on one branch or in one environment."""

    environment: Required[str]
    """The environment whose jobs are trusted, instead of a branch."""


GithubTrust: TypeAlias = GithubTrustWithBranch | GithubTrustWithEnvironment
"""Jobs of GitHub Actions of one repository, on one branch or in one environment."""


class IdentityArgs(TypedDict, total=False):
    """What an identity is asked to be. It may do what is named here, and nothing else."""

    platform: Required[Has[PlatformRef]]
    """The platform on which it has rights. Changing it makes another identity."""
    reads: Sequence[FeatureView | DatasetView | Has[DatasetRef]]
    """What it reads: views of feature groups, and datasets with all their versions, ``[profile.online,
    profile.as_of(days=90), rows]``. Changing it changes the rights in place."""
    writes: Sequence[Has[FeatureGroupRef] | Has[DatasetRef]]
    """Feature groups to which it writes rows, and datasets to which it writes files and of which it publishes versions.
    Where a dataset's versions are entered in a tracker too, it may record there."""
    materializes: Sequence[Has[FeatureStoreRef]]
    """Feature stores whose offline rows it brings online."""
    registers: Sequence[Has[ModelRef]]
    """Models of which it registers versions. It cannot approve them. On AWS: files are uploaded to ``models/<group>/``
    of the artifact store, which is named after the model package group. On Azure: files are uploaded to
    ``models/<model>/`` of the artifact store, by the name that the model has in the workspace."""
    approves: Sequence[Has[ModelRef]]
    """Models of which it approves and rejects versions."""
    deploys: Sequence[Has[ModelRef]]
    """Models whose versions it looks up, reads and makes deployable."""
    invokes: Sequence[Has[EndpointRef]]
    """Endpoints that it calls."""
    secrets: Sequence[Has[SecretRef]]
    """Secrets that it reads."""
    records: Sequence[Has[ExperimentTrackerRef]]
    """Trackers in which it records runs: it reads their keys, and no other. On AWS: MLflow's client needs the package
    ``sagemaker-mlflow`` beside it. A recorder of a tracking server deletes nothing; an app has one right that is all of
    its API. On Azure: MLflow's client needs the package ``azureml-mlflow`` beside it. The role is given on the
    workspace: Azure has no rights on one experiment. On Kubernetes: of the platform's own tracker it is a user of
    MLflow, ``identity-<name>``, with the password in the Secret ``<identity>-record-<tracker>``. Pods that carry the
    Identity's label reach the server."""
    trusts: Trusts
    """Who may act as it. Changing it changes who may from then on; sessions that have begun last until they end."""
    tags: Mapping[str, str]
    """Further tags."""


class TokenTrust(TypedDict, total=False):
    """Whoever brings a token that an issuer of OpenID Connect signed for one subject, such as a cluster's workload."""

    issuer: Required[str]
    """Who signs: the claim ``iss``, such as ``https://oidc.example.com/cluster``."""
    subject: Required[str]
    """For whom: the claim ``sub``, such as ``system:serviceaccount:ranking:web``."""
    audience: str | None
    """To whom the token is addressed: the claim ``aud``; the cloud's own exchange of tokens unless told."""


class Trusts(TypedDict, total=False):
    """Who may act as the identity: one or several of these."""

    github: GithubTrust | None
    """Jobs of GitHub Actions, by their own tokens: no key is kept anywhere."""
    account: AccountTrust | None
    """An account."""
    token: TokenTrust | None
    """The tokens of another issuer."""
    role: Input[str] | None
    """A role, by its full address. On AWS: an ARN."""
    namespace: Input[str] | None
    """Every service account of a namespace of the cluster."""
    service_account: Input[str] | None
    """A service account of the cluster, as ``namespace/name``."""
