"""`contextInfo`: what is quoted, who is mentioned, whether forwarded, when it disappears (reference 03, 1.9)."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any, Final

from protocol.content.keys import Fields, pick
from protocol.pb.e2e_pb2 import ContextInfo, Message

#: From this score on the apps say "forwarded many times".
FREQUENTLY: Final = 5
#: Quotes of quotes: deeper ones are cut.
MAX_QUOTES: Final = 3

Reader = Callable[[Message, int], Fields]


def read_context(info: ContextInfo, read: Reader, depth: int) -> Fields:
    """The keys that a content takes from its context. `read` reads a quoted message."""
    out: Fields = {}
    if info.HasField("stanzaId") and info.stanzaId:
        out["quoted"] = _quoted(info, read, depth)
    if info.mentionedJid:
        out["mentions"] = list(info.mentionedJid)
    if info.nonJidMentions:
        out["mentionAll"] = True
    if info.groupMentions:
        out["groupMentions"] = [pick(m, group="groupJid", subject="groupSubject") for m in info.groupMentions]
    if info.isForwarded or info.forwardingScore:
        out["forwarded"] = _forwarded(info)
    if info.expiration:
        out["ephemeral"] = {"expiration": info.expiration} | pick(
            info, settingTimestamp="ephemeralSettingTimestamp"
        )
    if info.isGroupStatus:
        out["groupStatus"] = True
    if info.isSpoiler:
        out["spoiler"] = True
    if info.HasField("externalAdReply"):
        ad = info.externalAdReply
        out["externalAd"] = pick(
            ad, title="title", body="body", url="sourceUrl", mediaUrl="mediaUrl", sourceId="sourceId"
        ) | ({"thumbnail": base64.b64encode(ad.thumbnail).decode()} if ad.thumbnail else {})
    return out


def _quoted(info: ContextInfo, read: Reader, depth: int) -> Fields:
    quoted: Fields = {"id": info.stanzaId} | pick(info, participant="participant", chat="remoteJid")
    if info.HasField("quotedMessage") and depth < MAX_QUOTES:
        quoted["content"] = read(info.quotedMessage, depth + 1)
    return quoted


def _forwarded(info: ContextInfo) -> Fields:
    out: Fields = pick(info, score="forwardingScore")
    if info.forwardingScore >= FREQUENTLY:
        out["frequently"] = True
    if info.HasField("forwardedNewsletterMessageInfo"):
        origin: Any = info.forwardedNewsletterMessageInfo
        out["newsletter"] = pick(
            origin, jid="newsletterJid", serverId="serverMessageId", name="newsletterName"
        )
    return out
