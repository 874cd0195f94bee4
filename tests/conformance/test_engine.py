"""One neutral project under the real engine, on every backend: up, unchanged, unchanged after a refresh, no trace."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from pulumi_mlops.components.endpoint_ref import EndpointRef
from pulumi_mlops.components.feature_group import FeatureGroupRef
from pulumi_mlops.components.feature_store import FeatureStoreRef
from pulumi_mlops.components.model import ModelRef
from pulumi_mlops.components.model_registry import ModelRegistryRef
from pulumi_mlops.components.platform import PlatformRef
from pulumi_mlops_sandbox.environment import Sandbox
from pulumi_mlops_sandbox.stack import Result, Stack, inventory
from support.conformance.programs import SECRET
from support.conformance.running import having
from support.conformance.words import WORDS

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]  # a whole stack, on a machine that may be busy
DIGEST = re.compile(r"-[0-9a-f]{8}\b")
REFS = (PlatformRef, FeatureStoreRef, FeatureGroupRef, ModelRegistryRef, ModelRef, EndpointRef)


@pytest.fixture(params=having("endpoint"))
def stack(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stack]:
    """Make the project's stack for a backend, in a sandbox of its own with that backend's control plane only."""
    words = WORDS[request.param]
    sandbox = Sandbox(tmp_path / "sandbox")
    sandbox.up(planes=[words.backend])
    folder = shutil.copytree(Path(__file__).parent / "engine", tmp_path / "engine")
    stack = Stack(sandbox, folder, words.backend)
    stack._pulumi("stack", "init")
    stack.configure(
        backend=words.backend,
        words=json.dumps(
            {
                "consumer": words.consumer,
                "told": words.told,
                "parts": dict(words.parts),
                "online": words.backend in having("feature_group.online", "endpoint.reads"),
            }
        ),
        **words.settings,
    )
    stack.configure_secret("token", SECRET)
    yield stack
    sandbox.down()


def everything(stack: Stack) -> dict[str, list[str]]:
    """List the whole control plane, but for what the cloud itself deletes only after some days."""
    url = next(status.url for status in stack.sandbox.status() if status.url)
    later = ("Pending", "deleted softly")
    return {kind: ids for kind, ids in inventory(url).items() if not any(word in kind for word in later)}


def changed(result: Result) -> list[str]:
    """List the changes, without the digests in names: a preview does not know content that the platform tells."""
    assert result.code == 0, result.output
    return sorted(DIGEST.sub("-…", str(change)) for change in result.changes)


def test_the_neutral_project_lives_and_dies(stack: Stack) -> None:
    before = everything(stack)
    planned = changed(stack.preview())
    made = stack.up()
    assert changed(made) == planned
    assert set(made.counts) == {"create"}
    assert everything(stack) != before
    assert changed(stack.up()) == []
    assert changed(stack.refresh()) == []

    outputs = stack.outputs()
    for kind in REFS:
        assert kind.load(outputs[kind.noun]).export() == outputs[kind.noun]
    assert outputs["endpoint"]["status"] == "live"
    assert SECRET not in made.output + stack.export() + json.dumps(outputs)

    gone = stack.destroy()
    assert set(gone.counts) == {"delete"}, gone.output
    assert everything(stack) == before
