"""Bring a database that remembers the keys of an earlier MLflow server to those of this one.

Runs before each start of the server, in its image. A database outlives a registry that is made again, and keys are
rotated: the admin's password in it becomes the one of this registry, and what only a key of before could read is
written anew (webhooks of ours) or switched off (webhooks of others).
"""

# pyright: reportMissingImports=false, reportMissingModuleSource=false

from __future__ import annotations

import os
from typing import Any

ADMIN = "admin"
OURS = "mlops-"


def admin(store: Any, password: str) -> bool:
    """Set the admin's password where the database remembers another; tell whether it did."""
    if not store.has_user(ADMIN) or store.authenticate_user(ADMIN, password):
        return False
    store.update_user(ADMIN, password=password, is_admin=True)
    return True


def webhooks(connection: Any, key: str, signature: str) -> list[str]:
    """Write the secrets anew that this key cannot read; return the names of their webhooks."""
    from cryptography.fernet import Fernet, InvalidToken  # noqa: PLC0415 (there in the image of the server)
    from sqlalchemy import text  # noqa: PLC0415 (as above)

    cipher, found = Fernet(key), []
    rows = connection.execute(text("SELECT webhook_id, name, secret FROM webhooks WHERE secret IS NOT NULL"))
    for number, name, secret in rows.fetchall():
        try:
            cipher.decrypt(secret.encode())
        except InvalidToken:
            ours = name.startswith(OURS)
            values = {
                "id": number,
                "secret": cipher.encrypt(signature.encode()).decode() if ours else None,
                "status": "ACTIVE" if ours else "DISABLED",
            }
            connection.execute(
                text("UPDATE webhooks SET secret = :secret, status = :status WHERE webhook_id = :id"), values
            )
            found.append(name)
    return found


def main() -> None:
    """Do both."""
    from mlflow.server.auth.sqlalchemy_store import SqlAlchemyStore  # noqa: PLC0415 (there in the image of the server)

    store = SqlAlchemyStore()
    store.init_db(os.environ["DB_URI"])
    if admin(store, os.environ["ADMIN_PASSWORD"]):
        print("the admin's password was another one")  # noqa: T201 (the pod's log)
    with store.engine.begin() as connection:
        for name in webhooks(
            connection, os.environ["MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY"], os.environ["WEBHOOK_SECRET"]
        ):
            print(f"webhook {name} was written by another key")  # noqa: T201 (as above)


if __name__ == "__main__":
    main()
