"""What takes its time: a resource is Creating, Updating or Deleting until it is due, and an operation can be polled."""

import time
import uuid
from typing import Any

from pulumi_mlops_sandbox.azure import removal
from pulumi_mlops_sandbox.azure.call import Tenant
from pulumi_mlops_sandbox.azure.errors import ArmError
from pulumi_mlops_sandbox.azure.store import Operation, Record

FINAL = "Succeeded"
KEPT = 2000
"""How many operations can be asked for."""


def begin(tenant: Tenant, record: Record, kind: str, error: ArmError | None = None) -> Operation:
    """Begin something that ends after the latency, well or with an error."""
    said = None if error is None else error.envelope()["error"]
    operation = Operation(str(uuid.uuid4()), record.id, kind, time.time() + tenant.latency, said)
    tenant.store.operations[operation.id] = operation
    record.state = kind
    for old in list(tenant.store.operations)[:-KEPT]:
        if tenant.store.operations[old].status != "InProgress":
            del tenant.store.operations[old]
    settle(tenant)
    return operation


def settle(tenant: Tenant, *, hurry: bool = False) -> None:
    """Finish what is due; in a hurry everything."""
    now = time.time()
    for operation in list(tenant.store.operations.values()):
        if operation.status == "InProgress" and (hurry or operation.due <= now):
            _finish(tenant, operation)
            tenant.saver.soon()


def _finish(tenant: Tenant, operation: Operation) -> None:
    operation.status = FINAL if operation.error is None else "Failed"
    record = tenant.store.get(operation.resource)
    if record is None:
        return
    if operation.kind != "Deleting":
        record.state = operation.status
    elif operation.error is None:
        removal.remove(tenant, record)
    else:
        record.state = FINAL


def links(tenant: Tenant, operation: Operation, subscription: str, namespace: str, version: str) -> dict[str, str]:
    """Say where an operation can be asked for."""
    place = f"{tenant.url}/subscriptions/{subscription}/providers/{namespace}/locations/global"
    query = f"?api-version={version}"
    return {
        "Azure-AsyncOperation": f"{place}/operationsStatus/{operation.id}{query}",
        "Location": f"{place}/operationResults/{operation.id}{query}",
        "Retry-After": "1",
    }


def status(operation: Operation, path: str) -> dict[str, Any]:
    """Write an operation as ``Azure-AsyncOperation`` shows it."""
    shown: dict[str, Any] = {"id": path, "name": operation.id, "status": operation.status}
    if operation.status == "Failed":
        shown["error"] = operation.error
    return shown
