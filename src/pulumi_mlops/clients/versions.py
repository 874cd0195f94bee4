"""Versions of a model: registered from files, approved or rejected with who and why, listed."""

import datetime as dt
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pulumi_mlops.clients import records
from pulumi_mlops.clients.base import Asking
from pulumi_mlops.clients.results import Approval, Decision, RegisteredVersion, Registration
from pulumi_mlops.components.model import ModelRef
from pulumi_mlops.core.errors import GateMissed, InvalidCall, NotFound, Problem
from pulumi_mlops.core.gates import missed
from pulumi_mlops.core.refs import Has

_FACT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
_LONGEST_REASON = 1000
_FIRST_WRONG = "nothing was registered"


class Versions(Asking):
    """What is done with versions of models."""

    def register(
        self,
        model: str | Has[ModelRef],
        files: Path | str,
        *,
        metrics: Mapping[str, float] | None = None,
        metadata: Mapping[str, str] | None = None,
        image: str | None = None,
    ) -> RegisteredVersion:
        """Upload files and register them as the next version, which waits for its approval.

        :param model: the name of a model that the stack exports, or its ref.
        :param files: a folder, or one file.
        :param metrics: what was measured; the model's gate compares these.
        :param metadata: other facts that are to stand with the version.
        :param image: the image that serves it, where the backend's own server does not.
        :raises InvalidCall: something is wrong; nothing was uploaded and nothing registered.
        """
        ref, root = self._ref(ModelRef, model), Path(files)
        found = [root] if root.is_file() else sorted(path for path in root.rglob("*") if path.is_file())
        measured, told = dict(metrics or {}), dict(metadata or {})
        problems = list(_problems(root, found, measured, told))
        with self._asking(ref) as asked:
            problems += asked.register_problems(ref, {**measured, **told}, image)
            if problems:
                raise InvalidCall(f"Model {ref.name!r}", problems, _FIRST_WRONG)
            facts = {**{name: repr(float(value)) for name, value in measured.items()}, **told}
            given = Registration(root=root, files=found, facts=facts, image=image)
            return asked.register(ref, given, self._patience)

    def versions(
        self, model: str | Has[ModelRef], *, approval: Approval | None = None, last: int | None = None
    ) -> list[RegisteredVersion]:
        """List the versions of a model, the newest first.

        :param approval: only those of which this was decided.
        :param last: at most so many.
        """
        ref = self._ref(ModelRef, model)
        found: list[RegisteredVersion] = []
        with self._asking(ref) as asked:
            for one in asked.versions(ref):
                if len(found) == last:
                    break
                if approval in (None, one.approval):
                    found.append(one)
        return found

    def approve(
        self, model: str | Has[ModelRef], version: int, *, reason: str, by: str | None = None
    ) -> RegisteredVersion:
        """Approve a version: endpoints that serve ``model.approved()`` take it with their next ``pulumi up``.

        :param reason: why; it stands with the version.
        :param by: who decides; whom the backend knows as the caller unless told.
        :raises GateMissed: the model's gate would not let it be served; nothing was changed.
        """
        return self._decide(model, version, "approved", reason, by)

    def reject(
        self, model: str | Has[ModelRef], version: int, *, reason: str, by: str | None = None
    ) -> RegisteredVersion:
        """Reject a version, also one that was approved: no endpoint takes it with the next ``pulumi up``.

        :param reason: why; it stands with the version.
        :param by: who decides; whom the backend knows as the caller unless told.
        """
        return self._decide(model, version, "rejected", reason, by)

    def _decide(
        self, model: str | Has[ModelRef], version: int, approval: Approval, reason: str, by: str | None
    ) -> RegisteredVersion:
        ref, why = self._ref(ModelRef, model), " ".join(reason.split())
        if not why or len(why) > _LONGEST_REASON:
            told = f"has {len(why)} characters; write why, in 1 to {_LONGEST_REASON}"
            raise InvalidCall(f"Model {ref.name!r}", [Problem("reason", told)], "nothing was changed")
        with self._asking(ref) as asked:
            there = next(iter(asked.versions(ref, version)), None)
            if there is None:
                raise NotFound(f"Model {ref.name!r} has no version {version}.")
            if approval == "approved" and (short := missed(ref.gate, {**there.metadata, **there.metrics})):
                raise GateMissed(
                    f"Version {version} of model {ref.name!r} is not approved: its gate does not let it through "
                    f"({'; '.join(short)})."
                )
            now = dt.datetime.now(tz=dt.UTC).replace(microsecond=0)
            decision = Decision(by=by or asked.caller(ref), reason=why, at=now)
            return asked.decide(ref, version, approval, decision)


def _problems(
    root: Path, files: Sequence[Path], metrics: Mapping[str, Any], metadata: Mapping[str, Any]
) -> Iterator[Problem]:
    if not files:
        yield Problem("files", f"{root} is {'a folder without files' if root.is_dir() else 'not there'}")
    for name, value in metrics.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            yield Problem(f"metrics.{name}", f"{value!r} is not a finite number")
    for name in sorted(metrics.keys() & metadata.keys()):
        yield Problem(f"metadata.{name}", "is a metric already")
    for field, given in (("metrics", metrics), ("metadata", metadata)):
        for name, value in given.items():
            if name.startswith(records.PREFIX) or not _FACT.fullmatch(name):
                told = f"write letters, digits, '.', '_' and '-', 63 at most, and not {records.PREFIX} before it"
                yield Problem(f"{field}.{name}", told)
            if field == "metadata" and (not isinstance(value, str) or not value):
                yield Problem(f"{field}.{name}", f"{value!r} is not a text with anything in it")
