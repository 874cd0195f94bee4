"""Waiting until what an operator runs is ready: the reason that its pods give is said, and hopeless cases end early.

Pulumi's provider waits for a condition of the object, says nothing of its pods, and goes on until its time is over.
So the program itself waits during an update, and whatever comes next in it depends on that.
"""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pulumi
from pulumi import Input, Resource

from pulumi_mlops.backends.kubernetes import live
from pulumi_mlops.backends.kubernetes.objects import Fields
from pulumi_mlops.components.platform import PlatformRef
from pulumi_mlops.core.component import Scope
from pulumi_mlops.core.errors import MlopsError

_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 5.0
HOPELESS_SECONDS = 45
"""How long a reason that nothing but another program mends must hold: what it lacks may be on its way."""
_RESTARTS = 4  # with the pauses of the kubelet, two and a half minutes of failing
_SLOW_STARTS = 2  # each as long as the program says that a start may take
_SHOWN = 3
_NEVER = ("InvalidImageName", "ErrImageNeverPull", "CreateContainerConfigError", "CreateContainerError")
_PULLS = ("ErrImagePull", "ImagePullBackOff")
_NO_SUCH_IMAGE = re.compile(
    r"not found|manifest unknown|does not exist|no match for platform|denied|unauthorized|authorization failed|"
    r"\b40[134]\b|no basic auth credentials",
    re.IGNORECASE,
)
_NOT_ADMITTED = re.compile(r"violates PodSecurity|denied the request|is invalid|serviceaccount .* not found")


@dataclass(frozen=True)
class Reason:
    """Why something is not ready, and whether waiting could change that."""

    text: str
    hopeless: bool = False


@dataclass(frozen=True)
class Watched:
    """An object of the platform's namespace, and the label by which its pods are found."""

    platform: PlatformRef
    group_version: str
    plural: str
    name: str
    label: str
    minutes: int

    def look(self) -> list[Reason]:
        """Return why it is not ready; nothing when it is."""
        found = live.namespaced(self.platform, self.group_version, self.plural, self.name)
        missing = condition(found)
        if not missing:
            return []
        selector = f"{self.label}={self.name}"
        pods = _listed(self.platform, "v1", "pods", selector)
        sets = [] if pods else _listed(self.platform, "apps/v1", "replicasets", selector)
        return [*told(pods, sets), Reason(missing)]


def _listed(platform: PlatformRef, group_version: str, plural: str, selector: str) -> list[Fields]:
    try:
        found = live.namespaced(platform, group_version, plural, labelSelector=selector)
    except MlopsError:  # who may not list pods learns what the object says
        return []
    items: list[Fields] = (found or {}).get("items", [])
    return items


def condition(found: Mapping[str, Any] | None) -> str:
    """Return what an object says of not being ready; nothing when it is."""
    if found is None:
        return "it is not there"
    status = found.get("status") or {}
    seen = status.get("observedGeneration")
    if isinstance(seen, int) and seen < found["metadata"].get("generation", 0):
        return "its controller has not seen it yet"
    for one in status.get("conditions") or []:
        if one["type"] == "Ready" and one["status"] == "True":
            return ""
        if one["type"] == "Ready":
            return str(one.get("message") or one.get("reason") or "Ready is False")
    return "its controller says nothing of it"


def told(pods: list[Fields], sets: list[Fields]) -> Iterator[Reason]:
    """Say what pods, or those who could not make them, give as the reason; the hopeless ones first."""
    found = [reason for pod in pods if not pod["metadata"].get("deletionTimestamp") for reason in _of_pod(pod)]
    for one in sets:
        for failed in (one.get("status") or {}).get("conditions") or []:
            if failed.get("type") == "ReplicaFailure" and failed.get("status") == "True":
                text = str(failed.get("message") or failed.get("reason"))
                found.append(Reason(f"no pod is made: {text}", bool(_NOT_ADMITTED.search(text))))
    yield from sorted(found, key=lambda reason: not reason.hopeless)


def _of_pod(pod: Fields) -> Iterator[Reason]:
    name, status = pod["metadata"]["name"], pod.get("status") or {}
    for one in status.get("conditions") or []:
        if one.get("type") == "PodScheduled" and one.get("status") == "False":
            yield Reason(f"pod {name} has no node: {one.get('message') or one.get('reason')}")
    serving = status.get("containerStatuses") or []
    for box in [*(status.get("initContainerStatuses") or []), *serving]:
        waiting = (box.get("state") or {}).get("waiting") or {}
        ended = (box.get("state") or {}).get("terminated") or (box.get("lastState") or {}).get("terminated") or {}
        which, why, said = f"pod {name}, container {box['name']}", waiting.get("reason"), waiting.get("message") or ""
        if why in _NEVER or why in _PULLS:
            yield Reason(f"{which}: {why}: {said}", why in _NEVER or bool(_NO_SUCH_IMAGE.search(said)))
        elif ended and (ended.get("exitCode") or (box in serving and not box.get("ready"))):
            restarts = int(box.get("restartCount") or 0)
            if slow := _outran(pod, box["name"], ended):
                text, most = f"{which} was not ready within {slow:g} minutes, and was started again", _SLOW_STARTS
            else:
                last = " ".join(str(ended.get("message") or ended.get("reason") or "").split())
                text = f"{which} ended with exit code {ended.get('exitCode', 0)}{f': {last}' if last else ''}"
                most = _RESTARTS
            yield Reason(f"{text} ({restarts} restarts)" if restarts else text, restarts >= most)
    if status.get("phase") == "Failed" and status.get("message"):
        yield Reason(f"pod {name}: {status['message']}")


def _outran(pod: Fields, name: str, ended: Fields) -> float:
    """Return the minutes of a startup probe, where a container was ended since it took longer; else nothing.

    Whether it ends with an error then is its own choice, so its exit code says nothing.
    """
    spec = pod.get("spec") or {}
    probes = [box.get("startupProbe") for box in spec.get("containers") or [] if box["name"] == name]
    if not (probes and probes[0] and ended.get("startedAt") and ended.get("finishedAt")):
        return 0.0
    period = int(probes[0].get("periodSeconds") or 10)
    bound = int(probes[0].get("failureThreshold") or 3) * period
    ran = (datetime.fromisoformat(ended["finishedAt"]) - datetime.fromisoformat(ended["startedAt"])).total_seconds()
    # The first of the probes comes at once. What runs for longer than its end may take was ended by something else.
    longest = bound + int(spec.get("terminationGracePeriodSeconds") or 30) + period
    return bound / 60 if bound - period <= ran <= longest else 0.0


async def until_ready(
    look: Callable[[], Awaitable[list[Reason]]],
    say: Callable[[str], None],
    seconds: float,
    *,
    now: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Look until there is no reason against it any more.

    :raises MlopsError: time is over, or one reason has been hopeless for a while.
    """
    begun, pause, said, hopeless_since = now(), _FIRST_PAUSE, "", None
    while reasons := await look():
        text = "; ".join(dict.fromkeys(reason.text for reason in reasons[:_SHOWN]))
        hopeless = any(reason.hopeless for reason in reasons)
        hopeless_since = None if not hopeless else now() if hopeless_since is None else hopeless_since
        if hopeless_since is not None and now() - hopeless_since >= HOPELESS_SECONDS:
            raise MlopsError(f"will not become ready: {text}")
        if now() - begun >= seconds:
            raise MlopsError(f"is not ready after {seconds / 60:.0f} minutes: {text}")
        if text != said and len(reasons) > 1:  # beside what the object says of itself
            say(f"is not ready yet: {text}")
            said = text
        await sleep(pause)
        pause = min(pause * 1.5, _LONGEST_PAUSE)


def ready(scope: Scope, made: Resource, watched: Watched) -> Input[Resource]:
    """Give a resource when it is ready, for others to depend on; a preview and Pulumi's mocks do not wait."""
    if pulumi.runtime.is_dry_run() or live.of(watched.platform) is None:
        return made

    async def look() -> list[Reason]:
        return await asyncio.to_thread(watched.look)

    async def wait(_: str) -> Resource:
        what = f"{watched.plural}/{watched.name}"
        try:
            await until_ready(look, lambda line: pulumi.log.info(f"{what} {line}", made), watched.minutes * 60)
        except MlopsError as error:
            noun = type(scope.component).noun
            raise MlopsError(
                f"{noun} {scope.name!r}: {what} {error}. Look with: kubectl describe pods -n "
                f"{watched.platform.name}-{watched.platform.stage} -l {watched.label}={watched.name}"
            ) from error
        return made

    # The id is there when the object has been applied; it waits for the whole of what was asked.
    known = made.id if isinstance(made, pulumi.CustomResource) else made.urn
    return known.apply(wait)
