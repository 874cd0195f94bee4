"""What stands for cert-manager: an authority made for one installation, and a certificate for KServe's webhooks."""

import base64
from typing import Any

from pulumi_mlops_sandbox.certificates import Authority

WEBHOOK = {"name": "kserve-webhook-server-service", "namespace": "kserve"}
"""The Service that the API server asks."""
SECRET = "kserve-webhook-server-cert"  # noqa: S105  (the name of a Secret)
"""Which cert-manager would fill; the controller's pod waits for it."""

Object = dict[str, Any]


def certified(objects: list[Object]) -> list[Object]:
    """Give KServe's webhooks a certificate, and the API server the authority that signed it; others have their own."""
    host = f"{WEBHOOK['name']}.{WEBHOOK['namespace']}.svc"
    authority = Authority("pulumi-mlops sandbox operators")
    signed = authority.server([host, f"{host}.cluster.local"])
    ca = _encoded(authority.certificate)
    for each in objects:
        if each["kind"].endswith("WebhookConfiguration"):
            for hook in each["webhooks"]:
                service = hook["clientConfig"]["service"]
                if service["namespace"] == WEBHOOK["namespace"]:
                    hook["clientConfig"]["caBundle"] = ca
                    (each["metadata"].get("annotations") or {}).pop("cert-manager.io/inject-ca-from", None)
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/tls",
        "metadata": {"name": SECRET, "namespace": WEBHOOK["namespace"]},
        "data": {"tls.crt": _encoded(signed.certificate), "tls.key": _encoded(signed.key)},
    }
    return [*objects, secret]


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
