"""The cluster's API for programs that make objects and delete them. It needs ``release.py`` beside it."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError

if TYPE_CHECKING:
    from pulumi_mlops.jobs.release import Api
else:  # it is beside this file where it runs
    from release import Api


class Cluster(Api):
    """The cluster's API, as the pod's own account may use it."""

    def create(self, path: str, body: dict[str, Any]) -> None:
        """Make an object."""
        self._send("POST", path, json.dumps(body).encode())

    def delete(self, path: str) -> None:
        """Delete an object and what belongs to it; one that is gone is no fault."""
        try:
            self._send("DELETE", f"{path}?propagationPolicy=Background")
        except HTTPError as error:
            with error:
                if error.code != HTTPStatus.NOT_FOUND:
                    raise
