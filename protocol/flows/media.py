"""Media hosts, and files that the hosts have lost: the own phone is asked to upload them again (reference 03, 5.7)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from google.protobuf.message import DecodeError

from protocol.crypto.media import open_retry, seal_retry
from protocol.crypto.primitives import CryptoError
from protocol.effects import Expect, Tell
from protocol.errors import ProtocolError
from protocol.flows.context import Context
from protocol.flows.send_person import wire_name
from protocol.jid import Jid
from protocol.node import Node
from protocol.pb.mms_pb2 import MediaRetryNotification, ServerErrorReceipt
from protocol.stanza.media import Hosts, media_conn, retry_receipt

#: The phone answers within seconds when it is reachable at all.
PHONE_SECONDS: Final = 30.0
_IV: Final = 12
#: Codes of an answer without content.
_NOT_ON_PHONE: Final = 2


class MediaGone(ProtocolError):
    """The phone can't help: the file is lost."""


async def media_hosts(ctx: Context) -> Hosts:
    """Where to upload to and download from, and with which token."""
    return await media_conn()


async def upload_again(
    ctx: Context, chat: Jid, id: str, media_key: bytes, *, from_me: bool, author: Jid | None
) -> str:
    """Have the own phone upload a message's file again; its new path. Raises MediaGone, TimedOut."""
    iv = ctx.random(_IV)
    payload = seal_retry(media_key, id, ServerErrorReceipt(stanzaId=id).SerializeToString(), iv)
    where = wire_name(ctx, chat) if chat.is_user else chat
    participant = author if not chat.is_user else None
    receipt = retry_receipt(
        id, ctx.account.pn_jid, where, payload, iv, from_me=from_me, participant=participant
    )
    await Tell((receipt,))
    return _new_path(await Expect(_answers(id, {where, chat}), PHONE_SECONDS), id, media_key)


def _answers(id: str, chats: set[Jid]) -> Callable[[Node], bool]:
    def match(node: Node) -> bool:
        if node.tag != "notification" or node.text("type") != "mediaretry" or node.text("id") != id:
            return False
        about = node.child("rmr")
        return about is None or (jid := about.jid("jid")) is None or jid.bare in chats

    return match


def _new_path(node: Node, id: str, media_key: bytes) -> str:
    sealed = node.child("encrypt")
    if sealed is None:
        error = node.child("error")
        code = error.number("code") if error is not None else 0
        why = "the phone no longer has it" if code == _NOT_ON_PHONE else f"the phone refused (code {code})"
        raise MediaGone(f"the file can't be fetched again: {why}")
    payload, iv = sealed.need("enc_p").content_bytes(), sealed.need("enc_iv").content_bytes()
    try:
        answer = MediaRetryNotification.FromString(open_retry(media_key, id, payload, iv))
    except (CryptoError, DecodeError) as error:
        raise MediaGone("the phone's answer about this file can't be opened") from error
    if answer.result != MediaRetryNotification.SUCCESS or not answer.directPath:
        name = MediaRetryNotification.ResultType.Name(answer.result).lower()
        raise MediaGone(f"the phone could not upload the file again ({name})")
    return answer.directPath
