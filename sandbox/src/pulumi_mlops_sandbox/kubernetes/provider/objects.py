"""Objects as a program gives them: token, identity, annotations, secrets, and the apiserver's spelling."""

import base64
import binascii
from collections.abc import Mapping
from typing import Any, Final

from pulumi_mlops_sandbox.kubernetes.provider.client import Object
from pulumi_mlops_sandbox.kubernetes.provider.discovery import Gvk
from pulumi_mlops_sandbox.provider.contract import ProviderError
from pulumi_mlops_sandbox.provider.values import UNKNOWN, Secret, has_secret, plain

AUTONAMED: Final = "pulumi.com/autonamed"
FIELD_MANAGER: Final = "__fieldManager"
INITIAL_VERSION: Final = "__initialApiVersion"
LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"
SECRET_DATA: Final = ("data", "stringData")
_SERVER_SIDE = ("creationTimestamp", "deletionTimestamp", "generation", "managedFields", "resourceVersion", "uid")
_COMPONENTS: Mapping[str, str] = {
    "helm.sh": "Helm charts",
    "kustomize": "kustomizations",
    "yaml": "YAML files",
}


def gvk_of(token: str) -> Gvk:
    """Read a type token: ``kubernetes:core/v1:Secret``, ``kubernetes:serving.kserve.io/v1beta1:InferenceService``."""
    _, module, kind = token.split(":", 2)
    group, _, version = module.rpartition("/")
    if group in _COMPONENTS:
        raise ProviderError(f"{token}: the sandbox renders no {_COMPONENTS[group]}; declare the objects themselves")
    return Gvk(version if group in {"core", ""} else module, kind)


def annotations(inputs: Object) -> Mapping[str, Any]:
    """Return an object's annotations."""
    metadata = inputs.get("metadata")
    found = metadata.get("annotations") if isinstance(metadata, dict) else None
    return found if isinstance(found, dict) else {}


def switched_on(inputs: Object, name: str) -> bool:
    """Say whether an annotation ``pulumi.com/…`` is true."""
    return annotations(inputs).get(f"pulumi.com/{name}") in ("true", True)


def name_of(inputs: Object) -> Any:
    """Return an object's name, which may be unknown, or None."""
    metadata = inputs.get("metadata")
    return metadata.get("name") if isinstance(metadata, dict) else UNKNOWN if metadata is UNKNOWN else None


def namespace_of(inputs: Object) -> str:
    """Return an object's namespace, or nothing."""
    return str((inputs.get("metadata") or {}).get("namespace") or "")


def identifier(live: Object) -> str:
    """Return an object's id: ``namespace/name``, or ``name``."""
    metadata = live["metadata"]
    place = metadata.get("namespace")
    return f"{place}/{metadata['name']}" if place else str(metadata["name"])


def parted(object_id: str) -> tuple[str, str]:
    """Return namespace and name of an id."""
    namespace, _, name = object_id.rpartition("/")
    return namespace, name


def wire(value: Any) -> Any:
    """Write keys as the apiserver does: the SDK sends ``x_kubernetes_…`` for ``x-kubernetes-…``."""
    return _respelt(plain(value), "x_kubernetes_", lambda key: key.replace("_", "-"))


def unwire(value: Any) -> Any:
    """Write keys as the SDK does."""
    return _respelt(value, "x-kubernetes-", lambda key: key.replace("-", "_"))


def _respelt(value: Any, prefix: str, spell: Any) -> Any:
    if isinstance(value, dict):
        return {
            spell(key) if key.startswith(prefix) else key: _respelt(item, prefix, spell) for key, item in value.items()
        }
    return [_respelt(item, prefix, spell) for item in value] if isinstance(value, list) else value


def marked(value: Any, given: Any) -> Any:
    """Mark as secret what was secret in what was given; a list with a secret anywhere is one as a whole."""
    if isinstance(given, Secret):
        return Secret(plain(value))
    if isinstance(value, dict) and isinstance(given, dict):
        return {key: marked(item, given.get(key)) for key, item in value.items()}
    if isinstance(value, list) and has_secret(given):
        return Secret(plain(value))
    return value


def concealed(gvk: Gvk, values: Object) -> Object:
    """Mark a Secret's content as secret, whatever the program says of it."""
    if not gvk.secret:
        return values
    result = {
        key: Secret(plain(item)) if key in SECRET_DATA and item is not None else item for key, item in values.items()
    }
    if LAST_APPLIED in annotations(values):
        metadata = dict(values["metadata"])
        metadata["annotations"] = {**metadata["annotations"], LAST_APPLIED: Secret(annotations(values)[LAST_APPLIED])}
        result["metadata"] = metadata
    return result


def undecodable(inputs: Object) -> list[tuple[str, str]]:
    """Name the values of a Secret's ``data`` that are not base64."""
    data = inputs.get("data")
    wrong = []
    for key, value in data.items() if isinstance(data, dict) else ():
        try:
            if value is not UNKNOWN:
                base64.b64decode(str(value), validate=True)
        except (binascii.Error, ValueError):
            wrong.append((f'data["{key}"]', "not base64: encode it, or give the text in `stringData`"))
    return wrong


def outputs(gvk: Gvk, live: Object, given: Object, manager: str) -> Object:
    """Return the state of an object: as it is, without the list of its owners, with its secrets marked."""
    seen = {**live, "metadata": {key: item for key, item in live["metadata"].items() if key != "managedFields"}}
    found = {key: item for key, item in concealed(gvk, marked(unwire(seen), given)).items() if not _hidden(key)}
    return {**found, FIELD_MANAGER: manager, INITIAL_VERSION: gvk.api_version}


def _hidden(key: str) -> bool:
    return key.startswith("__")


def foreseen(dry: Object, inputs: Object) -> Object:
    """Return what a dry run foretells of an object that is to be made; addresses and ids are examples in it."""
    kept = {key: item for key, item in dry.items() if key != "status"}
    return {**kept, "metadata": {**dry["metadata"], "name": inputs["metadata"]["name"]}}


def imported(live: Object) -> Object:
    """Return the inputs of an object that no program has described yet."""
    metadata = {key: item for key, item in live.get("metadata", {}).items() if key not in _SERVER_SIDE}
    notes = dict(metadata.get("annotations") or {})
    for name in (LAST_APPLIED, "deployment.kubernetes.io/revision"):
        notes.pop(name, None)
    if notes:
        metadata["annotations"] = notes
    else:
        metadata.pop("annotations", None)
    found = {key: item for key, item in live.items() if key != "status" and item not in (None, {})}
    inputs: Object = unwire({**found, "metadata": metadata})
    return inputs


def with_text(live: Object, given: Object) -> Object:
    """Let a Secret show the texts that it was given, which the apiserver keeps encoded."""
    asked, data = given.get("stringData"), live.get("data") or {}
    if not isinstance(asked, dict):
        return live
    texts = {key: base64.b64decode(data[key]).decode(errors="replace") for key in asked if key in data}
    return {**live, "stringData": texts}


def other_name(name: str) -> str:
    """Return a name for a dry run beside an object that is there."""
    tail = "-preview"
    return f"{name[: 63 - len(tail)]}{tail}"
