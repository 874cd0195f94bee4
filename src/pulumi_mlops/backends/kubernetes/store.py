"""The object store: the user's own S3 server, or a SeaweedFS that the platform runs."""

from dataclasses import dataclass, replace
from urllib.parse import urlsplit

import pulumi
import pulumi_kubernetes as k8s
import pulumi_random as random
from pulumi import Input, Output

from pulumi_mlops.backends.kubernetes import access, outside, trust
from pulumi_mlops.backends.kubernetes.addresses import Door, StoreAddress
from pulumi_mlops.backends.kubernetes.objects import App, Fields, after, mark_of, once, resources, secret
from pulumi_mlops.backends.kubernetes.outside import Around
from pulumi_mlops.components.platform import ObjectStore
from pulumi_mlops.core.component import Scope
from pulumi_mlops.core.content import content_name

_IMAGE = "docker.io/chrislusf/seaweedfs:4.41"  # below 4.25 a user without policies had every right
_PORT, _MASTER, _FILER = 8333, 9333, 8888
_ADMIN = (_MASTER, _MASTER + 10000, _FILER, _FILER + 10000)  # HTTP, and gRPC ten thousand above
_LEFT = "100MiB"
"""How much of the disk is left free, for the index of files. Unless told the server leaves a hundredth of the disk:
where that is a large one that others share, it takes nothing more while gigabytes are free."""
_DISK = {"dev": "20Gi", "staging": "100Gi", "prod": "500Gi"}


@dataclass(frozen=True)
class Store:
    """Where artifacts are, and which Secrets hold the keys to them."""

    address: StoreAddress
    """What the platform's ref says of it."""
    keys: tuple[pulumi.Resource, ...]
    """Those Secrets: whoever reads one by its name must come after it."""


def object_store(app: App, given: ObjectStore | None, around: Around, native: dict[str, pulumi.Resource]) -> Store:
    """Use the user's server, or run one."""
    return _given(app, given, around) if given else _own(app, native)


def _keys(
    app: App,
    who: str,
    server: str,
    region: str,
    pair: tuple[Input[str], Input[str]],
    *,
    ca: Input[str] | None = None,
    **kinds: str,
) -> k8s.core.v1.Secret:
    """Keep a pair of keys, with what KServe's storage initializer and Argo want to know beside it.

    Argo takes the authority's certificates from a Secret only.
    """
    parts = urlsplit(server)
    annotations = {
        "serving.kserve.io/s3-endpoint": parts.netloc,
        "serving.kserve.io/s3-usehttps": "1" if parts.scheme == "https" else "0",
        "serving.kserve.io/s3-region": region,
        "serving.kserve.io/s3-useanoncredential": "false",
        # The bucket in the path: KServe's agent would else look for it as a host of its own, which few servers have.
        "serving.kserve.io/s3-usevirtualbucket": "false",
        **{f"serving.kserve.io/{kind}": value for kind, value in kinds.items()},
    }
    part = _secret_name(who)
    values = {"AWS_ACCESS_KEY_ID": pair[0], "AWS_SECRET_ACCESS_KEY": pair[1]}
    values |= {} if ca is None else {trust.KEY: ca}
    return secret(app, part, values, annotations=annotations)


def _secret_name(who: str) -> str:
    return f"store-{who}"


def authority(app: App, part: str, certificates: Input[str]) -> Output[str]:
    """Keep the certificates of an authority where every container may read them; return the name of their place."""
    made = k8s.core.v1.ConfigMap(
        app.scope.child(part),
        metadata=app.metadata(app.name(part)),
        data={trust.KEY: certificates},
        opts=app.scope.opts,
    )
    return Output.all(made.metadata.name, made.urn).apply(lambda known: str(known[0]))


def _given(app: App, store: ObjectStore, around: Around) -> Store:
    pairs: dict[str, tuple[Input[str], Input[str]]] = {"writer": (store.access_key, store.secret_key)}
    if store.reader_access_key is not None and store.reader_secret_key is not None:
        pairs["reader"] = (store.reader_access_key, store.reader_secret_key)
    kinds = {"s3-usevirtualbucket": "false" if store.path_style else "true"}
    kinds |= {} if store.ca is None else {"s3-cabundle-configmap": app.name("store-ca")}
    keys = tuple(_keys(app, who, store.url, store.region, pair, ca=store.ca, **kinds) for who, pair in pairs.items())
    reader, writer = (app.name(_secret_name(who if who in pairs else "writer")) for who in ("reader", "writer"))
    door = outside.door("store", store.url, around)
    ca = None if store.ca is None else authority(app, "store-ca", store.ca)
    address = StoreAddress(
        url=store.url,
        bucket=store.bucket,
        region=store.region,
        reader=reader,
        writer=writer,
        door=door,
        mark=mark_of(*keys),
        path_style=store.path_style,
        ca=ca,
    )
    return Store(address, keys)


def _own(app: App, native: dict[str, pulumi.Resource]) -> Store:
    """Run one SeaweedFS process with its disk (https://github.com/seaweedfs/seaweedfs/wiki/Amazon-S3-API)."""
    scope, bucket = app.scope, "artifacts"
    users = {
        "reader": ["Read:artifacts", "List:artifacts"],
        "writer": ["Read:artifacts", "List:artifacts", "Write:artifacts", "Tagging:artifacts"],
        "admin": ["Admin"],
    }
    keys = {user: _generated(scope, user) for user in users}
    name = app.name("store")
    url = f"http://{app.host(name)}:{_PORT}"
    configuration = Output.json_dumps(
        {
            "identities": [
                {"name": user, "credentials": [{"accessKey": pair[0], "secretKey": pair[1]}], "actions": users[user]}
                for user, pair in keys.items()
            ]
        }
    )
    settings = secret(app, "store-users", {"s3.json": configuration})
    k8s.core.v1.Service(
        scope.child("store"),
        metadata=app.metadata(name),
        spec={
            # Its name leads to the pod itself. An address of the Service's own swallows every call while there is no
            # pod: a network policy, which names pods, drops it before anything refuses it.
            "cluster_ip": "None",
            "selector": app.selector,
            "ports": [
                {"name": name, "port": port, "target_port": port}
                for name, port in (("s3", _PORT), ("master", _MASTER), ("master-grpc", _MASTER + 10000))
            ],
        },
        opts=scope.opts,
    )
    server = _server(app, name, settings)
    native["artifacts"] = server
    _make_bucket(app, bucket, server)
    region = "us-east-1"  # what requests are signed for: this server takes any
    made = tuple(_keys(app, user, url, region, keys[user]) for user in ("reader", "writer"))
    reader, writer = (app.name(_secret_name(user)) for user in ("reader", "writer"))
    door = Door("store", _PORT, app.selector)
    address = StoreAddress(
        url=url, bucket=bucket, region=region, reader=reader, writer=writer, door=door, mark=mark_of(*made)
    )
    return Store(address, made)


def _generated(scope: Scope, user: str) -> tuple[Output[str], Output[str]]:
    """Make a pair of keys that nobody has to know."""
    pair = [
        random.RandomPassword(scope.child(f"store-{user}-{part}"), length=length, special=False, opts=scope.opts).result
        for part, length in (("key", 20), ("secret", 40))
    ]
    return pair[0], pair[1]


def _server(app: App, name: str, settings: k8s.core.v1.Secret) -> k8s.apps.v1.StatefulSet:
    scope = app.scope
    command = [
        "weed", "server", "-dir=/data", "-ip.bind=0.0.0.0", "-master.volumeSizeLimitMB=1024", "-volume.max=0",
        f"-volume.minFreeSpace={_LEFT}",
        "-filer.encryptVolumeData", "-s3", f"-s3.port={_PORT}", "-s3.config=/etc/seaweedfs/s3.json",
    ]  # fmt: skip
    container: Fields = {
        "name": "seaweedfs",
        "image": _IMAGE,
        "command": command,
        "working_dir": "/data",  # the filer keeps its index where it is started
        "ports": [{"name": "s3", "container_port": _PORT}, {"name": "master", "container_port": _MASTER}],
        "readiness_probe": {"http_get": {"path": "/status", "port": "s3"}, "period_seconds": 10},
        "liveness_probe": {"tcp_socket": {"port": "s3"}, "initial_delay_seconds": 30, "period_seconds": 20},
        "resources": resources("500m", "1Gi"),
        "volume_mounts": [
            {"name": "data", "mount_path": "/data"},
            {"name": "users", "mount_path": "/etc/seaweedfs", "read_only": True},
        ],
    }
    users = {"name": "users", "secret": {"secret_name": settings.metadata.name}}
    # The server reads its users once: other users are another pod.
    mark = settings.data.apply(lambda data: content_name("users", data or {}))
    return k8s.apps.v1.StatefulSet(
        scope.child("store-server"),
        metadata=app.metadata(name),
        spec={
            "service_name": name,
            "replicas": 1,
            "selector": {"match_labels": app.selector},
            "template": app.pod(container, volumes=[users], annotations={"users": Output.unsecret(mark)}),
            "volume_claim_templates": [
                {
                    "metadata": {"name": "data"},
                    "spec": {
                        "access_modes": ["ReadWriteOnce"],
                        "resources": {"requests": {"storage": _DISK[scope.profile.name]}},
                    },
                }
            ],
        },
        opts=scope.guarded(),
    )


def _make_bucket(app: App, bucket: str, server: k8s.apps.v1.StatefulSet) -> None:
    """Make the bucket, once: a Job cannot change, so another script is another Job."""
    scope = app.scope
    setup = replace(app, kind="seaweedfs-setup")
    # Making a bucket that is there is an error of the shell's, and no error for us.
    shell = f"weed shell -master={app.name('store')}:{_MASTER}"
    script = f"echo 's3.bucket.list' | {shell} | grep -qw {bucket} || echo 's3.bucket.create -name {bucket}' | {shell}"
    command = ["/bin/sh", "-ec", script]
    access.allow(
        setup,
        "store-setup",
        setup.selector,
        egress=[{"to": [access.pods(app.selector)], "ports": access.ports(*_ADMIN)}],
    )
    access.allow(
        app,
        "store-administration",
        app.selector,
        ingress=[{"from_": [access.pods(setup.selector)], "ports": access.ports(*_ADMIN)}],
    )
    container = {"name": "setup", "image": _IMAGE, "command": command, "resources": resources("100m", "128Mi")}
    k8s.batch.v1.Job(
        scope.child("store-setup"),
        metadata=setup.job_metadata(content_name(app.name("store-setup"), container)),
        spec={
            "backoff_limit": 6,
            "active_deadline_seconds": 600,
            "template": setup.pod(container, restart_policy="OnFailure"),
        },
        opts=once(after(scope.opts, server)),
    )
