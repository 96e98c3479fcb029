"""The history that a phone sends to a new companion: chats, names, mappings, as chunks inline or as media."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Final

from protocol.crypto.media import encrypt
from protocol.jid import LID, STATUS, Jid, parse
from protocol.pb.e2e_pb2 import Message, PeerDataOperationRequestMessage, PeerDataOperationRequestType
from protocol.pb.history_pb2 import HistorySync
from protocol.pb.web_pb2 import WebMessageInfo
from waconnd.sandbox.party import Party

#: Messages of a chat in the first chunk; the rest follows as RECENT.
FIRST_MESSAGES: Final = 5
#: Messages of a chat in that one; a phone keeps what is older until it is asked.
RECENT_MESSAGES: Final = 500
#: Messages that a phone keeps of one chat.
MOST_MESSAGES: Final = 100_000
#: Larger chunks go through the media hosts.
INLINE_LIMIT: Final = 60_000
SALT_BYTES: Final = 32


class History:
    """What the phone remembers of its chats."""

    def __init__(self, phone: Party) -> None:
        self._phone = phone
        #: Chat to its messages, oldest first.
        self.chats: dict[Jid, list[WebMessageInfo]] = {}
        self.nct_salt = phone.random(SALT_BYTES)
        self.inline = True
        #: Files by the path that they had when their message came.
        self._kept: dict[str, bytes] = {}

    def remember(
        self, chat: Jid, id: str, message: Message, *, at: int, sender: Jid | None = None, name: str = ""
    ) -> None:
        """Keep a message; no sender means that we wrote it."""
        info = WebMessageInfo()
        info.key.remoteJid = str(chat)
        info.key.fromMe = sender is None
        info.key.id = id
        if sender is not None and (chat.is_group or chat == STATUS):
            info.key.participant = info.participant = str(sender)
        info.message.CopyFrom(message)
        info.messageTimestamp = at
        if name:
            info.pushName = name
        told = self.chats.setdefault(chat, [])
        told.append(info)
        if len(told) > MOST_MESSAGES:
            del told[0]
        for _, part in message.ListFields():
            path = getattr(part, "directPath", "")
            data = self._phone.world.blobs.get(path) if path else None
            if data is not None:
                self._kept[path] = data

    def chunks(self) -> list[Message]:
        """The notifications for a new companion, in order."""
        first = self._chunk(HistorySync.INITIAL_BOOTSTRAP, progress=0)
        self._chats(first, lambda told: told[-FIRST_MESSAGES:])
        self._mappings(first)
        first.nctSalt = self.nct_salt
        first.globalSettings.chatDbLidMigrationTimestamp = self._phone.account.created
        first.globalSettings.disappearingModeDuration = self._phone.account.default_timer
        names = self._chunk(HistorySync.PUSH_NAME)
        for user in sorted(self._phone.account.contacts):
            account = self._phone.world.accounts.get(user)
            if account is not None:
                names.pushnames.add(id=str(account.named(LID)), pushname=account.name)
        plain = self._chunk(HistorySync.NON_BLOCKING_DATA)
        self._mappings(plain)
        recent = self._chunk(HistorySync.RECENT, progress=100)
        self._chats(recent, lambda told: told[-FIRST_MESSAGES - RECENT_MESSAGES : -FIRST_MESSAGES])
        return [self._notification(chunk) for chunk in (first, names, plain, recent)]

    def _chunk(self, type: HistorySync.HistorySyncType, progress: int | None = None) -> HistorySync:
        chunk = HistorySync(syncType=type, chunkOrder=0)
        if progress is not None:
            chunk.progress = progress
        return chunk

    def _chats(
        self, chunk: HistorySync, choose: Callable[[list[WebMessageInfo]], list[WebMessageInfo]]
    ) -> None:
        for chat, messages in self.chats.items():
            chosen = choose(messages)
            if not chosen and chunk.syncType != HistorySync.INITIAL_BOOTSTRAP:
                continue
            self._chat(chunk, chat, chosen)

    def _chat(self, chunk: HistorySync, chat: Jid, messages: list[WebMessageInfo]) -> None:
        conversation = chunk.conversations.add(id=str(chat))
        group = self._phone.world.group(chat)
        account = self._phone.world.account(chat)
        if group is not None:
            conversation.name = group.subject
            for member in group.members.values():
                conversation.participant.add(userJid=str(member.account.named(group.server)))
        elif account is not None:
            conversation.name = account.name
            conversation.pnJid, conversation.lidJid = str(account.pn), str(account.lid)
        for order, info in enumerate(reversed(messages)):
            conversation.messages.add(message=info, msgOrderId=len(messages) - order)
        if messages:
            conversation.conversationTimestamp = messages[-1].messageTimestamp
        conversation.endOfHistoryTransfer = True
        known = self.chats.get(chat) or messages
        conversation.endOfHistoryTransferType = (
            conversation.COMPLETE_BUT_MORE_MESSAGES_REMAIN_ON_PRIMARY
            if messages and messages[0].key.id != known[0].key.id
            else conversation.COMPLETE_AND_NO_MORE_MESSAGE_REMAIN_ON_PRIMARY
        )

    def _mappings(self, chunk: HistorySync) -> None:
        for user in sorted({*self._phone.account.contacts, self._phone.account.user}):
            account = self._phone.world.accounts.get(user)
            if account is not None:
                chunk.phoneNumberToLidMappings.add(pnJid=str(account.pn), lidJid=str(account.lid))

    def _notification(self, chunk: HistorySync, *, session: str = "") -> Message:
        packed = zlib.compress(chunk.SerializeToString())
        message = Message()
        protocol = message.protocolMessage
        protocol.type = protocol.HISTORY_SYNC_NOTIFICATION
        told = protocol.historySyncNotification
        # The two schemas name the same numbers.
        told.syncType = int(chunk.syncType)  # type: ignore[assignment]
        told.chunkOrder = chunk.chunkOrder
        if chunk.HasField("progress"):
            told.progress = chunk.progress
        if session:
            told.peerDataRequestSessionId = session
        if self.inline and chunk.syncType == HistorySync.INITIAL_BOOTSTRAP and len(packed) < INLINE_LIMIT:
            told.initialHistBootstrapInlinePayload = packed
            return message
        media_key = self._phone.random(32)
        data, sealed = encrypt(packed, media_key, "md-msg-hist")
        told.mediaKey = media_key
        told.directPath = self._phone.world.blobs.put(data)
        told.fileSha256, told.fileEncSha256 = sealed.file_sha256, sealed.file_enc_sha256
        told.fileLength = sealed.size
        return message

    def answer(self, asked: PeerDataOperationRequestMessage, id: str) -> list[Message]:
        """Requests of companions for more history, or for a message that they could not read."""
        match asked.peerDataOperationRequestType:
            case PeerDataOperationRequestType.HISTORY_SYNC_ON_DEMAND:
                return [self._older(asked, id)]
            case PeerDataOperationRequestType.PLACEHOLDER_MESSAGE_RESEND:
                return [self._again(asked, id)]
        return []

    def _older(self, asked: PeerDataOperationRequestMessage, id: str) -> Message:
        wanted = asked.historySyncOnDemandRequest
        chunk = self._chunk(HistorySync.ON_DEMAND)
        for chat, messages in self.chats.items():
            if str(chat) == wanted.chatJid or self._same(str(chat), wanted.chatJid):
                places = [n for n, info in enumerate(messages) if info.key.id == wanted.oldestMsgId]
                end = places[0] if places else len(messages)
                self._chat(chunk, chat, messages[max(0, end - wanted.onDemandMsgCount) : end])
        return self._notification(chunk, session=id)

    def media(self, id: str) -> tuple[bytes, str] | None:
        """The key and a fresh path of a message's file, which the phone never throws away."""
        for messages in self.chats.values():
            for info in messages:
                if info.key.id != id:
                    continue
                for _, part in info.message.ListFields():
                    path = getattr(part, "directPath", "")
                    kept = self._kept.get(path)
                    if kept is not None:
                        return part.mediaKey, self._phone.world.blobs.put(kept)
        return None

    def _same(self, ours: str, theirs: str) -> bool:
        one, other = self._phone.world.account(parse(ours)), self._phone.world.account(parse(theirs))
        return one is not None and one is other

    def _again(self, asked: PeerDataOperationRequestMessage, id: str) -> Message:
        message = Message()
        protocol = message.protocolMessage
        protocol.type = protocol.PEER_DATA_OPERATION_REQUEST_RESPONSE_MESSAGE
        response = protocol.peerDataOperationRequestResponseMessage
        response.peerDataOperationRequestType = asked.peerDataOperationRequestType
        response.stanzaId = id
        for wanted in asked.placeholderMessageResendRequest:
            for messages in self.chats.values():
                for info in messages:
                    if info.key.id == wanted.messageKey.id:
                        result = response.peerDataOperationResult.add()
                        result.placeholderMessageResendResponse.webMessageInfoBytes = info.SerializeToString()
        return message
