"""Rights from references: one table of (verb, kind of thing) to actions and resources, and nothing wider."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from pulumi import Input

from pulumi_mlops.backends.aws import keys
from pulumi_mlops.backends.aws.addresses import (
    EndpointAddress,
    FeatureGroupAddress,
    PlatformAddress,
    SecretAddress,
    TrackerAddress,
)
from pulumi_mlops.backends.aws.dataset_rights import read_dataset, read_view, write_dataset
from pulumi_mlops.backends.aws.history import read_history, with_keys
from pulumi_mlops.backends.aws.image_rights import pull_image
from pulumi_mlops.backends.aws.model_rights import approve, deploy, later_versions, pull_version, read_version, register
from pulumi_mlops.backends.aws.places import bucket_of, objects, read_place, through, write_place
from pulumi_mlops.backends.aws.policy import Late, Statement, allow, arn, split
from pulumi_mlops.backends.aws.start_rights import Looks, Runs, start_looks, start_pipeline, start_runs
from pulumi_mlops.components.dataset_ref import DatasetRef, DatasetView
from pulumi_mlops.components.endpoint_ref import EndpointRef
from pulumi_mlops.components.experiment_tracker import ExperimentTrackerRef
from pulumi_mlops.components.feature_group import FeatureGroupRef, FeatureView
from pulumi_mlops.components.model import ModelRef, ModelVersionRef
from pulumi_mlops.components.pipeline_ref import PipelineRef
from pulumi_mlops.components.platform import PlatformRef
from pulumi_mlops.core.primitives import WatchRef
from pulumi_mlops.core.refs import SecretRef
from pulumi_mlops.core.workload import Grant, Image, Key, Place, Topic


@dataclass(frozen=True)
class Catalogue:
    """The Glue database of a feature store, and the prefix of its rows."""

    database: Input[str]
    offline: Input[str]


@dataclass(frozen=True)
class LogGroup:
    """Where a workload writes its logs."""

    name: str


@dataclass(frozen=True)
class Jobs:
    """Jobs that a pipeline starts as a role."""

    role: str
    """Its name."""
    kinds: Sequence[str]
    """The kinds of jobs, by the API's own word: ``TrainingJob``."""


@dataclass(frozen=True)
class Nodes:
    """The machines of a HyperPod cluster."""

    cluster: str
    groups: Sequence[Input[str]]
    """Their security groups, where they are in a network."""


_SUFFIX = re.compile(r"-[A-Za-z0-9]{6}$")
"""What Secrets Manager adds to the name of a secret in its ARN."""


def _use_platform(platform: PlatformRef, here: PlatformRef) -> list[Statement]:
    at, address = PlatformAddress.of(here), PlatformAddress.of(platform)
    statements = [
        # CloudWatch has no resource to name in PutMetricData; the namespace is the narrowest there is.
        allow(
            ["cloudwatch:PutMetricData"],
            "*",
            {
                "StringLike": {
                    "cloudwatch:namespace": ["/aws/sagemaker/*", "aws/sagemaker/*", f"mlops/{platform.name}/*"]
                }
            },
        ),
        # The disks of the machines are encrypted with it.
        allow(["kms:DescribeKey"], address.key, through(at, "sagemaker")),
        allow(
            ["kms:CreateGrant"],
            address.key,
            {"Bool": {"kms:GrantIsForAWSResource": "true"}, **through(at, "sagemaker")},
        ),
    ]
    return [*statements, *(_join_network(address) if platform.private else [])]


def _join_network(at: PlatformAddress) -> list[Statement]:
    """Allow interfaces in the platform's subnets, with the platform's security groups.

    https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html
    """
    made = arn("arn:{0}:ec2:{1}:{2}:network-interface/*", at.partition, at.region, at.account)
    subnets = [arn("arn:{0}:ec2:{1}:{2}:subnet/{3}", at.partition, at.region, at.account, one) for one in at.subnets]
    groups = [
        arn("arn:{0}:ec2:{1}:{2}:security-group/{3}", at.partition, at.region, at.account, one)
        for one in at.security_groups
    ]
    in_them = {"ArnEquals": {"ec2:Subnet": subnets}}
    return [
        allow(["ec2:CreateNetworkInterface"], [*subnets, *groups]),
        allow(
            [
                "ec2:CreateNetworkInterface",
                "ec2:CreateNetworkInterfacePermission",
                "ec2:DeleteNetworkInterface",
                "ec2:DeleteNetworkInterfacePermission",
            ],
            made,
            in_them,
        ),
        # EC2 takes no resource in what only describes.
        allow(
            [
                "ec2:DescribeNetworkInterfaces",
                "ec2:DescribeVpcs",
                "ec2:DescribeDhcpOptions",
                "ec2:DescribeSubnets",
                "ec2:DescribeSecurityGroups",
            ],
            "*",
        ),
    ]


def _write_logs(group: LogGroup, here: PlatformRef) -> list[Statement]:
    at = PlatformAddress.of(here)
    where = ("arn:{0}:logs:{1}:{2}:log-group:" + group.name, at.partition, at.region, at.account)
    return [
        allow(["logs:DescribeLogStreams"], [arn(*where), arn(f"{where[0]}:*", *where[1:])]),
        allow(["logs:CreateLogStream", "logs:PutLogEvents"], arn(f"{where[0]}:log-stream:*", *where[1:])),
    ]


_JOBS = {
    "TrainingJob": "training-job",
    "ProcessingJob": "processing-job",
    "HyperParameterTuningJob": "hyper-parameter-tuning-job",
}
"""What the ARN of each kind of job has."""


def _run_jobs(jobs: Jobs, here: PlatformRef) -> list[Statement]:
    """Allow to start jobs and to look at them.

    SageMaker names the jobs of a pipeline ``pipelines-<run>-<step>-…``: no part of it is the pipeline's own.
    """
    at = PlatformAddress.of(here)
    found = [
        allow(
            [*(f"sagemaker:{verb}{kind}" for verb in ("Create", "Describe", "Stop")), "sagemaker:AddTags"],
            arn(f"arn:{{0}}:sagemaker:{{1}}:{{2}}:{_JOBS[kind]}/pipelines-*", at.partition, at.region, at.account),
        )
        for kind in jobs.kinds
    ]
    itself = arn(f"arn:{{0}}:iam::{{1}}:role/{jobs.role}", at.partition, at.account)
    as_service = {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}
    names = sorted({"ProcessingJobs" if kind == "ProcessingJob" else "TrainingJobs" for kind in jobs.kinds})
    groups = [f"/aws/sagemaker/{name}" for name in names]
    made = [arn(f"arn:{{0}}:logs:{{1}}:{{2}}:log-group:{name}", at.partition, at.region, at.account) for name in groups]
    return [
        *found,
        allow(["iam:PassRole"], itself, as_service),
        # All jobs of an account and region write into one group of their kind, which the first of them makes.
        allow(["logs:CreateLogGroup"], made),
        *(statement for name in groups for statement in _write_logs(LogGroup(name), here)),
    ]


def _run_nodes(nodes: Nodes, here: PlatformRef) -> list[Statement]:
    """Write logs of the cluster's own, let people log in by Session Manager, and join the platform's network.

    https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-hyperpod-prerequisites-iam.html
    """
    at = PlatformAddress.of(here)
    where = (
        "arn:{0}:logs:{1}:{2}:log-group:/aws/sagemaker/Clusters/" + nodes.cluster + "/*",
        *(at.partition, at.region, at.account),
    )
    sessions = ["CreateControlChannel", "CreateDataChannel", "OpenControlChannel", "OpenDataChannel"]
    made = arn("arn:{0}:ec2:{1}:{2}:network-interface/*", at.partition, at.region, at.account)
    groups = [
        arn("arn:{0}:ec2:{1}:{2}:security-group/{3}", at.partition, at.region, at.account, one) for one in nodes.groups
    ]
    joining = [
        allow(["ec2:CreateNetworkInterface"], groups),
        allow(["ec2:DetachNetworkInterface"], made),
        allow(["ec2:CreateTags"], made, {"StringEquals": {"ec2:CreateAction": "CreateNetworkInterface"}}),
    ]
    return [
        allow(
            ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"], arn(*where)
        ),
        allow([f"ssmmessages:{one}" for one in sessions], "*"),  # takes no resource
        *(joining if nodes.groups else []),
    ]


def _use_key(key: Key, here: PlatformRef) -> list[Statement]:
    return [allow(["kms:Decrypt"], key.address, through(PlatformAddress.of(here), "s3"))]


def _read_view(view: FeatureView, here: PlatformRef) -> list[Statement]:
    if view.tier == "offline":
        return read_history(view.group, here)
    address, theirs = FeatureGroupAddress.of(view.group), PlatformAddress.of(view.group.platform)
    return [
        allow(["sagemaker:GetRecord", "sagemaker:BatchGetRecord", "sagemaker:DescribeFeatureGroup"], address.arn),
        *with_keys(["kms:Decrypt"], address.online_keys, theirs, "sagemaker"),
    ]


def _write_group(group: FeatureGroupRef, here: PlatformRef) -> list[Statement]:
    at, address = PlatformAddress.of(here), FeatureGroupAddress.of(group)
    return [
        allow(["sagemaker:PutRecord", "sagemaker:DescribeFeatureGroup"], address.arn),
        *with_keys(["kms:Decrypt", "kms:GenerateDataKey"], address.online_keys, at, "sagemaker"),
    ]


def _invoke(endpoint: EndpointRef, here: PlatformRef) -> list[Statement]:
    at, address = PlatformAddress.of(here), EndpointAddress.of(endpoint)
    where = arn("arn:{0}:sagemaker:{1}:{2}:endpoint/{3}", at.partition, at.region, at.account, address.name)
    call = ["InvokeEndpoint", "InvokeEndpointAsync", "InvokeEndpointWithResponseStream"]
    return [allow([f"sagemaker:{action}" for action in call], where)]


def _read_secret(secret: SecretRef, here: PlatformRef) -> list[Statement]:
    at, named = PlatformAddress.of(here), SecretAddress.of(secret).id
    if any(named is own for own in here.secrets.values()) or secret.native:
        where: Any = named
        key: Any = at.key
    else:
        where = Late(partial(_secret_arn, here), (named, at.partition, at.region, at.account), asks=True)
        key = Late(partial(keys.of_secret, here), (named, at.key), asks=True)
    return [
        allow(["secretsmanager:GetSecretValue"], where),
        allow(["kms:Decrypt"], key, through(at, "secretsmanager")),
    ]


# https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsagemakerwithmlflow.html
_RECORD = (
    *("CreateExperiment", "GetExperiment", "GetExperimentByName", "SearchExperiments", "SetExperimentTag"),
    *("CreateRun", "GetRun", "SearchRuns", "UpdateRun", "SetTag", "DeleteTag", "ListArtifacts"),
    *("LogBatch", "LogMetric", "LogParam", "LogInputs", "LogOutputs", "LogModel", "GetMetricHistory"),
    *("GetLoggedModel", "SearchLoggedModels", "FinalizeLoggedModel", "SetLoggedModelTags", "LogLoggedModelParams"),
    *("ListLoggedModelArtifacts", "StartTrace", "EndTrace", "SetTraceTag"),
)
"""What records runs and looks at them, without a deletion, and without a word to the registry that MLflow has too."""


def _record(tracker: ExperimentTrackerRef, here: PlatformRef) -> list[Statement]:
    """Read the secrets of a tracker; of SageMaker's own MLflow, call it, and keep files beside it."""
    found = [right for secret in tracker.keys.values() for right in _read_secret(secret, here)]
    address = TrackerAddress.of(tracker)
    if address.arn is None:
        return found
    # An app asks for one right that is all of its API, and a server for one of each call: a recorder of an app could
    # delete runs, if the second were not asked for as well.
    call = ["CallMlflowAppApi", "DescribeMlflowApp"] if address.serverless else ["DescribeMlflowTrackingServer"]
    files = Place(address.artifacts)
    return [
        *found,
        allow([f"sagemaker:{action}" for action in call], address.arn),
        allow([f"sagemaker-mlflow:{action}" for action in _RECORD], address.arn),
        *read_place(files, here),
        *write_place(files, here),
    ]


def _secret_arn(platform: PlatformRef, named: str, partition: str, region: str, account: str) -> str:
    """Return the ARN of a secret; of one that is named without what AWS adds to the name, any six characters for it."""
    if named.startswith("arn:") and _SUFFIX.search(named):
        return named
    if found := keys.secret(platform, named):
        return str(found["ARN"])
    whole = f"arn:{partition}:secretsmanager:{region}:{account}:secret:{named}-??????"
    return named if named.startswith("arn:") else whole


def _tell_topic(topic: Topic, here: PlatformRef) -> list[Statement]:
    at = PlatformAddress.of(here)

    def key_of(named: str, own: str, key: str) -> str | None:
        return key if named == own else keys.of_topic(here, named)

    key = Late(key_of, (topic.address, at.topic, at.key), asks=True)
    return [
        allow(["sns:Publish"], topic.address),
        allow(["kms:Decrypt", "kms:GenerateDataKey"], key, through(at, "sns")),
    ]


def _measure(watch: WatchRef, _here: PlatformRef) -> list[Statement]:
    # CloudWatch has no resource to name in PutMetricData; the namespace is the narrowest there is, and a watch's own.
    bound = {"StringEquals": {"cloudwatch:namespace": watch.facts["namespace"]}}
    return [allow(["cloudwatch:PutMetricData"], "*", bound)]


def _write_catalogue(catalogue: Catalogue, here: PlatformRef) -> list[Statement]:
    at = PlatformAddress.of(here)
    arns = [
        arn(f"arn:{{0}}:glue:{{1}}:{{2}}:{part}", at.partition, at.region, at.account, catalogue.database)
        for part in ("catalog", "database/{3}", "table/{3}/*")
    ]
    return [
        allow(
            ["glue:GetDatabase", "glue:GetTable", "glue:CreateTable", "glue:UpdateTable", "glue:GetPartitions"], arns
        ),
        # Feature Store writes each object with an access control list, though the bucket's owner owns it anyway.
        allow(["s3:PutObjectAcl"], Late(objects, (catalogue.offline, at.partition))),
        allow(["s3:GetBucketAcl"], Late(bucket_of, (catalogue.offline, at.partition))),
        # A table of Iceberg is written by reading what there is of it.
        allow(["s3:GetObject"], Late(_iceberg, (catalogue.offline, at.partition))),
    ]


def _iceberg(offline: str, partition: str) -> str:
    return f"{objects(offline, partition)}/metadata/*"


_RIGHTS: dict[tuple[str, type], Callable[[Any, PlatformRef], list[Statement]]] = {
    ("use", PlatformRef): _use_platform,
    ("write", LogGroup): _write_logs,
    ("run", Jobs): _run_jobs,
    ("start", Runs): start_runs,
    ("start", PipelineRef): start_pipeline,
    ("start", Looks): start_looks,
    ("use", Nodes): _run_nodes,
    ("pull", Image): pull_image,
    ("read", Place): read_place,
    ("write", Place): write_place,
    ("use", Key): _use_key,
    ("read", FeatureView): _read_view,
    ("read", DatasetView): read_view,
    ("read", DatasetRef): read_dataset,
    ("write", DatasetRef): write_dataset,
    ("read", SecretRef): _read_secret,
    ("pull", ModelVersionRef): pull_version,
    ("read", ModelVersionRef): read_version,
    ("follow", ModelVersionRef): later_versions,
    ("write", Catalogue): _write_catalogue,
    ("write", FeatureGroupRef): _write_group,
    ("register", ModelRef): register,
    ("approve", ModelRef): approve,
    ("deploy", ModelRef): deploy,
    ("invoke", EndpointRef): _invoke,
    ("tell", Topic): _tell_topic,
    ("measure", WatchRef): _measure,
    ("record", ExperimentTrackerRef): _record,
}


def statements(platform: PlatformRef, grants: Sequence[Grant]) -> list[Statement]:
    """Look up what each grant means."""
    return [statement for verb, thing in grants for statement in _right(verb, thing)(thing, platform)]


def _right(verb: str, thing: object) -> Callable[[Any, PlatformRef], list[Statement]]:
    """Find the row of a verb and a kind of thing, or of what the kind extends."""
    return next(_RIGHTS[verb, kind] for kind in type(thing).__mro__ if (verb, kind) in _RIGHTS)


def policies(platform: PlatformRef, rights: Sequence[Statement]) -> list[list[Statement]]:
    """Spread rights over one policy, or over as many as AWS's limits ask."""
    at = PlatformAddress.of(platform)
    lengths = {id(at.account): 12, id(at.region): 14, id(at.partition): 10, id(at.domain): 16, id(at.bucket): 63}
    return split(rights, lengths)
