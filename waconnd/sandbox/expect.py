"""Waiting for what somebody received, and saying readably what came instead."""

from __future__ import annotations

import difflib
import re
from typing import Final

import msgspec

from protocol.jid import Jid
from protocol.pb.e2e_pb2 import Message
from waconnd.sandbox.party import Read
from waconnd.sandbox.people import text_of

#: Members of `Message` to the word a person would use; all others show their own name.
KINDS: Final = {
    "conversation": "text",
    "extendedTextMessage": "text",
    "imageMessage": "image",
    "videoMessage": "video",
    "ptvMessage": "video",
    "audioMessage": "audio",
    "documentMessage": "document",
    "documentWithCaptionMessage": "document",
    "stickerMessage": "sticker",
    "reactionMessage": "reaction",
    "locationMessage": "location",
    "contactMessage": "contact",
    "pollCreationMessage": "poll",
    "pollCreationMessageV3": "poll",
    "pollUpdateMessage": "vote",
    "eventMessage": "event",
}
#: Not contents of their own.
BESIDE: Final = frozenset(("messageContextInfo", "senderKeyDistributionMessage"))
#: Members of `ProtocolMessage.Type` to words.
CONTROL: Final = {0: "revoke", 14: "edit", 3: "timer"}


class Unmet(AssertionError):
    """What was expected did not come in time."""


class Wanted(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What must come. Absent members match everything."""

    text: str | None = None
    #: A regular expression over the text.
    pattern: str | None = None
    kind: str | None = None
    #: Chat and sender by whatever name the sandbox knows.
    chat: Jid | None = None
    sender: Jid | None = None

    def matches(self, read: Read) -> bool:
        """Whether a message is the one."""
        text = text_of(read.message)
        return (
            (self.text is None or text == self.text)
            and (self.pattern is None or re.search(self.pattern, text) is not None)
            and (self.kind is None or kind_of(read.message) == self.kind)
            and (self.chat is None or read.chat == self.chat)
            and (self.sender is None or read.sender == self.sender)
        )

    def __str__(self) -> str:
        told = [f"{name} {value!r}" for name, value in self._said() if value is not None]
        return ", ".join(told) or "anything"

    def _said(self) -> list[tuple[str, object]]:
        return [
            ("kind", self.kind),
            ("text", self.text),
            ("text like", self.pattern),
            ("in", None if self.chat is None else str(self.chat)),
            ("from", None if self.sender is None else str(self.sender)),
        ]


def checked(pattern: str, answer: str = "") -> None:
    """Raises ValueError for what is no regular expression, and for an answer with groups that it does not have."""
    try:
        re.sub(pattern, answer, "")
    except re.error as error:
        raise ValueError(f"{error.pattern or answer!r} is no regular expression: {error.msg}") from None


def kind_of(message: Message) -> str:
    """One word for what a message is."""
    for field, _ in message.ListFields():
        if field.name in BESIDE:
            continue
        if field.name == "protocolMessage":
            return CONTROL.get(message.protocolMessage.type, "control")
        return KINDS.get(field.name, field.name)
    return "empty"


def describe(read: Read) -> str:
    """One line about a message."""
    text = text_of(read.message) or read.message.reactionMessage.text
    return f"{kind_of(read.message)} {text!r} from {read.sender} in {read.chat}"


def difference(who: str, wanted: Wanted, came: list[Read], seconds: float) -> str:
    """What was expected and what came, with the nearest text set against it."""
    lines = [f"{who} did not receive what was expected within {seconds:g} s.", f"  expected: {wanted}"]
    if not came:
        return "\n".join([*lines, "  received: nothing"])
    lines += ["  received:", *(f"    {describe(read)}" for read in came[-10:])]
    if wanted.text is not None:
        texts = [text_of(read.message) for read in came]
        near = difflib.get_close_matches(wanted.text, texts, 1, 0.5)
        if near:
            lines += ["  the nearest text differs so:"]
            diff = difflib.ndiff(wanted.text.splitlines(), near[0].splitlines())
            lines += [f"    {line.rstrip()}" for line in diff]
    return "\n".join(lines)
