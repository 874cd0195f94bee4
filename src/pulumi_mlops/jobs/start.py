"""Fetch the secrets that a program expects in variables, then become the program.

    python start.py train --epochs 3

For each variable ``MLOPS_ENV_<NAME>``, which holds the address of a secret, ``<NAME>`` is set to the secret's value. An
address is a file (``file:///…``), a secret of AWS Secrets Manager (``arn:…``) or of an Azure Key Vault (``https://…``).
Whoever may describe the workload reads addresses only; no value is ever written anywhere. Only the standard library is
used: boto3, or azure-identity, is needed where such an address is met.
"""

from __future__ import annotations

import json
import os
import re
import sys
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = "MLOPS_ENV_"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ARN = re.compile(r"arn:[a-z0-9-]+:secretsmanager:(?P<region>[a-z0-9-]+):\d{12}:secret:.+")
_VAULT = re.compile(r"https://[A-Za-z0-9-]+\.vault\.azure\.net/secrets/[A-Za-z0-9-]+(/[0-9a-f]+)?")
_FILE = "file:///"
_SECONDS = 30
_NOT_FOUND, _NOT_RUNNABLE = 127, 126


class FetchError(Exception):
    """A secret was not read; the text names variable and address, and no value."""


def fetched(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the variables with the values of those that only name where theirs is, each address asked once."""
    found = {name: value for name, value in variables.items() if not name.startswith(PREFIX)}
    known: dict[str, str] = {}
    for named in sorted(set(variables) - set(found)):
        name, address = named.removeprefix(PREFIX), variables[named]
        if not _NAME.fullmatch(name):
            raise FetchError(f"{named}: {name!r} is no name of a variable")
        if address not in known:
            known[address] = _fetch(name, address)
        found[name] = known[address]
    return found


def known(address: str) -> bool:
    """Tell whether this is an address that can be read."""
    return address.startswith(_FILE) or any(form.fullmatch(address) for form in (_ARN, _VAULT))


def _fetch(name: str, address: str) -> str:
    try:
        value = _read(address)
    except ImportError as error:
        raise FetchError(f"{name}: {address} is read with {error.name}, which this image does not have") from None
    except Exception as error:  # noqa: BLE001 (of whatever client)
        # What a client says of a refusal has the address and who asked, and never the value.
        raise FetchError(f"{name}: cannot read {address}: {type(error).__name__}: {error}") from None
    if not value:
        raise FetchError(f"{name}: {address} is empty")
    if "\0" in value:
        raise FetchError(f"{name}: {address} holds a null character, which no variable can have")
    return value


def _read(address: str) -> str:
    """Read the value at an address."""
    if not known(address):
        raise ValueError("no such address is known; a file, a secret of Secrets Manager or of a Key Vault is")
    if address.startswith(_FILE):
        return Path(unquote(urlsplit(address).path)).read_text()
    if arn := _ARN.fullmatch(address):
        return _of_secrets_manager(address, arn["region"])
    return _of_key_vault(address)


def _of_secrets_manager(arn: str, region: str) -> str:
    import boto3  # noqa: PLC0415 (needed for such an address only)

    return str(boto3.client("secretsmanager", region_name=region).get_secret_value(SecretId=arn)["SecretString"])


def _of_key_vault(url: str) -> str:
    from azure.identity import DefaultAzureCredential  # noqa: PLC0415 (needed for such an address only)

    client = os.environ.get("AZURE_CLIENT_ID") or os.environ.get("DEFAULT_IDENTITY_CLIENT_ID")
    token = DefaultAzureCredential(managed_identity_client_id=client).get_token("https://vault.azure.net/.default")
    asked = urllib.request.Request(f"{url}?api-version=7.4", headers={"Authorization": f"Bearer {token.token}"})  # noqa: S310 (matched)
    with urllib.request.urlopen(asked, timeout=_SECONDS) as answer:  # noqa: S310 (as above)
        return str(json.load(answer)["value"])


def main() -> None:
    """Fetch, and become the program."""
    command = sys.argv[1:]
    if not command:
        sys.exit("start.py needs a command: python start.py COMMAND [ARGUMENT …]")
    try:
        variables = fetched(os.environ)
    except FetchError as failed:
        sys.exit(f"start.py: {failed}")
    try:
        os.execvpe(command[0], command, variables)  # noqa: S606 (the command is the workload's own)
    except FileNotFoundError:
        print(f"start.py: there is no program {command[0]!r}", file=sys.stderr)  # noqa: T201 (the job's log)
        sys.exit(_NOT_FOUND)
    except OSError as error:
        print(f"start.py: {command[0]!r} cannot be run: {error.strerror}", file=sys.stderr)  # noqa: T201 (as above)
        sys.exit(_NOT_RUNNABLE)


if __name__ == "__main__":
    main()
