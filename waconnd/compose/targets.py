"""Earlier messages: found in the archive, named on the wire, quoted, and made anew for forwarding."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, Final

import msgspec

from protocol.content import BuildError, MediaRef, Uploaded, acts, media
from protocol.content.media import Captioned
from protocol.content.outgoing import Quote, key_of
from protocol.content.places import Card, Place
from protocol.flows import sealing
from protocol.flows.context import Context, Settings
from protocol.flows.mapping import session_jid
from protocol.flows.send_person import wire_name
from protocol.jid import Jid, parse
from protocol.pb.e2e_pb2 import Message, MessageKey
from waconnd.account import Account
from waconnd.address import resolve
from waconnd.compose.params import Reference
from waconnd.rpc.errors import RpcError
from waconnd.store.archive import NotFound
from waconnd.store.archive.messages import Message as Row

if TYPE_CHECKING:
    from waconnd.fleet import Fleet

Fields = dict[str, Any]

#: Kinds of the archive whose file can be sent on, with the content key that builds them.
_MEDIA: Final = {
    "image": "image",
    "video": "video",
    "video_note": "video_note",
    "document": "document",
    "sticker": "sticker",
}


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """An earlier message, from our point of view. `row` is what the archive knows of it."""

    chat: Jid
    id: str
    from_me: bool
    sender: Jid | None = None
    text: str = ""
    row: Row | None = None

    @property
    def data(self) -> Fields:
        """The event data that the archive keeps; empty when it keeps none."""
        raw = self.row.data if self.row is not None else b""
        return msgspec.json.decode(raw, type=dict[str, Any]) if raw else {}


def context(account: Account) -> Context:
    """The store with the questions that flows ask of it; without a connection too."""
    ctx = Context(account.keystore, _no_entropy, Settings())
    ctx.now = account.now()
    return ctx


def _no_entropy(count: int) -> bytes:
    raise AssertionError("nothing is drawn here")


def canonical(account: Account, chat: Jid) -> Jid:
    """The one name of a chat, as in events: the hidden id when it is known."""
    return session_jid(account.keystore, chat)


async def find(fleet: Fleet, account: Account, given: str | Reference, chat: str = "") -> Target:
    """The message that a reference means. Raises RpcError `not_found` when too little is known of it."""
    reference = Reference(id=given, chat=chat) if isinstance(given, str) else given
    if not reference.id:
        raise RpcError("invalid_params", "a message is named by its id", path="$.id")
    where = reference.chat or chat
    place = canonical(account, await resolve(fleet, account.name, where)) if where else None
    sender = (
        canonical(account, await resolve(fleet, account.name, reference.sender)) if reference.sender else None
    )
    try:
        row = await fleet.archive.messages.get(
            account.name, reference.id, str(place or ""), str(sender or "")
        )
    except NotFound:
        return _unseen(account, reference, place, sender)
    return Target(
        chat=parse(row.chat),
        id=row.id,
        from_me=row.from_me,
        sender=parse(row.sender) if row.sender else None,
        text=reference.text,
        row=row,
    )


def _unseen(account: Account, reference: Reference, place: Jid | None, sender: Jid | None) -> Target:
    """A message that the archive does not have: the caller must know what is needed."""
    ctx = context(account)
    from_me = reference.from_me if reference.from_me is not None else sender is not None and ctx.is_me(sender)
    if place is not None and sender is None and not from_me and place.is_user and reference.from_me is False:
        sender = place
    if place is None or (sender is None and not from_me):
        raise RpcError(
            "not_found",
            f"message {reference.id} is not in the archive",
            advice="name its `chat` and its `sender` (or `from_me`) too",
        )
    return Target(chat=place, id=reference.id, from_me=from_me, sender=sender, text=reference.text)


def key(account: Account, target: Target) -> MessageKey:
    """The target on the wire, from our point of view."""
    ctx = context(account)
    author = ""
    if not target.from_me and not target.chat.is_user and target.sender is not None:
        author = str(target.sender.bare)
    return key_of(str(on_wire(ctx, target.chat)), target.id, from_me=target.from_me, participant=author)


def on_wire(ctx: Context, chat: Jid) -> Jid:
    """The name under which a chat is written to."""
    return wire_name(ctx, chat) if chat.is_user else chat


def quote(account: Account, target: Target, chat: Jid) -> Quote:
    """For `reply_to`. `chat` is where the answer goes: a private answer to a group's message names the group."""
    ctx = context(account)
    author = target.sender
    if target.from_me:
        author, _ = sealing.names(ctx, target.chat, None)
    elif target.chat.is_user:
        author = on_wire(ctx, target.chat)
    elsewhere = canonical(account, chat) != target.chat
    return Quote(
        id=target.id,
        participant=str(author.bare) if author is not None else "",
        chat=str(target.chat) if elsewhere else "",
        message=_shown(target).SerializeToString(),
    )


def _shown(target: Target) -> Message:
    """What a quote shows of the original: its words, its kind and its thumbnail."""
    data = target.data
    body, about = data.get("body", {}), data.get("media", {})
    message = Message()
    kind = body.get("kind", "")
    fields: Fields = {"video_note": "ptvMessage", "audio": "audioMessage"} | {
        name: f"{name}Message" for name in ("image", "video", "document", "sticker")
    }
    if kind in fields:
        part: Any = getattr(message, fields[kind])
        part.mimetype = about.get("mimetype", "")
        known = part.DESCRIPTOR.fields_by_name
        if about.get("thumbnail") and "jpegThumbnail" in known:
            part.jpegThumbnail = base64.b64decode(about["thumbnail"])
        if body.get("caption") and "caption" in known:
            part.caption = body["caption"]
        if about.get("file_name") and "fileName" in known:
            part.fileName = about["file_name"]
        return message
    words = body.get("text") or body.get("caption") or body.get("poll", {}).get("name", "")
    message.conversation = str(words or target.text)
    return message


async def content_of(fleet: Fleet, account: str, target: Target) -> tuple[str, Any]:
    """The content key and value that make this message anew. Raises RpcError for kinds that can't be."""
    data = target.data
    body: Fields = data.get("body", {})
    kind = str(body.get("kind", ""))
    if not data:
        raise RpcError("not_found", f"the content of message {target.id} is not in the archive")
    if kind in _MEDIA or kind == "audio":
        uploaded = await _uploaded(fleet, account, target, data)
        name = _MEDIA.get(kind) or ("voice" if body.get("voice") else "audio")
        return name, Captioned(uploaded, str(body.get("caption", "")))
    try:
        return _plain(kind, body)
    except (KeyError, BuildError) as error:
        raise RpcError("unsupported", f"a message of kind {kind!r} can't be sent on") from error


def _plain(kind: str, body: Fields) -> tuple[str, Any]:
    match kind:
        case "text":
            return "text", str(body["text"])
        case "location" | "live_location":
            held = {
                name: body["location"][name]
                for name in ("name", "address", "url")
                if name in body["location"]
            }
            place = Place(
                latitude=body["location"]["latitude"], longitude=body["location"]["longitude"], **held
            )
            return "location", place
        case "contact":
            cards = [Card(name=card.get("name", ""), vcard=card["vcard"]) for card in body["contacts"]]
            return "contacts", cards
        case "poll":
            poll = body["poll"]
            count = int(poll.get("selectable_count", 1))
            return "poll", acts.Poll(
                name=poll["name"], options=tuple(poll["options"]), selectable_count=count
            )
    raise KeyError(kind)


async def reference_of(fleet: Fleet, account: str, target: Target) -> MediaRef:
    """How to fetch the file of a message. Raises NotFound."""
    held = await fleet.archive.media.get(account, str(target.chat), target.id)
    return msgspec.convert(held.reference, MediaRef, strict=False)


async def _uploaded(fleet: Fleet, account: str, target: Target, data: Fields) -> Uploaded:
    ref = await reference_of(fleet, account, target)
    about: Fields = data.get("media", {})
    body: Fields = data.get("body", {})
    return Uploaded(
        mimetype=ref.mimetype or about.get("mimetype", ""),
        size=ref.size,
        file_sha256=ref.file_sha256,
        direct_path=ref.direct_path,
        url=ref.url,
        media_key=ref.media_key,
        file_enc_sha256=ref.file_enc_sha256,
        file_name=ref.file_name or about.get("file_name", ""),
        title=about.get("title", ""),
        page_count=int(about.get("page_count", 0)),
        duration_s=float(about.get("duration_s", 0)),
        width=int(about.get("width", 0)),
        height=int(about.get("height", 0)),
        thumbnail=base64.b64decode(about.get("thumbnail", "")),
        waveform=bytes(body.get("waveform", ())) if len(body.get("waveform", ())) == media.WAVEFORM else b"",
        gif=bool(body.get("gif")),
        animated=bool(body.get("animated")),
    )
