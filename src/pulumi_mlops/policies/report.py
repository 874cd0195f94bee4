"""What a check has found, for people, for code scanning, for test reports, for programs and for pull requests."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any, Final, Literal
from xml.etree import ElementTree as ET

from pulumi_mlops.policies.catalogue import BY_ID
from pulumi_mlops.policies.markdown import folded, table
from pulumi_mlops.policies.model import SEVERITIES

Format = Literal["text", "json", "sarif", "junit", "markdown"]
SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
PROGRAM: Final = "Pulumi.yaml"
SCORES: Final = {"critical": "9.5", "high": "8.0", "medium": "5.5", "low": "2.0"}
"""By which code scanning sorts."""


@dataclass(frozen=True)
class Report:
    """What a check has found in a stack."""

    stack: str
    findings: tuple[Mapping[str, Any], ...]
    """As `pack.record` writes them."""
    resources: int
    rules: tuple[str, ...]
    """The rules that were held against it."""
    month: str = ""
    """What a month of the stack costs, as a sentence says it."""
    months: Mapping[str, str] = field(default_factory=dict)
    """What a month of each resource costs, by its URN."""
    warnings: tuple[str, ...] = ()
    """What is wrong with the estimate."""
    program: str = PROGRAM
    """The file at which code scanning shows what is found: the engine does not tell the line of a resource."""

    def of(self, state: str) -> list[Mapping[str, Any]]:
        """List the findings of a state, the worst first."""
        found = [each for each in self.findings if each["state"] == state]
        return sorted(found, key=lambda each: (SEVERITIES.index(each["severity"]), each["rule"], each["resource"]))

    @property
    def blocking(self) -> list[Mapping[str, Any]]:
        """The violations that may not be."""
        return [each for each in self.of("violation") if each["level"] == "mandatory"]

    def summary(self) -> str:
        """Say it in a line."""
        violations, blocking = len(self.of("violation")), len(self.blocking)
        parts = [f"{violations} violation{'' if violations == 1 else 's'}, {blocking} of them mandatory"]
        parts += [f"{len(self.of('undecided'))} decided at update", f"{len(self.of('excepted'))} excepted"]
        return f"{'; '.join(parts)}: {self.resources} resources, {len(self.rules)} rules"

    def month_of(self, finding: Mapping[str, Any]) -> str:
        """Say what a month of the resource costs that a finding is about."""
        return self.months.get(finding["urn"], "")


def text(report: Report) -> str:
    """Write for a terminal, by severity."""
    lines: list[str] = []
    for severity in SEVERITIES:
        found = [each for each in report.of("violation") if each["severity"] == severity]
        lines += [severity] if found else []
        for each in found:
            lines += [
                f"  {each['rule']} ({each['level']})  {each['type']} {each['resource']}",
                f"    {each['message']}",
                *([f"    It costs a month: {month}"] if (month := report.month_of(each)) else []),
            ]
    for state, head in (("undecided", "decided at update"), ("excepted", "excepted")):
        found = report.of(state)
        lines += [head] if found else []
        lines += [f"  {each['rule']}  {each['type']} {each['resource']}: {_why(each)}" for each in found]
    costs = [*([report.month] if report.month else []), *(f"warning: {each}" for each in report.warnings)]
    return "\n".join([*lines, report.summary(), *costs])


def _why(finding: Mapping[str, Any]) -> str:
    return str(finding["note"] if finding["state"] == "excepted" else finding["property"])


def plain(report: Report) -> str:
    """Write JSON."""
    known = {
        "stack": report.stack,
        "passed": not report.blocking,
        "resources": report.resources,
        "rules": list(report.rules),
        "month": report.month,
        "warnings": list(report.warnings),
        "findings": [
            {**each, "month": report.month_of(each)}
            for state in ("violation", "undecided", "excepted")
            for each in report.of(state)
        ],
    }
    return json.dumps(known, indent=2)


def sarif(report: Report) -> str:
    """Write SARIF 2.1.0; what is decided at update is an open result, what is excepted a suppressed one."""
    named = list(dict.fromkeys([*report.rules, *(each["rule"] for each in report.findings)]))
    run = {
        "tool": {
            "driver": {
                "name": "pulumi-mlops",
                "semanticVersion": metadata.version("pulumi-mlops"),
                "rules": [_sarif_rule(name, report) for name in named],
            }
        },
        "automationDetails": {"id": f"{report.stack}/"},
        "results": [_sarif_result(each, named, report.program) for each in report.findings],
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2)


def _sarif_rule(name: str, report: Report) -> dict[str, Any]:
    rule = BY_ID.get(name)
    if rule is None:  # of a pack of somebody's own
        found = next((each for each in report.findings if each["rule"] == name), None)
        return {"id": name, "shortDescription": {"text": str(found["title"]) if found else name}}
    return {
        "id": rule.id,
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.why},
        "help": {"text": f"{rule.why} Asked for by: {'; '.join(rule.sources)}."},
        "properties": {"security-severity": SCORES[rule.severity], "tags": list(rule.clouds)},
    }


def _sarif_result(finding: Mapping[str, Any], named: list[str], program: str) -> dict[str, Any]:
    place = {
        "physicalLocation": {"artifactLocation": {"uri": program}, "region": {"startLine": 1}},
        "logicalLocations": [{"name": finding["resource"], "fullyQualifiedName": finding["urn"], "kind": "resource"}],
    }
    result: dict[str, Any] = {
        "ruleId": finding["rule"],
        "ruleIndex": named.index(finding["rule"]),
        "message": {"text": f"{finding['resource']}: {finding['message']}"},
        "locations": [place],
        "partialFingerprints": {"finding/v1": f"{finding['rule']} {finding['urn']} {finding['property']}"},
    }
    if finding["state"] == "undecided":
        return {**result, "kind": "open", "level": "none"}
    result["level"] = "error" if finding["level"] == "mandatory" else "warning"
    if finding["state"] == "excepted":
        result["suppressions"] = [{"kind": "external", "status": "accepted", "justification": finding["note"]}]
    return result


def junit(report: Report) -> str:
    """Write a report as of tests: a suite a rule, a case a finding, and one that passed where nothing was found."""
    failures = len(report.blocking)
    root = ET.Element("testsuites", name=report.stack, tests="0", failures=str(failures))
    tests = 0
    for rule in dict.fromkeys([*report.rules, *(each["rule"] for each in report.findings)]):
        found = [each for each in report.findings if each["rule"] == rule]
        failed = sum(each in report.blocking for each in found)
        suite = ET.SubElement(
            root,
            "testsuite",
            name=rule,
            tests=str(len(found) or 1),
            failures=str(failed),
            skipped=str(len(found) - failed),
        )
        tests += len(found) or 1
        if not found:
            ET.SubElement(suite, "testcase", classname=rule, name="all resources")
        for each in found:
            case = ET.SubElement(suite, "testcase", classname=rule, name=f"{each['resource']} {each['property']}")
            blocks = each in report.blocking
            told = ET.SubElement(case, "failure" if blocks else "skipped", message=str(each["message"]))
            told.text = f"{each['severity']}, {each['level']}, {each['state']}: {each['urn']}"
    root.set("tests", str(tests))
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True)


def markdown(report: Report) -> str:
    """Write for a comment on a pull request."""
    mark = "❌" if report.blocking else "✅"
    lines = [f"### {mark} Policies: `{report.stack}`", "", report.summary(), ""]
    lines += [report.month, ""] if report.month else []
    lines += [f"⚠️ {each}\n" for each in report.warnings]
    rows = [
        [
            each["severity"],
            f"`{each['rule']}`",
            f"`{each['resource']}`",
            each["message"],
            each["level"],
            report.month_of(each),
        ]
        for each in report.of("violation")
    ]
    if rows:
        lines += table(["severity", "rule", "resource", "what is wrong", "level", "a month"], rows)
    for state, head in (("undecided", "Decided at update"), ("excepted", "Excepted")):
        if found := report.of(state):
            rows = [[f"`{each['rule']}`", f"`{each['resource']}`", _why(each)] for each in found]
            lines += folded(f"{head}: {len(found)}", ["rule", "resource", "why"], rows)
    return "\n".join(lines)


WRITERS: Final[Mapping[Format, Callable[[Report], str]]] = {
    "text": text,
    "json": plain,
    "sarif": sarif,
    "junit": junit,
    "markdown": markdown,
}
ENDINGS: Final[Mapping[str, Format]] = {
    ".txt": "text",
    ".json": "json",
    ".sarif": "sarif",
    ".xml": "junit",
    ".md": "markdown",
}


def form(path: Path) -> Format | None:
    """Tell by the end of a file's name what is to be in it."""
    return ENDINGS.get(path.suffix)
