"""A control plane with nothing in it: what the sandbox expects of one, and ways to be broken (STAND_IN_FAILS)."""

import argparse
import json
import os
import signal
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/_sandbox/health" else 404)
        self.end_headers()


def main(name: str) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--home", type=Path)
    parser.add_argument("--port", type=int)
    parser.add_argument("--nodes")
    options = parser.parse_args()
    if os.environ.get("STAND_IN_FAILS"):
        sys.exit("stand-in: there is no such region")
    server = HTTPServer(("127.0.0.1", options.port), Handler)
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    partial = options.home / f"{name}.json.partial"
    partial.write_text(json.dumps({"pid": os.getpid(), "port": server.server_port}))
    partial.replace(options.home / f"{name}.json")
    server.serve_forever()
    (options.home / f"{name}-state.json").write_text("kept")


if __name__ == "__main__":
    main("aws")
