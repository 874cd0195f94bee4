"""What AWS has for the client of endpoints: invocations, answers as streams, and those of asynchronous endpoints."""

import contextlib
import time
import uuid
from collections.abc import Iterator
from typing import Any

from pulumi_mlops.backends.aws import data_plane
from pulumi_mlops.backends.aws.addresses import EndpointAddress, PlatformAddress
from pulumi_mlops.backends.aws.asking import asking
from pulumi_mlops.clients.patience import PassingError, Patience
from pulumi_mlops.clients.results import Answer, Question
from pulumi_mlops.components.endpoint_ref import EndpointRef
from pulumi_mlops.core.errors import InvalidCall, PredictionFailed, Problem, TimedOut

_ASYNCHRONOUS = "/async-invocations"
"""What the address of an asynchronous endpoint ends in."""
_LOOK_SECONDS = 1.0
_ANY = "*/*"
_LONGEST = 500
"""Characters of a model's error that are told."""
_MOST_SECONDS = 3600


class Predictions:
    """Endpoints, as the client asks them."""

    def predict(self, endpoint: EndpointRef, question: Question, patience: Patience) -> Answer:
        """Invoke an endpoint."""
        if _is_asynchronous(endpoint):
            return _answered_later(endpoint, question, patience)
        runtime = data_plane.client(endpoint.platform, "sagemaker-runtime", patience)

        def call() -> Answer:
            with _judged(endpoint, runtime):
                found = runtime.invoke_endpoint(**_asked(endpoint, question))
                body = found["Body"].read()
            return Answer(
                body=body,
                content_type=found.get("ContentType", "application/octet-stream"),
                variant=found.get("InvokedProductionVariant"),
            )

        return patience.ask(f"Endpoint {endpoint.name!r}", call, repeatable=question.repeatable)

    def stream(self, endpoint: EndpointRef, question: Question, patience: Patience) -> Iterator[bytes]:
        """Invoke an endpoint that answers in pieces."""
        if _is_asynchronous(endpoint):
            told = Problem("stream", "is not there: an asynchronous endpoint answers with a whole file; use predict")
            raise InvalidCall(f"Endpoint {endpoint.name!r}", [told], "nothing was asked")
        runtime = data_plane.client(endpoint.platform, "sagemaker-runtime", patience)

        def call() -> Any:
            with _judged(endpoint, runtime):
                return runtime.invoke_endpoint_with_response_stream(**_asked(endpoint, question))["Body"]

        events = patience.ask(f"Endpoint {endpoint.name!r}", call, repeatable=question.repeatable)
        return _pieces(endpoint, events)


def _pieces(endpoint: EndpointRef, events: Any) -> Iterator[bytes]:
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 (only programs that ask pay for it)
    from urllib3.exceptions import HTTPError  # noqa: PLC0415 (as above)

    try:
        for event in events:
            if "PayloadPart" in event:
                yield event["PayloadPart"]["Bytes"]
    except (BotoCoreError, ClientError, HTTPError) as error:
        raise PredictionFailed(f"Endpoint {endpoint.name!r} broke off its answer: {error}") from error
    finally:
        events.close()


def _is_asynchronous(endpoint: EndpointRef) -> bool:
    return str(endpoint.url).endswith(_ASYNCHRONOUS)


def _asked(endpoint: EndpointRef, question: Question) -> dict[str, Any]:
    return {
        "EndpointName": str(EndpointAddress.of(endpoint).name),
        "Body": question.body,
        "ContentType": question.content_type,
        "Accept": _ANY,
        **({"TargetVariant": question.variant} if question.variant else {}),
    }


@contextlib.contextmanager
def _judged(endpoint: EndpointRef, runtime: Any) -> Iterator[None]:
    """Part the errors of the model from those of AWS, and these from what may be over the next time."""
    with data_plane.passing(f"endpoint {endpoint.name!r}"):
        try:
            yield
        except runtime.exceptions.ModelError as error:
            status = error.response.get("OriginalStatusCode")
            said = " ".join(str(error.response.get("OriginalMessage", "")).split())[:_LONGEST]
            if status in data_plane.BUSY:
                raise PassingError("busy", f"is busy: {status} {said}") from error
            raise PredictionFailed(
                f"The model of endpoint {endpoint.name!r} answers with an error: {status} {said}", status
            ) from error


def _answered_later(endpoint: EndpointRef, question: Question, patience: Patience) -> Answer:
    """Lay the question where the endpoint reads, and wait for the file with the answer."""
    bucket = str(PlatformAddress.of(endpoint.platform).bucket)
    key = f"requests/{endpoint.name}/{uuid.uuid4().hex}"
    s3 = data_plane.client(endpoint.platform, "s3", patience)
    runtime = data_plane.client(endpoint.platform, "sagemaker-runtime", patience)
    what = f"Endpoint {endpoint.name!r}"

    def lay() -> None:
        with data_plane.passing(f"the file s3://{bucket}/{key}"):
            s3.put_object(Bucket=bucket, Key=key, Body=question.body, ContentType=question.content_type)

    def call() -> Any:
        with _judged(endpoint, runtime):
            return runtime.invoke_endpoint_async(
                EndpointName=str(EndpointAddress.of(endpoint).name),
                InputLocation=f"s3://{bucket}/{key}",
                ContentType=question.content_type,
                Accept=_ANY,
                # AWS takes a question once by its id, and one for which nobody waits any more is given up.
                InferenceId=key.rpartition("/")[2],
                InvocationTimeoutSeconds=min(max(int(patience.seconds), 1), _MOST_SECONDS),
            )

    patience.ask(what, lay, repeatable=True)
    accepted = patience.ask(what, call, repeatable=question.repeatable)
    deadline = time.monotonic() + patience.seconds
    while True:
        for place in ("OutputLocation", "FailureLocation"):
            found = _file(s3, str(accepted.get(place) or ""), endpoint) if accepted.get(place) else None
            if found is not None and place == "FailureLocation":
                said = " ".join(found.body.decode(errors="replace").split())[:_LONGEST]
                raise PredictionFailed(f"The model of endpoint {endpoint.name!r} answers with an error: {said}")
            if found is not None:
                return found
        if time.monotonic() > deadline:
            there = accepted["OutputLocation"]
            raise TimedOut(f"{what} gave no answer in {patience.seconds:g} s; it will lie at {there}")
        patience.pause(_LOOK_SECONDS)


def _file(s3: Any, address: str, endpoint: EndpointRef) -> Answer | None:
    bucket, _, key = address.removeprefix("s3://").partition("/")
    with asking(f"the answer of endpoint {endpoint.name!r} at {address}"):
        try:
            found = s3.get_object(Bucket=bucket, Key=key)
        except s3.exceptions.NoSuchKey:
            return None
        return Answer(body=found["Body"].read(), content_type=found.get("ContentType", "application/octet-stream"))
