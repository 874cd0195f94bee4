"""SageMaker's MLflow: apps, which are serverless, and tracking servers, which have machines.

What is here is their life, and who may call them; what they answer to MLflow's own client is not.
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateMlflowApp.html
"""

import secrets
from typing import Any

from pulumi_mlops_sandbox.aws.call import Account, Call
from pulumi_mlops_sandbox.aws.errors import AwsError
from pulumi_mlops_sandbox.aws.hooks import own
from pulumi_mlops_sandbox.aws.sagemaker import references
from pulumi_mlops_sandbox.aws.sagemaker.kinds import MLFLOW_APP, MLFLOW_SERVER
from pulumi_mlops_sandbox.aws.steps import later, step
from pulumi_mlops_sandbox.aws.store import DELETED, Kind, Record, now

VERSION = "3.4.0"
_STATUS = {MLFLOW_APP.name: "Status", MLFLOW_SERVER.name: "TrackingServerStatus"}
_AT_REST = ("Created", "Updated", "Started", "Stopped", "CreateFailed", "UpdateFailed", "DeleteFailed")


def _check(params: dict[str, Any]) -> None:
    references.require_role(params.get("RoleArn"))
    references.require_bucket(params.get("ArtifactStoreUri"))


@own("sagemaker", "CreateMlflowApp")
def create_app(call: Call) -> dict[str, Any]:
    """Start a new app; its ARN holds an id, and not its name."""
    _check(call.params)
    identity = f"app-{secrets.token_hex(6).upper()}"
    record = call.plane.store.create(
        MLFLOW_APP,
        call.region,
        call.params,
        identity,
        Arn=MLFLOW_APP.arn(call.region, identity),
        Status="Creating",
        MlflowVersion=VERSION,
    )
    record.setdefault("ModelRegistrationMode", "AutoModelRegistrationDisabled")
    record.setdefault("AccountDefaultStatus", "DISABLED")
    later(call.plane, record, "created")
    return {"Arn": record["Arn"]}


@own("sagemaker", "CreateMlflowTrackingServer")
def create_server(call: Call) -> dict[str, Any]:
    """Start a new server."""
    _check(call.params)
    name = call.params["TrackingServerName"]
    record = call.plane.store.create(
        MLFLOW_SERVER,
        call.region,
        call.params,
        TrackingServerArn=MLFLOW_SERVER.arn(call.region, name),
        TrackingServerStatus="Creating",
        TrackingServerUrl=f"https://t-{secrets.token_hex(6)}.{call.region}.experiments.sagemaker.aws",
        IsActive="Inactive",
    )
    record.setdefault("TrackingServerSize", "Small")
    record.setdefault("MlflowVersion", VERSION)
    record.setdefault("AutomaticModelRegistration", False)
    later(call.plane, record, "created")
    return {"TrackingServerArn": record["TrackingServerArn"]}


@own("sagemaker", "UpdateMlflowApp")
def update_app(call: Call) -> dict[str, Any]:
    """Change an app that is at rest."""
    return {"Arn": _update(call, MLFLOW_APP, call.params["Arn"])["Arn"]}


@own("sagemaker", "UpdateMlflowTrackingServer")
def update_server(call: Call) -> dict[str, Any]:
    """Change a server that is at rest."""
    return {"TrackingServerArn": _update(call, MLFLOW_SERVER, call.params["TrackingServerName"])["TrackingServerArn"]}


@own("sagemaker", "DeleteMlflowApp", "DeleteMlflowTrackingServer")
def delete(call: Call) -> dict[str, Any]:
    """Start to delete one."""
    kind = MLFLOW_APP if call.operation.endswith("App") else MLFLOW_SERVER
    record = _at_rest(call, kind, str(call.params["Arn" if kind is MLFLOW_APP else "TrackingServerName"]))
    record |= {_STATUS[kind.name]: "Deleting", "LastModifiedTime": now()}
    later(call.plane, record, DELETED)
    return {name: record[name] for name in ("Arn", "TrackingServerArn") if name in record}


@own("sagemaker", "StartMlflowTrackingServer", "StopMlflowTrackingServer")
def start_or_stop(call: Call) -> dict[str, Any]:
    """Start a server that was stopped, or stop one that runs."""
    stops = call.operation.startswith("Stop")
    record = _at_rest(call, MLFLOW_SERVER, call.params["TrackingServerName"])
    if (record["TrackingServerStatus"] == "Stopped") == stops:
        raise _conflict(record["TrackingServerArn"], record["TrackingServerStatus"])
    record |= {"TrackingServerStatus": "Stopping" if stops else "Starting", "LastModifiedTime": now()}
    later(call.plane, record, "stopped" if stops else "started")
    return {"TrackingServerArn": record["TrackingServerArn"]}


@own("sagemaker", "CreatePresignedMlflowAppUrl", "CreatePresignedMlflowTrackingServerUrl")
def presigned(call: Call) -> dict[str, Any]:
    """Give an address by which somebody looks at the runs for a while."""
    app = call.operation.endswith("AppUrl")
    kind, named = (MLFLOW_APP, "Arn") if app else (MLFLOW_SERVER, "TrackingServerName")
    record = call.plane.store.get(kind, call.region, call.params[named])
    place = record.get("TrackingServerUrl", f"https://mlflow.sagemaker.{call.region}.app.aws")
    return {"AuthorizedUrl": f"{place}/auth?authToken={secrets.token_urlsafe(16)}"}


def _update(call: Call, kind: Kind, identity: str) -> Record:
    params = dict(call.params)
    for named in ("Arn", "TrackingServerName"):
        params.pop(named, None)
    record = _at_rest(call, kind, identity)
    references.require_bucket(params.get("ArtifactStoreUri"))
    record |= params | {_STATUS[kind.name]: "Updating", "LastModifiedTime": now()}
    later(call.plane, record, "updated")
    return record


def _at_rest(call: Call, kind: Kind, identity: str) -> Record:
    record = call.plane.store.get(kind, call.region, identity)
    if (status := record[_STATUS[kind.name]]) not in _AT_REST:
        raise _conflict(str(record.get("Arn") or record["TrackingServerArn"]), status)
    return record


def _conflict(arn: str, status: str) -> AwsError:
    return AwsError("ConflictException", f"{arn} is in status {status}, in which this operation is not allowed")


def _becomes(kind: Kind, do: str, status: str, failed: str = "") -> None:
    @step(kind.name, do)
    def settled(plane: Account, _region: str, record: Record) -> None:
        why = plane.faults.ending("sagemaker", f"{kind.name}{failed}") if failed else None
        record[_STATUS[kind.name]] = status if why is None else f"{status.removesuffix('d')}Failed"
        record["LastModifiedTime"] = now()
        if kind is MLFLOW_SERVER:
            record["IsActive"] = "Inactive" if why or status == "Stopped" else "Active"


for _kind in (MLFLOW_APP, MLFLOW_SERVER):
    _becomes(_kind, "created", "Created", "Creation")
    _becomes(_kind, "updated", "Updated")
_becomes(MLFLOW_SERVER, "started", "Started")
_becomes(MLFLOW_SERVER, "stopped", "Stopped")
