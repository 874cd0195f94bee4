"""What stands in for Azure where nothing of the sandbox does, once round the loop; and what is read back of it."""

import datetime as dt
import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any

from pulumi_mlops.backends.azure.metrics import DIMENSION, NAMESPACE
from pulumi_mlops.core.errors import VerificationFailed
from pulumi_mlops.verify import program
from pulumi_mlops.verify.project import Project, Up
from pulumi_mlops_sandbox.administering import administer
from pulumi_mlops_sandbox.azure.facts import DEPLOYER, SUBSCRIPTION, TOKEN
from pulumi_mlops_sandbox.azure.measured import CALM, FIRING
from pulumi_mlops_sandbox.azure.registering import sent
from pulumi_mlops_sandbox.loop import NAME, STANDS_IN, Answered, Played, only, played

_OURS = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/ours"
_REGISTRY = "imagesofours"
_BLOBS = "ba92f5b4-2d11-453d-a403-e96b0029c9fe"
"""Storage Blob Data Contributor."""
_GIVEN = "00000000-0000-4000-9000-000000000001"
_SIGNAL = "data_drift"
_RULES, _WORKFLOWS = "Microsoft.Insights/metricAlerts", "Microsoft.Logic/workflows"
_ERRORS = "Microsoft.Insights/scheduledQueryRules"
_BAKED, _OVER = 2 * 60, 30 * 60
"""Seconds after which a canary has been watched, and after which the old version goes."""
_GONE_WITHIN, _OFTEN = 60.0, 0.5


class Azure:
    """Azure, as somebody with its own tools sees it."""

    region = "westeurope"
    registry = f"{_REGISTRY}.azurecr.io"
    image = STANDS_IN

    def __init__(self) -> None:
        self._url = os.environ["PULUMI_MLOPS_ARM_ENDPOINT"]
        self._at: Mapping[str, Any] = {}
        self._below = ""

    def furnish(self) -> None:
        """Have a registry with the images."""
        here = {"location": self.region}
        sent(self._url, "PUT", _OURS, here)
        path = f"{_OURS}/providers/Microsoft.ContainerRegistry/registries/{_REGISTRY}"
        sent(self._url, "PUT", path, {**here, "sku": {"name": "Standard"}, "properties": {"adminUserEnabled": False}})

    def appeared(self, outputs: Mapping[str, Any]) -> None:
        """Let whoever verifies read and write blobs, which no owner of an account may by that."""
        if self._at:
            return
        self._at = outputs[NAME]["address"]
        self._below = str(outputs[NAME]["artifacts"]).partition(".net/")[2].partition("/")[2]
        root, store = f"/subscriptions/{SUBSCRIPTION}", self._at["storage_id"]
        properties = {
            "principalId": DEPLOYER,
            "principalType": "User",
            "roleDefinitionId": f"{root}/providers/Microsoft.Authorization/roleDefinitions/{_BLOBS}",
        }
        path = f"{store}/providers/Microsoft.Authorization/roleAssignments/{_GIVEN}"
        sent(self._url, "PUT", path, {"properties": properties})

    def capture(self, rows: Answered, name: str) -> None:
        """Write a line of each collection below the hour."""
        now = dt.datetime.now(dt.UTC)
        asked = [{key: value for key, value in row.items() if key != program.PREDICTION} for row in rows]
        for kind, data in (("request", asked), ("response", [row[program.PREDICTION] for row in rows])):
            line = {
                "specversion": "1.0",
                "id": f"{kind}-{name}",
                "source": f"/subscriptions/0/onlineEndpoints/{program.ENDPOINT}/deployments/main-1",
                "type": f"azureml.inference.{kind}",
                "datacontenttype": "application/json",
                "time": f"{now:%Y-%m-%dT%H:%M:%SZ}",
                "data": data,
                "correlationid": name,
            }
            place = f"captured/{program.ENDPOINT}/{kind}/{program.ENDPOINT}/main-1/{kind}/{now:%Y/%m/%d/%H}"
            path = f"/blob/{self._at['storage']}/{self._at['container']}/{self._below}{place}/{name}.jsonl"
            self._ask("PUT", path, json.dumps(line).encode())

    def bring(self, project: Project, *, flawed: bool) -> Up:
        """Bring a version up, and let the workflow of its release look: it goes on, or back where an alert fires."""
        done = project.up()
        if not done.good:
            return done
        (flow,) = (one for one in self._all(_WORKFLOWS) if f"{program.ENDPOINT}-release" in one.rpartition("/")[2])
        if not flawed:
            for later in (_BAKED, _OVER):
                administer(self._url, "run", {"id": flow, "later": later})
            return done
        rules = (one for one in self._all(_ERRORS) if one.endswith(f"{program.ENDPOINT}-errors"))
        rule = only(rules, "the alert of errors")
        administer(self._url, "alerts", {"id": rule, "status": FIRING})
        administer(self._url, "run", {"id": flow, "later": 60})
        administer(self._url, "alerts", {"id": rule, "status": CALM})
        said = project.preview().failure or ""
        return Up(0, said) if "was rolled back" in said else done

    def fire(self) -> None:
        """Let the schedule fire."""
        listed = self._get(f"{self._at['workspace_id']}/schedules")["value"]
        found = only((one["name"] for one in listed if program.MONITOR in one["name"]), "the monitor's schedule")
        administer(self._url, "fire", {"schedule": found})

    def alarm(self) -> str:
        """Read the alert rule, and what it goes by."""
        rules = {one: self._get(one)["properties"]["criteria"]["allOf"] for one in self._all(_RULES)}
        looks = {one: parts[0] for one, parts in rules.items() if parts[0].get("metricName") == _SIGNAL}
        rule = only(looks, "the alert of the drift")
        name, marks = rule.rpartition("/")[2], {mark["name"]: mark["values"] for mark in looks[rule]["dimensions"]}
        (state,) = self._get(f"{rule}/status")["value"]
        fires = state["properties"]["status"] == FIRING
        if not fires or looks[rule]["metricNamespace"] != NAMESPACE or marks != {DIMENSION: [program.MONITOR]}:
            raise VerificationFailed(f"alert {name} of {looks[rule]} says {state['properties']['status']}")
        return f"alert {name} ({DIMENSION} {program.MONITOR}) fires"

    def clear(self) -> None:
        """Delete the registry of the images, and wait until it is gone: Azure answers before that."""
        path = f"{_OURS}/providers/Microsoft.ContainerRegistry/registries/{_REGISTRY}"
        sent(self._url, "DELETE", path)
        deadline = time.monotonic() + _GONE_WITHIN
        try:
            while time.monotonic() < deadline:
                sent(self._url, "GET", path)
                time.sleep(_OFTEN)
        except urllib.error.HTTPError as error:
            with error:
                if error.code == HTTPStatus.NOT_FOUND:
                    return
            raise
        raise VerificationFailed(f"the registry of the images is not gone within {_GONE_WITHIN:g} s")

    def _all(self, kind: str) -> list[str]:
        group = str(self._at["workspace_id"]).partition("/providers/")[0]
        return [one["id"] for one in self._get(f"{group}/providers/{kind}")["value"]]

    def _get(self, path: str) -> dict[str, Any]:
        return sent(self._url, "GET", path)

    def _ask(self, method: str, path: str, body: bytes) -> None:
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/octet-stream"}
        request = urllib.request.Request(f"{self._url}{path}", body, headers, method=method)  # noqa: S310 (localhost)
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 (as above)
            answer.read()


def begun(folder: Path, say: Callable[[str], None]) -> Played:
    """Begin the rounds."""
    return played(Azure(), "azure", folder, say)
