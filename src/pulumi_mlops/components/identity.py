"""Identity: somebody outside of the program with rights on the platform, such as a team or a CI job."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Unpack

from pulumi import Output, ResourceOptions
from pydantic import Field, field_validator

from pulumi_mlops import bridges
from pulumi_mlops.components.dataset_ref import DatasetRef, DatasetView
from pulumi_mlops.components.endpoint_ref import EndpointRef
from pulumi_mlops.components.experiment_tracker import ExperimentTrackerRef
from pulumi_mlops.components.feature_group import FeatureGroupRef, FeatureView
from pulumi_mlops.components.feature_store import FeatureStoreRef
from pulumi_mlops.components.model import ModelRef
from pulumi_mlops.components.platform import PlatformRef
from pulumi_mlops.core.component import Component
from pulumi_mlops.core.engines import Task
from pulumi_mlops.core.existing import Existing, take_over
from pulumi_mlops.core.inputs import In, Needs, OneOf, Spec, given, is_deferred, refuse
from pulumi_mlops.core.principals import PrincipalRef
from pulumi_mlops.core.refs import Given, HubRef, Of, SecretRef
from pulumi_mlops.core.workload import Grant

if TYPE_CHECKING:  # read by type checkers; a program need not make a TypedDict of each spec
    from pulumi_mlops.args.identity import ExistingIdentityArgs, IdentityArgs

if TYPE_CHECKING:
    from collections.abc import Sequence

_REPOSITORY = r"^[\w.-]+(@\d+)?/[\w.-]+(@\d+)?$"


class GithubTrust(Spec):
    """Jobs of GitHub Actions of one repository, on one branch or in one environment."""

    one_of = OneOf("branch", "environment")

    repository: Annotated[str, Field(pattern=_REPOSITORY)]
    """The repository, as ``owner/name``; as ``owner@123/name@456`` where its tokens name the ids of both, as those of
    repositories do that were made or renamed since July 2026."""
    branch: Annotated[str, Field(pattern=r"^[^*?\s]+$")] | None = None
    """The branch whose jobs are trusted."""
    environment: Annotated[str, Field(pattern=r"^[^*?:\s]+$")] | None = None
    """The environment whose jobs are trusted, instead of a branch."""


class AccountTrust(Spec):
    """Another account, or this one: its administrators decide who in it."""

    id: In[str]
    """The account."""
    external_id: In[str] | None = None
    """A word that whoever acts as the identity has to name; anybody of the account may act without one by default."""


class TokenTrust(Spec):
    """Whoever brings a token that an issuer of OpenID Connect signed for one subject, such as a cluster's workload."""

    issuer: Annotated[str, Field(pattern=r"^https://[^/\s?#]+(/[^\s?#]*)?$")]
    """Who signs: the claim ``iss``, such as ``https://oidc.example.com/cluster``."""
    subject: Annotated[str, Field(pattern=r"^[^*?\s]+$")]
    """For whom: the claim ``sub``, such as ``system:serviceaccount:ranking:web``."""
    audience: Annotated[str, Field(min_length=1)] | None = None
    """To whom the token is addressed: the claim ``aud``; the cloud's own exchange of tokens unless told."""


class Trusts(Spec):
    """Who may act as the identity: one or several of these."""

    github: Annotated[GithubTrust | None, Needs("identity.trusts.github", given)] = None
    """Jobs of GitHub Actions, by their own tokens: no key is kept anywhere."""
    account: Annotated[AccountTrust | None, Needs("identity.trusts.account", given)] = None
    """An account."""
    token: Annotated[TokenTrust | None, Needs("identity.trusts.token", given)] = None
    """The tokens of another issuer."""
    role: Annotated[In[str] | None, Needs("identity.trusts.role", given)] = None
    """A role, by its full address."""
    namespace: Annotated[In[str] | None, Needs("identity.trusts.namespace", given)] = None
    """Every service account of a namespace of the cluster."""
    service_account: Annotated[In[str] | None, Needs("identity.trusts.service_account", given)] = None
    """A service account of the cluster, as ``namespace/name``."""

    @field_validator("service_account")
    @classmethod
    def _qualified(cls, value: object) -> object:
        if value is not None and not is_deferred(value) and str(value).count("/") != 1:
            raise refuse(f"{value!r} is not a service account; write it as 'namespace/name'")
        return value


class IdentitySpec(Spec):
    """What an identity is asked to be. It may do what is named here, and nothing else."""

    platform: Of[PlatformRef]
    """The platform on which it has rights. Changing it makes another identity."""
    reads: Annotated[list[Annotated[FeatureView | DatasetView | DatasetRef, Given()]], Needs("identity.reads")] = []
    """What it reads: views of feature groups, and datasets with all their versions, ``[profile.online,
    profile.as_of(days=90), rows]``. Changing it changes the rights in place."""
    writes: Annotated[list[Annotated[FeatureGroupRef | DatasetRef, Given()]], Needs("identity.writes")] = []
    """Feature groups to which it writes rows, and datasets to which it writes files and of which it publishes
    versions. Where a dataset's versions are entered in a tracker too, it may record there."""
    materializes: Annotated[list[Of[FeatureStoreRef]], Needs("identity.materializes")] = []
    """Feature stores whose offline rows it brings online."""
    registers: Annotated[list[Of[ModelRef]], Needs("identity.registers")] = []
    """Models of which it registers versions. It cannot approve them."""
    approves: Annotated[list[Of[ModelRef]], Needs("identity.approves")] = []
    """Models of which it approves and rejects versions."""
    deploys: Annotated[list[Of[ModelRef]], Needs("identity.deploys")] = []
    """Models whose versions it looks up, reads and makes deployable."""
    invokes: Annotated[list[Of[EndpointRef]], Needs("identity.invokes")] = []
    """Endpoints that it calls."""
    secrets: Annotated[list[Of[SecretRef]], Needs("identity.secrets")] = []
    """Secrets that it reads."""
    records: Annotated[list[Of[ExperimentTrackerRef]], Needs("identity.records")] = []
    """Trackers in which it records runs: it reads their keys, and no other."""
    trusts: Trusts = Trusts()
    """Who may act as it. Changing it changes who may from then on; sessions that have begun last until they end."""
    tags: dict[str, str] = {}
    """Further tags."""

    def uses(self) -> frozenset[str]:
        """Name what it needs where a thing is of another platform."""
        hubs = (getattr(_seen(thing), "platform", None) for _, thing in self.grants())
        apart = any(isinstance(hub, HubRef) and not bridges.same(hub, self.platform) for hub in hubs)
        needed = {bridges.IDENTITY: apart, "identity.records": self.recorded}
        return frozenset(name for name, so in needed.items() if so)

    @property
    def recorded(self) -> list[ExperimentTrackerRef]:
        """Return the trackers in which it records, each once: those that it names, and those of what it publishes."""
        found = list(self.records)
        for one in self.writes:
            tracker = one.tracker if isinstance(one, DatasetRef) else None
            if tracker is not None and tracker not in found:
                found.append(tracker)
        return found

    def grants(self) -> list[Grant]:
        """Return what it may do."""
        named: dict[str, Sequence[object]] = {
            "read": [*self.reads, *self.secrets],
            "write": self.writes,
            "materialize": self.materializes,
            "register": self.registers,
            "approve": self.approves,
            "deploy": self.deploys,
            "invoke": self.invokes,
            "record": self.recorded,
        }
        return [(verb, thing) for verb, things in named.items() for thing in things]


def _seen(thing: object) -> object:
    """Return what a view is of; any other thing itself."""
    if isinstance(thing, FeatureView):
        return thing.group
    return thing.dataset if isinstance(thing, DatasetView) else thing


class ExistingIdentitySpec(Existing):
    """What is said of somebody who exists already. What they may do elsewhere is not touched."""

    platform: Of[PlatformRef]
    """The platform on which they are given rights, as a principal: ``invokers=[team]``."""


@dataclass(frozen=True, kw_only=True)
class IdentityRef(PrincipalRef):
    """Somebody with rights on a platform; it is taken wherever a principal is."""

    noun = "identity"
    advice = "the Identity, or Identity.from_stack(…)"

    platform: PlatformRef


EXISTING = Task[[str, ExistingIdentitySpec], IdentityRef]("Identity.existing")
"""Look up somebody whom no program of ours made."""


class Identity(Component[IdentitySpec, IdentityRef]):
    """Somebody outside of the program with rights on the platform: a team, a CI job, another account.

    Its rights are those of its arguments, and nothing else. It is a principal: ``invokers=[team]`` takes it.
    """

    principal: Output[str]
    """Its address, which others put in their own policies."""

    spec_type = IdentitySpec
    ref_type = IdentityRef
    existing_type = ExistingIdentitySpec

    def __init__(self, name: str, opts: ResourceOptions | None = None, **args: "Unpack[IdentityArgs]") -> None:
        self.build(name, args, opts)

    @classmethod
    def existing(cls, name: str, **args: "Unpack[ExistingIdentityArgs]") -> IdentityRef:
        """Use an identity that exists already, as a principal; it is never changed or deleted."""
        return take_over(EXISTING, ExistingIdentitySpec, name, args)
