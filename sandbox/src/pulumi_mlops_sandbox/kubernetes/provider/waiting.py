"""Waits until an object is ready or gone, and says what held it up."""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from pulumi_mlops_sandbox.kubernetes.provider import expressions, ready
from pulumi_mlops_sandbox.kubernetes.provider.client import Object
from pulumi_mlops_sandbox.kubernetes.provider.discovery import Api
from pulumi_mlops_sandbox.kubernetes.provider.objects import annotations, switched_on
from pulumi_mlops_sandbox.kubernetes.provider.ready import Await, Reader, Verdict
from pulumi_mlops_sandbox.provider.contract import Missing, ProviderError

_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 1.0
_DELETION = 5 * ready.MINUTE
_GRACE = 2.0
_SHOWN = 5


class NotReady(ProviderError):  # noqa: N818 - a finding, often not an error
    """The object is there and not ready; ``live`` is its last state."""

    def __init__(self, reason: str, live: Object) -> None:
        super().__init__(reason)
        self.live = live


class Watched(Reader, Protocol):
    """A cluster in which objects are waited for."""

    @property
    def cancelled(self) -> threading.Event:
        """Set when the user gives up."""
        ...

    def get(self, api: Api, namespace: str, name: str) -> Object:
        """Return an object, or raise :class:`Missing`."""
        ...


@dataclass(frozen=True)
class Patience:
    """How long to wait: the resource's own time-out, else its annotation's, else the kind's."""

    own: float
    inputs: Object

    def seconds(self, otherwise: float) -> float:
        """Return the seconds."""
        if self.own:
            return self.own
        noted = str(annotations(self.inputs).get("pulumi.com/timeoutSeconds") or "")
        return float(noted) if noted.isdigit() else otherwise


def chosen(api: Api, inputs: Object, *, refreshing: bool = False) -> Await | None:
    """Return how this object is waited for: as its annotations say, else as its kind is."""
    if switched_on(inputs, "skipAwait"):
        return None
    wanted = annotations(inputs).get("pulumi.com/waitFor")
    if wanted:
        tests = expressions.tests(wanted)
        return Await(lambda live, _: Verdict("; ".join(filter(None, (test(live) for test in tests)))))
    found = ready.looked_up(api.gvk)
    return None if found is None or (refreshing and not found.again) else found


def until_ready(cluster: Watched, api: Api, live: Object, inputs: Object, timeout: float) -> Object:
    """Wait for an object; raise :class:`NotReady` when it fails, takes too long, or the user gives up."""
    how = chosen(api, inputs)
    if how is None:
        return live
    seconds = Patience(timeout, inputs).seconds(how.seconds)
    return _until(how, cluster, api, live, seconds)


def _until(how: Await, cluster: Watched, api: Api, live: Object, seconds: float) -> Object:
    metadata = live["metadata"]
    for round_ in _rounds(cluster.cancelled, seconds):
        if round_.number:
            try:
                live = cluster.get(api, metadata.get("namespace", ""), metadata["name"])
            except Missing as error:
                raise NotReady("it was deleted while it was waited for", live) from error
        verdict = how.look(live, cluster)
        if not verdict.missing:
            return live
        if verdict.failed:
            raise NotReady(_told(verdict.missing, live, cluster), live)
        if round_.last:
            held = "the wait was cancelled" if cluster.cancelled.is_set() else f"not ready after {seconds:.0f} s"
            raise NotReady(_told(f"{held}: {verdict.missing}", live, cluster), live)
    return live


def unready(cluster: Watched, api: Api, live: Object, inputs: Object) -> str:
    """Look for a refresh, with a little patience for what is changing right now; return what is missing."""
    how = chosen(api, inputs, refreshing=True)
    if how is None:
        return ""
    try:
        _until(how, cluster, api, live, _GRACE)
    except NotReady as error:
        return str(error)
    return ""


def until_gone(cluster: Watched, api: Api, place: tuple[str, str], inputs: Object, timeout: float) -> None:
    """Wait until an object is gone; say what holds it."""
    if switched_on(inputs, "skipAwait") and ready.skips_deletion(api.gvk):
        return
    seconds = Patience(timeout, inputs).seconds(_DELETION)
    uid = ""
    for round_ in _rounds(cluster.cancelled, seconds):
        try:
            live = cluster.get(api, *place)
        except Missing:
            return
        uid = uid or live["metadata"]["uid"]
        if live["metadata"]["uid"] != uid or "deletionTimestamp" not in live["metadata"]:
            return  # another one of the same name
        if round_.last:
            held = "the wait was cancelled" if cluster.cancelled.is_set() else f"still there after {seconds:.0f} s"
            raise ProviderError(f"{held}: {_holding(live)}")


@dataclass(frozen=True)
class _Round:
    """One look of many."""

    number: int
    last: bool


def _rounds(cancelled: threading.Event, seconds: float) -> Iterator[_Round]:
    """Pause between looks, at first shortly and then longer; the last one is when the time is over."""
    limit, pause, number = time.monotonic() + seconds, _FIRST_PAUSE, 0
    while True:
        left = limit - time.monotonic()
        last = left <= 0 or cancelled.is_set()
        yield _Round(number, last)
        if last:
            return
        cancelled.wait(min(pause, left))
        pause, number = min(pause * 1.5, _LONGEST_PAUSE), number + 1


def _holding(live: Object) -> str:
    """Say why an object that is being deleted stays."""
    conditions = (live.get("status") or {}).get("conditions") or []
    held = [f"{item['type']}: {item.get('message')}" for item in conditions if item.get("status") == "True"]
    finalizers = [*(live["metadata"].get("finalizers") or []), *((live.get("spec") or {}).get("finalizers") or [])]
    if finalizers:
        held.append(f"finalizers {', '.join(finalizers)}, which their controllers have not removed")
    return "; ".join(held) or "nothing says why"


def _told(reason: str, live: Object, cluster: Watched) -> str:
    """Add what pods and events say."""
    symptoms = list(dict.fromkeys(_symptoms(live, cluster)))
    return "; ".join([reason, *symptoms[:_SHOWN]])


def _symptoms(live: Object, cluster: Watched) -> Iterator[str]:
    place, labels = live["metadata"].get("namespace", ""), ready.children(live)
    owners = {live["metadata"].get("uid")}
    if not place:
        return
    if labels:
        for item in cluster.select("apps/v1", "ReplicaSet", place, labels):
            owners.add(item["metadata"]["uid"])
            for entry in (item.get("status") or {}).get("conditions") or []:
                if entry.get("type") == "ReplicaFailure":
                    yield f"{entry.get('reason')}: {entry.get('message')}"
        for item in cluster.select("v1", "Pod", place, labels):
            owners.add(item["metadata"]["uid"])
            yield from _pod(item)
    for event in cluster.select("v1", "Event", place, {}):
        if event.get("type") == "Warning" and (event.get("involvedObject") or {}).get("uid") in owners:
            yield f"{event.get('reason')}: {event.get('message')}"


def _pod(pod: Object) -> Iterator[str]:
    name, status = pod["metadata"]["name"], pod.get("status") or {}
    missing = expressions.condition(pod, "PodScheduled")
    if missing and "no condition" not in missing:
        yield f"pod {name}: {missing}"
    for item in [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]:
        state: dict[str, Any] = item.get("state") or {}
        waiting, ended = state.get("waiting"), state.get("terminated")
        if waiting:
            yield f"pod {name}, container {item['name']}: {waiting.get('reason')} {waiting.get('message', '')}".strip()
        if ended and ended.get("exitCode"):
            why = ended.get("message") or ended.get("reason") or ""
            yield f"pod {name}, container {item['name']}: exit code {ended['exitCode']} {why}".strip()
    if status.get("phase") == "Failed" and status.get("message"):
        yield f"pod {name}: {status['message']}"


def parsed(annotation: Any) -> str:
    """Return what is wrong with a ``waitFor`` annotation."""
    try:
        expressions.tests(annotation)
    except ProviderError as error:
        return str(error)
    return ""
