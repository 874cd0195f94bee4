"""The documents say what is so: their programs run, their links lead somewhere, their commands exist."""

import importlib
import re
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pulumi
import pytest
import typer
from typer.core import TyperGroup

import pulumi_mlops as mlops
from pulumi_mlops import cli
from pulumi_mlops.components.monitor import MANAGED
from pulumi_mlops.core import registry
from pulumi_mlops.core.component import Component
from pulumi_mlops.core.existing import ExistingThing
from pulumi_mlops.core.inputs import EngineArgs, Spec
from pulumi_mlops.core.primitives import WATCH
from support.changes.common import WANDB, hidden
from support.conformance.words import WORDS
from support.mocks import Cloud

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/**/*.md")])
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]+\]\((?!\w+:)([^)\s]*)\)")
PUBLIC = [getattr(mlops, name) for name in mlops.__all__]
NOUNS = [kind for kind in PUBLIC if isinstance(kind, type) and issubclass(kind, Component)]


def blocks(page: Path, language: str) -> list[str]:
    return [code for found, code in FENCE.findall(page.read_text()) if found == language]


def code(page: Path) -> Iterator[str]:
    """Yield every line of code, and every span of code in the text."""
    text = page.read_text()
    for _, block in FENCE.findall(text):
        yield from block.splitlines()
    yield from re.findall(r"`([^`\n]+)`", FENCE.sub("", text))


def anchors(page: Path) -> set[str]:
    """Make the anchors that GitHub gives to headings; those of one name are numbered."""
    headings = re.findall(r"^#+ (.*)$", FENCE.sub("", page.read_text()), re.MULTILINE)
    names = [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings]
    before = Counter[str]()
    found = set()
    for name in names:
        found.add(f"{name}-{before[name]}" if before[name] else name)
        before[name] += 1
    return found


@pytest.mark.parametrize("preview", [True, False], ids=["preview", "up"])
@pytest.mark.parametrize(
    "name",
    [name for name, page in zip(NAMES, PAGES, strict=True) if blocks(page, "python") and "adding-a-" not in name],
)  # pages that add something are followed in test_adding
def test_programs_run(name: str, preview: bool) -> None:
    cloud = Cloud(preview=preview)

    def program() -> None:
        namespace: dict[str, Any] = {"__name__": "documented"}
        for number, block in enumerate(blocks(ROOT / name, "python")):
            exec(compile(block, f"{name}:{number}", "exec"), namespace)  # noqa: S102 (our own pages)

    cloud.run(program)


BESIDE = {
    "BatchInference",
    "Dataset",
    "ExperimentTracker",
    "Identity",
    "Loop",
    "Monitor",
    "Pipeline",
    "TrainingCluster",
}
"""Nouns that a platform can do without."""


def test_the_readme_shows_a_whole_platform() -> None:
    cloud = Cloud()
    cloud.run(lambda: exec(blocks(ROOT / "README.md", "python")[0], {}))  # noqa: S102 (our own page)
    assert {noun.__name__ for noun in NOUNS} - BESIDE <= cloud.kinds


@pytest.mark.parametrize("name", NAMES)
def test_links_lead_somewhere(name: str) -> None:
    page = ROOT / name
    for link in LINK.findall(FENCE.sub("", page.read_text())):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{name}: {link}"
        assert not anchor or anchor in anchors(target), f"{name}: {link}"


@pytest.mark.parametrize("name", NAMES)
def test_commands_exist(name: str) -> None:
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for line in code(ROOT / name):
        for target in re.findall(r"(?:^|[;&] *)make ([a-z]+)", line):
            assert target in targets, f"{name}: {line}"
        for words in re.findall(r"(?<!/)pulumi-mlops((?: [a-z-]+)*)", line):
            assert is_command(words.split()), f"{name}: {line}"


def is_command(words: list[str]) -> bool:
    here: Any = typer.main.get_command(cli.app)
    for word in words:
        if word == "--" or not isinstance(here, TyperGroup):  # what follows are the command's own arguments
            return True
        if word not in here.list_commands(None):
            return False
        here = here.get_command(None, word)
    return True


def test_generated_pages_are_up_to_date() -> None:
    tool = [sys.executable, str(ROOT / "tools" / "generate_docs.py"), "--check"]
    result = subprocess.run(tool, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def all_specs(spec: type[Spec] = Spec) -> Iterator[type[Spec]]:
    for inner in spec.__subclasses__():
        if inner.__module__.startswith("pulumi_mlops."):
            yield inner
            yield from all_specs(inner)


def tables(folder: str) -> dict[str, dict[str, dict[str, Any]]]:
    return {page.stem: tomllib.loads(page.read_text()) for page in sorted((ROOT / "docs" / folder).glob("*.toml"))}


@pytest.mark.parametrize("folder", ["updates", "native"])
def test_every_backend_has_its_tables(folder: str) -> None:
    assert set(tables(folder)) == set(registry.backends())


@pytest.mark.parametrize("backend", registry.backends())
def test_every_field_of_every_spec_says_what_a_change_does(backend: str) -> None:
    table: dict[str, dict[str, list[str]]] = tables("updates")[backend]
    words = set(table.pop("effects"))
    nouns = {noun.__name__ for noun in NOUNS}
    wanted: dict[str, set[str]] = {}
    for spec in all_specs():
        # Nothing is made of what exists: what uses the ref follows. Arguments of other engines are their own business.
        if issubclass(spec, ExistingThing | EngineArgs):
            continue
        if issubclass(spec, mlops.Step) and "kind" not in spec.__dict__:
            continue  # what several steps have in common
        if issubclass(spec, mlops.Step) and spec.__module__.startswith("pulumi_mlops.engines."):
            continue  # an engine makes it, and it is there where the engine has been loaded
        if getattr(spec, "programs", ()):
            continue  # a noun makes it, of its own arguments
        name = spec.__name__.removesuffix("Spec").removesuffix("Step")
        wanted[name] = {*spec.model_fields, *(["name"] if name in nouns else [])}
    assert {name: set(fields) for name, fields in table.items()} == wanted
    for name, fields in table.items():
        for field, (*effects, what) in fields.items():
            assert effects, f"{name}.{field}"
            assert set(effects) <= words, f"{name}.{field}: {effects}"
            assert what.endswith("."), f"{name}.{field}: {what}"


SOMEBODY = "0f8fad5b-d9cb-469f-a165-70867728950e"
QUEUE = "arn:aws:sqs:us-east-1:111122223333:approvals"
HOOK = "https://ci.example.com/hooks"
GATEWAY = {"gateway": {"name": "gateways/public", "domain": "ml.example.com"}}
METRICS = {"metrics": "http://prometheus.monitoring.svc:9090"}
HUBS: dict[str, dict[str, Any]] = {
    "aws": {"monthly_budget": 100, "images": ["churn"], "network": {"private": {}}},
    "azure": {
        "monthly_budget": 100,
        "images": ["churn"],
        "network": {"private": {}},
    },
    "kubernetes": {"quota": {"cpus": 32, "memory_gb": 64}, "existing": {**GATEWAY, **METRICS}},
}
"""What each backend's platform is given so that every native resource appears."""
LEADS: dict[str, Any] = {"aws": {"role": "lead"}, "azure": {"user": SOMEBODY}, "kubernetes": {"user": "lead"}}
CALLERS: dict[str, Any] = {"aws": {"role": "web"}, "azure": {"group": SOMEBODY}, "kubernetes": {"namespace": "web"}}
TRUSTED: dict[str, Any] = {
    "aws": {"role": "arn:aws:iam::444455556666:role/ci"},
    "azure": {"github": {"repository": "acme/churn", "branch": "main"}},
    "kubernetes": {"namespace": "ranking"},
}


MACHINES: dict[str, dict[str, Any]] = {
    "aws": {"nodes": {"min": 2, "max": 2}, "persistent": {"setup": "#!/bin/bash\ntrue\n"}}
}
"""Machines that are seen as resources, where others come with a job."""
REGIONS: dict[str, list[str]] = {"azure": ["northeurope"]}
"""Where a registry is that platforms share, on a backend that has such; one that is private makes none."""


def everything(backend: str) -> dict[str, list[str]]:
    """Declare a program in which every native resource appears, and return the keys that each noun has."""
    hub = mlops.Platform("hub", backend=backend, alerts=["ml@example.com"], **HUBS[backend])
    made: list[Any] = [hub]
    has = registry.load(backend).tasks
    views = []
    if "FeatureGroup" in has:
        store = mlops.FeatureStore("features", platform=hub)
        group = mlops.FeatureGroup(
            "profile", store=store, keys=["id"], event_time="at", features={"id": "string", "at": "timestamp"}
        )
        views = [group.as_of(days=9)]
        made += [store, group]
    if "Dataset" in has:
        made.append(mlops.Dataset("rows", platform=hub, format="parquet", columns={"id": "string"}, retention_days=400))
    if "Model" in has:
        to = QUEUE if backend == "aws" else HOOK
        more: dict[str, Any] = {"azure": {"consumers": [{"group": SOMEBODY}]}, "kubernetes": {"published": True}}
        told: Any = {"events": {"deploy": {"to": to}}, **more.get(backend, {})}
        models = mlops.ModelRegistry("models", platform=hub, approvers=[LEADS[backend]], **told)
        made += [models, mlops.Model("churn", registry=models)]
    if regions := REGIONS.get(backend):
        people: Any = {"approvers": [LEADS[backend]], "consumers": [CALLERS[backend]]}
        made.append(mlops.ModelRegistry("shared", platform=_public(backend), regions=regions, **people))
    published: Any = {"managed": {"published": True}} if backend == "kubernetes" else {}
    runs = [
        mlops.ExperimentTracker("runs", platform=hub, **published),
        mlops.ExperimentTracker("theirs", platform=hub, **hidden({"wandb": WANDB})),
    ]
    if backend == "aws":
        runs.append(mlops.ExperimentTracker("large", platform=hub, managed={"size": "large"}))
    made += runs
    if "Endpoint" in has:
        score = mlops.Endpoint(
            "score",
            platform=hub,
            model={"image": "registry.example.com/churn:1.0.0"},
            shadow={"model": {"image": "registry.example.com/churn:1.1.0"}, "percent": 20},
            invokers=[CALLERS[backend]],
            health={"latency_ms": 500},
        )
        made.append(score)
    if registry.load(backend).find(WATCH):
        made += _monitors(hub, score, backend)
    made.append(mlops.Identity("team", platform=hub, reads=views, records=runs, trusts=TRUSTED[backend]))
    made.append(mlops.TrainingCluster("gpus", platform=hub, **MACHINES.get(backend, {})))
    if "Pipeline" in has:
        made += [*_pipelines(hub, models, runs), *_batches(hub)]
    names = {type(part).__name__ for part in made}
    return {
        noun: sorted({key for part in made if type(part).__name__ == noun for key in part.native}) for noun in names
    }


def _monitors(hub: mlops.Platform, score: mlops.Endpoint, backend: str) -> list[mlops.Monitor]:
    def folder(name: str) -> pulumi.Output[str]:
        return pulumi.Output.concat(hub.artifacts, name)

    seen = replace(score.ref, captured=folder("captured/score/"), capture_percent=20)
    labels = mlops.DatasetRef(name="labels", backend=backend, platform=hub.ref, location=folder("labels/"))
    looks: Any = {"baseline": labels.latest(), "signals": [{"kind": "data_drift"}], "image": "example.com/drift:1"}
    found = [mlops.Monitor("drift", endpoint=seen, **looks)]
    if registry.load(backend).find(MANAGED):
        own: Any = {"signals": [{"kind": "data_drift", "features": ["age"]}], "window_hours": 1}
        found.append(mlops.Monitor("own", endpoint=seen, managed=True, **{**looks, **own}))
    return found


def _pipelines(
    hub: mlops.Platform, models: mlops.ModelRegistry, runs: list[mlops.ExperimentTracker]
) -> list[mlops.Pipeline]:
    approved = mlops.Model("forecast", registry=models)
    tracked: Any = {"tracker": runs[0]} if runs else {}
    fit = mlops.train(
        image="registry.example.com/fit:1", command=["fit"], compute={"cpus": 4, "memory_gb": 16}, **tracked
    )
    when: Any = {"schedule": {"cron": "0 3 * * MON"}, "triggers": [{"approval": approved}]}
    again = mlops.train(image="registry.example.com/fit:1", command=["fit"], compute={"cpus": 4, "memory_gb": 16})
    return [
        mlops.Pipeline("retrain", platform=hub, steps={"fit": fit}, **when),
        mlops.Pipeline("hourly", platform=hub, steps={"fit": again}, schedule={"cron": "0 * * * *"}, overlap="skip"),
    ]


def _batches(hub: mlops.Platform) -> list[mlops.BatchInference]:
    seen, scores = (mlops.Dataset(name, platform=hub, format="csv") for name in ("seen", "scores"))
    least: dict[str, Any] = {
        "platform": hub,
        "model": {"image": "registry.example.com/fit:1"},
        "command": ["score"],
        "input": seen.latest(),
        "output": scores,
        "schedule": {"cron": "0 3 * * MON"},
    }
    return [mlops.BatchInference("weekly", **least), mlops.BatchInference("alone", **least, overlap="skip")]


def _public(backend: str) -> mlops.Platform:
    return mlops.Platform("open", backend=backend)


@pytest.mark.parametrize("backend", registry.backends())
def test_native_resources_are_those_that_are_documented(backend: str) -> None:
    table: dict[str, dict[str, str]] = tables("native")[backend]
    settings = {key.replace(":", "__"): value for key, value in WORDS[backend].settings.items()}
    given = Cloud().run(lambda: everything(backend), **settings)
    assert set(given) == set(table)
    for noun, documented in table.items():
        patterns = {key: re.sub(r"<\w+>", r"[\\w-]+", re.escape(key)) for key in documented}
        found = {key: [name for name in given[noun] if re.fullmatch(form, name)] for key, form in patterns.items()}
        assert all(found.values()), f"{noun}: documented and not there: {found}"
        assert sorted({name for names in found.values() for name in names}) == given[noun], noun


@pytest.mark.parametrize("backend", registry.backends())
def test_documented_resource_kinds_are_those_of_the_native_resources(backend: str) -> None:
    for documented in tables("native")[backend].values():
        for text in documented.values():
            package, *path = text.split(maxsplit=1)[0].rstrip(",").split(".")
            found: Any = importlib.import_module(package if package == "pulumi" else f"pulumi_{package}")
            for step in path:
                found = getattr(found, step)
            assert issubclass(found, pulumi.CustomResource), text
