"""Move an endpoint's traffic to its new revisions step by step, watch them, and go back when they are unwell.

Runs once for a release, in a Job, with rights on the one HTTPRoute. It needs nothing but the standard library, and can
be stopped at any moment: while it is under way the route carries the rules of before in an annotation, and whoever
comes next goes on from there. It ends with 0 when the route has the rules that the program declares, else with 1, the
rules of before put back and the reason written down, in the pod's termination message and on the route.

    python release.py settings.json
"""

from __future__ import annotations

import json
import math
import os
import signal
import ssl
import sys
import time
import urllib.parse
import urllib.request
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError, URLError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
TERMINATION = Path("/dev/termination-log")
BEFORE = "pulumi-mlops/release-from"
"""The annotation that holds the rules of before, as JSON, while a release is under way."""
ROLLED_BACK = "pulumi-mlops/rolled-back"
"""The annotation that says why the last release went back."""
MANAGER = "pulumi-mlops-release"
REVISION = "serving.kserve.io/inferenceservice"
_TIMEOUT_SECONDS = 15
_TRIES, _PAUSE_SECONDS = 6, 5.0  # an API server that is restarted is no reason to go back
_ALL = 100
_FULL = 10000  # the sum of a route's weights while its traffic is divided by per cent
_IN_A_ROW = 2  # answers that must be too much: one alone may be an outlier
_COMPARED_SECONDS = 45  # of the same traffic, at least: three times that Prometheus asks
_COMPARED_BEFORE_SECONDS = 600
_BY_CHANCE = 3  # standard deviations by which shares of few requests differ without a reason
_HALF = 50
_MESSAGE_LIMIT = 1000
_OF_PREDICTORS = "-predictor"

Fields = dict[str, Any]
Rules = list[Fields]


class RollbackError(Exception):
    """The release cannot go on; the message says why."""


class DoubtError(Exception):
    """The new revisions refuse more since all the traffic is theirs; whether callers changed meanwhile is not known."""


class Api:
    """The cluster's API, as the pod's own account may use it."""

    def __init__(self, server: str, account: Path = ACCOUNT, pause: float = _PAUSE_SECONDS) -> None:
        self.server, self.account, self.pause = server.rstrip("/"), account, pause
        authority = account / "ca.crt"
        self.tls = tls(authority) if authority.is_file() else None

    @classmethod
    def of_this_pod(cls) -> Api:
        """Find it as every pod does."""
        host, port = os.environ["KUBERNETES_SERVICE_HOST"], os.environ["KUBERNETES_SERVICE_PORT"]
        return cls(f"https://{f'[{host}]' if ':' in host else host}:{port}")

    def get(self, path: str) -> Fields | None:
        """Read an object; None where there is none."""
        try:
            return self._send("GET", path)
        except HTTPError as error:
            if error.code != HTTPStatus.NOT_FOUND:
                raise  # whoever catches it may want the server's words
            error.close()
            return None

    def merge(self, path: str, patch: Fields) -> None:
        """Change an object."""
        self._send("PATCH", f"{path}?fieldManager={MANAGER}", json.dumps(patch).encode())

    def _send(self, method: str, path: str, body: bytes | None = None) -> Fields:
        tries = 0
        while True:
            tries += 1
            # The token is read each time: a release may outlive it, and the kubelet writes a new one.
            headers = {
                "Accept": "application/json",
                "Authorization": f"Bearer {(self.account / 'token').read_text().strip()}",
                "Content-Type": "application/json" if method == "POST" else "application/merge-patch+json",
            }
            request = urllib.request.Request(self.server + path, body, headers, method=method)  # noqa: S310 (ours)
            try:
                with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS, context=self.tls) as answer:  # noqa: S310
                    found: Fields = json.load(answer)
                    return found
            except HTTPError as error:
                passing = error.code >= HTTPStatus.INTERNAL_SERVER_ERROR or error.code == HTTPStatus.TOO_MANY_REQUESTS
                if not passing or tries == _TRIES:
                    raise
                error.close()
            except (URLError, TimeoutError, ConnectionError):
                if tries == _TRIES:
                    raise
            time.sleep(self.pause)


class Prometheus:
    """What measures the endpoint."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/") + "/api/v1/query"

    def ask(self, query: str) -> float | None:
        """Answer a question by one number; None where nothing was measured."""
        data = urllib.parse.urlencode({"query": query}).encode()
        with urllib.request.urlopen(self.url, data, timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310 (the user's own)
            result = json.load(answer)["data"]["result"]
        numbers = [float(sample["value"][1]) for sample in result]
        return max((number for number in numbers if math.isfinite(number)), default=None)


def tls(authority: Path) -> ssl.SSLContext:
    """Trust the cluster's own authority.

    Since 3.13 Python insists on extensions that the authorities of some managed clusters lack. Chain, host name and
    dates are checked as ever.
    """
    found = ssl.create_default_context(cafile=str(authority))
    found.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return found


def shares(rules: Rules) -> dict[str, float]:
    """Return the share of the traffic of each Service, of 1."""
    weights: dict[str, float] = {}
    for reference in rules[0].get("backendRefs", []) if rules else []:
        weights[reference["name"]] = weights.get(reference["name"], 0) + reference.get("weight", 1)
    whole = sum(weights.values()) or 1
    return {name: weight / whole for name, weight in weights.items()}


def divided(before: Rules, wanted: Rules, percent: float) -> Rules:
    """Write the rules that give the wanted Services a share of the traffic, and those of before the rest."""
    mixed: dict[str, float] = {}
    for rules, part in ((before, _ALL - percent), (wanted, percent)):
        for name, share in shares(rules).items():
            mixed[name] = mixed.get(name, 0) + share * part / _ALL
    port = wanted[0]["backendRefs"][0]["port"]
    references = [{"name": name, "port": port, "weight": round(share * _FULL)} for name, share in mixed.items()]
    return [{**wanted[0], "backendRefs": references}, *wanted[1:]]


def reached(before: Rules, wanted: Rules, live: Rules) -> float:
    """Return the per cent of the traffic that an interrupted release has moved."""
    old, new, now = shares(before), shares(wanted), shares(live)
    fresh, gone = set(new) - set(old), set(old) - set(new)
    if aim := sum(new[name] for name in fresh):
        return _ALL * sum(now.get(name, 0) for name in fresh) / aim
    start = sum(old[name] for name in gone)
    return _ALL * (1 - sum(now.get(name, 0) for name in gone) / start) if start else 0


def too_many(new: tuple[float, float], old: tuple[float, float], above: float) -> bool:
    """Say whether one refuses more of its requests than another by so much per cent, and not by chance.

    Each is given by its refusals, and by all its requests. A caller's few mistakes may come to one of them alone.
    """
    pooled = (new[0] + old[0]) / (new[1] + old[1])
    chance = _BY_CHANCE * math.sqrt(max(pooled * (1 - pooled), 0) * (1 / new[1] + 1 / old[1]))
    return new[0] / new[1] - old[0] / old[1] > above / _ALL + chance


class Release:
    """One release of one endpoint."""

    def __init__(
        self,
        settings: Fields,
        api: Api,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.settings, self.api, self.now, self.sleep = settings, api, now, sleep
        self.prometheus = Prometheus(settings["metrics"]) if settings["metrics"] else None
        self.wanted: Rules = settings["rules"]
        self.going_back = False
        self.breaches: dict[str, int] = {}
        self.before: set[str] = set()
        self.moved: float | None = None
        """When the traffic was last divided anew; None where the new ones are not compared any more."""
        self.whole, self.earlier = False, _COMPARED_BEFORE_SECONDS
        self.answered = now()
        self.ready_since = now()
        self.told = ""

    def run(self) -> None:
        """Bring the release to its end, whichever.

        :raises RollbackError: the rules of before are back.
        """
        if self.settings["route"] is None:
            self._without_a_route()
            return
        route = self.api.get(self._route)
        if route is None:
            say("there is no route yet: this is the first release")
            return
        live: Rules = route["spec"].get("rules", [])
        kept = route["metadata"].get("annotations", {}).get(BEFORE)
        before: Rules = json.loads(kept) if kept else live
        if set(shares(before)) == set(shares(self.wanted)):
            if kept:
                say("the release that was under way is called off: what is wanted is what served before")
                self._write(self.wanted, None)
            else:
                say("what is wanted serves already")
            return
        try:
            self._wait_until_ready()
            self._be_measured()
            self._grow(set(shares(before)))
            self.before = {name.removesuffix(_OF_PREDICTORS) for name in shares(before)}
            self._move(before, reached(before, self.wanted, live) if kept else 0)
        except BaseException as error:
            self.going_back = True
            reason = str(error) if isinstance(error, RollbackError) else f"{type(error).__name__}: {error}"
            say(f"going back: {reason}")
            self._write(before, None, reason)
            raise RollbackError(reason) from error
        say(f"all traffic goes to {', '.join(self.settings['revisions'])}")

    def stop(self, number: int) -> None:
        """Turn a signal into an end like any other, but for one that has come already."""
        if not self.going_back:
            raise RollbackError(f"stopped by signal {number} before the end, such as by the deadline or with the node")

    def _path(self, group_version: str, plural: str, name: str) -> str:
        root = "apis" if "/" in group_version else "api"
        return f"/{root}/{group_version}/namespaces/{self.settings['namespace']}/{plural}/{name}"

    @property
    def _route(self) -> str:
        return self._path("gateway.networking.k8s.io/v1", "httproutes", self.settings["route"])

    def _without_a_route(self) -> None:
        """Hold the update back until the new revision has the size that the old one has."""
        service = self.api.get(self._path("v1", "services", self.settings["endpoint"]))
        if service is None:
            say("there is no Service yet: this is the first release")
            return
        old = service["spec"].get("selector", {}).get(REVISION)
        if old and old not in self.settings["revisions"]:
            self._wait_until_ready()
            self._be_measured()
            self._grow({old + _OF_PREDICTORS})

    def _move(self, before: Rules, moved: float) -> None:
        """Give the new revisions more and more, from where an interrupted release had come to."""
        for step in self.settings["steps"]:
            percent, seconds = step["percent"], step["seconds"]
            if percent < math.floor(moved):
                continue
            say(f"{percent} per cent of the traffic goes to the new revision, watched for {seconds} seconds")
            self._give(before, percent)
            try:
                self._watch(seconds)
            except DoubtError as doubt:
                say(f"{doubt}: half of the traffic goes back, to see whether what served before refuses as much by now")
                self._give(before, _HALF)
                self._watch(self.settings["trial_seconds"])
                say("it does: callers send other requests than before, which is no fault of the new revision")
                self._give(before, percent)
                self.moved = None
                self._watch(seconds)
        self._write(self.wanted, None)

    def _give(self, before: Rules, percent: float) -> None:
        """Divide the traffic, or give the new ones all of it."""
        together = self.now() - self.moved if self.moved is not None and not self.whole else 0
        self.earlier = math.floor(together) if together >= _COMPARED_SECONDS else _COMPARED_BEFORE_SECONDS
        self._write(divided(before, self.wanted, percent) if percent < _ALL else self.wanted, before)
        self.moved, self.whole = self.now(), percent >= _ALL

    def _write(self, rules: Rules, before: Rules | None, reason: str | None = None) -> None:
        remarks = {BEFORE: None if before is None else json.dumps(before), ROLLED_BACK: reason}
        self.api.merge(self._route, {"metadata": {"annotations": remarks}, "spec": {"rules": rules}})

    def _watch(self, seconds: float) -> None:
        """Watch for a while; longer, where at its end Prometheus owes an answer, one is in doubt, or a pod starts."""
        self.breaches, self.answered = {}, self.now()
        end = self.now() + seconds
        while True:
            ready = self._ready()
            if self._healthy() and ready and self.now() >= end and self._counted(end):
                return
            self.sleep(self.settings["every_seconds"])

    def _wait_until_ready(self) -> None:
        self.ready_since = self.now()
        while not self._ready():
            self.sleep(self.settings["every_seconds"])

    def _ready(self) -> bool:
        """Say whether the new revisions are ready; give up when one has not been so for too long.

        While a replica is added or a pod starts again, an InferenceService is not ready and the others go on serving:
        that may take as long as a start does. Where none serves, patience is short.
        """
        for name in self.settings["revisions"]:
            found = self.api.get(self._path("serving.kserve.io/v1beta1", "inferenceservices", name))
            if found is None:
                raise RollbackError(f"InferenceService {name} is not ready: it is not there")
            ready = [one for one in found.get("status", {}).get("conditions", []) if one["type"] == "Ready"]
            if ready and ready[0]["status"] == "True":
                continue
            why = (ready[0].get("message") or ready[0].get("reason")) if ready else None
            line = f"InferenceService {name} is not ready{f': {why}' if why else ''}"
            silent = self.now() - self.ready_since
            if silent > self.settings["patience_seconds"]:
                serving = self._serving(name)
                if not serving or silent > self.settings["start_seconds"]:
                    raise RollbackError(line)
            if line != self.told:
                say(f"waits: {line}")
                self.told = line
            return False
        self.ready_since, self.told = self.now(), ""
        return True

    def _serving(self, revision: str) -> int:
        """Count the replicas of a revision that can answer."""
        found = self.api.get(self._path("apps/v1", "deployments", revision + _OF_PREDICTORS)) or {}
        return int(found.get("status", {}).get("availableReplicas") or 0)

    def _be_measured(self) -> None:
        """Insist that Prometheus measures the new revisions before they get traffic: no data is no good news."""
        if self.prometheus is None or not self.settings["insists"]:
            return
        self.answered = self.now()
        end = self.now() + self.settings["patience_seconds"]
        while True:
            found = {name: self._replicas([name]) for name in self.settings["revisions"]}
            missing = [name for name, (_, count) in found.items() if not count]
            if not missing:
                return
            if self.now() >= end and all(answered for answered, _ in found.values()):
                raise RollbackError(
                    f"Prometheus at {self.settings['metrics']} measures no replica of {', '.join(missing)}: it must "
                    f"select the PodMonitors of namespace {self.settings['namespace']}, and reach their pods; or write "
                    "release={'unmeasured': 'promote'}"
                )
            say(f"waits until {', '.join(missing)} is measured")
            self.sleep(self.settings["every_seconds"])

    def _counted(self, end: float) -> bool:
        """Say whether the requests of each new revision are counted; give up when they are not, some time after."""
        for one in self.settings["counted"] if self.prometheus else []:
            answered, value = self._ask(one["query"])
            if answered and value:
                continue
            if answered and self.now() >= end + self.settings["patience_seconds"]:
                raise RollbackError(f"{one['name']}: nothing was measured; {one['means']}")
            say(f"{one['name']}: nothing is measured yet")
            return False
        return True

    def _healthy(self) -> bool:
        """Ask everything once; False where there was no answer, or one in doubt."""
        for check in self.settings["checks"]:
            name = check["name"]
            answered, value = self._ask(check["query"])
            if not answered:
                return False
            if self._too_often(name, value is not None and value > check["above"]):
                raise RollbackError(f"{name}: {check['means'].replace('{value}', f'{value:.4g}')}")
        return self._compare() and not any(self.breaches.values())

    def _compare(self) -> bool:
        """Compare the new revisions with what served before; False where there was no answer.

        While the traffic is divided, both are looked at since it is. When all has moved, the new ones are compared with
        what the others did until then, in the last step or in ten minutes: that gives rise to doubt, not to a verdict.
        """
        if self.moved is None or (age := math.floor(self.now() - self.moved)) < _COMPARED_SECONDS:
            return True
        recent, earlier = (0, age), (age, age + self.earlier) if self.whole else (0, age)
        others = f'mlops_revision=~"{"|".join(sorted(self.before))}"'
        for one in self.settings["compared"]:
            if one["revision"] in self.before:
                continue
            new = self._refusals(one, one["new"], recent)
            old = self._refusals(one, f"{others},{one['old']}", earlier)
            if old and not old[1]:  # a variant of a new name
                old = self._refusals(one, others, earlier)
            if new is None or old is None:
                return False
            if self._too_often(name := one["name"], bool(new[1] and old[1]) and too_many(new, old, one["above"])):
                now, before = (f"{_ALL * refused / every:.4g}" for refused, every in (new, old))
                line = f"{name}: {now} per cent of requests are answered by 4xx, and {before} by what served before"
                raise DoubtError(line) if self.whole else RollbackError(line)
        return True

    def _refusals(self, one: Fields, pods: str, ago: tuple[int, int]) -> tuple[float, float] | None:
        """Count the requests that some pods refused, and all of theirs; None where Prometheus does not answer.

        A counter that is new has counted from nought: rates would leave out the first mistakes of a caller.
        """
        until, since = (f" offset {seconds}s" if seconds else "" for seconds in ago)
        (known, refused), (known_too, every) = (
            self._ask(f"sum(clamp_min({series}{until} - {series}{since}, 0) or {series}{until})")
            for series in (one[what].replace("<pods>", pods) for what in ("refused", "every"))
        )
        return (refused or 0.0, every or 0.0) if known and known_too else None

    def _too_often(self, name: str, too_much: bool) -> bool:
        """Note a breach; say whether there were as many in a row as end a release."""
        self.breaches[name] = self.breaches.get(name, 0) + 1 if too_much else 0
        return self.breaches[name] >= _IN_A_ROW

    def _ask(self, query: str) -> tuple[bool, float | None]:
        """Return whether Prometheus answered, and what."""
        if self.prometheus is None:
            return True, None
        try:
            value = self.prometheus.ask(query)
        except (OSError, ValueError, KeyError) as error:
            silent = self.now() - self.answered
            if silent > self.settings["patience_seconds"]:
                raise RollbackError(f"Prometheus has not answered for {silent:.0f} seconds ({error})") from error
            say(f"Prometheus does not answer: {error}")
            return False, None
        self.answered = self.now()
        return True, value

    def _grow(self, services: set[str]) -> None:
        """Wait until as many replicas of the new revision serve as of the old one, where the load decides on that.

        Both are counted by the same load, so they come to the same number.
        """
        if not self.settings["sized_by_load"]:
            return
        self.answered = self.now()
        end = self.now() + self.settings["size_seconds"]
        while True:
            known, old = self._replicas(name.removesuffix(_OF_PREDICTORS) for name in services)
            known_too, new = self._replicas(self.settings["revisions"])
            if known and known_too and new >= old and (old or not self.settings["insists"]):
                return
            if self.now() >= end:
                if not old:
                    raise RollbackError(
                        f"Prometheus at {self.settings['metrics']} measures no replica of what serves, so that nobody "
                        "knows how many the new revision needs"
                    )
                raise RollbackError(f"the new revision came to {new:.0f} replicas, and the old one has {old:.0f}")
            say(f"waits for replicas: {new:.0f} of {old:.0f}")
            self.sleep(self.settings["every_seconds"])

    def _replicas(self, revisions: Iterable[str]) -> tuple[bool, float]:
        names = "|".join(sorted(revisions))
        query = f'count(up{{namespace="{self.settings["namespace"]}",mlops_revision=~"{names}"}} == 1)'
        answered, value = self._ask(query)
        return answered, value or 0


def say(line: str) -> None:
    """Tell the log."""
    print(line, flush=True)  # noqa: T201 (a pod's log is its standard output)


def main(settings_file: str, api: Api | None = None, termination: Path = TERMINATION) -> int:
    """Run; return the exit code."""
    settings = json.loads(Path(settings_file).read_text())
    try:
        release = Release(settings, api or Api.of_this_pod())
        signal.signal(signal.SIGTERM, lambda number, _: release.stop(number))
        release.run()
    except Exception as error:  # noqa: BLE001 (whatever it was, the update must fail and say it)
        line = f"Endpoint {settings['endpoint']!r}: the release was rolled back: {error}"
        say(line)
        if termination.parent.is_dir():
            termination.write_text(line[:_MESSAGE_LIMIT])
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
