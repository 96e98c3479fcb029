"""References to other messages, as they stand on the wire."""

from __future__ import annotations

from typing import Any

from protocol.pb.e2e_pb2 import MessageKey

Fields = dict[str, Any]


def target(key: MessageKey) -> Fields:
    """A message key, from its writer's point of view."""
    out: Fields = {}
    if key.HasField("remoteJid"):
        out["chat"] = key.remoteJid
    if key.HasField("fromMe"):
        out["fromMe"] = key.fromMe
    if key.HasField("id"):
        out["id"] = key.id
    if key.HasField("participant"):
        out["participant"] = key.participant
    return out


def pick(source: Any, **names: str) -> Fields:
    """The named fields that are set: `pick(poll, name="name", endTime="endTime")`."""
    return {ours: getattr(source, theirs) for ours, theirs in names.items() if source.HasField(theirs)}
