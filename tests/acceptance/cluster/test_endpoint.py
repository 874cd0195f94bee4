"""An endpoint on containers that run: it answers through the gateway, has its secrets, and goes without a trace."""

import hashlib
from collections.abc import Iterator

import pytest

from pulumi_mlops.backends.kubernetes import objects
from pulumi_mlops_sandbox.environment import Sandbox
from pulumi_mlops_sandbox.kubernetes.gateways import ask
from pulumi_mlops_sandbox.stack import Stack
from support.e2e.inside import Cluster
from support.e2e.kept import kept
from support.e2e.outside import shown, succeeded
from support.e2e.real import nothing_is_left, project
from support.e2e.served import SERVER, answers
from support.waiting import until

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(1800)]

SPACE = "shop-dev"
PROGRAM = f"""
import pulumi
import pulumi_mlops as mlops

platform = mlops.Platform(
    "shop",
    backend="kubernetes",
    stage="dev",
    secrets={{"token": "geheim"}},
    existing={{"gateway": {{"name": "gateways/public", "domain": "ml.example.com", "tls": False}}}},
)
score = mlops.Endpoint(
    "score",
    platform=platform,
    model={{"image": {objects.PYTHON!r}}},
    serve={{"command": ["python", "-c", {SERVER!r}], "health": "/health"}},
    compute={{"cpus": 1, "memory_gb": 0.25}},
    scaling={{"min": 1, "max": 1}},
    secrets={{"TOKEN": platform.secret("token")}},
    capture_percent=100,
)
pulumi.export("url", score.url)
"""
SECRET = hashlib.sha256(b"geheim").hexdigest()


@pytest.fixture(scope="module")
def shop(real: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    stack = project(real, tmp_path_factory.mktemp("shop"), "shop", PROGRAM)
    try:
        succeeded(stack.up())
        yield stack
    finally:
        succeeded(stack.destroy())


@pytest.fixture(scope="module")
def asked(shop: Stack, cluster: Cluster) -> tuple[str, str]:
    """Say where the endpoint answers, and by which URL."""
    return answers(shop, cluster)


def test_it_answers_through_the_gateway(asked: tuple[str, str]) -> None:
    for number in range(100):
        status, said = ask(*asked, {"n": number})
        assert (status, said["given"]) == (200, {"n": number})


def test_a_secret_arrives_as_a_file(asked: tuple[str, str]) -> None:
    _, said = ask(*asked, {})
    assert said["token"] == SECRET
    assert not any(name.startswith("AWS_") for name in said["all"]), "the model has no login of the store"


def test_what_is_asked_and_answered_is_kept(asked: tuple[str, str], cluster: Cluster) -> None:
    """KServe's agent writes some requests and answers to a file, within seconds, each with the body as base64."""
    marks = {f"kept-{number}" for number in range(5)}
    with kept(cluster, SPACE, "shop") as store:
        before = set(store.keys("captured/score/"))
        for mark in marks:
            assert ask(*asked, {"mark": mark})[0] == 200

        def both() -> bool:
            requests, answers = store.captured("score", before)
            told = [body.get("mark") for body in requests], [body["given"].get("mark") for body in answers]
            return all(marks <= set(one) for one in told)

        until(both, "each request and each answer is in the store")


def test_a_second_up_changes_nothing(shop: Stack) -> None:
    assert shown(shop.up()) == []
    assert shown(shop.refresh()) == []


def test_destroy_leaves_nothing(shop: Stack, cluster: Cluster) -> None:
    succeeded(shop.destroy())
    nothing_is_left(cluster, SPACE)
