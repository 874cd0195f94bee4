"""Service Quotas of SageMaker, which moto lacks: of each type of instance, what new accounts usually have.

https://docs.aws.amazon.com/general/latest/gr/sagemaker.html
"""

import functools
import hashlib
from typing import Any

from moto.core.utils import get_service_model

from pulumi_mlops_sandbox.aws.accounts import ACCOUNT
from pulumi_mlops_sandbox.aws.call import Call
from pulumi_mlops_sandbox.aws.hooks import own

USAGES = {
    "training job usage": "TrainingInstanceType",
    "spot training job usage": "TrainingInstanceType",
    "training warm pool usage": "TrainingInstanceType",
    "cluster usage": "ClusterInstanceType",
}
_SCARCE = ("p4", "p5", "p6", "trn", "g7")
_PAGE = 100


@own("service-quotas", "ListServiceQuotas")
def quotas(call: Call) -> dict[str, Any] | None:
    """List the quotas of SageMaker page by page; those of other services are moto's."""
    if call.params["ServiceCode"] != "sagemaker":
        return None
    start = int(call.params.get("NextToken") or 0)
    end = start + int(call.params.get("MaxResults") or _PAGE)
    set_to: dict[str, float] = call.plane.store.extra.setdefault("quotas", {})
    rows = [_row(call.region, name, set_to.get(name, value)) for name, value in _names()[start:end]]
    return {"Quotas": rows, **({"NextToken": str(end)} if end < len(_names()) else {})}


@functools.cache
def _names() -> list[tuple[str, float]]:
    model = get_service_model("sagemaker")
    kinds: dict[str, list[str]] = {shape: getattr(model.shape_for(shape), "enum", []) for shape in set(USAGES.values())}
    return [
        (f"{kind} for {usage}", 8.0 if usage == "cluster usage" or not _is_scarce(kind) else 2.0)
        for usage, shape in USAGES.items()
        for kind in sorted(kinds[shape])
    ]


def _is_scarce(kind: str) -> bool:
    return kind.split(".")[1].startswith(_SCARCE)


def _row(region: str, name: str, value: float) -> dict[str, Any]:
    code = f"L-{hashlib.sha256(name.encode()).hexdigest()[:8].upper()}"
    return {
        "ServiceCode": "sagemaker",
        "ServiceName": "Amazon SageMaker",
        "QuotaArn": f"arn:aws:servicequotas:{region}:{ACCOUNT}:sagemaker/{code}",
        "QuotaCode": code,
        "QuotaName": name,
        "Value": value,
        "Unit": "None",
        "Adjustable": True,
        "GlobalQuota": False,
    }
