"""Steps of the library's own: their programs are delivered on every backend, and nothing of others is."""

from collections.abc import Mapping
from types import ModuleType
from typing import Any

import pytest

import pulumi_mlops as mlops
from support.facts import aws, azure, kubernetes
from support.mocks import Cloud
from support.own_steps import delivered, own

FACTS: Mapping[str, ModuleType] = {"aws": aws, "azure": azure, "kubernetes": kubernetes}
BACKENDS = pytest.mark.parametrize("backend", FACTS)
IMAGE = "registry.example.com/own:1"


def built(cloud: Cloud, backend: str, steps: Mapping[str, mlops.Step]) -> None:
    facts = FACTS[backend]
    settings: dict[str, Any] = getattr(facts, "SETTINGS", {})
    cloud.run(lambda: mlops.Pipeline("watch", platform=facts.HUB, steps=dict(steps)) and None, **settings)


@BACKENDS
def test_programs_of_a_step_are_beside_the_one_that_begins_it(backend: str) -> None:
    plain, cloud = Cloud(), Cloud()
    built(plain, backend, {"fit": mlops.train(image=IMAGE, command=["fit"])})
    built(cloud, backend, {"fit": mlops.train(image=IMAGE, command=["fit"]), "own": own(IMAGE)})
    assert "step.py" in delivered(plain)
    assert delivered(cloud) - delivered(plain) == {"suggest.py"}
