"""How an endpoint of a cluster is asked through a Gateway, as if its domain led there."""

import json
import threading
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pulumi_mlops_sandbox.kubernetes.provider import kubeconfig as kubeconfigs
from pulumi_mlops_sandbox.kubernetes.provider.client import Client


def address(kubeconfig: Path, gateway: str = "gateways/public") -> str:
    """Return where a gateway listens."""
    space, _, name = gateway.partition("/")
    client = Client(kubeconfigs.load({"kubeconfig": str(kubeconfig)}), threading.Event())
    found = client.get(f"/apis/gateway.networking.k8s.io/v1/namespaces/{space}/gateways/{name}")
    return str(found["status"]["addresses"][0]["value"])


def ask(where: str, url: str, body: Any, within: float = 30.0) -> tuple[int, Any]:
    """Ask at the address of a gateway for the URL that an endpoint says, as if its domain led there."""
    asked = urlsplit(url)
    headers = {"Host": asked.hostname or "", "Content-Type": "application/json"}
    request = urllib.request.Request(
        f"http://{where}{asked.path or '/invocations'}", json.dumps(body).encode(), headers
    )
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(request, timeout=within) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()
