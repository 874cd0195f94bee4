"""docs/rights/aws: what each document gives, and that each project is deployed with those of its own nouns."""

import ast
import json

import pytest

from support.e2e.deploying import PROJECTS, RIGHTS, documents
from support.e2e.outside import ROOT

DOCUMENT = {
    "Platform": "platform",
    "FeatureStore": "featuregroup",
    "FeatureGroup": "featuregroup",
    "Dataset": "dataset",
    "ModelRegistry": "model",
    "Model": "model",
    "Endpoint": "endpoint",
    "Identity": "identity",
    "ExperimentTracker": "tracker",
    "TrainingCluster": "trainingcluster",
    "Pipeline": "pipeline",
    "BatchInference": "pipeline",
    "Monitor": "pipeline",
}
WHOLE = {"Loop": ("ExperimentTracker", "ModelRegistry", "Model", "Pipeline", "Endpoint", "Monitor")}
"""What is of several nouns."""
PAGES = {page.stem: json.loads(page.read_text())["Statement"] for page in sorted(RIGHTS.glob("*.json"))}


def actions(page: str) -> set[str]:
    """List the actions of a document."""
    return {action for statement in PAGES[page] for action in statement["Action"]}


def nouns(folder: str) -> set[str]:
    """List the documents of the nouns that a program makes."""
    tree = ast.parse((ROOT / folder / "__main__.py").read_text())
    calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    made = {call.attr for call in calls if isinstance(call, ast.Attribute) and ast.unparse(call.value) == "mlops"}
    made |= {part for whole in made & WHOLE.keys() for part in WHOLE[whole]}
    return {DOCUMENT[name] for name in made & DOCUMENT.keys()}


@pytest.mark.parametrize("folder", PROJECTS)
def test_a_project_is_deployed_with_the_rights_of_its_nouns(folder: str) -> None:
    given = {noun for platform in PROJECTS[folder].platforms for noun in platform.nouns.split()}
    assert given - {"network", "existing", "copies"} == nouns(folder)
    assert documents(folder)


def test_all_projects_that_use_aws_are_there() -> None:
    found = {str(path.parent.relative_to(ROOT)) for path in (ROOT / "examples").rglob("__main__.py")}
    of_kubernetes = {folder for folder in found if "kubernetes" in folder or folder.endswith("bring_your_own")}
    of_azure = {folder for folder in found if 'backend="azure"' in (ROOT / folder / "__main__.py").read_text()}
    assert found - of_kubernetes - of_azure | {"stacks/aws"} == set(PROJECTS)


@pytest.mark.parametrize("page", PAGES)
def test_what_is_not_named_is_read_or_has_no_name(page: str) -> None:
    everywhere = {action for one in PAGES[page] if one["Resource"] == ["*"] for action in one["Action"]}
    nameless = {"kms:CreateKey", "sns:Unsubscribe"}
    verbs = ("Describe", "List", "Get")
    assert not [
        action
        for action in everywhere - nameless
        if not action.partition(":")[2].startswith(verbs) and not action.startswith("cloudformation:")
    ]


@pytest.mark.parametrize("page", sorted(PAGES.keys() - {"platform"}))
def test_who_makes_no_key_changes_none(page: str) -> None:
    changes = ("Put", "Enable", "Schedule", "Update", "Tag", "Untag", "Create")
    wrong = [action for action in actions(page) if action.startswith("kms:") and action[4:].startswith(changes)]
    assert [action for action in wrong if action != "kms:CreateGrant"] == []


def test_what_exists_is_read_and_nothing_else() -> None:
    assert {action.partition(":")[2][:3] for action in actions("existing")} <= {"Des", "Get", "Lis"}
