"""Rights to start pipelines: of what starts one by itself, and of steps that start another."""

from dataclasses import dataclass

from pulumi import Input

from pulumi_mlops.backends.aws.addresses import PipelineAddress, PlatformAddress
from pulumi_mlops.backends.aws.policy import Statement, allow, arn
from pulumi_mlops.components.pipeline_ref import PipelineRef
from pulumi_mlops.components.platform import PlatformRef


@dataclass(frozen=True)
class Runs:
    """A pipeline that something starts."""

    name: str
    looks: bool = False
    """Whether whoever starts it looks first whether a run goes on."""


def start_runs(runs: Runs, here: PlatformRef) -> list[Statement]:
    """Allow to start a pipeline, by its name."""
    at = PlatformAddress.of(here)
    which = arn(f"arn:{{0}}:sagemaker:{{1}}:{{2}}:pipeline/{runs.name}", at.partition, at.region, at.account)
    looks = ["sagemaker:ListPipelineExecutions"] if runs.looks else []
    return [allow([*looks, "sagemaker:StartPipelineExecution"], which)]


def start_pipeline(pipeline: PipelineRef, _here: PlatformRef) -> list[Statement]:
    """Allow to look for runs of a pipeline, and to start one."""
    both = ["sagemaker:ListPipelineExecutions", "sagemaker:StartPipelineExecution"]
    return [allow(both, PipelineAddress.of(pipeline).arn)]


@dataclass(frozen=True)
class Looks:
    """What starts a pipeline after it has looked."""

    arn: Input[str]
    """Of the state machine."""


def start_looks(looks: Looks, _here: PlatformRef) -> list[Statement]:
    """Allow to start what looks first."""
    return [allow(["states:StartExecution"], looks.arn)]
