"""Runs MLflow's server on a socket that it is given: ``python registry_server.py SOCKET FOLDER``.

It is run by the Python that has MLflow, not by the library's. One process, where ``mlflow server`` has two that import
the same: the settings are those that the command would hand to its workers.
"""

import os
import socket
import sys
import threading
from importlib import import_module
from pathlib import Path


def main() -> None:
    """Serve until standard input ends."""
    number, folder = int(sys.argv[1]), Path(sys.argv[2])
    threading.Thread(target=_end_with_input, daemon=True).start()

    # By name: these are packages of another environment, which the library's type checkers do not see.
    constants, uvicorn = import_module("mlflow.server.constants"), import_module("uvicorn")
    os.environ |= {
        constants.BACKEND_STORE_URI_ENV_VAR: f"sqlite:///{folder / 'mlflow.db'}",
        constants.ARTIFACT_ROOT_ENV_VAR: "mlflow-artifacts:/",
        constants.SERVE_ARTIFACTS_ENV_VAR: "true",
        constants.ARTIFACTS_DESTINATION_ENV_VAR: str(folder / "artifacts"),
    }
    config = uvicorn.Config("mlflow.server.fastapi_app:app", log_level="warning", timeout_graceful_shutdown=1)
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=number)])


def _end_with_input() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


if __name__ == "__main__":
    main()
