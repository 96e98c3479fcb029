"""All ciphertexts of one message against one transaction: in order, both names tried, each failure remembered."""

from __future__ import annotations

from typing import Final

import msgspec
from google.protobuf.message import DecodeError

from protocol.effects import Effects
from protocol.flows.context import Context
from protocol.flows.fanout import local
from protocol.flows.identity_change import device_changed
from protocol.flows.mapping import session_jid, twin
from protocol.jid import Jid
from protocol.keystore import Txn
from protocol.pb.e2e_pb2 import Message
from protocol.signal import groups
from protocol.signal.errors import BadPadding, Duplicate, SignalError
from protocol.signal.identity import identity_of
from protocol.signal.padding import unpad
from protocol.signal.session import Opened, decrypt, has_session, merge_sessions
from protocol.stanza.message import GROUP_CIPHER, PAIRWISE, Enc, Incoming

UNPADDED: Final = 3


class Decrypted(msgspec.Struct):
    """What came out of a stanza's ciphertexts."""

    messages: list[Message] = []
    #: The first error that asking again could cure.
    failure: SignalError | None = None
    #: A ciphertext was opened before: nothing new, but to be acknowledged as the first time.
    duplicate: bool = False
    #: Opened, but its content makes no sense.
    malformed: bool = False
    #: Some ciphertext was of a kind that we know.
    understood: bool = False
    #: The stanza had no pairwise part: a missing sender key can only come with our keys.
    group_only: bool = False
    effects: Effects = msgspec.field(default_factory=Effects)

    def __repr__(self) -> str:
        return f"Decrypted(<{len(self.messages)} messages>)"


def open_all(ctx: Context, txn: Txn, message: Incoming) -> Decrypted:
    """Decrypt, learn sender keys on the way, and read the protobufs."""
    out = Decrypted()
    pairwise = [enc for enc in message.encs if enc.type in PAIRWISE]
    grouped = [enc for enc in message.encs if enc.type == GROUP_CIPHER]
    out.understood = bool(pairwise or grouped)
    out.group_only = not pairwise
    good = 0
    for enc in pairwise:
        plain = _pairwise(ctx, txn, message, enc, out)
        good += plain is not None or out.duplicate
        if plain is not None:
            _take(ctx, txn, message, enc, plain, out)
    # The key of the group part was in the pairwise part: when that failed there is no use in trying.
    if pairwise and not good and out.failure is not None:
        return out
    for enc in grouped:
        plain = _grouped(ctx, txn, message, enc, out)
        if plain is not None:
            out.failure = None
            _take(ctx, txn, message, enc, plain, out)
    return out


def _pairwise(ctx: Context, txn: Txn, message: Incoming, enc: Enc, out: Decrypted) -> bytes | None:
    name = session_jid(txn, message.sender)
    try:
        opened = _decrypt(ctx, txn, name, message, enc)
    except Duplicate:
        out.duplicate = True
        return None
    except SignalError as error:
        opened_by_other = _by_other_name(ctx, txn, name, message, enc)
        if opened_by_other is None:
            out.failure = out.failure or error
            return None
        opened = opened_by_other
    if opened.identity_changed:
        identity = identity_of(txn, name.signal_address) or b""
        out.effects.add(device_changed(ctx, txn, name, identity, push_name=message.push_name))
    return opened.plaintext


def _decrypt(ctx: Context, txn: Txn, name: Jid, message: Incoming, enc: Enc) -> Opened:
    return decrypt(
        txn, name.signal_address, enc.type, enc.data, me=local(ctx), own=message.from_me, now=ctx.now
    )


def _by_other_name(ctx: Context, txn: Txn, name: Jid, message: Incoming, enc: Enc) -> Opened | None:
    """The session may still lie under the sender's other name (or a hosted device's plain one): both become one."""
    others = [twin(txn, name), message.sender]
    if name.is_hosted:
        others.append(Jid(name.user, "lid" if name.is_lid else "s.whatsapp.net", name.device))
    for other in others:
        if other is None or other == name or not has_session(txn, other.signal_address):
            continue
        trial = txn.fork()
        merge_sessions(trial, other.signal_address, name.signal_address)
        try:
            opened = _decrypt(ctx, trial, name, message, enc)
        except SignalError:
            continue
        txn.adopt(trial)
        return opened
    return None


def _grouped(ctx: Context, txn: Txn, message: Incoming, enc: Enc, out: Decrypted) -> bytes | None:
    group = str(message.chat)
    name = session_jid(txn, message.sender)
    failure: SignalError | None = None
    for candidate in (name, twin(txn, name)):
        if candidate is None:
            continue
        try:
            return groups.decrypt(txn, group, candidate.signal_address, enc.data)
        except Duplicate:
            out.duplicate = True
            return None
        except SignalError as error:
            failure = failure or error
    out.failure = out.failure or failure
    return None


def _take(ctx: Context, txn: Txn, message: Incoming, enc: Enc, plain: bytes, out: Decrypted) -> None:
    try:
        body = Message.FromString(plain if enc.version == UNPADDED else unpad(plain))
    except (BadPadding, DecodeError):
        out.malformed = True
        return
    if body.HasField("senderKeyDistributionMessage") and message.is_group_like:
        skdm = body.senderKeyDistributionMessage
        # The stanza says which group it is; whoever names another one wants to replace a key elsewhere.
        if skdm.groupId in ("", str(message.chat)):
            try:
                groups.process_distribution(
                    txn,
                    str(message.chat),
                    session_jid(txn, message.sender).signal_address,
                    skdm.axolotlSenderKeyDistributionMessage,
                )
            except SignalError:
                out.malformed = True
    out.messages.append(body)
