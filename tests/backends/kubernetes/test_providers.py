"""Which provider leads to the cluster of a platform that another stack owns."""

from dataclasses import dataclass

import pytest

import pulumi_mlops as mlops
from pulumi_mlops.backends.kubernetes import live
from pulumi_mlops.core import private
from support.facts.kubernetes import hub
from support.mocks import Cloud


@dataclass
class There:
    server: str
    uid: str | None


CLUSTERS = {
    None: There("https://here", "u-here"),
    "mine": There("https://tunnel", "u-1"),
    "far": There("https://far", None),
}


@pytest.fixture(autouse=True)
def _clusters(monkeypatch: pytest.MonkeyPatch) -> None:
    def cluster(context: str | None) -> There:
        if context not in CLUSTERS:
            raise mlops.MlopsError("no such context")
        return CLUSTERS[context]

    monkeypatch.setattr(live, "_cluster", cluster)
    live._leads.cache_clear()


@pytest.mark.parametrize(
    ("context", "uid", "server", "own", "found"),
    [
        ("owners", "u-1", "https://real", "mine", "mine"),  # by the uid, whatever the address
        ("owners", "u-here", "https://real", None, None),
        ("mine", "u-1", "https://real", None, "mine"),  # a context of the owner's name
        ("owners", "u-9", "https://far", "far", "far"),  # this program may not read the uid
    ],
)
def test_the_context_that_leads_to_the_cluster(
    context: str, uid: str, server: str, own: str | None, found: str | None
) -> None:
    assert live._leads("hub", context, uid, server, own) == found


@pytest.mark.parametrize("own", [None, "mine"])
def test_another_cluster_is_refused(own: str | None) -> None:
    """Also one that is reached by the same address: two tunnels may share it."""
    with pytest.raises(mlops.InvalidArgs, match=r"is in the cluster at https://tunnel, .* kubernetes:context NAME"):
        live._leads("hub", "owners", "u-9", "https://tunnel", own)


def test_a_platform_of_another_stack_brings_one_provider() -> None:
    cloud = Cloud()

    def program() -> None:
        mlops.ModelRegistry("one", platform=hub())
        mlops.ModelRegistry("two", platform=hub())

    cloud.run(program)
    (made,) = [item for item in cloud.registered if item.type == "pulumi:providers:kubernetes"]
    assert made.name == f"{hub().name}-{hub().stage}-cluster"
    children = [item for item in cloud.registered if item.type.startswith("kubernetes:")]
    assert children
    assert {item.provider.split("::")[-2] for item in children} == {made.name}


def test_what_is_made_once_is_made_anew_in_the_next_run() -> None:
    made: list[int] = []

    def program() -> None:
        for _ in range(2):
            private.once("key", lambda: made.append(1))

    Cloud().run(program)
    Cloud().run(program)
    assert len(made) == 2
