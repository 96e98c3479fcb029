"""The participant hash: a short name of a set of devices, by which server and clients notice that theirs differ."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable

from protocol.crypto.primitives import sha256
from protocol.jid import Jid


def participant_hash(devices: Iterable[Jid]) -> str:
    """`2:` and eight characters. In groups: all devices of all participants, this device too, hosted ones not."""
    forms = sorted(f"{jid.user}.0:{jid.device}@{jid.server}".encode() for jid in set(devices))
    return "2:" + b64encode(sha256(b"".join(forms))[:6]).decode()
