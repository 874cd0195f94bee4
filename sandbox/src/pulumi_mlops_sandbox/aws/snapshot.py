"""State on disk: everything that the account holds, saved soon after each change and when the server stops.

The own store and moto's backends go into one pickle, written atomically, so that they always belong together. It is
read back from the sandbox's own folder only.
"""

import importlib
import io
import json
import pickle
import threading
import types
import weakref
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, cast

import dill
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from moto.core.base_backend import BackendDict, BaseBackend
from moto.iam.aws_managed_policies import aws_managed_policies_data
from moto.iam.models import AWSManagedPolicy
from moto.s3.models import s3_backends

from pulumi_mlops_sandbox.aws import accounts
from pulumi_mlops_sandbox.aws.store import Store
from pulumi_mlops_sandbox.saving import Saver, UnreadableStateError

_FORMAT = 1
_LOCKS = (type(threading.Lock()), type(threading.RLock()))
_BackendKey = tuple[str, str, str, str]  # module, service, account, region


class Snapshot(Saver):
    """The file that survives the process."""

    def __init__(self, home: Path, lock: "threading.RLock", store: Store) -> None:
        super().__init__(home / "aws-state.pickle", self._dumped)
        self._lock, self._store = lock, store

    def _dumped(self) -> bytes:
        with self._lock:
            return dumps({"format": _FORMAT, "store": self._store.dump(), "moto": dict(_backends())})

    def load(self) -> bool:
        """Read the state, if there is any."""
        if not self.path.exists():
            return False
        try:
            state = pickle.loads(self.path.read_bytes())  # noqa: S301 - our own file, in the sandbox's own folder
        except Exception as error:
            raise UnreadableStateError(self.path, error) from error
        if state["format"] != _FORMAT:
            raise UnreadableStateError(self.path, f"its format is {state['format']}, not {_FORMAT}")
        self._store.restore(state["store"])
        for key, backend in state["moto"].items():
            _put(key, backend)
        return True


def _backends() -> Iterator[tuple[_BackendKey, BaseBackend]]:
    """All of moto's backends that anybody has used."""
    for instance in accounts.all_backends():
        for account, region, backend in list(instance.iter_backends()):
            if region.startswith("aws-"):  # the other partitions (China, government …), which nobody here can reach
                continue
            yield (instance.backend.__module__, instance.service_name, account, region), backend


def _put(key: _BackendKey, backend: BaseBackend) -> None:
    module, service, account, region = key
    for candidate in vars(importlib.import_module(module)).values():
        if isinstance(candidate, BackendDict) and candidate.service_name == service:
            dict.__setitem__(candidate[account], region, backend)
            if candidate is s3_backends:  # which bucket is whose is kept beside the backends
                owner = (backend.partition, account)
                s3_backends.bucket_accounts.update(dict.fromkeys(cast("Any", backend).buckets, owner))
            return
    raise ValueError(f"moto has no backend for {service} in {module}; was the state written with another version?")


def dumps(state: Any) -> bytes:
    """Pickle what moto keeps: plain objects, and a few kinds that pickle refuses."""
    buffer = io.BytesIO()
    _Pickler(buffer, protocol=pickle.HIGHEST_PROTOCOL).dump(state)
    return buffer.getvalue()


class _Pickler(pickle.Pickler):
    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, AWSManagedPolicy):  # 1,300 constant documents in each partition: by name only
            return _managed_policy, (obj.name, obj.account_id, obj.partition, obj.id, obj.attachment_count)
        if isinstance(obj, _LOCKS):
            return (threading.RLock if "RLock" in type(obj).__name__ else threading.Lock), ()
        if isinstance(obj, weakref.WeakValueDictionary):
            return weakref.WeakValueDictionary, (dict(obj),)
        if isinstance(obj, (rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey)):
            return _private_key, (_der(obj),)
        if isinstance(obj, types.FunctionType) and "<" in obj.__qualname__:  # a lambda, or a function in a function
            return dill.loads, (dill.dumps(obj),)
        return NotImplemented


@cache
def _managed_policies() -> dict[str, dict[str, Any]]:
    return cast("dict[str, dict[str, Any]]", json.loads(aws_managed_policies_data))


def _managed_policy(name: str, account: str, partition: str, identity: str, attached: int) -> AWSManagedPolicy:
    policy = AWSManagedPolicy.from_data(name, account, partition, _managed_policies()[name])
    policy.id, policy.attachment_count = identity, attached
    return policy


def _der(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _private_key(der: bytes) -> Any:
    return serialization.load_der_private_key(der, password=None)
