"""Machines said without a cloud's word."""

from typing import Any

import pytest

from pulumi_mlops import Endpoint
from pulumi_mlops.components.endpoint import EndpointSpec
from pulumi_mlops.core.compute import Compute
from pulumi_mlops.core.errors import InvalidArgs, Unsupported
from pulumi_mlops.core.inputs import needs, parse
from support.facts.aws import HUB
from support.mocks import Cloud

FILES = {"image": "repo:1"}
GPU = {"memory_gb": 4, "accelerator": "A10G:1"}


@pytest.mark.parametrize(
    "args",
    [
        {},
        {"cpus": 4, "memory_gb": 8},
        {"memory_gb": 0.5},
        {"accelerator": "A10G:1"},
        {"pin": {"aws": "ml.p5.48xlarge"}},
    ],
)
def test_good(args: dict[str, Any]) -> None:
    assert parse(Compute, "Compute", "x", args).model_dump(exclude_unset=True) == args


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ({"cpus": 0}, "cpus: must be above 0"),
        ({"cpus": "2"}, "cpus: needs a number; this is of type str"),
        ({"memory_gb": 0}, "memory_gb: must be above 0"),
        ({"accelerator": "A10G"}, "accelerator: 'A10G' must be 'model:count', such as 'A10G:1'"),
        ({"accelerator": "A10G:0"}, "accelerator: 'A10G:0' must be"),
        ({"gpu": 1}, "gpu: is not an argument here"),
    ],
)
def test_bad(args: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidArgs) as caught:
        parse(Compute, "Compute", "x", args)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    "args",
    [
        {"model": FILES, "compute": GPU},
        {"variants": [{"name": "a", "model": FILES, "compute": GPU}]},
        {"model": FILES, "shadow": {"model": FILES, "compute": GPU}},
    ],
)
def test_every_machine_of_an_endpoint_is_asked_for_its_accelerator(args: dict[str, Any]) -> None:
    assert "accelerator" in set(needs(EndpointSpec, vars(EndpointSpec.model_validate({"platform": HUB, **args}))))
    serverless = {**args, "platform": HUB, "mode": {"serverless": {}}, "isolated": False}
    with pytest.raises(Unsupported, match=r"accelerator with endpoint\.serverless"):
        Cloud().run(lambda: Endpoint("score", **serverless))
