"""What is loaded, and when: no cloud before a platform names one, and of a cloud's SDK only what a program declares."""

import json
import subprocess
import sys
import textwrap

import pytest

from pulumi_mlops.core import registry

SDKS = sorted({package for entry in registry.backends().values() for package in entry.packages})

PLATFORM = """
import asyncio, json, sys, types

from pulumi.runtime import mocks, set_all_config
from pulumi.runtime.stack import run_pulumi_func

backend, package, arguments = sys.argv[1:]
used = set()


class Cloud(mocks.Mocks):
    def call(self, args):
        used.add(args.token)
        return {"tenantId": "t", "accountId": "111122223333", "region": "us-east-1", "partition": "aws"}, []

    def new_resource(self, args):
        used.add(args.typ)
        told = {"name": args.name, "arn": f"arn:aws:x:us-east-1:111122223333:{args.name}", "result": "r", **args.inputs}
        if args.typ.startswith("azure-native:") and "identity" in told:
            told["identity"] = {**told["identity"], "userAssignedIdentities": {}}
        return f"/subscriptions/s/resourceGroups/g/providers/Microsoft.X/xs/{args.name}", told


def declare():
    import pulumi_mlops

    pulumi_mlops.Platform("churn", backend=backend, **json.loads(arguments))


loop = asyncio.new_event_loop()
asyncio.set_event_loop(loop)
set_all_config({"aws:region": "us-east-1", "azure-native:location": "westeurope", "azure-native:subscriptionId": "s"})
mocks.set_mocks(Cloud())
loop.run_until_complete(run_pulumi_func(declare))
# A module that was only named is still an object of its own, which loads it when something in it is asked for.
loaded = {
    name.split(".")[1]
    for name, module in list(sys.modules.items())
    if name.startswith(f"{package}.") and type(module) is types.ModuleType and hasattr(module, "__path__")
}
print(json.dumps([sorted(loaded), sorted(token.split(":")[1].split("/")[0] for token in used)]))
"""


def run(program: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", textwrap.dedent(program), *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_no_noun_loads_a_cloud() -> None:
    """The package's own import is tried in tests/components/test_layers.py."""
    program = f"""
        import sys, pulumi_mlops
        for name in pulumi_mlops.__all__:
            getattr(pulumi_mlops, name)
        assert "pydantic" in sys.modules
        print([name for name in {[*SDKS, "botocore", "azure.core", "azure.identity"]} if name in sys.modules])
    """
    assert run(program).strip() == "[]"


@pytest.mark.parametrize(("backend", "package"), [("aws", "pulumi_aws"), ("azure", "pulumi_azure_native")])
def test_a_platform_loads_no_service_of_its_cloud_but_those_that_it_uses(backend: str, package: str) -> None:
    arguments = {"alerts": ["ml@example.com"], "images": ["churn"], "monthly_budget": 100}
    loaded, used = json.loads(run(PLATFORM, backend, package, json.dumps(arguments)).splitlines()[-1])
    assert len(loaded) > 5
    assert set(loaded) <= set(used)


@pytest.mark.parametrize(("backend", "package"), [("aws", "pulumi_aws"), ("azure", "pulumi_azure_native")])
def test_a_client_starts_a_run_without_the_sdk_that_declares(backend: str, package: str) -> None:
    program = f"""
        import sys
        from pulumi_mlops.clients import backend
        assert backend.load({backend!r})
        print({package!r} in sys.modules)
    """
    assert run(program).strip() == "False"
