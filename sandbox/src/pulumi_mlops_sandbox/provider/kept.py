"""What was read from an SDK's classes, kept: to load them takes seconds, and each command starts a provider."""

import hashlib
import importlib.metadata
import json
import os
import threading
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

import platformdirs

from pulumi_mlops_sandbox import bare
from pulumi_mlops_sandbox.provider import schema


class Kept:
    """The folder of one SDK's descriptions."""

    def __init__(self, distribution: str, reader: str, read: Callable[[str], dict[str, Any]]) -> None:
        self._distribution = distribution
        self._reader = reader
        self._read = read
        self._reading = threading.Lock()

    def described(self, token: str, name: str) -> dict[str, Any]:
        """Return what is known of a type token: read once, then kept in the file of that name."""
        path = self._folder / f"{name}.json"
        try:
            found: dict[str, Any] = json.loads(path.read_text())
        except (FileNotFoundError, ValueError):
            with self._reading:  # the calls of an engine come in several threads
                bare.unregister()
                found = self._read(token)
            _keep(path, found)
        return found

    @cached_property
    def _folder(self) -> Path:
        """Name the cache after all that decides what is in it: the SDK's version and the code that reads it."""
        base = Path(os.environ.get("PULUMI_MLOPS_CACHE") or platformdirs.user_cache_path("pulumi-mlops"))
        read_by = [Path(schema.__file__), Path(schema.__file__).with_name("reading.py"), Path(self._reader)]
        reader = hashlib.sha256(b"".join(path.read_bytes() for path in read_by)).hexdigest()[:12]
        version = importlib.metadata.version(self._distribution)
        return base / "schemas" / f"{self._distribution}-{version}-{reader}"


def _keep(path: Path, found: dict[str, Any]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(f".{os.getpid()}-{threading.get_ident()}.part")
        part.write_text(json.dumps(found))
        part.replace(path)
    except OSError:  # a cache that cannot be written costs time, nothing else
        return
