"""What stands in for AWS where nothing of the sandbox does, once round the loop; and the events that tell of it."""

import datetime as dt
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import boto3

from pulumi_mlops import images
from pulumi_mlops.core.errors import VerificationFailed
from pulumi_mlops.verify import program
from pulumi_mlops.verify.project import Project, Up
from pulumi_mlops_sandbox.administering import administer
from pulumi_mlops_sandbox.aws.accounts import ACCOUNT
from pulumi_mlops_sandbox.loop import NAME, Answered, Played, only, played

_SPACE = f"{NAME}-dev"
_ENDPOINT = f"{_SPACE}-{program.ENDPOINT}"
_WATCHER = "played-loop"
_SIGNAL = "data_drift"
_IMAGES = ("toy", "drift")
_HEARD = ("SageMaker Model Package State Change", "CloudWatch Alarm State Change")


class Aws:
    """AWS, as somebody with its own tools sees it."""

    region = "us-east-1"
    registry = f"{ACCOUNT}.dkr.ecr.{region}.amazonaws.com"
    image = images.tag(images.TOY)  # its own packages, which the sandbox has

    def __init__(self) -> None:
        self._url = os.environ["AWS_ENDPOINT_URL"]
        self._bucket = ""

    def furnish(self) -> None:
        """Have a repository for each image, and a queue that hears the events of the account."""
        for name in _IMAGES:
            _client("ecr").create_repository(repositoryName=name)
        _client("sqs").create_queue(QueueName=_WATCHER)
        events = _client("events")
        events.put_rule(Name=_WATCHER, EventPattern=json.dumps({"source": ["aws.sagemaker", "aws.cloudwatch"]}))
        target = {"Id": "it", "Arn": f"arn:aws:sqs:{self.region}:{ACCOUNT}:{_WATCHER}"}
        events.put_targets(Rule=_WATCHER, Targets=[target])

    def appeared(self, outputs: Mapping[str, Any]) -> None:
        """Remember the bucket of the platform."""
        self._bucket = str(outputs[NAME]["artifacts"]).removeprefix("s3://").rstrip("/")

    def capture(self, rows: Answered, name: str) -> None:
        """Write a line below the hour."""
        now = dt.datetime.now(dt.UTC)

        def half(mode: str, lines: list[str]) -> dict[str, str]:
            return {"observedContentType": "text/csv", "mode": mode, "data": "\n".join(lines), "encoding": "CSV"}

        asked = [",".join(str(value) for key, value in row.items() if key != program.PREDICTION) for row in rows]
        line = {
            "captureData": {
                "endpointInput": half("INPUT", asked),
                "endpointOutput": half("OUTPUT", [str(row[program.PREDICTION]) for row in rows]),
            },
            "eventMetadata": {"eventId": name, "inferenceTime": f"{now:%Y-%m-%dT%H:%M:%SZ}"},
            "eventVersion": "0",
        }
        key = f"captured/{program.ENDPOINT}/{_ENDPOINT}/main/{now:%Y/%m/%d/%H}/{name}.jsonl"
        _client("s3").put_object(Bucket=self._bucket, Key=key, Body=json.dumps(line).encode())

    def bring(self, project: Project, *, flawed: bool) -> Up:
        """Bring a version up; AWS moves its traffic, and goes back where the alarm of errors goes off."""
        if not flawed:
            return project.up()
        cloudwatch = _client("cloudwatch")
        found = cloudwatch.describe_alarms(AlarmNamePrefix=f"{_ENDPOINT}-main-errors")["MetricAlarms"]
        name = only(found, "the alarm of errors")["AlarmName"]
        cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="each request fails")
        done = project.up()
        cloudwatch.set_alarm_state(AlarmName=name, StateValue="OK", StateReason="it went back")
        return done

    def fire(self) -> None:
        """Let the schedule fire."""
        listed = _client("scheduler").list_schedules()["Schedules"]
        found = only((one["Name"] for one in listed if program.MONITOR in one["Name"]), "the monitor's schedule")
        administer(self._url, "fire", {"schedule": found})

    def alarm(self) -> str:
        """Read the metric behind the alarm, and the events."""
        cloudwatch = _client("cloudwatch")
        alarms = cloudwatch.describe_alarms()["MetricAlarms"]
        alarm = only((one for one in alarms if one["MetricName"] == _SIGNAL), "the alarm of the drift")
        now = dt.datetime.now(dt.UTC)
        measured = cloudwatch.get_metric_statistics(
            **{key: alarm[key] for key in ("Namespace", "MetricName", "Dimensions")},
            StartTime=now - dt.timedelta(hours=1),
            EndTime=now + dt.timedelta(minutes=1),
            Period=60,
            Statistics=["Maximum"],
        )["Datapoints"]
        if max((one["Maximum"] for one in measured), default=0.0) <= alarm["Threshold"]:
            raise VerificationFailed(f"what was measured is not above {alarm['Threshold']}: {measured}")
        return f"{self._events(alarm['AlarmName'])} events told of it"

    def _events(self, alarm: str) -> int:
        """Count the events of an alarm; those of approvals are there as well."""
        sqs = _client("sqs")
        queue = sqs.get_queue_url(QueueName=_WATCHER)["QueueUrl"]
        heard = []
        while some := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
            heard += [json.loads(one["Body"]) for one in some]
            for one in some:
                sqs.delete_message(QueueUrl=queue, ReceiptHandle=one["ReceiptHandle"])
        if silent := set(_HEARD) - {one["detail-type"] for one in heard}:
            raise VerificationFailed(f"no events of the kind {', '.join(sorted(silent))}")
        found = [one for one in heard if one["detail"].get("alarmName") == alarm]
        if not [one for one in found if one["detail"]["state"]["value"] == "ALARM"]:
            raise VerificationFailed(f"no event tells that {alarm} is in ALARM: {found}")
        return len(found)

    def clear(self) -> None:
        """Delete what listened, and the repositories."""
        _client("events").remove_targets(Rule=_WATCHER, Ids=["it"])
        _client("events").delete_rule(Name=_WATCHER)
        _client("sqs").delete_queue(QueueUrl=_client("sqs").get_queue_url(QueueName=_WATCHER)["QueueUrl"])
        for name in _IMAGES:
            _client("ecr").delete_repository(repositoryName=name)


def _client(service: str) -> Any:
    """Return a client of whoever administers the account, which who verifies is not."""
    made: Any = boto3.client  # the name of a service is not a literal here
    return made(service, region_name=Aws.region, aws_access_key_id="sandbox", aws_secret_access_key="sandbox")  # noqa: S106


def begun(folder: Path, say: Callable[[str], None]) -> Played:
    """Begin the rounds."""
    return played(Aws(), "aws", folder, say)
