"""What a program gives: checked as far as that needs no server, and completed."""

from typing import Final

from pulumi_mlops_sandbox.kubernetes.provider import objects, waiting
from pulumi_mlops_sandbox.kubernetes.provider.discovery import Gvk
from pulumi_mlops_sandbox.provider.contract import AutoName, Values
from pulumi_mlops_sandbox.provider.naming import Naming
from pulumi_mlops_sandbox.provider.values import UNKNOWN, Secret, plain

NAME: Final = AutoName(limit=253, digits=8, prefix="")


def misfits(gvk: Gvk, news: Values) -> list[tuple[str, str]]:
    """List what is wrong with the inputs that needs no server to see."""
    wrong = []
    if news.get("apiVersion", gvk.api_version) != gvk.api_version:
        wrong.append(("apiVersion", f"{news['apiVersion']!r} is not the resource's own, {gvk.api_version!r}"))
    if news.get("kind", gvk.kind) != gvk.kind:
        patch = gvk.kind == f"{news['kind']}Patch"
        wrong.append(
            ("kind", "the sandbox has no …Patch resources" if patch else f"{news['kind']!r} is not {gvk.kind!r}")
        )
    if gvk.kind.endswith("List") and "items" in news:
        wrong.append(("items", "a list is no object: declare each of its items"))
    metadata = news.get("metadata")
    if isinstance(metadata, dict) and metadata.get("generateName"):
        wrong.append(("metadata.generateName", "not possible with server-side apply: leave out the name instead"))
    wait = objects.annotations(news).get("pulumi.com/waitFor")
    if wait is not None and wait is not UNKNOWN and waiting.parsed(wait):
        wrong.append(('metadata.annotations["pulumi.com/waitFor"]', waiting.parsed(wait)))
    return wrong + (objects.undecodable(news) if gvk.secret else [])


def completed(gvk: Gvk, news: Values, olds: Values, naming: Naming, namespace: str) -> Values:
    """Fill in kind, name and namespace, as the real provider does.

    :param namespace: the namespace of an object that names none; empty for kinds without one.
    """
    metadata = news.get("metadata", {})
    bare = plain(metadata)
    news = {"apiVersion": gvk.api_version, "kind": gvk.kind, **news}
    if not isinstance(bare, dict):  # not known yet
        return news
    added: Values = {}
    if not bare.get("name"):
        kept = objects.switched_on(olds, "autonamed") and objects.name_of(olds)
        added["name"] = kept or naming.make(NAME)
        if added["name"] is not None:
            notes = bare.get("annotations")
            added["annotations"] = {**(notes if isinstance(notes, dict) else {}), objects.AUTONAMED: "true"}
    if not bare.get("namespace") and namespace:
        added["namespace"] = namespace
    whole = metadata.value if isinstance(metadata, Secret) else metadata
    filled = {**whole, **{key: item for key, item in added.items() if item is not None}}
    return {**news, "metadata": Secret(filled) if isinstance(metadata, Secret) else filled}
