"""Predictions: one question, rows of a table, an answer as a stream."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal

from pulumi_mlops.clients import frames
from pulumi_mlops.clients.base import Asking
from pulumi_mlops.clients.results import Prediction, Question
from pulumi_mlops.components.endpoint_ref import EndpointRef
from pulumi_mlops.core.errors import InvalidCall, NotFound, PredictionFailed, Problem
from pulumi_mlops.core.refs import Has

Form = Literal["instances", "dataframe_records", "dataframe_split", "input_data"]
"""How rows are written for a model server; ``docs/day-two.md`` tells which takes which."""
JSON = "application/json"
_ANSWERS = ("predictions", "outputs", "results", "result", "scores")
"""Where a model server's JSON has the answers to rows, if it is no list itself."""


def _columns(rows: list[frames.Row]) -> dict[str, Any]:
    names = list(dict.fromkeys(name for row in rows for name in row))
    return {"columns": names, "data": [[row.get(name) for name in names] for row in rows]}


_FORMS: Mapping[str, Callable[[list[frames.Row]], Any]] = {
    "instances": lambda rows: {"instances": rows},
    "dataframe_records": lambda rows: {"dataframe_records": rows},
    "dataframe_split": lambda rows: {"dataframe_split": _columns(rows)},
    "input_data": lambda rows: {"input_data": {**_columns(rows), "index": list(range(len(rows)))}},
}


class Predictions(Asking):
    """What endpoints are asked."""

    def predict(
        self,
        endpoint: str | Has[EndpointRef],
        value: Any,
        *,
        content_type: str | None = None,
        variant: str | None = None,
        repeat: bool = True,
    ) -> Prediction:
        """Ask a model, and return its answer.

        :param endpoint: the name of an endpoint that the stack exports, or its ref.
        :param value: bytes or a text as they are; anything else is sent as JSON.
        :param content_type: what bytes or a text are; ``application/octet-stream`` and ``text/csv`` unless told.
        :param variant: which variant is to answer; as the traffic is divided unless told.
        :param repeat: whether it may be asked again when a connection broke and nobody knows if the model had answered.
        :raises PredictionFailed: the model answers with an error.
        :raises Unavailable: it is too busy, or not reached; ``TimedOut``: it takes longer than the client waits.
        """
        ref = self._answering(endpoint)
        question = _question(value, content_type, variant, repeatable=repeat)
        with self._asking(ref) as asked:
            began = time.monotonic()
            answer = asked.predict(ref, question, self._patience)
            lasted = time.monotonic() - began
        return Prediction(
            value=_read(answer.body, answer.content_type),
            body=answer.body,
            content_type=answer.content_type,
            variant=answer.variant,
            seconds=lasted,
        )

    def predict_rows(
        self,
        endpoint: str | Has[EndpointRef],
        rows: frames.Frame,
        *,
        form: Form = "instances",
        batch: int = 100,
        variant: str | None = None,
        repeat: bool = True,
    ) -> Iterator[Any]:
        """Ask a model about the rows of a table; yield an answer for each row, in their order.

        :param rows: a dataframe, a list of dictionaries, or a dictionary of columns.
        :param form: how the model's server takes rows.
        :param batch: how many rows one request has.
        :raises PredictionFailed: the model answers with an error, or with another number of answers than rows.
        """
        ref = self._answering(endpoint)
        if form not in _FORMS or batch < 1:
            told = (
                Problem("form", f"{form!r} is not one of {', '.join(_FORMS)}")
                if form not in _FORMS
                else Problem("batch", f"{batch} is not at least 1")
            )
            raise InvalidCall(f"Endpoint {ref.name!r}", [told], "nothing was asked")
        given, write = frames.rows(rows), _FORMS[form]
        parts = ((first, given[first : first + batch]) for first in range(0, len(given), batch))

        def ask(part: list[frames.Row]) -> Any:
            return self.predict(ref, write(part), variant=variant, repeat=repeat).value

        return (answer for first, part in parts for answer in _each(ref, first, part, ask(part)))

    def stream(
        self,
        endpoint: str | Has[EndpointRef],
        value: Any,
        *,
        content_type: str | None = None,
        variant: str | None = None,
    ) -> Iterator[bytes]:
        """Ask a model, and yield its answer piece by piece, as it comes; for answers that are made word by word.

        A question whose connection broke is not asked again, and neither is one whose answer has begun.

        :param value: bytes or a text as they are; anything else is sent as JSON.
        :param content_type: what bytes or a text are.
        :param variant: which variant is to answer; as the traffic is divided unless told.
        :raises PredictionFailed: the model answers with an error, also in the middle of its answer.
        """
        ref = self._answering(endpoint)
        question = _question(value, content_type, variant, repeatable=False)
        with self._asking(ref) as asked:
            return asked.stream(ref, question, self._patience)

    def _answering(self, endpoint: str | Has[EndpointRef]) -> EndpointRef:
        ref = self._ref(EndpointRef, endpoint)
        if ref.status != "live" or ref.url is None:
            raise NotFound(
                f"Endpoint {ref.name!r} answers nobody yet: it waits for a first approved version, and for the "
                "pulumi up after that."
            )
        return ref


def _question(value: Any, content_type: str | None, variant: str | None, *, repeatable: bool) -> Question:
    if isinstance(value, bytes):
        body, kind = value, "application/octet-stream"
    elif isinstance(value, str):
        body, kind = value.encode(), "text/csv"
    else:
        body, kind = json.dumps(frames.plain(value), default=_written).encode(), JSON
    return Question(body=body, content_type=content_type or kind, variant=variant, repeatable=repeatable)


def _written(value: Any) -> str:
    """Write what JSON has no word for: times as ISO 8601."""
    write = getattr(value, "isoformat", None)
    if not callable(write):
        raise InvalidCall("The question", [Problem("", f"{type(value).__name__} is not JSON")], "nothing was asked")
    return str(write())


def _read(body: bytes, content_type: str) -> Any:
    """Return what an answer says: JSON, else a text, else the bytes themselves."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind == JSON or kind.endswith("+json"):
        try:
            return json.loads(body)
        except ValueError:
            raise PredictionFailed(f"the model says that it answers in JSON, and does not: {body[:100]!r}") from None
    return body.decode(errors="replace") if kind.startswith("text/") else body


def _each(ref: EndpointRef, first: int, rows: list[frames.Row], found: Any) -> list[Any]:
    answers = _of_rows(found)
    if answers is None or len(answers) != len(rows):
        many = "no list" if answers is None else f"{len(answers)} answers"
        raise PredictionFailed(
            f"Endpoint {ref.name!r} was asked about {len(rows)} rows, from row {first}, and gave {many}."
        )
    return answers


def _of_rows(found: Any) -> list[Any] | None:
    """Find the answers to rows in what a model server answered."""
    if isinstance(found, Mapping):
        found = next((found[name] for name in _ANSWERS if isinstance(found.get(name), list)), None)
    if isinstance(found, str):
        return found.splitlines()
    return found if isinstance(found, list) else None
