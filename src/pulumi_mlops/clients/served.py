"""Models behind plain HTTP: what an answer means, whole or as a stream."""

from collections.abc import Iterator
from http import HTTPStatus

from pulumi_mlops.clients import http
from pulumi_mlops.clients.patience import Patience
from pulumi_mlops.clients.results import Answer
from pulumi_mlops.core.errors import MlopsError, PredictionFailed

_LONGEST = 500
"""Characters of a model's error that are told."""


def predict(
    name: str, request: http.Request, patience: Patience, *, repeatable: bool, variant: str, refused: str
) -> Answer:
    """Ask a model.

    :param variant: the header, in lower case, that says what answered.
    :param refused: what to do about a caller who may not ask.
    """
    found = patience.ask(f"Endpoint {name!r}", lambda: http.send(request), repeatable=repeatable)
    _judge(name, found, refused)
    return Answer(
        body=found.body,
        content_type=found.headers.get("content-type", "application/octet-stream"),
        variant=found.headers.get(variant),
    )


def stream(name: str, request: http.Request, patience: Patience, *, repeatable: bool, refused: str) -> Iterator[bytes]:
    """Ask a model; when it has begun to answer, return its answer piece by piece."""

    def begin() -> tuple[http.Answer, Iterator[http.Answer | bytes]]:
        pieces = http.stream(request)
        head = next(pieces)
        assert isinstance(head, http.Answer)  # noqa: S101 (the first one is)
        return head, pieces

    head, pieces = patience.ask(f"Endpoint {name!r}", begin, repeatable=repeatable)
    _judge(name, head, refused)
    return _bytes(name, pieces)


def _bytes(name: str, pieces: Iterator[http.Answer | bytes]) -> Iterator[bytes]:
    try:
        for piece in pieces:
            if isinstance(piece, bytes):
                yield piece
    except MlopsError as error:
        raise PredictionFailed(f"Endpoint {name!r} broke off its answer: {error}") from error


def _judge(name: str, answer: http.Answer, refused: str) -> None:
    if answer.status < HTTPStatus.MULTIPLE_CHOICES:
        return
    said = " ".join(answer.body.decode(errors="replace").split())[:_LONGEST]
    if answer.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        raise MlopsError(f"Endpoint {name!r} does not let this program ask ({answer.status} {said}). {refused}")
    told = f"The model of endpoint {name!r} answers with an error: {answer.status} {said}"
    raise PredictionFailed(told, answer.status)
