"""Files of the platform's object store, read through the API server as MLflow is: nothing of it is open to the outside.

What a request is signed with: https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
"""

import base64
import contextlib
import datetime as dt
import hashlib
import hmac
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import quote, urlsplit

from pulumi_mlops.backends.kubernetes import live
from pulumi_mlops.backends.kubernetes.addresses import PlatformAddress, StoreAddress
from pulumi_mlops.backends.kubernetes.tracking import Forwarded, forward
from pulumi_mlops.clients.lineage import Known, Unknown
from pulumi_mlops.components.platform import PlatformRef
from pulumi_mlops.core.errors import MlopsError

_SECONDS = 30
_WORDS = ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY")
_NOTHING = hashlib.sha256(b"").hexdigest()
_SIGNED = "host;x-amz-content-sha256;x-amz-date"


def text(platform: PlatformRef, address: str) -> Known[str]:
    """Read a file of the object store, or say why it cannot be read."""
    try:
        return _text(platform, address)
    except MlopsError as error:
        return Unknown(str(error))


def _text(platform: PlatformRef, address: str) -> str:
    store = PlatformAddress.of(platform).store
    bucket, _, key = address.removeprefix("s3://").partition("/")
    if bucket != store.bucket:
        raise MlopsError(f"{address} is in another store than the platform's")
    path = f"/{bucket}/{quote(key)}"
    headers = signed(store, path, _login(platform, store.reader), dt.datetime.now(tz=dt.UTC))
    try:
        with contextlib.closing(_connection(platform, store)) as connection:
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            body = answer.read()
    except (OSError, HTTPException) as error:
        raise MlopsError(f"the object store {store.url} does not answer: {error or type(error).__name__}") from error
    if answer.status != HTTPStatus.OK:
        gone = answer.status == HTTPStatus.NOT_FOUND
        raise MlopsError(
            f"{address} is {'not there any more' if gone else f'refused: {answer.status} {answer.reason}'}"
        )
    return body.decode()


def _login(platform: PlatformRef, secret: str) -> tuple[str, str]:
    found = live.namespaced(platform, "v1", "secrets", secret)
    if found is None:
        raise MlopsError(f"the key of the object store is gone: Secret {secret}")
    user, password = (base64.b64decode(found["data"][f"AWS_{word}"]).decode() for word in _WORDS)
    return user, password


def _connection(platform: PlatformRef, store: StoreAddress) -> HTTPConnection:
    parts = urlsplit(store.url)
    if store.door.pods is not None:
        if parts.scheme == "https":
            raise MlopsError(
                f"The object store at {store.url} is not asked from outside: it speaks TLS in the cluster."
            )
        return Forwarded(lambda: forward(platform, store.door))
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    return kind(parts.hostname or "", parts.port, timeout=_SECONDS)


def signed(store: StoreAddress, path: str, login: tuple[str, str], now: dt.datetime) -> dict[str, str]:
    """Sign a request for a file."""
    key, secret = login
    moment, day = now.strftime("%Y%m%dT%H%M%SZ"), now.strftime("%Y%m%d")
    host = urlsplit(store.url).netloc
    headers = {"host": host, "x-amz-content-sha256": _NOTHING, "x-amz-date": moment}
    listed = "".join(f"{name}:{value}\n" for name, value in headers.items())
    scope = f"{day}/{store.region}/s3/aws4_request"
    request = hashlib.sha256(f"GET\n{path}\n\n{listed}\n{_SIGNED}\n{_NOTHING}".encode()).hexdigest()
    made = f"AWS4{secret}".encode()
    for word in (day, store.region, "s3", "aws4_request"):
        made = hmac.new(made, word.encode(), hashlib.sha256).digest()
    to_sign = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{request}"
    signature = hmac.new(made, to_sign.encode(), hashlib.sha256).hexdigest()
    login_of = f"AWS4-HMAC-SHA256 Credential={key}/{scope}, SignedHeaders={_SIGNED}, Signature={signature}"
    return {**headers, "Authorization": login_of}
