"""Every vector of history_sync.json: announcements, pieces inline and as files, and what must be refused."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import pytest

from protocol.content import history
from protocol.content.history import Facts, HistoryDamaged
from protocol.crypto.media import decrypt
from protocol.flows.history import KINDS
from protocol.pb.e2e_pb2 import (
    HistorySyncNotification,
    HistorySyncType,
    Message,
    PeerDataOperationRequestType,
)
from protocol.pb.history_pb2 import Conversation, HistorySync
from tests.support.vectors import case_name, load

pytestmark = pytest.mark.vectors
VECTORS = load("history_sync")
ENDS = Conversation.EndOfHistoryTransferType


def pieces(data: bytes) -> Iterator[bytes]:
    """As small as they can come."""
    return (bytes((byte,)) for byte in data)


def packed(case: dict[str, Any]) -> bytes:
    """The piece. What made the file did not know the field of the salt, which it expects: it is put there."""
    data = bytes.fromhex(case["zlib"])
    salt = bytes.fromhex(case["expect"].get("nct_salt", ""))
    whole = zlib.decompress(data)
    if salt in whole:
        return data
    return zlib.compress(whole + HistorySync(nctSalt=salt).SerializeToString())


def words(message: Any) -> str:
    return str(message.conversation or message.extendedTextMessage.text)


def pairs(facts: Facts) -> set[tuple[str, str]]:
    """Each as (hidden id, number), in whatever order it was said."""
    return {(one, other) if one.endswith("@lid") else (other, one) for one, other in facts.pairs}


@pytest.mark.parametrize("case", VECTORS["cases"], ids=case_name)
def test_the_announcement_leads_to_the_piece(case: dict[str, Any]) -> None:
    told, packed = (
        HistorySyncNotification.FromString(bytes.fromhex(case["notification"])),
        bytes.fromhex(case["zlib"]),
    )
    expect = case["expect"]
    assert HistorySyncType.Name(told.syncType) == expect["sync_type"]
    assert told.syncType in KINDS
    assert told.chunkOrder == expect.get("chunk_order", told.chunkOrder)
    assert told.progress == expect.get("progress", told.progress)
    assert told.peerDataRequestSessionId == expect.get("peer_data_request_session_id", "")
    blob = case.get("blob")
    if blob is None:
        assert told.initialHistBootstrapInlinePayload == packed
        return
    opened = decrypt(
        bytes.fromhex(blob["file"]),
        told.mediaKey,
        blob["mms_type"],
        file_sha256=told.fileSha256,
        file_enc_sha256=told.fileEncSha256,
    )
    assert opened == packed
    assert told.directPath == blob["direct_path"]


@pytest.mark.parametrize("case", VECTORS["cases"], ids=case_name)
def test_who_is_who_and_how_chats_stand(case: dict[str, Any]) -> None:
    expect = case["expect"]
    facts = history.survey(pieces(packed(case)))
    assert facts.type == HistorySync.HistorySyncType.Value(expect["sync_type"])
    assert [chat.id for chat in facts.chats] == expect.get("conversations", [])
    for pair in expect.get("lid_pn", []):
        assert (pair["lid"], pair["pn"]) in pairs(facts)
    assert dict(facts.names) == expect.get("pushnames_to_store", dict(facts.names))
    assert not facts.names or not dict(facts.names).keys() & set(expect.get("ignored", ()))
    assert facts.nct_salt.hex() == expect.get("nct_salt", "")
    if "default_disappearing" in expect:
        assert facts.default_timer_s == expect["default_disappearing"]
    past = {(group, who, "REMOVED" if removed else "LEFT") for group, who, _, removed in facts.past}
    assert past == {
        (group, who, why) for group, gone in expect.get("past_participants", {}).items() for who, why in gone
    }
    tokens = [
        {"jid": one.chat, "token": one.token.hex(), "t": one.at, "sender_t": one.sender_at}
        for one in facts.tokens
    ]
    assert tokens == expect.get("tc_tokens", [])
    chats = {chat.id: chat for chat in facts.chats}
    for id, flags in expect.get("flags", {}).items():
        chat = chats[id]
        assert chat.unread == flags.get("unread", chat.unread)
        assert chat.pinned_at == flags.get("pinned", chat.pinned_at)
        assert chat.archived == flags.get("archived", chat.archived)
        assert round(chat.muted_until * 1000) == flags.get("mute_end_ms", round(chat.muted_until * 1000))
        assert chat.timer_s == flags.get("ephemeral", chat.timer_s)
        assert chat.marked_unread == flags.get("marked_unread", chat.marked_unread)
    if end := expect.get("end_of_history"):
        assert facts.chats[0].more == ("MORE_MSG_REMAIN" in end or "MORE_MESSAGES_REMAIN" in end)


@pytest.mark.parametrize("case", VECTORS["cases"], ids=case_name)
def test_messages_under_their_chats(case: dict[str, Any]) -> None:
    expect = case["expect"]
    found = list(history.messages(pieces(bytes.fromhex(case["zlib"]))))
    ordinary = [
        [chat, info.key.id, info.key.fromMe, words(info.message)]
        for chat, info in found
        if chat != history.STATUS
    ]
    assert ordinary == expect.get("messages", [])
    posts = [
        [chat, info.key.participant or info.participant, info.key.id, words(info.message)]
        for chat, info in found
        if chat == history.STATUS
    ]
    assert posts == expect.get("status_messages", [])


@pytest.mark.parametrize("case", VECTORS["cases"], ids=case_name)
def test_inflated_as_promised(case: dict[str, Any]) -> None:
    whole = b"".join(history._inflated(pieces(bytes.fromhex(case["zlib"]))))
    assert (len(whole), sha256(whole).hexdigest()) == (case["inflated_len"], case["inflated_sha256"])


@pytest.mark.parametrize("case", VECTORS["negatives"], ids=case_name)
def test_what_is_no_history(case: dict[str, Any]) -> None:
    data = bytes.fromhex(case["zlib"])
    assert case["expect"] == "error"
    with pytest.raises(HistoryDamaged):
        history.survey(pieces(data))
    with pytest.raises(HistoryDamaged):
        list(history.messages(pieces(data)))


def test_announced_within_a_message() -> None:
    message = Message.FromString(bytes.fromhex(VECTORS["protocol_message_example"]))
    told = message.protocolMessage.historySyncNotification
    assert told.SerializeToString().hex() in {case["notification"] for case in VECTORS["cases"]}


def test_older_messages_are_asked_for_in_seconds() -> None:
    message = Message.FromString(bytes.fromhex(VECTORS["on_demand_request_example"]["message"]))
    operation = message.protocolMessage.peerDataOperationRequestMessage
    assert operation.peerDataOperationRequestType == PeerDataOperationRequestType.HISTORY_SYNC_ON_DEMAND
    asked = operation.historySyncOnDemandRequest
    assert 10**9 < asked.oldestMsgTimestampMs < 10**10
    # The same fields that `protocol.flows.history.request` fills.
    assert (asked.chatJid, asked.oldestMsgId, asked.oldestMsgFromMe) == (
        "12025550101@s.whatsapp.net",
        "3EB0H0",
        True,
    )
    assert asked.onDemandMsgCount > 0
