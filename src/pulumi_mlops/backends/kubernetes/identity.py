"""Identity on Kubernetes: a service account, the Secrets that it reads, what it reaches, and who gets its token."""

import pulumi
from pulumi import Input

from pulumi_mlops.backends.kubernetes import access
from pulumi_mlops.backends.kubernetes.addresses import (
    Door,
    EndpointAddress,
    FeatureGroupAddress,
    FeatureServerAddress,
    PlatformAddress,
    SecretAddress,
)
from pulumi_mlops.backends.kubernetes.experiment_tracker import recorder
from pulumi_mlops.backends.kubernetes.objects import App, Fields
from pulumi_mlops.components.dataset_ref import DatasetRef
from pulumi_mlops.components.feature_group import FeatureGroupRef, FeatureView
from pulumi_mlops.components.identity import IdentityRef, IdentitySpec
from pulumi_mlops.core.component import Scope
from pulumi_mlops.core.principals import Principal


def identity(scope: Scope, spec: IdentitySpec) -> IdentityRef:
    """Make the account, then what it may read and reach, then who may act as it."""
    app = access.app_of(scope, spec.platform, "identity")
    account = access.identity(app)
    native: dict[str, pulumi.Resource] = {"account": account}
    recorders = [recorder(app, tracker) for tracker in spec.recorded]
    for one in recorders:
        native |= one.native
    if secrets := [*_secrets(spec), *(secret for one in recorders for secret in one.secrets)]:
        right = access.rule("", "secrets", ["get"], secrets)
        native["reads"] = access.grant(app, "reads", [right], [access.account_of(account)])
    trusted = _trusted(spec)
    if trusted:
        token = access.rule("", "serviceaccounts/token", ["create"], [account.metadata.name])
        subjects = [subject for caller in trusted for subject in caller.subjects]
        native["trusts"] = access.grant(app, "trusts", [token], subjects)
    pods = {access.ACCOUNT: app.name()}
    doors = [*_doors(spec), *(door for one in recorders for door in one.doors)]
    access.call(app, "calls", pods, doors)
    _from_elsewhere(app, doors, trusted, pods)
    return IdentityRef(
        name=scope.name,
        backend="kubernetes",
        platform=spec.platform,
        kind="service_account",
        principal=f"{app.namespace}/{app.name()}",
        native=native,
    )


def _secrets(spec: IdentitySpec) -> list[Input[str]]:
    """Name the Secrets that it reads: those that it is given, and the object store's key where it reads files."""
    found: list[Input[str]] = [SecretAddress.of(secret).id for secret in spec.secrets]
    store = PlatformAddress.of(spec.platform).store
    if _writes_files(spec):  # its key reads as well
        found.append(store.writer)
    elif _reads_files(spec):
        found.append(store.reader)
    return found


def _views(spec: IdentitySpec) -> list[FeatureView]:
    return [view for view in spec.reads if isinstance(view, FeatureView)]


def _reads_files(spec: IdentitySpec) -> bool:
    """Tell whether it reads from the object store: rows of a group, or a dataset."""
    return len(_views(spec)) < len(spec.reads) or any(view.tier == "offline" for view in _views(spec))


def _writes_files(spec: IdentitySpec) -> bool:
    return any(isinstance(one, DatasetRef) for one in spec.writes)


def _doors(spec: IdentitySpec) -> list[Door]:
    """Return the ports that it reaches, each once."""
    groups = [view.group for view in _views(spec) if view.tier == "online"]
    groups += [one for one in spec.writes if isinstance(one, FeatureGroupRef)]
    doors = [FeatureGroupAddress.of(group).door for group in groups]
    doors += [FeatureServerAddress.of(store).door for store in spec.materializes]
    doors += [door for endpoint in spec.invokes if (door := EndpointAddress.of(endpoint).door)]
    if _reads_files(spec) or _writes_files(spec):
        doors.append(access.store_door(spec.platform))
    return list({door.name: door for door in doors}.values())


def _trusted(spec: IdentitySpec) -> list[access.Caller]:
    given = {"namespace": spec.trusts.namespace, "service_account": spec.trusts.service_account}
    return [
        access.caller(index, Principal(**{kind: value}))
        for index, (kind, value) in enumerate(given.items())
        if value is not None
    ]


def _from_elsewhere(app: App, doors: list[Door], trusted: list[access.Caller], pods: dict[str, str]) -> None:
    """Let pods of the namespaces that it trusts in as well, those that carry its label."""
    peers: list[Fields] = [{**peer, **access.pods(pods)} for caller in trusted for peer in caller.peers]
    for door in doors:
        if peers and door.pods and door.namespace is None:
            access.listen(app, f"trusted-to-{door.name}", door.pods, door.port, peers)
