"""What a month costs: how resources are read, what is counted, and what is only named."""

import datetime as dt
import json
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pulumi_mlops.policies import UNKNOWN, Judge, Resource, Settings, Stack, resource
from pulumi_mlops.policies.catalogue import BY_ID
from pulumi_mlops.policies.costs.estimate import Estimate, Line, difference, estimate, tables
from pulumi_mlops.policies.costs.meters import ROWS, metered
from pulumi_mlops.policies.costs.meters.free import FREE
from pulumi_mlops.policies.costs.meters.reading import quantity
from pulumi_mlops.policies.costs.prices import Prices, shipped
from pulumi_mlops.policies.costs.report import WRITERS, Costs
from pulumi_mlops.policies.costs.spans import Span
from pulumi_mlops.policies.costs.state import exported
from pulumi_mlops.policies.costs.told import CostSettings
from pulumi_mlops.policies.costs.uses import Metered
from support.policies import SETTINGS

TODAY = dt.date(2026, 11, 30)
EAST, WEST = {"region": "us-east-1"}, {"region": "eu-west-1"}
SAGEMAKER = "aws:sagemaker"
EMPTY = Estimate(())


def made(token: str, name: str, /, provider: Mapping[str, Any] | None = None, **props: Any) -> Resource:
    return resource(token, name, props, provider=EAST if provider is None else provider)


def told(*resources: Resource, **settings: Any) -> Estimate:
    cost = CostSettings.model_validate(settings)
    prices = Prices(shipped(), as_in=cost.as_in)
    return estimate(metered(Stack(resources)), prices, cost.usage, TODAY, assume="assume" in settings and cost.assume)


def configuration(**variant: Any) -> Resource:
    given = {"variantName": "main", "instanceType": "ml.m5.xlarge", "initialInstanceCount": 2, **variant}
    token = f"{SAGEMAKER}/endpointConfiguration:EndpointConfiguration"
    return made(token, "configuration", name="configuration", productionVariants=[given])


ENDPOINT = made(f"{SAGEMAKER}/endpoint:Endpoint", "score", name="score", endpointConfigName="configuration")


def one(found: Estimate, component: str = "", **of: str) -> Line:
    lines = [each for each in found.lines if not component or (each.use and each.use.component == component)]
    (line,) = [each for each in lines if all(getattr(each.of, key) == value for key, value in of.items())]
    return line


def test_an_endpoint_costs_its_instances_for_every_hour() -> None:
    line = one(told(ENDPOINT, configuration()), "hosting")
    assert line.of.name == "score"
    assert line.month == Span.of("335.80")
    assert line.use
    assert line.use.amount == Span.of(1460)


def scaling(low: int, high: int, to: Any = "endpoint/score/variant/main", **depends: Any) -> Resource:
    props = {"resourceId": to, "minCapacity": low, "maxCapacity": high}
    return resource("aws:appautoscaling/target:Target", "scaling", props, provider=EAST, depends=depends)


def test_what_scales_costs_between_its_bounds() -> None:
    line = one(told(ENDPOINT, configuration(), scaling(1, 6)), "hosting")
    assert line.month == Span.of("167.90", "335.80", "1007.40")
    assert line.use
    assert line.use.assumed == ("it scales; expected is what it begins with",)
    managed = {"managedInstanceScaling": {"minInstanceCount": 0, "maxInstanceCount": 1}}
    assert one(told(ENDPOINT, configuration(**managed)), "hosting").month == Span.of(0, "167.90", "167.90")


def test_what_scales_another_endpoint_or_variant_is_no_matter() -> None:
    others = [scaling(1, 6, "endpoint/other/variant/main"), scaling(1, 6, "endpoint/score/variant/next")]
    assert one(told(ENDPOINT, configuration(), *others), "hosting").month == Span.of("335.80")


def test_in_a_preview_the_engine_knows_what_scales_what() -> None:
    unnamed = resource(
        f"{SAGEMAKER}/endpoint:Endpoint",
        "score",
        {"endpointConfigName": UNKNOWN},
        provider=EAST,
        depends={"endpointConfigName": [configuration().urn]},
    )
    by_urn = scaling(1, 6, UNKNOWN, resourceId=[unnamed.urn])
    assert one(told(unnamed, configuration(), by_urn), "hosting").month == Span.of("167.90", "335.80", "1007.40")


def test_an_endpoint_of_cloud_control_is_one() -> None:
    state = json.dumps({"EndpointName": "score", "EndpointConfigName": "configuration"})
    native = made(
        "aws:cloudcontrol/resource:Resource", "score", typeName="AWS::SageMaker::Endpoint", desiredState=state
    )
    assert one(told(native, configuration()), "hosting").month == Span.of("335.80")


def test_an_endpoint_of_which_only_the_engine_knows_the_configuration_is_one() -> None:
    token = "aws:cloudcontrol/resource:Resource"
    props = {"typeName": "AWS::SageMaker::Endpoint", "desiredState": UNKNOWN}
    by_urn = {"desiredState": [configuration().urn]}
    native = resource(token, "score", props, provider=EAST, depends=by_urn)
    assert one(told(native, configuration()), "hosting").month == Span.of("335.80")


def test_a_value_that_is_not_known_yet_is_decided_at_update() -> None:
    found = told(ENDPOINT, configuration(instanceType=UNKNOWN))
    line = one(found)
    assert (line.state, line.month) == ("undecided", None)
    assert line.why == "productionVariants[0].instanceType is decided at update"
    assert not found.known


def test_what_is_serverless_costs_by_use_and_what_is_kept_warm_all_the_time() -> None:
    variant = {"instanceType": None, "serverlessConfig": {"memorySizeInMb": 2048, "provisionedConcurrency": 3}}
    found = told(ENDPOINT, configuration(**variant))
    assert one(found, "serverless").state == "by use"
    kept = one(found, "serverless-provisioned").use
    assert kept
    assert kept.amount == Span.of(2 * 3 * 730)


def step(name: str, kind: str, place: str, machine: Any, instances: int) -> dict[str, Any]:
    cluster = {"InstanceType": machine, "InstanceCount": instances}
    return {"Name": name, "Type": kind, "Arguments": {place: cluster}}


STEP = step("fit", "Training", "ResourceConfig", {"Get": "Parameters.Machine"}, 2)
SCORE = step("score", "Transform", "TransformResources", "ml.m5.large", 1)
CONDITION = {"Name": "good", "Type": "Condition", "Arguments": {"IfSteps": [SCORE], "ElseSteps": []}}
DEFINITION = {"Parameters": [{"Name": "Machine", "DefaultValue": "ml.m5.xlarge"}], "Steps": [STEP, CONDITION]}
PIPELINE = made(f"{SAGEMAKER}/pipeline:Pipeline", "retrain", pipelineDefinition=json.dumps(DEFINITION))


def test_jobs_need_the_hours_that_are_declared() -> None:
    found = told(PIPELINE)
    assert [(each.state, each.what) for each in found.lines] == [
        ("by use", "fit training ml.m5.xlarge"),
        ("by use", "score transform ml.m5.large"),
    ]
    hours = {"low": 5, "expected": 10, "high": 40}
    declared = told(PIPELINE, usage=[{"resources": ["retrain"], "part": "fit", "hours": hours}])
    line = one(declared, "training")
    assert line.month == Span(Decimal("1.955"), Decimal("4.600"), Decimal("21.160")), "two machines, within 15 %"
    assert line.declared == ("hours",)
    assert one(declared, "transform").state == "by use"


def test_what_is_declared_of_nothing_is_said() -> None:
    found = told(ENDPOINT, configuration(), usage=[{"resources": ["scores"], "hours": 3}])
    assert found.warnings[0] == "usage 0 is of nothing in the stack: scores"
    keys = told(made("aws:kms/key:Key", "key", WEST), usage=[{"resources": ["key"], "hours": 3}])
    assert keys.warnings == ("usage 0 is of nothing in the stack: key",), "a key has no hours"


def test_instances_and_hours_can_be_declared_of_what_stands() -> None:
    office = {"resources": ["notebook"], "component": "notebook", "hours": 160}
    notebook = made(f"{SAGEMAKER}/notebookInstance:NotebookInstance", "notebook", instanceType="ml.m5.xlarge")
    line = one(told(notebook, usage=[office]), "notebook")
    assert line.use
    assert (line.use.amount, line.use.assumed) == (Span.of(160), ())
    more = told(ENDPOINT, configuration(), usage=[{"resources": ["score"], "instances": 3}])
    assert one(more, "hosting").month == Span.of("503.70")


def test_an_amount_can_be_declared_of_what_is_paid_by_use() -> None:
    files = made("aws:s3/bucket:Bucket", "files")
    found = told(files, usage=[{"resources": ["files"], "component": "storage", "amount": 500}])
    line = one(found, "storage")
    assert (line.state, line.month, line.declared) == ("priced", Span.of("11.5"), ("amount",))
    assert line.use
    assert (line.use.amount, line.use.assumed) == (Span.of(500), ())


def test_what_is_used_and_not_declared_is_assumed_only_where_that_is_asked_for() -> None:
    files = made("aws:s3/bucket:Bucket", "files")
    assert {each.state for each in told(files).lines} == {"by use"}
    usage = [{"resources": ["files"], "component": "storage", "amount": 500}]
    found = told(files, usage=usage, assume=True)
    amounts = {each.use.component: each.use.amount for each in found.lines if each.use}
    assert amounts == {"storage": Span.of(500), "writes": Span.of("0.01", "0.1", 1), "reads": Span.of("0.1", 1, 10)}
    assert found.month == Span.of("11.59", "12.4", "20.5")
    written = WRITERS["text"](Costs("dev", found, (), EMPTY))
    assert "assumed: s3 reads, not declared: 0.1 to 10 (1) millions of reads of each: files" in written
    assert "storage, not declared" not in written
    assert written.startswith("dev: 12.40 USD (11.59 to 20.50) a month, 0.90 of it for use that is assumed\n")
    assert json.loads(WRITERS["json"](Costs("dev", found, (), EMPTY)))["guessed"] == "0.9"
    assert told(step_of(3), assume=True).month == Span.of("0.5865", "2.76", "15.87")


def step_of(instances: int) -> Resource:
    fit = step("fit", "Training", "ResourceConfig", "ml.m5.xlarge", instances)
    return made(f"{SAGEMAKER}/pipeline:Pipeline", "retrain", pipelineDefinition=json.dumps({"Steps": [fit]}))


def test_a_use_for_which_nothing_is_known_says_why() -> None:
    features = made(f"{SAGEMAKER}/featureGroup:FeatureGroup", "f", onlineStoreConfig={"enableOnlineStore": True})
    lines = told(features, assume=True).lines
    assert {line.state for line in lines} == {"unpriced"}
    assert lines[0].why.startswith("no price of sagemaker features-reads by million-requests in us-east-1: no public")
    (tracker,) = told(made(f"{SAGEMAKER}/mlflowApp:MlflowApp", "runs"), assume=True).lines
    assert (tracker.state, tracker.month) == ("by use", None)
    assert "no rate of AWS was found" in tracker.why


@pytest.mark.parametrize(
    ("usage", "said"),
    [
        ({"resources": ["a"]}, "has to be told"),
        ({"resources": ["a"], "amount": 3}, "of one component"),
        ({"resources": ["a"], "component": "b", "amount": 3, "hours": 1}, "neither hours nor instances"),
        ({"resources": ["a"], "hours": {"low": 3, "expected": 2, "high": 4}}, "have to rise"),
        ({"resources": [], "hours": 3}, "at least 1 item"),
        ({"resources": ["a"], "hours": -1}, "greater than or equal to 0"),
    ],
)
def test_a_declaration_that_means_nothing_is_refused(usage: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        CostSettings.model_validate({"usage": [usage]})


def azure(token: str, name: str, **props: Any) -> Resource:
    return made(f"azure-native:{token}", name, {}, **props)


ML = "machinelearningservices"


def test_azure_s_machines_cost_what_machines_cost() -> None:
    at = {"location": "East US"}
    deployment = {"sku": {"capacity": 2}, "properties": {"instanceType": "Standard_DS3_v2"}, **at}
    scale = {"minNodeCount": 1, "maxNodeCount": 4}
    nodes = {"computeType": "AmlCompute", "properties": {"vmSize": "Standard_DS3_v2", "scaleSettings": scale}}
    found = told(
        azure(f"{ML}:OnlineDeployment", "blue", **deployment),
        azure(f"{ML}:Compute", "machines", properties=nodes, **at),
        azure("network:PrivateEndpoint", "door", **at),
        azure("storage:StorageAccount", "files", sku={"name": "Standard_ZRS"}, **at),
    )
    assert one(found, "machine", name="blue").month == Span.of("427.780")
    standing, jobs = (each for each in found.lines if each.of.name == "machines")
    assert standing.month == Span.of("213.890")
    assert jobs.state == "by use"
    assert one(found, "hour", name="door").month == Span.of("7.30")
    assert one(found, "storage").what == "storage Standard_ZRS Hot"


def test_a_deployment_is_scaled_by_what_azure_monitor_is_told() -> None:
    properties = {"instanceType": "Standard_DS3_v2"}
    blue = azure(
        f"{ML}:OnlineDeployment", "blue", id="/x/blue", location="eastus", sku={"capacity": 2}, properties=properties
    )
    capacity = {"minimum": "1", "maximum": "5", "default": "2"}
    setting = azure(
        "monitor:AutoscaleSetting", "scales", targetResourceUri="/x/blue", profiles=[{"capacity": capacity}]
    )
    line = one(told(blue, setting), "machine")
    assert line.use
    assert line.use.count == Span.of(1, 2, 5)


def test_what_has_no_place_of_its_own_is_where_its_stack_is() -> None:
    blue = azure(f"{ML}:OnlineDeployment", "blue", properties={"instanceType": "Standard_DS3_v2"})
    assert one(told(blue), "machine").why.endswith("and no region is told")
    group = azure("resources:ResourceGroup", "group", location="eastus")
    assert one(told(blue, group), "machine").month == Span.of("213.890")
    elsewhere = azure("storage:StorageAccount", "files", location="westeurope")
    assert one(told(blue, group, elsewhere), "machine").state == "unpriced"


def test_aws_is_where_its_provider_is_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    token = f"{SAGEMAKER}/notebookInstance:NotebookInstance"
    notebook = made(token, "notebook", {}, instanceType="ml.m5.xlarge")
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    assert {line.of.region for line in told(notebook).lines} == {""}
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    assert {line.of.region for line in told(notebook).lines} == {"eu-west-1"}
    monkeypatch.setenv("AWS_REGION", "eu-west-2")
    assert {line.of.region for line in told(notebook).lines} == {"eu-west-2"}
    elsewhere = made(token, "east", instanceType="ml.m5.xlarge")
    assert {line.of.region for line in told(notebook, elsewhere).lines} == {"us-east-1"}, "the stack is in one place"


def on_kubernetes(token: str, name: str, spec: Mapping[str, Any], **metadata: Any) -> Resource:
    return made(f"kubernetes:{token}", name, {}, metadata={"name": name, **metadata}, spec=spec)


def test_a_pod_costs_what_it_asks_for() -> None:
    resources = {"requests": {"cpu": "250m"}, "limits": {"memory": "512Mi", "nvidia.com/gpu": 1}}
    pod = {"containers": [{"name": "main", "resources": resources}], "initContainers": [{"name": "first"}]}
    server = on_kubernetes("apps/v1:Deployment", "server", {"replicas": 2, "template": {"spec": pod}})
    bounds = {"scaleTargetRef": {"kind": "Deployment", "name": "server"}, "minReplicas": 1, "maxReplicas": 4}
    found = told(server, on_kubernetes("autoscaling/v2:HorizontalPodAutoscaler", "scales", bounds))
    amounts = {each.use.component: each.use.amount for each in found.lines if each.use}
    assert amounts == {
        "cpu": Span.of("182.50", "365", "730"),
        "memory": Span.of(365, 730, 1460),
        "gpu": Span.of(730, 1460, 2920),
    }
    assert {each.state for each in found.lines} == {"unpriced"}, "a cluster's price is known to its owner only"


def test_a_pod_that_asks_for_nothing_is_not_free() -> None:
    server = on_kubernetes("apps/v1:Deployment", "server", {"template": {"spec": {"containers": [{"name": "main"}]}}})
    assert one(told(server)).why == "declare amount: it asks for no CPU and no memory"


def test_what_is_there_0_times_costs_nothing_and_needs_no_price() -> None:
    container = {"name": "main", "resources": {"requests": {"cpu": "1"}}}
    server = on_kubernetes(
        "apps/v1:Deployment", "server", {"replicas": 0, "template": {"spec": {"containers": [container]}}}
    )
    found = told(server)
    assert (found.lines, found.known, found.month) == ((), True, Span.of(0))


def test_volumes_of_sets_and_of_databases_are_counted_for_each_copy() -> None:
    claim = {"metadata": {"name": "data"}, "spec": {"resources": {"requests": {"storage": "10Gi"}}}}
    store = on_kubernetes("apps/v1:StatefulSet", "store", {"replicas": 3, "volumeClaimTemplates": [claim]})
    database = on_kubernetes("postgresql.cnpg.io/v1:Cluster", "db", {"instances": 2, "storage": {"size": "20Gi"}})
    found = told(store, database)
    volumes = {each.of.name: each.use.amount for each in found.lines if each.use and each.use.component == "volume"}
    assert volumes == {"store": Span.of(30), "db": Span.of(40)}


@pytest.mark.parametrize(
    ("written", "read"),
    [("500m", "0.5"), ("2", "2"), ("1Ki", "1024"), ("1k", "1000"), ("0.5Gi", "536870912"), (2, "2")],
)
def test_quantities_of_kubernetes_are_read(written: Any, read: str) -> None:
    assert quantity(written) == Decimal(read)


def test_a_kind_that_nobody_knows_is_named_and_one_that_is_free_is_not() -> None:
    found = told(made("aws:neptune/cluster:Cluster", "graph"), made("aws:iam/role:Role", "role"))
    assert [(each.of.name, each.state) for each in found.lines] == [("graph", "uncovered")]
    broken = on_kubernetes(
        "apps/v1:Deployment",
        "server",
        {"replicas": 2, "template": {"spec": {"containers": [{"resources": {"requests": {"cpu": "much"}}}]}}},
    )
    assert one(told(broken)).state == "uncovered"
    assert not set(FREE) & set(ROWS)


def test_money_is_decimal_all_the_way() -> None:
    document = json.loads(WRITERS["json"](Costs("dev", told(ENDPOINT, configuration()), (), EMPTY)))
    (line,) = document["lines"]
    assert line["month"] == {"low": "335.8", "expected": "335.8", "high": "335.8"}
    assert line["price"]["price"] == "0.23"
    assert document["month"] == line["month"]


def test_old_prices_are_said_to_be_old() -> None:
    assert told(ENDPOINT, configuration()).warnings == (
        "1 price of 2025-02-01, older than 180 days: fmbench 2.1.1 (AWS Labs): pricing.yml",
    )
    (undated,) = told(made("aws:secretsmanager/secret:Secret", "token")).warnings
    assert undated.startswith("1 price without a date: github.com/infracost")


def test_what_is_metered_can_be_written_down_and_read() -> None:
    stack = Stack([ENDPOINT, configuration(), PIPELINE, scaling(1, 6), made("aws:neptune/cluster:Cluster", "graph")])
    found = metered(stack)
    assert [Metered.read(json.loads(json.dumps(each.plain()))) for each in found] == found


def test_an_edit_is_told_by_resource() -> None:
    key = made("aws:kms/key:Key", "key", WEST)
    notebook = made(f"{SAGEMAKER}/notebookInstance:NotebookInstance", "notebook", instanceType="ml.m5.xlarge")
    before = told(ENDPOINT, configuration(), key)
    after = told(ENDPOINT, configuration(initialInstanceCount=4), notebook)
    changes = {change.name: change for change in difference(before, after)}
    assert {name: change.what for name, change in changes.items()} == {
        "score": "changed",
        "key": "removed",
        "notebook": "added",
    }
    assert changes["score"].month == Decimal("335.80")
    assert changes["score"].before == ("main hosting ml.m5.xlarge 2 by 730 hour",)
    assert changes["score"].after == ("main hosting ml.m5.xlarge 4 by 730 hour",)
    assert changes["key"].unknown == ("no price of kms key by key-month in eu-west-1",)
    written = WRITERS["text"](Costs("dev", after, tuple(difference(before, after)), before))
    assert "+335.80 USD a month by this edit" in written
    assert "unknown  removed  kms:Key key" in written
    assert difference(before, told(ENDPOINT, configuration(), key)) == []


def test_what_is_not_known_is_named_and_never_0() -> None:
    found = Costs("dev", told(made("aws:kms/key:Key", "key", WEST)), (), EMPTY)
    assert found.summary() == "dev: what a month costs is not known (not counted: 1 without a price)"
    assert json.loads(WRITERS["json"](found))["month"] is None
    for output in ("text", "markdown"):
        written = WRITERS[output](found)
        assert "no price of kms key by key-month in eu-west-1" in written
        assert "0.00" not in written


def test_a_comment_keeps_its_table() -> None:
    comment = WRITERS["markdown"](Costs("dev", told(ENDPOINT, configuration()), (), EMPTY))
    (row,) = [line for line in comment.splitlines() if line.startswith("| sagemaker")]
    assert row.count("|") == 9
    assert "335.80 USD a month" in comment


PROVIDER = {"type": "pulumi:providers:aws", "urn": "urn:pulumi:dev::ml::pulumi:providers:aws::east", "inputs": EAST}


def row(kind: str, name: str, inputs: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    token = f"{SAGEMAKER}/{kind[0].lower()}{kind[1:]}:{kind}"
    known = {"type": token, "urn": f"urn:pulumi:dev::ml::{token}::{name}", "id": name, "inputs": inputs}
    return {**known, "provider": f"{PROVIDER['urn']}::1", **more}


def test_the_state_of_a_stack_is_read_as_a_preview_is() -> None:
    variants = [{"variantName": "main", "instanceType": "ml.m5.xlarge", "initialInstanceCount": 2}]
    secret = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "x"}
    inputs = {"productionVariants": variants, "kmsKeyArn": secret}
    rows = [
        {**PROVIDER, "id": "1"},
        row("EndpointConfiguration", "c", inputs, outputs={"name": "c"}),
        row("Endpoint", "score", {"endpointConfigName": "c"}, propertyDependencies={"endpointConfigName": None}),
        row("Endpoint", "old", {"endpointConfigName": "c"}, outputs=None, delete=True),
        row("NotebookInstance", "hidden", {"instanceType": secret}),
    ]
    found = told(*exported({"deployment": {"resources": rows}}).resources)
    assert [(each.of.name, each.state, each.month) for each in found.lines] == [
        ("score", "priced", Span.of("335.80")),
        ("hidden", "undecided", None),
    ]
    assert exported({"deployment": None}).resources == ()


def judged(*resources: Resource, **cost: Any) -> dict[str, Any]:
    settings = Settings(cost=CostSettings.model_validate(cost))
    judge = Judge([BY_ID["cost.ceiling"], BY_ID["cost.priced"]], settings)
    found = judge.all(resources)
    once = {each.rule.id: each for each in found}
    assert len(once) == len(found), "each is said once"
    return once


def test_without_a_ceiling_nothing_is_held_against_one() -> None:
    assert judged(ENDPOINT, configuration(initialInstanceCount=500)) == {}


def test_a_ceiling_says_what_weighs_most_and_what_is_not_counted() -> None:
    found = judged(ENDPOINT, configuration(), made("aws:kms/key:Key", "key", WEST), ceiling=300)
    ceiling = found["cost.ceiling"]
    assert (ceiling.resource, ceiling.state) == ("score", "violation")
    assert "is expected to cost 335.80, above 300.00 USD" in ceiling.message()
    assert "score (main hosting ml.m5.xlarge) 335.80" in ceiling.message()
    assert "for want of a price or a value: key" in ceiling.message()
    assert (found["cost.priced"].resource, found["cost.priced"].problem.path) == ("key", "key")


def test_a_sum_below_the_ceiling_passes_and_is_decided_at_update_where_values_are_missing() -> None:
    assert judged(ENDPOINT, configuration(), ceiling=400) == {}
    unknown = made(f"{SAGEMAKER}/pipeline:Pipeline", "retrain", pipelineDefinition=UNKNOWN)
    found = judged(ENDPOINT, configuration(), unknown, ceiling=400)
    assert {rule: (each.state, each.problem.path) for rule, each in found.items()} == dict.fromkeys(
        ("cost.ceiling", "cost.priced"), ("undecided", "retrain.pipelineDefinition")
    )
    assert judged(ENDPOINT, configuration(), unknown, ceiling=300)["cost.ceiling"].state == "violation"


def test_a_table_that_cannot_be_read_has_not_passed() -> None:
    found = judged(ENDPOINT, configuration(), ceiling=400, prices="/nowhere/prices.csv")
    assert "There is no table of prices /nowhere/prices.csv" in found["cost.ceiling"].message()


def test_a_table_is_found_from_the_programs_folder() -> None:
    folder = Path(SETTINGS.cost.prices).parent
    prices = tables(CostSettings(prices="prices.csv"), folder)
    assert estimate(metered(Stack([made("aws:kms/key:Key", "key", WEST)])), prices, (), TODAY).month == Span.of("0.1")
