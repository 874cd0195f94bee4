"""What the roles of a program may do, by its own policies."""

from dataclasses import dataclass
from typing import Any

from pulumi_mlops_sandbox.aws.evaluation import allowed
from support.mocks import REGION, Cloud


@dataclass(frozen=True)
class Rights:
    """The statements of one policy, or of several."""

    statements: list[dict[str, Any]]

    def __call__(self, action: str, resource: str = "*", **facts: str) -> bool:
        """Say whether an action is allowed with these facts of the request, by condition key."""
        return allowed(self.statements, action, resource, facts)

    def decrypt(self, key: str, service: str | None, region: str = REGION) -> bool:
        """Say whether a key may be used, through a service or directly."""
        return allowed(
            self.statements,
            "kms:Decrypt",
            key,
            {} if service is None else {"kms:ViaService": f"{service}.{region}.amazonaws.com"},
        )


def of(cloud: Cloud, *names: str, kind: str = "iam/rolePolicy") -> Rights:
    """Read the policies of these names."""
    return Rights([one for name in names for one in cloud.one(kind, name).document("policy")["Statement"]])
