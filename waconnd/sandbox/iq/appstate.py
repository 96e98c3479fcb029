"""App state: versions, patches and conflicts. What stands in a patch is the devices' own affair (reference 04, 9.4)."""

from __future__ import annotations

from google.protobuf.message import DecodeError

from protocol.jid import SERVER
from protocol.node import Attr, Node
from protocol.pb.sync_pb2 import SyncdPatch
from waconnd.sandbox.core import Core, Refused
from waconnd.sandbox.state import Account, Collection, Device


def handle(core: Core, device: Device, iq: Node) -> list[Node]:
    """`xmlns="w:sync:app:state"`: each collection is read or written on its own."""
    answers = []
    for asked in iq.need("sync").all("collection"):
        name = asked.text("name")
        collection = device.account.collections.get(name)
        error = core.faults.collection_error(name)
        if error:
            answers.append(_error(name, error, "refused on demand"))
        elif collection is None:
            answers.append(_error(name, 404, "item-not-found"))
        elif (patch := asked.child("patch")) is not None:
            answers.append(
                _push(core, device, name, collection, asked.number("version"), patch.content_bytes())
            )
        else:
            answers.append(_fetch(core, name, collection, asked))
    return [Node("sync", {}, list(answers))]


def _error(name: str, code: int, text: str, *more: Node, **attrs: Attr) -> Node:
    error = Node("error", {"code": str(code), "text": text})
    return Node("collection", {"name": name, "type": "error", **attrs}, [error, *more])


def _patches(core: Core, collection: Collection, since: int) -> tuple[list[Node], bool]:
    versions = range(since + 1, collection.version + 1)
    page = versions[: core.knobs.patch_page]
    patches = [Node("patch", {}, collection.patches[v]) for v in page if v in collection.patches]
    return ([Node("patches", {}, list(patches))] if patches else []), len(page) < len(versions)


def _fetch(core: Core, name: str, collection: Collection, asked: Node) -> Node:
    since = asked.number("version")
    children = []
    if asked.text("return_snapshot") == "true" or not since:
        since = 0
        if collection.snapshot is not None:
            since, reference = collection.snapshot
            children.append(Node("snapshot", {}, reference))
    patches, more = _patches(core, collection, since)
    attrs: dict[str, Attr] = {
        "name": name,
        "version": str(min(collection.version, since + core.knobs.patch_page)),
    }
    if more:
        attrs["has_more_patches"] = "true"
    return Node("collection", attrs, [*children, *patches] or None)


def _push(core: Core, device: Device, name: str, collection: Collection, base: int, patch: bytes) -> Node:
    if base != collection.version or core.faults.take_conflict(name):
        patches, more = _patches(core, collection, base)
        attrs: dict[str, Attr] = {"version": str(collection.version)}
        if more:
            attrs["has_more_patches"] = "true"
        return _error(name, 409, "conflict", *patches, **attrs)
    try:
        store(core, device.account, name, patch, by=device)
    except DecodeError as error:
        raise Refused(400, "bad-request") from error
    return Node("collection", {"name": name, "version": str(collection.version)})


def store(core: Core, account: Account, name: str, patch: bytes, *, by: Device) -> int:
    """Append a patch, whoever made it, and tell the other devices. Returns the new version."""
    collection = account.collections[name]
    parsed = SyncdPatch.FromString(patch)
    collection.version += 1
    parsed.version.version = collection.version
    collection.patches[collection.version] = parsed.SerializeToString()
    content = [Node("collection", {"name": name, "version": str(collection.version)})]
    for other in account.devices.values():
        if other is not by:
            _drop_older(other, name)
            core.notify(other, "server_sync", SERVER, content)
    return collection.version


def _drop_older(device: Device, name: str) -> None:
    """Of the hints that wait for an absent device, the newest of each collection is enough."""
    for key, queued in list(device.queue.items()):
        node = queued.node
        if queued.sent or node.tag != "notification" or node.text("type") != "server_sync":
            continue
        if [child.text("name") for child in node.children] == [name]:
            del device.queue[key]
