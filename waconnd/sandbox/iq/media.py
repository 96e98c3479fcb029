"""Where to upload and download."""

from __future__ import annotations

from protocol.node import Attr, Node
from waconnd.sandbox.core import Core
from waconnd.sandbox.media import AUTH_SECONDS, HOST_SECONDS
from waconnd.sandbox.state import Device


def handle(core: Core, device: Device, iq: Node) -> list[Node]:
    """`xmlns="w:m"`: an auth and the hosts, the primary first."""
    hosts = []
    for place, name in enumerate(core.blobs.hosts or ["mmg.whatsapp.net"]):
        attrs: dict[str, Attr] = {"hostname": name, "type": "fallback" if place else "primary"}
        hosts.append(Node("host", attrs, [Node("upload"), Node("download")]))
    attrs = {
        "auth": core.blobs.new_auth(core.now),
        "ttl": str(HOST_SECONDS),
        "auth_ttl": str(AUTH_SECONDS),
        "max_buckets": "12",
    }
    return [Node("media_conn", attrs, list(hosts))]
