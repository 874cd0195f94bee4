"""How Azure Resource Manager says no."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a body."""

    target: str
    """The path in the body, such as ``properties.traffic``."""
    message: str
    code: str = "InvalidParameter"


class ArmError(Exception):
    """A refusal in ARM's envelope."""

    def __init__(
        self, code: str, message: str, status: int = 400, *, target: str = "", details: Sequence[Problem] = ()
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.status, self.target, self.details = code, message, status, target, details

    def envelope(self) -> dict[str, Any]:
        """Write it as clients read it."""
        error: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.target:
            error["target"] = self.target
        if self.details:
            error["details"] = [
                {"code": one.code, "message": one.message, "target": one.target} for one in self.details
            ]
        return {"error": error}


# What a provider calls a body that does not fit; the others say InvalidRequestContent, as Resource Manager itself does.
CODES = {
    "microsoft.machinelearningservices": "ValidationError",
    "microsoft.storage": "InvalidRequestPropertyValue",
    "microsoft.keyvault": "BadRequest",
    "microsoft.containerregistry": "InvalidParameter",
    "microsoft.operationalinsights": "InvalidParameter",
    "microsoft.insights": "BadRequest",
    "microsoft.managedidentity": "BadRequest",
    "microsoft.authorization": "InvalidCreateRoleAssignmentRequest",
    "microsoft.network": "InvalidRequestFormat",
    "microsoft.eventgrid": "InvalidRequest",
    "microsoft.logic": "InvalidRequestContent",
    "microsoft.consumption": "400",
}


def invalid(namespace: str, problems: Sequence[Problem]) -> ArmError:
    """Say all that is wrong with a body in one error."""
    first = problems[0]
    code = CODES.get(namespace.lower(), "InvalidRequestContent")
    if len({one.code for one in problems}) == 1 and first.code != "InvalidParameter":
        code = first.code
    said = "; ".join(f"{one.target}: {one.message}" if one.target else one.message for one in problems)
    return ArmError(code, said, target=first.target, details=problems if len(problems) > 1 else ())


def not_found(address: Any) -> ArmError:
    """Say that a resource is not there."""
    return ArmError(
        "ResourceNotFound",
        f"The Resource '{address.type}/{'/'.join(address.names)}' under resource group '{address.group or '<null>'}' "
        "was not found.",
        404,
    )
