"""Levels by profile, what is allowed, and exceptions with an end."""

import dataclasses
import datetime as dt
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest

from pulumi_mlops.core.replaceable import names
from pulumi_mlops.policies import BY_ID, RULES, Judge, Part, Problem, Resource, Rule, Settings, on, resource
from pulumi_mlops.policies.settings import APART, PROFILES, level, problems, schema
from pulumi_mlops.policies.settings import exemption as read_exemption

BUCKET = resource("aws:s3/bucket:Bucket", "files", {"forceDestroy": True})
UNTIL = dt.date(2026, 12, 31)
GIVEN: dict[str, Any] = {
    "rule": "data.no-force-destroy",
    "owner": "ml-team",
    "reason": "it is emptied on purpose each night",
    "expires": UNTIL.isoformat(),
}
IDS = [rule.id for rule in RULES]


def judged(exception: dict[str, Any], today: dt.date, one: Resource = BUCKET) -> list[tuple[str, str]]:
    settings = Settings(exceptions=(read_exemption(exception),), today=today)
    found = Judge(RULES, settings).resource(one)
    return [(each.state, each.note) for each in found if each.rule.id == GIVEN["rule"]]


def test_an_exception_holds_until_its_last_day() -> None:
    assert judged(GIVEN, UNTIL) == [("excepted", "ml-team until 2026-12-31: it is emptied on purpose each night")]
    late = judged(GIVEN, UNTIL + dt.timedelta(days=1))
    assert late == [("violation", "the exception of ml-team has expired on 2026-12-31")]


@pytest.mark.parametrize(
    ("globs", "state"), [(["files"], "excepted"), (["fil*"], "excepted"), (["other"], "violation")]
)
def test_an_exception_is_about_named_resources(globs: list[str], state: str) -> None:
    assert judged({**GIVEN, "resources": globs}, UNTIL)[0][0] == state


def test_an_exception_is_about_one_rule() -> None:
    assert judged({**GIVEN, "rule": "data.versioned"}, UNTIL)[0][0] == "violation"


WRONG = [
    ({"exceptions": [{key: value for key, value in GIVEN.items() if key != "owner"}]}, "exceptions.0.owner"),
    ({"exceptions": [{key: value for key, value in GIVEN.items() if key != "expires"}]}, "exceptions.0.expires"),
    ({"exceptions": [{**GIVEN, "reason": "because"}]}, "exceptions.0.reason"),
    ({"exceptions": [{**GIVEN, "expires": "soon"}]}, "exceptions.0.expires"),
    ({"exceptions": [{**GIVEN, "rule": "data.no-force-destory"}]}, "there is no rule data.no-force-destory"),
    ({"region": ["us-east-1"]}, "region"),
    ({"budget_ceiling": -1}, "budget_ceiling"),
    ({"budget_ceiling": 0}, "budget_ceiling"),
    ({"budget_ceiling": "much"}, "budget_ceiling"),
    ({"capture_percent": 101}, "capture_percent"),
    ({"replicas": 1.5}, "replicas"),
    ({"replicas": True}, "replicas"),
    ({"log_days": 0}, "log_days"),
    ({"tags": "owner"}, "tags"),
    ({"tags": ["owner", 7]}, "tags.1"),
]


@pytest.mark.parametrize(("given", "said"), WRONG, ids=[said for _, said in WRONG])
def test_wrong_settings_are_refused_and_named(given: dict[str, Any], said: str) -> None:
    assert any(said in each for each in problems(given, IDS)[1])


@pytest.mark.parametrize("given", [given for given, said in WRONG if "no rule" not in said])
def test_the_schema_refuses_them_too(given: dict[str, Any]) -> None:
    checker = jsonschema.Draft202012Validator(schema(), format_checker=jsonschema.FormatChecker())
    assert list(checker.iter_errors(given))
    assert not list(checker.iter_errors({"exceptions": [GIVEN], "regions": ["us-east-1"]}))


def test_what_may_be_lost_is_a_list_of_names() -> None:
    assert names("") == ()
    assert names('["files", "urn:*"]') == ("files", "urn:*")
    for wrong in ("files", '"files"', "[1]", '[""]', '{"files": true}'):
        with pytest.raises(ValueError, match="is a list of names"):
            names(wrong)


def test_what_may_be_lost_is_named_by_itself_its_urn_or_its_component() -> None:
    own = "urn:pulumi:prod::ml::mlops:Dataset$aws:s3/bucket:Bucket::rows-files"
    one = resource("aws:s3/bucket:Bucket", "rows-files", urn=own, parent="urn:pulumi:prod::ml::mlops:Dataset::rows")

    def found(*replaceable: str) -> int:
        rule = BY_ID["data.replacement-named"]
        judge = Judge([rule], Settings(replaceable=replaceable))
        return len(judge.resource(dataclasses.replace(one, step="replace")))

    assert [found(), found("row"), found("files")] == [1, 1, 1]
    assert [found("rows-files"), found(own), found("rows"), found("ro*")] == [0, 0, 0, 0]


def test_the_schema_refers_to_no_other_place() -> None:
    assert "$ref" not in str(schema())
    assert "today" not in schema()["properties"]


def test_levels_rise_with_the_profile() -> None:
    order = {"disabled": 0, "advisory": 1, "mandatory": 2}
    assert set(APART) <= set(IDS)
    for rule in RULES:
        levels = [order[level(rule.id, rule.severity, profile)] for profile in PROFILES]
        assert levels == sorted(levels), rule.id
        assert level(rule.id, rule.severity, "regulated") == "mandatory"


def test_a_rule_of_ones_own_has_the_same_form() -> None:
    def named(one: Resource, _: Settings) -> Iterator[Problem]:
        if not one.name.startswith("acme-"):
            yield Problem("name", f"is {one.name}", "a name that begins with acme-")

    mine = Rule(
        "acme.names", "A bucket is called after us", "low", "We look.", ("handbook",), (on("aws:s3:Bucket", named),)
    )
    assert [each.message() for each in Judge([mine]).resource(BUCKET)] == [
        "name is files. Write: a name that begins with acme-"
    ]


def test_a_rule_that_fails_has_not_passed() -> None:
    def broken(one: Resource, _: Settings) -> Iterator[Problem]:
        yield Problem(one.value["nothing"], "", "")

    mine = Rule("acme.broken", "It breaks", "low", "It does.", ("handbook",), (on("aws:s3:Bucket", broken),))
    (found,) = Judge([mine]).resource(BUCKET)
    assert (found.state, found.problem.said) == ("violation", "could not be judged: KeyError: 'nothing'")


def test_what_cloud_control_makes_is_judged_as_what_it_is() -> None:
    wanted = '{"EndpointName": "score", "DeploymentConfig": {}}'
    props = {"typeName": "AWS::SageMaker::Endpoint", "desiredState": wanted}
    one = resource("aws:cloudcontrol/resource:Resource", "score", props)
    assert one.type == "aws:sagemaker:Endpoint"
    assert "serving.rollback-configured" in {each.rule.id for each in Judge(RULES).resource(one)}


def test_a_secret_is_not_shown() -> None:
    one = resource("aws:sqs/queue:Queue", "q", {"sqsManagedSseEnabled": False, "kmsMasterKeyId": ""})
    assert Part({"a": {"b": 1}}).get("a.b") == 1
    hidden = resource("aws:s3/bucket:Bucket", "files", {"forceDestroy": True}, secrets=["forceDestroy"])
    told = [each.message() for each in Judge(RULES).resource(hidden) if each.rule.id == GIVEN["rule"]]
    assert told == ["forceDestroy is secret. Write: force_destroy=False"]
    assert one.secrets == frozenset()


@pytest.mark.parametrize(
    ("given", "module", "foreign"),
    [
        (
            "pulumi_mlops",
            "pulumi_mlops.policies",
            "pulumi_policy pulumi_aws pulumi_azure_native pulumi_kubernetes boto3 grpc pydantic pulumi",
        ),
        (
            "pulumi.policy",
            "pulumi_mlops.policies.pack",
            "pulumi_aws pulumi_azure_native pulumi_kubernetes pydantic yaml",
        ),
    ],
    ids=["rules", "pack"],
)
def test_nothing_is_loaded_that_a_preview_would_wait_for(given: str, module: str, foreign: str) -> None:
    """Beside what starts every pack, which is Pulumi's own SDK."""
    program = f"""
        import sys, importlib
        importlib.import_module({given!r})
        before = set(sys.modules)
        importlib.import_module({module!r})
        print([name for name in {foreign.split()!r} if name in sys.modules and name not in before])
    """
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(map(str.strip, program.splitlines()))],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"
