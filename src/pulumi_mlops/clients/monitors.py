"""What monitors found: the results that their runs leave, and the reports for people beside them."""

import datetime as dt
import json
from collections.abc import Mapping
from typing import Any

from pulumi_mlops.clients.backend import Backend
from pulumi_mlops.clients.base import Asking
from pulumi_mlops.clients.lineage import Known, Unknown
from pulumi_mlops.clients.results import Report, Signal
from pulumi_mlops.clients.runs import Run
from pulumi_mlops.components.monitor import MonitorRef
from pulumi_mlops.components.pipeline_ref import PipelineRef
from pulumi_mlops.core.errors import NotFound, Unsupported
from pulumi_mlops.core.refs import Has

STEP, OUTPUT = "look", "report"
"""The step of a monitor's pipeline, and its output. The engine has the same words; a test compares them."""
RESULT, PAGE = "result.json", "report.html"
"""What the drift program leaves in that output."""


class Monitors(Asking):
    """What is asked of monitors."""

    def reports(self, monitor: str | Has[MonitorRef], *, last: int = 10) -> list[Report]:
        """Tell what a monitor found in its newest runs, the newest first.

        A run that goes on, or that left no result, is in the list as well, with the reason.

        :param monitor: the name of a monitor that the stack exports, or its ref.
        :param last: how many runs are looked at.
        """
        ref = self._ref(MonitorRef, monitor)
        pipeline = _looking(ref)
        with self._asking(ref) as asked:
            return [_report(asked, ref, pipeline, run) for run in asked.runs(pipeline, last)]

    def report_page(self, monitor: str | Has[MonitorRef], run: str | None = None) -> str:
        """Return the report for people of a run of a monitor, as a page of HTML in one file.

        :param run: the newest that left a report unless told.
        :raises NotFound: there is no such report.
        """
        ref = self._ref(MonitorRef, monitor)
        pipeline = _looking(ref)
        with self._asking(ref) as asked:
            for one in asked.runs(pipeline, _LOOKED_THROUGH):
                if run in (None, one.id) and not isinstance(found := _left(asked, pipeline, one, PAGE), Unknown):
                    return found[1]
        which = "has left a report" if run is None else f"called {run!r} has left a report"
        raise NotFound(f"Monitor {ref.name!r}: none of its last {_LOOKED_THROUGH} runs {which}.")


_LOOKED_THROUGH = 50


def _looking(ref: MonitorRef) -> PipelineRef:
    if ref.status == "waiting":
        raise NotFound(f"Monitor {ref.name!r} has not looked yet: it waits as endpoint {ref.endpoint!r} does.")
    if ref.pipeline is None:
        raise Unsupported(
            f"Monitor {ref.name!r} is of the cloud's own, whose results are told by its own tools; the engine of the "
            "library leaves results that are read here: leave managed out."
        )
    return ref.pipeline


def _report(asked: Backend, ref: MonitorRef, pipeline: PipelineRef, run: Run) -> Report:
    known: dict[str, Any] = {"monitor": ref.name, "run": run.id, "state": run.state, "at": run.began}
    if run.state not in ("succeeded", "failed"):
        return Report(**known, reason=run.reason or f"it is {run.state}")
    found = _left(asked, pipeline, run, RESULT)
    if isinstance(found, Unknown):
        return Report(**known, reason=run.reason or found.why)
    folder, text = found
    told: Mapping[str, Any] = json.loads(text)
    started: Mapping[str, Any] = told.get("started") or {}
    return Report(
        **known,
        rows=int(told.get("rows", 0)),
        since=_moment(told, "from"),
        until=_moment(told, "to"),
        insufficient=told.get("status") == "insufficient",
        breached=bool(told.get("breached")),
        signals=tuple(_signal(one) for one in told.get("signals", [])),
        started=started.get("run"),
        unstarted=str(started.get("reason") or ""),
        page=f"{folder}{PAGE}",
        reason=str(told.get("reason") or ""),
    )


def _signal(one: Mapping[str, Any]) -> Signal:
    value, threshold = one.get("value"), one.get("threshold")
    return Signal(
        name=str(one["name"]),
        kind=str(one.get("kind", "")),
        metric=str(one.get("metric") or ""),
        value=None if value is None else float(value),
        threshold=None if threshold is None else float(threshold),
        breached=bool(one.get("breached")),
        reason=str(one.get("reason") or ""),
        features=one.get("features") or {},
    )


def _moment(told: Mapping[str, Any], end: str) -> dt.datetime | None:
    written = (told.get("window") or {}).get(end)
    return dt.datetime.fromisoformat(str(written)) if written else None


def _left(asked: Backend, pipeline: PipelineRef, run: Run, file: str) -> Known[tuple[str, str]]:
    """Read a file of the report that a run has left; its record tells where that is."""
    record = asked.text(pipeline.platform, asked.record(pipeline, run, STEP))
    if isinstance(record, Unknown):
        return record
    folder = (json.loads(record).get("folders") or {}).get(OUTPUT)
    if not folder:
        return Unknown("its record names no folder of a report")
    text = asked.text(pipeline.platform, f"{folder}{file}")
    return text if isinstance(text, Unknown) else (str(folder), text)
