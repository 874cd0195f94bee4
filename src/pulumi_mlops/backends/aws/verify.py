"""What a verification needs of AWS: what is judged before, what it costs, what is watched, deleted and looked for."""

import re
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from pulumi_mlops.backends.aws import sessions
from pulumi_mlops.backends.aws.asking import asking
from pulumi_mlops.backends.aws.client import job_log
from pulumi_mlops.backends.aws.image_rights import ECR
from pulumi_mlops.backends.aws.metrics import DIMENSIONS
from pulumi_mlops.core.errors import Problem, VerificationFailed
from pulumi_mlops.core.naming import physical
from pulumi_mlops.policies.costs.spans import HOURS, Span
from pulumi_mlops.policies.costs.uses import always, monthly
from pulumi_mlops.verify import costs, program
from pulumi_mlops.verify.ground import STAGE, Ground, Pace, Told

MACHINE: Final = "ml.m5.large"
"""What steps and endpoint get: the smallest for which there is a price."""
_COMPUTE: Final = {"cpus": 2, "memory_gb": 8}
_PRICED: Final = "us-east-1"
"""The region of which the tables know most."""
_LASTS: Final = Span.of(3)
"""The hours of a verification."""
_SHARE: Final = Span.of(_LASTS.expected / HOURS)
_STILL: Final = "Executing", "Stopping"
_STOPS_WITHIN: Final = 300
_SIGNAL: Final = "data_drift"


class _Kind(NamedTuple):
    """A list of an account, in which names of a platform are looked for."""

    what: str
    service: str
    call: str
    of: str
    """The member of the answer."""
    name: str
    """The member of each."""
    by: Mapping[str, str]
    """What narrows the list; ``{}`` is the platform's name."""


_KINDS: Final = (
    _Kind("endpoint", "sagemaker", "list_endpoints", "Endpoints", "EndpointName", {"NameContains": "{}"}),
    _Kind("pipeline", "sagemaker", "list_pipelines", "PipelineSummaries", "PipelineName", {"PipelineNamePrefix": "{}"}),
    _Kind(
        *("group of versions", "sagemaker", "list_model_package_groups", "ModelPackageGroupSummaryList"),
        *("ModelPackageGroupName", {"NameContains": "{}"}),
    ),
    _Kind("bucket", "s3", "list_buckets", "Buckets", "Name", {}),
    _Kind("log group", "logs", "describe_log_groups", "logGroups", "logGroupName", {}),
    _Kind("role", "iam", "list_roles", "Roles", "RoleName", {}),
    _Kind("policy", "iam", "list_policies", "Policies", "PolicyName", {"Scope": "Local"}),
    _Kind("alarm", "cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName", {"AlarmNamePrefix": "{}"}),
    _Kind(
        *("dashboard", "cloudwatch", "list_dashboards", "DashboardEntries", "DashboardName"),
        {"DashboardNamePrefix": "{}"},
    ),
    _Kind("rule", "events", "list_rules", "Rules", "Name", {"NamePrefix": "{}"}),
    _Kind("schedule", "scheduler", "list_schedules", "Schedules", "Name", {"NamePrefix": "{}"}),
    _Kind("state machine", "stepfunctions", "list_state_machines", "stateMachines", "name", {}),
    _Kind("topic", "sns", "list_topics", "Topics", "TopicArn", {}),
    _Kind("alias of a key", "kms", "list_aliases", "Aliases", "AliasName", {}),
    _Kind("database", "glue", "get_databases", "DatabaseList", "Name", {}),
)
_OWN: Final = (
    _Kind("model", "sagemaker", "list_models", "Models", "ModelName", {"NameContains": program.ENDPOINT}),
    _Kind(
        *("configuration", "sagemaker", "list_endpoint_configs", "EndpointConfigs", "EndpointConfigName"),
        {"NameContains": program.ENDPOINT},
    ),
)
"""Lists of what Pulumi names, which is ours by its tags."""


class _Aws(Ground):
    pace = Pace(
        # Of two instances half is one: AWS gives a canary whole instances, and half of them at most.
        canary_percent=50,
        replicas=2,
        # The alarm of errors looks at two whole minutes, and CloudWatch has them some minutes later.
        bake_minutes=5,
        most_failing_percent=50,
        # A job takes minutes to begin; two looks have to be over before another training may begin.
        every_minutes=30,
        captured_within=180.0,
        step=_COMPUTE,
        serving=_COMPUTE,
    )
    regions = True

    def problems(self, told: Told) -> Iterator[Problem]:
        """Judge region and images: what SageMaker starts is in a repository of ECR of its own region."""
        region = told.get("region")
        if region is None:
            yield Problem("--region", "is required on AWS, such as eu-west-1")
        elif not _is_region(region):
            yield Problem("--region", f"{region!r} is no region of AWS; write one such as eu-west-1")
        images = (("--image", told["image"], "toy"), ("--drift-image", told["drift_image"], "drift"))
        for option, image, made in images:
            if image is None:
                if made == "toy":
                    yield Problem(option, "is required on AWS; `pulumi-mlops image toy` prints how it is made")
            elif not (found := ECR.match(image)):
                yield Problem(
                    option,
                    f"{image!r} is not in ECR, and SageMaker starts no other image; push it into a repository, such as "
                    f"123456789012.dkr.ecr.{region or 'eu-west-1'}.amazonaws.com/{made}:1",
                )
            elif region is not None and found["region"] != region:
                yield Problem(
                    option, f"{image!r} is in {found['region']}, and SageMaker in {region} starts images of {region}"
                )

    def cost(self, told: Told) -> str:
        """Price what three hours of it use."""
        uses = (
            always("sagemaker", "hosting", "hour", MACHINE, times=Span.of(9)),
            always("sagemaker", "processing", "hour", MACHINE, times=Span.of(1.5)),
            always("sagemaker", "training", "hour", MACHINE, times=Span.of(0.5)),
            monthly("kms", "key", "key-month", _SHARE),
            monthly("cloudwatch", "alarm", "alarm-month", Span.of(4 * _SHARE.expected)),
            monthly("cloudwatch", "dashboard", "dashboard-month", _SHARE),
            monthly("cloudwatch", "logs", "gb", Span.of("0.1")),
            monthly("s3", "writes", "million-requests", Span.of("0.01")),
        )
        return f"It takes about three hours. {costs.said(costs.spent('aws', told['region'], _PRICED, uses))}"

    def calm(self, told: Told) -> bool:
        """Tell whether no alarm of the endpoint goes off: it would send the next release back at once."""
        alarms = self._alarms(told, f"{_space(told)}-{program.ENDPOINT}-")
        return all(alarm["StateValue"] != "ALARM" for alarm in alarms)

    def alarm(self, told: Told) -> str | None:
        """Read the alarm of the drift back, and what it goes by."""
        alarms = [one for one in self._alarms(told, f"{_space(told)}-") if one["MetricName"] == _SIGNAL]
        if len(alarms) != 1:
            raise VerificationFailed(f"there are {len(alarms)} alarms of {_SIGNAL}, and one is right")
        alarm = alarms[0]
        marks = {one["Name"]: one["Value"] for one in alarm["Dimensions"]}
        wanted = dict(zip(DIMENSIONS, (program.ENDPOINT, program.MONITOR), strict=True))
        if marks != wanted:
            raise VerificationFailed(f"alarm {alarm['AlarmName']} goes by {marks}, and {wanted} is right")
        if alarm["StateValue"] != "ALARM":
            return None
        said = ", ".join(f"{name} {value}" for name, value in sorted(marks.items()))
        return f"alarm {alarm['AlarmName']} ({said}) is in ALARM: {alarm.get('StateReason', '')}".rstrip(": ")

    def forget(self, told: Told) -> Sequence[str]:
        """Stop what runs, and delete the versions, which keep their group from going, and what jobs have printed.

        Files and captured data go with their bucket.
        """
        prefix, gone = f"{_space(told)}-", list[str]()
        sagemaker = _client(told, "sagemaker")
        with asking(f"what the runs of {prefix}… have made"):
            # A prefix may not end in a hyphen.
            pipelines = _all(sagemaker, "list_pipelines", "PipelineSummaries", PipelineNamePrefix=_space(told))
            for name in (one["PipelineName"] for one in pipelines if one["PipelineName"].startswith(prefix)):
                runs = _all(sagemaker, "list_pipeline_executions", "PipelineExecutionSummaries", PipelineName=name)
                for run in runs:
                    gone += _ended(told, run["PipelineExecutionArn"], run["PipelineExecutionStatus"])
            by = {"NameContains": _space(told)}
            for group in _all(sagemaker, "list_model_package_groups", "ModelPackageGroupSummaryList", **by):
                name = group["ModelPackageGroupName"]
                if not name.startswith(prefix):
                    continue
                by = {"ModelPackageGroupName": name}
                for package in _all(sagemaker, "list_model_packages", "ModelPackageSummaryList", **by):
                    sagemaker.delete_model_package(ModelPackageName=package["ModelPackageArn"])
                    gone.append(f"version {package['ModelPackageVersion']} of {name}")
        return gone

    def left(self, told: Told) -> Sequence[str]:
        """Look through the lists of the account for names of the platform."""
        space = _space(told)
        ours = re.compile(rf"(?:^|[/:]){'[-_]'.join(map(re.escape, space.split('-')))}(?:[-_/]|$)")
        found = [f"{kind.what} {name}" for kind in _KINDS for name in _listed(told, kind, space) if ours.search(name)]
        for kind in _OWN:
            found += [f"{kind.what} {name}" for name in _listed(told, kind, space, tagged=True)]
        return found

    @staticmethod
    def _alarms(told: Told, prefix: str) -> list[dict[str, Any]]:
        with asking(f"alarms {prefix}…"):
            return _all(_client(told, "cloudwatch"), "describe_alarms", "MetricAlarms", AlarmNamePrefix=prefix)


def _is_region(region: str) -> bool:
    import botocore.session  # noqa: PLC0415 (only a verification on AWS needs it here)
    from botocore.exceptions import UnknownRegionError  # noqa: PLC0415 (as above)

    try:
        return bool(botocore.session.Session().get_partition_for_region(region))
    except UnknownRegionError:
        return False


def _space(told: Told) -> str:
    return physical(told["name"], STAGE)


def _client(told: Told, service: str) -> Any:
    return sessions.client(None, service, told["region"])


def _all(asked: Any, call: str, of: str, **by: str) -> list[dict[str, Any]]:
    """List all there is before anything of it is deleted.

    :param of: the member of each page.
    """
    return [one for page in asked.get_paginator(call).paginate(**by) for one in page[of]]


def _listed(told: Told, kind: _Kind, space: str, *, tagged: bool = False) -> Iterator[str]:
    """Yield the names of a list; of one that Pulumi names, those that have the platform's tags."""
    asked = _client(told, kind.service)
    with asking(f"what is left: {kind.service} {kind.call}"):
        by = {key: value.format(space) for key, value in kind.by.items()}
        for one in _all(asked, kind.call, kind.of, **by):
            if tagged:
                arn = one[f"{kind.name.removesuffix('Name')}Arn"]
                tags = {tag["Key"]: tag["Value"] for tag in asked.list_tags(ResourceArn=arn)["Tags"]}
                if (tags.get("project"), tags.get("stage")) != (told["name"], STAGE):
                    continue
            yield one[kind.name]


def _ended(told: Told, run: str, status: str) -> Iterator[str]:
    """End a run, and delete what its jobs have printed: their groups of logs are those of all jobs of the account."""
    sagemaker, logs = _client(told, "sagemaker"), _client(told, "logs")
    if status in _STILL:
        if status != "Stopping":
            sagemaker.stop_pipeline_execution(PipelineExecutionArn=run, ClientRequestToken=uuid.uuid4().hex)
        _stopped(sagemaker, run)
        yield f"run {run.rpartition('/')[2]}, which went on"
    for step in _all(sagemaker, "list_pipeline_execution_steps", "PipelineExecutionSteps", PipelineExecutionArn=run):
        for made in step.get("Metadata", {}).values():
            printed = job_log(str(made.get("Arn", "") if isinstance(made, dict) else ""))
            if printed is None:
                continue
            group, job = printed
            try:
                by = {"logGroupName": group, "logStreamNamePrefix": f"{job}/"}
                for stream in (one["logStreamName"] for one in _all(logs, "describe_log_streams", "logStreams", **by)):
                    logs.delete_log_stream(logGroupName=group, logStreamName=stream)
                    yield f"log {stream}"
            except logs.exceptions.ResourceNotFoundException:
                continue


def _stopped(sagemaker: Any, run: str) -> None:
    deadline = time.monotonic() + _STOPS_WITHIN
    while True:
        status = sagemaker.describe_pipeline_execution(PipelineExecutionArn=run)["PipelineExecutionStatus"]
        if status not in _STILL:
            return
        if time.monotonic() > deadline:
            raise VerificationFailed(f"run {run} does not stop within {_STOPS_WITHIN} s")
        time.sleep(1)


GROUND: Ground = _Aws()
