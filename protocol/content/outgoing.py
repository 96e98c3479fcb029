"""What every outgoing content may carry: quote, mentions, timer, forwarding, preview, style.

Builders stand beside the readers of their family and register by the content key of `message.send`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec

from protocol.content.wrappers import peel
from protocol.pb.e2e_pb2 import ContextInfo, Message, MessageAssociation, MessageKey

#: The apps know no other timers, and groups refuse others.
TIMERS: Final = (0, 86400, 604800, 7776000)
SECRET: Final = 32


class BuildError(ValueError):
    """A content that can't be sent as asked: `path` names the parameter."""

    def __init__(self, path: str, why: str) -> None:
        super().__init__(f"{path}: {why}")
        self.path, self.why = path, why


class Quote(msgspec.Struct, frozen=True):
    """The message that is replied to. `message` is its encoded content, as far as known."""

    id: str
    participant: str
    chat: str = ""
    message: bytes = b""


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """A link preview, computed by the sender."""

    url: str
    title: str = ""
    description: str = ""
    thumbnail: bytes = b""


class Style(msgspec.Struct, frozen=True, kw_only=True):
    """Colours (ARGB) and font of a story."""

    background: int | None = None
    color: int | None = None
    font: int | None = None


class Uploaded(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Media that lies on a media host, with what is known of it."""

    mimetype: str
    size: int
    file_sha256: bytes
    direct_path: str
    url: str = ""
    #: Empty for channels, whose media is not encrypted.
    media_key: bytes = b""
    file_enc_sha256: bytes = b""
    media_key_timestamp: int = 0
    sidecar: bytes = b""
    #: What a channel post names its upload by.
    handle: str = ""
    file_name: str = ""
    title: str = ""
    page_count: int = 0
    duration_s: float = 0.0
    width: int = 0
    height: int = 0
    thumbnail: bytes = b""
    waveform: bytes = b""
    gif: bool = False
    animated: bool = False

    def __repr__(self) -> str:
        return f"Uploaded({self.mimetype!r}, {self.size} bytes)"


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """Everything beside the content itself."""

    quote: Quote | None = None
    mentions: tuple[str, ...] = ()
    mention_all: bool = False
    ttl_s: int = 0
    ttl_set_at: int = 0
    forward_score: int = 0
    view_once: bool = False
    preview: Preview | None = None
    style: Style | None = None
    #: Child of an album: the header's key.
    album: MessageKey | None = None
    #: 32 random bytes; contents that carry no secret leave it out themselves.
    secret: bytes = b""


Builder = Callable[[Any, Options], Message]
BUILDERS: Final[dict[str, Builder]] = {}


def builds(key: str) -> Callable[[Builder], Builder]:
    """Register the builder of a content key."""

    def register(builder: Builder) -> Builder:
        assert key not in BUILDERS, f"{key} has two builders"
        BUILDERS[key] = builder
        return builder

    return register


def build(key: str, value: Any, options: Options) -> Message:
    """The Message of a content. Raises BuildError."""
    message = BUILDERS[key](value, options)
    info = message.messageContextInfo
    if options.secret:
        info.messageSecret = options.secret
    if options.album is not None:
        association = info.messageAssociation
        association.associationType = MessageAssociation.MEDIA_ALBUM
        association.parentMessageKey.CopyFrom(options.album)
    if not info.ListFields():
        message.ClearField("messageContextInfo")
    return message


def has_context(options: Options) -> bool:
    """Whether anything must stand in contextInfo."""
    return bool(
        options.quote or options.mentions or options.mention_all or options.ttl_s or options.forward_score
    )


def put_context(info: ContextInfo, options: Options) -> None:
    """Fill a contextInfo."""
    quote = options.quote
    if quote is not None:
        info.stanzaId = quote.id
        info.participant = quote.participant
        if quote.chat:
            info.remoteJid = quote.chat
        info.quotedMessage.CopyFrom(quotable(Message.FromString(quote.message)))
    info.mentionedJid.extend(options.mentions)
    if options.mention_all:
        info.nonJidMentions = 1
    if options.ttl_s:
        info.expiration = options.ttl_s
        if options.ttl_set_at:
            info.ephemeralSettingTimestamp = options.ttl_set_at
    if options.forward_score:
        info.isForwarded = True
        info.forwardingScore = options.forward_score


def quotable(message: Message) -> Message:
    """A copy fit to be quoted: unwrapped, without its own quotes and mentions, without secrets."""
    copy = Message()
    copy.CopyFrom(peel(message).message)
    copy.ClearField("messageContextInfo")
    copy.ClearField("senderKeyDistributionMessage")
    for field, value in copy.ListFields():
        if field.message_type is not None and "contextInfo" in field.message_type.fields_by_name:
            value.ClearField("contextInfo")
    return copy


def key_of(chat: str, id: str, *, from_me: bool, participant: str = "") -> MessageKey:
    """A key from our point of view; `participant` only for others' messages in groups."""
    key = MessageKey(remoteJid=chat, fromMe=from_me, id=id)
    if participant:
        key.participant = participant
    return key
