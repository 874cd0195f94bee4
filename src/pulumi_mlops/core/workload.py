"""A workload: what runs somewhere, and what it may do. It is one neutral value, which each backend renders once.

What a container is given is the same on every backend: ``docs/workload.md`` is the contract, and this module is where
its names are made.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from pulumi import Input, Output

from pulumi_mlops.core.compute import Compute
from pulumi_mlops.core.refs import Ref, SecretRef

OURS = "MLOPS_"
"""Variables of this prefix are the library's: a user's variable of such a name is refused."""
FEATURES = "MLOPS_FEATURES_"
FEATURE_SERVER = "MLOPS_FEATURE_SERVER_"
SECRET = "MLOPS_SECRET_"  # noqa: S105 (the prefix of a name)
FETCHED = "MLOPS_ENV_"
"""The prefix of a variable that names where the value of another one is: ``jobs/start.py`` fetches it."""
VERSIONS = "_versions/"
"""The folder below a dataset with the lists of the files of its versions."""
RECORD_OF_VERSION = "mlops-facts"
"""The fact of a version that names the record of the step which made its files."""
PORT = 8080
"""Where a container is asked, unless its workload names another port."""
HEALTH = "/ping"
"""The path of health checks that every backend can ask for."""

Grant = tuple[str, object]
"""A verb and what it is about, which is a ref, a view of one or a neutral place: ``("read", profile.online)``."""
V = TypeVar("V")


@dataclass(frozen=True)
class Place:
    """A file or, where the address ends in a slash, a folder, in the artifact store or elsewhere."""

    uri: Input[str]


def folder(address: Input[str]) -> Input[str]:
    """Return the address of a folder, which ends in a slash, also where somebody else wrote it without.

    >>> folder("store://acme/rows"), folder("store://acme/rows/")
    ('store://acme/rows/', 'store://acme/rows/')
    """
    if isinstance(address, str):
        return f"{address.removesuffix('/')}/"
    return Output.format("{0}", address).apply(lambda known: f"{known.removesuffix('/')}/")


@dataclass(frozen=True)
class Key:
    """An encryption key that is not the platform's."""

    address: Input[str]


@dataclass(frozen=True)
class Image:
    """A container image."""

    address: Input[str]


@dataclass(frozen=True)
class Topic:
    """Somebody who is told."""

    address: Input[str]


@dataclass(frozen=True)
class Lookup:
    """How a container finds the newest features of a group."""

    name: Input[str]
    """What the server calls the group."""
    server: Input[str]
    """The address of the server that is asked."""


@dataclass(frozen=True, kw_only=True)
class TrackerRef(Ref):
    """Where a program records its runs: what it is told, and which secrets it reads for it."""

    engine: str
    """Who keeps the runs."""
    url: Input[str]
    """Where people find the runs."""
    project: Input[str]
    """What the runs are grouped under."""
    environment: Mapping[str, Input[str]] = field(default_factory=dict)
    """Variables by which the engine's own client finds it; none is secret."""
    keys: Mapping[str, SecretRef] = field(default_factory=dict)
    """Variables whose values are secrets, and where each is."""
    servers: Sequence[Input[str]] = field(default_factory=list)
    """Addresses that a program which records talks to, where it is no service of the cloud's own."""


@dataclass(frozen=True, kw_only=True)
class Workload(Generic[V]):
    """A container that runs somewhere: what it is, what it is given, and what it may do."""

    name: str
    """A short name, unique within its component."""
    compute: Compute
    """The machine of one replica."""
    image: Input[str] | None = None
    """None where the backend chooses the image, for a version of a registry."""
    command: Sequence[Input[str]] | None = None
    """The program and its arguments; None for those of the image."""
    files: Input[str] | None = None
    """Address of the files that the container finds in its folder for them; None where it has none, or where a version
    of a registry names them."""
    environment: Mapping[str, Input[str]] = field(default_factory=dict)
    """Variables of the user's."""
    features: Sequence[V] = ()
    """Views of feature groups of which it looks up the newest values."""
    secrets: Mapping[str, SecretRef] = field(default_factory=dict)
    """Secrets that it reads, by the name under which it finds each."""
    tracker: TrackerRef | None = None
    """Where it records its runs."""
    port: int = PORT
    """Where it listens."""
    health: str | None = None
    """The path that answers with 200 when the container is ready; None for the check that the backend has itself."""
    startup_minutes: int | None = None
    """How long it may take to be ready; None for the backend's own bound."""
    timeout_seconds: int = 60
    """How long an answer may take."""
    shared_memory_gb: float | None = None
    """Size of ``/dev/shm`` in GiB; None for the size that containers have."""
    isolated: bool = False
    """Whether it is cut off from every network."""
    grants: tuple[Grant, ...] = ()
    """What it may do, beside what follows from its tracker."""

    @property
    def keys(self) -> Mapping[str, SecretRef]:
        """The secrets of its tracker, by the variable that is to have the value of each."""
        return self.tracker.keys if self.tracker else {}

    @property
    def rights(self) -> tuple[Grant, ...]:
        """All that it may do."""
        return self.grants if self.tracker is None else (*self.grants, ("record", self.tracker))


def together(workloads: Iterable[Workload[V]]) -> list[Grant]:
    """Return what workloads of one identity may do, each right once."""
    found: list[Grant] = []
    for workload in workloads:
        found += [grant for grant in workload.rights if grant not in found]
    return found


def variable(prefix: str, name: str) -> str:
    """Name the variable that says something of a thing.

    >>> variable(SECRET, "hub-token")
    'MLOPS_SECRET_HUB_TOKEN'
    """
    return prefix + name.upper().replace("-", "_")


def variables(
    features: Mapping[str, Lookup],
    secrets: Mapping[str, Input[str]],
    tracker: TrackerRef | None = None,
    keys: Mapping[str, Input[str]] | None = None,
) -> dict[str, Input[str]]:
    """Name what the library tells a container.

    :param features: how each feature group is found, by the group's name.
    :param secrets: where each secret is, by its name.
    :param keys: where each secret of the tracker is, by the variable that is to have its value.
    """
    found: dict[str, Input[str]] = dict(tracker.environment) if tracker else {}
    found |= {FETCHED + name: where for name, where in (keys or {}).items()}
    found |= {variable(SECRET, name): where for name, where in secrets.items()}
    for name, lookup in features.items():
        found[variable(FEATURES, name)] = lookup.name
        found[variable(FEATURE_SERVER, name)] = lookup.server
    return found


def taken(environment: Iterable[str]) -> list[str]:
    """Return the names of a user's variables that the library sets, or may set one day."""
    return sorted(name for name in environment if name.startswith(OURS))


def twins(names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Find pairs of names that make one variable.

    >>> list(twins(["hub", "HUB", "other"]))
    [('hub', 'HUB')]
    """
    first: dict[str, str] = {}
    for name in names:
        known = first.setdefault(variable("", name), name)
        if known != name:
            yield known, name
