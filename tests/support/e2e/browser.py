"""A headless browser, driven by its own protocol: pages are used as people use them."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import websocket

PROGRAMS = ("chromium-headless-shell", "chromium", "google-chrome")
LISTENS = re.compile(r"DevTools listening on (ws://\S+)")
WITHIN = 180.0


def program() -> str | None:
    """Find a browser on the machine."""
    return next(filter(None, map(shutil.which, PROGRAMS)), None)


class Page:
    """One page (https://chromedevtools.github.io/devtools-protocol/)."""

    def __init__(self, address: str) -> None:
        self.socket = websocket.create_connection(address, suppress_origin=True, timeout=WITHIN)
        self.number = 0

    def call(self, method: str, **given: Any) -> dict[str, Any]:
        """Call a method, and return its answer."""
        self.number += 1
        self.socket.send(json.dumps({"id": self.number, "method": method, "params": given}))
        while (said := json.loads(self.socket.recv())).get("id") != self.number:
            pass
        assert "error" not in said, said
        result: dict[str, Any] = said["result"]
        return result

    def run(self, expression: str) -> Any:
        """Evaluate something in the page."""
        said = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in said, said
        return said["result"].get("value")

    def there(self, expression: str, what: str) -> None:
        """Wait for an element: an expression that yields it, or nothing."""
        deadline = time.monotonic() + WITHIN
        while not self.run(f"document.body && !!({expression})"):
            assert time.monotonic() < deadline, f"{what} is not there:\n{self.run('document.body.innerText')}"
            time.sleep(0.1)

    def click(self, expression: str, what: str) -> None:
        """Click an element as a mouse does, once it has stopped moving."""
        self.there(expression, what)
        middle = (
            f"(e => {{e.scrollIntoView({{block: 'center'}}); const r = e.getBoundingClientRect();"
            f" return [r.x + r.width / 2, r.y + r.height / 2]}})({expression})"
        )
        at, before = self.run(middle), None
        while at != before:
            time.sleep(0.3)
            at, before = self.run(middle), at
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=at[0], y=at[1], button="left", clickCount=1)

    def type(self, text: str) -> None:
        """Type where the cursor is."""
        self.call("Input.insertText", text=text)


@contextlib.contextmanager
def page(folder: Path, url: str, *, login: str = "", proxy: str = "") -> Iterator[Page]:
    """Open a page; `login` is a header's value, `proxy` the address of one for http."""
    command = [str(program()), "--remote-debugging-port=0", f"--user-data-dir={folder / 'browser'}", "--no-sandbox"]
    command += ["--disable-gpu", "--window-size=1400,1000", *([f"--proxy-server={proxy}"] if proxy else [])]
    log = folder / "browser.log"
    with (
        log.open("w") as out,
        # Debian's program is a script that starts the browser: both end with their session.
        subprocess.Popen([*command, "about:blank"], stdout=out, stderr=out, start_new_session=True) as process,
    ):
        try:
            deadline = time.monotonic() + WITHIN
            while not (found := LISTENS.search(log.read_text())):
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.1)
            where = found[1].partition("://")[2].partition("/")[0]
            direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            with direct.open(f"http://{where}/json/list", timeout=WITHIN) as answer:
                pages = [one for one in json.loads(answer.read()) if one["type"] == "page"]
            opened = Page(pages[0]["webSocketDebuggerUrl"])
            if login:
                opened.call("Network.enable")
                opened.call("Network.setExtraHTTPHeaders", headers={"Authorization": login})
            opened.call("Page.enable")
            opened.call("Page.navigate", url=url)
            yield opened
            opened.socket.close()
        finally:
            os.killpg(process.pid, signal.SIGKILL)
