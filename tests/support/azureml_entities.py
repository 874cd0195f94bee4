"""Microsoft's own entities of Azure Machine Learning, as azure-ai-ml has them."""

import json
import warnings
from pathlib import Path
from typing import Any

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of marshmallow, which azure-ai-ml uses as older versions wanted it
    from azure.ai.ml import load_job
    from azure.ai.ml._restclient.arm_ml_service.models import ComponentVersion, PipelineJob
    from azure.ai.ml._restclient.runhistory import RunHistoryClient
    from azure.ai.ml.entities import CommandComponent, Component, PipelineComponent
    from azure.ai.ml.entities._builders import Command, Sweep

__all__ = [
    "Command",
    "CommandComponent",
    "PipelineComponent",
    "PipelineJob",
    "RunHistoryClient",
    "Sweep",
    "job",
    "problems",
    "read_back",
]


def read_back(spec: dict[str, Any]) -> Any:
    """Read the specification of a component as azure-ai-ml reads an answer."""
    said = {"name": spec["name"], "properties": {"componentSpec": json.loads(json.dumps(spec)), "isAnonymous": False}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Component._from_rest_object(ComponentVersion(said))


def problems(component: Any) -> str:
    """Say what azure-ai-ml finds wrong with a component, or nothing."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = component._validate()
    return "" if found.passed else str(found)


def job(text: str, folder: Path) -> Any:
    """Read a job that is written for `az ml job create`."""
    file = folder / "run.yml"
    file.write_text(text)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return load_job(file)
