"""Endpoint on AWS: identity, models, configuration, alarms, the endpoint itself, scaling, invokers."""

import json
from collections.abc import Mapping
from typing import Any, TypedDict

import pulumi_aws as aws
from pulumi import Input, Output, ResourceOptions

from pulumi_mlops.backends.aws import access, leftovers, names, policy, release, rights
from pulumi_mlops.backends.aws.addresses import (
    EndpointAddress,
    ModelVersionAddress,
    PlatformAddress,
)
from pulumi_mlops.backends.aws.bridges import copied
from pulumi_mlops.backends.aws.instances import pick
from pulumi_mlops.backends.aws.scaling import Registered, scale
from pulumi_mlops.backends.aws.workload import container
from pulumi_mlops.components.endpoint import (
    SHADOW,
    EndpointSpec,
    ModelFiles,
    Release,
    Shadow,
    Variant,
    waiting,
)
from pulumi_mlops.components.endpoint_ref import EndpointRef
from pulumi_mlops.components.feature_group import FeatureView
from pulumi_mlops.components.model import ModelVersionRef
from pulumi_mlops.components.platform import PlatformRef
from pulumi_mlops.core.component import Scope
from pulumi_mlops.core.compute import Compute
from pulumi_mlops.core.naming import physical
from pulumi_mlops.core.workload import Place, Topic, Workload, together


def endpoint_name(platform: PlatformRef, name: str) -> str:
    """Name an endpoint in the account."""
    return physical(platform.name, platform.stage, name)


def endpoint(scope: Scope, spec: EndpointSpec) -> EndpointRef:
    """Build the endpoint, or nothing yet while a model waits for its first approval."""
    name = endpoint_name(spec.platform, scope.name)
    if spec.waiting:
        return waiting(scope, spec, EndpointAddress(name=name).plain())

    where = PlatformAddress.of(spec.platform)
    captured = Output.format("{0}captured/{1}/", spec.platform.artifacts, scope.name)
    answers = Output.format("{0}answers/{1}/", spec.platform.artifacts, scope.name)
    writes = [("write", Place(captured))] * bool(spec.capture_percent) + [("write", Place(answers))] * bool(
        spec.mode.asynchronous
    )
    asked = Output.format("{0}requests/{1}/", spec.platform.artifacts, scope.name)
    reads = [("read", Place(asked))] * bool(spec.mode.asynchronous)
    topic = spec.mode.asynchronous.notify if spec.mode.asynchronous else None
    tells = [] if topic is None else [("tell", Topic(topic))]
    workloads = [
        copied(scope, spec, part, workload) for part, workload in zip(spec.parts, spec.workloads(), strict=True)
    ]
    group = f"/aws/sagemaker/Endpoints/{name}"
    role = access.identity(
        scope,
        names.in_account(scope, spec.platform.region, scope.name, "endpoint"),
        spec.platform,
        "sagemaker.amazonaws.com",
        *together(workloads),
        ("write", rights.LogGroup(group)),
        *reads,
        *writes,
        *tells,
    )
    logs = aws.cloudwatch.LogGroup(
        scope.child("logs"),
        name=group,
        retention_in_days=where.log_days,
        kms_key_id=where.key,
        tags=scope.tags,
        opts=scope.opts,
    )
    parts = {
        part.name: _model(scope, spec, part, workload, role.arn)
        for part, workload in zip(spec.parts, workloads, strict=True)
    }
    now = release.serving(spec.platform, name)
    configuration = _configuration(scope, spec, parts, captured, answers, now=now)
    registered = Registered(spec.platform, name, _other_machines(spec, now))
    alarms = [alarm for variant in spec.served for alarm in _alarms(scope, spec, name, variant.name)]
    life = leftovers.FIRST if spec.release.owner == "registry" else leftovers.life(scope, spec.platform, name)
    tags = scope.tags if life == leftovers.FIRST else {**scope.tags, leftovers.LIFE: life}
    live = aws.cloudcontrol.Resource(
        scope.child("endpoint"),
        type_name="AWS::SageMaker::Endpoint",
        desired_state=Output.json_dumps(_desired(tags, spec, name, registered.free(configuration.name), alarms)),
        opts=ResourceOptions.merge(
            scope.opts,
            ResourceOptions(
                depends_on=[logs],
                delete_before_replace=None if life == leftovers.FIRST else True,  # a failed one has the name
                replacement_trigger=life,
                ignore_changes=_let_go(spec.release, ["desiredState"]),
            ),
        ),
    )
    serving = release.name_once_released(scope, spec.release, live, configuration.name, name, undo=registered.restore)
    made = live.desired_state.apply(lambda known: str(json.loads(known or "{}").get("EndpointName", name)))
    serving = names.as_made(scope, serving, made, name, "EndpointName")
    scale(scope, spec, serving, {variant.name: _type(spec, variant) for variant in spec.served}, registered.bounds())
    arn = Output.format("arn:{0}:sagemaker:{1}:{2}:endpoint/{3}", where.partition, where.region, where.account, name)
    call = (
        ["sagemaker:InvokeEndpointAsync"]
        if spec.mode.asynchronous
        else ["sagemaker:InvokeEndpoint", "sagemaker:InvokeEndpointWithResponseStream"]
    )
    invokers = access.let(scope, "invoke", spec.platform, spec.invokers, [policy.allow(call, arn)])
    path = "async-invocations" if spec.mode.asynchronous else "invocations"
    return EndpointRef(
        name=scope.name,
        backend="aws",
        platform=spec.platform,
        url=Output.format(
            "https://runtime.sagemaker.{0}.{1}/endpoints/{2}/{3}", where.region, where.domain, serving, path
        ),
        status="live",
        variants=[variant.name for variant in spec.served],
        captured=captured if spec.capture_percent else None,
        capture_percent=spec.capture_percent,
        records=spec.records,
        address=EndpointAddress(name=serving, arn=arn, logs=logs.name).plain(),
        native={
            "endpoint": live,
            "configuration": configuration,
            "role": role.role,
            "logs": logs,
            **{f"model.{variant}": model for variant, model in parts.items()},
            **invokers,
        },
    )


def _package(served: ModelVersionRef | ModelFiles, workload: Workload[FeatureView]) -> Input[str] | None:
    """Return the model package to serve; none where an image is served with files."""
    if isinstance(served, ModelFiles) or workload.image is not None:
        return None
    return ModelVersionAddress.of(served).arn


def _let_go(how: Release, properties: list[str]) -> list[str] | None:
    return properties if how.owner == "registry" else None


def _model(
    scope: Scope, spec: EndpointSpec, part: Variant, workload: Workload[FeatureView], role: Output[str]
) -> "aws.sagemaker.Model":
    network = PlatformAddress.of(spec.platform)
    return aws.sagemaker.Model(
        scope.child(part.name),
        execution_role_arn=role,
        primary_container=container(workload, _package(part.model, workload)),
        enable_network_isolation=spec.is_isolated and not spec.mode.serverless,
        vpc_config={"subnets": network.subnets, "security_group_ids": network.security_groups}
        if spec.platform.private
        else None,
        tags=scope.tags,
        opts=ResourceOptions.merge(
            scope.opts, ResourceOptions(ignore_changes=_let_go(spec.release, ["primaryContainer"]))
        ),
    )


def _configuration(
    scope: Scope,
    spec: EndpointSpec,
    models: "dict[str, aws.sagemaker.Model]",
    captured: Output[str],
    answers: Output[str],
    *,
    now: release.Serving,
) -> "aws.sagemaker.EndpointConfiguration":
    # The name is Pulumi's own, new with each content: a fixed one would be changed without the endpoint noticing.
    key = PlatformAddress.of(spec.platform).key
    shadow = [_shadow(spec, spec.shadow, models[SHADOW])] if spec.shadow else None
    sizes = [variant.compute for variant in spec.served] + ([spec.shadow.compute] if spec.shadow else [])
    machines = [pick(size or spec.compute) for size in sizes]
    own_disk = any(machine and machine.has_local_disk for machine in machines)
    capture: aws.sagemaker.EndpointConfigurationDataCaptureConfigArgsDict | None = None
    if spec.capture_percent:
        capture = {
            "enable_capture": True,
            "initial_sampling_percentage": spec.capture_percent,
            "destination_s3_uri": captured,
            "kms_key_id": key,
            "capture_options": [{"capture_mode": "Input"}, {"capture_mode": "Output"}],
            "capture_content_type_header": {
                "json_content_types": ["application/json"],
                "csv_content_types": ["text/csv"],
            },
        }
    queue: aws.sagemaker.EndpointConfigurationAsyncInferenceConfigArgsDict | None = None
    if spec.mode.asynchronous:
        topic = spec.mode.asynchronous.notify
        queue = {
            "client_config": {"max_concurrent_invocations_per_instance": spec.mode.asynchronous.max_concurrency}
            if spec.mode.asynchronous.max_concurrency
            else None,
            "output_config": {
                "s3_output_path": answers,
                "s3_failure_path": Output.format("{0}failed/", answers),
                "kms_key_id": key,
                "notification_config": {"success_topic": topic, "error_topic": topic} if topic else None,
            },
        }
    storage_key = None if spec.mode.serverless or own_disk else key
    variants: list[aws.sagemaker.EndpointConfigurationProductionVariantArgsDict]
    variants = [_variant(spec, variant, models[variant.name]) for variant in spec.served]
    mark = release.mark_of([variants, shadow, capture, queue, storage_key])
    attempt = now.next_attempt(mark)
    if not spec.mode.serverless:
        least = max(spec.scaling.min, 1)
        variants = [
            {**variant, "initial_instance_count": now.start(mark, served.name, least) if spec.scaling.moves else least}
            for served, variant in zip(spec.served, variants, strict=True)
        ]
    return aws.sagemaker.EndpointConfiguration(
        scope.child("configuration"),
        production_variants=variants,
        shadow_production_variants=shadow,
        kms_key_arn=storage_key,
        data_capture_config=capture,
        async_inference_config=queue,
        tags={**scope.tags, release.MARK: mark, release.ATTEMPT: attempt},
        opts=ResourceOptions.merge(
            scope.opts,
            ResourceOptions(
                replacement_trigger=None if spec.release.owner == "registry" else attempt,
                ignore_changes=_let_go(
                    spec.release,
                    [
                        "productionVariants",
                        "shadowProductionVariants",
                        "dataCaptureConfig",
                        "asyncInferenceConfig",
                        "kmsKeyArn",
                    ],
                ),
            ),
        ),
    )


def _variant(
    spec: EndpointSpec, variant: Variant, model: "aws.sagemaker.Model"
) -> "aws.sagemaker.EndpointConfigurationProductionVariantArgsDict":
    common: aws.sagemaker.EndpointConfigurationProductionVariantArgsDict = {
        "variant_name": variant.name,
        "model_name": model.name,
        "initial_variant_weight": variant.weight,
    }
    if serverless := spec.mode.serverless:
        capacity: aws.sagemaker.EndpointConfigurationProductionVariantServerlessConfigArgsDict = {
            "memory_size_in_mb": int((spec.compute.memory_gb or 1) * 1024),
            "max_concurrency": serverless.max_concurrency,
            "provisioned_concurrency": serverless.provisioned,
        }
        return {**common, "serverless_config": capacity}
    return {**common, "instance_type": _machine(variant.compute or spec.compute), **_startup(spec)}


class _Startup(TypedDict, total=False):
    container_startup_health_check_timeout_in_seconds: int
    model_data_download_timeout_in_seconds: int


def _startup(spec: EndpointSpec) -> _Startup:
    """Allow the time for loading the files, and the same again for the server to be ready with them."""
    if spec.serve.startup_minutes is None:
        return {}
    seconds = spec.serve.startup_minutes * 60
    return {
        "container_startup_health_check_timeout_in_seconds": seconds,
        "model_data_download_timeout_in_seconds": seconds,
    }


def _shadow(
    spec: EndpointSpec, shadow: Shadow, model: "aws.sagemaker.Model"
) -> "aws.sagemaker.EndpointConfigurationShadowProductionVariantArgsDict":
    # AWS copies weight / (sum of weights) of requests; with the one production variant at 1 that is percent / 100.
    found: aws.sagemaker.EndpointConfigurationShadowProductionVariantArgsDict = {
        "variant_name": SHADOW,
        "model_name": model.name,
        "initial_variant_weight": shadow.percent / 100,
        "instance_type": _machine(shadow.compute or spec.compute),
        "initial_instance_count": max(spec.scaling.min, 1),
    }
    return {**found, **_startup(spec)}


def _type(spec: EndpointSpec, variant: Variant) -> str:
    return "" if spec.mode.serverless else _machine(variant.compute or spec.compute)


def _other_machines(spec: EndpointSpec, now: release.Serving) -> list[str]:
    """Name the variants that get another instance type than they have."""
    return [
        variant.name
        for variant in spec.served
        if now.machines.get(variant.name, "") not in ("", _type(spec, variant)) and spec.release.owner != "registry"
    ]


def _machine(compute: Compute) -> str:
    machine = pick(compute)
    if machine is None:
        raise LookupError(f"no machine for {compute}, which checks.py should have refused")
    return machine.name


def _desired(
    tags: Mapping[str, str],
    spec: EndpointSpec,
    name: str,
    configuration: Output[str],
    alarms: list[aws.cloudwatch.MetricAlarm],
) -> dict[str, Any]:
    """Describe the endpoint for Cloud Control, which changes the alarms of a release in place.

    The classic resource replaces the endpoint for that
    (https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sagemaker-endpoint.html).
    """
    desired: dict[str, Any] = {
        "EndpointName": name,
        "EndpointConfigName": configuration,
        "Tags": [{"Key": key, "Value": value} for key, value in sorted(tags.items())],
    }
    if spec.mode.serverless:
        return desired
    names = [*(alarm.name for alarm in alarms), *spec.release.rollback_alarms]
    return desired | {
        "DeploymentConfig": {
            "BlueGreenUpdatePolicy": release.traffic(spec.release),
            "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": alarm} for alarm in names]},
        }
    }


def _alarms(scope: Scope, spec: EndpointSpec, endpoint: str, variant: str) -> list[aws.cloudwatch.MetricAlarm]:
    """Watch errors, and latency where asked (https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html)."""
    common: dict[str, Any] = {
        "namespace": "AWS/SageMaker",
        "dimensions": {"EndpointName": endpoint, "VariantName": variant},
        "comparison_operator": "GreaterThanThreshold",
        "period": 60,
        "evaluation_periods": 2,
        "treat_missing_data": "notBreaching",
        "alarm_actions": [PlatformAddress.of(spec.platform).topic],
        "tags": scope.tags,
        "opts": names.kept(scope),
    }
    # The average of this metric is the share of requests that failed.
    errors = aws.cloudwatch.MetricAlarm(
        scope.child(f"{variant}-errors"),
        name=f"{endpoint}-{variant}-errors-{names.mark()}",
        metric_name="Invocation5XXErrors",
        statistic="Average",
        threshold=spec.health.errors_percent / 100,
        **common,
    )
    if spec.health.latency_ms is None:
        return [errors]
    # ModelLatency is in microseconds.
    latency = aws.cloudwatch.MetricAlarm(
        scope.child(f"{variant}-latency"),
        name=f"{endpoint}-{variant}-latency-{names.mark()}",
        metric_name="ModelLatency",
        extended_statistic="p99",
        threshold=spec.health.latency_ms * 1000,
        **common,
    )
    return [errors, latency]
