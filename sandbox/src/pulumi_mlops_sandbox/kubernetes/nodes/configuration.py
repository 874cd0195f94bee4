"""How the parts of a node are set up: the files that they read, by the paths that the node sees."""

import json
from pathlib import Path
from typing import Any

from pulumi_mlops_sandbox.certificates import private
from pulumi_mlops_sandbox.kubernetes.nodes import images, requirements
from pulumi_mlops_sandbox.kubernetes.nodes.addresses import Addresses
from pulumi_mlops_sandbox.kubernetes.nodes.inside import PROGRAMS, STATE

NAME = "node"
"""The node's name in the cluster."""
SOCKET = "/run/containerd/containerd.sock"
FOLDERS = ("containerd", "kubelet", "logs", "network", "plugins", "volumes")
QUEUE = 100
"""By which kube-network-policies is asked about connections."""

CONTAINERD = f"""version = 3
root = "{STATE}/containerd"
state = "/run/containerd/state"
disabled_plugins = [
  "io.containerd.snapshotter.v1.blockfile", "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.erofs",
  "io.containerd.snapshotter.v1.zfs", "io.containerd.tracing.processor.v1.otlp", "io.containerd.internal.v1.tracing",
]
[grpc]
  address = "{SOCKET}"
[plugins.'io.containerd.internal.v1.opt']
  path = "/run/containerd/opt"
[plugins.'io.containerd.nri.v1.nri']
  socket_path = "/run/nri/nri.sock"
  plugin_path = "/run/nri/plugins"
  plugin_config_path = "/run/nri/conf.d"
[plugins.'io.containerd.cri.v1.images']
  snapshotter = "overlayfs"
  [plugins.'io.containerd.cri.v1.images'.pinned_images]
    sandbox = "{images.PAUSE}"
[plugins.'io.containerd.cri.v1.runtime']
  enable_unprivileged_ports = true
  disable_apparmor = true
  restrict_oom_score_adj = true
  [plugins.'io.containerd.cri.v1.runtime'.cni]
    bin_dirs = ["{PROGRAMS}/cni"]
    conf_dir = "{STATE}/network"
  [plugins.'io.containerd.cri.v1.runtime'.containerd]
    default_runtime_name = "runc"
    [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
        SystemdCgroup = false
"""


def kubelet(addresses: Addresses, cgroup: str) -> dict[str, Any]:
    """Describe the kubelet."""
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "failCgroupV1": False,
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{cgroup}",
        "containerRuntimeEndpoint": f"unix://{SOCKET}",
        "imageServiceEndpoint": f"unix://{SOCKET}",
        "failSwapOn": False,
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": f"{STATE}/clients.crt"},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": f"{STATE}/server.crt",
        "tlsPrivateKeyFile": f"{STATE}/server.key",
        "clusterDomain": "cluster.local",
        "clusterDNS": [str(addresses.dns)],
        "resolvConf": f"{STATE}/resolv.conf",
        "podLogsDir": f"{STATE}/logs",
        "volumePluginDir": f"{STATE}/plugins",
        "enforceNodeAllocatable": ["pods"],
        "evictionHard": {
            "memory.available": "100Mi",
            **{f"{disk}.available": str(requirements.EVICTED) for disk in ("nodefs", "imagefs")},
        },
        "imageGCHighThresholdPercent": 100,  # no registry would give an image again
        "imageGCLowThresholdPercent": 99,
        "serializeImagePulls": False,
        "maxPods": 200,
        "syncFrequency": "10s",
    }


def proxy(addresses: Addresses) -> dict[str, Any]:
    """Describe kube-proxy."""
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "nftables",
        "clusterCIDR": str(addresses.pods),
        "hostnameOverride": NAME,
        "clientConnection": {"kubeconfig": f"{STATE}/kube-proxy.kubeconfig"},
        "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
        "nodePortAddresses": [f"{addresses.node}/32"],
        "healthzBindAddress": "127.0.0.1:10256",
        "metricsBindAddress": "127.0.0.1:10249",
    }


def network(addresses: Addresses) -> dict[str, Any]:
    """Describe the network of pods: a bridge, an address for each, ports of the node's for those that ask for one."""
    return {
        "cniVersion": "1.0.0",
        "name": "pods",
        "plugins": [
            {
                "type": "bridge",
                "bridge": "cni0",
                "isGateway": True,
                "ipMasq": False,
                "hairpinMode": True,
                "ipam": {
                    "type": "host-local",
                    "dataDir": "/run/netns-addresses",
                    "ranges": [[{"subnet": str(addresses.of_the_node)}]],
                    "routes": [{"dst": "0.0.0.0/0"}],
                },
            },
            {"type": "portmap", "capabilities": {"portMappings": True}},
        ],
    }


def asked(addresses: Addresses) -> tuple[str, ...]:
    """Write the rules by which kube-network-policies is asked about every connection from or to a pod.

    Its own rules need something of the kernel that is often not there (NFT_QUEUE). What the node itself begins, such as
    a probe, passes neither of these chains. While nobody answers, nothing new passes.
    """
    pods = str(addresses.pods)
    queue = f"-j NFQUEUE --queue-num {QUEUE}"
    return (
        "-N POLICIES",
        "-A POLICIES -m conntrack --ctstate ESTABLISHED,RELATED -j RETURN",
        f"-A POLICIES -s {pods} {queue}",
        f"-A POLICIES -d {pods} {queue}",
        "-A FORWARD -j POLICIES",
        f"-A INPUT -s {pods} -j POLICIES",
    )


def write(state: Path, addresses: Addresses, cgroup: str) -> None:
    """Write everything into the folder of what a node keeps."""
    for name in FOLDERS:
        (state / name).mkdir(parents=True, exist_ok=True)
    (state / "containerd.toml").write_text(CONTAINERD)
    (state / "resolv.conf").write_text("")  # nothing outside is asked
    for name, described in (
        ("kubelet.json", kubelet(addresses, cgroup)),
        ("kube-proxy.json", proxy(addresses)),
        ("network/pods.conflist", network(addresses)),
    ):
        private(state / name, json.dumps(described, indent=1))
