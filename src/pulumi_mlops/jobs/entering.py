"""Enter a version of a dataset in Weights & Biases or in ClearML, where ``dataset.py`` beside it has published one.

What is entered names the files where they are, with the store's own version and digest of each: nothing is uploaded,
and the store is not asked. The clients find project and keys in their own variables, as in any run.
"""

# pyright: reportMissingImports=false, reportMissingModuleSource=false
# Each client is in the images that use it, not in the library's own environment.

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Sequence

Fields = dict[str, Any]


def enter(engine: str, name: str, version: Fields, files: Sequence[Fields], parents: Sequence[Fields]) -> Fields:
    """Enter a version; return by what it is found there.

    :param version: the facts of it: number, time, digest, manifest, and parents as the manifest has them.
    :param files: its files, each with the address of it, ``uri``.
    :param parents: by what those of its parents' versions are found that were entered there as well.
    :returns: nothing where the client keeps it on this machine, and nobody knows yet by what it will be found.
    """
    return {"wandb": in_wandb, "clearml": in_clearml}[engine](name, version, files, parents)


def in_wandb(name: str, version: Fields, files: Sequence[Fields], parents: Sequence[Fields]) -> Fields:
    """Log an artifact of references, from a run that used the parents'.

    https://docs.wandb.ai/models/artifacts/track-external-files
    """
    import wandb  # noqa: PLC0415 (not everywhere)

    alias = f"version-{version['number']}"
    with wandb.init(job_type="publish", name=f"{name}-{alias}", config={"dataset": name, **version}) as run:
        artifact = wandb.Artifact(name, type="dataset", description=_described(version), metadata=version)
        for one in files:
            # Unchecked, so that the client does not ask the store; what it would find there is known.
            for entry in artifact.add_reference(_plain(one["uri"]), name=one["path"], checksum=False):
                kept = {"etag": _etag(one), "versionID": one["id"]}
                entry.digest, entry.size = _etag(one), one["size"]
                entry.extra = {key: value for key, value in kept.items() if value is not None}
        if not run.offline:
            for parent in parents:
                run.use_artifact(parent["name"])
        logged = run.log_artifact(artifact, aliases=["latest", alias])
        if not run.offline:
            logged.wait()
        return {"name": f"{run.entity}/{run.project}/{name}:{alias}"}


def in_clearml(name: str, version: Fields, files: Sequence[Fields], parents: Sequence[Fields]) -> Fields:
    """Make a dataset of links. A parent of ClearML's hands its files down, so that parents are in the metadata only.

    https://clear.ml/docs/latest/docs/references/sdk/dataset
    """
    from clearml import Task  # noqa: PLC0415 (not everywhere)
    from clearml.datasets import Dataset  # noqa: PLC0415 (as above)
    from clearml.datasets.dataset import LinkEntry  # noqa: PLC0415 (as above)

    project, number = os.environ["CLEARML_PROJECT"], f"{version['number']}.0.0"
    made = Dataset.create(
        dataset_name=name,
        dataset_project=project,
        dataset_version=number,
        description=_described(version),
        use_current_task=False,
    )
    # `add_external_files` lists the store with credentials of its own, and Azure's only by an account's key.
    for one in files:
        made.link_entries_dict[one["path"]] = LinkEntry(
            link=_link(one["uri"]),
            relative_path=one["path"],
            parent_dataset_id=made.id,
            size=one["size"],
            hash=one["digest"],
        )
    made.set_metadata({**version, "entered": list(parents)}, ui_visible=False)
    made.upload(show_progress=False)
    if Dataset.is_offline():
        # What it left to its threads is cut off at the end of the process: they are waited for here.
        Task.current_task().close()
        return {}
    made.finalize()
    return {"id": made.id, "project": project, "name": name, "version": number}


def _described(version: Fields) -> str:
    return f"Version {version['number']}, of {version['time']}: {version['manifest']}"


def _etag(one: Fields) -> str:
    """Return a digest as the store says it."""
    return str(one["digest"]).partition(":")[2]


def _plain(uri: str) -> str:
    """Write an address as the clients do, which read no escapes in it.

    >>> _plain("https://rows.blob.core.windows.net/files/dt%3D1/a.csv")
    'https://rows.blob.core.windows.net/files/dt=1/a.csv'
    """
    return unquote(uri) if uri.startswith("https://") else uri


def _link(uri: str) -> str:
    """Write an address as ClearML's client does.

    >>> _link("https://rows.blob.core.windows.net/files/a.csv")
    'azure://rows.blob.core.windows.net/files/a.csv'
    """
    server = urlsplit(os.environ.get("AWS_ENDPOINT_URL_S3", "")).netloc
    if uri.startswith("s3://") and server:
        return f"s3://{server}/{uri[len('s3://') :]}"
    return _plain(uri).replace("https://", "azure://", 1)
