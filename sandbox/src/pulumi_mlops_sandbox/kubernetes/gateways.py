"""How an endpoint of a cluster is asked through a Gateway, as if its domain led there."""

import json
import urllib.error
import urllib.request
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pulumi_mlops_sandbox.errors import SandboxError
from pulumi_mlops_sandbox.kubernetes.forwarding import told


def address(kubeconfig: Path, gateway: str = "gateways/public") -> str:
    """Return where a gateway listens."""
    space, _, name = gateway.partition("/")
    lacking = f"The Gateway {gateway} has no address"
    found = told(
        kubeconfig, space, "get", "gateway", name, "--output=jsonpath={.status.addresses[0].value}", lacking=lacking
    )
    if not found:
        raise SandboxError(f"{lacking}: it is not programmed yet")
    return found


def ask(where: str, url: str, body: Any, within: float = 30.0) -> tuple[int, Any]:
    """Ask at the address of a gateway for the URL that an endpoint says, as if its domain led there.

    :return: the status, 0 where nobody answers in full, as while a node restarts; and what was said.
    """
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
    except (OSError, HTTPException, ValueError) as error:
        return 0, f"{type(error).__name__}: {error}"
