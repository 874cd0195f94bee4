"""TrainingCluster on AWS: terms of jobs, the network between their machines, HyperPod, and what AWS does not have."""

import dataclasses
from typing import Any

import pytest

import pulumi_mlops as mlops
from pulumi_mlops import InvalidArgs, PlatformRef, TrainingClusterRef, Unsupported
from pulumi_mlops.backends.aws import live
from pulumi_mlops.core import private
from support.facts.aws import HUB, hub
from support.mocks import Cloud

EIGHT: dict[str, Any] = {"compute": {"accelerator": "A100:8"}, "nodes": {"max": 4}}
STAY: dict[str, Any] = {"nodes": {"min": 2, "max": 2}, "persistent": {}}
PRIVATE = hub(private=True)
PRIVATE = dataclasses.replace(PRIVATE, address={**PRIVATE.address, "vpc": "vpc-1"})


def make(cloud: Cloud, on: PlatformRef = HUB, **args: Any) -> TrainingClusterRef:
    made: list[TrainingClusterRef] = []
    cloud.run(lambda: made.append(mlops.TrainingCluster("gpus", platform=on, **args).ref))
    return made[0]


def refused(**args: Any) -> list[str]:
    cloud = Cloud(preview=True)
    with pytest.raises(InvalidArgs) as caught:
        make(cloud, **args)
    assert cloud.registered == []
    return [str(problem) for problem in caught.value.problems]


def test_nothing_is_made_before_a_job(cloud: Cloud) -> None:
    terms = make(cloud, compute={"accelerator": "A10G:1"}, spot={"max_wait_hours": 6}, max_hours=12, nodes={"max": 4})
    assert [found.type for found in cloud.registered] == ["pulumi-mlops:index:TrainingCluster"]
    assert (terms.cpus, terms.memory_gb, terms.accelerator, terms.accelerators) == (4, 16, "A10G", 1)
    assert (terms.nodes_max, terms.spot_wait_hours, terms.max_hours, terms.persistent) == (4, 6, 12, False)
    assert terms.address["instance"] == "ml.g5.xlarge"


def test_a_warm_pool_is_said_in_seconds(cloud: Cloud) -> None:
    assert make(cloud, warm_minutes=30).address["keep_alive_seconds"] == 1800


@pytest.mark.parametrize(
    ("compute", "machine"),
    [
        ({"accelerator": "A10G:1"}, "ml.g5.8xlarge"),  # the smaller ones have no adapter
        ({"accelerator": "A100:8"}, "ml.p4d.24xlarge"),
        ({"accelerator": "Trainium:16"}, "ml.trn1.32xlarge"),
        ({"cpus": 4, "memory_gb": 16}, "ml.c5n.9xlarge"),
        ({"pin": {"aws": "ml.p5en.48xlarge"}}, "ml.p5en.48xlarge"),
    ],
)
def test_joined_machines_have_an_adapter(cloud: Cloud, compute: Any, machine: str) -> None:
    assert make(cloud, compute=compute, nodes={"max": 2}, interconnect=True).address["instance"] == machine


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (
            {"compute": {"accelerator": "V100:8"}, "nodes": {"max": 2}, "interconnect": True},
            "interconnect: V100:8 has no Elastic Fabric Adapter on SageMaker; of ",
        ),
        (
            {"compute": {"pin": {"aws": "ml.g5.xlarge"}}, "nodes": {"max": 2}, "interconnect": True},
            "interconnect: ml.g5.xlarge has no Elastic Fabric Adapter on SageMaker",
        ),
        ({"compute": {"accelerator": "A10G:2"}}, "compute.accelerator: no SageMaker instance has 2 of A10G"),
        (
            {"compute": {"accelerator": "V100:16"}, "nodes": {"max": 2}, "interconnect": True},
            "compute: no SageMaker instance has all of that; accelerators here: A100, ",
        ),
        ({"compute": {"accelerator": "A11G:1"}}, "compute: no SageMaker instance has all of that; accelerators here:"),
        ({"compute": {"accelerator": "Inferentia2:1"}}, "compute: no SageMaker instance has all of that"),
        ({"compute": {"pin": {"aws": "ml.inf2.xlarge"}}}, "is not an instance type of training jobs"),
        ({**STAY, "compute": {"pin": {"aws": "ml.r5.large"}}}, "is not an instance type of HyperPod clusters"),
        ({"warm_minutes": 361}, "warm_minutes: 361: AWS takes 1 to 360"),
    ],
)
def test_machines_that_there_are_not(args: Any, said: str) -> None:
    told = refused(**args)
    assert len(told) == 1
    assert said in told[0]


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ({"nodes": {"min": 1, "max": 4}}, "no machine of SageMaker's is there before a job"),
        ({"idle_minutes": 20, "nodes": {"max": 4}}, "warm_minutes to keep them"),
        ({"priority": "low"}, "jobs of SageMaker do not wait for each other"),
        ({"spot": {"max_wait_hours": 1}, "warm_minutes": 5}, "a warm pool keeps no Spot instances"),
        ({**STAY, "spot": {"max_wait_hours": 1}}, "Slurm on HyperPod has no Spot instances"),
        ({**STAY, "max_hours": 1}, "sbatch --time"),
    ],
)
def test_what_aws_does_not_have(cloud: Cloud, args: Any, said: str) -> None:
    with pytest.raises(Unsupported) as caught:
        make(cloud, **args)
    assert said in str(caught.value)
    assert cloud.registered == []


QUOTAS = {
    "ml.p4d.24xlarge for training job usage": 4.0,
    "ml.p4d.24xlarge for spot training job usage": 0.0,
    "ml.p4d.24xlarge for training warm pool usage": 2.0,
    "ml.p4d.24xlarge for cluster usage": 1.0,
}


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (EIGHT, []),
        (
            {**EIGHT, "nodes": {"max": 5}},
            ["nodes.max: 5 of ml.p4d.24xlarge, and the account's quota 'ml.p4d.24xlarge for training job usage' is 4;"],
        ),
        ({**EIGHT, "spot": {"max_wait_hours": 1}}, ["nodes.max: 4 of ml.p4d.24xlarge, and the account's quota"]),
        ({**EIGHT, "warm_minutes": 9}, ["warm_minutes: 4 of ml.p4d.24xlarge, and the account's quota"]),
        ({**STAY, "compute": {"accelerator": "A100:8"}}, ["nodes.max: 2 of ml.p4d.24xlarge, and the account's quota"]),
    ],
)
def test_more_machines_than_the_account_may_have(monkeypatch: pytest.MonkeyPatch, args: Any, said: list[str]) -> None:
    monkeypatch.setattr(live, "quota", lambda _, service, name: service == "sagemaker" and QUOTAS[name])
    if not said:
        make(Cloud(preview=True), **args)
        return
    told = refused(**args)
    assert len(told) == len(said)
    assert told[0].startswith(said[0])


def test_quotas_that_may_not_be_read_refuse_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object) -> Any:
        raise mlops.MlopsError("AWS does not let this program ask.")

    monkeypatch.setattr(private, "mocked", lambda: False)
    monkeypatch.setattr(live, "client", forbidden)
    cloud = Cloud(preview=True)
    asked: list[float | None] = []
    cloud.run(lambda: asked.append(live.quota(HUB, "sagemaker", "ml.m5.large for training job usage")))
    assert asked == [None]
    assert cloud.warnings == [
        "AWS does not let this program ask. No number of machines is compared with the account's quotas."
    ]


def test_machines_of_one_run_reach_each_other_and_nobody_else(cloud: Cloud) -> None:
    terms = make(cloud, PRIVATE, nodes={"max": 2})
    group = cloud.one("ec2/securityGroup", "gpus-nodes")
    assert group.inputs["vpcId"] == "vpc-1"
    for kind in ("vpc/securityGroupIngressRule", "vpc/securityGroupEgressRule"):
        rule = cloud.one(kind).inputs
        assert (rule["securityGroupId"], rule["referencedSecurityGroupId"]) == ("gpus-nodes-id", "gpus-nodes-id")
    assert len(terms.address["security_groups"]) == 2
    alone = Cloud()
    make(alone, PRIVATE)
    assert not alone.all("ec2/securityGroup")


def test_a_network_of_somebody_else_is_left_alone_and_said(cloud: Cloud) -> None:
    theirs = hub(private=True)
    terms = make(cloud, theirs, nodes={"max": 2})
    assert not cloud.all("ec2/securityGroup")
    assert terms.address["security_groups"] == ["sg-1"]
    preview = Cloud(preview=True)
    make(preview, theirs, nodes={"max": 2})
    assert any("lets its members reach each other" in line for line in preview.infos)


def test_a_cluster_that_stays(cloud: Cloud) -> None:
    args = {**STAY, "persistent": {"setup": "#!/bin/bash\ntrue\n"}, "compute": {"accelerator": "A100:8"}}
    terms = make(cloud, PRIVATE, interconnect=True, **args)
    assert (terms.persistent, terms.nodes_min, terms.nodes_max) == (True, 2, 2)
    made = cloud.one("cloudcontrol/resource", "gpus-cluster")
    assert made.inputs["typeName"] == "AWS::SageMaker::Cluster"
    desired = made.document("desiredState")
    controller, nodes = desired["InstanceGroups"]
    assert (controller["InstanceType"], controller["SlurmConfig"]) == ("ml.m5.xlarge", {"NodeType": "Controller"})
    assert (nodes["InstanceType"], nodes["InstanceCount"]) == ("ml.p4d.24xlarge", 2)
    assert desired["VpcConfig"] == {"SecurityGroupIds": ["sg-1", "gpus-nodes-id"], "Subnets": ["subnet-1"]}
    script = cloud.one("s3/bucketObjectv2").inputs
    folder = nodes["LifeCycleConfig"]["SourceS3Uri"]
    assert f"s3://{script['bucket']}/{script['key']}" == f"{folder}/{nodes['LifeCycleConfig']['OnInitComplete']}"
    assert "gpus-setup" in made.depends_on
    assert "gpus-rights" in made.depends_on


def test_another_machine_is_another_cluster_and_another_script_is_not() -> None:
    def cluster(**args: Any) -> Any:
        cloud = Cloud()
        make(cloud, **{**STAY, **args})
        return cloud.one("cloudcontrol/resource", "gpus-cluster")

    first, larger = cluster(), cluster(compute={"cpus": 36})
    assert first.replacement_trigger != larger.replacement_trigger
    assert first.delete_before_replace
    assert cluster(persistent={"setup": "#!/bin/sh\n"}).replacement_trigger == first.replacement_trigger


def test_its_role_may_do_what_its_machines_do_and_no_more(cloud: Cloud) -> None:
    make(cloud, PRIVATE, **{**STAY, "persistent": {"setup": "#!/bin/sh\n"}})
    statements = cloud.one("iam/rolePolicy", "gpus-rights").document("policy")["Statement"]
    by_action = {action: one for one in statements for action in one["Action"]}
    assert by_action["logs:PutLogEvents"]["Resource"].endswith(":log-group:/aws/sagemaker/Clusters/churn-dev-gpus/*")
    assert "training/churn-dev-gpus/" in str(by_action["s3:GetObject"]["Resource"])
    assert not {action for action in by_action if action.startswith(("iam:", "sagemaker:"))}
    trust = cloud.one("iam/role", "gpus-role").document("assumeRolePolicy")["Statement"][0]
    assert trust["Principal"] == {"Service": "sagemaker.amazonaws.com"}
