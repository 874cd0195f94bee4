"""Jobs of training, processing and tuning: made, stopped, and run each in a thread. Transform jobs are not run.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTrainingJob.html
"""

import copy
import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from pulumi_mlops_sandbox.aws.call import Account, Call
from pulumi_mlops_sandbox.aws.errors import invalid
from pulumi_mlops_sandbox.aws.events import announce
from pulumi_mlops_sandbox.aws.executions.account import Role, RoleHands
from pulumi_mlops_sandbox.aws.executions.jobs import Job, JobError, LateError, best, measure, trials
from pulumi_mlops_sandbox.aws.hooks import own
from pulumi_mlops_sandbox.aws.sagemaker import references
from pulumi_mlops_sandbox.aws.sagemaker.kinds import PROCESSING, TRAINING, TRANSFORM, TUNING
from pulumi_mlops_sandbox.aws.store import TAGS, Kind, Record, listing, now
from pulumi_mlops_sandbox.running.images import NoStandInError
from pulumi_mlops_sandbox.running.jobs import remove

log = logging.getLogger(__name__)
Json = dict[str, Any]
GOING = frozenset({"InProgress", "Stopping"})
_LOST = "InternalServerError: the sandbox was stopped while it ran"
_NO_TRANSFORM = "The sandbox does not run transform jobs, so nothing was transformed"


@dataclass(frozen=True)
class How:
    """How jobs of a kind are run and told of."""

    kind: Kind
    event: str
    times: tuple[str, str]
    """The members that tell when it began and ended."""
    run: "Callable[[Running], None]"
    group: str = ""
    """Where its logs are."""


@dataclass
class Running:
    """A job that runs."""

    plane: Account
    how: How
    region: str
    name: str
    stop: threading.Event

    @property
    def record(self) -> Record:
        """What is known of it, to be changed under the lock."""
        return self.plane.store.get(self.how.kind, self.region, self.name)

    def job(self) -> Job:
        """Prepare what is given to its containers."""
        with self.plane.lock:
            said = {key: value for key, value in copy.deepcopy(self.record).items() if not key.startswith("_")}
        role = Role(self.plane, said["RoleArn"], self.region)
        arn, root = said[self.how.kind.arn_field], self.plane.jobs.scratch()
        return Job(self.name, arn, self.region, said, RoleHands(role, self.how.group), root, self.stop)


def _run_container(running: Running, what: Callable[[Job], None]) -> None:
    job = running.job()
    try:
        what(job)
    finally:
        with running.plane.lock:
            running.record.update(job.found)
        remove(job.root)


def _tune(running: Running) -> None:
    """Run all trials, so many at a time, and find the best."""
    plane, region = running.plane, running.region
    with plane.lock:
        said = copy.deepcopy(running.record)
    config, definition = said["HyperParameterTuningJobConfig"], said.get("TrainingJobDefinition")
    if definition is None:
        raise JobError("ClientError: the sandbox tunes one TrainingJobDefinition, not several")
    objective = config.get("HyperParameterTuningJobObjective") or definition.get("TuningObjective")
    arn = said[TUNING.arn_field]

    def attempt(trial: tuple[str, Mapping[str, str]]) -> None:
        name, values = trial
        if running.stop.is_set():
            return
        body = {
            key: value for key, value in definition.items() if key not in {"StaticHyperParameters", "TuningObjective"}
        }
        given = {**definition.get("StaticHyperParameters", {}), **values}
        more = {"HyperParameters": given | {"_tuning_objective_metric": objective["MetricName"]}}
        with plane.lock:
            _begin(plane, region, HOW[TRAINING.name], {**body, "TrainingJobName": name, **more}, TuningJobArn=arn)
        run(Running(plane, HOW[TRAINING.name], region, name, running.stop))

    with ThreadPoolExecutor(int(config["ResourceLimits"].get("MaxParallelTrainingJobs", 1))) as pool:
        list(pool.map(attempt, trials(said, running.name)))
    with plane.lock:
        jobs = [one for one in plane.store.all(TRAINING, region).values() if one.get("TuningJobArn") == arn]
        running.record.update(_counted(jobs, objective))
        found = best(jobs, objective)
        if found is not None:
            running.record["BestTrainingJob"] = _summary(found, objective)
    if found is None and not running.stop.is_set():
        raise JobError("All training jobs failed. Please take a look at the training jobs failures to get more details")


def _counted(jobs: list[Record], objective: Json) -> Json:
    ended = [job["TrainingJobStatus"] for job in jobs]
    measured = sum(measure(job, objective) is not None for job in jobs)
    return {
        "TrainingJobStatusCounters": {
            "Completed": ended.count("Completed"),
            "InProgress": sum(one in GOING for one in ended),
            "RetryableError": 0,
            "NonRetryableError": ended.count("Failed"),
            "Stopped": ended.count("Stopped"),
        },
        "ObjectiveStatusCounters": {
            "Succeeded": measured,
            "Pending": sum(one in GOING for one in ended),
            "Failed": len([one for one in ended if one not in GOING]) - measured,
        },
    }


def _summary(job: Record, objective: Json) -> Json:
    """Write a trial as a tuning job tells it."""
    members = ("TrainingJobName", "TrainingJobArn", "CreationTime", "TrainingStartTime", "TrainingEndTime")
    found = {name: job[name] for name in (*members, "TrainingJobStatus", "FailureReason") if name in job}
    tuned = {key: value for key, value in job.get("HyperParameters", {}).items() if key[:1] != "_"}
    value = measure(job, objective)
    result: Json = {"ObjectiveStatus": "Pending" if job["TrainingJobStatus"] in GOING else "Failed"}
    if value is not None:
        metric = {"Type": objective["Type"], "MetricName": objective["MetricName"], "Value": value}
        result = {"ObjectiveStatus": "Succeeded", "FinalHyperParameterTuningJobObjectiveMetric": metric}
    return {**found, "TunedHyperParameters": tuned, **result}


def _transform(_running: Running) -> None:
    raise JobError(_NO_TRANSFORM)


_ALL = (
    How(
        TRAINING,
        "SageMaker Training Job State Change",
        ("TrainingStartTime", "TrainingEndTime"),
        lambda running: _run_container(running, Job.training),
        "/aws/sagemaker/TrainingJobs",
    ),
    How(
        PROCESSING,
        "SageMaker Processing Job State Change",
        ("ProcessingStartTime", "ProcessingEndTime"),
        lambda running: _run_container(running, Job.processing),
        "/aws/sagemaker/ProcessingJobs",
    ),
    How(TUNING, "SageMaker HyperParameter Tuning Job State Change", ("", "HyperParameterTuningEndTime"), _tune),
    How(TRANSFORM, "SageMaker Transform Job State Change", ("TransformStartTime", "TransformEndTime"), _transform),
)
HOW = {how.kind.name: how for how in _ALL}


def key(kind: Kind, region: str, name: str) -> str:
    """Name the thread of a job."""
    return f"{kind.name}/{region}/{name}"


def run(running: Running) -> None:
    """Run a job to its end, and tell how it ended."""
    plane, how = running.plane, running.how
    status, more = "Completed", Json()
    try:
        if (planned := plane.faults.ending("sagemaker", how.kind.name)) is None:
            how.run(running)
        else:
            status, more = "Failed", {"FailureReason": f"InternalServerError: {planned}"}
    except LateError:
        status, more = "Stopped", {"SecondaryStatus": "MaxRuntimeExceeded"}
    except (JobError, NoStandInError) as error:
        status, more = "Failed", {"FailureReason": str(error)}
    except Exception as error:
        log.exception("%s %s", how.kind.name, running.name)
        status, more = "Failed", {"FailureReason": f"InternalServerError: the sandbox failed here: {error!r}"}
    if running.stop.is_set():
        status, more = "Stopped", {}
    with plane.lock:
        _changed(plane, how, running.record, status, more)


def _changed(plane: Account, how: How, record: Record, status: str, more: Mapping[str, Any]) -> None:
    moment = now()
    record.update({f"{how.kind.name}Status": status, "LastModifiedTime": moment})
    if how.kind is TRAINING:
        record["SecondaryStatus"] = {"InProgress": "Training"}.get(status, status)
    record.update(more)
    begun, ended = how.times
    if status not in GOING:
        record[ended] = moment
        if how.kind is TRAINING:
            record["TrainingTimeInSeconds"] = max(1, round((moment - record[begun]).total_seconds()))
            record["BillableTimeInSeconds"] = record["TrainingTimeInSeconds"]
    shown = {name: value for name, value in record.items() if not name.startswith("_")}
    tags = {tag["Key"]: tag["Value"] for tag in record[TAGS]}
    announce(
        str(record[how.kind.arn_field]).split(":")[3], how.event, {**shown, "Tags": tags}, [record[how.kind.arn_field]]
    )
    plane.saver.soon()


def _begin(plane: Account, region: str, how: How, params: Mapping[str, Any], **members: Any) -> Record:
    """Note a new job, which is about to run."""
    record = plane.store.create(how.kind, region, params, **members)
    begun, _ = how.times
    more: Json = {begun: now()} if begun else {}
    if how.kind is TRAINING:
        more |= {"ModelArtifacts": {"S3ModelArtifacts": ""}}
    if how.kind is TUNING:
        more |= _counted([], {"MetricName": ""})
    _changed(plane, how, record, "InProgress", more)
    return record


def _roles(params: Mapping[str, Any]) -> Iterator[str]:
    yield from (
        one for one in (params.get("RoleArn"), (params.get("TrainingJobDefinition") or {}).get("RoleArn")) if one
    )


def _register(how: How) -> None:
    kind = how.kind

    @own("sagemaker", f"Create{kind.name}")
    def create(call: Call) -> dict[str, object]:
        for role in _roles(call.params):
            references.require_role(role)
        for uri in _kept(call.params):
            references.require_bucket(uri)
        record = _begin(call.plane, call.region, how, call.params)
        plane, region, name = call.plane, call.region, str(call.params[kind.id_field])
        plane.jobs.start(key(kind, region, name), lambda stop: run(Running(plane, how, region, name, stop)))
        return {kind.arn_field: record[kind.arn_field]}

    @own("sagemaker", f"Stop{kind.name}")
    def stop(call: Call) -> dict[str, object]:
        record = call.plane.store.get(kind, call.region, call.params[kind.id_field])
        status = record[f"{kind.name}Status"]
        if status not in GOING:
            raise invalid(f"The request was rejected because the job is in status {status}.")
        _changed(call.plane, how, record, "Stopping", {})
        call.plane.jobs.stop(key(kind, call.region, record[kind.id_field]))
        return {}


def _kept(params: Mapping[str, Any]) -> Iterator[str]:
    definition = params.get("TrainingJobDefinition") or params
    if uri := (definition.get("OutputDataConfig") or {}).get("S3OutputPath"):
        yield uri
    for one in (params.get("ProcessingOutputConfig") or {}).get("Outputs", []):
        if "S3Output" in one:
            yield one["S3Output"]["S3Uri"]


for _how in _ALL:
    _register(_how)


@own("sagemaker", "ListTrainingJobsForHyperParameterTuningJob")
def list_trials(call: Call) -> dict[str, Any]:
    """List the trials of a tuning job."""
    tuning = call.plane.store.get(TUNING, call.region, call.params["HyperParameterTuningJobName"])
    objective = tuning["HyperParameterTuningJobConfig"].get("HyperParameterTuningJobObjective") or {"MetricName": ""}
    every = call.plane.store.all(TRAINING, call.region).values()
    own_ones = [one for one in every if one.get("TuningJobArn") == tuning[TUNING.arn_field]]
    by = {"SortBy": "Name", "SortOrder": "Ascending"}
    found = listing(TRAINING, {**by, **call.params}, own_ones)
    found[TRAINING.listed] = [_summary(one, objective) for one in found[TRAINING.listed]]
    return found


def recover(plane: Account) -> None:
    """Note of jobs that ran when the plane was stopped that nothing runs them any more."""
    for kind, _identity, record in list(plane.store.everything()):
        how = HOW.get(kind)
        if how is not None and record.get(f"{kind}Status") in GOING:
            _changed(plane, how, record, "Failed", {"FailureReason": _LOST})
