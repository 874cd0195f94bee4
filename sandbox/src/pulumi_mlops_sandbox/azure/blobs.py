"""Objects in storage: ``/blob/<account>/<container>/<path>``, judged by roles as the service does with Entra tokens."""

import hashlib
import re
from email.utils import formatdate
from typing import Any
from xml.etree import ElementTree as ET

from werkzeug.wrappers import Request

from pulumi_mlops_sandbox.azure import access
from pulumi_mlops_sandbox.azure.call import Answer, Tenant
from pulumi_mlops_sandbox.azure.errors import ArmError
from pulumi_mlops_sandbox.azure.store import Item, Record

PREFIX = "/blob/"
ACTIONS = {"GET": "read", "HEAD": "read", "PUT": "write", "DELETE": "delete"}
BLOBS = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs"
META = "x-ms-meta-"
_SPAN = re.compile(r"bytes=(?P<first>\d+)-(?P<last>\d*)")


def answer(tenant: Tenant, request: Request, path: str, principal: str) -> Answer:
    """Answer one request to the data plane."""
    account_name, _, rest = path.removeprefix(PREFIX).partition("/")
    container_name, _, name = rest.partition("/")
    fault = tenant.faults.take("blob", request.method)
    if fault is not None and fault.error:
        raise ArmError(fault.error, fault.message or "Planned by the sandbox", fault.status or 400)
    account = _account(tenant, account_name)
    container = tenant.store.get(f"{account.id}/blobServices/default/containers/{container_name}")
    if container is None:
        raise ArmError("ContainerNotFound", f"The specified container '{container_name}' does not exist.", 404)
    if request.method not in ACTIONS:
        raise ArmError("UnsupportedHttpVerb", f"The resource doesn't support the HTTP verb {request.method}.", 405)
    action = f"{BLOBS}/{ACTIONS[request.method]}"
    listing = not name and request.method == "GET"
    about = (
        access.at_path(action, request.args.get("prefix", ""), "Blob.List") if listing else access.at_path(action, name)
    )
    if not access.allowed(tenant, principal, action, container.id, data=True, about=about):
        raise ArmError(
            "AuthorizationPermissionMismatch",
            f"This request is not authorized to perform this operation using this permission: '{principal}' needs a "
            f"role with the data action '{action}' on '{container.id}', such as Storage Blob Data Contributor.",
            403,
        )
    return _act(tenant, request, container, name)


def _account(tenant: Tenant, name: str) -> Record:
    for record in tenant.store.of_type("Microsoft.Storage/storageAccounts"):
        if record.name.lower() == name.lower():
            return record
    raise ArmError("ResourceNotFound", f"There is no storage account '{name}'.", 404)


def _act(tenant: Tenant, request: Request, container: Record, name: str) -> Answer:
    if not name:
        if request.method != "GET":
            raise ArmError("InvalidUri", "The name of the blob is missing.", 400)
        prefix = request.args.get("prefix", "")
        if request.args.get("comp") == "list":  # as Microsoft's own client asks
            return _listed(tenant, container, prefix, request.args.get("delimiter", ""))
        return _list(tenant, container, prefix)
    key = f"{container.id}/{name}"
    if request.method == "PUT" and "comp" in request.args:
        raise ArmError("NotImplemented", "The sandbox takes objects whole, and none by blocks: 32 MiB at most.", 501)
    if request.method == "PUT":
        if request.headers.get("If-None-Match") == "*" and key in tenant.store.items:
            raise ArmError("BlobAlreadyExists", "The specified blob already exists.", 409)
        metadata = {
            header.lower().removeprefix(META): value
            for header, value in request.headers.items()
            if header.lower().startswith(META)
        }
        kind = request.headers.get("x-ms-blob-content-type") or request.mimetype or "application/octet-stream"
        item = tenant.store.items[key] = Item(request.get_data(), kind, metadata)
        tenant.saver.soon()
        return Answer(201, None, _headers(item, length=False))
    held = tenant.store.items.get(key)
    if held is None:
        raise ArmError("BlobNotFound", f"The specified blob '{name}' does not exist.", 404)
    if request.method == "DELETE":
        del tenant.store.items[key]
        tenant.saver.soon()
        return Answer(202)
    if request.method == "HEAD":
        return Answer(200, b"", _headers(held, length=True))
    return _content(held, request.headers.get("x-ms-range") or request.headers.get("Range"))


def _content(item: Item, span: str | None) -> Answer:
    """Answer with an object, or with the part of it that is asked for."""
    found = _SPAN.fullmatch(span or "")
    headers, size = _headers(item, length=True), len(item.content)
    if found is None:
        return Answer(200, item.content, headers)
    first = int(found["first"])
    if first >= size:
        raise ArmError("InvalidRange", "The range specified is invalid for the current size of the resource.", 416)
    last = min(int(found["last"] or size), size - 1)
    headers["Content-Range"] = f"bytes {first}-{last}/{size}"
    return Answer(206, item.content[first : last + 1], headers)


def _headers(item: Item, *, length: bool) -> dict[str, str]:
    headers = {
        "ETag": f'"0x{hashlib.sha256(item.content).hexdigest()[:15].upper()}"',
        "Last-Modified": formatdate(item.changed, usegmt=True),
        **{f"{META}{name}": value for name, value in item.metadata.items()},
    }
    if length:
        headers |= {"Content-Type": item.type, "x-ms-blob-type": "BlockBlob"}
    return headers


def _list(tenant: Tenant, container: Record, prefix: str) -> Answer:
    start = f"{container.id}/"
    found: list[dict[str, Any]] = [
        {"name": key.removeprefix(start), "size": len(item.content), "contentType": item.type}
        for key, item in sorted(tenant.store.items.items())
        if key.startswith(f"{start}{prefix}")
    ]
    return Answer(200, {"value": found})


def _listed(tenant: Tenant, container: Record, prefix: str, delimiter: str) -> Answer:
    """List a container in XML, by folders where a delimiter is given.

    https://learn.microsoft.com/rest/api/storageservices/list-blobs
    """
    start = f"{container.id}/"
    found = {
        key.removeprefix(start): item
        for key, item in sorted(tenant.store.items.items())
        if key.startswith(f"{start}{prefix}")
    }
    folders: dict[str, None] = {}
    whole = ET.Element("EnumerationResults")
    listed = ET.SubElement(whole, "Blobs")
    for name, item in found.items():
        folder, cut, _ = name[len(prefix) :].partition(delimiter) if delimiter else ("", "", "")
        if cut:
            folders[f"{prefix}{folder}{delimiter}"] = None
            continue
        blob = ET.SubElement(listed, "Blob")
        ET.SubElement(blob, "Name").text = name
        told = ET.SubElement(blob, "Properties")
        headers = _headers(item, length=False)
        shown = {"Last-Modified": headers["Last-Modified"], "Etag": headers["ETag"], "BlobType": "BlockBlob"}
        for word, value in {**shown, "Content-Length": str(len(item.content)), "Content-Type": item.type}.items():
            ET.SubElement(told, word).text = value
    for folder in folders:
        ET.SubElement(ET.SubElement(listed, "BlobPrefix"), "Name").text = folder
    ET.SubElement(whole, "NextMarker")
    text: bytes = ET.tostring(whole, encoding="utf-8", xml_declaration=True)
    return Answer(200, text, {"Content-Type": "application/xml"})


def held(tenant: Tenant, account: str, container: str, prefix: str) -> bool:
    """Say whether there is any object below a path."""
    for record in tenant.store.of_type("Microsoft.Storage/storageAccounts"):
        if record.name.lower() == account.lower():
            start = f"{record.id}/blobServices/default/containers/{container}/{prefix}"
            return any(key.lower().startswith(start.lower()) for key in tenant.store.items)
    return False


def account_of(uri: str) -> str:
    """Read the account out of an address of storage."""
    host = uri.split("://", 1)[-1].split("/", 1)[0]
    return host.rsplit("@", 1)[-1].split(".", 1)[0].lower()
