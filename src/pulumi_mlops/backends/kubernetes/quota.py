"""What the parts that this backend runs ask for, held against the platform's quota before anything is made."""

from collections.abc import Iterator
from dataclasses import dataclass

from pulumi_mlops.backends.kubernetes.addresses import PlatformAddress
from pulumi_mlops.components.experiment_tracker import ExperimentTrackerSpec
from pulumi_mlops.components.feature_store import FeatureStoreSpec
from pulumi_mlops.components.model_registry import ModelRegistrySpec
from pulumi_mlops.components.platform import PlatformRef, PlatformSpec
from pulumi_mlops.core.errors import Problem
from pulumi_mlops.core.stages import PROFILES, Profile, treated


@dataclass(frozen=True)
class Need:
    """CPUs, memory and disks in GiB."""

    cpus: float = 0
    memory_gb: float = 0
    storage_gb: float = 0

    def __add__(self, other: "Need") -> "Need":
        return Need(self.cpus + other.cpus, self.memory_gb + other.memory_gb, self.storage_gb + other.storage_gb)

    def times(self, count: int) -> "Need":
        """Return it for several."""
        return Need(self.cpus * count, self.memory_gb * count, self.storage_gb * count)


_STORE_DISK = {"dev": 20, "staging": 100, "prod": 500}
_ONLINE = {"dev": Need(0.25, 1, 5), "staging": Need(0.25, 2, 10), "prod": Need(0.25, 8, 40)}
_SETUP = Need(0.1, 0.125)
"""A Job that sets something up, beside the server that it works on."""


def object_store(profile: Profile) -> Need:
    """Return what the object store asks for, while it is set up."""
    return Need(0.5, 1, _STORE_DISK[profile.name]) + _SETUP


def database(profile: Profile) -> Need:
    """Return what a Postgres cluster asks for."""
    return Need(0.25, 0.5, 10).times(3 if profile.protect else 1)


def feature_store(profile: Profile, *, own_database: bool, materializes: bool) -> Need:
    """Return what a feature store asks for, while a view is applied or rows are brought online."""
    servers = Need(0.25, 1).times(2 if profile.protect else 1)
    job = Need(0.5, 2) if materializes else Need(0.25, 1)
    return _ONLINE[profile.name] + servers + job + (database(profile) if own_database else Need())


def mlflow(profile: Profile, *, own_database: bool) -> Need:
    """Return what a model registry or a tracker asks for, while it is set up."""
    servers = Need(0.5, 2).times(2 if profile.protect else 1)
    return servers + _SETUP + (database(profile) if own_database else Need())


def platform_problems(spec: PlatformSpec) -> Iterator[Problem]:
    """Refuse a quota that the platform's own parts do not fit into."""
    if spec.quota is None or spec.existing.object_store is not None:
        return
    need = object_store(PROFILES[spec.profile or treated(spec.stage)])
    for word, wanted, most in _short(need, spec.quota.cpus, spec.quota.memory_gb, spec.quota.storage_gb):
        yield Problem(
            f"quota.{word}",
            f"{most:g} is less than the {wanted:g} that the platform's own object store asks for, while it is set up; "
            f"write at least {wanted:g}, and more for each component, or existing={{'object_store': …}}",
        )


def component_problems(spec: FeatureStoreSpec | ModelRegistrySpec | ExperimentTrackerSpec) -> Iterator[Problem]:
    """Refuse a component that the platform's quota could never hold beside the platform's own parts."""
    address = PlatformAddress.of(spec.platform)
    if address.quota is None:
        return
    profile, own = _profile(spec.platform), address.database is None
    need = (
        feature_store(profile, own_database=own, materializes=spec.materialize is not None)
        if isinstance(spec, FeatureStoreSpec)
        else mlflow(profile, own_database=own)
    )
    if address.store.door.pods is not None:
        need += object_store(profile)
    quota = address.quota
    for word, wanted, most in _short(need, quota.cpus, quota.memory_gb, quota.storage_gb):
        yield Problem(
            "platform",
            f"needs {wanted:g} {word} at least, with the platform's own parts, and the platform's quota is {most:g}; "
            f"write Platform(quota={{'{word}': {wanted:g}, …}})",
        )


def _profile(platform: PlatformRef) -> Profile:
    return PROFILES[platform.profile or treated(platform.stage)]


def _short(need: Need, cpus: float, memory_gb: float, storage_gb: float | None) -> Iterator[tuple[str, float, float]]:
    if need.cpus > cpus:
        yield "cpus", need.cpus, cpus
    if need.memory_gb > memory_gb:
        yield "memory_gb", need.memory_gb, memory_gb
    if storage_gb is not None and need.storage_gb > storage_gb:
        yield "storage_gb", need.storage_gb, storage_gb
