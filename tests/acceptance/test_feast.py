"""Feast itself takes what is generated for it: the repository, and each command exactly as the pods run it.

Only addresses are substituted. Registry, online store and object store are real servers of their kinds: Postgres,
Valkey with the generated configuration, and an S3 server.
"""

import base64
import contextlib
import json
import os
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest

import pulumi_mlops as mlops
from pulumi_mlops.backends.kubernetes import tracking
from pulumi_mlops.clients.client import Client
from pulumi_mlops.clients.stacks import Stack
from pulumi_mlops_sandbox import packages
from support import services
from support.facts.kubernetes import HUB, OBJECT_STORE
from support.mocks import Cloud
from support.waiting import until

pytestmark = pytest.mark.long

AGE, SPENT = "customer_profile:age", "customer_profile:spend-30d"
FEATURES = {"customer_id": "integer", "updated_at": "timestamp", "age": "integer", "spend-30d": "float"}
EVERY = {
    "key_a": "string",
    "key_b": "integer",
    "at": "timestamp",
    "text": "string",
    "whole": "integer",
    "real": "float",
    "yes": "boolean",
    "since": "timestamp",
}
NOW = datetime.now(tz=UTC).replace(microsecond=0)


def generated(**features: str) -> Cloud:
    """Register a store and two groups under mocks."""
    cloud = Cloud()

    def program() -> None:
        daily = {"cron": "0 3 * * *", "timezone": "Europe/Berlin"}
        store = mlops.FeatureStore("features", platform=HUB, materialize=daily)
        mlops.FeatureGroup(
            "customer-profile",
            store=store,
            keys=["customer_id"],
            event_time="updated_at",
            features=FEATURES | features,
            online={"ttl_hours": 72},
            description="who they are",
        )
        mlops.FeatureGroup(
            "pairs", store=store, keys=["key_a", "key_b"], event_time="at", features=EVERY, online={}, offline=None
        )
        mlops.FeatureGroup(
            "archive",
            store=store,
            keys=["customer_id"],
            event_time="at",
            features={"customer_id": "integer", "at": "timestamp", "score": "float"},
        )

    cloud.run(program)
    return cloud


@dataclass
class Installation:
    """The generated parts in folders of a test, and how its processes are run."""

    binaries: Path
    folder: Path
    places: dict[str, str]
    """What is written for the cluster → what it is here."""
    secrets: Mapping[tuple[str, str], str]
    """Values of Secrets by name and key."""
    port: int = field(default_factory=services.free_port)

    def here(self, text: str) -> str:
        for there, place in self.places.items():
            text = text.replace(there, place)
        return text

    def write(self, cloud: Cloud) -> None:
        """Lay out the ConfigMaps as the pods see them."""
        for made in cloud.all("ConfigMap"):
            folder = self.folder / made.inputs["metadata"]["name"]
            folder.mkdir(exist_ok=True)
            for name, text in made.inputs["data"].items():
                (folder / name).write_text(self.here(text))

    def process(self, pod: dict[str, Any]) -> tuple[list[str], dict[str, str]]:
        """Return command and environment of a pod's only container."""
        (container,) = pod["containers"]
        maps = {volume["name"]: volume["configMap"]["name"] for volume in pod["volumes"] if "configMap" in volume}
        mounts = {
            mount["mountPath"]: str(self.folder / maps[mount["name"]])
            for mount in container["volumeMounts"]
            if mount["name"] in maps
        }
        environment = {"PATH": f"{self.binaries}:{os.environ['PATH']}"}
        for variable in container["env"]:
            if "value" in variable:
                value = variable["value"]
            else:
                key = variable["valueFrom"]["secretKeyRef"]
                value = self.secrets[key["name"], key["key"]]
            environment[variable["name"]] = mounts.get(value, value)
        environment["HOME"] = str(self.folder)
        command = container["command"]
        for path, place in mounts.items():
            command = [word.replace(path, place) for word in command]
        return [self.here(word) for word in command], environment

    def run(self, pod: dict[str, Any]) -> str:
        """Run a pod to its end."""
        command, environment = self.process(pod)
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=services.BOUND_SECONDS, check=False
        )
        assert done.returncode == 0, f"{command} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    def apply(self, cloud: Cloud, group: str) -> str:
        return self.run(cloud.one("Job", f"{group}-apply").inputs["spec"]["template"]["spec"])

    def post(self, path: str, body: Any) -> Any:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}", json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def push(self, source: str, to: str, *rows: dict[str, Any]) -> None:
        columns = {name: [row.get(name) for row in rows] for name in rows[0]}
        self.post("/push", {"push_source_name": source, "to": to, "df": columns})

    def online(self, features: list[str], **keys: list[Any]) -> dict[str, list[Any]]:
        """Ask the server for features, and return what it answered by name."""
        answer = self.post("/get-online-features", {"features": features, "entities": keys})
        names = answer["metadata"]["feature_names"]
        return {name: result["values"] for name, result in zip(names, answer["results"], strict=True)}

    def knows(self, feature: str, **keys: Any) -> bool:
        try:
            self.online([feature], **(keys or {"customer_id": [0]}))
        except urllib.error.HTTPError as refused:
            refused.close()
            return False
        return True

    def python(self, program: str, cloud: Cloud, *arguments: str) -> Any:
        """Run a program of a data scientist's, who has Feast and the repository; it prints JSON."""
        _, environment = self.process(cloud.one("Deployment").inputs["spec"]["template"]["spec"])
        command = [str(self.binaries / "python"), "-W", "ignore", "-c", program, environment["PYTHONPATH"], *arguments]
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=services.BOUND_SECONDS, check=False
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def cloud() -> Cloud:
    return generated()


@pytest.fixture(scope="module")
def feast(cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Run the stores and the server, with all groups applied."""
    folder = tmp_path_factory.mktemp("feast")
    binaries = packages.ensure()
    python = str(binaries / "python")
    settings = cloud.one("Secret", "features-online").inputs["data"]["valkey.conf"]
    configuration = base64.b64decode(settings).decode()
    with contextlib.ExitStack() as stack:
        database = stack.enter_context(services.postgres(python, folder))
        valkey = stack.enter_context(services.valkey(python, configuration, folder))
        s3 = stack.enter_context(services.s3(folder))
        writer = {"AWS_ACCESS_KEY_ID": "writer", "AWS_SECRET_ACCESS_KEY": "writes"}
        client = boto3.client(
            "s3",
            endpoint_url=s3,
            region_name="us-east-1",
            aws_access_key_id=writer["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=writer["AWS_SECRET_ACCESS_KEY"],
        )
        client.create_bucket(Bucket=OBJECT_STORE["bucket"])
        password = base64.b64decode(cloud.one("Secret", "features-online").inputs["data"]["password"]).decode()
        made = Installation(
            binaries=binaries,
            folder=folder,
            places={
                "features-online.churn-dev.svc.cluster.local:6379": f"127.0.0.1:{valkey}",
                str(OBJECT_STORE["url"]): s3,
            },
            secrets={
                ("features-feast-db-app", "uri"): database,
                ("features-online", "password"): password,
                **{("churn-store-writer", key): value for key, value in writer.items()},
            },
        )
        made.places |= {"0.0.0.0": "127.0.0.1", "6566": str(made.port)}  # noqa: S104 (replaced here)
        made.write(cloud)
        command, environment = made.process(cloud.one("Deployment").inputs["spec"]["template"]["spec"])
        server = stack.enter_context(services.running(command, folder / "server.log", environment))
        until(lambda: services.answers(f"http://127.0.0.1:{made.port}/health"), "feast serve", process=server)
        # Jobs of several groups run at the same time.
        with ThreadPoolExecutor() as pool:
            for said in pool.map(lambda group: made.apply(cloud, group), ("customer-profile", "pairs", "archive")):
                assert "applied" in said
        # It reads the registry now and then: it may know one group of these already, and not yet the next.
        until(lambda: made.knows(AGE), "the server knows of the profile")
        until(lambda: made.knows("pairs:text", key_a=["x"], key_b=[0]), "the server knows of the pairs")
        yield made


def profile(customer: int, *, hours_ago: float = 0, **features: Any) -> dict[str, Any]:
    at = NOW - timedelta(hours=hours_ago)
    return {"customer_id": customer, "updated_at": at.isoformat(), "age": None, "spend-30d": None} | features


def test_what_is_pushed_is_served(feast: Installation) -> None:
    rows = [profile(1, age=30, **{"spend-30d": 1.5}), profile(2, age=40), profile(3, age=50, hours_ago=73)]
    feast.push("customer_profile", "online", *rows)
    found = feast.online([AGE, SPENT], customer_id=[1, 2, 3, 4])
    assert found["age"] == [30, 40, None, None], "the third is older than its ttl, the fourth unknown"
    assert found["spend-30d"] == [1.5, None, None, None]
    feast.push("customer_profile", "online", profile(1, age=29, hours_ago=1))
    assert feast.online([AGE], customer_id=[1])["age"] == [30], "an older row does not replace a newer one"


@pytest.fixture
def client(feast: Installation, monkeypatch: pytest.MonkeyPatch) -> Client:
    """Return the library's client, whose way to a pod leads to the server here."""
    monkeypatch.setattr(tracking, "forward", lambda *_: socket.create_connection(("127.0.0.1", feast.port)))
    door = {"name": "features", "port": feast.port, "pods": {}}

    def group(name: str, keys: list[str], event_time: str, features: dict[str, str], *, offline: bool) -> Any:
        return mlops.FeatureGroupRef(
            name=name,
            backend="kubernetes",
            platform=HUB,
            keys=keys,
            event_time=event_time,
            features=features,
            has_online=True,
            has_offline=offline,
            address={"door": door, "url": "http://features", "view": name.replace("-", "_")},
        ).export()

    pairs = group("pairs", ["key_a", "key_b"], "at", EVERY, offline=False)
    profile = group("customer-profile", ["customer_id"], "updated_at", FEATURES, offline=True)
    return Client(Stack("dev", {"pairs": pairs, "profile": profile}))


def test_the_client_puts_and_gets_every_type(client: Client) -> None:
    since = NOW - timedelta(days=400)
    row = {"key_a": "c", "key_b": 7, "at": NOW, "text": "t", "whole": 2**40, "real": 0.25, "yes": True, "since": since}
    less = {"key_a": "c", "key_b": 9, "at": NOW, "text": "t", "whole": None, "real": None, "yes": None, "since": None}
    assert client.put_features("pairs", [row, less]).stores == ("online",)
    keys = [{"key_a": "c", "key_b": key} for key in (7, 8, 9)]
    assert client.get_features("pairs", keys) == [row, None, less]
    both = {"customer_id": [801, 802], "updated_at": [NOW, NOW - timedelta(hours=80)], "age": [30, 40]}
    assert client.put_features("customer-profile", both).rows == 2
    found = client.get_features("customer-profile", [801, 802], features=["age"])
    assert found == [{"customer_id": 801, "updated_at": NOW, "age": 30}, None], "the second is older than its ttl"


def test_every_type_and_a_key_of_two(feast: Installation) -> None:
    row = {
        "key_a": "x",
        "key_b": 7,
        "at": NOW.isoformat(),
        "text": "t",
        "whole": 2**40,
        "real": 0.25,
        "yes": True,
        "since": int((NOW - timedelta(days=400)).timestamp()),
    }
    feast.push("pairs", "online", row)
    features = [f"pairs:{name}" for name in EVERY if name not in ("key_a", "key_b", "at")]
    found = feast.online(features, key_a=["x", "x"], key_b=[7, 8])
    expected = {name: value for name, value in row.items() if name != "at"}
    assert {name: values[0] for name, values in found.items()} == expected, "a time is in seconds since 1970, both ways"
    assert found["whole"][1] is None


def test_a_store_that_is_off_takes_no_rows(feast: Installation) -> None:
    row = {"key_a": "x", "key_b": 9, "at": NOW.isoformat(), "text": "t", "whole": 1, "real": 1.0, "yes": True}
    with pytest.raises(urllib.error.HTTPError) as refused:
        feast.push("pairs", "offline", row | {"since": 0})
    assert "has no offline store" in refused.value.read().decode()


HISTORY = """
import json, sys
import pandas as pd
from feast import FeatureStore
store = FeatureStore(repo_path=sys.argv[1])
asked = pd.DataFrame(json.loads(sys.argv[2]))
asked["event_timestamp"] = pd.to_datetime(asked["event_timestamp"], utc=True)
found = store.get_historical_features(entity_df=asked, features=json.loads(sys.argv[3])).to_df()
rows = found.sort_values(list(asked.columns)).drop(columns="event_timestamp").to_json(orient="records")
print(json.dumps({
    "rows": json.loads(rows),
    "project": store.project,
    "entities": sorted(entity.name for entity in store.list_entities()),
    "views": {
        view.name: [view.online, view.tags["pulumi-mlops/offline"], view.ttl.total_seconds(), view.description]
        for view in store.list_feature_views()
    },
}))
"""
REGISTERED = {
    "project": "churn_dev_features",
    "entities": ["archive.customer_id", "customer_profile.customer_id", "pairs.key_a", "pairs.key_b"],
    "views": {
        "archive": [False, "on", 0, ""],
        "customer_profile": [True, "on", 72 * 3600, "who they are"],
        "pairs": [True, "off", 0, ""],
    },
}
"""What Feast's registry holds of what the program said."""
OUTSIDE = """
import sys
import pandas as pd, pyarrow as pa, pyarrow.fs, pyarrow.parquet
at = pd.to_datetime([sys.argv[4]], utc=True)
table = pa.table({"customer_id": pa.array([12], pa.int32()), "updated_at": at, "age": [61], "of_others": ["x"]})
place = pyarrow.fs.S3FileSystem(endpoint_override=sys.argv[2])
pyarrow.parquet.write_table(table, sys.argv[3] + "from-a-pipeline.parquet", filesystem=place)
print("null")
"""


def test_history_and_materialisation(feast: Installation, cloud: Cloud) -> None:
    feast.push("customer_profile", "offline", profile(11, age=20, hours_ago=30), profile(11, age=21, hours_ago=6))
    feast.push("customer_profile", "offline", profile(11, age=22, hours_ago=1), profile(13, age=70, hours_ago=2))
    feast.push("customer_profile", "offline", profile(14, age=90, hours_ago=80))
    folder = f"{OBJECT_STORE['bucket']}/features/features/customer-profile/"
    feast.python(OUTSIDE, cloud, feast.places[OBJECT_STORE["url"]], folder, (NOW - timedelta(hours=3)).isoformat())
    asked = [
        {"customer_id": customer, "event_timestamp": (NOW - timedelta(hours=hours)).isoformat()}
        for customer, hours in ((11, 48), (11, 24), (11, 5), (11, 0), (12, 0), (14, 0))
    ]
    found = feast.python(HISTORY, cloud, json.dumps(asked), json.dumps([AGE, SPENT]))
    rows = found.pop("rows")
    known = [(row["customer_id"], row["age"]) for row in rows]
    assert known[:-1] == [(11, None), (11, 20), (11, 21), (11, 22), (12, 61)], "as they were at each time"
    assert known[-1] == (14, None), "older than its ttl"
    assert {row["spend-30d"] for row in rows} == {None}
    assert found == REGISTERED

    assert feast.online([AGE], customer_id=[11])["age"] == [None], "offline rows are not online yet"
    feast.run(cloud.one("CronJob").inputs["spec"]["jobTemplate"]["spec"]["template"]["spec"])
    assert feast.online([AGE], customer_id=[11, 12, 13, 14])["age"] == [22, 61, 70, None]


READS = 30
READ_AGAIN = f"""
import json, sys
from feast import FeatureStore
registry, told = FeatureStore(repo_path=sys.argv[1]).registry, set()
for _ in range({READS}):
    registry.refresh()
    read = registry.cached_registry_proto
    told.add((id(read), read.version_id))
print(json.dumps(len(told)))
"""
"""Counts by what Feast tells one reading of the registry from another: its address, of which there are two or three."""


def test_no_reading_of_the_registry_is_taken_for_another(feast: Installation, cloud: Cloud) -> None:
    assert feast.python(READ_AGAIN, cloud) == READS


def test_an_added_feature_loses_no_rows(feast: Installation, cloud: Cloud) -> None:
    feast.push("customer_profile", "online_and_offline", profile(21, age=33))
    added = generated(visits="integer")
    unchanged = {made.inputs["metadata"]["name"] for made in cloud.all("Job")} & {
        made.inputs["metadata"]["name"] for made in added.all("Job")
    }
    assert len(unchanged) == 2, "one group of three has another Job"
    feast.write(added)
    feast.apply(added, "customer-profile")
    until(lambda: feast.knows("customer_profile:visits"), "the server, which nobody restarted, knows the feature")
    found = feast.online([AGE, "customer_profile:visits"], customer_id=[21])
    assert (found["age"], found["visits"]) == ([33], [None])
    feast.push("customer_profile", "online_and_offline", profile(22, age=34, visits=5))
    assert feast.online(["customer_profile:visits"], customer_id=[21, 22])["visits"] == [None, 5]
    asked = [
        {"customer_id": customer, "event_timestamp": (NOW + timedelta(seconds=1)).isoformat()} for customer in (21, 22)
    ]
    rows = feast.python(HISTORY, added, json.dumps(asked), json.dumps([AGE, "customer_profile:visits"]))["rows"]
    assert [(row["age"], row["visits"]) for row in rows] == [(33, None), (34, 5)]


def test_what_a_removed_group_leaves_is_deleted_by_hand(feast: Installation, cloud: Cloud) -> None:
    """A Job cannot run when a group leaves the program: the documentation gives this command for it."""
    _, environment = feast.process(cloud.one("Deployment").inputs["spec"]["template"]["spec"])
    command = ["feast", "--chdir", environment["PYTHONPATH"], "delete", "archive"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert "Deleted" in done.stdout, done.stdout + done.stderr
    until(lambda: not feast.knows("archive:score"), "the server has forgotten the view")
    assert feast.knows(AGE)
