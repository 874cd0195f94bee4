"""What a container is given: the same names on every backend, and none that a user can take."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

import pulumi_mlops as mlops
from pulumi_mlops import InvalidArgs
from pulumi_mlops.backends.aws import workload as aws
from pulumi_mlops.backends.azure import workload as azure
from pulumi_mlops.backends.kubernetes import runtime
from pulumi_mlops.backends.kubernetes import workload as kubernetes
from pulumi_mlops.core.compute import Compute
from pulumi_mlops.core.workload import Workload
from pulumi_mlops.jobs import start
from support.changes.common import CLEARML, hidden
from support.conformance.programs import SECRET, endpoint, group, platform, store
from support.conformance.running import having, run
from support.conformance.words import WORDS, Words
from support.mocks import Cloud

if TYPE_CHECKING:
    from pulumi_mlops.components.feature_group import FeatureView

every_backend = pytest.mark.parametrize("backend", having("endpoint.secrets"))
GIVEN = {"LOG_LEVEL", "MLOPS_SECRET_HUB_TOKEN"}
OF_FEATURES = {"MLOPS_FEATURES_PROFILE", "MLOPS_FEATURE_SERVER_PROFILE"}
OF_THE_CLOUD = {"azure": {"AZURE_CLIENT_ID"}}
"""What the libraries of a cloud look for; docs/workload.md lists them."""


def everything(words: Words) -> mlops.Endpoint:
    hub = platform(words, secrets={"hub-token": SECRET})
    reads = words.backend in having("endpoint.reads")
    return endpoint(
        words,
        hub,
        reads=[group(words, store(words, hub), online={}).online] if reads else [],
        secrets={"hub_token": hub.secret("hub-token")},
        environment={"LOG_LEVEL": "debug"},
    )


def environments(value: Any) -> Iterator[dict[str, str]]:
    """Find the variables of containers, as each backend writes them."""
    if isinstance(value, dict):
        for key in ("environment", "environmentVariables"):
            if isinstance(value.get(key), dict):
                yield value[key]
        if isinstance(value.get("env"), list):
            yield {one["name"]: one["value"] for one in value["env"] if "value" in one}
        for item in value.values():
            yield from environments(item)
    elif isinstance(value, list):
        for item in value:
            yield from environments(item)


@every_backend
def test_a_container_finds_the_same_names_on_every_backend(backend: str) -> None:
    done = run(everything, backend)
    assert done.error is None
    found = [one for item in done.children for one in environments(item.inputs) if "LOG_LEVEL" in one]
    features = OF_FEATURES if backend in having("endpoint.reads") else set()
    assert [set(one) for one in found] == [GIVEN | features | OF_THE_CLOUD.get(backend, set())]
    assert all(found[0].values())
    assert SECRET not in str(found)


def recording(words: Words) -> tuple[dict[str, Any], list[Any], tuple[Any, ...]]:
    """Render a workload that records in an engine; return its variables, its mounts and what it may do."""
    hub = platform(words, secrets={"hub-token": SECRET})
    runs = mlops.ExperimentTracker("runs", platform=hub, **hidden({"clearml": CLEARML}))
    made: Workload[FeatureView] = Workload(
        name="fit", compute=Compute(), secrets={"hub_token": hub.secret("hub-token")}, tracker=runs.ref
    )
    if words.backend == "kubernetes":
        listed = kubernetes.environment(made, runtime.OWN, "fit")
        return {one["name"]: one["value"] for one in listed}, kubernetes.volumes(made), made.rights
    found = aws.environment(made) if words.backend == "aws" else azure.environment(made, "client")
    return found, [], made.rights


@every_backend
def test_who_records_is_told_of_the_tracker_and_of_no_key(backend: str) -> None:
    cloud, words = Cloud(), WORDS[backend]
    verbs: list[str] = []

    def program() -> list[Any]:
        told, volumes, rights = recording(words)
        verbs.extend(verb for verb, _ in rights)
        return [told, volumes]

    set_up = {key.replace(":", "__"): value for key, value in words.settings.items()}
    told, volumes = cloud.run(program, **set_up)
    keys = {name: told.pop(f"MLOPS_ENV_{name}") for name in ("CLEARML_API_ACCESS_KEY", "CLEARML_API_SECRET_KEY")}
    assert told.pop("CLEARML_API_HOST") == CLEARML["api"]
    assert told.pop("CLEARML_PROJECT") == "churn"
    assert not [name for name in told if name.startswith("MLOPS_ENV_")]
    forms = {
        "aws": "arn:aws:secretsmanager:",
        "azure": "https://",
        "kubernetes": f"file://{runtime.SECRETS}/env/CLEARML_API_",
    }
    assert all(value.startswith(forms[backend]) for value in keys.values()), keys
    assert len(set(keys.values())) == 2
    # The mocks of AWS name a secret in a way of their own.
    assert backend == "aws" or all(map(start.known, keys.values())), "what the library writes, its own program reads"
    assert verbs == ["record"]
    if backend == "kubernetes":
        paths = [item["path"] for one in volumes[-1]["projected"]["sources"] for item in one["secret"]["items"]]
        assert paths == ["hub_token", "env/CLEARML_API_ACCESS_KEY", "env/CLEARML_API_SECRET_KEY"]


@every_backend
@pytest.mark.parametrize("name", ["MLOPS_SECRET_HUB_TOKEN", "MLOPS_FEATURES_PROFILE", "MLOPS_ANYTHING"])
def test_a_name_of_the_library_is_refused(backend: str, name: str) -> None:
    refused = run(lambda words: endpoint(words, environment={name: "mine"}), backend)
    assert isinstance(refused.error, InvalidArgs)
    assert f"environment: '{name}': variables that begin with MLOPS_ are set by the library" in str(refused.error)
    assert not [item for item in refused.components if item.name == "score"]


@every_backend
def test_two_secrets_of_one_variable_are_refused(backend: str) -> None:
    def program(words: Words) -> mlops.Endpoint:
        hub = platform(words, secrets={"hub-token": SECRET})
        return endpoint(words, hub, secrets={name: hub.secret("hub-token") for name in ("hub", "HUB")})

    assert "'hub' and 'HUB' make one variable, MLOPS_SECRET_HUB" in str(run(program, backend).error)


@every_backend
def test_a_secret_of_another_backend_is_refused(backend: str) -> None:
    other = next(name for name in having("endpoint.secrets") if name != backend)

    def program(words: Words) -> mlops.Endpoint:
        return endpoint(words, secrets={"hub": mlops.SecretRef.existing("somewhere", backend=other)})

    assert f"secrets: 'hub' is a secret of backend {other!r}, and the platform is on {backend!r}" in str(
        run(program, backend).error
    )
