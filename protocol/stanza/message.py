"""`<message>`: what arrives as one typed value, and the forms in which messages leave (reference 02, 8 and 9)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from protocol.jid import HOSTED, HOSTED_LID, LID, USER, Jid
from protocol.node import Attr, BadNode, Node

PAIRWISE: Final = ("msg", "pkmsg")
GROUP_CIPHER: Final = "skmsg"
BOT_CIPHER: Final = "msmsg"

#: Ciphertexts in one stanza: two are usual, a few are seen; more is somebody's attempt to keep us busy.
MAX_ENCS: Final = 8


class Enc(msgspec.Struct, frozen=True):
    """One ciphertext for this device."""

    type: str
    data: bytes
    version: int = 2
    #: Which retry of ours this answers; 0 on a first delivery.
    count: int = 0
    #: The sender asks that no placeholder be shown when it cannot be read.
    hide: bool = False


class Incoming(msgspec.Struct, frozen=True, kw_only=True):
    """A message stanza, its addresses sorted out. Nothing is decrypted yet."""

    id: str
    #: Without device; hosted names are read as the plain ones.
    chat: Jid
    #: With device, as the stanza says it; hosted names are kept, the Signal session is filed under them.
    sender: Jid
    from_me: bool
    #: Unix seconds, the server's.
    at: int
    type: str
    encs: tuple[Enc, ...] = ()
    #: The same people under their other name (number or hidden id), when the stanza tells.
    sender_alt: Jid | None = None
    chat_alt: Jid | None = None
    push_name: str = ""
    edit: str = ""
    #: `lid` or `pn` in groups.
    addressing: str = ""
    peer: bool = False
    offline: bool = False
    #: The stanza came as `<status>`: its ack has another class, all else is the same.
    is_status_stanza: bool = False
    #: None: nothing is unavailable. Otherwise its type, which may be empty.
    unavailable: str | None = None
    plaintext: bytes | None = None
    server_id: str = ""
    meta: Mapping[str, str] = {}
    #: The envelope's own addresses: receipts and acks echo them unchanged (reference 01, 7.7).
    from_: Jid
    participant: Jid | None = None
    recipient: Jid | None = None

    def __repr__(self) -> str:
        return f"Incoming({self.id}, <{len(self.encs)} ciphertexts>)"

    @property
    def is_group_like(self) -> bool:
        """Groups, status and lists: one sender key for many."""
        return self.chat.is_group or self.chat.is_broadcast

    @property
    def retry_count(self) -> int:
        """Which retry of ours this stanza answers, 0 when none."""
        return max((enc.count for enc in self.encs), default=0)

    @property
    def hidden(self) -> bool:
        """No placeholder when unreadable: a reaction, an edit, a vote."""
        return any(enc.hide for enc in self.encs)

    @property
    def author(self) -> Jid:
        """The person who sent it: without device, hosted names plain."""
        return plain(self.sender)


def plain(jid: Jid) -> Jid:
    """The person behind a device: no device, and a device in Meta's cloud is still that person."""
    server = {HOSTED: USER, HOSTED_LID: LID}.get(jid.server, jid.server)
    return jid.bare if server == jid.server else Jid(jid.user, server)


def parse(node: Node, me: Sequence[Jid]) -> Incoming:
    """Read a message stanza. `me`: our own addresses. Raises BadNode (answer with 487)."""
    from_, participant, recipient = node.need_jid("from"), node.jid("participant"), node.jid("recipient")
    id = node.text("id")
    if not id:
        raise BadNode("<message> has no id")
    own = {(jid.user, jid.is_lid) for jid in me}
    meta = node.child("meta")
    sender, chat = from_, plain(from_)
    if from_.is_group or from_.is_broadcast:
        sender = node.need_jid("participant")
    from_me = sender.is_user and (sender.user, sender.is_lid) in own
    chat_alt: Jid | None = None
    if from_me and from_.is_user:
        chat = plain(recipient) if recipient else chat
        chat_alt = _alt(node, chat, "peer_recipient", "recipient")
    elif recipient is not None and from_.is_user:
        raise BadNode("<message> names a recipient but is not from us")
    elif meta is not None and (target := meta.jid("target_chat_jid")) and not from_.is_group:
        chat = plain(target)
    prefix = "participant" if sender is not from_ else "sender"
    unavailable, plaintext = node.child("unavailable"), node.child("plaintext")
    encs = tuple(_enc(child) for child in node.all("enc"))
    if len(encs) > MAX_ENCS:
        raise BadNode(f"<message> with {len(encs)} ciphertexts; {MAX_ENCS} is the limit")
    return Incoming(
        id=id,
        chat=chat,
        sender=sender,
        from_me=from_me,
        at=node.number("t"),
        type=node.text("type"),
        encs=encs,
        sender_alt=_alt(node, sender, prefix),
        chat_alt=chat_alt,
        push_name=node.text("notify"),
        edit=node.text("edit"),
        addressing=node.text("addressing_mode") or ("lid" if sender.is_lid else "pn"),
        peer=node.text("category") == "peer",
        offline="offline" in node.attrs,
        is_status_stanza=node.tag == "status",
        unavailable=unavailable.text("type") if unavailable else None,
        plaintext=plaintext.content_bytes() if plaintext else None,
        server_id=node.text("server_id"),
        meta={name: str(value) for name, value in meta.attrs.items()} if meta else {},
        from_=from_,
        participant=participant,
        recipient=recipient,
    )


def _enc(node: Node) -> Enc:
    return Enc(
        type=node.text("type"),
        data=node.content_bytes(),
        version=node.number("v", 2),
        count=node.number("count"),
        hide=node.text("decrypt-fail") == "hide",
    )


def _alt(node: Node, of: Jid, *prefixes: str) -> Jid | None:
    """The other name of `of`, from `<prefix>_pn` or `<prefix>_lid`; the device is that of `of`."""
    if not of.is_user:
        return None
    for prefix in prefixes:
        alt = node.jid(f"{prefix}_pn" if of.is_lid else f"{prefix}_lid")
        if alt is not None and alt.is_user and alt.is_lid != of.is_lid and alt.user:
            return plain(alt).on(of.device)
    return None


# --- outgoing -------------------------------------------------------------------------------------------------


class Facts(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the stanza says about its content in the clear. Kept beside the retry copy, so that a re-send says it again."""

    type: str = "text"
    mediatype: str = ""
    edit: str = ""
    hide: bool = False
    #: Attributes of the one `<meta>` child.
    meta: dict[str, str] = {}
    #: Newsletter media: the upload's handle. Newsletter reactions and votes: the target.
    media_id: str = ""
    server_id: str = ""


class Sealed(msgspec.Struct, frozen=True):
    """A ciphertext and the device that it is for, by its wire name."""

    to: Jid
    type: str
    data: bytes


def enc(type: str, data: bytes, facts: Facts | None = None, *, media: bool = True, count: int = 0) -> Node:
    """`<enc>`; a sender key's distribution names no media type."""
    attrs: dict[str, Attr] = {"v": "2", "type": type}
    if facts is not None and media and facts.mediatype:
        attrs["mediatype"] = facts.mediatype
    if facts is not None and facts.hide:
        attrs["decrypt-fail"] = "hide"
    if count:
        attrs["count"] = str(count)
    return Node("enc", attrs, data)


def participants(sealed: Sequence[Sealed], facts: Facts, *, media: bool, bare: Sequence[Jid] = ()) -> Node:
    """`<participants>`; `bare` names readers who get no ciphertext of their own (status)."""
    children = [Node("to", {"jid": one.to}, [enc(one.type, one.data, facts, media=media)]) for one in sealed]
    return Node("participants", {}, children + [Node("to", {"jid": jid}) for jid in bare])


def device_identity(encoded: bytes) -> Node:
    """Without it a phone does not read a companion's first message (reference 02, 5.4)."""
    return Node("device-identity", {}, encoded)


def meta_nodes(facts: Facts) -> list[Node]:
    """The `<meta>` of a content, when it has one."""
    return [Node("meta", dict(facts.meta))] if facts.meta else []


def message(to: Jid, id: str, facts: Facts, children: list[Node], **attrs: Attr | None) -> Node:
    """`<message>`; attributes that are None are left out."""
    out: dict[str, Attr] = {"id": id, "to": to, "type": facts.type}
    if facts.edit:
        out["edit"] = facts.edit
    out.update({name: value for name, value in attrs.items() if value is not None})
    return Node("message", out, children)


def newsletter(to: Jid, id: str, facts: Facts, encoded: bytes) -> Node:
    """A channel's post: in the clear, without padding (reference 02, 8.6)."""
    attrs: dict[str, Attr] = {"mediatype": facts.mediatype} if facts.mediatype else {}
    children = [Node("plaintext", attrs, encoded), *meta_nodes(facts)]
    return message(
        to, id, facts, children, media_id=facts.media_id or None, server_id=facts.server_id or None
    )


# --- answers --------------------------------------------------------------------------------------------------


class Ack(msgspec.Struct, frozen=True):
    """The server's answer to a message of ours."""

    at: int
    error: int = 0
    phash: str = ""
    addressing: str = ""
    refresh_lid: bool = False
    backoff: int = 0
    server_id: str = ""


def parse_ack(node: Node) -> Ack:
    """Read the server's `<ack class="message">`."""
    return Ack(
        at=node.number("t"),
        error=node.number("error"),
        phash=node.text("phash"),
        addressing=node.text("addressing_mode"),
        refresh_lid=node.text("refresh_lid") == "true",
        backoff=node.number("backoff"),
        server_id=node.text("server_id"),
    )
