"""What a container is given: the same names on every backend, and none that a user can take."""

from collections.abc import Iterator
from typing import Any

import pytest

import pulumi_mlops as mlops
from pulumi_mlops import InvalidArgs
from support.conformance.programs import SECRET, endpoint, group, platform, store
from support.conformance.running import having, run
from support.conformance.words import Words

every_backend = pytest.mark.parametrize("backend", having("endpoint.reads", "endpoint.secrets"))
GIVEN = {
    "LOG_LEVEL",
    "MLOPS_FEATURES_PROFILE",
    "MLOPS_FEATURE_SERVER_PROFILE",
    "MLOPS_SECRET_HUB_TOKEN",
}


def everything(words: Words) -> mlops.Endpoint:
    hub = platform(words, secrets={"hub-token": SECRET})
    profile = group(words, store(words, hub), online={})
    return endpoint(
        words,
        hub,
        reads=[profile.online],
        secrets={"hub_token": hub.secret("hub-token")},
        environment={"LOG_LEVEL": "debug"},
    )


def environments(value: Any) -> Iterator[dict[str, str]]:
    """Find the variables of containers, as one backend or the other writes them."""
    if isinstance(value, dict):
        if isinstance(value.get("environment"), dict):
            yield value["environment"]
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
    assert [set(one) for one in found] == [GIVEN]
    assert all(found[0].values())
    assert SECRET not in str(found)


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
