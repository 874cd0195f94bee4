"""Every kind of resource that the library makes on a cloud is metered or free, and what of it has no price is named."""

import ast
import importlib
import json
import warnings
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pulumi
import pytest

from pulumi_mlops import backends
from pulumi_mlops.policies import Resource, Stack, resource
from pulumi_mlops.policies.costs import assumed, unpriced
from pulumi_mlops.policies.costs.meters import ROWS, metered
from pulumi_mlops.policies.costs.meters.free import FREE
from pulumi_mlops.policies.costs.prices import Prices, Wanted, shipped
from pulumi_mlops.policies.costs.spans import text
from pulumi_mlops.policies.costs.uses import Metered, Use
from pulumi_mlops.policies.resources import canonical

FOLDER = Path(backends.__file__).parent
DOCS = Path(__file__).parents[2] / "docs" / "cost.md"
SDKS = {"aws": "pulumi_aws", "azure": "pulumi_azure_native"}
PLACES = {"aws": {"region": "us-east-1"}, "azure": {"location": "westeurope"}}


def _aliases(tree: ast.Module, sdk: str) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((each.asname or each.name, each.name) for each in node.names if each.name == sdk)
        elif isinstance(node, ast.ImportFrom) and node.module == sdk:
            yield from ((each.asname or each.name, f"{sdk}.{each.name}") for each in node.names)


def _kinds(path: Path, sdk: str) -> Iterator[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    aliases = dict(_aliases(tree, sdk))
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg == "type_name" and isinstance(node.value, ast.Constant):
            _, service, kind = str(node.value.value).split("::")
            yield f"aws:{service.lower()}:{kind}"
        if not isinstance(node, ast.Attribute):
            continue
        names, base = [node.attr], node.value
        while isinstance(base, ast.Attribute):
            names.insert(0, base.attr)
            base = base.value
        if not isinstance(base, ast.Name) or base.id not in aliases or not names[-1][0].isupper():
            continue
        if any(name[0].isupper() for name in names[:-1]):
            continue  # a member of an enumeration
        with warnings.catch_warnings(action="ignore"):  # modules of the providers tell of kinds that have moved
            module = importlib.import_module(".".join([aliases[base.id], *names[:-1]]))
            made = getattr(module, names[-1], None)
        if isinstance(made, type) and issubclass(made, pulumi.CustomResource):
            yield canonical(str(made.pulumi_type))  # type: ignore[attr-defined]


@cache
def kinds(cloud: str) -> set[str]:
    found = {kind for path in (FOLDER / cloud).rglob("*.py") for kind in _kinds(path, SDKS[cloud])}
    return {kind for kind in found if not kind.startswith("pulumi:")} - {"aws:cloudcontrol:Resource"}


def made(kind: str, **props: Any) -> Resource:
    cloud = "aws" if kind.startswith("aws:") else "azure"
    return resource(kind, "one", {**props, **(PLACES[cloud] if cloud == "azure" else {})}, provider=PLACES[cloud])


ML = "azure-native:machinelearningservices"
VARIANT = {"variantName": "main", "instanceType": "ml.m5.xlarge", "initialInstanceCount": 1, "volumeSizeInGb": 30}
SERVERLESS = {"variantName": "small", "serverlessConfig": {"memorySizeInMb": 2048, "provisionedConcurrency": 1}}
NODES = {
    "computeType": "AmlCompute",
    "properties": {"vmSize": "Standard_D4as_v4", "scaleSettings": {"maxNodeCount": 2}},
}
REGION = {
    "location": "westeurope",
    "acrDetails": [{"systemCreatedAcrAccount": {"acrAccountSku": "Premium"}}],
    "storageAccountDetails": [{"systemCreatedStorageAccount": {"storageAccountType": "Standard_LRS"}}],
}
STEP = {"Name": "fit", "Type": "Training", "Arguments": {"ResourceConfig": {"InstanceType": "ml.m5.xlarge"}}}
TEMPLATE = {"resources": [{"type": "Microsoft.MachineLearningServices/workspaces/onlineEndpoints"}]}
GROUPS = [{"instanceGroupName": "gpus", "instanceType": "ml.g5.xlarge", "instanceCount": 1}]
CLUSTER = {"clusterConfig": {"instanceType": "ml.m5.xlarge", "instanceCount": 1}}
PROPERTIES: dict[str, list[dict[str, Any]]] = {
    "aws:ec2:VpcEndpoint": [{"vpcEndpointType": "Interface", "subnetIds": ["a", "b"]}],
    "aws:kms:Key": [{"enableKeyRotation": True}, {}],
    "aws:sagemaker:Cluster": [{"instanceGroups": GROUPS}],
    "aws:sagemaker:DataQualityJobDefinition": [{"jobResources": CLUSTER}],
    "aws:sagemaker:Endpoint": [{"endpointConfigName": "one"}],
    "aws:sagemaker:FeatureGroup": [{"onlineStoreConfig": {"enableOnlineStore": True}}],
    "aws:sagemaker:Pipeline": [{"pipelineDefinition": json.dumps({"Steps": [STEP]})}],
    "azure-native:containerregistry:Registry": [{"sku": {"name": each}} for each in ("Basic", "Standard", "Premium")],
    f"{ML}:Compute": [{"properties": NODES}],
    f"{ML}:OnlineDeployment": [{"sku": {"capacity": 1}, "properties": {"instanceType": "Standard_DS3_v2"}}],
    f"{ML}:Registry": [{"regionDetails": [REGION]}],
    f"{ML}:Workspace": [{"kind": "FeatureStore", "managedNetwork": {"isolationMode": "AllowOnlyApprovedOutbound"}}],
    "azure-native:resources:Deployment": [{"properties": {"template": TEMPLATE}}],
    "azure-native:storage:StorageAccount": [
        {"sku": {"name": "Standard_LRS"}},
        {"sku": {"name": "Standard_ZRS"}},
        {"sku": {"name": "Standard_LRS"}, "isHnsEnabled": True},
    ],
    "azure-native:monitor:MetricAlert": [{"location": "global"}],
    "azure-native:privatedns:PrivateZone": [{"location": "global"}],
}
"""What a kind needs to be read, as the library makes it; the others need nothing."""


def uses(cloud: str) -> list[Metered]:
    beside = [made("aws:sagemaker:EndpointConfiguration", name="one", productionVariants=[VARIANT, SERVERLESS])]
    found: list[Metered] = []
    for kind in sorted(kinds(cloud) & set(ROWS)):
        for props in PROPERTIES.get(kind, [{}]):
            one = resource(kind, "one", {**PLACES[cloud], **props}, provider=PLACES[cloud])
            found += [each for each in metered(Stack([one, *beside])) if each.urn == one.urn]
    return found


@pytest.fixture(scope="module")
def seen() -> dict[str, list[Metered]]:
    return {cloud: uses(cloud) for cloud in SDKS}


def price(one: Metered, use: Use) -> bool:
    wanted = Wanted(one.cloud, use.service, use.component, use.sku, one.region, use.unit)
    return Prices(shipped()).find(wanted) is not None


@pytest.mark.parametrize("cloud", SDKS)
def test_each_kind_that_the_library_makes_is_metered_or_free(cloud: str) -> None:
    found = kinds(cloud)
    assert len(found) > 50
    assert found - set(ROWS) - set(FREE) == set()


@pytest.mark.parametrize("cloud", SDKS)
def test_each_part_of_what_is_metered_can_be_read_and_has_a_price_or_is_named(
    cloud: str, seen: dict[str, list[Metered]]
) -> None:
    assert [one.type for one in seen[cloud] if one.use is None] == []
    parts = [(one, one.use) for one in seen[cloud] if one.use]
    missing = {(one.type, use.component, use.sku) for one, use in parts if not price(one, use)}
    named = {(one.type, use.component, use.sku) for one, use in parts if unpriced.reason(cloud, use)}
    assert missing == named


@pytest.mark.parametrize("cloud", SDKS)
def test_each_use_that_no_program_tells_is_assumed_or_named(cloud: str, seen: dict[str, list[Metered]]) -> None:
    open_ends = [one.use for one in seen[cloud] if one.use and one.use.amount is None]
    left = {use.component for use in open_ends if assumed.filled(use).amount is None}
    assert left == {"aws": {"mlflow-app", "serverless"}, "azure": {"runs"}}[cloud]
    assert all(unpriced.reason(cloud, use) for use in open_ends if use.component in left)


def test_what_is_free_says_why_and_what_is_named_is_needed(seen: dict[str, list[Metered]]) -> None:
    assert all(len(reason) > len("free") for reason in FREE.values())
    rows = {unpriced.reason(one.cloud, one.use) for found in seen.values() for one in found if one.use}
    assert {row.reason for row in unpriced.ROWS} <= rows


def test_what_is_assumed_rises_and_says_so() -> None:
    for (service, component), (amount, what) in assumed.ROWS.items():
        assert 0 <= amount.low <= amount.expected <= amount.high, (service, component)
        assert amount.high
        assert what
        figures = " | ".join(text(each) for each in (amount.low, amount.expected, amount.high))
        assert f"| {service} | {component} | {figures} | {what} |" in DOCS.read_text(encoding="utf-8")
    one = Use("s3", "storage", "gb-month", times=None)
    (said,) = assumed.filled(one).assumed
    assert said.startswith("s3 storage, not declared: 10 to 500 (50) gigabytes")


def test_a_template_that_makes_more_than_an_endpoint_is_not_taken_for_free() -> None:
    template = {"resources": [*TEMPLATE["resources"], {"type": "Microsoft.Compute/virtualMachines"}]}
    (one,) = metered(Stack([made("azure-native:resources:Deployment", properties={"template": template})]))
    assert one.use is None


def test_what_applications_send_to_a_workspace_is_paid_for_once() -> None:
    token = "azure-native:applicationinsights:Component"
    assert metered(Stack([made(token, ingestionMode="LogAnalytics")])) == []
    assert metered(Stack([made(token, workspaceResourceId="/logs")])) == []
    (alone,) = metered(Stack([made(token)]))
    assert alone.use
    assert alone.use.component == "data"


def test_an_alarm_is_paid_for_by_what_it_looks_at() -> None:
    measured = [{"id": name, "metric": {"metricName": name}} for name in ("a", "b")]
    queries = [{"id": "e1", "expression": "a / b"}, *measured]
    (one,) = metered(Stack([made("aws:cloudwatch:MetricAlarm", metricQueries=queries)]))
    assert one.use
    assert one.use.amount
    assert one.use.amount.expected == 2


def test_a_schedule_runs_on_the_computes_of_its_stack() -> None:
    schedule = made(f"{ML}:Schedule", properties={"action": {"actionType": "CreateJob"}})
    compute = made(f"{ML}:Compute", properties=NODES)
    assert [each.type for each in metered(Stack([schedule]))] == [schedule.type]
    assert {each.type for each in metered(Stack([schedule, compute]))} == {compute.type}
    watching = made(f"{ML}:Schedule", properties={"action": {"actionType": "CreateMonitor"}})
    assert watching.type in {each.type for each in metered(Stack([watching, compute]))}
