"""Features, a frame at a time: what is written online comes back with its types; what does not fit is not written."""

import dataclasses
import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from pulumi_mlops import InvalidCall, MlopsError, Unavailable, Unsupported, Written
from pulumi_mlops.clients import frames
from support.day_two.worlds import World

NOW = dt.datetime(2026, 11, 30, 12, 0, tzinfo=dt.UTC)
LATER = NOW + dt.timedelta(minutes=5)
online = pytest.mark.parametrize("world", ["aws", "kubernetes"], indirect=True)
in_cluster = pytest.mark.parametrize("world", ["kubernetes"], indirect=True)


def row(key: int, at: dt.datetime = NOW, **features: Any) -> dict[str, Any]:
    whole = {"age": 41, "spend-30d": 1.5, "new": False, "since": NOW - dt.timedelta(days=400)}
    return {"id": key, "at": at, **whole, **features}


@online
def test_what_is_put_comes_back_with_its_types(world: World) -> None:
    rows = [row(1), row(2, age=None, since=None), row(3, new=True)]
    assert world.client.put_features("profile", rows) == Written(group="profile", rows=3, stores=("online", "offline"))
    found = world.client.get_features("profile", [3, 1, 9, 2])
    assert found == [rows[2], rows[0], None, rows[1]]
    world.client.put_features(world.profile, [row(1, LATER, age=42), row(3, NOW - dt.timedelta(days=1), age=1)])
    newest = world.client.get_features("profile", [{"id": 1}, {"id": 3}], features=["age"])
    assert newest == [{"id": 1, "at": LATER, "age": 42}, {"id": 3, "at": NOW, "age": 41}], "an older row replaces none"
    assert world.client.get_features("profile", []) == []
    assert world.client.put_features("profile", []).rows == 0


@online
def test_columns_and_texts_of_time_are_taken(world: World) -> None:
    columns = {"id": [1, 2], "at": [NOW.isoformat(), "2026-11-30T13:00:00+01:00"], "age": [float("nan"), 7.0]}
    world.client.put_features("profile", columns)
    found = world.client.get_features("profile", {"id": [1, 2]}, features=["age"])
    assert found == [{"id": 1, "at": NOW, "age": None}, {"id": 2, "at": NOW, "age": 7}]


def test_every_misfit_is_told_and_nothing_is_written(world: World) -> None:
    rows = [
        {**row(1), "aged": 3},
        {"id": 2, "age": 1},
        row(3, age=1.5),
        row(4, new="yes"),
        row(5, since=dt.datetime(2026, 1, 1)),  # noqa: DTZ001 (it is about one without a zone)
        {**row(6), "spend-30d": float("inf")},
        row("seven"),  # type: ignore[arg-type]
    ]
    with pytest.raises(InvalidCall) as caught:
        world.client.put_features("profile", rows)
    assert [(one.field, one.message.partition(";")[0]) for one in caught.value.problems] == [
        ("aged", "is no feature of the group"),
        ("rows[1].at", "is missing"),
        ("rows[2].age", "1.5 is not a whole number"),
        ("rows[3].new", "'yes' is not true or false"),
        ("rows[4].since", f"{rows[4]['since']!r} is not a time with its zone, or one in ISO 8601"),
        ("rows[5].spend-30d", "inf is not a finite number"),
        ("rows[6].id", "'seven' is not a whole number"),
    ]
    assert "nothing was written" in str(caught.value)
    with pytest.raises(InvalidCall) as many:
        world.client.put_features("profile", [{"id": None}] * 1000)
    assert len(many.value.problems) == 20


@online
def test_keys_that_do_not_fit_are_told(world: World) -> None:
    with pytest.raises(InvalidCall, match=r"features: 'aeg' is none of the group; did you mean 'age'") as caught:
        world.client.get_features("profile", [1, "x", None], features=["aeg"])
    assert [one.field for one in caught.value.problems] == ["features", "keys[1].id", "keys[2].id"]


@pytest.mark.parametrize("world", ["azure"], indirect=True)
def test_azure_keeps_history_only(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Unsupported, match="has no online store on backend 'azure'"):
        world.client.get_features("profile", [1])
    written: list[Any] = []

    def parquet(rows: list[Any], columns: Any) -> bytes:
        written.append((rows, columns))
        return b"PAR1"

    monkeypatch.setattr(frames, "parquet", parquet)  # pyarrow itself is asked in test_frames.py
    assert world.client.put_features("profile", [row(1)]).stores == ("offline",)
    assert written == [([row(1)], world.profile.features)]
    listed = world.parts["arm"].done("GET", "/blob/churnfiles/artifacts", version=None)["value"]
    (name,) = [one["name"] for one in listed]
    assert name.startswith("features/store/profile/client-")
    assert name.endswith(".parquet")


@in_cluster
def test_a_push_that_may_be_there_is_not_pushed_again(world: World) -> None:
    feast = world.parts["feast"]
    feast.hang_up()
    with pytest.raises(Unavailable, match=r"it was not asked again\. 0 of 1 rows were written before"):
        world.client.put_features("profile", [row(1)])
    only_online = dataclasses.replace(world.profile, has_offline=False)
    feast.hang_up()
    world.client.put_features(only_online, [row(1)])
    assert [body["to"] for _, path, body in feast.asked if path == "/push"] == [
        "online_and_offline",
        "online",
        "online",
    ]
    feast.fail(422)
    with pytest.raises(MlopsError, match="refused /push: 422"):
        world.client.put_features("profile", [row(1)])


@in_cluster
def test_many_rows_go_in_several_requests(world: World) -> None:
    world.client.put_features("profile", [row(number) for number in range(2500)])
    feast = world.parts["feast"]
    assert [len(body["df"]["id"]) for _, _, body in feast.asked] == [1000, 1000, 500]
    assert [found and found["id"] for found in world.client.get_features("profile", range(2500))] == list(range(2500))


@pytest.mark.parametrize("world", ["aws"], indirect=True)
def test_aws_says_how_far_it_came(world: World) -> None:
    fault = {"service": "sagemaker-featurestore-runtime", "operation": "PutRecord", "error": "AccessDeniedException"}
    world.parts["plane"].admin("POST", "faults", {**fault, "count": None})
    with pytest.raises(MlopsError, match="At least 0 of 3 rows were written before"):
        world.client.put_features("profile", [row(1), row(2), row(3)])
    world.parts["plane"].admin("DELETE", "faults")
    world.parts["plane"].admin("POST", "faults", {**fault, "error": "ThrottlingException"})
    world.client.put_features("profile", [row(1)])
    assert len(world.pauses) == 1


def test_no_frame_library_is_imported() -> None:
    folder = Path(frames.__file__).parent
    assert not [path for path in folder.glob("*.py") if "import pandas" in path.read_text()]
