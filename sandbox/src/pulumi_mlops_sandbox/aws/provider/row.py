"""The words in which the table describes a resource.

Texts with braces are templates over one scope: ``id``, the resource's properties, ``account``, ``region``,
``partition`` and, after the create call, ``result``. ``at`` is a place in a request or response: ``KeyMetadata``,
``Vpcs[0]``.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pulumi_mlops_sandbox.provider.contract import AutoName, Kind

if TYPE_CHECKING:
    from pulumi_mlops_sandbox.aws.provider.session import Session

EVERYTHING = ("*",)
"""As ``local``: the row's class sends all properties itself."""


@dataclass(frozen=True)
class Call:
    """One API call that sends properties."""

    operation: str
    ident: Mapping[str, Any] = field(default_factory=dict)
    """Members that say which object: member → template (or a list or mapping of templates)."""
    only: tuple[str, ...] | None = None
    """The properties it sends; all that the operation knows when None."""
    rename: Mapping[str, str] = field(default_factory=dict)
    """Property (dotted, without indices) → member, where the rule of names does not find it."""
    at: str = ""
    """The member under which the properties go."""


@dataclass(frozen=True)
class Get:
    """One API call that reads properties."""

    operation: str
    ident: Mapping[str, Any] = field(default_factory=dict)
    at: str = ""
    only: tuple[str, ...] | None = None
    rename: Mapping[str, str] = field(default_factory=dict)
    absent: tuple[str, ...] = ()
    """Errors that mean: the object is there, but this part of it is not."""
    where: Mapping[str, Any] = field(default_factory=dict)
    """For a place that is a list: the member values (templates) of the one entry that is meant."""
    into: str = ""
    """The property that receives what is read, when it is not an object of properties."""


@dataclass(frozen=True)
class Part:
    """Properties that are set together, and again when one of them changes."""

    put: Call
    on: tuple[str, ...]
    clear: Call | None = None
    """The call for when all of them are given up."""
    at_create: bool = False
    """Also run after the create call, when one of them is given."""


@dataclass(frozen=True)
class Wait:
    """States to wait for after a create or an update."""

    path: str
    until: tuple[str, ...]
    failed: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True)
class TagApi:
    """How a service tags: ``form`` is ``map`` or the names of the pair, as in ``Key/Value``."""

    ident: str
    form: str = "Key/Value"
    add: str = "tag_resource"
    remove: str = "untag_resource"
    fetch: str = "list_tags_for_resource"
    tags: str = "Tags"
    keys: str = "TagKeys"
    fetched: str = ""
    at_create: str = "Tags"
    """The create call's member; empty: tags are added after it."""
    value: str = "{arn}"
    many: bool = False
    """Whether the identifier is a list."""
    removes_pairs: bool = False
    """Whether removing takes pairs instead of keys."""


@dataclass(frozen=True)
class Row:
    """One resource kind."""

    resource: str
    """Its type token."""
    service: str
    create: Call
    reads: tuple[Get, ...]
    delete: Call | None
    id: str
    """Template of the id; one without ``result`` is also used to read an id given for an import."""
    absent: tuple[str, ...] = ()
    """Errors that mean that the object does not exist: ``Code`` or ``Code:part of the message``."""
    parts: tuple[Part, ...] = ()
    tags: TagApi | None = None
    name: AutoName | None = None
    replace: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    identity: tuple[str, ...] = ()
    local: tuple[str, ...] = ()
    """Properties that concern only the provider (``forceDestroy``)."""
    refused: Mapping[str, str] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)
    """Templates of outputs that no read returns."""
    sets: tuple[str, ...] = ()
    sticky: tuple[str, ...] = ()
    sensitive: tuple[str, ...] = ()
    recomputed: tuple[str, ...] = ()
    wait: Wait | None = None
    wait_gone: bool = False
    retry: tuple[str, ...] = ()
    """Errors that pass by themselves while the cloud becomes consistent."""
    kind: "Callable[[Row, Session], Kind] | None" = None
    """The class that does what the table cannot say."""
