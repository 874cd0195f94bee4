"""A generated secret and the store that remembers it: one life, and rotated ones reach the pods that use them."""

import json
import sqlite3
import sys
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography.fernet import Fernet

import pulumi_mlops as mlops
from pulumi_mlops.backends.kubernetes import objects
from pulumi_mlops.jobs import remember
from support.facts.kubernetes import hub
from support.mocks import Cloud, Registration

STORE = {"url": "https://s3.example.com", "bucket": "b", "access_key": "a"}
DATABASE = {"host": "db.example.com", "username": "u"}


class Users:
    """What MLflow keeps of users."""

    def __init__(self, **passwords: str) -> None:
        self.passwords = passwords

    def has_user(self, name: str) -> bool:
        return name in self.passwords

    def authenticate_user(self, name: str, password: str) -> bool:
        return self.passwords.get(name) == password

    def update_user(self, name: str, password: str, is_admin: bool) -> None:
        assert is_admin
        self.passwords[name] = password


@pytest.mark.parametrize(
    ("there", "after", "changed"),
    [({"admin": "old"}, {"admin": "new"}, True), ({"admin": "new"}, {"admin": "new"}, False), ({}, {}, False)],
)
def test_a_kept_database_takes_the_admins_password(there: dict[str, str], after: dict[str, str], changed: bool) -> None:
    """Made again on a kept database, or rotated; a new database gets its admin from the server itself."""
    users = Users(**there)
    assert remember.admin(users, "new") is changed
    assert users.passwords == after


def test_webhooks_of_another_key_are_written_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ours get this registry's signature; the secret of somebody else's is lost, and it is switched off."""
    monkeypatch.setitem(sys.modules, "sqlalchemy", SimpleNamespace(text=lambda words: words))
    old, new = Fernet(Fernet.generate_key()), Fernet.generate_key()
    database = sqlite3.connect(":memory:")
    database.execute("CREATE TABLE webhooks (webhook_id TEXT, name TEXT, secret TEXT, status TEXT)")
    kept = Fernet(new).encrypt(b"mine").decode()
    rows = [
        ("1", "mlops-deploy", old.encrypt(b"before").decode(), "ACTIVE"),
        ("2", "theirs", old.encrypt(b"theirs").decode(), "ACTIVE"),
        ("3", "readable", kept, "ACTIVE"),
        ("4", "without", None, "ACTIVE"),
    ]
    database.executemany("INSERT INTO webhooks VALUES (?, ?, ?, ?)", rows)
    assert remember.webhooks(database, new.decode(), "signature") == ["mlops-deploy", "theirs"]
    found = {row[1]: row[2:] for row in database.execute("SELECT * FROM webhooks")}
    assert Fernet(new).decrypt(found["mlops-deploy"][0].encode()) == b"signature"
    assert found["theirs"] == (None, "DISABLED")
    assert found["readable"] == (kept, "ACTIVE")
    assert found["without"] == (None, "ACTIVE")
    assert remember.webhooks(database, new.decode(), "signature") == []
    database.close()


def registry(**facts: Any) -> Cloud:
    cloud = Cloud()
    cloud.run(lambda: mlops.ModelRegistry("models", platform=hub(**facts), approvers=[{"user": "lead"}]) and None)
    return cloud


def test_the_server_is_brought_to_its_keys_before_it_starts() -> None:
    first = registry().one("Deployment").inputs["spec"]["template"]["spec"]["initContainers"]
    assert [box["name"] for box in first] == ["configure", "migrate", "remember"]
    given = {one["name"] for one in first[-1]["env"]}
    assert {"DB_URI", "ADMIN_PASSWORD", "WEBHOOK_SECRET", "MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY"} <= given


@pytest.mark.parametrize(("stage", "protected"), [("prod", True), ("dev", False)])
def test_keys_live_as_long_as_the_database(stage: str, protected: bool) -> None:
    cloud = registry(stage=stage)
    assert cloud.one("Cluster").protect is protected
    assert cloud.one("RandomPassword", "models-admin-password").protect is protected
    assert cloud.one("RandomPassword", "models-webhook-key").protect is protected
    assert cloud.one("Secret", "models-mlflow").protect is protected


def pods(part: str = "", **parts: dict[str, Any]) -> dict[str, Any]:
    """Run a registry and a feature store on a platform, and return what makes their pods new ones."""

    def program() -> None:
        given: Any = {
            "object_store": STORE | {"secret_key": f"s{part == 'store'}"},
            "database": DATABASE | {"password": f"p{part == 'database'}"},
        }
        home = mlops.Platform("churn", backend="kubernetes", existing=given, **parts)
        mlops.ModelRegistry("models", platform=home)
        mlops.FeatureStore("features", platform=home, materialize={"cron": "0 * * * *"})

    cloud = Cloud()
    cloud.run(program)
    found = {made.name: template(made) for made in (*cloud.all("Deployment"), *cloud.all("CronJob"))}
    assert len(found) == 3
    return found


def template(made: Registration) -> str:
    spec = made.inputs["spec"]
    return json.dumps(spec.get("template") or spec["jobTemplate"]["spec"]["template"], sort_keys=True)


@pytest.mark.parametrize("part", ["store", "database"])
def test_a_rotated_login_of_the_users_own_is_another_pod(part: str) -> None:
    """The pods of MLflow, of Feast's server and of its CronJob read logins once, as they start."""
    before, after = pods(), pods(part)
    assert {name for name in before if before[name] != after[name]} == before.keys()
    assert pods() == before


def test_tags_make_no_other_pod() -> None:
    assert pods(tags={"a": "b"}) == pods()


def test_a_rotated_password_of_a_user_runs_the_set_up_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def named() -> str:
        return str(registry().one("Job").inputs["metadata"]["name"])

    before = named()
    assert named() == before
    made = objects.base64_secret
    monkeypatch.setattr(objects, "base64_secret", lambda value: made(value).apply(lambda text: f"{text}AAAA"))
    assert named() != before


def test_marks_tell_nothing_and_are_no_secrets() -> None:
    made = registry().one("Deployment")
    assert len(json.loads(template(made))["metadata"]["annotations"]["keys"]) == 8
    assert made.secret == frozenset()
