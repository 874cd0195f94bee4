"""The apiserver's errors in one line: what was wrong, where, and the way out."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import urllib3.exceptions

from pulumi_mlops_sandbox.kubernetes.provider.client import StatusError
from pulumi_mlops_sandbox.kubernetes.provider.discovery import Gvk
from pulumi_mlops_sandbox.kubernetes.provider.kubeconfig import Access
from pulumi_mlops_sandbox.provider.contract import ProviderError

UNREACHABLE = (urllib3.exceptions.HTTPError, OSError)
_UNTYPED = re.compile(r"failed to create typed (?:patch|live) object \([^)]*\): (.*)", re.DOTALL)
_UNCHECKED = re.compile(r",?\s*[^,]*some validation rules were not checked because the object was invalid[^,\]]*")
_OWNER = re.compile(r'conflict with "([^"]*)"(?: with subresource "([^"]*)")?')
_VALUES = (
    re.compile(r"(Invalid value: )(\"(?:[^\"\\]|\\.)*\"|[^\s:]+)"),
    re.compile(r"(Value:)[^},]*"),
    re.compile(r"(, got )[^,]*"),
)


class NotThere(ProviderError):  # noqa: N818 - a finding, often not an error
    """What the object needs is not there (yet): its namespace, mostly."""


@contextmanager
def explained(access: Callable[[], Access], gvk: Gvk, object_id: str) -> Iterator[None]:
    """Say of which object an error speaks."""
    try:
        yield
    except StatusError as error:
        raise ProviderError(f"{gvk} {object_id}: {refused(error, access(), secret=gvk.secret)}") from error
    except ProviderError as error:
        if type(error) in (ProviderError, NotThere):
            raise ProviderError(f"{gvk} {object_id}: {error}") from error
        raise


def unreachable(error: Exception, access: Access) -> str:
    """Say that the cluster does not answer."""
    why = "connection refused" if "refused" in str(error).lower() else type(error).__name__
    if "certificate" in str(error).lower():
        why = "its certificate is not signed by the authority of the kubeconfig"
    return (
        f"no answer from {access.server} (context {access.context!r}): {why}; start it with "
        "`pulumi-mlops sandbox up --plane kubernetes`, or correct `kubeconfig` and `context` of the provider"
    )


def refused(error: StatusError, access: Access, *, secret: bool = False) -> str:
    """Say why the apiserver refused something; of an object with secrets, without its values."""
    text = _refused(error, access)
    if secret:
        for pattern in _VALUES:
            text = pattern.sub(r"\1[secret]", text)
    return text


def _refused(error: StatusError, access: Access) -> str:
    match error.code:
        case 500 if untyped := _UNTYPED.search(error.message):
            text = f"the apiserver cannot read it: {untyped[1].strip()}"
        case 401:
            text = (
                f"{access.server} (context {access.context!r}) does not accept the credentials of the kubeconfig; "
                "they have expired or belong to another cluster"
            )
        case 403 if "attempting to grant" not in error.message and " cannot " in error.message:
            text = f"{error.message}; the account of context {access.context!r} needs that right"
        case 404 if not error.reason:
            text = f"the cluster has no such API ({error.message})"
        case 409 if error.causes:
            text = _conflict(error)
        case 422:
            text = _invalid(error)
        case _:
            text = error.message
    return text


def _conflict(error: StatusError) -> str:
    fields = [f"{item.get('field')} belongs to field manager {_owner(item)}" for item in error.causes]
    return (
        f"conflict: {'; '.join(fields)}. Leave the field to its owner (take it out of the program, or use "
        '`ignore_changes`), let it go there, or take it over with the annotation pulumi.com/patchForce: "true"'
    )


def _owner(cause: Mapping[str, Any]) -> str:
    match = _OWNER.search(str(cause.get("message")))
    if match is None:
        return str(cause.get("message"))
    return f'"{match[1]}"' + (f" (through its {match[2]!r} subresource)" if match[2] else "")


def _invalid(error: StatusError) -> str:
    causes = [(str(item.get("field") or ""), str(item.get("message") or "")) for item in error.causes]
    told = [(f"{field}: {message}" if field else message).rstrip(".") for field, message in causes]
    kept = [item for item in dict.fromkeys(told) if "rules were not checked" not in item]
    text = "; ".join(kept) or _UNCHECKED.sub("", error.message)
    if "immutable" in text or "may not be changed" in text or "may not change" in text:
        text += "; a field that never changes needs a new object: name it anew, or use `replace_on_changes`"
    return f"invalid: {text}"
