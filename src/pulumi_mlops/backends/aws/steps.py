"""Steps of a pipeline as SageMaker Pipelines writes them: JSON whose arguments are those of the API's own calls.

https://aws-sagemaker-mlops.github.io/sagemaker-model-building-pipeline-definition-JSON-schema/
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pulumi import Input

from pulumi_mlops.backends.aws import branches, expressions
from pulumi_mlops.backends.aws.addresses import ModelAddress, PipelineAddress, PlatformAddress, TrainingClusterAddress
from pulumi_mlops.backends.aws.branches import Branch
from pulumi_mlops.backends.aws.expressions import Json
from pulumi_mlops.backends.aws.instances import Instance
from pulumi_mlops.backends.aws.known import FACTS, FILE, MEASURED, MEASUREMENTS, RECORDS, VERSION_OF, Known, Place
from pulumi_mlops.backends.aws.machines import JOBS, PROCESSING, Machines
from pulumi_mlops.backends.aws.workload import environment
from pulumi_mlops.components.training_ref import TrainingClusterRef
from pulumi_mlops.core.compute import Compute
from pulumi_mlops.core.workload import OURS, variable
from pulumi_mlops.steps.graph import Graph
from pulumi_mlops.steps.register import RegisterStep
from pulumi_mlops.steps.train import TrainStep
from pulumi_mlops.steps.tune import Search, TuneStep
from pulumi_mlops.steps.work import (
    INPUT,
    METRICS,
    OUTPUT,
    PARAMETER,
    RECORD,
    STARTS,
    Work,
    text,
)

PROGRAM = "mlops.program"
"""The channel with the program that starts a step; no input can be called so."""
_COMPARED = {">=": "GreaterThanOrEqualTo", ">": "GreaterThan", "<=": "LessThanOrEqualTo", "<": "LessThan"}
_VERSION = "2020-12-01"
_DISK_GB = 50
_VALUE = 256
"""Characters of a variable's value in a processing job, which takes fewer than a training."""
_TRAINED = "/opt/ml/input/data"
_PROCESSED = "/opt/ml/processing"
_SUSPECT = ["SageMaker.JOB_INTERNAL_ERROR", "SageMaker.CAPACITY_ERROR", "SageMaker.RESOURCE_LIMIT"]
"""What a job can fail of without its program being at fault."""
_TYPES = {bool: "Boolean", int: "Integer", float: "Float", str: "String"}


@dataclass(frozen=True)
class Rendering:
    """A graph, on its way to a definition."""

    graph: Graph
    at: Place

    @cached_property
    def known(self) -> Known:
        """What a run knows of its steps."""
        return Known(self.graph, self.at)

    def definition(self) -> Json:
        """Write the whole definition."""
        return {
            "Version": _VERSION,
            "Parameters": [
                {"Name": name, "Type": _TYPES[type(value)], "DefaultValue": value}
                for name, value in self.graph.parameters.items()
            ],
            "Steps": list(self._within(())),
        }

    def _within(self, branch: Branch) -> Iterator[Json]:
        """Yield the steps that stand just within a branch, and the branches in it."""
        opened: set[int] = set()
        for name in self.graph.order():
            own = self.branches[name]
            if own == branch:
                yield self._step(name)
            elif own[: len(branch)] == branch and own[len(branch)] not in opened:
                opened.add(own[len(branch)])
                yield self._condition(name, own[: len(branch) + 1])

    @cached_property
    def branches(self) -> Mapping[str, Branch]:
        """The branch of each step."""
        return dict(branches.branches(self.graph))

    def _condition(self, name: str, branch: Branch) -> Json:
        condition = next(one for one in self.graph.conditions(name) if id(one) == branch[-1])
        return {
            "Name": f"{name}-when",
            "Type": "Condition",
            "Arguments": {
                "Conditions": [
                    {
                        "Type": _COMPARED[bound.comparison],
                        "LeftValue": self.known.metric(bound.metric),
                        "RightValue": expressions.given(bound.value),
                    }
                    for bound in condition.bounds
                ],
                "IfSteps": list(self._within(branch)),
                "ElseSteps": [],
            },
        }

    def _step(self, name: str) -> Json:
        step = self.graph.steps[name]
        if isinstance(step, TuneStep):
            return {"Name": name, "Type": "Tuning", "Arguments": self._tuning(name, step), **_again(step.fit)}
        if isinstance(step, TrainStep):
            return {"Name": name, "Type": "Training", "Arguments": self._training(name, step), **_again(step)}
        if isinstance(step, RegisterStep):
            return {"Name": name, "Type": "RegisterModel", "Arguments": self._registering(step)}
        assert isinstance(step, Work)  # noqa: S101 (there are no others)
        found = {"Name": name, "Type": "Processing", "Arguments": self._processing(name, step), **_again(step)}
        files = {**({MEASUREMENTS: FILE} if step.metrics else {}), **({RECORDS: FACTS} if step.datasets else {})}
        if files:
            found["PropertyFiles"] = [
                {"PropertyFileName": called, "OutputName": MEASURED, "FilePath": file} for called, file in files.items()
            ]
        return found

    def _training(self, name: str, step: TrainStep) -> Json:
        """Write what CreateTrainingJob takes."""
        found = self._job(name, step)
        whole = step.started(f"{_TRAINED}/{PROGRAM}")
        found["AlgorithmSpecification"] |= {"ContainerEntrypoint": whole[:2], "ContainerArguments": whole[2:]}
        return found

    def _tuning(self, name: str, step: TuneStep) -> Json:
        """Write what CreateHyperParameterTuningJob takes."""
        trial = step.trial()
        job = self._job(name, trial)
        # A tuning job has no place for a command: the image's own entry point starts the program, which finds it here.
        job["Environment"]["MLOPS_COMMAND"] = json.dumps(trial.started(f"{_TRAINED}/{PROGRAM}")[2:])
        if trial.checkpoints:  # all trials have one location
            job["Environment"]["MLOPS_CHECKPOINTS"] = "/opt/ml/checkpoints/$(TRAINING_JOB_NAME)"
        job["StaticHyperParameters"] = {}
        return {
            "HyperParameterTuningJobConfig": {
                "Strategy": "Bayesian",
                "ResourceLimits": {
                    "MaxNumberOfTrainingJobs": step.trials,
                    "MaxParallelTrainingJobs": step.parallel,
                },
                "HyperParameterTuningJobObjective": {
                    "Type": "Maximize" if step.maximize else "Minimize",
                    "MetricName": step.objective,
                },
                "ParameterRanges": ranges(step.over),
            },
            "TrainingJobDefinition": job,
        }

    def _job(self, name: str, step: TrainStep) -> Json:
        """Write what a training and a trial have in common."""
        where = PlatformAddress.of(self.at.platform)
        said = self._environment(name, step)
        said |= {variable(INPUT, one): f"{_TRAINED}/{one}" for one in step.inputs}
        said |= {variable(OUTPUT, one): _trained_into(one) for one in step.outputs}
        if step.metrics:
            said[METRICS] = f"/tmp/mlops/{FILE}"  # noqa: S108 (in the container)
        said[RECORD] = f"/opt/ml/output/data/{FACTS}"
        found: Json = {
            "AlgorithmSpecification": {
                "TrainingImage": step.image,
                "TrainingInputMode": "File",
                "MetricDefinitions": [
                    *({"Name": one, "Regex": f"mlops-metric {one}=([0-9eE.+-]+);"} for one in step.metrics),
                    *(
                        {"Name": f"{VERSION_OF}{one}", "Regex": f"mlops-version {one.replace('-', '_')}=([0-9]+);"}
                        for one in step.datasets
                    ),
                ],
            },
            "InputDataConfig": [
                _channel(PROGRAM, self.at.program),
                *(_channel(one, folder) for one, folder in self.known.brought(step).items()),
            ],
            "OutputDataConfig": {
                "S3OutputPath": self.known.run(name),
                "KmsKeyId": where.key,
                "CompressionType": "NONE",
            },
            "ResourceConfig": {**_on(_trainer(step), where.key), "InstanceCount": step.nodes},
            "StoppingCondition": {"MaxRuntimeInSeconds": _seconds(step)},
            "Environment": said,
            "RoleArn": self.at.role,
        }
        if step.cluster is not None:
            _on_terms(found, step.cluster)
        if step.nodes > 1:
            found["EnableInterContainerTrafficEncryption"] = True
        if step.checkpoints:
            said["MLOPS_CHECKPOINTS"] = "/opt/ml/checkpoints"
            kept = expressions.joined(self.known.run(name), "checkpoints")
            found["CheckpointConfig"] = {"S3Uri": kept, "LocalPath": "/opt/ml/checkpoints"}
        if self.at.platform.private:
            groups = TrainingClusterAddress.of(step.cluster).security_groups if step.cluster else where.security_groups
            found["VpcConfig"] = {"SecurityGroupIds": list(groups), "Subnets": list(where.subnets)}
        return found

    def _processing(self, name: str, step: Work) -> Json:
        """Write what CreateProcessingJob takes."""
        where = PlatformAddress.of(self.at.platform)
        whole = step.started(f"{_PROCESSED}/input/{PROGRAM}")
        made = [*step.outputs, MEASURED]
        said = self._environment(name, step)
        said |= {variable(INPUT, one): f"{_PROCESSED}/input/{one}" for one in step.inputs}
        said |= {variable(OUTPUT, one): f"{_PROCESSED}/output/{one}" for one in step.outputs}
        if step.metrics:
            said[METRICS] = f"{_PROCESSED}/output/{MEASURED}/{FILE}"
        said[RECORD] = f"{_PROCESSED}/output/{MEASURED}/{FACTS}"
        taken = {PROGRAM: self.at.program, **self.known.brought(step)}
        found: Json = {
            "AppSpecification": {
                "ImageUri": step.image,
                "ContainerEntrypoint": whole[:2],
                "ContainerArguments": whole[2:],
            },
            "ProcessingInputs": [
                {
                    "InputName": one,
                    "S3Input": {
                        "S3Uri": uri,
                        "LocalPath": f"{_PROCESSED}/input/{one}",
                        "S3DataType": "S3Prefix",
                        "S3InputMode": "File",
                    },
                }
                for one, uri in taken.items()
            ],
            "ProcessingResources": {
                "ClusterConfig": {**_on(_found(PROCESSING, step.machine), where.key), "InstanceCount": 1}
            },
            "StoppingCondition": {"MaxRuntimeInSeconds": _seconds(step)},
            "Environment": said,
            "RoleArn": self.at.role,
        }
        outputs = [
            {
                "OutputName": one,
                "S3Output": {
                    "S3Uri": expressions.joined(self.known.run(name), one, ""),
                    "LocalPath": f"{_PROCESSED}/output/{one}",
                    "S3UploadMode": "EndOfJob",
                },
            }
            for one in made
        ]
        found["ProcessingOutputConfig"] = {"Outputs": outputs, "KmsKeyId": where.key}
        if self.at.platform.private:
            network = {"SecurityGroupIds": list(where.security_groups), "Subnets": list(where.subnets)}
            found["NetworkConfig"] = {"VpcConfig": network}
        return found

    def _registering(self, step: RegisterStep) -> Json:
        """Write what CreateModelPackage takes."""
        found: Json = {
            "ModelPackageGroupName": ModelAddress.of(step.model).group,
            "ModelApprovalStatus": "PendingManualApproval",
            "CustomerMetadataProperties": {
                **step.metadata,
                **self.known.lineage(step.files.step),
                **{one.name: expressions.as_text(self.known.metric(one)) for one in step.noted()},
            },
        }
        source = {
            "S3DataSource": {
                "S3Uri": self.known.folder(step.files),
                "S3DataType": "S3Prefix",
                "CompressionType": "None",
            }
        }
        found["InferenceSpecification"] = {
            "Containers": [{"Image": step.image, "ModelDataSource": source}],
            "SupportedContentTypes": ["application/json", "text/csv"],
            "SupportedResponseMIMETypes": ["application/json", "text/csv"],
        }
        return found

    def _environment(self, name: str, step: Work) -> Json:
        """Return the variables that a step has wherever it runs."""
        wanted: dict[str, Any] = {
            "outputs": list(step.outputs),
            "metrics": list(step.metrics),
            "attempts": step.retries + 1 if step.machines == 1 else 1,
        }
        wanted |= step.fetched
        if step.views:
            wanted["queries"] = list(step.views)
        if step.publish:
            wanted["publish"] = list(step.publish)
        if isinstance(step, TrainStep) and step.launcher:
            wanted |= {"launcher": step.launcher, "processes": step.processes}
        found = {
            **environment(step.workload(name)),
            **{
                variable(PARAMETER, one): expressions.as_text(expressions.given(value))
                for one, value in step.parameters.items()
            },
            **{variable(STARTS, one): PipelineAddress.of(ref).arn for one, ref in step.starts.items()},
            **step.told(),
            **step.published(),
            **self.known.recorded(name, step),
            "MLOPS_STEP": json.dumps(wanted),
        }
        return {part: value for name, whole in found.items() for part, value in _cut(name, whole)}


def ranges(over: Mapping[str, Search]) -> Json:
    """Write where parameters are searched."""
    kinds = ("ContinuousParameterRanges", "IntegerParameterRanges", "CategoricalParameterRanges")
    found: dict[str, list[Json]] = {kind: [] for kind in kinds}
    for name, search in over.items():
        if search.choice:
            found["CategoricalParameterRanges"].append({"Name": name, "Values": [text(one) for one in search.choice]})
            continue
        assert search.ends is not None  # noqa: S101 (one of them is given)
        low, high = search.ends
        kind = "IntegerParameterRanges" if search.integer else "ContinuousParameterRanges"
        scale = "Logarithmic" if search.log_uniform else "Linear"
        found[kind].append({"Name": name, "MinValue": f"{low:g}", "MaxValue": f"{high:g}", "ScalingType": scale})
    return {kind: rows for kind, rows in found.items() if rows}


def _cut(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Cut a value of the library's own that is longer than SageMaker takes; ``step.py`` puts it together."""
    if not isinstance(value, str) or len(value) <= _VALUE or not name.startswith(OURS):
        yield name, value
        return
    for number, start in enumerate(range(0, len(value), _VALUE)):
        yield f"{OURS}PART_{number}_{name.removeprefix(OURS)}", value[start : start + _VALUE]


def _again(step: Work) -> Json:
    """Begin again where the service failed; where a command failed, the program that started it does."""
    if not step.retries:
        return {}
    how = {"BackoffRate": 2.0, "IntervalSeconds": 30, "MaxAttempts": step.retries}
    return {
        "RetryPolicies": [
            {"ExceptionType": ["Step.SERVICE_FAULT", "Step.THROTTLING"], **how},
            {"ExceptionType": _SUSPECT, **how},
        ]
    }


def _channel(name: str, uri: Any) -> Json:
    return {
        "ChannelName": name,
        "DataSource": {
            "S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": uri, "S3DataDistributionType": "FullyReplicated"}
        },
    }


def _trained_into(name: str) -> str:
    return "/opt/ml/model" if name == "model" else f"/opt/ml/output/data/{name}"


def _found(among: Machines, compute: Compute) -> Instance:
    found = among.pick(compute)
    assert found is not None  # noqa: S101 (judged before)
    return found


def _trainer(step: TrainStep) -> Instance:
    if step.cluster is None:
        return _found(JOBS, step.machine)
    return _found(JOBS, Compute(pin={"aws": TrainingClusterAddress.of(step.cluster).instance}))


def _on(machine: Instance, key: Input[str]) -> Json:
    """Write which machine a job has, and the key of its disk where it has none of its own."""
    own = {} if machine.has_local_disk else {"VolumeKmsKeyId": key}
    return {"InstanceType": machine.name, "VolumeSizeInGB": _DISK_GB, **own}


def _on_terms(job: Json, cluster: TrainingClusterRef) -> None:
    """Add the terms of a training cluster to a job."""
    stopping, at = job["StoppingCondition"], TrainingClusterAddress.of(cluster)
    if cluster.max_hours is not None:
        stopping["MaxRuntimeInSeconds"] = min(stopping["MaxRuntimeInSeconds"], int(cluster.max_hours * 3600))
    if cluster.spot_wait_hours is not None:
        job["EnableManagedSpotTraining"] = True
        stopping["MaxWaitTimeInSeconds"] = stopping["MaxRuntimeInSeconds"] + int(cluster.spot_wait_hours * 3600)
    if at.keep_alive_seconds is not None:
        job["ResourceConfig"]["KeepAlivePeriodInSeconds"] = at.keep_alive_seconds


def _seconds(step: Work) -> int:
    return int(step.max_hours * 3600)
