"""Gates: what the metrics of a version must reach before it is taken."""

import operator
import re
from collections.abc import Mapping

GATE = re.compile(r"(?P<sign>>=|<=|>|<|==)\s*(?P<bound>-?\d+(\.\d+)?)")
_SIGNS = {">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt, "==": operator.eq}


def missed(gate: Mapping[str, str], metrics: Mapping[str, object]) -> list[str]:
    """Say which bounds a version's metrics miss.

    >>> missed({"auc": ">=0.9", "f1": ">0.5"}, {"auc": "0.85"})
    ['auc is 0.85, wanted >=0.9', "f1 is 'not given', wanted >0.5"]
    """
    problems = []
    for metric, bound in gate.items():
        wanted = GATE.fullmatch(bound)
        assert wanted  # noqa: S101 (the spec let only these through)
        try:
            value = float(str(metrics[metric]))
        except (KeyError, ValueError):
            problems.append(f"{metric} is {metrics.get(metric, 'not given')!r}, wanted {bound}")
            continue
        if not _SIGNS[wanted["sign"]](value, float(wanted["bound"])):
            problems.append(f"{metric} is {value:g}, wanted {bound}")
    return problems
