"""A model server for real clusters that does as it is told, and how it is asked."""

import re
import urllib.error
import urllib.request
from pathlib import Path

from pulumi_mlops_sandbox.kubernetes import gateways
from pulumi_mlops_sandbox.kubernetes.forwarding import forwarded, told
from pulumi_mlops_sandbox.stack import Stack
from support.e2e.inside import Cluster
from support.waiting import until

SERVER = """
import hashlib, http.server, json, os, random, signal, time, urllib.parse
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
VERSION, FAILS, SLOW = (os.environ.get(name, "0") for name in ("VERSION", "FAILS", "SLOW"))
FAILS_WITH = int(os.environ.get("FAILS_WITH", "500"))
counts, buckets, total = {"200": 0, "400": 0, "500": 0}, [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5], 0.0
below = [0] * (len(buckets) + 1)
def metrics():
    for code, count in counts.items():
        yield f'http_requests_total{{handler="/invocations",status="{code}"}} {count}'
    for bound, count in zip([*buckets, "+Inf"], below):
        yield f'http_request_duration_seconds_bucket{{handler="/invocations",le="{bound}"}} {count}'
    yield f"http_request_duration_seconds_sum {total}"
    yield f"http_request_duration_seconds_count {below[-1]}"
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        if self.path == "/metrics":
            self.say("".join(f"{line}\\n" for line in metrics()), content="text/plain; version=0.0.4")
        elif os.environ.get("NEVER_READY"):
            self.say("not yet", 503)
        else:
            self.say("ok")
    def do_POST(self):
        global total
        given, began = self.rfile.read(int(self.headers["Content-Length"])), time.monotonic()
        time.sleep(float(SLOW))
        code = FAILS_WITH if random.random() < float(FAILS) else 200
        code = {"a mistake": 400, "a failure": 500}.get(str(json.loads(given)), code)
        told = {"given": json.loads(given), "version": VERSION, "pod": os.environ["HOSTNAME"]}
        told["all"] = sorted(os.environ)
        if token := os.environ.get("MLOPS_SECRET_TOKEN"):
            with open(urllib.parse.urlsplit(token).path) as file:
                told["token"] = hashlib.sha256(file.read().encode()).hexdigest()
        took = time.monotonic() - began
        counts[str(code)] += 1
        total += took
        for index, bound in enumerate([*buckets, float("inf")]):
            below[index] += took <= bound
        self.say(json.dumps(told), code)
    def say(self, text, code=200, content="application/json"):
        self.send_response(code)
        self.send_header("Content-Type", content)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())
    def log_message(self, *said):
        pass
http.server.ThreadingHTTPServer(("", 8080), Handler).serve_forever()
"""
"""Answers what it was given, and who it is. VERSION, FAILS (a share of answers), FAILS_WITH (their status), SLOW
(seconds) and NEVER_READY are read from its environment; of the secret TOKEN it tells a hash. Asked "a mistake" it
answers 400, and asked "a failure" 500. When it is told to end it ends at once, whatever it is doing: no program has to
be kinder than that."""


def answers(stack: Stack, cluster: Cluster) -> tuple[str, str]:
    """Wait until a stack's endpoint answers; return where and by which URL."""
    where, url = gateways.address(cluster.kubeconfig), str(stack.outputs()["url"])
    until(lambda: gateways.ask(where, url, {})[0] == 200, f"{url} answers")
    return where, url


def counted(kubeconfig: Path, namespace: str, labels: str) -> int:
    """Ask the one pod with these labels how many requests it has answered."""
    listed = told(kubeconfig, namespace, "get", "pods", "-l", labels, "-o", "name", lacking=f"the pods {labels}")
    (pod,) = listed.split()
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with (
        forwarded(kubeconfig, namespace, pod, 8080) as port,
        direct.open(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer,
    ):
        said = answer.read().decode()
    return sum(int(number) for number in re.findall(r"http_requests_total\S* (\d+)", said))
