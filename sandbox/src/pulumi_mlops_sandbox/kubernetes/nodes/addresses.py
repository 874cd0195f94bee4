"""The addresses of a node: one block of this machine's for each sandbox, free when it is chosen, kept with its data."""

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, ip_network
from pathlib import Path
from typing import Any

from pulumi_mlops_sandbox.errors import SandboxError

VARIABLE = "PULUMI_MLOPS_NODE_RANGE"
LENGTH = 16
CANDIDATES = (
    *(IPv4Network(f"10.{number}.0.0/16") for number in range(200, 240)),
    *(IPv4Network(f"172.{number}.0.0/16") for number in range(20, 32)),
)
"""Where a block is looked for unless the user names one: what home networks and clouds rarely use."""
INSTEAD = "or use a cluster of another kind, such as kind, by its kubeconfig"


@dataclass(frozen=True)
class Addresses:
    """A block, and which part of it is for what."""

    block: IPv4Network

    @property
    def pods(self) -> IPv4Network:
        """The addresses of pods: the first half."""
        return next(self.block.subnets(1))

    @property
    def of_the_node(self) -> IPv4Network:
        """Those of them that the controller manager gives to the first node, which is the only one."""
        return next(self.pods.subnets(new_prefix=24))

    @property
    def services(self) -> IPv4Network:
        """The addresses of Services: the third quarter."""
        return list(self.block.subnets(2))[2]

    @property
    def apiserver(self) -> IPv4Address:
        """The address of the Service `kubernetes`."""
        return self.services[1]

    @property
    def dns(self) -> IPv4Address:
        """The address at which pods ask for names."""
        return self.services[10]

    @property
    def link(self) -> IPv4Network:
        """The link between this machine and the node: the last four."""
        return IPv4Network((self.block[-4], 30))

    @property
    def host(self) -> IPv4Address:
        """The end of the link on this machine."""
        return self.link[1]

    @property
    def node(self) -> IPv4Address:
        """The node's end of the link."""
        return self.link[2]


def choose(record: Path, seed: int) -> Addresses:
    """Find the block that a cluster has, or choose a free one and remember it; `seed` says where the search begins."""
    used = list(in_use())
    try:
        remembered = IPv4Network(json.loads(record.read_text())["block"])
    except (OSError, ValueError, KeyError):
        remembered = None
    if remembered is not None:
        if reason := taken(remembered, used):
            raise SandboxError(
                f"This sandbox's cluster has the addresses {remembered}, and {reason}. Free them, or remove "
                f"{record.parent} for a new cluster with others, {INSTEAD}."
            )
        return Addresses(remembered)
    block = _named(used) or _free(used, seed)
    record.write_text(json.dumps({"block": str(block)}))
    return Addresses(block)


def in_use() -> Iterator[tuple[IPv4Network, str]]:
    """List the networks that this machine has addresses in, or routes to, each with what it is."""
    for route in _ip("route", "show", "table", "all"):
        destination = str(route.get("dst", "default"))
        if destination != "default" and route.get("type", "unicast") != "broadcast":
            yield IPv4Network(destination), f"there is a route to {destination} by {route.get('dev', 'nobody')}"
    for link in _ip("address", "show"):
        for address in link.get("addr_info", []):
            network = ip_network(f"{address['local']}/{address['prefixlen']}", strict=False)
            if isinstance(network, IPv4Network):
                yield network, f"{link['ifname']} has the address {address['local']}/{address['prefixlen']}"


def taken(block: IPv4Network, used: list[tuple[IPv4Network, str]]) -> str:
    """Say by what a block is taken; nothing where it is free."""
    return next((reason for network, reason in used if network.prefixlen and network.overlaps(block)), "")


def _named(used: list[tuple[IPv4Network, str]]) -> IPv4Network | None:
    """Read the block that the user names."""
    text = os.environ.get(VARIABLE)
    if not text:
        return None
    try:
        block = IPv4Network(text)
    except ValueError:
        block = None
    if block is None or block.prefixlen != LENGTH or not block.is_private:
        raise SandboxError(f"{VARIABLE} is {text!r}; write a private block of {LENGTH} bits, such as {CANDIDATES[0]}.")
    if reason := taken(block, used):
        raise SandboxError(f"{VARIABLE} is {block}, and {reason}. Name another block, {INSTEAD}.")
    return block


def _free(used: list[tuple[IPv4Network, str]], seed: int) -> IPv4Network:
    for number in range(len(CANDIDATES)):
        block = CANDIDATES[(seed + number) % len(CANDIDATES)]
        if not taken(block, used):
            return block
    raise SandboxError(
        f"Of the blocks {CANDIDATES[0]} to {CANDIDATES[-1]} none is free for a node's addresses. Name a free one in "
        f"{VARIABLE}, {INSTEAD}."
    )


def _ip(*arguments: str) -> list[dict[str, Any]]:
    command = ["ip", "-4", "-json", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  (the system's own)
    if done.returncode != 0:
        raise SandboxError(f"`{' '.join(command)}` failed: {done.stderr.strip()}")
    listed: list[dict[str, Any]] = json.loads(done.stdout or "[]")
    return [entry for entry in listed if entry]
