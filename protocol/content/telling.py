"""What an event tells of a message, in the socket's words; what nothing here understands is told whole."""

from __future__ import annotations

import base64

from protocol.content.keys import Fields
from protocol.content.present import present
from protocol.content.reading import BESIDE, INTERNAL, read
from protocol.pb.e2e_pb2 import Message


def tell(message: Message) -> Fields | None:
    """The members of the event: body, media and all beside them. None for what is for this device alone."""
    content = read(message)
    if content["type"] in INTERNAL:
        return None
    shown = present(content)
    if content["type"] == "unsupported":
        shown["body"] |= untold(message)["body"]
    return shown


def untold(message: Message) -> Fields:
    """The same for what can't be read: its bytes without secrets, for a client that knows better or a later version."""
    kept = Message()
    kept.CopyFrom(message)
    for name in BESIDE:
        kept.ClearField(name)
    return {"body": {"kind": "unsupported", "raw": base64.b64encode(kept.SerializeToString()).decode()}}
