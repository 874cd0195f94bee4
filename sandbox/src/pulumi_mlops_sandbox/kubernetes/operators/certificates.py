"""What stands for cert-manager: an authority made for one installation, and a certificate for KServe's webhooks."""

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

VALID_FOR = timedelta(days=365)
WEBHOOK = {"name": "kserve-webhook-server-service", "namespace": "kserve"}
"""The Service that the API server asks."""
SECRET = "kserve-webhook-server-cert"  # noqa: S105  (the name of a Secret)
"""Which cert-manager would fill; the controller's pod waits for it."""

Object = dict[str, Any]


def certified(objects: list[Object]) -> list[Object]:
    """Give KServe's webhooks a certificate, and the API server the authority that signed it; others have their own."""
    ca, certificate, key = _issued(f"{WEBHOOK['name']}.{WEBHOOK['namespace']}.svc")
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
        "data": {"tls.crt": certificate, "tls.key": key},
    }
    return [*objects, secret]


def _issued(host: str) -> tuple[str, str, str]:
    """Return an authority's certificate, one that it signed for a Service, and the key of that, in base64 of PEM."""
    authority_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "pulumi-mlops sandbox operators")])
    signer = x509.SubjectKeyIdentifier.from_public_key(authority_key.public_key())
    ca = (
        _certificate(authority, authority, authority_key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(signer, critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    names = [x509.DNSName(host), x509.DNSName(f"{host}.cluster.local")]
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    certificate = (
        _certificate(subject, authority, key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(signer), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    texts = (ca.public_bytes(pem), certificate.public_bytes(pem), private)
    told, given, kept = (base64.b64encode(text).decode() for text in texts)
    return told, given, kept


def _certificate(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return x509.CertificateBuilder(
        issuer_name=issuer,
        subject_name=subject,
        public_key=key,
        serial_number=x509.random_serial_number(),
        not_valid_before=now - timedelta(hours=1),
        not_valid_after=now + VALID_FOR,
    )
