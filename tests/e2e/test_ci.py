"""What the workflow files of `examples/ci` run, run in the sandbox; and the identities that CI acts as."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from pulumi_mlops_sandbox.environment import Sandbox
from pulumi_mlops_sandbox.stack import Stack
from support.ci import Job, jobs
from support.e2e.inside import Cluster
from support.e2e.outside import ROOT, Cloud, shown, succeeded

pytestmark = [pytest.mark.e2e, pytest.mark.long, pytest.mark.timeout(1800)]
PROGRAMS = ROOT / "tests" / "support" / "policies" / "programs"
HOSTS = ("github", "gitlab")
JOBS = ("preview", "drift", "deploy")
TRUST = "token.actions.githubusercontent.com"


class Checkout:
    """A repository as a job has it: a program of plain resources, and a copy of the policies."""

    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        self.sandbox, self.folder = sandbox, folder
        ignored = shutil.ignore_patterns("__pycache__", "stacks")
        shutil.copytree(PROGRAMS / "aws", folder / "program", ignore=ignored)
        shutil.copytree(ROOT / "policies", folder / "policies", ignore=ignored)
        (folder / "policies" / "config.json").write_text("{}")
        self.stack = Stack(sandbox, folder / "program")

    def run(self, host: str, name: str) -> tuple[int, str]:
        """Run what a job runs after it was made ready, up to the first command that fails, as its host does."""
        (job,) = (job for job in jobs() if (job.host, job.name) == (host, name))
        tools = Path(sys.executable).parent
        environment = self.sandbox.environ() | {
            "STACK": "dev",
            "FOLDER": "program",
            "GITHUB_WORKSPACE": str(self.folder),
            "CI_PROJECT_DIR": str(self.folder),
            "REPORT_TOKEN": "",
        }
        environment["PATH"] = f"{environment['PATH']}:{tools}"
        done = subprocess.run(
            ["bash", "-e"],
            input=_script(job),
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr


def _script(job: Job) -> str:
    """Leave out what speaks to the host."""
    return "\n".join(command for command in job.commands if "gh pr" not in command and "gh issue" not in command)


@pytest.fixture
def checkout(empty_sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    monkeypatch.setenv("CASE", "public_files")
    monkeypatch.delenv("BAD", raising=False)
    return Checkout(empty_sandbox, tmp_path / "checkout")


@pytest.mark.parametrize("host", HOSTS)
def test_a_merge_request_is_previewed_and_what_was_merged_is_made(
    host: str, checkout: Checkout, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = cloud.everything()
    monkeypatch.setenv("BAD", "yes")
    code, said = checkout.run(host, "preview")
    assert code == 1, said
    found = {path.suffix: path for path in checkout.folder.glob("policies.*")}
    assert found.keys() == {".md", ".sarif", ".xml", ".json"}
    assert "❌" in found[".md"].read_text()
    assert ET.parse(found[".xml"]).getroot().get("failures") == "1"  # noqa: S314 (written by us)
    findings = json.loads(found[".json"].read_text())["findings"]
    (wrong,) = [one for one in findings if (one["state"], one["level"]) == ("violation", "mandatory")]
    assert wrong["rule"] == "data.no-public-access"
    results = json.loads(found[".sarif"].read_text())["runs"][0]["results"]
    assert results[0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "program/Pulumi.yaml"

    code, said = checkout.run(host, "up")
    assert code != 0, said
    assert "data.no-public-access" in said
    assert cloud.everything() == before

    monkeypatch.delenv("BAD")
    code, said = checkout.run(host, "preview")
    assert code == 0, said
    assert "✅" in found[".md"].read_text()
    assert "7 to create" in (checkout.folder / "preview.txt").read_text()
    code, said = checkout.run(host, "up")
    assert code == 0, said
    assert cloud.everything() != before


@pytest.mark.parametrize("host", HOSTS)
def test_what_somebody_changed_by_hand_is_told_and_not_touched(host: str, checkout: Checkout, cloud: Cloud) -> None:
    succeeded(checkout.stack.up())
    code, said = checkout.run(host, "drift")
    assert code == 0, said
    s3 = cloud.client("s3")
    (bucket,) = (one["Name"] for one in s3.list_buckets()["Buckets"] if one["Name"].startswith("files"))
    by_hand = {"TagSet": [{"Key": "owner", "Value": "somebody"}]}
    s3.put_bucket_tagging(Bucket=bucket, Tagging=by_hand)
    state = checkout.stack.export()
    code, said = checkout.run(host, "drift")
    assert code != 0, said
    assert "somebody" in (checkout.folder / "drift.txt").read_text()
    assert s3.get_bucket_tagging(Bucket=bucket)["TagSet"] == by_hand["TagSet"]
    assert checkout.stack.export() == state


def test_the_identities_of_ci(stack_of: Callable[..., Stack], cloud: Cloud) -> None:
    """Whom each trusts is what the jobs' tokens say: tests/examples/test_ci.py compares them."""
    owner, ci = stack_of("examples/team_access/owner"), stack_of("examples/ci/identity")
    succeeded(owner.up())
    ci.configure(platform_stack="organization/features-owner/dev", host="github.com", repository="acme/churn")
    shared = cloud.everything()
    succeeded(ci.preview("--policy-pack", str(ROOT / "policies")))
    assert set(succeeded(ci.up()).counts) == {"create"}
    assert shown(ci.up()) == []
    trusts = {}
    for job, arn in ci.outputs().items():
        role = cloud.client("iam").get_role(RoleName=arn.rpartition("/")[2])["Role"]
        (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
        trusts[job] = statement["Condition"]["StringEquals"][f"{TRUST}:sub"]
        assert not cloud.client("iam").list_role_policies(RoleName=role["RoleName"])["PolicyNames"]
    assert trusts == {
        "preview": "repo:acme/churn:environment:preview",
        "drift": "repo:acme/churn:ref:refs/heads/main",
        "deploy": "repo:acme/churn:environment:prod",
    }
    succeeded(ci.destroy())
    assert cloud.everything() == shared


@pytest.mark.parametrize("planes", [("kubernetes",)])
def test_in_a_cluster_each_runner_gets_the_token_of_its_identity(
    stack_of: Callable[..., Stack], empty_sandbox: Sandbox
) -> None:
    cluster = Cluster(empty_sandbox)
    cluster.kind("v1", "Namespace").create(body={"metadata": {"name": "ci"}})
    for job in JOBS:
        cluster.kind("v1", "ServiceAccount").create(body={"metadata": {"name": job}}, namespace="ci")
    owner, ci = stack_of("examples/team_access/owner"), stack_of("examples/ci/identity")
    owner.configure(backend="kubernetes")
    succeeded(owner.up())
    ci.configure(platform_stack="organization/features-owner/dev", host="gitlab.com", repository="acme/churn")
    succeeded(ci.up())
    named = ci.outputs()
    assert named == {job: f"market-dev/ci-{job}" for job in JOBS}
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 600}}
    got = {
        (runner, job): cluster.as_account("ci", runner).status_of(
            "POST", "/api/v1/namespaces/{}/serviceaccounts/{}/token".format(*named[job].split("/")), body
        )
        for runner in JOBS
        for job in JOBS
    }
    assert got == {(runner, job): 201 if runner == job else 403 for runner in JOBS for job in JOBS}
    succeeded(ci.destroy())
    succeeded(owner.destroy())
