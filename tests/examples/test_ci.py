"""The workflow files of `examples/ci`: their own linters, their commands, and the tokens that Identity trusts."""

import re
import runpy
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
import typer

from pulumi_mlops.cli import app
from pulumi_mlops_sandbox import engine
from support.ci import ACTION, CI, GITLAB, ROOT, WORKFLOWS, Job, jobs, laid_out, read, scripts, subject, uses
from support.ci.linters import actionlint, against_schema
from support.facts import aws, azure, kubernetes
from support.mocks import Cloud

REPOSITORY = "acme/churn"
IDENTITY = {"preview": "preview", "up": "deploy", "drift": "drift"}
"""Whom each job acts as."""
HUBS = {"aws": aws.HUB, "azure": azure.HUB, "kubernetes": kubernetes.HUB}
HOSTS = {"github": "github.com", "gitlab": "gitlab.com"}
RIGHTS = {
    "preview": {"contents": "read", "id-token": "write", "pull-requests": "write", "security-events": "write"},
    "up": {"contents": "read", "id-token": "write"},
    "drift": {"contents": "read", "id-token": "write", "issues": "write"},
}
JOBS = [pytest.param(job, id=f"{job.host}-{job.name}") for job in jobs()]


def test_actionlint_finds_nothing(tmp_path: Path) -> None:
    assert actionlint(laid_out(tmp_path)) == ""


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("timeout-minutes:", "timeout-minute:", 'unexpected key "timeout-minute"'),
        ("cloud: ${{ vars.CLOUD }}", "clout: ${{ vars.CLOUD }}", 'input "clout" is not defined'),
        ("steps.check.outcome", "steps.chek.outcome", 'property "chek" is not defined'),
    ],
)
def test_actionlint_finds_mistakes(tmp_path: Path, old: str, new: str, said: str) -> None:
    file = laid_out(tmp_path) / ".github" / "workflows" / "preview.yml"
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))
    assert said in actionlint(tmp_path)


def test_the_files_are_as_the_schemas_say() -> None:
    assert against_schema("gitlab-ci", GITLAB) == ""
    assert against_schema("github-workflows", *WORKFLOWS) == ""
    assert against_schema("github-actions", ACTION) == ""


@pytest.mark.parametrize(
    ("old", "new"), [("when: always", "when: mostly"), ("interruptible: true", "interruptible: seldom")]
)
def test_the_schema_of_gitlab_finds_mistakes(tmp_path: Path, old: str, new: str) -> None:
    (tmp_path / ".gitlab-ci.yml").write_text(GITLAB.read_text().replace(old, new))
    assert against_schema("gitlab-ci", tmp_path / ".gitlab-ci.yml")


def test_each_host_has_the_three_jobs() -> None:
    assert {(job.host, job.name) for job in jobs()} == {(host, name) for host in HOSTS for name in RIGHTS}


def test_actions_are_taken_by_commit() -> None:
    found = list(uses())
    assert len(found) > 8
    for file, action in found:
        assert action == "./.github/actions/ready" or re.fullmatch(
            r"[\w-]+/[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+.*", action
        ), (file, action)


def test_one_action_has_one_commit() -> None:
    commits: dict[str, set[str]] = {}
    for _, action in uses():
        name, _, commit = action.partition("@")
        commits.setdefault(name, set()).add(commit)
    assert {name: found for name, found in commits.items() if len(found) > 1} == {}


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_has_the_rights_that_it_needs_and_runs_alone(path: Path) -> None:
    workflow = read(path)
    assert workflow["permissions"] == {}
    assert {name: job["permissions"] for name, job in workflow["jobs"].items()} == {path.stem: RIGHTS[path.stem]}
    assert workflow["concurrency"]["cancel-in-progress"] is (path.stem == "preview")
    assert all(job["timeout-minutes"] for job in workflow["jobs"].values())


def test_a_fork_gets_no_token() -> None:
    (preview,) = (job for job in jobs() if (job.host, job.name) == ("github", "preview"))
    assert preview.said["if"] == "github.event.pull_request.head.repo.full_name == github.repository"
    assert "$CI_MERGE_REQUEST_SOURCE_PROJECT_ID == $CI_PROJECT_ID" in read(GITLAB)["workflow"]["rules"][0]["if"]


def test_jobs_of_gitlab_are_alone_and_end() -> None:
    for job in jobs():
        if job.host == "gitlab":
            assert job.said["resource_group"], job.name
            assert job.said["timeout"], "the token lasts as long as the job may: five minutes unless told"
            assert job.said["interruptible"] is (job.name != "up")


def test_nothing_is_deployed_without_somebody() -> None:
    ups = {job.host: job.said for job in jobs() if job.name == "up"}
    assert ups["github"]["environment"] == "prod"
    assert ups["gitlab"]["environment"]["name"] == "prod"
    assert [rule["when"] for rule in ups["gitlab"]["rules"]] == ["manual"]


def test_no_key_of_a_cloud_is_anywhere() -> None:
    text = "".join(path.read_text() for path in (*WORKFLOWS, ACTION, GITLAB))
    assert set(re.findall(r"secrets\.(\w+)", text)) == {"PULUMI_CONFIG_PASSPHRASE"}
    assert not re.search(r"SECRET_ACCESS_KEY|ACCESS_KEY_ID|CLIENT_SECRET|ACCESS_TOKEN", text)


# The commands.


@pytest.mark.parametrize(("where", "script"), list(scripts()))
def test_a_shell_can_read_it(where: str, script: str) -> None:
    done = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (where, done.stderr)


def calls(program: str) -> list[list[str]]:
    """List the calls of a program, as words, with the shell's variables as they stand."""
    found = []
    for _, script in scripts():
        for line in script.replace("\\\n", " ").splitlines():
            lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
            lexer.whitespace_split = True
            words = list(lexer)
            starts = [index for index, word in enumerate(words) if word == program]
            for start in starts:
                ends = [at for at in range(start, len(words)) if set(words[at]) <= set("|&;<>()") or words[at] == "2"]
                found.append(words[start + 1 : min(ends, default=len(words))])
    return found


def test_options_of_our_command_are_ones_that_it_has() -> None:
    found = calls("pulumi-mlops")
    assert [words[0] for words in found] == ["check", "check"]
    group: Any = typer.main.get_command(app)
    for words in found:
        _, command, rest = group.resolve_command(typer.Context(group), words)
        context = command.make_context(words[0], rest)
        assert context.params["pack"] == Path("policies")
        assert [path.suffix for path in context.params["to"]] == [".md", ".sarif", ".xml", ".json"]


def test_options_of_pulumi_are_ones_that_it_has() -> None:
    found = engine.find()
    assert found
    known: dict[str, set[str]] = {}
    for words in calls("pulumi"):
        verb = words[0]
        if verb not in known:
            done = subprocess.run([found.pulumi, verb, "--help"], capture_output=True, text=True, check=True)
            known[verb] = set(re.findall(r"(--[a-z][a-z-]*)", done.stdout))
        asked = {word for word in words if word.startswith("--")}
        assert asked <= known[verb], (verb, asked - known[verb])
    assert known.keys() == {"install", "preview", "up"}


def test_the_engine_is_the_one_that_the_library_is_tested_with() -> None:
    text = ACTION.read_text() + GITLAB.read_text()
    assert set(re.findall(r"(?:pulumi-version: |pulumi/pulumi:)(\S+)", text)) == {engine.VERSION}


# Whom the identities trust.


def trusted(cloud: str, host: str) -> dict[str, Any]:
    """Run the example's program, and return whom each of its identities trusts: subject, and for whom the token is."""
    outputs = {"platform": HUBS[cloud].export()}
    ran = Cloud(answers={"pulumi:pulumi:readStackOutputs": {"outputs": outputs, "name": "acme/ml/prod"}})
    settings = dict(azure.SETTINGS) if cloud == "azure" else {}
    settings |= {"platform_stack": "acme/ml/prod", "repository": REPOSITORY, "host": HOSTS[host]}
    ran.run(lambda: runpy.run_path(str(CI / "identity" / "__main__.py"), run_name="__main__") and None, **settings)
    found: dict[str, Any] = {}
    for job in ("preview", "drift", "deploy"):
        if cloud == "aws":
            (statement,) = ran.one("iam/role", f"ci-{job}-role").document("assumeRolePolicy")["Statement"]
            told = {key.partition(":")[2]: value for key, value in statement["Condition"]["StringEquals"].items()}
            found[job] = (told["sub"], told["aud"])
        elif cloud == "azure":
            (said,) = [
                each.inputs
                for each in ran.all("managedidentity/FederatedIdentityCredential")
                if each.name.startswith(f"ci-{job}-")
            ]
            found[job] = (said["subject"], *said["audiences"])
        else:
            (bound,) = [each for each in ran.all("RoleBinding") if each.name.startswith(f"ci-{job}-")]
            found[job] = [(one["kind"], one["namespace"], one["name"]) for one in bound.inputs["subjects"]]
    return found


@pytest.mark.parametrize("cloud", ["aws", "azure"])
@pytest.mark.parametrize("host", HOSTS)
def test_each_identity_trusts_the_token_of_its_job(cloud: str, host: str) -> None:
    audience = {"aws": "sts.amazonaws.com", "azure": "api://AzureADTokenExchange"}[cloud]
    made = {IDENTITY[job.name]: (subject(job, REPOSITORY), audience) for job in jobs() if job.host == host}
    assert trusted(cloud, host) == made


def test_gitlab_makes_its_tokens_for_whom_the_clouds_want_them() -> None:
    for job in jobs():
        if job.host == "gitlab":
            asked = {name: token["aud"] for name, token in job.said["id_tokens"].items()}
            assert asked == {"AWS_ID_TOKEN": "sts.amazonaws.com", "ARM_OIDC_TOKEN": "api://AzureADTokenExchange"}


def test_in_a_cluster_the_runners_of_the_jobs_are_trusted() -> None:
    found = trusted("kubernetes", "gitlab")
    assert found == {job: [("ServiceAccount", "ci", job)] for job in ("preview", "drift", "deploy")}
    tags = {job.name: job.said["tags"] for job in jobs() if job.host == "gitlab"}
    assert tags == {name: [f"ci-{IDENTITY[name]}"] for name in RIGHTS}


@pytest.mark.parametrize("job", JOBS)
def test_a_job_signs_in_as_its_own_identity(job: Job) -> None:
    if job.host == "gitlab":
        assert job.said["variables"]["IDENTITY"] == f"${IDENTITY[job.name].upper()}_IDENTITY"
    else:
        (ready,) = [step["with"] for step in job.said["steps"] if step.get("uses") == "./.github/actions/ready"]
        # Those of an environment have the variable of that environment.
        own = "vars.IDENTITY" if "environment" in job.said else f"vars.{job.name.upper()}_IDENTITY"
        assert ready["identity"] == f"${{{{ {own} }}}}"


def test_the_page_names_each_variable_that_the_files_read() -> None:
    page = (CI / "README.md").read_text()
    text = "".join(path.read_text() for path in WORKFLOWS)
    for name in set(re.findall(r"vars\.(\w+)", text)) | {"REPORT_TOKEN", "PULUMI_CONFIG_PASSPHRASE"}:
        assert f"`{name}`" in page, name
    assert str(CI.relative_to(ROOT)) in page
