"""Who may enter the cluster, and by which certificate it is known. All of it is random and made at the first start."""

import base64
import ipaddress
import json
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CONTEXT = "sandbox"
ADMIN = "sandbox-admin"
USERS = {
    ADMIN: ("system:masters",),
    "kwok": ("system:masters",),
    "system:kube-controller-manager": (),
    "system:kube-scheduler": (),
}
"""The users that are known by a token, with their groups."""

VALID_FOR = timedelta(days=3650)
HOSTS = ("localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc")
LOOPBACK = "127.0.0.1"
SIGNS = x509.KeyUsage(
    digital_signature=True,
    key_cert_sign=True,
    crl_sign=True,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    encipher_only=False,
    decipher_only=False,
)


@dataclass(frozen=True)
class Access:
    """The files by which the parts of a cluster, and its users, trust each other."""

    folder: Path

    @property
    def ca(self) -> Path:
        """The certificate that signed the apiserver's."""
        return self.folder / "ca.crt"

    @property
    def certificate(self) -> Path:
        """The certificate of the apiserver, and of the nodes."""
        return self.folder / "server.crt"

    @property
    def key(self) -> Path:
        """The key of that certificate."""
        return self.folder / "server.key"

    @property
    def accounts(self) -> Path:
        """The key that signs the tokens of service accounts."""
        return self.folder / "service-accounts.key"

    @property
    def tokens(self) -> Path:
        """The file that lists the users' tokens."""
        return self.folder / "tokens.csv"

    def token(self, user: str) -> str:
        """Read a user's token."""
        lines = (line.split(",", 3) for line in self.tokens.read_text().splitlines())
        return next(token for token, name, *_ in lines if name == user)

    def make(self) -> None:
        """Make what is not there yet."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not self.tokens.exists():
            lines = [
                f'{secrets.token_urlsafe(32)},{user},{user},"{",".join(groups)}"\n' for user, groups in USERS.items()
            ]
            private(self.tokens, "".join(lines))
        if not self.accounts.exists():
            private(self.accounts, _pem(rsa.generate_private_key(public_exponent=65537, key_size=2048)))
        if not (self.ca.exists() and self.certificate.exists() and self.key.exists()):
            self._make_certificates()

    def kubeconfig(self, server: str, user: str) -> str:
        """Write the file by which a user finds the cluster. It is JSON, which every reader of YAML takes."""
        authority = base64.b64encode(self.ca.read_bytes()).decode()
        entry: dict[str, Any] = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": CONTEXT,
            "contexts": [{"name": CONTEXT, "context": {"cluster": CONTEXT, "user": user}}],
            "clusters": [
                {"name": CONTEXT, "cluster": {"server": server, "certificate-authority-data": authority}},
            ],
            "users": [{"name": user, "user": {"token": self.token(user)}}],
        }
        return json.dumps(entry, indent=2) + "\n"

    def _make_certificates(self) -> None:
        authority_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
        authority = _named("pulumi-mlops sandbox")
        signer = x509.SubjectKeyIdentifier.from_public_key(authority_key.public_key())
        ca = (
            _certificate(authority, authority, authority_key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(SIGNS, critical=True)
            .add_extension(signer, critical=False)
            .sign(authority_key, hashes.SHA256())
        )
        names = [x509.DNSName(host) for host in HOSTS]
        alternatives = [*names, x509.IPAddress(ipaddress.ip_address(LOOPBACK))]
        certificate = (
            _certificate(_named(LOOPBACK), authority, key.public_key())
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(signer), critical=False)
            .sign(authority_key, hashes.SHA256())
        )
        private(self.key, _pem(key))
        for path, made in ((self.ca, ca), (self.certificate, certificate)):
            path.write_bytes(made.public_bytes(serialization.Encoding.PEM))


def private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, in one step."""
    partial = path.with_name(f".{path.name}.partial")
    partial.unlink(missing_ok=True)
    partial.touch(mode=0o600)
    partial.write_text(text)
    partial.replace(path)


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


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


def _pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
