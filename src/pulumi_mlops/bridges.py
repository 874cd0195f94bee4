"""Bridges: what of one platform is used on another, and how.

The backend tells what two platforms differ in (:data:`APART`). Each difference is a capability of the platform on which
the thing is used, such as ``bridge.model_version.place``: its table says how it is bridged, or why it is not and what
to write instead. A difference that a table does not list is not bridged.
"""

from collections.abc import Sequence
from typing import Literal, get_args

from pulumi_mlops.core import registry
from pulumi_mlops.core.engines import Task
from pulumi_mlops.core.refs import HubRef

Bridged = Literal["model_version", "shared_version", "feature_group", "dataset"]
"""What is used on another platform; a shared version is one whose registry platforms share."""
Difference = Literal["place", "account"]
APART = Task[[HubRef, HubRef], Sequence[Difference]]("Platform.apart")
"""Tell what two platforms of the backend differ in: ``place`` (region, object store), ``account``. The first is where a
thing is used, the second where it is from."""
IDENTITY = "bridge.identity"
"""Rights on things of another platform than the identity's own."""
NAMES = {
    f"bridge.{what}.{each}" for what in get_args(Bridged) for each in ("platform", "backend", *get_args(Difference))
}
NAMES |= {IDENTITY}
"""Every capability of a bridge."""


def same(one: HubRef, other: HubRef) -> bool:
    """Tell whether two refs are of one platform: a platform loaded twice is still one."""
    return (one.name, one.stage, one.backend) == (other.name, other.stage, other.backend)


def of_version(shared: bool) -> Bridged:
    """Name the kind of a version: of a registry of its platform's own, or of one that platforms share."""
    return "shared_version" if shared else "model_version"


def needed(what: Bridged, here: HubRef, there: HubRef) -> frozenset[str]:
    """Name the capabilities that are needed to use a thing of one platform on another; none on its own."""
    if same(here, there):
        return frozenset()
    if here.backend != there.backend:
        return frozenset({f"bridge.{what}.backend"})
    ask = registry.load(here.backend).find(APART)
    apart = ask(here, there) if ask else ()
    return frozenset(f"bridge.{what}.{each}" for each in ("platform", *apart))
