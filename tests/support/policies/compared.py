"""Rules beside checks of checkov's: what each says of the same good and the same bad resource, and why they differ."""

import json
import runpy
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from pulumi_mlops.policies import resource
from support.mocks import Cloud
from support.policies import Bad, Resources
from support.policies.checkov import CLOUDS, GOOD, logical

ROOT = Path(__file__).parents[3]
AGREES, DIFFERS = "agree", "differ"


@dataclass(frozen=True)
class Compared:
    """A rule and a check on one resource."""

    rule: str
    cloud: str
    on: str
    check: str
    good: str = "passes"
    """What checkov says of the sample that our rule passes."""
    bad: str = "fails"
    """And of the one that our rule refuses."""
    way: int = 0
    """Which of our ways to break the rule on this resource."""
    why: str = ""
    """Why it says otherwise than we do."""

    @property
    def agrees(self) -> bool:
        """Say whether it says of both what our rule does."""
        return (self.good, self.bad) == ("passes", "fails")

    @property
    def named(self) -> str:
        """Name the resource as checkov does."""
        return logical(self.on) if self.cloud == "aws" else self.on

    def broken(self) -> Bad:
        """Find the way of ours to break the rule on this resource."""
        return [bad for bad in CLOUDS[self.cloud].BAD if (bad.rule, bad.on) == (self.rule, self.on)][self.way]


def samples() -> Iterator[tuple[str, Resources]]:
    """Make the good platform of each cloud, and each bad one that is compared, by a name."""
    for cloud, of in CLOUDS.items():
        yield f"{cloud}-{GOOD}", dict(of.GOOD)
    for each in {sample(one): one for one in COMPARED}.values():
        resources = dict(CLOUDS[each.cloud].GOOD)
        each.broken().edit(resources)
        yield sample(each), resources


def sample(one: Compared) -> str:
    """Name the bad sample of a comparison."""
    return f"{one.cloud}-{one.rule}-{one.on}-{one.way}"


def table() -> list[str]:
    """Write the comparisons as a page has them."""
    rows = [
        "| rule | checked on | checkov | our good sample | our bad sample | | why |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for one in COMPARED:
        kind = CLOUDS[one.cloud].GOOD[one.on].token.rpartition(":")[2]
        words = (f"`{one.rule}`", f"{one.cloud}: {kind}", f"`{one.check}`", one.good, one.bad)
        rows.append(f"| {' | '.join((*words, AGREES if one.agrees else DIFFERS, one.why))} |")
    return rows


def _aws(rule: str, on: str, check: str, **more: Any) -> Compared:
    return Compared(rule, "aws", on, f"CKV_AWS_{check}", **more)


def _azure(rule: str, on: str, check: str, **more: Any) -> Compared:
    return Compared(rule, "azure", on, f"CKV_AZURE_{check}", **more)


def _kubernetes(rule: str, on: str, check: str, **more: Any) -> Compared:
    return Compared(rule, "kubernetes", on, f"CKV_K8S_{check}", **more)


COMPARED = (
    _aws("encryption.key-rotates", "key", "7"),
    _aws(
        "encryption.artifact-store",
        "files",
        "19",
        bad="passes",
        why="The check takes a bucket that says nothing, since S3 encrypts each by a key of its own; the rule asks for KMS, "
        "where reading is a right of its own.",
    ),
    _aws("data.versioned", "files", "21"),
    _aws("data.no-public-access", "files", "54"),
    _aws("encryption.messages", "alerts", "26"),
    _aws(
        "encryption.messages",
        "approvals",
        "27",
        good="fails",
        why="The check knows a key of KMS only; the rule also takes SQS's own encryption, which the good sample has.",
    ),
    _aws("encryption.logs", "logs", "158"),
    _aws("data.logs-kept", "logs", "66"),
    _aws("encryption.images", "images", "136"),
    _aws("supply.images-scanned", "images", "163"),
    _aws("supply.tags-fixed", "images", "51"),
    _aws("encryption.customer-key", "notebook", "187"),
    _aws("host.metadata-by-token", "notebook", "371"),
    _aws("host.metadata-by-token", "machines", "79"),
    _aws("encryption.between-machines", "quality", "369"),
    _aws(
        "network.model-isolated",
        "model",
        "370",
        good="fails",
        why="The check knows `EnableNetworkIsolation` only; the rule also takes a network of one's own, which a model "
        "needs that reads features or secrets.",
    ),
    _aws("network.endpoint-private", "door", "258"),
    _aws(
        "secrets.no-plain-values",
        "before",
        "45",
        bad="passes",
        why="The check looks for values in the form of known keys; the rule goes by the variable's name, `DB_PASSWORD`.",
    ),
    _aws(
        "access.no-wildcard",
        "serves",
        "63",
        bad="passes",
        why="The check refuses the action `*` alone; the rule also all actions of a service, `s3:*` on `*`.",
    ),
    _aws("access.trust-named", "serve", "60"),
    _azure("encryption.in-transit", "files", "44"),
    _azure("encryption.in-transit", "files", "3", way=1),
    _azure("network.storage-private", "files", "59"),
    _azure("network.storage-private", "vault", "189"),
    _azure("data.no-force-destroy", "vault", "110"),
    _azure("encryption.key-can-come-back", "vault", "111"),
    _azure("access.no-lasting-keys", "images", "137"),
    _azure(
        "network.private-way",
        "workspace",
        "243",
        good="fails",
        why="The check looks for private endpoints among the workspace's own ways out; the rule for one that leads to it.",
    ),
    _kubernetes("host.no-root", "server", "23"),
    _kubernetes("host.no-more-rights", "server", "37"),
    _kubernetes("host.system-calls-limited", "job", "31"),
    _kubernetes("host.apart", "server", "16"),
    _kubernetes("host.read-only-files", "server", "22"),
    _kubernetes("host.resources-limited", "server", "13"),
    _kubernetes("supply.image-version", "server", "14"),
    _kubernetes("supply.image-by-digest", "server", "43"),
    _kubernetes(
        "secrets.no-plain-values",
        "server",
        "35",
        good="fails",
        bad="passes",
        why="The check wants Secrets as files and refuses any `secretKeyRef`, and does not look at plain values; the rule "
        "is about these.",
    ),
    _kubernetes("access.no-wildcard", "reads", "49"),
    _kubernetes("serving.rollback-configured", "server", "9"),
)

OURS = {
    "CKV_K8S_11": "A limit of the CPU slows a program down beside a processor that idles; requests share it out. The rule "
    "`host.resources-limited` asks for requests and for a limit of memory.",
    "CKV_K8S_15": "Images are versions, so that what is there is what was asked for: `supply.image-version`.",
    "CKV_K8S_35": "Programs of others, such as MLflow and Feast, read their keys from the environment.",
    "CKV_K8S_40": "Nothing runs as root, which `host.no-root` asks for. Whether a user of the machine has the same number is for "
    "whoever makes the machine to say.",
    "CKV_K8S_43": "The rule `supply.image-by-digest` says the same; it is asked for in the profile `regulated` only.",
}
"""The checks that our own stack on Kubernetes fails in prod, and why."""


def own() -> Resources:
    """Make the objects of `stacks/kubernetes` in prod, without a cluster."""
    folder = ROOT / "stacks" / "kubernetes"
    said = yaml.safe_load((folder / "Pulumi.prod.yaml").read_text())["config"]
    settings = {
        key.partition(":")[2]: value if isinstance(value, str) else json.dumps(value) for key, value in said.items()
    }
    cloud = Cloud(stack="prod")
    program = str(folder / "__main__.py")
    cloud.run(lambda: runpy.run_path(program, run_name="__main__") and None, **settings, wandb_api_key="key")
    return {
        f"{one.type.rpartition(':')[2].lower()}-{one.name}": resource(one.type, one.name, one.inputs)
        for one in cloud.registered
        if one.type.startswith("kubernetes:")
    }


def own_table() -> list[str]:
    """Write why our own stack fails checks, as a page has it."""
    return ["| checkov | why it is so |", "| --- | --- |", *(f"| `{check}` | {why} |" for check, why in OURS.items())]
