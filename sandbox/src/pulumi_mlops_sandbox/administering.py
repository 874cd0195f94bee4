"""Has something happen in a control plane of the sandbox that only its cloud, or whoever runs it, can do."""

import json
import urllib.request
from collections.abc import Mapping
from typing import Any

_SECONDS = 60.0


def administer(url: str, route: str, body: Mapping[str, Any], seconds: float = _SECONDS) -> Any:
    """Ask for it, and return what was answered.

    :raises urllib.error.HTTPError: it is refused; the answer's ``error`` says why.
    """
    request = urllib.request.Request(  # noqa: S310 (localhost)
        f"{url}/_sandbox/{route}", json.dumps(body).encode(), {"Content-Type": "application/json"}, method="POST"
    )
    with urllib.request.urlopen(request, timeout=seconds) as answer:  # noqa: S310 (as above)
        return json.load(answer)
