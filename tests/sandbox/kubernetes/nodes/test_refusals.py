"""Where a real node cannot be had, and what is said then."""

import json
import os
import shutil
import sys
import threading
from ipaddress import IPv4Network
from pathlib import Path
from typing import IO, NamedTuple

import pytest

from pulumi_mlops_sandbox import doctor
from pulumi_mlops_sandbox.environment import Sandbox
from pulumi_mlops_sandbox.errors import SandboxError
from pulumi_mlops_sandbox.kubernetes.nodes import (
    addresses,
    cgroups,
    configuration,
    images,
    layers,
    product,
    requirements,
)
from pulumi_mlops_sandbox.kubernetes.nodes.addresses import Addresses
from pulumi_mlops_sandbox.kubernetes.nodes.layers import Image, Made, Written
from pulumi_mlops_sandbox.planes import CONTROL_PLANES
from support.waiting import until


class Usage(NamedTuple):
    total: int
    used: int
    free: int


SAYS_INSTEAD = r"Leave out `--nodes real` .* kind's, by its kubeconfig\.$"


@pytest.fixture
def able(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand on a machine on which nothing is in the way."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("ip", "nsenter", "unshare", "apt-get"):
        (tools / name).write_text("#!/bin/sh\n")
        (tools / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tools))
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(cgroups, "missing", list)
    monkeypatch.setattr(requirements, "_is_known", lambda _module: True)
    monkeypatch.setattr(product, "find", lambda: tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: Usage(0, 0, requirements.FREE))
    return tools


def refused(home: Path) -> str:
    with pytest.raises(SandboxError, match=SAYS_INSTEAD) as caught:
        requirements.require(home)
    return str(caught.value)


@pytest.mark.usefixtures("able")
def test_an_able_machine_is_not_refused(tmp_path: Path) -> None:
    requirements.require(tmp_path / "no" / "home" / "yet")


@pytest.mark.usefixtures("able")
def test_what_it_needs_is_more_where_it_is_to_be_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(product, "find", lambda: None)
    said = refused(tmp_path)
    assert f"{tmp_path} has 4.0 GiB free and 12.0 are needed, 8 of them to build it" in said


def test_images_for_which_there_is_no_room_are_not_brought(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each new layer counts twice, as it came and unpacked; one that another image has brought does not count."""
    old, new = (Made(tmp_path / name, name, size << 20) for name, size in (("old", 500), ("new", 700)))
    written = {
        name: Written(Image(name, ()), b"", name.encode(), found) for name, found in (("a", (old,)), ("b", (old, new)))
    }
    monkeypatch.setattr(layers, "write", lambda image: written[image.name])
    monkeypatch.setattr(layers, "archive", lambda _images, _stream: None)
    monkeypatch.setattr(images, "_there", lambda _ctr: {"a": written["a"].digest})
    needed = requirements.KEPT + 2 * new.size
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: Usage(0, 0, needed - 1))
    with pytest.raises(SandboxError, match=r"has 3\.4 GiB free and 3\.4 are needed, for images .* yet \(b\)"):
        images.bring([one.image for one in written.values()], ["false"], tmp_path, threading.Event())
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: Usage(0, 0, needed))
    with pytest.raises(SandboxError, match="containerd does not take the images"):
        images.bring([one.image for one in written.values()], ["false"], tmp_path, threading.Event())


def test_images_on_their_way_are_given_up_when_the_cluster_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever ends a node need not wait for gigabytes that nobody is going to use."""
    program, began, ending = tmp_path / "ctr", tmp_path / "began", threading.Event()
    program.write_text(f'#!/bin/sh\ncase "$*" in *import*) touch {began}; exec sleep 600;; esac\n')
    program.chmod(0o755)
    written = Written(Image("a", ()), b"", b"a", (Made(tmp_path / "layer", "layer", 1 << 20),))

    def archive(_images: object, stream: IO[bytes]) -> None:
        until(began.exists, "images are on their way", 30)
        ending.set()
        while True:
            stream.write(bytes(1 << 16))

    monkeypatch.setattr(layers, "write", lambda _image: written)
    monkeypatch.setattr(layers, "archive", archive)
    with pytest.raises(SandboxError, match="The cluster ends, and with it what brings images"):
        images.bring([written.image], [program], tmp_path, ending)


def test_a_node_whose_disk_runs_short_says_what_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kubernetes = next(plane for plane in CONTROL_PLANES if plane.name == "kubernetes")
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: Usage(0, 0, requirements.KEPT - (1 << 28)))
    said = kubernetes.warn(tmp_path, "real")
    assert said.startswith(f"{tmp_path} has 1.8 GiB free and 2.0 are needed: below 1 GiB the kubelet evicts pods")
    assert kubernetes.warn(tmp_path, "played") == ""
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: Usage(0, 0, requirements.KEPT))
    assert kubernetes.warn(tmp_path, "real") == ""
    kept = configuration.kubelet(Addresses(IPv4Network("10.200.0.0/16")), "group")["evictionHard"]
    assert kept["nodefs.available"] == kept["imagefs.available"] == str(requirements.EVICTED)


@pytest.mark.usefixtures("able")
def test_another_system_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert "it needs Linux, and this is darwin" in refused(tmp_path)


@pytest.mark.usefixtures("able")
def test_somebody_who_is_not_root_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert "it needs root" in refused(tmp_path)


def test_missing_programs_are_named(able: Path, tmp_path: Path) -> None:
    (able / "ip").unlink()
    assert "there is no ip (install iproute2" in refused(tmp_path)


def test_everything_that_is_in_the_way_is_said_at_once(
    able: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (able / "unshare").write_text("#!/bin/sh\necho unshare failed: Operation not permitted >&2\nexit 1\n")
    (able / "apt-get").unlink()
    monkeypatch.setattr(cgroups, "missing", lambda: ["memory", "pids"])
    monkeypatch.setattr(product, "lacking", lambda: ["runc", "nftables"])
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: Usage(0, 0, 1 << 30))
    said = refused(tmp_path)
    assert "may make no namespaces (unshare failed: Operation not permitted)" in said
    assert "no control group for memory, pids" in said
    assert "there is no runc, nftables, and no apt-get to fetch it by" in said
    assert f"{tmp_path} has 1.0 GiB free and 4.0 are needed" in said


@pytest.mark.usefixtures("able")
def test_a_module_that_is_not_loaded_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requirements, "_is_known", lambda _module: False)
    monkeypatch.setattr(requirements, "MODULES", {tmp_path / "absent": "br_netfilter"})
    assert "(run: modprobe br_netfilter)" in refused(tmp_path)


# ---------------------------------------------------------------------- addresses


def ip(folder: Path, routes: list[dict[str, object]], links: list[dict[str, object]]) -> None:
    """Let this machine have routes and addresses."""
    program = folder / "ip"
    (folder / "route").write_text(json.dumps(routes))
    (folder / "address").write_text(json.dumps(links))
    program.write_text(f'#!/bin/sh\nexec /bin/cat {folder}/"$3"\n')
    program.chmod(0o755)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "machine"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.delenv(addresses.VARIABLE, raising=False)
    ip(folder, [{"dst": "default", "dev": "eth0"}], [])
    return folder


def test_parts_of_a_block_do_not_overlap() -> None:
    block = Addresses(IPv4Network("10.200.0.0/16"))
    assert str(block.pods) == "10.200.0.0/17"
    assert str(block.of_the_node) == "10.200.0.0/24"
    assert str(block.services) == "10.200.128.0/18"
    assert (str(block.apiserver), str(block.dns)) == ("10.200.128.1", "10.200.128.10")
    assert (str(block.link), str(block.host), str(block.node)) == (
        "10.200.255.252/30",
        "10.200.255.253",
        "10.200.255.254",
    )


@pytest.mark.usefixtures("machine")
def test_a_block_is_chosen_once(tmp_path: Path) -> None:
    chosen = addresses.choose(tmp_path / "record", seed=3)
    assert chosen.block == addresses.CANDIDATES[3]
    assert addresses.choose(tmp_path / "record", seed=9) == chosen


def test_the_next_free_block_is_taken(machine: Path, tmp_path: Path) -> None:
    ip(
        machine,
        [{"dst": "10.200.0.0/15", "dev": "tun0"}, {"type": "broadcast", "dst": "10.203.0.255", "dev": "eth0"}],
        [{"ifname": "eth0", "addr_info": [{"local": "10.202.7.1", "prefixlen": 24}]}],
    )
    assert addresses.choose(tmp_path / "record", seed=0).block == addresses.CANDIDATES[3]


def test_a_block_that_somebody_took_meanwhile_is_refused(machine: Path, tmp_path: Path) -> None:
    addresses.choose(tmp_path / "record", seed=0)
    ip(machine, [{"dst": "10.200.0.0/15", "dev": "tun0"}], [])
    with pytest.raises(SandboxError, match=r"10\.200\.0\.0/16, and there is a route to 10\.200\.0\.0/15 by tun0"):
        addresses.choose(tmp_path / "record", seed=0)


def test_where_no_block_is_free_it_says_how_to_name_one(machine: Path, tmp_path: Path) -> None:
    ip(machine, [{"dst": "10.0.0.0/8", "dev": "tun0"}, {"dst": "172.16.0.0/12", "dev": "tun1"}], [])
    with pytest.raises(SandboxError, match=rf"none is free .* {addresses.VARIABLE}, or use a cluster .* kind"):
        addresses.choose(tmp_path / "record", seed=0)


@pytest.mark.parametrize("text", ["10.77.0.0", "10.77.0.0/24", "8.8.0.0/16", "10.77.1.0/16"])
@pytest.mark.usefixtures("machine")
def test_a_named_block_is_to_be_private_and_of_16_bits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv(addresses.VARIABLE, text)
    with pytest.raises(SandboxError, match=r"write a private block of 16 bits, such as 10\.200\.0\.0/16"):
        addresses.choose(tmp_path / "record", seed=0)


def test_a_named_block_is_taken_or_refused(machine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(addresses.VARIABLE, "10.77.0.0/16")
    assert str(addresses.choose(tmp_path / "record", seed=0).block) == "10.77.0.0/16"
    ip(machine, [], [{"ifname": "vpn", "addr_info": [{"local": "10.77.1.1", "prefixlen": 32}]}])
    with pytest.raises(SandboxError, match=r"vpn has the address 10\.77\.1\.1/32\. Name another block"):
        addresses.choose(tmp_path / "another", seed=0)


# ---------------------------------------------------------------------- the command line


def test_nodes_are_for_a_control_plane_that_has_some(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match=r"`--nodes` is for a control plane that has nodes: add --plane kubernetes"):
        Sandbox(tmp_path / "home").up(["aws"], "real")
    with pytest.raises(SandboxError, match="no nodes 'many'; there are: played, real"):
        Sandbox(tmp_path / "home").up(["kubernetes"], "many")
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize(
    ("problems", "built", "state", "said"),
    [
        (["it needs root"], None, "optional", "not here: it needs root"),
        ([], None, "optional", "can run here, and is not built"),
        ([], Path("/programs"), "ok", "can run here, and is built"),
    ],
)
def test_doctor_says_whether_there_can_be_one(
    monkeypatch: pytest.MonkeyPatch, problems: list[str], built: Path | None, state: str, said: str
) -> None:
    monkeypatch.setattr(requirements, "problems", lambda _home: iter(problems))
    monkeypatch.setattr(product, "find", lambda: built)
    (check,) = (check for check in doctor.checks() if check.what == "real Kubernetes node")
    assert (check.state, check.detail) == (state, said)


@pytest.mark.parametrize(("version", "file", "weight"), [(1, "cpu.shares", "10240"), (2, "cpu.weight", "1000")])
def test_pods_have_more_of_the_processors_than_one_process_beside_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: int, file: str, weight: str
) -> None:
    monkeypatch.setattr(cgroups, "ROOT", tmp_path)
    hierarchy = tmp_path if version == 2 else tmp_path / "cpu"
    (hierarchy / "node").mkdir(parents=True)
    (hierarchy / "node" / file).write_text("100")  # the kernel makes it with the group
    if version == 2:
        (tmp_path / "cgroup.controllers").write_text("cpu memory")
    else:
        (hierarchy / "tasks").touch()
    cgroups.make("node")
    assert (hierarchy / "node" / file).read_text() == weight
