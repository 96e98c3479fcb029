"""Which devices a person has: the usync question, its answer, and the notifications of change (reference 02, 6)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, Literal

import msgspec

from protocol.jid import HOSTED, HOSTED_LID, LID, SERVER, USER, Jid
from protocol.node import Node

#: Users in one question; nobody knows the server's limit, whatsmeow sends all in one.
MAX_USERS: Final = 250


class Device(msgspec.Struct, frozen=True, omit_defaults=True):
    """One device of somebody: its number, and its place in the signed list (0 for the phone)."""

    id: int
    key_index: int = 0
    hosted: bool = False

    def jid(self, user: Jid) -> Jid:
        """Its address under the given name of the person."""
        if self.hosted:
            return Jid(user.user, HOSTED_LID if user.is_lid else HOSTED, self.id)
        return Jid(user.user, LID if user.is_lid else USER, self.id)


class UserDevices(msgspec.Struct, frozen=True, kw_only=True):
    """One person in the answer."""

    user: Jid
    devices: tuple[Device, ...] = ()
    #: ADVSignedKeyIndexList, not yet verified.
    key_index_list: bytes = b""
    hash: str = ""
    lid: Jid | None = None
    #: The server refused this user; the others stand.
    error: int = 0
    #: The answer had no device part for this user at all.
    unknown: bool = False


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A `devices` notification: what was added or removed, or (`complete`) the whole new list."""

    user: Jid
    lid: Jid | None
    kind: Literal["add", "remove", "update", "complete"]
    devices: tuple[Device, ...] = ()
    key_index_list: bytes = b""
    hash: str = ""


def query(users: Sequence[Jid], sid: str, *, context: str = "message") -> Node:
    """Ask for the devices and hidden ids of these people. Names without device."""
    return Node(
        "iq",
        {"xmlns": "usync", "type": "get", "to": SERVER},
        [
            Node(
                "usync",
                {"sid": sid, "mode": "query", "last": "true", "index": "0", "context": context},
                [
                    Node("query", {}, [Node("devices", {"version": "2"}), Node("lid")]),
                    Node("list", {}, [Node("user", {"jid": user.bare}) for user in users]),
                ],
            )
        ],
    )


def parse(reply: Node) -> list[UserDevices]:
    """Read the answer: one entry for each user that it names."""
    users = reply.need("usync").child("list")
    return [_user(node) for node in users.all("user")] if users else []


def _user(node: Node) -> UserDevices:
    user = node.need_jid("jid").bare
    part, lid = node.child("devices"), node.child("lid")
    hidden = lid.jid("val") if lid else None
    if part is None:
        return UserDevices(user=user, lid=hidden, unknown=True)
    if (error := part.child("error")) is not None:
        return UserDevices(user=user, lid=hidden, error=error.number("code", 500))
    listed, signed = part.child("device-list"), part.child("key-index-list")
    return UserDevices(
        user=user,
        devices=tuple(_devices(listed)) if listed else (),
        key_index_list=signed.content_bytes() if signed else b"",
        hash=listed.text("hash") if listed else "",
        lid=hidden,
        unknown=listed is None,
    )


def _devices(listed: Node) -> Iterator[Device]:
    for node in listed.all("device"):
        device = _device(node.number("id", -1), node)
        if device is not None:
            yield device


def _device(id: int, node: Node) -> Device | None:
    """None for what cannot be addressed: a companion without key index only earns a bad request."""
    if id < 0 or (id and "key-index" not in node.attrs):
        return None
    return Device(id, node.number("key-index"), node.text("is_hosted") == "true")


def parse_change(node: Node) -> Change | None:
    """Read `<notification type="devices">`, or the devices part of `account_sync`; None when there is none."""
    user = node.need_jid("from").bare
    lid = node.jid("lid")
    kinds: tuple[Literal["add", "remove", "update"], ...] = ("add", "remove", "update")
    for kind in kinds:
        part = node.child(kind)
        if part is not None:
            hash = part.text("device_hash") or part.text("hash")
            return Change(
                user=user,
                lid=lid.bare if lid else None,
                kind=kind,
                devices=tuple(_named(part, needs_index=kind == "add")),
                key_index_list=_signed(part),
                hash=hash,
            )
    whole = node.child("devices")
    if whole is None:
        return None
    return Change(
        user=user,
        lid=lid.bare if lid else None,
        kind="complete",
        devices=tuple(_named(whole, needs_index=True)),
        key_index_list=_signed(whole),
        hash=whole.text("dhash"),
    )


def _signed(part: Node) -> bytes:
    signed = part.child("key-index-list")
    return signed.content_bytes() if signed else b""


def _named(part: Node, *, needs_index: bool) -> Iterator[Device]:
    for node in part.all("device"):
        jid = node.jid("jid")
        if jid is None or (needs_index and jid.device and "key-index" not in node.attrs):
            continue
        yield Device(jid.device, node.number("key-index"), jid.is_hosted)
