"""Which provider instance leads to a platform's cluster: the stack's own settings, with the platform's context."""

from collections.abc import Sequence
from typing import Any

import pulumi
import pulumi_kubernetes as k8s
from pulumi import ProviderResource, ResourceOptions

from pulumi_mlops.backends.kubernetes import live
from pulumi_mlops.backends.kubernetes.addresses import PlatformAddress
from pulumi_mlops.bridges import Difference
from pulumi_mlops.components.platform import PlatformRef
from pulumi_mlops.core import private
from pulumi_mlops.core.naming import snake
from pulumi_mlops.core.refs import HubRef

PACKAGE = "kubernetes"
_WORDS = ("cluster", "clusterIdentifier")
_FLAGS = ("deleteUnreachable", "skipUpdateUnreachable", "suppressDeprecationWarnings", "suppressHelmHookWarnings")
_PARTS = ("kubeClientSettings", "helmReleaseSettings")


def settings() -> dict[str, Any]:
    """Return what the stack's configuration says of the provider, but for context and kubeconfig."""
    config = pulumi.Config(PACKAGE)
    found: dict[str, Any] = {key: config.get(key) for key in _WORDS}
    found |= {key: config.get_bool(key) for key in _FLAGS}
    found |= {key: config.get_object(key) for key in _PARTS}
    return {snake(key): value for key, value in found.items() if value is not None}


def make(name: str, context: str | None, opts: ResourceOptions | None) -> k8s.Provider:
    """Make the provider for a context of the kubeconfig."""
    return k8s.Provider(
        name,
        context=context,
        kubeconfig=live.kubeconfig(),
        # Names are fixed here: replacing a Secret or a ConfigMap would take it away for a moment.
        enable_secret_mutable=True,
        enable_config_map_mutable=True,
        opts=opts,
        **settings(),
    )


def reach(hub: HubRef, given: ProviderResource | None) -> Sequence[ProviderResource]:
    """Return the provider for a platform that another stack owns.

    It is always made: the default one replaces Secrets and ConfigMaps where ours changes them in place.

    :raises InvalidArgs: no context that this program has leads to the platform's cluster.
    """
    assert isinstance(hub, PlatformRef)  # noqa: S101 (the only hub there is)
    context = live.context_of(hub)
    if given is not None:
        where = PlatformAddress.of(hub).server or "its cluster"
        if pulumi.runtime.is_dry_run():
            pulumi.log.info(f"Platform {hub.name!r} is at {where}; the provider in `opts` must lead to the same")
        return ()
    name = f"{hub.name}-{hub.stage}-cluster"
    return (private.once(f"provider {name} {context}", lambda: make(name, context, None)),)


def apart(here: HubRef, there: HubRef) -> Sequence[Difference]:
    """Tell whether the files of two platforms are in different object stores."""
    one, other = PlatformAddress.of(here).store, PlatformAddress.of(there).store
    shared = one.door.pods is None and other.door.pods is None and (one.url, one.bucket) == (other.url, other.bucket)
    return [] if shared else ["place"]
