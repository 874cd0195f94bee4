"""A stack whose every preview and `up` runs under the policy pack."""

import json
from pathlib import Path
from typing import Any

from pulumi_mlops_sandbox.stack import Result, Stack
from support.e2e.outside import ROOT

PACK = ("--policy-pack", str(ROOT / "tests" / "support" / "policies" / "dev"))


class Judged(Stack):
    """A stack under the pack in profile `dev`: what is mandatory there fails the command."""

    def preview(self, *options: str) -> Result:
        """Preview the program under the pack."""
        return super().preview(*PACK, *options)

    def up(self, *options: str) -> Result:
        """Bring the program up under the pack."""
        return super().up(*PACK, *options)

    def preview_and_up(self, *options: str) -> Result:
        """Bring the program up after its preview, both under the pack."""
        return super().preview_and_up(*PACK, *options)


def assert_judged(found: Path) -> None:
    """Have the pack seen whole stacks, and every rule been able to judge what it met."""
    lines: list[dict[str, Any]] = [json.loads(line) for line in found.read_text().splitlines()]
    assert any(line.get("end") and line["resources"] for line in lines), "the pack has judged no stack"
    findings = [line for line in lines if "rule" in line]
    assert [line for line in findings if "could not be judged" in line["message"]] == []
