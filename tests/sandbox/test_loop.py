"""The loop on a real node is that of the command, told what the sandbox's node has."""

from pathlib import Path

import pytest

from pulumi_mlops.verify import command
from pulumi_mlops_sandbox.kubernetes import gateways, loop
from pulumi_mlops_sandbox.kubernetes.nodes.published import DRIFT


def test_a_real_node_is_verified_as_by_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
    monkeypatch.setenv("MLOPS_ENDPOINT_URL_ANSWER", "")
    monkeypatch.setattr(gateways, "address", lambda _kubeconfig: "10.0.0.1:80")
    told = loop.begun(tmp_path, lambda _line: None).project.settings
    wanted = command.settings(backend="kubernetes", name="verify", existing="{}", image=None, drift_image=DRIFT)
    assert {**told, "existing": {}, "every_minutes": wanted["every_minutes"]} == wanted
