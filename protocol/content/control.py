"""`protocolMessage`: revokes, edits, timers, and what own devices tell each other (reference 03, 2.19)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from protocol.content.keys import Fields, pick, target
from protocol.content.registry import Inner, reads
from protocol.content.wrappers import Peeled
from protocol.pb import e2e_pb2 as pb

Type = pb.ProtocolMessage.Type
_Message = pb.ProtocolMessage

#: Only own devices may say these: from others they are attacks (reference 03, 11.14).
OWN_ONLY: Final = frozenset(
    {
        Type.HISTORY_SYNC_NOTIFICATION,
        Type.APP_STATE_SYNC_KEY_SHARE,
        Type.APP_STATE_SYNC_KEY_REQUEST,
        Type.INITIAL_SECURITY_NOTIFICATION_SETTING_SYNC,
        Type.APP_STATE_FATAL_EXCEPTION_NOTIFICATION,
        Type.PEER_DATA_OPERATION_REQUEST_MESSAGE,
        Type.PEER_DATA_OPERATION_REQUEST_RESPONSE_MESSAGE,
        Type.LID_MIGRATION_MAPPING_SYNC,
    }
)


@reads("protocolMessage")
def control(message: Any, whole: Peeled, inner: Inner) -> Fields:
    # REVOKE is 0 and may be absent: a key without type is a revoke.
    if not message.HasField("type") and not message.HasField("key"):
        return {"type": "protocol"}
    reader = _READERS.get(message.type)
    if reader is not None:
        return reader(message, inner)
    if message.type == Type.STATUS_MENTION_MESSAGE or "statusMentionMessage" in whole.layers:
        return {"type": "statusMention"} | (
            {"target": target(message.key)} if message.HasField("key") else {}
        )
    name = Type.Name(message.type) if message.type in Type.values() else str(message.type)
    return {"type": "protocol", "protocolType": name}


def _revoke(message: Any, inner: Inner) -> Fields:
    return {"type": "revoke", "target": target(message.key)}


def _edit(message: Any, inner: Inner) -> Fields:
    out: Fields = {"type": "edit", "target": target(message.key)} | pick(message, timestampMs="timestampMs")
    if message.HasField("editedMessage"):
        out["content"] = inner(message.editedMessage)
    return out


def _ephemeral(message: Any, inner: Inner) -> Fields:
    return {"type": "ephemeralSetting", "expiration": message.ephemeralExpiration} | pick(
        message, settingTimestamp="ephemeralSettingTimestamp"
    )


def _history(message: Any, inner: Inner) -> Fields:
    notice = message.historySyncNotification
    what: Fields = {"syncType": pb.HistorySyncType.Name(notice.syncType)}
    what |= pick(notice, chunkOrder="chunkOrder", progress="progress")
    return {
        "type": "historySync",
        "historySync": what | {"inline": bool(notice.initialHistBootstrapInlinePayload)},
    }


def _key_share(message: Any, inner: Inner) -> Fields:
    keys = [key.keyId.keyId.hex() for key in message.appStateSyncKeyShare.keys]
    return {"type": "appStateKeyShare", "keyIds": keys}


def _key_request(message: Any, inner: Inner) -> Fields:
    return {
        "type": "appStateKeyRequest",
        "keyIds": [key.keyId.hex() for key in message.appStateSyncKeyRequest.keyIds],
    }


def _fatal(message: Any, inner: Inner) -> Fields:
    notice = message.appStateFatalExceptionNotification
    return {"type": "appStateFatal", "collections": list(notice.collectionNames)} | pick(
        notice, timestamp="timestamp"
    )


def _security(message: Any, inner: Inner) -> Fields:
    setting = message.initialSecurityNotificationSettingSync
    return {"type": "securityNotificationSetting", "enabled": setting.securityNotificationEnabled}


def _pdo_request(message: Any, inner: Inner) -> Fields:
    request = message.peerDataOperationRequestMessage
    return {
        "type": "pdoRequest",
        "operation": pb.PeerDataOperationRequestType.Name(request.peerDataOperationRequestType),
    }


def _pdo_response(message: Any, inner: Inner) -> Fields:
    response = message.peerDataOperationRequestResponseMessage
    return {
        "type": "pdoResponse",
        "operation": pb.PeerDataOperationRequestType.Name(response.peerDataOperationRequestType),
        "requestId": response.stanzaId,
        "count": len(response.peerDataOperationResult),
    }


def _simple(kind: str) -> Callable[[Any, Inner], Fields]:
    return lambda message, inner: {"type": kind}


def _member_label(message: Any, inner: Inner) -> Fields:
    return {"type": "memberLabel", "label": message.memberLabel.label}


def _limit_sharing(message: Any, inner: Inner) -> Fields:
    return {"type": "limitSharing", "limited": message.limitSharing.sharingLimited}


_READERS: Final[dict[int, Callable[[Any, Inner], Fields]]] = {
    Type.REVOKE: _revoke,
    Type.MESSAGE_EDIT: _edit,
    Type.EPHEMERAL_SETTING: _ephemeral,
    Type.HISTORY_SYNC_NOTIFICATION: _history,
    Type.APP_STATE_SYNC_KEY_SHARE: _key_share,
    Type.APP_STATE_SYNC_KEY_REQUEST: _key_request,
    Type.APP_STATE_FATAL_EXCEPTION_NOTIFICATION: _fatal,
    Type.INITIAL_SECURITY_NOTIFICATION_SETTING_SYNC: _security,
    Type.PEER_DATA_OPERATION_REQUEST_MESSAGE: _pdo_request,
    Type.PEER_DATA_OPERATION_REQUEST_RESPONSE_MESSAGE: _pdo_response,
    Type.SHARE_PHONE_NUMBER: _simple("sharePhoneNumber"),
    Type.LID_MIGRATION_MAPPING_SYNC: _simple("lidMigration"),
    Type.GROUP_MEMBER_LABEL_CHANGE: _member_label,
    Type.LIMIT_SHARING: _limit_sharing,
}
