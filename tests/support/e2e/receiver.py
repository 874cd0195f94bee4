"""Somebody in another namespace who is told by webhooks."""

import base64
import json

from pulumi_mlops.backends.kubernetes import objects
from support.trial import Trial
from support.waiting import until

Call = tuple[str, dict[str, str], bytes]
"""A path, headers by their names in small letters, and a body."""
RECEIVER = f"""
apiVersion: v1
kind: List
items:
  - apiVersion: v1
    kind: Service
    metadata: {{name: receiver}}
    spec: {{selector: {{app: receiver}}, ports: [{{port: 8080}}]}}
  - apiVersion: v1
    kind: Pod
    metadata: {{name: receiver, labels: {{app: receiver}}}}
    spec:
      automountServiceAccountToken: false
      terminationGracePeriodSeconds: 0
      securityContext: {{runAsNonRoot: true, runAsUser: 1000, seccompProfile: {{type: RuntimeDefault}}}}
      containers:
        - name: main
          image: {objects.PYTHON}
          command:
            - python
            - -uc
            - |
              import base64, http.server, json
              class Handler(http.server.BaseHTTPRequestHandler):
                  def do_POST(self):
                      body = self.rfile.read(int(self.headers["Content-Length"]))
                      headers = {{name.lower(): value for name, value in self.headers.items()}}
                      print(json.dumps([self.path, headers, base64.b64encode(body).decode()]))
                      self.send_response(200)
                      self.send_header("Content-Length", "0")
                      self.end_headers()
                  def log_message(self, *said):
                      pass
              http.server.ThreadingHTTPServer(("", 8080), Handler).serve_forever()
          readinessProbe: {{tcpSocket: {{port: 8080}}, periodSeconds: 1}}
          resources: {{requests: {{cpu: 5m, memory: 32Mi}}}}
          securityContext: {{allowPrivilegeEscalation: false, capabilities: {{drop: [ALL]}}}}
"""
"""A pod that writes down who told it what, and a Service before it."""


def listens(where: Trial) -> None:
    """Have one; wait until it listens, at ``receiver.<namespace>.svc.cluster.local:8080``."""
    where.apply(RECEIVER)
    until(lambda: where.ready("receiver"), "the receiver is ready")


def got(where: Trial) -> list[Call]:
    """List what it was told."""
    said = where.core.read_namespaced_pod_log("receiver", where.namespace)
    lines = [json.loads(line) for line in said.splitlines()]
    return [(path, headers, base64.b64decode(body)) for path, headers, body in lines]
