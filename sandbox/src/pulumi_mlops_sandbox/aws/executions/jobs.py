"""What a job of SageMaker's does: it fetches, runs a container on each machine, and keeps what that left.

Nothing here knows the account; files, images and logs are somebody else's (`Hands`).

https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-running-container.html
https://docs.aws.amazon.com/sagemaker/latest/dg/build-your-own-processing-container.html
"""

import datetime as dt
import json
import re
import shutil
import tarfile
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from pulumi_mlops_sandbox.running import search
from pulumi_mlops_sandbox.running.container import Container, Ended
from pulumi_mlops_sandbox.running.images import StandIn

Json = dict[str, Any]
ROOT = "/opt/ml"
_DAY_SECONDS = 86400
_TOLD = 1024
"""Characters of a reason."""


class JobError(Exception):
    """A job failed, for a reason that is told as its ``FailureReason``."""


class Hands(Protocol):
    """What a job does in the account, as its role."""

    def stand_in(self, image: str) -> StandIn:
        """Return what stands in for an image."""
        ...

    def fetch(self, uri: str, folder: Path) -> None:
        """Fetch all that is below an address."""
        ...

    def keep(self, folder: Path, uri: str, key: str | None) -> None:
        """Write all files of a folder below an address."""
        ...

    def say(self, stream: str, lines: Sequence[str]) -> None:
        """Write lines of a log."""
        ...

    def variables(self) -> Mapping[str, str]:
        """Return by which variables a program comes to the account, as the role."""
        ...


@dataclass
class Job:
    """One job."""

    name: str
    arn: str
    region: str
    said: Json
    """What it was made with."""
    hands: Hands
    root: Path
    """A folder of its own."""
    stop: threading.Event
    found: Json = field(default_factory=dict)
    """What is to be told of it when it has ended."""
    hyperparameters: Mapping[str, str] = field(default_factory=dict)
    logged: list[str] = field(default_factory=list)

    def processing(self) -> None:
        """Run a processing job."""
        said, machine = self.said, self._machine("ProcessingResources", "ClusterConfig")
        inputs, outputs = said.get("ProcessingInputs", []), said.get("ProcessingOutputConfig", {})
        kept = [one for one in outputs.get("Outputs", []) if "S3Output" in one]
        how = said["AppSpecification"]
        image = self.hands.stand_in(how["ImageUri"])

        def furnish(container: Container, host: str, hosts: Sequence[str]) -> None:
            for one in inputs:
                source = _source(one, "S3Input", one["InputName"])
                self.hands.fetch(source["S3Uri"], container.place(source["LocalPath"]))
            for one in kept:
                container.place(one["S3Output"]["LocalPath"]).mkdir(parents=True, exist_ok=True)
            config = container.place(f"{ROOT}/config")
            _write(config / "processingjobconfig.json", {**said, "ProcessingJobArn": self.arn})
            _write(config / "resourceconfig.json", {"current_host": host, "hosts": list(hosts)})

        given = {**said.get("Environment", {}), "PROCESSING_JOB_ARN": self.arn, "AWS_REGION": self.region}
        words = _words(image, how, how["ImageUri"])
        ended = self._run(image, words, given, int(machine.get("InstanceCount", 1)), furnish)
        message = ended[0][0].place(f"{ROOT}/output/message")
        if message.is_file():
            self.found["ExitMessage"] = message.read_text(errors="replace")[:_TOLD]
        failed = _failed(ended)
        for container, _ in ended:
            for one in kept if not failed or _continuous(kept) else []:
                place = container.place(one["S3Output"]["LocalPath"])
                self.hands.keep(place, one["S3Output"]["S3Uri"], outputs.get("KmsKeyId"))
        if failed:
            raise JobError("AlgorithmError: See job logs for more information")

    def training(self) -> None:
        """Run a training job."""
        said, machine = self.said, self._machine("ResourceConfig")
        how, out = said["AlgorithmSpecification"], said["OutputDataConfig"]
        image = self.hands.stand_in(how.get("TrainingImage", how.get("AlgorithmName", "")))
        checkpoints = said.get("CheckpointConfig") or {}
        kept_at = checkpoints.get("LocalPath", f"{ROOT}/checkpoints")
        channels = said.get("InputDataConfig", [])

        def furnish(container: Container, host: str, hosts: Sequence[str]) -> None:
            for one in channels:
                place = container.place(f"{ROOT}/input/data/{one['ChannelName']}")
                self.hands.fetch(_source(one["DataSource"], "S3DataSource", one["ChannelName"])["S3Uri"], place)
            for name in ("model", "output/data"):
                container.place(f"{ROOT}/{name}").mkdir(parents=True, exist_ok=True)
            if checkpoints:
                _try_fetch(self.hands, checkpoints["S3Uri"], container.place(kept_at))
            config = container.place(f"{ROOT}/input/config")
            _write(config / "hyperparameters.json", {**said.get("HyperParameters", {}), **self.hyperparameters})
            _write(config / "inputdataconfig.json", {one["ChannelName"]: _channel(one) for one in channels})
            _write(config / "resourceconfig.json", {"current_host": host, "hosts": list(hosts)})

        given = {"TRAINING_JOB_NAME": self.name, "TRAINING_JOB_ARN": self.arn, "AWS_REGION": self.region}
        words = _words(image, how, how.get("TrainingImage", ""), "train")
        more = said.get("Environment", {})
        ended = self._run(image, words, {**more, **given}, int(machine.get("InstanceCount", 1)), furnish)
        if checkpoints and ended[0][0].place(kept_at).is_dir():
            self.hands.keep(ended[0][0].place(kept_at), f"{checkpoints['S3Uri'].rstrip('/')}/", None)
        self.found["FinalMetricDataList"] = self._metrics(how.get("MetricDefinitions", []))
        if failed := _failed(ended):
            why = ended[failed - 1][0].place(f"{ROOT}/output/failure")
            text = why.read_text(errors="replace").strip() if why.is_file() else ended[failed - 1][1].last
            raise JobError(f"AlgorithmError: {text[:_TOLD]}, exit code: {ended[failed - 1][1].code}")
        self._keep_trained([container for container, _ in ended], out)

    def _keep_trained(self, containers: Sequence[Container], out: Json) -> None:
        """Keep the model and what else was left, as archives or as files."""
        start = f"{out['S3OutputPath'].rstrip('/')}/{self.name}/output"
        plain = out.get("CompressionType") == "NONE"
        for container in containers:
            for place, folder, archive in (("model", "model", "model"), ("output/data", "data", "output")):
                source = container.place(f"{ROOT}/{place}")
                if plain:
                    self.hands.keep(source, f"{start}/{folder}/", out.get("KmsKeyId"))
                elif any(source.iterdir()):
                    self.hands.keep(_archive(source, archive), f"{start}/", out.get("KmsKeyId"))
        self.found["ModelArtifacts"] = {"S3ModelArtifacts": f"{start}/model{'/' if plain else '.tar.gz'}"}

    def _machine(self, *path: str) -> Json:
        found = self.said
        for part in path:
            found = found.get(part) or {}
        return found

    def _metrics(self, wanted: Sequence[Json]) -> list[Json]:
        text, moment = "\n".join(self.logged), dt.datetime.now(dt.UTC)
        found = [(one["Name"], re.findall(one["Regex"], text)) for one in wanted]
        return [
            {"MetricName": name, "Value": float(values[-1]), "Timestamp": moment} for name, values in found if values
        ]

    def _run(
        self,
        image: StandIn,
        words: Sequence[str],
        variables: Mapping[str, str],
        machines: int,
        furnish: Callable[[Container, str, Sequence[str]], None],
    ) -> list[tuple[Container, Ended]]:
        """Run the container on each machine: addresses of this one, which are different and can be reached."""
        hosts = [f"127.0.0.{index + 1}" for index in range(machines)] if machines > 1 else ["algo-1"]
        seconds = float(self.said.get("StoppingCondition", {}).get("MaxRuntimeInSeconds", _DAY_SECONDS))
        containers = []
        for index, host in enumerate(hosts, start=1):
            root = self.root / f"algo-{index}"
            container = Container(image, words, variables, root, seconds, self.stop, self._saying(f"algo-{index}"))
            container.more = {**self.hands.variables(), "SAGEMAKER_BASE_DIR": str(container.place(ROOT))}
            furnish(container, host, hosts)
            containers.append(container)
        with ThreadPoolExecutor(len(containers)) as pool:
            ended = list(pool.map(Container.run, containers))
        if any(one.late for one in ended):
            raise LateError
        return list(zip(containers, ended, strict=True))

    def _saying(self, host: str) -> Callable[[list[str]], None]:
        def say(lines: list[str]) -> None:
            self.logged.extend(lines)
            self.hands.say(f"{self.name}/{host}", lines)

        return say


class LateError(Exception):
    """A job ran for longer than it may."""


def trials(said: Json, name: str) -> list[tuple[str, dict[str, str]]]:
    """List the trials of a tuning job: the name of each, and its values."""
    config = said["HyperParameterTuningJobConfig"]
    count = int(config["ResourceLimits"].get("MaxNumberOfTrainingJobs", 1))
    ranges = config.get("ParameterRanges", {})
    found = []
    for index in range(count):
        values = {one["Name"]: _tried(kind, one, index) for kind, rows in ranges.items() for one in rows}
        found.append((f"{name}-{index + 1:03}-{index * 2654435761 % 2**32:08x}", values))
    return found


def _tried(kind: str, said: Json, index: int) -> str:
    if "Values" in said:
        return str(said["Values"][index % len(said["Values"])])
    low, high = float(said["MinValue"]), float(said["MaxValue"])
    value = search.between(low, high, index, logarithmic=said.get("ScalingType") == "Logarithmic")
    return str(round(value)) if kind.startswith("Integer") else repr(value)


def best(jobs: Sequence[Json], objective: Json) -> Json | None:
    """Find the best of some trainings that succeeded."""
    measured = [job for job in jobs if measure(job, objective) is not None]
    choose = max if objective["Type"] == "Maximize" else min
    return choose(measured, key=lambda job: measure(job, objective) or 0.0, default=None)


def measure(job: Json, objective: Json) -> float | None:
    """Return what a training measured of the objective."""
    found = (one["Value"] for one in job.get("FinalMetricDataList", []) if one["MetricName"] == objective["MetricName"])
    return next(found, None) if job.get("TrainingJobStatus", "Completed") == "Completed" else None


def _words(image: StandIn, how: Json, address: str, default: str = "") -> list[str]:
    """Return the command line of a container: the job's own, else what its image starts."""
    named = how.get("ContainerEntrypoint")
    start = list(named or image.entrypoint)
    if not start:
        raise JobError(
            f"ClientError: the job names no command, and the sandbox knows no entry point of {address}: "
            "pulumi-mlops sandbox image … --entrypoint 'COMMAND'"
        )
    arguments = how.get("ContainerArguments") or ([default] if default and not named else [])
    return [*start, *arguments]


def _source(said: Json, member: str, name: str) -> Json:
    """Return the files of S3 that an input is, listed by their prefix: the sandbox has no others."""
    found: Json | None = said.get(member)
    if found is None or found.get("S3DataType", "S3Prefix") != "S3Prefix":
        raise JobError(f"The sandbox fetches prefixes of S3 alone, so nothing ran: input {name} is something else")
    return found


def _failed(ended: Sequence[tuple[Container, Ended]]) -> int:
    """Return the number of the first machine on which it failed, from 1."""
    return next((index for index, (_, one) in enumerate(ended, start=1) if one.code), 0)


def _continuous(outputs: Sequence[Json]) -> bool:
    return any(one["S3Output"].get("S3UploadMode") == "Continuous" for one in outputs)


def _channel(said: Json) -> Json:
    source = said["DataSource"]["S3DataSource"]
    return {
        "TrainingInputMode": said.get("InputMode", "File"),
        "S3DistributionType": source.get("S3DataDistributionType", "FullyReplicated"),
        "RecordWrapperType": said.get("RecordWrapperType", "None"),
    }


def _try_fetch(hands: Hands, uri: str, folder: Path) -> None:
    """Bring back what was kept, where there is anything: a first attempt has nothing."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        hands.fetch(f"{uri.rstrip('/')}/", folder)
    except NothingThereError:
        return


class NothingThereError(JobError):
    """There is nothing at an address."""

    def __init__(self, uri: str, role: str = "") -> None:
        super().__init__(
            f'ClientError: Data download failed:No S3 objects found under S3 URL "{uri}" given in input data source. '
            f"Please ensure that the bucket exists, that objects exist under that S3 prefix, and that the role "
            f'"{role}" has "s3:ListBucket" permissions on the bucket.'
        )


def _write(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, default=str))


def _archive(folder: Path, name: str) -> Path:
    """Pack a folder as the service does, and return the folder with the archive."""
    packed = folder.parent / f".packed-{name}"
    shutil.rmtree(packed, ignore_errors=True)
    packed.mkdir(parents=True)
    with tarfile.open(packed / f"{name}.tar.gz", "w:gz") as archive:
        for one in sorted(folder.iterdir()):
            archive.add(one, arcname=one.name)
    return packed
