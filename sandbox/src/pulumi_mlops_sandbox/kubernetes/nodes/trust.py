"""By what a node and the parts that speak to it trust each other, beyond what every cluster of the sandbox has."""

from dataclasses import dataclass
from pathlib import Path

from pulumi_mlops_sandbox.certificates import Authority, private

KUBELETS_CLIENT = "kube-apiserver-kubelet-client"
FRONT = "front-proxy-client"
"""As whom the apiserver passes requests on to other apiservers, such as the one for metrics."""


@dataclass(frozen=True)
class Trust:
    """Certificates of clients, in a folder: of the apiserver at the kubelet, and at apiservers behind it."""

    folder: Path

    @property
    def clients(self) -> Path:
        """The certificate that signed those of the kubelet's clients."""
        return self.folder / "clients.crt"

    @property
    def front(self) -> Path:
        """The certificate that signed the one by which requests are passed on."""
        return self.folder / "front.crt"

    def arguments(self) -> tuple[str, ...]:
        """Tell the apiserver."""
        return (
            f"--kubelet-client-certificate={self._certificate(KUBELETS_CLIENT)}",
            f"--kubelet-client-key={self._key(KUBELETS_CLIENT)}",
            f"--requestheader-client-ca-file={self.front}",
            f"--requestheader-allowed-names={FRONT}",
            "--requestheader-extra-headers-prefix=X-Remote-Extra-",
            "--requestheader-group-headers=X-Remote-Group",
            "--requestheader-username-headers=X-Remote-User",
            f"--proxy-client-cert-file={self._certificate(FRONT)}",
            f"--proxy-client-key-file={self._key(FRONT)}",
        )

    def make(self) -> None:
        """Make what is not there yet."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for path, user, group in ((self.clients, KUBELETS_CLIENT, "system:masters"), (self.front, FRONT, "")):
            if path.exists():
                continue
            authority = Authority(path.stem)
            signed = authority.client(user, group)
            private(self._key(user), signed.key)
            self._certificate(user).write_text(signed.certificate)
            private(path, authority.certificate)  # last: it says that all of it is there

    def _certificate(self, user: str) -> Path:
        return self.folder / f"{user}.crt"

    def _key(self, user: str) -> Path:
        return self.folder / f"{user}.key"
