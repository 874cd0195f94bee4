"""Names after content: for things that never change, so that another content is another thing beside the old one."""

import hashlib
import json

from pulumi import Output

from pulumi_mlops.core import prerequisites, private


def digest_of(content: object) -> str:
    """Digest a content in eight characters.

    >>> digest_of({"a": 1, "b": 2}) == digest_of({"b": 2, "a": 1}) != digest_of({"a": 2, "b": 2})
    True
    """
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:8]


def content_name(name: str, content: object) -> str:
    """Name an object after what is in it, for kinds that cannot change: another content is another object.

    >>> content_name("apply", {"a": 1}) == content_name("apply", {"a": 1}) != content_name("apply", {"a": 2})
    True
    """
    return f"{name}-{digest_of(content)}"


def settled(content: object) -> str | None:
    """Write content down as it is now, waiting for what other resources of the program still have to tell.

    What is named after it is a resource of its own name, and a name in the program cannot be an Output. In a preview,
    what is not known yet gives None: the resource is shown as new, under a name that the update will replace. So it is
    in a program that is going to be refused: waiting would have the refusal told before all of the program is known.
    """
    if prerequisites.unmet():
        return None
    return private.resolve(Output.json_dumps(content, sort_keys=True).future())
