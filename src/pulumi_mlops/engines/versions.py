"""What engines of datasets have in common: files are where the platform keeps them, and versions are entered beside.

A version is a list of files of the platform's store. Whoever publishes one enters it at the engine too, with the same
number, the address and the store's own version of each file, and what it was made of: ``jobs/entering.py`` does.
"""

from collections.abc import Iterator
from dataclasses import replace

from pulumi_mlops.components.dataset import FOLDER, DatasetSpec
from pulumi_mlops.components.dataset_ref import DatasetRef
from pulumi_mlops.core import registry
from pulumi_mlops.core.component import Scope
from pulumi_mlops.core.errors import Problem
from pulumi_mlops.core.inputs import Spec


def dataset(scope: Scope, spec: DatasetSpec) -> DatasetRef:
    """Keep the files as the platform does, and say where versions are entered."""
    return replace(registry.find(spec.platform.backend, FOLDER)(scope, spec), tracker=spec.tracker)


def problems(name: str, spec: Spec) -> Iterator[Problem]:
    """Let the platform's backend judge what it keeps."""
    if isinstance(spec, DatasetSpec):
        yield from registry.load(spec.platform.backend).problems(name, spec)
