"""Media hosts: asking for them, and the URLs of uploads and downloads (reference 03, 5.4 to 5.7)."""

from __future__ import annotations

import base64
from typing import Final
from urllib.parse import quote, urlencode

import msgspec

from protocol.effects import Ask
from protocol.jid import SERVER, Jid
from protocol.node import BadNode, Node

#: Kind → part of the path. What is missing here is its own name.
_PATH: Final = {"sticker": "image", "gif": "video", "ptv": "video", "ptt": "audio", "image": "image"}
#: These serve any valid direct path, without a connection too.
WELL_KNOWN: Final = ("mmg.whatsapp.net", "mmg-fallback.whatsapp.net")


class Host(msgspec.Struct, frozen=True):
    """One media host."""

    name: str
    primary: bool = True
    max_bytes: int = 0


class Hosts(msgspec.Struct, frozen=True):
    """The answer to media_conn: where to, with which token, until when (seconds from the answer)."""

    auth: str
    ttl: int
    hosts: tuple[Host, ...]

    def __repr__(self) -> str:
        return f"Hosts({[host.name for host in self.hosts]}, ttl={self.ttl})"


class BadDirectPath(ValueError):
    """A path that could lead to another host."""


def media_conn() -> Ask[Hosts]:
    """Ask for media hosts; primary ones come first."""
    attrs: dict[str, str | Jid] = {"xmlns": "w:m", "type": "set", "to": SERVER}
    return Ask(Node("iq", attrs, [Node("media_conn")]), _hosts)


def _hosts(reply: Node) -> Hosts:
    conn = reply.need("media_conn")
    hosts = [
        Host(
            node.text("hostname"),
            node.text("type", "primary") == "primary",
            node.number("maxContentLengthBytes"),
        )
        for node in conn.all("host")
        if node.text("hostname")
    ]
    if not hosts or not conn.text("auth"):
        raise BadNode("media_conn names no host or no auth")
    ttl = min(conn.number("ttl", 300), conn.number("auth_ttl", 300))
    return Hosts(conn.text("auth"), ttl, tuple(sorted(hosts, key=lambda host: not host.primary)))


def token(digest: bytes, *, padded: bool = False) -> str:
    """A hash as it stands in a URL."""
    text = base64.urlsafe_b64encode(digest).decode()
    return text if padded else text.rstrip("=")


def path_kind(kind: str) -> str:
    """The part of the path (and `mms-type`) of a kind."""
    return _PATH.get(kind, kind)


def upload_url(
    host: str, kind: str, digest: bytes, auth: str, *, newsletter: bool = False, scheme: str = "https"
) -> str:
    """Where a file goes; `digest` is that of the encrypted file, for channels that of the plain one."""
    part = path_kind(kind)
    where = f"newsletter/newsletter-{part}" if newsletter else f"mms/{part}"
    name = token(digest)
    return f"{scheme}://{host}/{where}/{name}?" + urlencode({"auth": auth, "token": name})


def download_url(host: str, direct_path: str, digest: bytes, kind: str, *, scheme: str = "https") -> str:
    """Where a file lies. Refuses paths that could name another host."""
    if not direct_path.startswith("/") or direct_path.startswith("//") or "\\" in direct_path:
        raise BadDirectPath("the message's media path is no path on a media host")
    joint = "&" if "?" in direct_path else "?"
    query = f"mms-type={quote(path_kind(kind))}&__wa-mms="
    if digest:
        query = f"hash={quote(token(digest, padded=True), safe='')}&{query}"
    return f"{scheme}://{host}{direct_path}{joint}{query}"


def delete_url(
    host: str,
    kind: str,
    direct_path: str,
    digest: bytes,
    auth: str,
    *,
    enc_handle: str = "",
    scheme: str = "https",
) -> str:
    """How a history blob is deleted once it was read."""
    name = token(digest, padded=True)
    bare = direct_path.split("?", 1)[0]
    query = {
        "token": name,
        "d_md": base64.urlsafe_b64encode(bare.encode()).decode().rstrip("="),
        "auth": auth,
    }
    if enc_handle:
        query["e_handle"] = enc_handle
    return f"{scheme}://{host}/mms/{path_kind(kind)}/{name}?" + urlencode(query)


def retry_receipt(
    id: str, own: Jid, chat: Jid, payload: bytes, iv: bytes, *, from_me: bool, participant: Jid | None
) -> Node:
    """Ask the own phone to upload a message's file again."""
    rmr: dict[str, str | Jid] = {"jid": chat, "from_me": "true" if from_me else "false"}
    if participant is not None:
        rmr["participant"] = participant
    encrypt = Node("encrypt", {}, [Node("enc_p", {}, payload), Node("enc_iv", {}, iv)])
    attrs: dict[str, str | Jid] = {"type": "server-error", "id": id, "to": own.bare}
    return Node("receipt", attrs, [encrypt, Node("rmr", rmr)])
