"""What AWS has for the client: executions of SageMaker Pipelines, their logs, and what an endpoint serves."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pulumi_mlops.backends.aws import executions, live, spending
from pulumi_mlops.backends.aws.addresses import EndpointAddress, ModelAddress, PipelineAddress, PlatformAddress
from pulumi_mlops.backends.aws.asking import asking
from pulumi_mlops.backends.aws.client_features import Features
from pulumi_mlops.backends.aws.client_predictions import Predictions
from pulumi_mlops.backends.aws.client_versions import APPROVALS, Versions, files_of, own_account
from pulumi_mlops.clients import records
from pulumi_mlops.clients.backend import Backend
from pulumi_mlops.clients.lineage import Known, Served, Unknown, Version, numbers
from pulumi_mlops.clients.runs import Run, StepState
from pulumi_mlops.clients.spending import Spent
from pulumi_mlops.components.endpoint_ref import EndpointRef
from pulumi_mlops.components.model import ModelRef
from pulumi_mlops.components.pipeline_ref import PipelineRef
from pulumi_mlops.components.platform import PlatformRef
from pulumi_mlops.core.errors import MlopsError, NotFound
from pulumi_mlops.core.naming import physical

RECORD = "mlops.metrics/facts.json"
"""Where a processing job leaves its record, below the folder of its step."""
_NO_DIGEST = "the image is named by a tag, and SageMaker does not keep which digest it pulled"
_JOB_LOGS = {"training-job": "/aws/sagemaker/TrainingJobs", "processing-job": "/aws/sagemaker/ProcessingJobs"}
"""Where jobs print, by the word in their ARN."""
_LINES = 20


class _Aws(Versions, Predictions, Features):
    """AWS, as the client asks it."""

    def start(self, pipeline: PipelineRef, parameters: Mapping[str, str]) -> str:
        """Start an execution; return its id."""
        own_account(pipeline.platform)
        given = [{"Name": name, "Value": value} for name, value in parameters.items()]
        with asking(f"a run of pipeline {pipeline.name!r}"):
            made = live.client(pipeline.platform, "sagemaker").start_pipeline_execution(
                PipelineName=PipelineAddress.of(pipeline).name,
                PipelineParameters=given,
                ClientRequestToken=uuid.uuid4().hex,
            )
        return str(made["PipelineExecutionArn"]).rpartition("/")[2]

    def look(self, pipeline: PipelineRef, run: str) -> Run | None:
        """Describe an execution."""
        own_account(pipeline.platform)
        arn = run if run.startswith("arn:") else f"{PipelineAddress.of(pipeline).arn}/execution/{run}"
        found = executions.read(pipeline.platform, arn)
        return found.run(pipeline.name) if found else None

    def runs(self, pipeline: PipelineRef, most: int) -> Sequence[Run]:
        """List executions."""
        own_account(pipeline.platform)
        return executions.newest(pipeline.platform, PipelineAddress.of(pipeline).name, pipeline.name, most)

    def record(self, pipeline: PipelineRef, run: Run, step: str) -> str:
        """Return where a processing job leaves its record."""
        return f"{pipeline.runs}{run.id}/{step}/{RECORD}"

    def text(self, platform: PlatformRef, address: str) -> Known[str]:
        """Read an object of S3."""
        own_account(platform)
        return _text(platform, address)

    def last_lines(self, pipeline: PipelineRef, _run: Run, step: StepState) -> Sequence[str]:
        """Read what the job of a step printed last."""
        printed = job_log(step.address)
        if printed is None:
            return []
        group, name = printed
        try:
            with asking(f"the log of job {name}"):
                return list(_printed(live.client(pipeline.platform, "logs"), group, name))
        except MlopsError as error:
            return [f"The log could not be read. {error}"]

    def served(self, endpoint: EndpointRef, models: Sequence[ModelRef]) -> Sequence[Served]:
        """Describe the variants of an endpoint."""
        own_account(endpoint.platform)
        name = str(EndpointAddress.of(endpoint).name)
        there = live.endpoint(endpoint.platform, name)
        if there is None:
            if endpoint.status == "live":
                raise NotFound(f"Endpoint {endpoint.name!r} is not there any more: SageMaker has none called {name}.")
            return []
        configuration = live.endpoint_config(endpoint.platform, there["EndpointConfigName"]) or {}
        models_of = {
            one["VariantName"]: one.get("ModelName")
            for part in ("ProductionVariants", "ShadowProductionVariants")
            for one in configuration.get(part, [])
        }
        variants = there.get("ProductionVariants", [])
        weights = sum(one.get("CurrentWeight", 0) for one in variants)
        found = []
        for part, shadow in (("ProductionVariants", False), ("ShadowProductionVariants", True)):
            for one in there.get(part, []):
                weight = one.get("CurrentWeight", 0)
                known = "CurrentWeight" in one and weights > 0
                found.append(
                    Served(
                        variant=one["VariantName"],
                        percent=100 * weight / weights if known else Unknown("SageMaker tells no weight of it now"),
                        shadow=shadow,
                        version=_of_variant(endpoint.platform, models_of.get(one["VariantName"]), models),
                    )
                )
        return found

    def version(self, model: ModelRef, number: int | None) -> Version | None:
        """Describe a model package, the newest unless told."""
        own_account(model.platform)
        address = ModelAddress.of(model)
        group = address.arn if isinstance(address.arn, str) else address.group
        for package in live.packages(model.platform, group):
            if number is None or package["ModelPackageVersion"] == number:
                return _version(model.platform, package, model.name)
        return None

    def spent(self, platform: PlatformRef) -> Known[Spent]:
        """Read what the budget of a platform counts."""
        own_account(platform)
        return spending.spent(platform)


def job_log(arn: str) -> tuple[str, str] | None:
    """Name the group of logs of a job, and the job, by which its streams begin; None of what is no job."""
    kind, _, name = arn.rpartition(":")[2].partition("/")
    group = _JOB_LOGS.get(kind)
    return None if group is None else (group, name)


def _printed(logs: Any, group: str, job: str) -> Iterator[str]:
    try:
        streams = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=f"{job}/")["logStreams"]
        for stream in streams:
            events = logs.get_log_events(
                logGroupName=group, logStreamName=stream["logStreamName"], limit=_LINES, startFromHead=False
            )["events"]
            if len(streams) > 1:
                yield f"{stream['logStreamName'].partition('/')[2]}:"
            yield from (event["message"].rstrip() for event in events)
    except logs.exceptions.ResourceNotFoundException:
        return


def _of_variant(platform: PlatformRef, name: str | None, models: Sequence[ModelRef]) -> Version | Unknown:
    if name is None:
        return Unknown("the endpoint's configuration is gone")
    with asking(f"model {name!r}"):
        found = live.client(platform, "sagemaker").describe_model(ModelName=name)
    container: dict[str, Any] = found.get("PrimaryContainer") or next(iter(found.get("Containers", [])), {})
    if arn := container.get("ModelPackageName"):
        with asking(f"version {arn}"):
            package = live.client(platform, "sagemaker").describe_model_package(ModelPackageName=arn)
        return _version(platform, package, _name_of(package, models))
    files = files_of(container)
    for model in models if files else ():
        address = ModelAddress.of(model)
        for package in live.packages(model.platform, str(address.arn) or address.group):
            inside = package.get("InferenceSpecification", {}).get("Containers", [])
            if files in [files_of(one) for one in inside]:
                return _version(model.platform, package, model.name)
    told = ", ".join(model.name for model in models)
    looked = f"; no version of {told} has these" if models and files else ""
    return Unknown(f"it serves image {container.get('Image')} with files {files or 'of its own'}{looked}")


def _name_of(package: Mapping[str, Any], models: Sequence[ModelRef]) -> str:
    group = str(package.get("ModelPackageGroupName", ""))
    return next((one.name for one in models if ModelAddress.of(one).name == group.rpartition("/")[2]), group)


def _version(platform: PlatformRef, package: Mapping[str, Any], model: str) -> Version:
    lineage, facts = records.parted(package.get("CustomerMetadataProperties", {}))
    containers = package.get("InferenceSpecification", {}).get("Containers", [])
    only = containers[0] if len(containers) == 1 else {}
    several = Unknown("it has several containers" if containers else "it names none")
    measured = numbers(facts)
    return Version(
        model=model,
        version=package["ModelPackageVersion"],
        approval=APPROVALS.get(package.get("ModelApprovalStatus", ""), str(package.get("ModelApprovalStatus"))),
        made=package.get("CreationTime"),
        files=files_of(only) or several,
        image=only.get("Image") or several,
        metrics=measured,
        metadata={name: value for name, value in facts.items() if name not in measured},
        by=records.making(lineage, _run(platform, lineage), lambda address: _text(platform, address), _NO_DIGEST),
    )


def _run(platform: PlatformRef, facts: Mapping[str, str]) -> Known[Run]:
    """Read the run that registered a version, in the account and region of the platform."""
    pipeline, where = facts.get(records.PIPELINE, ""), PlatformAddress.of(platform)
    name = physical(platform.name, platform.stage, pipeline)
    root = f"arn:{where.partition}:sagemaker:{where.region}:{where.account}:pipeline/{name}"
    found = executions.read(platform, f"{root}/execution/{facts.get(records.RUN)}")
    return found.run(pipeline) if found else Unknown("SageMaker has no such run any more")


def _text(platform: PlatformRef, address: str) -> Known[str]:
    bucket, _, key = address.removeprefix("s3://").partition("/")
    s3 = live.client(platform, "s3")
    try:
        with asking(f"the record {address}"):
            try:
                return str(s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode())
            except s3.exceptions.NoSuchKey:
                return Unknown(f"{address} is not there any more")
    except MlopsError as error:
        return Unknown(str(error))


CLIENT: Backend = _Aws()
