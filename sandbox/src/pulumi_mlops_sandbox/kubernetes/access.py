"""Who may enter the cluster, and by which certificate it is known. All of it is random and made at the first start."""

import base64
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa

from pulumi_mlops_sandbox.certificates import Authority, pem, private

CONTEXT = "sandbox"
ADMIN = "sandbox-admin"
USERS = {
    ADMIN: ("system:masters",),
    "kwok": ("system:masters",),
    "system:kube-controller-manager": (),
    "system:kube-scheduler": (),
}
"""The users that are known by a token, with their groups."""

HOSTS = (
    "localhost",
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
)
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Access:
    """The files by which the parts of a cluster, and its users, trust each other."""

    folder: Path
    addresses: tuple[str, ...] = (LOOPBACK,)
    """The addresses at which the apiserver, and the nodes, are found."""
    users: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: USERS)

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
                f'{secrets.token_urlsafe(32)},{user},{user},"{",".join(groups)}"\n'
                for user, groups in self.users.items()
            ]
            private(self.tokens, "".join(lines))
        if not self.accounts.exists():
            private(self.accounts, pem(rsa.generate_private_key(public_exponent=65537, key_size=2048)))
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
        authority = Authority("pulumi-mlops sandbox")
        signed = authority.server(HOSTS, self.addresses)
        private(self.key, signed.key)
        self.ca.write_text(authority.certificate)
        self.certificate.write_text(signed.certificate)
