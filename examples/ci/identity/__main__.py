"""Who CI is on a platform: three identities, each had by the token of a job and by no key that lasts.

`preview` is for what merge requests ask for, `drift` for the nightly look, `deploy` for what was merged. GitHub tells
an environment or a branch, GitLab whether the branch is protected; in a cluster the jobs' runners are service accounts.
What each may do in the cloud is given to it by an administrator: see the README of the folder above.
"""

import pulumi

import pulumi_mlops as mlops

config = pulumi.Config()
platform = mlops.Platform.from_stack(config.require("platform_stack"))
repository, host = config.require("repository"), config.require("host")
merged, open_ = (f"project_path:{repository}:ref_protected:{so}" for so in ("true", "false"))

TRUSTS: dict[str, dict[str, mlops.Trusts]] = {
    "github.com": {
        "preview": {"github": {"repository": repository, "environment": "preview"}},
        "drift": {"github": {"repository": repository, "branch": "main"}},
        "deploy": {"github": {"repository": repository, "environment": "prod"}},
    },
    "gitlab": {
        "preview": {"token": {"issuer": f"https://{host}", "subject": open_}},
        "drift": {"token": {"issuer": f"https://{host}", "subject": merged}},
        "deploy": {"token": {"issuer": f"https://{host}", "subject": merged}},
    },
    "cluster": {job: {"service_account": f"ci/{job}"} for job in ("preview", "drift", "deploy")},
}

where = "cluster" if platform.backend == "kubernetes" else host if host in TRUSTS else "gitlab"
for job, trusts in TRUSTS[where].items():
    pulumi.export(job, mlops.Identity(f"ci-{job}", platform=platform, trusts=trusts).principal)
