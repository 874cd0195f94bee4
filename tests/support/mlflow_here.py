"""An MLflow server as the library generates it, run as processes of this machine: exactly as the pods run it.

Only addresses and folders are substituted. Database and object store are real servers of their kinds.
"""

import base64
import contextlib
import json
import os
import re
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest

from support import services
from support.facts.kubernetes import OBJECT_STORE
from support.mocks import Cloud
from support.waiting import until

PORT = "5000"
WRITER = {"AWS_ACCESS_KEY_ID": "writer", "AWS_SECRET_ACCESS_KEY": "writes"}


@dataclass
class Installation:
    """The generated pods as processes of this machine."""

    service: str
    """What Service, Deployment and keys are called."""
    binaries: Path
    folder: Path
    receiver: str = ""
    database: str = ""
    store: str = ""
    secrets: dict[tuple[str, str], str] = field(default_factory=dict)
    """Values of Secrets by name and key."""
    port: int = field(default_factory=services.free_port)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def take(self, cloud: Cloud) -> None:
        """Lay out Secrets and ConfigMaps as the pods see them."""
        for made in cloud.all("Secret"):
            for key, value in made.inputs.get("data", {}).items():
                self.secrets[made.inputs["metadata"]["name"], key] = base64.b64decode(value).decode()
        self.secrets[f"{self.service}-db-app", "uri"] = self.database
        self.secrets |= {("churn-store-writer", key): value for key, value in WRITER.items()}
        for made in cloud.all("ConfigMap"):
            place = self.folder / made.inputs["metadata"]["name"]
            place.mkdir(exist_ok=True)
            for name, text in made.inputs.get("data", {}).items():
                (place / name).write_text(text.replace(f"http://{self.service}:{PORT}", self.url))

    def process(self, container: dict[str, Any], pod: dict[str, Any]) -> tuple[list[str], dict[str, str]]:
        """Return command and environment of a container, references expanded as the kubelet expands them."""
        maps = {volume["name"]: volume["configMap"]["name"] for volume in pod["volumes"] if "configMap" in volume}
        places = {
            mount["mountPath"]: str(self.folder / maps.get(mount["name"], mount["name"]))
            for mount in container["volumeMounts"]
        }
        for place in places.values():
            Path(place).mkdir(exist_ok=True)
        places[str(OBJECT_STORE["url"])] = self.store
        environment: dict[str, str] = {}
        for variable in container["env"]:
            if "value" in variable:
                value = expanded(here(variable["value"], places), environment)
            else:
                key = variable["valueFrom"]["secretKeyRef"]
                value = self.secrets[key["name"], key["key"]]
            environment[variable["name"]] = value
        words = [here(word, places) for word in [*container["command"], *container.get("args", [])]]
        assert not [word for word in words if "$(DB_URI)" in word], "a password in a process's arguments"
        path = {"PATH": f"{self.binaries}:{os.environ['PATH']}"}
        return [expanded(word, environment) for word in words], environment | path

    def run(self, container: dict[str, Any], pod: dict[str, Any]) -> subprocess.CompletedProcess[str]:
        command, environment = self.process(container, pod)
        return subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=services.BOUND_SECONDS, check=False
        )

    def job(self, cloud: Cloud, name: str) -> None:
        """Run a Job to its end."""
        pod = cloud.one("Job", name).inputs["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        done = self.run(container, pod)
        assert done.returncode == 0, f"{name} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"

    def login(self, user: str) -> tuple[str, str]:
        secret = self.service if user == "admin" else f"models-user-{user}"
        return self.secrets[secret, "username"], self.secrets[secret, "password"]

    def ask(self, path: str, user: str | None = None, *, host: str | None = None, **body: Any) -> Any:
        """Ask the REST API; what it refuses is raised."""
        headers = {"Content-Type": "application/json"}
        if user:
            headers["Authorization"] = f"Basic {base64.b64encode(':'.join(self.login(user)).encode()).decode()}"
        if host:
            headers["Host"] = host
        request = urllib.request.Request(
            f"{self.url}/api/2.0/mlflow/{path}", json.dumps(body).encode() if body else None, headers
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read())

    def refused(self, path: str, user: str | None = None, *, host: str | None = None, **body: Any) -> int:
        """Return the status with which a request is refused."""
        with pytest.raises(urllib.error.HTTPError) as caught:
            self.ask(path, user, host=host, **body)
        with caught.value as error:
            return error.code

    def client(self, user: str, program: str, *arguments: str) -> Any:
        """Run a program of a data scientist's with MLflow's own client, which prints JSON last."""
        name, password = self.login(user)
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "MLFLOW_TRACKING_URI": self.url,
            "MLFLOW_TRACKING_USERNAME": name,
            "MLFLOW_TRACKING_PASSWORD": password,
            "MLFLOW_DISABLE_TELEMETRY": "true",
        }
        command = [str(self.binaries / "python"), "-W", "ignore", "-c", program, *arguments]
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=services.BOUND_SECONDS, check=False
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])


def here(text: str, places: Mapping[str, str]) -> str:
    """Put what is here in the place of what is there: folders, addresses."""
    return re.sub("|".join(re.escape(place) for place in places), lambda found: places[found[0]], text)


def expanded(text: str, environment: Mapping[str, str]) -> str:
    """Expand ``$(NAME)`` as Kubernetes does: a name that is not known stays as it is."""
    return re.sub(r"\$\(([A-Za-z_][\w.-]*)\)", lambda found: environment.get(found[1], found[0]), text)


@contextlib.contextmanager
def installed(cloud: Cloud, made: Installation) -> Iterator[Installation]:
    """Run the stores, then what the pod runs."""
    with contextlib.ExitStack() as stack:
        made.database = stack.enter_context(services.postgres(str(made.binaries / "python"), made.folder))
        made.store = stack.enter_context(services.s3(made.folder))
        objects(made.store).create_bucket(Bucket=OBJECT_STORE["bucket"])
        made.take(cloud)
        pod = cloud.one("Deployment").inputs["spec"]["template"]["spec"]
        first, second, third = pod["initContainers"]
        done = made.run(first, pod)
        assert done.returncode == 0, done.stderr
        # In prod two pods start at the same time; the kubelet runs again what lost the race for an empty database.
        with ThreadPoolExecutor() as pool:
            ended = list(pool.map(lambda _: made.run(second, pod), range(2)))
        for once in ended:
            again = once if once.returncode == 0 else made.run(second, pod)
            assert again.returncode == 0, again.stderr
        remembered = made.run(third, pod)
        assert remembered.returncode == 0, remembered.stderr
        (container,) = pod["containers"]
        command, environment = made.process(container, pod)
        # The port is another one here, in the argument as in the hosts.
        command = [word.replace(PORT, str(made.port)).replace("0.0.0.0", "127.0.0.1") for word in command]  # noqa: S104
        server = stack.enter_context(services.running(command, made.folder / "server.log", environment))
        until(lambda: services.answers(f"{made.url}/health"), "mlflow server", process=server)
        yield made


def objects(address: str) -> Any:
    """Return a client of the object store."""
    return boto3.client(
        "s3",
        endpoint_url=address,
        region_name="us-east-1",
        aws_access_key_id=WRITER["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=WRITER["AWS_SECRET_ACCESS_KEY"],
    )
