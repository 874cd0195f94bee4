"""Tags of the own kinds; the tags of all others are moto's."""

from typing import Any

from pulumi_mlops_sandbox.aws.call import Call
from pulumi_mlops_sandbox.aws.hooks import own
from pulumi_mlops_sandbox.aws.sagemaker.kinds import KINDS
from pulumi_mlops_sandbox.aws.store import TAGS, Record, add_tags


def _tagged(call: Call) -> Record | None:
    """Find what an ARN names; None if it is one of moto's."""
    arn: str = call.params["ResourceArn"]
    path = arn.split(":", 5)[-1]
    kind = next((kind for kind in KINDS.values() if path.startswith(kind.arn_path.format(id=""))), None)
    if kind is None:
        return None
    return call.plane.store.get(kind, call.region, arn)


@own("sagemaker", "AddTags")
def add(call: Call) -> dict[str, Any] | None:
    """Add or overwrite tags."""
    record = _tagged(call)
    if record is None:
        return None
    add_tags(record, call.params["Tags"])
    return {"Tags": record[TAGS]}


@own("sagemaker", "ListTags")
def list_tags(call: Call) -> dict[str, Any] | None:
    """List tags."""
    record = _tagged(call)
    return None if record is None else {"Tags": record[TAGS]}


@own("sagemaker", "DeleteTags")
def delete(call: Call) -> dict[str, Any] | None:
    """Remove tags."""
    record = _tagged(call)
    if record is None:
        return None
    record[TAGS] = [tag for tag in record[TAGS] if tag["Key"] not in call.params["TagKeys"]]
    return {}
