"""What training and approvers do in a workspace of the sandbox's Azure: register a model's version, and approve it."""

import json
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pulumi_mlops_sandbox.azure.facts import TOKEN

VERSION = "2025-12-01"
APPROVAL, IMAGE = "approval", "serving_image"


def sent(url: str, method: str, path: str, body: Mapping[str, Any] | None = None, token: str = TOKEN) -> dict[str, Any]:
    """Send one request to Azure Resource Manager, as the deployer unless told."""
    request = urllib.request.Request(  # noqa: S310  (localhost)
        f"{url}{path}?api-version={VERSION}",
        None if body is None else json.dumps(body).encode(),
        {"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
        method=method,
    )
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310  (as above)
        content = answer.read()
    found: dict[str, Any] = json.loads(content) if content else {}
    return found


@dataclass(frozen=True)
class Workspace:
    """A workspace of a platform, by the platform's exported output."""

    url: str
    id: str
    images: Mapping[str, str]

    @classmethod
    def of(cls, url: str, platform: Mapping[str, Any]) -> "Workspace":
        """Find it."""
        return cls(url, platform["address"]["workspace_id"], platform["images"])

    def register(self, model: str, image: str, auc: float, store: str = "artifacts") -> int:
        """Register the next version of a model, as a training job would; it waits for approval.

        :param store: the datastore in which its files are; `workspaceblobstore` keeps what jobs write.
        """
        number = int(self.get(f"models/{model}")["properties"]["nextVersion"])
        properties = {
            "modelUri": f"azureml://datastores/{store}/paths/models/{model}/{number}/",
            "modelType": "custom_model",
            "properties": {"auc": str(auc)},
            "tags": {APPROVAL: "pending", IMAGE: f"{self.images[image]}:1.0.{number}"},
        }
        sent(self.url, "PUT", f"{self.id}/models/{model}/versions/{number}", {"properties": properties})
        return number

    def approve(self, model: str, number: int) -> None:
        """Approve a version: its tags can change, and nothing else."""
        there = self.get(f"models/{model}/versions/{number}")["properties"]
        kept = {name: there[name] for name in ("modelUri", "modelType", "properties")}
        tags = {**there["tags"], APPROVAL: "approved"}
        sent(self.url, "PUT", f"{self.id}/models/{model}/versions/{number}", {"properties": {**kept, "tags": tags}})

    def get(self, path: str) -> dict[str, Any]:
        """Read what is below the workspace."""
        return self.at(f"{self.id}/{path}")

    def at(self, path: str) -> dict[str, Any]:
        """Read what is at an id."""
        return sent(self.url, "GET", path)
