"""What the jobs of `examples/ci` tell their hosts, with programs in the hosts' place that note how they are called."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from support.ci import jobs, scripts

NOTE = '#!/bin/sh\necho "$(basename "$0") $*" >> calls\n'
FILES = 'for word; do case $word in --body-file) body=1;; *) [ -z "$body" ] || cp "$word" said; body=;; esac; done\n'


class Place:
    """A folder in which a job's commands run, with stand-ins first on PATH."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.programs = folder, folder / "programs"
        self.programs.mkdir()

    def program(self, name: str, does: str = "", *, noted: bool = True) -> None:
        path = self.programs / name
        path.write_text((NOTE if noted else "#!/bin/sh\n") + does)
        path.chmod(0o755)

    def run(self, host: str, name: str, *having: str, **variables: str) -> int:
        """Run the commands of a job that have all of some words in them."""
        (job,) = (job for job in jobs() if (job.host, job.name) == (host, name))
        found = [command for command in job.commands if all(word in command for word in having)]
        assert found, having
        return self.shell("\n".join(found), STACK="prod", FOLDER="program", **variables)

    def shell(self, script: str, **variables: str) -> int:
        environment = {"PATH": f"{self.programs}:{os.environ['PATH']}", **variables}
        done = subprocess.run(["bash", "-e"], input=script, cwd=self.folder, env=environment, text=True, check=False)
        return done.returncode

    @property
    def calls(self) -> list[str]:
        return (self.folder / "calls").read_text().splitlines()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_the_comment_on_a_pull_request_is_one_and_fits(place: Place) -> None:
    (place.folder / "policies.md").write_text("### Policies\n" + "p" * 100_000)
    (place.folder / "preview.txt").write_text("v" * 100_000 + "7 to create\n")
    place.program("gh", FILES)
    assert place.run("github", "preview", "gh pr", NUMBER="12", GITHUB_REPOSITORY="acme/churn") == 0
    (call,) = place.calls
    assert call == "gh pr comment 12 --repo acme/churn --body-file comment.md --edit-last --create-if-none"
    said = (place.folder / "said").read_text()
    assert said.startswith("### Policies")
    assert "7 to create\n\n~~~" in said
    assert len(said) < 65_536


def test_without_a_preview_the_policies_are_the_comment(place: Place) -> None:
    (place.folder / "policies.md").write_text("### Policies\n")
    place.program("gh", FILES)
    assert place.run("github", "preview", "gh pr", NUMBER="12", GITHUB_REPOSITORY="acme/churn") == 0
    assert (place.folder / "said").read_text() == "### Policies\n"


@pytest.mark.parametrize(
    ("open_", "verb"), [("", "create --repo acme/churn --title Drift of prod"), ("7", "comment 7")]
)
def test_drift_is_one_issue(place: Place, open_: str, verb: str) -> None:
    (place.folder / "drift.txt").write_text("~ owner: somebody\n")
    place.program("gh", f'[ "$2" != list ] || echo "{open_}"\n{FILES}')
    where = {"GITHUB_REPOSITORY": "acme/churn", "RUN": "https://github.com/acme/churn/actions/runs/1"}
    assert place.run("github", "drift", "gh issue", **where) == 0
    _, told = place.calls
    assert told.startswith(f"gh issue {verb}")
    said = (place.folder / "said").read_text()
    assert "~ owner: somebody" in said
    assert where["RUN"] in said


HOST = {
    "CI_API_V4_URL": "https://gitlab.com/api/v4",
    "CI_PROJECT_ID": "3",
    "CI_MERGE_REQUEST_IID": "5",
    "CI_JOB_URL": "job",
}


@pytest.mark.parametrize("token", ["", "glpat-x"])
@pytest.mark.parametrize("broken", ["nothing", "pulumi-mlops", "pulumi"])
def test_a_merge_request_is_told_and_fails_where_either_command_does(place: Place, token: str, broken: str) -> None:
    ends = {name: "exit 1\n" if name == broken else "" for name in ("pulumi-mlops", "pulumi")}
    place.program("pulumi-mlops", "echo '### Policies' > policies.md\n" + ends["pulumi-mlops"])
    place.program("pulumi", "echo '7 to create'\n" + ends["pulumi"])
    place.program("curl")
    assert place.run("gitlab", "preview", REPORT_TOKEN=token, **HOST) == (broken != "nothing")
    assert [call.split()[0] for call in place.calls] == ["pulumi-mlops", "pulumi", *(["curl"] if token else [])]
    if token:
        assert "/projects/3/merge_requests/5/notes" in place.calls[-1]
        assert (place.folder / "comment.md").read_text().splitlines()[0] == "### Policies"


@pytest.mark.parametrize("drifted", [False, True])
def test_drift_is_an_issue_of_gitlab(place: Place, *, drifted: bool) -> None:
    place.program("pulumi", "echo '~ owner: somebody'\n" + ("exit 1\n" if drifted else ""))
    place.program("curl")
    assert place.run("gitlab", "drift", REPORT_TOKEN="glpat-x", **HOST) == drifted
    told = [call for call in place.calls if call.startswith("curl")]
    assert len(told) == drifted
    if drifted:
        assert "title=Drift of prod" in told[0]
        assert "~ owner: somebody" in (place.folder / "issue.md").read_text()


def test_a_token_is_not_among_the_words_of_a_command_that_others_see(place: Place) -> None:
    """Of a process list, on a runner that jobs share."""
    place.program("pulumi", "exit 1\n")
    place.program("curl")
    place.run("gitlab", "drift", REPORT_TOKEN="glpat-x", **HOST)
    assert "glpat-x" not in "\n".join(place.calls)


@pytest.mark.parametrize("host", ["github", "gitlab"])
def test_a_runner_in_a_cluster_signs_in_as_the_identity(place: Place, host: str, tmp_path: Path) -> None:
    """With the real kubectl for the file, and one in its place for the token, which only a cluster gives."""
    script = next(script for where, script in scripts() if where == f"{host} ready" and "kubectl" in script)
    kubectl = shutil.which("kubectl") or pytest.skip("there is no kubectl")
    place.program("kubectl", f'if [ "$1" = create ]; then echo the-token; else exec {kubectl} "$@"; fi\n')
    authority = tmp_path / "ca.crt"
    authority.write_text("-----BEGIN CERTIFICATE-----\n")
    script = script.replace("/var/run/secrets/kubernetes.io/serviceaccount/ca.crt", str(authority))
    variables = {"CLOUD": "kubernetes", "IDENTITY": "churn-prod/ci-deploy", "RUNNER_TEMP": str(tmp_path)}
    variables |= {"CI_BUILDS_DIR": str(tmp_path), "GITHUB_ENV": str(tmp_path / "env"), "HOME": str(tmp_path)}
    assert place.shell(script, **variables) == 0
    assert "kubectl create token ci-deploy --namespace churn-prod --duration 1h" in place.calls
    assert "the-token" not in "\n".join(place.calls)
    (written,) = (path for path in tmp_path.iterdir() if path.name.endswith("kubeconfig"))
    loaded = yaml.safe_load(written.read_text())
    (user,) = loaded["users"]
    assert Path(user["user"]["tokenFile"]).read_text().strip() == "the-token"
    assert loaded["clusters"][0]["cluster"]["server"] == "https://kubernetes.default.svc"
    assert loaded["current-context"] == loaded["contexts"][0]["name"]
