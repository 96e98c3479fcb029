"""A piece of history, read bit by bit: zlib and protobuf as streams, one message in memory at a time (reference 04, 2.3).

It is read twice. `survey` finds who is who and how the chats stand, which comes after the messages that need it;
`messages` then hands out each message under its chat. Both take the compressed bytes in pieces.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from typing import Final, TypeVar

import msgspec
from google.protobuf.message import DecodeError

from protocol.errors import RemoteProtocolError
from protocol.pb.history_pb2 import Conversation, HistorySync, HistorySyncMsg
from protocol.pb.web_pb2 import WebMessageInfo

_M = TypeVar("_M", Conversation, HistorySync, HistorySyncMsg, WebMessageInfo)

#: The whole piece, inflated: what a hostile blob can make us look at.
MAX_INFLATED: Final = 1024 * 1024 * 1024
#: One message, or what stands beside the messages of a chat.
MAX_PART: Final = 16 * 1024 * 1024
#: Everything beside chats: names, mappings, settings.
MAX_REST: Final = 64 * 1024 * 1024
#: Inflated at a time.
_PIECE: Final = 256 * 1024
#: Chats' status posts stand here, not in a conversation.
STATUS: Final = "status@broadcast"

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_CONVERSATIONS, _STATUSES, _MESSAGES = 2, 3, 2


class HistoryDamaged(RemoteProtocolError):
    """The piece can't be read to its end; trying again would change nothing."""


class Token(msgspec.Struct, frozen=True):
    """A privacy token of a chat's other person."""

    chat: str
    token: bytes
    at: int
    sender_at: int

    def __repr__(self) -> str:
        return f"Token({self.chat})"


class ChatFacts(msgspec.Struct, frozen=True):
    """What is said of a chat beside its messages. Times are Unix seconds."""

    id: str
    name: str = ""
    last_at: int = 0
    unread: int = 0
    marked_unread: bool = False
    archived: bool = False
    pinned_at: int = 0
    muted_until: float = 0.0
    timer_s: int = 0
    locked: bool = False
    #: None: nothing is said of it.
    more: bool | None = None


class Facts(msgspec.Struct, frozen=True):
    """What is taken from every piece, whatever its kind."""

    type: int
    chats: tuple[ChatFacts, ...] = ()
    #: A number and a hidden id, or the other way round.
    pairs: tuple[tuple[str, str], ...] = ()
    names: tuple[tuple[str, str], ...] = ()
    tokens: tuple[Token, ...] = ()
    nct_salt: bytes = b""
    migrated: bool = False
    default_timer_s: int | None = None
    #: Group, person, when they went, whether somebody removed them.
    past: tuple[tuple[str, str, int, bool], ...] = ()
    messages: int = 0

    def __repr__(self) -> str:
        return f"Facts(type={self.type}, {len(self.chats)} chats, {self.messages} messages)"


def survey(pieces: Iterable[bytes]) -> Facts:
    """The first reading. Raises HistoryDamaged."""
    stream = _Stream(_inflated(pieces))
    rest = bytearray()
    chats: list[ChatFacts] = []
    tokens: list[Token] = []
    pairs: list[tuple[str, str]] = []
    count = 0
    for field, wire in stream.fields():
        if wire == _BYTES and field == _CONVERSATIONS:
            head = bytearray()
            for inner, kind in stream.inside():
                if kind == _BYTES and inner == _MESSAGES:
                    stream.skip()
                    count += 1
                else:
                    head += stream.raw(inner, kind, MAX_PART - len(head))
            chat = _parsed(Conversation, bytes(head))
            if chat.id:
                chats.append(_chat(chat))
                tokens += _tokens(chat)
                pairs += [(chat.id, other) for other in (chat.pnJid, chat.lidJid) if other]
        elif wire == _BYTES and field == _STATUSES:
            stream.skip()
            count += 1
        else:
            rest += stream.raw(field, wire, MAX_REST - len(rest))
    whole = _parsed(HistorySync, bytes(rest))
    pairs += [(one.pnJid, one.lidJid) for one in whole.phoneNumberToLidMappings]
    pairs += [(one.pnJid, one.lidJid) for one in whole.inlineContacts if one.pnJid and one.lidJid]
    settings = whole.globalSettings
    return Facts(
        type=whole.syncType,
        chats=tuple(chats),
        pairs=tuple(pairs),
        names=tuple((one.id, one.pushname) for one in whole.pushnames if one.pushname not in ("", "-")),
        tokens=tuple(tokens),
        nct_salt=whole.nctSalt,
        migrated=settings.chatDbLidMigrationTimestamp > 0,
        default_timer_s=(
            settings.disappearingModeDuration if settings.HasField("disappearingModeDuration") else None
        ),
        past=tuple(
            (group.groupJid, one.userJid, one.leaveTs, bool(one.leaveReason))
            for group in whole.pastParticipants
            for one in group.pastParticipants
        ),
        messages=count,
    )


def messages(pieces: Iterable[bytes]) -> Iterator[tuple[str, WebMessageInfo]]:
    """The second reading: each message with the address of its chat. Raises HistoryDamaged."""
    stream = _Stream(_inflated(pieces))
    for field, wire in stream.fields():
        if wire == _BYTES and field == _CONVERSATIONS:
            name = ""
            # The address comes first; should it not, a few messages wait for it.
            held: list[HistorySyncMsg] = []
            for inner, kind in stream.inside():
                if kind == _BYTES and inner == _MESSAGES:
                    held.append(_parsed(HistorySyncMsg, stream.value(MAX_PART)))
                    if name:
                        yield from ((name, one.message) for one in held)
                        held.clear()
                elif kind == _BYTES and inner == 1:
                    name = stream.value(MAX_PART).decode("utf-8", "replace")
                else:
                    stream.pass_over(kind)
            if name:
                yield from ((name, one.message) for one in held)
        elif wire == _BYTES and field == _STATUSES:
            yield STATUS, _parsed(WebMessageInfo, stream.value(MAX_PART))
        else:
            stream.pass_over(wire)


def _inflated(pieces: Iterable[bytes]) -> Iterator[bytes]:
    inflate = zlib.decompressobj()
    total = 0
    try:
        for piece in pieces:
            left = piece
            while left:
                out = inflate.decompress(left, _PIECE)
                left = inflate.unconsumed_tail
                total += len(out)
                if total > MAX_INFLATED:
                    raise HistoryDamaged(f"it inflates to more than {MAX_INFLATED} bytes")
                if out:
                    yield out
        rest = inflate.flush()
    except zlib.error as error:
        raise HistoryDamaged(f"it is no zlib stream ({error})") from error
    if not inflate.eof:
        raise HistoryDamaged("it ends in the middle")
    if rest:
        yield rest


class _Stream:
    """Protobuf's wire format over pieces of bytes."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._held, self._at = b"", 0
        #: Bytes left of the message that we are inside of, None at the top.
        self._left: int | None = None

    def fields(self) -> Iterator[tuple[int, int]]:
        """Field number and wire type, to the end; the consumer reads each value."""
        while self._at < len(self._held) or self._more():
            yield self._tag()

    def inside(self) -> Iterator[tuple[int, int]]:
        """The same within the message whose length comes now."""
        length = self._varint()
        self._left = length
        while self._left > 0:
            yield self._tag()
        if self._left < 0:
            raise HistoryDamaged("a chat is longer than it says")
        self._left = None

    def value(self, limit: int) -> bytes:
        """A value with a length."""
        return self._take(self._length(limit))

    def skip(self) -> None:
        """Pass over a value with a length."""
        self._take(self._length(MAX_PART))

    def raw(self, field: int, wire: int, limit: int) -> bytes:
        """A value as it stands, its tag in front."""
        head = _varint(field << 3 | wire)
        if wire == _BYTES:
            length = self._length(limit)
            return head + _varint(length) + self._take(length)
        if wire == _VARINT:
            return head + _varint(self._varint())
        return head + self._take(_width(wire))

    def pass_over(self, wire: int) -> None:
        """Any value."""
        if wire == _BYTES:
            self._take(self._length(MAX_REST))
        elif wire == _VARINT:
            self._varint()
        else:
            self._take(_width(wire))

    def _tag(self) -> tuple[int, int]:
        tag = self._varint()
        if not tag >> 3:
            raise HistoryDamaged("a field without a number")
        return tag >> 3, tag & 7

    def _length(self, limit: int) -> int:
        length = self._varint()
        if length > limit or (self._left is not None and length > self._left):
            raise HistoryDamaged(f"a part of {length} bytes")
        return length

    def _varint(self) -> int:
        value = shift = 0
        while True:
            if self._at == len(self._held) and not self._more():
                raise HistoryDamaged("it ends in the middle")
            byte = self._held[self._at]
            self._at += 1
            if self._left is not None:
                self._left -= 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7
            if shift > 63:
                raise HistoryDamaged("a number without an end")

    def _take(self, count: int) -> bytes:
        while len(self._held) - self._at < count:
            if not self._more():
                raise HistoryDamaged("it ends in the middle")
        start, self._at = self._at, self._at + count
        if self._left is not None:
            self._left -= count
        return self._held[start : self._at]

    def _more(self) -> bool:
        piece = next(self._pieces, b"")
        if not piece:
            return False
        self._held, self._at = self._held[self._at :] + piece, 0
        return True


def _width(wire: int) -> int:
    if wire == _FIXED64:
        return 8
    if wire == _FIXED32:
        return 4
    raise HistoryDamaged(f"wire type {wire}")


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _parsed(kind: type[_M], raw: bytes) -> _M:
    try:
        return kind.FromString(raw)
    except DecodeError as error:
        raise HistoryDamaged(f"a {kind.__name__} does not decode") from error


def _chat(chat: Conversation) -> ChatFacts:
    end = chat.endOfHistoryTransferType if chat.HasField("endOfHistoryTransferType") else None
    return ChatFacts(
        id=chat.id,
        name=chat.name or chat.displayName,
        last_at=chat.conversationTimestamp or chat.lastMsgTimestamp,
        unread=chat.unreadCount,
        marked_unread=chat.markedAsUnread,
        archived=chat.archived,
        pinned_at=chat.pinned,
        muted_until=chat.muteEndTime / 1000,
        timer_s=chat.ephemeralExpiration,
        locked=chat.locked,
        more=None if end is None else end in (0, 2),
    )


def _tokens(chat: Conversation) -> list[Token]:
    if not chat.tcToken:
        return []
    return [Token(chat.id, chat.tcToken, chat.tcTokenTimestamp, chat.tcTokenSenderTimestamp)]
