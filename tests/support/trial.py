"""A namespace of a real cluster under *restricted*, and pods in it that answer and ask."""

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import yaml
from kubernetes import client, config, utils

from pulumi_mlops_sandbox.kubernetes.forwarding import kubectl
from pulumi_mlops_sandbox.kubernetes.nodes import images
from support.waiting import until

WITHIN = 90.0
PORTS = (8080, 8081)
POD = """
apiVersion: v1
kind: Pod
metadata: {{name: {name}, labels: {{app: {name}}}}}
spec:
  automountServiceAccountToken: {token}
  terminationGracePeriodSeconds: 0
  securityContext: {{runAsNonRoot: true, runAsUser: 1000, fsGroup: 1000, seccompProfile: {{type: RuntimeDefault}}}}
  containers:
    - name: main
      image: {image}
      command: [sh, -c, "httpd -p 8081 -h /data; exec httpd -f -p 8080 -h /data"]
      readinessProbe: {{tcpSocket: {{port: 8080}}, periodSeconds: 1}}
      resources: {{requests: {{cpu: 5m, memory: 8Mi}}}}
      securityContext: {{readOnlyRootFilesystem: true, allowPrivilegeEscalation: false, capabilities: {{drop: [ALL]}}}}
      volumeMounts: [{{name: data, mountPath: /data}}]
  volumes: [{{name: data, {volume}}}]
"""
SERVICE = """
apiVersion: v1
kind: Service
metadata: {name: a}
spec: {selector: {app: a}, ports: [{port: 80, targetPort: 8080}]}
"""


class Trial:
    """A namespace, and what its pods can be asked."""

    def __init__(self, kubeconfig: Path, namespace: str) -> None:
        self.api = config.new_client_from_config(str(kubeconfig))
        self.core = client.CoreV1Api(self.api)
        self.namespace = namespace
        self._kubectl = kubectl(kubeconfig)

    def apply(self, text: str) -> None:
        utils.create_from_dict(self.api, yaml.safe_load(text), namespace=self.namespace)

    def pods(self, volumes: Mapping[str, str], *, with_token: str = "") -> None:
        """Have pods, each with a volume and a page in it."""
        until(self._has_an_account)
        for name, volume in volumes.items():
            token = "true" if name == with_token else "false"
            self.apply(POD.format(name=name, image=images.BUSYBOX, volume=volume, token=token))
        for name in volumes:
            until(lambda name=name: self.ready(name))  # type: ignore[misc]  # one each
            self.run(name, "sh", "-c", "echo hello > /data/page")

    def _has_an_account(self) -> bool:
        listed = self.core.list_namespaced_service_account(self.namespace).items
        return any(account.metadata.name == "default" for account in listed)

    def ready(self, name: str) -> bool:
        status = self.core.read_namespaced_pod(name, self.namespace).status
        return any(condition.type == "Ready" and condition.status == "True" for condition in status.conditions or [])

    def address(self, name: str, port: int = 8080) -> str:
        return f"{self.core.read_namespaced_pod(name, self.namespace).status.pod_ip}:{port}"

    def run(self, pod: str, *command: str) -> str:
        """Run a command in a pod by kubectl: the Python client leaves a socket open for each."""
        line = [*self._kubectl, "--namespace", self.namespace, "exec", pod, "--"]
        return subprocess.run(
            [*line, *command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=WITHIN, check=False
        ).stdout

    def asks(self, pod: str, address: str) -> bool:
        """Whether a pod is answered at an address; not by -T, of which Debian's wget of busybox crashes."""
        return "hello" in self.run(pod, "timeout", "5", "wget", "-q", "-O", "-", f"http://{address}/page")


@contextmanager
def trial(kubeconfig: Path, namespace: str) -> Iterator[Trial]:
    """Have a namespace under *restricted*; it is deleted without waiting until it is gone."""
    made = Trial(kubeconfig, namespace)
    restricted = {"pod-security.kubernetes.io/enforce": "restricted"}
    made.core.create_namespace({"metadata": {"name": namespace, "labels": restricted}})
    yield made
    made.core.delete_namespace(namespace)
    made.api.close()
