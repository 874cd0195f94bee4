"""Monitors by SageMaker Model Monitor, for accounts that have it: AWS takes no new ones.

It compares what came since the last look with statistics that its own baselining has left, in an image of AWS's, and
puts a metric for each feature. https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-data-quality.html
"""

import re
from collections.abc import Iterator
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output

from pulumi_mlops.backends.aws import access, names, rights
from pulumi_mlops.backends.aws.addresses import EndpointAddress, PlatformAddress
from pulumi_mlops.backends.aws.machines import PROCESSING
from pulumi_mlops.components.dataset_ref import DatasetView
from pulumi_mlops.components.monitor import MonitorRef, MonitorSpec
from pulumi_mlops.components.monitor_signals import MonitorSignal
from pulumi_mlops.components.monitor_signals import names as called
from pulumi_mlops.core.component import Scope
from pulumi_mlops.core.errors import Problem
from pulumi_mlops.core.inputs import is_deferred
from pulumi_mlops.core.workload import Image, Place

NAMESPACE = "aws/sagemaker/Endpoints/data-metrics"
"""Where Model Monitor puts what it measures. AWS's guide writes it in another way than programs that read it do; an
alarm of a namespace that is not there says nothing of it."""
DIMENSIONS = ("Endpoint", "MonitoringSchedule")
"""The dimensions of every metric."""
METRIC = "feature_baseline_drift_{0}"
"""What the distance of a feature from its baseline is called."""
STATISTICS, CONSTRAINTS = "statistics.json", "constraints.json"
"""What baselining leaves in its folder."""
ACCOUNTS = {
    "ap-east-1": "001633400207",
    "ap-northeast-1": "574779866223",
    "ap-northeast-2": "709848358524",
    "ap-south-1": "126357580389",
    "ap-southeast-1": "245545462676",
    "ap-southeast-2": "563025443158",
    "ca-central-1": "536280801234",
    "cn-north-1": "453000072557",
    "cn-northwest-1": "453252182341",
    "eu-central-1": "048819808253",
    "eu-north-1": "895015795356",
    "eu-west-1": "468650794304",
    "eu-west-2": "749857270468",
    "eu-west-3": "680080141114",
    "me-south-1": "607024016150",
    "sa-east-1": "539772159869",
    "us-east-1": "156813124566",
    "us-east-2": "777275614652",
    "us-west-1": "890145073186",
    "us-west-2": "159807026194",
}
"""The account of AWS's that has the image, by region."""
_LOGS = "/aws/sagemaker/ProcessingJobs"
_IMAGE = "sagemaker-model-monitor-analyzer"
_HOURLY = re.compile(r"0 \* \* \* \*")
_DAILY = re.compile(r"0 (?P<hour>\d{1,2}) \* \* \*")
_HOUR, _DAY = 1, 24
_DISK_GB = 30
_INPUT, _OUTPUT = "/opt/ml/processing/input/captured", "/opt/ml/processing/output"
_MOST_HOURS = 1
"""How long a look may take: Model Monitor begins another one every hour."""


def image(region: str) -> str | None:
    """Return AWS's own image of a region."""
    account = ACCOUNTS.get(region)
    domain = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return f"{account}.dkr.ecr.{region}.{domain}/{_IMAGE}" if account else None


def every_hours(cron: str) -> int | None:
    """Say how long it is between two looks; None where Model Monitor takes no such times.

    >>> every_hours("0 * * * *"), every_hours("0 6 * * *"), every_hours("30 6 * * *")
    (1, 24, None)
    """
    return _HOUR if _HOURLY.fullmatch(cron) else _DAY if _DAILY.fullmatch(cron) else None


def expression(cron: str) -> str:
    """Write the times of a schedule.

    >>> expression("0 * * * *"), expression("0 6 * * *")
    ('cron(0 * ? * * *)', 'cron(0 6 ? * * *)')
    """
    daily = _DAILY.fullmatch(cron)
    return f"cron(0 {daily['hour'] if daily else '*'} ? * * *)"


def managed_monitor(scope: Scope, spec: MonitorSpec) -> MonitorRef:
    """Make the definition, the schedule, and an alarm for each signal."""
    platform, at = spec.platform, PlatformAddress.of(spec.platform)
    reports = Output.format("s3://{0}/monitors/{1}/", at.bucket, scope.name)
    role_name = names.in_account(scope, platform.region, scope.name, "monitor")
    taken = spec.image or Output.from_input(at.region).apply(lambda region: image(region) or "")
    assert isinstance(spec.baseline, DatasetView)  # noqa: S101 (anything else was refused)
    role = access.identity(
        scope,
        role_name,
        platform,
        "sagemaker.amazonaws.com",
        ("pull", Image(taken)),
        ("read", spec.baseline),
        ("read", Place(spec.endpoint.requests(hours=1).folder)),
        ("write", Place(reports)),
        ("write", rights.LogGroup(_LOGS)),
    )
    definition = _definition(scope, spec, taken, role.arn, reports)
    schedule = aws.sagemaker.MonitoringSchedule(
        scope.child("schedule"),
        name=names.of_stack(scope, scope.name, limit=63),
        monitoring_schedule_config={
            "monitoring_job_definition_name": definition.name,
            "monitoring_type": "DataQuality",
            "schedule_config": {"schedule_expression": expression(spec.schedule.cron)},
        },
        tags=scope.tags,
        opts=scope.opts,
    )
    alarms = {
        name: _alarm(scope, spec, name, signal, schedule.name)
        for name, signal in zip(called(spec.signals), spec.signals, strict=True)
    }
    native: dict[str, pulumi.Resource] = {"definition": definition, "schedule": schedule, "role": role.role}
    native |= {f"alarm.{name}": made for name, made in alarms.items()}
    return MonitorRef(
        name=scope.name,
        backend="aws",
        platform=platform,
        endpoint=spec.endpoint.name,
        status="live",
        reports=reports,
        signals=list(alarms),
        alarms={name: made.name for name, made in alarms.items()},
        native=native,
    )


def _definition(
    scope: Scope, spec: MonitorSpec, taken: Input[str], role: Input[str], reports: Input[str]
) -> "aws.sagemaker.DataQualityJobDefinition":
    """Say what a look is. It never changes: another one is another definition, to which the schedule goes over."""
    at, machine = PlatformAddress.of(spec.platform), PROCESSING.pick(spec.compute)
    assert machine is not None  # noqa: S101 (judged before)
    assert isinstance(spec.baseline, DatasetView)  # noqa: S101 (as above)
    folder = spec.baseline.dataset.location
    key = {} if machine.has_local_disk else {"volume_kms_key_id": at.key}
    size: Any = {"instance_count": 1, "instance_type": machine.name, "volume_size_in_gb": _DISK_GB, **key}
    inside: Any = {"vpc_config": {"security_group_ids": list(at.security_groups), "subnets": list(at.subnets)}}
    return aws.sagemaker.DataQualityJobDefinition(
        scope.child("definition"),
        data_quality_app_specification={
            "image_uri": taken,
            "environment": {"publish_cloudwatch_metrics": "Enabled"},
        },
        data_quality_baseline_config={
            "statistics_resource": {"s3_uri": Output.format("{0}{1}", folder, STATISTICS)},
            "constraints_resource": {"s3_uri": Output.format("{0}{1}", folder, CONSTRAINTS)},
        },
        data_quality_job_input={
            "endpoint_input": {"endpoint_name": EndpointAddress.of(spec.endpoint).name, "local_path": _INPUT}
        },
        data_quality_job_output_config={
            "kms_key_id": at.key,
            "monitoring_outputs": {
                "s3_output": {"s3_uri": reports, "local_path": _OUTPUT, "s3_upload_mode": "EndOfJob"}
            },
        },
        job_resources={"cluster_config": size},
        network_config=inside if spec.platform.private else None,
        stopping_condition={"max_runtime_in_seconds": round(min(spec.max_hours, _MOST_HOURS) * 3600)},
        role_arn=role,
        tags=scope.tags,
        opts=scope.opts,
    )


def _alarm(
    scope: Scope, spec: MonitorSpec, name: str, signal: MonitorSignal, schedule: Input[str]
) -> "aws.cloudwatch.MetricAlarm":
    """Make the alarm of a feature's distance: what was measured last counts until something else is."""
    (feature,) = signal.features
    part = name.replace("_", "-")
    return aws.cloudwatch.MetricAlarm(
        scope.child(f"alarm-{part}"),
        name=names.of_stack(scope, scope.name, part, limit=255),
        alarm_description=f"{feature} of endpoint {spec.endpoint.name} drifts by more than {signal.bound:g}",
        namespace=NAMESPACE,
        metric_name=METRIC.format(feature),
        dimensions=dict(zip(DIMENSIONS, (EndpointAddress.of(spec.endpoint).name, schedule), strict=True)),
        statistic="Maximum",
        comparison_operator="GreaterThanThreshold",
        threshold=signal.bound,
        period=3600,
        evaluation_periods=1,
        treat_missing_data="ignore",
        alarm_actions=[PlatformAddress.of(spec.platform).topic] if spec.alerts else [],
        tags=scope.tags,
        opts=names.kept(scope),
    )


_ELSEWHERE = "leave managed out, and the library's own program does it"


def managed_problems(spec: MonitorSpec) -> Iterator[Problem]:
    """Refuse what Model Monitor does not do: the engine of the library does it."""
    for index, signal in enumerate(spec.signals):
        yield from _unmeasured(f"signals[{index}]", signal)
    yield from _untimely(spec)
    if not isinstance(spec.baseline, DatasetView):
        told = f"is the folder with {STATISTICS} and {CONSTRAINTS} that Model Monitor's own baselining leaves"
        yield Problem("baseline", f"{told}; write a version of a dataset there, rows.latest()")
    if spec.on_breach is not None:
        told = "Model Monitor starts nothing; write Pipeline(triggers=[{'alarm': monitor.alarms['data_drift']}])"
        yield Problem("on_breach", f"{told}, or {_ELSEWHERE}")
    if "minimum_rows" in spec.model_fields_set:
        yield Problem("minimum_rows", f"Model Monitor judges however few there are; leave it out, or {_ELSEWHERE}")
    region = PlatformAddress.of(spec.platform).region
    if spec.image is None and not is_deferred(region) and image(str(region)) is None:
        yield Problem("image", f"is required: it is not known here in which account of {region} AWS's image is")
    yield from PROCESSING.problems("compute", spec.compute)


def _unmeasured(where: str, signal: MonitorSignal) -> Iterator[Problem]:
    if signal.kind != "data_drift":
        yield Problem(f"{where}.kind", f"Model Monitor measures data_drift here, and no {signal.kind}; {_ELSEWHERE}")
        return
    if signal.metric is not None:
        told = "Model Monitor measures the largest difference of two distributions, and nothing else"
        yield Problem(f"{where}.metric", f"{told}; leave it out")
    if len(signal.features) != 1:
        told = "Model Monitor measures each feature by itself; write a signal for each, with features=['age']"
        yield Problem(f"{where}.features", told)


def _untimely(spec: MonitorSpec) -> Iterator[Problem]:
    """Refuse times that Model Monitor does not keep, and another window than that between two looks."""
    hours = every_hours(spec.schedule.cron)
    if hours is None or spec.schedule.timezone != "UTC":
        told = "Model Monitor looks every hour, or every day at an hour of UTC"
        yield Problem("schedule", f"{told}; write {{'cron': '0 * * * *'}} or {{'cron': '0 6 * * *'}}, or {_ELSEWHERE}")
    elif spec.window_hours != hours:
        told = f"Model Monitor looks at what came since the last look, {hours} h before; write window_hours={hours}"
        yield Problem("window_hours", told)
