"""A Message as one content object: wrappers peeled, the kind named, common keys filled (reference 03, 10.2)."""

from __future__ import annotations

from typing import Any, Final

from google.protobuf.unknown_fields import UnknownFieldSet

from protocol.content import answers, business, control, invites, media, places, text
from protocol.content.context import read_context
from protocol.content.keys import Fields, target
from protocol.content.registry import READERS
from protocol.content.wrappers import VIEW_ONCE, Peeled, peel
from protocol.pb.e2e_pb2 import Message, MessageAssociation

#: Nested contents (quotes, edits, comments) deeper than this are cut.
MAX_DEPTH: Final = 4
#: Not content: they stand beside it.
BESIDE: Final = frozenset({"senderKeyDistributionMessage", "messageContextInfo"})
#: Kinds that are for this device only and make no event for clients.
INTERNAL: Final = frozenset(
    {
        "historySync", "appStateKeyShare", "appStateKeyRequest", "appStateFatal", "securityNotificationSetting",
        "pdoRequest", "pdoResponse", "lidMigration", "senderKeyDistribution", "empty",
    }
)  # fmt: skip
_WITH_CONTEXT: Final = frozenset(
    field.name
    for field in Message.DESCRIPTOR.fields
    if field.message_type is not None and "contextInfo" in field.message_type.fields_by_name
)
#: Importing the families registers their readers.
FAMILIES: Final = (answers, business, control, invites, media, places, text)


def read(message: Message, depth: int = 0) -> Fields:
    """The content object of a message, in the spelling of the wire (camelCase)."""
    whole = peel(message)
    out = _kind(whole, depth)
    if whole.destination:
        out["deviceSent"] = {"destination": whole.destination} | (
            {"phash": whole.phash} if whole.phash else {}
        )
    if whole.layers:
        out["wrappers"] = list(whole.layers)
        if VIEW_ONCE.intersection(whole.layers):
            out["viewOnce"] = True
        if "spoilerMessage" in whole.layers:
            out["spoiler"] = True
        if "groupStatusMessage" in whole.layers or "groupStatusMessageV2" in whole.layers:
            out["groupStatus"] = True
    info = whole.info
    if info is not None:
        if info.messageSecret:
            out["hasMessageSecret"] = True
        if info.HasField("messageAssociation"):
            association = info.messageAssociation
            kind = MessageAssociation.AssociationType.Name(association.associationType)
            out["association"] = {"type": kind}
            if association.HasField("parentMessageKey"):
                out["association"]["parent"] = target(association.parentMessageKey)
    return out


def _kind(whole: Peeled, depth: int) -> Fields:
    def inner(message: Any) -> Fields:
        return read(message, depth + 1) if depth < MAX_DEPTH else {"type": "unsupported"}

    unmapped = ""
    for field, value in whole.message.ListFields():
        if field.name in BESIDE:
            continue
        reader = READERS.get(field.name)
        if reader is None:
            unmapped = unmapped or field.name
            continue
        out = reader(value, whole, inner)
        if field.name in _WITH_CONTEXT and value.HasField("contextInfo"):
            out |= read_context(value.contextInfo, read, depth)
        return out
    if unmapped:
        return {"type": "unsupported", "field": unmapped}
    unknown = UnknownFieldSet(whole.message)
    strange = sorted({unknown[index].field_number for index in range(len(unknown))})
    if strange:
        return {"type": "unsupported", "fields": strange}
    if whole.message.HasField("senderKeyDistributionMessage"):
        return READERS["senderKeyDistributionMessage"](
            whole.message.senderKeyDistributionMessage, whole, inner
        )
    return {"type": "empty"}
