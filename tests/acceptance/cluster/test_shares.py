"""Traffic that is shared on containers that run: a shadow gets copies, and variants get their weights."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pulumi_mlops.backends.kubernetes import objects
from pulumi_mlops.backends.kubernetes.health import VARIANT
from pulumi_mlops.components.endpoint import SHADOW
from pulumi_mlops_sandbox.environment import Sandbox
from pulumi_mlops_sandbox.kubernetes.load import Load, error
from support.e2e.inside import Cluster
from support.e2e.outside import shown, succeeded
from support.e2e.released import Released, released
from support.e2e.served import answers, counted

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(1800)]

SPACE = "bowl-dev"
SHADOW_PERCENT, WEIGHTS = 50, {"red": 3, "blue": 1}


@pytest.fixture(scope="module")
def bowl(real: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Released]:
    with released(real, tmp_path_factory.mktemp("bowl"), "bowl") as made:
        yield made


@pytest.fixture(scope="module")
def load(bowl: Released, cluster: Cluster, figures: list[str]) -> Iterator[Load]:
    with Load(*answers(bowl.stack, cluster)) as running:
        yield running
    figures += running.lines()


def test_a_shadow_gets_its_share_and_its_answers_go_nowhere(
    bowl: Released, load: Load, kubeconfig: Path, figures: list[str]
) -> None:
    with load.phase("all at once, with a shadow") as seen:
        succeeded(bowl.up(2, shadow={"model": {"image": objects.PYTHON}, "percent": SHADOW_PERCENT}))
    assert seen.failed == []
    before = counted(kubeconfig, SPACE, f"{VARIANT}={SHADOW}")
    with load.phase("shadow") as shadowed:
        load.keep_up(80)
    copied, count = counted(kubeconfig, SPACE, f"{VARIANT}={SHADOW}") - before, len(shadowed.answers)
    figures.append(f"of {count} requests {copied} were copied to the shadow, at {SHADOW_PERCENT} per cent")
    assert shadowed.failed == []
    assert set(shadowed.versions) == {"2"}
    assert shadowed.pods("score-shadow-") == [], "its answers go nowhere"
    assert abs(copied / count - SHADOW_PERCENT / 100) < error(SHADOW_PERCENT / 100, count)


def test_variants_get_their_weights(bowl: Released, load: Load, figures: list[str]) -> None:
    variants = [
        {"name": name, "weight": weight, "model": {"image": objects.PYTHON}} for name, weight in WEIGHTS.items()
    ]
    with load.phase("to variants, all at once") as seen:
        succeeded(bowl.up(3, model=None, variants=variants))
    assert seen.failed == []
    with load.phase("variants") as mixed:
        load.keep_up(80)
    count, weights = len(mixed.answers), sum(WEIGHTS.values())
    found = {name: len(mixed.pods(f"score-{name}-")) for name in WEIGHTS}
    figures.append(f"of {count} requests each variant got {found}, by weights {WEIGHTS}")
    assert mixed.failed == []
    assert set(mixed.versions) == {"3"}
    for name, weight in WEIGHTS.items():
        assert abs(found[name] / count - weight / weights) < error(weight / weights, count)


def test_the_next_up_changes_nothing(bowl: Released) -> None:
    assert shown(bowl.stack.up()) == []
    assert shown(bowl.stack.refresh()) == []
