"""Predictions: what is the same on every backend, and what a model server behind plain HTTP can do to a caller."""

import dataclasses
import json
from typing import Any

import boto3
import pytest

from pulumi_mlops import InvalidCall, MlopsError, NotFound, PredictionFailed, TimedOut, Unavailable
from pulumi_mlops.backends.aws import data_plane
from pulumi_mlops.clients import predictions
from pulumi_mlops.clients.patience import Patience
from support.day_two.worlds import World

ANSWERS = {
    "aws": ({"sandbox": True, "endpoint": "churn-dev-score", "variant": "main"}, "main"),
    "azure": ({"deployment": "blue"}, "blue"),
    "kubernetes": ({"asked": {"age": 3}}, None),
}
in_cluster = pytest.mark.parametrize("world", ["kubernetes"], indirect=True)


def test_a_model_is_asked(world: World) -> None:
    found = world.client.predict("score", {"age": 3})
    value, variant = ANSWERS[world.backend]
    assert (found.value, found.variant, found.content_type.partition(";")[0]) == (value, variant, "application/json")
    assert json.loads(found.body) == value
    assert 0 < found.seconds < 10
    assert "body" not in repr(found)


def test_an_answer_comes_in_pieces(world: World) -> None:
    pieces = list(world.client.stream("score", {"age": 3}))
    assert json.loads(b"".join(pieces)) == ANSWERS[world.backend][0]


def test_a_variant_is_asked_by_its_name(world: World) -> None:
    name = {"aws": "other", "azure": "blue", "kubernetes": "other"}[world.backend]
    assert world.client.predict("score", {"age": 3}, variant=name).variant == name


def test_who_waits_for_a_version_answers_nobody(world: World) -> None:
    exported = {**world.score.export(), "status": "waiting", "url": None}
    with pytest.raises(NotFound, match="answers nobody yet: it waits for a first approved version"):
        world.client.predict(type(world.score).load(exported), {})


@in_cluster
def test_rows_are_asked_in_batches_and_answered_in_their_order(world: World) -> None:
    rows = [{"age": number} for number in range(7)]
    assert list(world.client.predict_rows("score", rows, batch=3)) == list(range(7))
    model = world.parts["model"]
    assert [len(body["instances"]) for _, _, body in model.asked] == [3, 3, 1]
    assert list(world.client.predict_rows("score", {"age": [8, 9]})) == [8, 9], "columns are a table as well"
    with pytest.raises(InvalidCall, match="form: 'rows' is not one of instances, dataframe_records"):
        world.client.predict_rows("score", rows, form="rows")  # type: ignore[arg-type]
    with pytest.raises(PredictionFailed, match="asked about 2 rows, from row 0, and gave no list"):
        list(world.client.predict_rows("score", rows[:2], form="dataframe_split"))
    assert model.asked[-1][2] == {"dataframe_split": {"columns": ["age"], "data": [[0], [1]]}}


@in_cluster
def test_what_the_model_refuses_is_its_own_error(world: World) -> None:
    with pytest.raises(PredictionFailed, match=r"answers with an error: 400 .*no such column") as caught:
        world.client.predict("score", {"refuse": "no such column"})
    assert caught.value.status == 400
    with pytest.raises(PredictionFailed):
        world.client.stream("score", {"refuse": "no such column"})
    assert len(world.parts["model"].asked) == 2, "nothing is asked again that was answered"


@in_cluster
def test_an_answer_that_breaks_off_is_an_error(world: World) -> None:
    pieces = world.client.stream("score", {"stream": ["one ", "two ", None]})
    assert next(pieces) == b"one "
    with pytest.raises(PredictionFailed, match="broke off its answer"):
        list(pieces)
    assert list(world.client.stream("score", {"stream": ["a", "b"]})) == [b"a", b"b"]


@in_cluster
def test_who_is_busy_is_asked_again_and_later_each_time(world: World) -> None:
    model = world.parts["model"]
    model.fail(503, 429)
    assert world.client.predict("score", {"age": 3}, repeat=False).value == {"asked": {"age": 3}}
    first, second = world.pauses
    assert 0.1 < first < 0.3 < second * 2 < 1.1
    world.pauses.clear()
    model.fail(503, after="7")
    world.client.predict("score", {"age": 3})
    assert world.pauses == [7]
    model.fail(*[503] * 5)
    with pytest.raises(Unavailable, match=r"Endpoint 'score' is busy: 503 .*, asked 5 times"):
        world.client.predict("score", {"age": 3})


@in_cluster
def test_a_broken_connection_is_tried_again_only_where_that_may_be(world: World) -> None:
    model = world.parts["model"]
    model.hang_up()
    assert world.client.predict("score", {"age": 3}).value
    model.asked.clear()
    model.hang_up()
    with pytest.raises(Unavailable, match="it may have been done all the same, and so it was not asked again"):
        world.client.predict("score", {"age": 3}, repeat=False)
    model.hang_up()
    with pytest.raises(Unavailable, match="may have been done"):
        world.client.stream("score", {"age": 3})
    assert len(model.asked) == 2


@in_cluster
def test_an_answer_is_waited_for_as_long_as_the_client_says(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    quick = world.client._patience
    monkeypatch.setattr(world.client, "_patience", type(quick)(seconds=0.2, tries=2, pause=quick.pause))
    world.parts["model"].faults += [lambda handler: handler.rfile.read(1)] * 2  # it says nothing until it is left
    with pytest.raises(TimedOut, match="gave no answer in time, asked 2 times"):
        world.client.predict("score", {"age": 3})


@in_cluster
def test_the_gateway_is_asked_with_its_name_and_a_token(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = {"issuer": "https://x", "audiences": ["ml"], "keys": "https://x/keys"}
    gateway = {"name": "gateways/public", "domain": "ml.example.com", "tls": False, "tokens": tokens}
    exported: Any = world.score.export()
    exported["platform"]["address"]["gateway"] = gateway
    score = type(world.score).load({**exported, "url": "http://score.ml.example.com"})
    monkeypatch.setenv("MLOPS_ENDPOINT_URL_SCORE", world.parts["model"].url)
    with pytest.raises(MlopsError, match="Put a token that the gateway takes into MLOPS_GATEWAY_TOKEN"):
        world.client.predict(score, {"age": 3})
    monkeypatch.setenv("MLOPS_GATEWAY_TOKEN", "hush")
    world.client.predict(score, {"age": 3})
    (headers,) = world.parts["model"].headers
    assert (headers["host"], headers["authorization"]) == ("score.ml.example.com", "Bearer hush")
    world.parts["model"].fail(401)
    with pytest.raises(MlopsError, match="does not let this program ask") as caught:
        world.client.predict(score, {"age": 3})
    assert "hush" not in str(caught.value)
    monkeypatch.setenv("MLOPS_ENDPOINT_URL_SCORE", "nonsense")
    with pytest.raises(MlopsError, match="MLOPS_ENDPOINT_URL_SCORE is 'nonsense'"):
        world.client.predict(score, {"age": 3})


@in_cluster
def test_a_text_and_bytes_are_sent_as_they_are(world: World) -> None:
    assert world.client.predict("score", "1,2\n3,4").value == {"asked": "1,2\n3,4"}
    world.client.predict("score", b"\x00", content_type="image/png")
    assert [one["content-type"] for one in world.parts["model"].headers] == ["text/csv", "image/png"]


def test_what_is_no_json_is_told_before_it_is_sent() -> None:
    with pytest.raises(InvalidCall, match="object is not JSON"):
        predictions._question({"a": object()}, None, None, repeatable=True)


@pytest.mark.parametrize("world", ["aws"], indirect=True)
def test_aws_is_asked_again_by_our_own_patience(world: World) -> None:
    plane = world.parts["plane"]
    plane.admin(
        "POST",
        "faults",
        {"service": "sagemaker-runtime", "operation": "InvokeEndpoint", "error": "ThrottlingException"},
    )
    assert world.client.predict("score", {}).variant == "main"
    assert len(world.pauses) == 1


@pytest.mark.parametrize("world", ["aws"], indirect=True)
def test_an_asynchronous_endpoint_is_waited_for(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    s3, asked = world.parts["plane"].client("s3"), []
    real = data_plane.client

    class Runtime:
        exceptions = boto3.client("sagemaker-runtime", region_name="us-east-1").exceptions

        def invoke_endpoint_async(self, **given: Any) -> dict[str, str]:
            asked.append(given)
            return {"OutputLocation": "s3://artifacts-1/answers/a", "FailureLocation": "s3://artifacts-1/answers/f"}

    def client(platform: Any, service: str, patience: Any) -> Any:
        return Runtime() if service == "sagemaker-runtime" else real(platform, service, patience)

    def answered(key: str, body: bytes) -> None:
        """Have the answer lie there when it is looked for the second time."""

        def pause(_: float) -> None:
            s3.put_object(Bucket="artifacts-1", Key=key, Body=body, ContentType="application/json")

        monkeypatch.setattr(world.client, "_patience", Patience(seconds=5, pause=pause))

    monkeypatch.setattr(data_plane, "client", client)
    url = str(world.score.url).replace("/invocations", "/async-invocations")
    score = dataclasses.replace(world.score, url=url)
    answered("answers/a", b"[1]")
    assert world.client.predict(score, {"age": 3}).value == [1]
    place = asked[0]["InputLocation"]
    assert place.startswith("s3://artifacts-1/requests/score/")
    kept = s3.get_object(Bucket="artifacts-1", Key=place.removeprefix("s3://artifacts-1/"))
    assert json.loads(kept["Body"].read()) == {"age": 3}
    s3.delete_object(Bucket="artifacts-1", Key="answers/a")
    answered("answers/f", b"out of memory")
    with pytest.raises(PredictionFailed, match="out of memory"):
        world.client.predict(score, {"age": 3})
    s3.delete_object(Bucket="artifacts-1", Key="answers/f")
    monkeypatch.setattr(world.client, "_patience", Patience(seconds=0.05, pause=lambda _: None))
    with pytest.raises(TimedOut, match="it will lie at s3://artifacts-1/answers/a"):
        world.client.predict(score, {"age": 3})
    with pytest.raises(InvalidCall, match="use predict"):
        world.client.stream(score, {"age": 3})
