"""A workspace of the sandbox in which pipelines run: an identity has machines, and a folder stands in for an image."""

import time
import urllib.request
from pathlib import Path
from typing import Any

from support.sandbox.arm import BOUND, Arm
from support.sandbox.arm_good import GOOD, SERVER, SERVING, WORKSPACE, role
from support.sandbox.arm_world import body

IMAGE = "churnimages.azurecr.io/server:1"
PLACE = "azureml://datastores/artifacts/paths"
WRITER = GOOD["role-collected"]
SCIENTIST = role(WORKSPACE, "AzureML Data Scientist", 71, SERVING)
TEXT = {"Content-Type": "text/plain"}


class Space:
    """A workspace with machines, and a folder that stands in for an image."""

    def __init__(self, arm: Arm, folder: Path) -> None:
        self.arm, self.image = arm, folder
        identity = arm.done("GET", SERVING, version="2023-01-31")["properties"]
        self.client = identity["clientId"]
        self.token = f"principal:{identity['principalId']}"
        arm.done("PUT", SCIENTIST.id, body(arm, SCIENTIST), version=SCIENTIST.version)

    def program(self, name: str, text: str) -> None:
        (self.image / name).write_text(text)

    def upload(self, path: str, content: bytes) -> None:
        said = self.arm.ask(
            "PUT", f"/blob/churnfiles/artifacts/{path}", content, token=self.token, version=None, headers=TEXT
        )
        assert said.status < 300, said

    def text(self, path: str) -> str:
        request = urllib.request.Request(
            f"{self.arm.url}/blob/churnfiles/artifacts/{path}", headers={"Authorization": f"Bearer {self.token}"}
        )
        with urllib.request.urlopen(request) as answer:
            found: bytes = answer.read()
        return found.decode()

    def component(self, name: str, spec: dict[str, Any]) -> str:
        path = f"{WORKSPACE}/components/{name}"
        self.arm.done("PUT", path, {"properties": {"isArchived": False}})
        self.arm.done(
            "PUT", f"{path}/versions/1", {"properties": {"componentSpec": {"name": name, "version": "1", **spec}}}
        )
        return f"{path}/versions/1"

    def command(self, name: str, command: str, inputs: Any = (), outputs: Any = ("out",), **more: Any) -> str:
        spec = {
            "type": "command",
            "command": command,
            "inputs": dict(inputs),
            "outputs": {one: {"type": "uri_folder"} for one in outputs},
            "environment": f"azureml:{SERVER}/versions/1",
            **more,
        }
        return self.component(name, spec)

    def node(self, name: str, component: str, inputs: Any = (), outputs: Any = ("out",), **more: Any) -> dict[str, Any]:
        return {
            "name": name,
            "type": "command",
            "componentId": component,
            "computeId": f"{WORKSPACE}/computes/cpu",
            "identity": {"identity_type": "Managed", "client_id": self.client},
            "inputs": {key: {"job_input_type": "literal", "value": value} for key, value in dict(inputs).items()},
            "outputs": {
                one: {"job_output_type": "uri_folder", "uri": f"{PLACE}/runs/${{{{name}}}}/{one}/"} for one in outputs
            },
            **more,
        }

    def pipeline(self, nodes: dict[str, Any], inputs: Any = ()) -> str:
        return self.component("whole", {"type": "pipeline", "inputs": dict(inputs), "outputs": {}, "jobs": nodes})

    def job(self, component: str, **inputs: str) -> dict[str, Any]:
        given = {key: {"jobInputType": "literal", "value": value} for key, value in inputs.items()}
        return {"jobType": "Pipeline", "componentId": component, "experimentName": "churn", "inputs": given}

    def run(self, component: str, name: str = "run-1", **inputs: str) -> dict[str, Any]:
        self.arm.done("PUT", f"{WORKSPACE}/jobs/{name}", {"properties": self.job(component, **inputs)})
        return self.ended(name)

    def ended(self, name: str) -> dict[str, Any]:
        deadline = time.monotonic() + BOUND
        while True:
            found: dict[str, Any] = self.arm.done("GET", f"{WORKSPACE}/jobs/{name}")["properties"]
            if found["status"] in {"Completed", "Failed", "Canceled"}:
                return found
            assert time.monotonic() < deadline, found
            self.arm.process_pause()

    def history(self, name: str, part: str = "") -> Any:
        return self.arm.done("GET", f"/history/v1.0{WORKSPACE}/runs/{name}{part}", version=None)

    def steps(self, name: str = "run-1") -> dict[str, dict[str, Any]]:
        return {one["displayName"]: one for one in self.history(name, "/children")["value"]}

    def printed(self, step: str) -> str:
        """Read a log by the address that is the leave to read it."""
        (address,) = self.history(self.steps()[step]["runId"], "/details")["logFiles"].values()
        with urllib.request.urlopen(address) as answer:
            found: bytes = answer.read()
        return found.decode()

    def reason(self, name: str = "run-1") -> str:
        failed = [one["error"]["error"]["message"] for one in self.steps(name).values() if one["status"] == "Failed"]
        assert len(failed) == 1, failed
        return str(failed[0])
