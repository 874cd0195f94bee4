"""The object store of an MLflow server, as one whose files come and go through the server only.

MLflow tells clients to fetch files by addresses of the object store itself wherever that is S3, and has no setting
against it. Here only the server reaches the store, and only the server has a key. The server loads this as one of
MLflow's plugins (https://mlflow.org/docs/latest/ml/plugins/), in the place of its own class for ``s3``.
"""

# pyright: reportMissingImports=false, reportMissingModuleSource=false

from __future__ import annotations

from typing import Any

from mlflow.store.artifact.artifact_repo import ArtifactRepository
from mlflow.store.artifact.s3_artifact_repo import S3ArtifactRepository


class Proxied(ArtifactRepository):  # type: ignore[misc]  # MLflow is not in this environment
    """MLflow's own class, without what makes addresses for clients."""

    def __init__(self, artifact_uri: str, *given: Any, **named: Any) -> None:
        super().__init__(artifact_uri, *given, **named)
        self.store = S3ArtifactRepository(artifact_uri, *given, **named)

    def log_artifact(self, local_file: str, artifact_path: str | None = None) -> None:
        """Keep a file."""
        self.store.log_artifact(local_file, artifact_path)

    def log_artifacts(self, local_dir: str, artifact_path: str | None = None) -> None:
        """Keep a folder."""
        self.store.log_artifacts(local_dir, artifact_path)

    def list_artifacts(self, path: str | None = None) -> Any:
        """List a folder."""
        return self.store.list_artifacts(path)

    def delete_artifacts(self, artifact_path: str | None = None) -> None:
        """Delete a file or folder."""
        self.store.delete_artifacts(artifact_path)

    def upload_archived_trace_data_bytes(self, data: bytes) -> None:
        """Keep what is archived of a trace."""
        self.store.upload_archived_trace_data_bytes(data)

    def _download_file(self, remote_file_path: str, local_path: str) -> None:
        self.store._download_file(remote_file_path, local_path)  # noqa: SLF001 (as of any store)
