"""What Azure has for the client of endpoints: their scoring address, with a token of whoever asks."""

from collections.abc import Iterator

from pulumi_mlops.backends.azure import live, sessions
from pulumi_mlops.backends.azure.addresses import EndpointAddress
from pulumi_mlops.backends.azure.asking import asking
from pulumi_mlops.backends.azure.runs import AUDIENCE
from pulumi_mlops.clients import http, served
from pulumi_mlops.clients.patience import Patience
from pulumi_mlops.clients.results import Answer, Question
from pulumi_mlops.components.endpoint_ref import EndpointRef

_DEPLOYMENT = "azureml-model-deployment"
"""The header that names what is to answer, and in an answer what did."""
_REFUSED = "Give the right onlineEndpoints/score/action to whoever asks: Endpoint(invokers=[…]) of its program does"


class Predictions:
    """Endpoints, as the client asks them."""

    def predict(self, endpoint: EndpointRef, question: Question, patience: Patience) -> Answer:
        """Ask an endpoint."""
        request, repeatable = _request(endpoint, question, patience), question.repeatable
        return served.predict(
            endpoint.name, request, patience, repeatable=repeatable, variant=_DEPLOYMENT, refused=_REFUSED
        )

    def stream(self, endpoint: EndpointRef, question: Question, patience: Patience) -> Iterator[bytes]:
        """Ask an endpoint that answers in pieces."""
        request = _request(endpoint, question, patience)
        return served.stream(endpoint.name, request, patience, repeatable=question.repeatable, refused=_REFUSED)


def _request(endpoint: EndpointRef, question: Question, patience: Patience) -> http.Request:
    with asking(f"endpoint {endpoint.name!r}"):
        token = sessions.bearer(live.provider_of(endpoint.platform), AUDIENCE)
    there = sessions.emulated()
    headers = {
        "Authorization": f"Bearer {token}",
        "Content-Type": question.content_type,
        "Accept": "*/*",
        **({_DEPLOYMENT: question.variant} if question.variant else {}),
    }
    return http.Request(
        address=f"{there}/score/{EndpointAddress.of(endpoint).name}" if there else str(endpoint.url),
        headers=headers,
        body=question.body,
        seconds=patience.seconds,
    )
