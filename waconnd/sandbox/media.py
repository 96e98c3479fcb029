"""What the media hosts hold and their rules; `hosts.py` puts HTTP around it."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from typing import Final, NamedTuple
from urllib.parse import parse_qs, urlsplit

import msgspec

from protocol.crypto.primitives import sha256
from waconnd.sandbox.seed import Seeded

#: Seconds for which an `auth` and the list of hosts are good.
AUTH_SECONDS: Final = 21600
HOST_SECONDS: Final = 300
#: Larger uploads are refused, so that a runaway test can't fill the memory.
MAX_BLOB: Final = 256 * 1024 * 1024
#: Paths of pictures; those are not encrypted and have no hash in their address.
PICTURES: Final = "/v/t61.24694-24/"
FILES: Final = "/v/t62.7118-24/"


class Answer(NamedTuple):
    """An HTTP response."""

    status: int
    body: bytes = b""
    type: str = "application/octet-stream"
    headers: tuple[tuple[str, str], ...] = ()


class Blobs:
    """Files by path. Uploads are checked as the real hosts check them."""

    def __init__(self, random: Seeded) -> None:
        self._random = random
        self.files: dict[str, bytes] = {}
        self._partial: dict[str, bytes] = {}
        self.auths: dict[str, float] = {}
        #: "host:port" of each media host, set by whoever serves them; the first is primary.
        self.hosts: list[str] = []
        #: Status codes that the next requests get instead of their answer, oldest first.
        self.refuse: list[int] = []
        #: Larger files are refused.
        self.largest = MAX_BLOB
        self.uploads = 0
        self.downloads = 0
        self.bytes_up = 0

    def new_auth(self, now: float) -> str:
        """A fresh `auth`; older ones live on until they expire."""
        auth = urlsafe_b64encode(self._random(24)).decode().rstrip("=")
        self.auths[auth] = now + AUTH_SECONDS
        return auth

    def expire_auths(self) -> None:
        """Every `auth` given out so far is void."""
        self.auths.clear()

    def put(self, data: bytes, prefix: str = FILES, suffix: str = ".enc") -> str:
        """Store a file and return its direct path. Equal bytes have one path."""
        digest = sha256(data)
        name = urlsafe_b64encode(digest[:18]).decode()
        path = f"{prefix}{int.from_bytes(digest[18:24], 'big')}_{name}_n{suffix}"
        self.files[path] = data
        return f"{path}?ccb=11-4&oh=01_{name}&oe=7FFFFFFF&_nc_sid=5e03e0"

    def url(self, direct_path: str) -> str:
        """The address under which the real service would show it."""
        return f"https://{self.hosts[0] if self.hosts else 'mmg.whatsapp.net'}{direct_path}"

    def get(self, direct_path: str) -> bytes | None:
        """A file by direct path, as the simulated devices read it."""
        return self.files.get(urlsplit(direct_path).path)

    def drop(self, direct_path: str) -> None:
        """The file has expired."""
        self.files.pop(urlsplit(direct_path).path, None)

    def answer(self, method: str, target: str, body: bytes, now: float) -> Answer:
        """One HTTP request."""
        parts = urlsplit(target)
        if self.refuse:
            status = self.refuse.pop(0)
            extra = (("Retry-After", "1"),) if status == 429 else ()
            return Answer(status, b"", "text/plain", extra)
        if method in ("GET", "HEAD"):
            return self._download(parts.path)
        if method == "POST":
            return self._upload(parts.path, parse_qs(parts.query, keep_blank_values=True), body, now)
        return Answer(405)

    def _download(self, path: str) -> Answer:
        data = self.files.get(path)
        if data is None:
            return Answer(404)
        self.downloads += 1
        return Answer(200, data)

    def _upload(self, path: str, query: dict[str, list[str]], body: bytes, now: float) -> Answer:
        auth = query.get("auth", [""])[0]
        if self.auths.get(auth, 0.0) < now:
            return _said(401, {"error": "the auth of this upload is unknown or too old"})
        token = path.rsplit("/", 1)[-1]
        wanted = _unbase64(token)
        if len(wanted) != 32 or query.get("token", [token])[0].rstrip("=") != token.rstrip("="):
            return _said(
                400, {"error": "the token must be the hash of the file, in the path and in the query"}
            )
        if query.get("resume") == ["1"]:
            have = len(self._partial.get(token, b""))
            return _said(200, {"resume": str(have)})
        if "file_offset" in query:
            offset = query["file_offset"][0]
            body = self._partial.get(token, b"")[: int(offset) if offset.isdigit() else 0] + body
        if len(body) > self.largest:
            return _said(413, {"error": "the file is too large"})
        if sha256(body) != wanted:
            self._partial[token] = body
            return _said(400, {"error": "the hash of the body is not the token"})
        self._partial.pop(token, None)
        self.uploads += 1
        self.bytes_up += len(body)
        direct_path = self.put(body)
        handle = urlsafe_b64encode(self._random(18)).decode()
        return _said(
            200,
            {"url": self.url(direct_path), "direct_path": direct_path, "handle": handle, "object_id": handle},
        )


def _unbase64(text: str) -> bytes:
    try:
        return urlsafe_b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4))
    except (Base64Error, ValueError):
        return b""


def _said(status: int, body: dict[str, str]) -> Answer:
    return Answer(status, msgspec.json.encode(body), "application/json")
