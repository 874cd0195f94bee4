"""Make what a step left the next version of datasets: its files are added, and the whole is published.

``step.py`` runs it when a step has succeeded; on Kubernetes a container of its own does, since no step holds the key of
the store. ``dataset.py`` is beside it.

    python3 publish.py scores

``MLOPS_OUTPUT_<NAME>`` is the folder with the files, ``MLOPS_PUBLISH_<NAME>`` says where they go,
``scores/day s3://bucket/``, and ``MLOPS_FACTS`` is the record of the step: its run names the folder of the files, and
the versions that it read are the parents. ``MLOPS_ASSET_<NAME>`` is the id of a data asset of Azure Machine Learning.
"""

# pyright: reportMissingImports=false
# The other program is beside this one where both run.

from __future__ import annotations

import datetime as dt
import json
import os
import re
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pulumi_mlops.jobs import dataset
else:
    import dataset

PUBLISH, OUTPUT, ASSET, FACTS = "MLOPS_PUBLISH_", "MLOPS_OUTPUT_", "MLOPS_ASSET_", "MLOPS_FACTS"
FORMS = {"month": "%Y-%m", "day": "%Y-%m-%d", "hour": "%Y-%m-%d-%H"}
_UTC = dt.timezone.utc  # noqa: UP017 (Python 3.9)
_PARTITION = re.compile(r"dt=\d{4}-\d{2}(-\d{2}(-\d{2})?)?")


def main(names: Sequence[str], environment: Mapping[str, str]) -> int:
    """Publish outputs, one after the other; return an exit code."""
    record = json.loads(Path(environment[FACTS]).read_text())
    for name in names:
        dataset_name, _, location = environment[variable(PUBLISH, name)].partition(" ")
        called, _, partition = dataset_name.partition("/")
        folder = Path(environment[variable(OUTPUT, name)])
        try:
            made = publish(folder, location, partition, record)
            if asset := environment.get(variable(ASSET, name)):
                dataset.register(asset, location, made)
        except Exception as error:  # noqa: BLE001 (of whatever store's client)
            sys.stderr.write(f"step: output {name!r} is not published in {called!r}: {type(error).__name__}: {error}\n")
            return 1
        sys.stdout.write(f"step: output {name!r} is in version {made.number} of {called!r}.\n")
    sys.stdout.flush()
    return 0


def variable(prefix: str, name: str) -> str:
    """Name the variable of a part of a step."""
    return prefix + name.upper().replace("-", "_")


def publish(
    folder: Path, location: str, partition: str, record: Mapping[str, Any], now: dt.datetime | None = None
) -> dataset.Version:
    """Add the files of a folder to a dataset, in place of those that an earlier attempt added, and publish it.

    :param partition: ``hour``, ``day`` or ``month`` where the dataset has partitions.
    """
    store, run = dataset.store_of(location), "-".join([record["pipeline"], record["run"], record["step"]])
    before = [one.path for one in dataset.data(store) if run in one.path.split("/")[:2]]
    # An attempt after midnight writes where the one before it did.
    day = next((path.split("/")[0] for path in before if _PARTITION.match(path)), None)
    day = day or f"dt={(now or dt.datetime.now(_UTC)).strftime(FORMS[partition])}" if partition else ""
    placed = {place(path.relative_to(folder).as_posix(), run, day): path for path in files(folder)}
    if not placed:
        raise dataset.DatasetError("the output has no file that is data: names that begin with _ or . are none")
    added: list[str] = []
    try:
        for path, source in placed.items():
            added.append(path)
            write(store, path, source)
    except BaseException:
        # What is half there would be in the version of whoever publishes next.
        for path in added:
            store.delete(path)
        raise
    for path in before:
        if path not in placed:
            store.delete(path)
    read = [one for one in record["inputs"].values() if "dataset" in one]
    return dataset.publish(store, [dataset.parent(f"{one['location']}@{one['version']}") for one in read])


def files(folder: Path) -> list[Path]:
    """List the files of an output that are data."""
    found = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return [path for path in found if not any(part[:1] in "_." for part in path.relative_to(folder).parts)]


def place(path: str, run: str, day: str) -> str:
    """Say where in a dataset a file of an output goes.

    >>> place("part.parquet", "nightly-9f2c-score", "dt=2026-11-30")
    'dt=2026-11-30/nightly-9f2c-score/part.parquet'

    A program that writes partitions has its own:

    >>> place("dt=2026-11-01/part.parquet", "nightly-9f2c-score", "dt=2026-11-30")
    'dt=2026-11-01/nightly-9f2c-score/part.parquet'
    """
    first, _, rest = path.partition("/")
    if day and rest and _PARTITION.fullmatch(first):
        return f"{first}/{run}/{rest}"
    return "/".join(filter(None, [day, run, path]))


def write(store: dataset.Store, path: str, source: Path) -> None:
    """Write a file into a store, however large it is."""
    if isinstance(store, dataset.S3):
        store.client.upload_file(str(source), store.bucket, store.root + path)
    elif isinstance(store, dataset.Azure):
        with source.open("rb") as content:
            store.container.get_blob_client(store.root + path).upload_blob(content, overwrite=True)
    elif isinstance(store, dataset.Folder):
        target = store.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
