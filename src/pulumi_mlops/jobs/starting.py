"""Start another pipeline out of a step: once, and not again while a run goes on or within a cooldown after one began.

    started(os.environ["MLOPS_START_RETRAIN"], {"days": 7}, cooldown_hours=24, reason="data_drift is 0.31, above 0.2")

The address is what the step's variable has: the ARN of a pipeline of SageMaker, the URL of a WorkflowTemplate of Argo
Workflows, or as JSON what a job of Azure Machine Learning is. What has been started, by whomever, is what the service
lists; nothing else is kept. A start is named after the newest run that was seen, so that two who look at once ask for
the same one. It needs Python 3.9 and, on AWS, boto3; ``cluster.py`` and ``release.py`` beside it on Kubernetes, and
``azureml_register.py`` on Azure.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import importlib
import json
import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Union

    Place = Union["SageMaker", "Argo", "AzureML"]  # noqa: UP007 (Python 3.9)

PIPELINE, CAUSE = "pulumi-mlops/pipeline", "pulumi-mlops/started-by"
_TEMPLATES, _PAGE, _NAME = "/workflowtemplates/", 100, 50
_UTC = dt.timezone.utc  # noqa: UP017 (Python 3.9)
_CONFLICT = 409
_REASON = 1000


class NotStartedError(Exception):
    """The service does not let this step look for runs, or start one; the message has its own words."""


@dataclass(frozen=True)
class Run:
    """A run of the pipeline."""

    name: str
    began: dt.datetime
    over: bool


def started(
    address: str,
    parameters: Mapping[str, Any] | None = None,
    *,
    cooldown_hours: float = 0,
    reason: str = "",
    now: dt.datetime | None = None,
) -> str | None:
    """Start a pipeline, unless a run of it goes on or began within the cooldown, whoever started that.

    :param address: what the variable ``MLOPS_START_<NAME>`` has.
    :param parameters: those of the run that are to be others than their defaults.
    :param reason: is kept with the run.
    :returns: the run; None where none was started.
    :raises NotStartedError: the service refuses.
    """
    return once(place(address), parameters or {}, cooldown_hours, reason, now or dt.datetime.now(_UTC))


def place(address: str) -> Place:
    """Find out where an address is."""
    if address.startswith("arn:"):
        return SageMaker(address)
    if address.startswith("{"):
        return AzureML(json.loads(address))
    return Argo(address)


def once(
    there: Place, parameters: Mapping[str, Any], cooldown_hours: float, reason: str, now: dt.datetime
) -> str | None:
    """Look, and start a run where there is to be one."""
    before = there.runs()
    going = next((one for one in before if not one.over), None)
    if going is not None:
        _left(there, f"{going.name} goes on")
        return None
    newest = max(before, key=lambda one: one.began, default=None)
    if newest and cooldown_hours and newest.began > now - dt.timedelta(hours=cooldown_hours):
        _left(there, f"{newest.name} began at {newest.began:%Y-%m-%d %H:%M}, less than {cooldown_hours:g} h ago")
        return None
    mark = hashlib.sha256((newest.name if newest else "").encode()).hexdigest()
    given = {name: _text(value) for name, value in parameters.items()}
    try:
        run = there.start(mark, given, reason[:_REASON])
    except NotStartedError:
        # Another asked for the same start in other words; that one is as good.
        if not {one.name for one in there.runs()} - {one.name for one in before}:
            raise
        run = None
    if run is None:
        _left(there, "another has just started one")
        return None
    _say(f"{there.name}: {run} begins ({reason})")
    return run


def _left(there: Place, why: str) -> None:
    _say(f"{there.name}: no run is started, since {why}")


def _say(line: str) -> None:
    sys.stdout.write(f"starting: {line}\n")
    sys.stdout.flush()


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _moment(written: str) -> dt.datetime:
    """Read a time of an API, to the second: fractions have any number of digits."""
    return dt.datetime.strptime(written[:19], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=_UTC)


class SageMaker:
    """A pipeline of SageMaker."""

    def __init__(self, arn: str, client: Any = None) -> None:
        self.arn, self.name = arn, arn.rpartition("/")[2]
        self.client: Any = client or importlib.import_module("boto3").client("sagemaker", region_name=arn.split(":")[3])

    def runs(self) -> list[Run]:
        """List the newest runs: older ones are over for long."""
        said = self._ask("list_pipeline_executions", SortBy="CreationTime", SortOrder="Descending", MaxResults=_PAGE)
        over = ("Succeeded", "Failed", "Stopped")
        return [
            Run(_last(one["PipelineExecutionArn"]), one["StartTime"], one["PipelineExecutionStatus"] in over)
            for one in said["PipelineExecutionSummaries"]
        ]

    def start(self, mark: str, parameters: Mapping[str, str], reason: str) -> str | None:
        """Start a run: what is asked for twice under one token is begun once."""
        given = [{"Name": name, "Value": value} for name, value in parameters.items()]
        said = self._ask(
            "start_pipeline_execution",
            ClientRequestToken=mark,
            **({"PipelineParameters": given} if given else {}),
            **({"PipelineExecutionDescription": reason} if reason else {}),
        )
        return _last(said["PipelineExecutionArn"])

    def _ask(self, call: str, **args: Any) -> Any:
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 (as above)

        try:
            return getattr(self.client, call)(PipelineName=self.arn, **args)
        except (BotoCoreError, ClientError) as error:
            raise NotStartedError(str(error)) from None


def _last(arn: str) -> str:
    return arn.rpartition("/")[2]


class Argo:
    """A pipeline of Argo Workflows, asked as the pod's own account."""

    def __init__(self, url: str, cluster: Any = None) -> None:
        self.path = urlsplit(url).path
        space, _, self.name = self.path.rpartition(_TEMPLATES)
        self.workflows = f"{space}/workflows"
        self.api = cluster or importlib.import_module("cluster").Cluster.of_this_pod()  # beside this file

    def runs(self) -> list[Run]:
        """List the runs that Argo still has."""
        return list(self._runs())

    def _runs(self) -> Iterator[Run]:
        selector, following = quote(f"{PIPELINE}={self._pipeline()}"), ""
        while True:
            said = self._ask("get", f"{self.workflows}?labelSelector={selector}&limit={_PAGE}{following}") or {}
            for one in said.get("items", []):
                data = one["metadata"]
                over = data.get("labels", {}).get("workflows.argoproj.io/completed") == "true"
                yield Run(data["name"], _moment(data["creationTimestamp"]), over)
            if not (more := said.get("metadata", {}).get("continue")):
                return
            following = f"&continue={quote(more)}"

    def _template(self) -> dict[str, Any]:
        found: dict[str, Any] | None = self._ask("get", self.path)
        if found is None:
            raise NotStartedError(f"there is no WorkflowTemplate at {self.path}")
        return found

    def _pipeline(self) -> str:
        """Read by which label its runs are found."""
        return str(self._template()["spec"]["workflowMetadata"]["labels"][PIPELINE])

    def start(self, mark: str, parameters: Mapping[str, str], reason: str) -> str | None:
        """Start a run, whose name no other has."""
        template, name = self._template(), f"{self.name[:_NAME]}-{mark[:10]}"
        data = template["metadata"]
        given = [{"name": key, "value": value} for key, value in parameters.items()]
        run = {
            "apiVersion": template["apiVersion"],
            "kind": "Workflow",
            "metadata": {
                "name": name,
                "labels": {PIPELINE: self._pipeline()},
                "annotations": {CAUSE: reason},
                "ownerReferences": [
                    {
                        "apiVersion": template["apiVersion"],
                        "kind": "WorkflowTemplate",
                        "name": data["name"],
                        "uid": data["uid"],
                    }
                ],
            },
            "spec": {
                "workflowTemplateRef": {"name": self.name},
                **({"arguments": {"parameters": given}} if given else {}),
            },
        }
        try:
            self.api.create(self.workflows, run)
        except HTTPError as error:
            with error:
                if error.code != _CONFLICT:
                    raise NotStartedError(_words(error)) from None
            return None
        except (URLError, OSError) as error:
            raise NotStartedError(str(error)) from None
        return name

    def _ask(self, call: str, path: str) -> Any:
        try:
            return getattr(self.api, call)(path)
        except HTTPError as error:
            with error:
                raise NotStartedError(_words(error)) from None
        except (URLError, OSError) as error:
            raise NotStartedError(str(error)) from None


def _words(error: HTTPError) -> str:
    """Return what the API server says of a request that it refuses."""
    text = error.read().decode(errors="replace")
    try:
        said = str(json.loads(text)["message"])
    except (ValueError, KeyError, TypeError):
        said = text[:500]
    return f"{error.code}: {said}"


class AzureML:
    """A pipeline of an Azure workspace, asked as the identity of the job."""

    def __init__(self, told: Mapping[str, Any], environment: Mapping[str, str] | None = None) -> None:
        self.told, self.name = told, str(told["called"])
        self.module: Any = importlib.import_module("azureml_register")  # beside this file
        self.azure: Any = self.module.Azure(environment or os.environ)
        self.jobs = f"{told['management']}{told['workspace']}/jobs"

    def runs(self) -> list[Run]:
        """List the jobs of the pipeline's experiment."""
        try:
            found = [
                one
                for one in self.azure.listed(self.jobs, self.told["api"], jobType="Pipeline")
                if one["properties"].get("experimentName") == self.told["job"]["experimentName"]
            ]
        except (self.module.RefusedError, OSError) as error:
            raise NotStartedError(str(error)) from None
        over = ("Completed", "Failed", "Canceled")
        return [
            Run(one["name"], _moment(one["systemData"]["createdAt"]), one["properties"].get("status") in over)
            for one in found
        ]

    def start(self, mark: str, parameters: Mapping[str, str], reason: str) -> str | None:
        """Start a run, whose name no other has."""
        name, job = f"{self.name}-{mark[:10]}", dict(self.told["job"])
        given = {key.replace("-", "_"): {"jobInputType": "literal", "value": one} for key, one in parameters.items()}
        job["inputs"] = {**job["inputs"], **given}
        if reason:
            job["description"] = reason
        address = f"{self.jobs}/{name}?api-version={self.told['api']}"
        try:
            return name if self.azure.register(address, {"properties": job}) else None
        except (self.module.RefusedError, OSError) as error:
            raise NotStartedError(str(error)) from None
