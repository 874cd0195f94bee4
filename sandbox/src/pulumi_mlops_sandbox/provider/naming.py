"""Physical names, where the program gives none."""

import hashlib
import secrets
import uuid
from typing import Any

from pulumi_mlops_sandbox.provider.contract import AutoName, ProviderError
from pulumi_mlops_sandbox.provider.values import UNKNOWN, plain


class Naming:
    """How this resource may be named: its logical name, the engine's random seed and the user's naming rules."""

    def __init__(self, logical: str, seed: bytes, proposed: str = "", mode: str = "PROPOSE") -> None:
        self.logical = logical
        self.seed = seed
        self.proposed = proposed
        self.mode = mode

    def make(self, auto: AutoName, prefix: Any = None) -> Any:
        """Make the physical name: ``<logical>-<hex digits>`` unless the kind has another form.

        :raises ProviderError: it would be longer than the cloud allows, which the real provider refuses too.
        """
        if prefix is UNKNOWN:
            return UNKNOWN
        if self.mode == "DISABLE":
            return None
        taken = self.mode == "ENFORCE" or (auto.form != "uuid" and len(self.proposed) <= auto.limit)
        if self.proposed and taken:
            return self.proposed
        if auto.form == "uuid":
            return str(uuid.UUID(hashlib.sha256(self.seed or secrets.token_bytes(16)).hexdigest()[:32], version=4))
        if auto.form == "copy":
            return self.logical
        digits = hashlib.sha256(self.seed).hexdigest() if self.seed else secrets.token_hex(auto.digits)
        tail = f"{'' if prefix else auto.separator}{digits[: auto.digits]}{auto.suffix}"
        base = str(plain(prefix)) if prefix else auto.lead + self.logical
        name = (base.lower() if auto.lower else base) + tail
        if len(name) > auto.limit:
            raise ProviderError(
                f"name '{base}' plus {len(tail)} random chars is longer than maximum length {auto.limit}"
            )
        return name
