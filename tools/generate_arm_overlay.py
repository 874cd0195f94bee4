"""Write down what Machine Learning's models say and its types do not: durations, whole numbers, what is fixed for life.

`python tools/generate_arm_overlay.py` writes `sandbox/src/pulumi_mlops_sandbox/azure/types/overlay.json` from the
azure-ai-ml that is installed: class -> wire name -> `kind` (int, float, duration, datetime) and `fixed` (set when it is
created only). A test compares the two.
"""

import inspect
import json
import re
from pathlib import Path
from typing import Any

PATH = Path(__file__).parent.parent / "sandbox" / "src" / "pulumi_mlops_sandbox" / "azure" / "types" / "overlay.json"
KINDS = {"int": "int", "float": "float", "datetime.timedelta": "duration", "datetime.datetime": "datetime"}
_WORD = re.compile(r"[\w.]+")


def overlay() -> dict[str, dict[str, dict[str, Any]]]:
    """Read the models."""
    from azure.ai.ml._restclient.arm_ml_service import models  # noqa: PLC0415  (a second to import)
    from azure.ai.ml._restclient.arm_ml_service._utils.model_base import Model  # noqa: PLC0415  (as above)

    found: dict[str, dict[str, dict[str, Any]]] = {}
    for name, cls in sorted(vars(models).items()):
        if not inspect.isclass(cls) or not issubclass(cls, Model):
            continue
        cls.__new__(cls)  # fields have their names only then
        annotations = _annotations(cls)
        for attribute, field in cls._attr_to_rest_field.items():
            facts: dict[str, Any] = {}
            kind = _kind(str(annotations.get(attribute, "")))
            if kind:
                facts["kind"] = kind
            visibility = field._visibility or []  # noqa: SLF001  (as above)
            if "create" in visibility and "update" not in visibility:
                facts["fixed"] = True
            if facts:
                found.setdefault(name, {})[field._rest_name] = facts  # noqa: SLF001  (as above)
    return found


def _annotations(cls: type) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        merged |= vars(base).get("__annotations__", {})
    return merged


def _kind(annotation: str) -> str | None:
    words = set(_WORD.findall(annotation.replace("typing.", ""))) - {
        "Optional",
        "Union",
        "list",
        "List",
        "dict",
        "Dict",
        "str",
        "class",
    }
    return KINDS.get(words.pop()) if len(words) == 1 else None


def text() -> str:
    """Write it, a class a line."""
    rows = (f" {json.dumps(name)}: {json.dumps(fields, sort_keys=True)}" for name, fields in overlay().items())
    return "{\n" + ",\n".join(rows) + "\n}\n"


if __name__ == "__main__":
    PATH.write_text(text())
