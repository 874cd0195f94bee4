"""The classes of ``pulumi_aws`` behind a type token: what a resource accepts and what it returns.

Loading those classes takes seconds, and a provider is started for every command, so what was read is kept in the cache.
"""

import hashlib
import importlib
import importlib.metadata
import json
import os
import re
import threading
import warnings
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import ModuleType

import platformdirs

from pulumi_mlops_sandbox import bare
from pulumi_mlops_sandbox.provider import schema
from pulumi_mlops_sandbox.provider.schema import Property

_READING = threading.Lock()
_KEYWORDS = {"lambda": "lambda_"}
Properties = Mapping[str, Property]


def inputs(token: str) -> Properties:
    """Return the inputs of a type token."""
    return _described(token)[0]


def outputs(token: str) -> Properties:
    """Return the outputs of a type token."""
    return _described(token)[1]


@cache
def _described(token: str) -> tuple[Properties, Properties]:
    kept = _folder() / f"{token.rsplit(':', 1)[0].replace(':', '-').replace('/', '-')}.json"
    try:
        found = json.loads(kept.read_text())
        return schema.load(found["inputs"]), schema.load(found["outputs"])
    except (FileNotFoundError, ValueError, KeyError):
        taken, returned = _read(token)
        _keep(kept, {"inputs": schema.dump(taken), "outputs": schema.dump(returned)})
        return taken, returned


@cache
def _folder() -> Path:
    """Name the cache after all that decides what is in it: the SDK's version and the code that reads it."""
    base = Path(os.environ.get("PULUMI_MLOPS_CACHE") or platformdirs.user_cache_path("pulumi-mlops"))
    read_by = [Path(schema.__file__), Path(schema.__file__).with_name("reading.py"), Path(__file__)]
    reader = hashlib.sha256(b"".join(path.read_bytes() for path in read_by)).hexdigest()[:12]
    return base / "schemas" / f"pulumi_aws-{importlib.metadata.version('pulumi_aws')}-{reader}"


def _keep(path: Path, found: Mapping[str, object]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(f".{os.getpid()}.part")
        part.write_text(json.dumps(found))
        part.replace(path)
    except OSError:  # a cache that cannot be written costs time, nothing else
        return


def _read(token: str) -> tuple[Properties, Properties]:
    with _READING:  # the calls of an engine come in several threads
        bare.unregister()
        from pulumi_mlops_sandbox.provider import reading  # noqa: PLC0415  (it loads the SDK)

        module, name = _module(token)
    # Where a nested type has taken the name, the resource's own class is called …InitArgs.
    args: type = getattr(module, f"{name}InitArgs", None) or getattr(module, f"{name}Args")
    state: type = getattr(module, f"_{name}State")
    return reading.properties(args), reading.properties(state)


def _module(token: str) -> tuple[ModuleType, str]:
    _, place, name = token.split(":")
    package, file = place.split("/")
    snake = re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", file).lower()
    with warnings.catch_warnings():  # the SDK warns of its own deprecated classes while it loads
        warnings.simplefilter("ignore", DeprecationWarning)
        return importlib.import_module(f"pulumi_aws.{_KEYWORDS.get(package, package)}.{snake}"), name
