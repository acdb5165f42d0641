"""One repository of an OCI registry over HTTP: signing in, trying again, saying what failed.

The oras client knows tokens and Docker's configuration; its own requests have no time-out,
wait two minutes on a wrong password and hold a whole file in memory, so requests are made here.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator, Mapping
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import IO
from urllib.parse import urljoin

import oras.auth
import oras.container
import requests

from mlops_steps.errors import ConfigError, InfrastructureError, UndecidedError
from mlops_steps.registry.layers import MANIFEST_TYPE

#: Seconds to wait before each further try.
BACKOFF = (0.5, 1.0, 2.0)
#: Seconds to wait for a connection, and for the next bytes.
_PATIENCE = (10, 120)
_BUSY = frozenset({429, 500, 502, 503, 504})
_BLOCK = 1 << 20


def credentials(host: str) -> tuple[str, str]:
    """User and password for a registry from the environment; empty where there are none."""
    env = os.environ
    password = env.get("MLOPS_REGISTRY_PASSWORD", "")
    if password:
        return env.get("MLOPS_REGISTRY_USER") or "token", password
    # The job's own token is for the platform's own registry, and for no other host.
    if host == env.get("CI_REGISTRY"):
        return env.get("CI_REGISTRY_USER", ""), env.get("CI_REGISTRY_PASSWORD", "")
    return "", ""


class Wire:
    """Blobs, manifests and tags of one repository.

    Every method raises ConfigError when the registry refuses the user, and
    InfrastructureError when it does not answer or answers with something else.
    """

    def __init__(self, address: str, host: str, path: str, *, plain: bool) -> None:
        """Nothing is sent yet."""
        self._address = address
        self._base = f"{'http' if plain else 'https'}://{host}/v2/{path}/"
        self._session = requests.Session()
        # Some registries take a cookie as a sign of a browser and then ask for more.
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._session.trust_env = not plain  # a proxy has no business on loopback
        self._auth = oras.auth.get_auth_backend("token", self._session, insecure=plain)
        self._user, password = credentials(host)
        if password:
            self._auth.set_basic_auth(self._user, password)
        else:
            self._auth.load_configs(oras.container.Container(f"{host}/{path}"))
        self._authorization: dict[str, str] = {}

    def tags(self) -> list[str]:
        """All tags; none when the repository does not exist yet."""
        found: list[str] = []
        link = "tags/list?n=1000"
        while link:
            response = self._ask("GET", link, good=(200, 404))
            if response.status_code == 404:
                return []
            found += response.json().get("tags") or []
            link = response.links.get("next", {}).get("url", "")
        return found

    def manifest(self, tag: str) -> bytes | None:
        """The manifest that a tag names.

        Raises:
            UndecidedError: The server's copy is not what the server says it is.
        """
        accept = {"Accept": MANIFEST_TYPE}
        response = self._ask("GET", f"manifests/{tag}", headers=accept, good=(200, 404))
        if response.status_code == 404:
            return None
        content: bytes = response.content
        stated = response.headers.get("Docker-Content-Digest")
        if stated and stated != f"sha256:{hashlib.sha256(content).hexdigest()}":
            raise UndecidedError(f"{self._address}: the manifest of {tag} was changed")
        return content

    def put_manifest(self, tag: str, content: bytes) -> None:
        """Let a tag name this manifest: one request, so readers see the old or the new."""
        headers = {"Content-Type": MANIFEST_TYPE}
        self._ask("PUT", f"manifests/{tag}", data=content, headers=headers, good=(201,))

    def has_blob(self, digest: str) -> bool:
        """Whether the repository holds a blob."""
        return self._ask("HEAD", f"blobs/{digest}", good=(200, 404)).status_code == 200

    def put_blob(self, data: bytes | IO[bytes], digest: str) -> None:
        """Upload a blob unless it is there already."""
        if self.has_blob(digest):
            return
        location = self._ask("POST", "blobs/uploads/", good=(202,)).headers["Location"]
        mark = "&" if "?" in location else "?"
        headers = {"Content-Type": "application/octet-stream"}
        self._ask(
            "PUT", f"{location}{mark}digest={digest}", data=data, headers=headers, good=(201,)
        )

    def get_blob(self, digest: str, target: Path) -> None:
        """Download a blob to a file.

        Raises:
            UndecidedError: What came is not what the digest says, or it is not there.
        """
        with self._ask("GET", f"blobs/{digest}", stream=True, good=(200, 404)) as response:
            if response.status_code == 404:
                raise UndecidedError(f"{self._address}: part {digest} is missing")
            got = hashlib.sha256()
            with target.open("wb") as stream:
                for block in self._blocks(response):
                    got.update(block)
                    stream.write(block)
        if f"sha256:{got.hexdigest()}" != digest:
            raise UndecidedError(f"{self._address}: part {digest} was changed; it is not used")

    def _blocks(self, response: requests.Response) -> Iterator[bytes]:
        try:
            yield from response.iter_content(_BLOCK)
        except requests.RequestException as error:
            raise InfrastructureError(
                f"{self._address}: a download broke off ({type(error).__name__})"
            ) from None

    def _ask(
        self,
        method: str,
        link: str,
        *,
        good: tuple[int, ...],
        data: bytes | IO[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
        stream: bool = False,
    ) -> requests.Response:
        """Send a request until the server answers it, signing in when it asks for that."""
        signed_in = False
        waits = iter(BACKOFF)
        while True:
            if data is not None and not isinstance(data, bytes):
                data.seek(0)
            try:
                response = self._session.request(
                    method,
                    urljoin(self._base, link),
                    data=data,
                    headers={**(headers or {}), **self._authorization},
                    stream=stream,
                    timeout=_PATIENCE,
                )
                trouble = f"answers {response.status_code} {response.reason}"
                if response.status_code == 401 and not signed_in:
                    signed_in = True
                    self._sign_in(response)
                    continue
                if response.status_code not in _BUSY:
                    break
            except requests.RequestException as error:
                trouble = f"does not answer ({type(error).__name__})"
            wait = next(waits, None)
            if wait is None:
                tries = len(BACKOFF) + 1
                raise InfrastructureError(f"{self._address} {trouble}, tried {tries} times")
            time.sleep(wait)
        if response.status_code in {401, 403}:
            raise self._refused(f"{response.status_code} {response.reason}")
        if response.status_code not in good:
            raise InfrastructureError(
                f"{self._address} {trouble} to {method} {link.partition('?')[0]}: "
                f"{response.text[:200]}"
            )
        return response

    def _sign_in(self, response: requests.Response) -> None:
        """Answer the server's challenge: a password, or a token got for a password."""
        challenge = response.headers.get("WWW-Authenticate", "")
        if challenge.lower().startswith("basic"):
            known = getattr(self._auth, "_basic_auth", "")
            self._authorization = {"Authorization": f"Basic {known}"} if known else {}
            return
        if "realm=" not in challenge:
            raise self._refused("it names no place to sign in")
        # The token at hand does not do: it has expired, or it may only read.
        self._authorization, changed = self._auth.authenticate_request(response, {}, refresh=True)
        if not changed:
            raise self._refused("it gives no token")

    def _refused(self, answer: str) -> ConfigError:
        who = f"user {self._user}" if self._user else "no user was given"
        return ConfigError(
            f"{self._address} refused the request ({answer}; {who}). MLOPS_REGISTRY_USER and "
            "MLOPS_REGISTRY_PASSWORD have to name a user who may read and write there"
        )
