"""The double ratchet, version 3: open and seal one message of one state.

Nothing in a state is assigned before the MAC of a message held. A ratchet step draws its new key pair only then,
so a message that fits no state costs one agreement for each and no entropy.
"""

from __future__ import annotations

from protocol.crypto.curve import DJB, Entropy, dh, generate
from protocol.crypto.primitives import (
    CryptoError,
    cbc_decrypt,
    cbc_encrypt,
    hkdf,
    hmac_sha256,
    same,
)
from protocol.signal.chains import advance, find, seed
from protocol.signal.envelope import MAC, Whisper, write_message
from protocol.signal.errors import BadMac, InvalidKey, InvalidMessage, NoSession
from protocol.signal.records import MAX_CHAINS, ReceivingChain, SendingChain, State


def seal(state: State, plaintext: bytes) -> bytes:
    """The next SignalMessage of this state. Raises NoSession when its sending chain is closed."""
    chain = state.sending
    if chain.key is None:
        raise NoSession("this session can't send before the other side has sent something")
    keys = message_keys(seed(chain.key))
    signed = write_message(
        chain.public, chain.index, state.previous, cbc_encrypt(keys[:32], keys[64:], plaintext)
    )
    mac = hmac_sha256(keys[32:64], DJB + state.our_identity + DJB + state.their_identity + signed)
    chain.key = advance(chain.key)
    chain.index += 1
    return signed + mac[:MAC]


def knows(state: State, ratchet: bytes) -> ReceivingChain | None:
    """The receiving chain of a ratchet key, if this state has it."""
    for chain in reversed(state.receiving):
        if chain.ratchet == ratchet:
            return chain
    return None


def open_known(state: State, chain: ReceivingChain, message: Whisper, limit: int) -> bytes:
    """Decrypt a message of a chain that the state has. Raises a SignalError, and then the state is unchanged."""
    step = find(chain.key, chain.index, chain.skipped, message.counter, limit)
    plaintext = _open(state, step.message_key, message)
    chain.key, chain.index, chain.skipped = step.key, step.index, step.skipped
    state.pending = None
    return plaintext


def open_new(state: State, message: Whisper, limit: int, entropy: Entropy) -> bytes:
    """Decrypt the first message of a new ratchet key. Raises a SignalError, and then the state is unchanged."""
    root, key = turn(state.root, state.sending.private, message.ratchet)
    step = find(key, 0, {}, message.counter, limit)
    plaintext = _open(state, step.message_key, message)
    state.receiving.append(ReceivingChain(message.ratchet, step.key, step.index, step.skipped))
    del state.receiving[:-MAX_CHAINS]
    state.previous = max(state.sending.index - 1, 0)
    pair = generate(entropy)
    state.root, key = turn(root, pair.private, message.ratchet)
    state.sending = SendingChain(pair.private, pair.public, key)
    state.pending = None
    return plaintext


def turn(root: bytes, private: bytes, public: bytes) -> tuple[bytes, bytes]:
    """One half of a ratchet step: the next root key and a chain key. Raises InvalidKey."""
    try:
        both = hkdf(dh(private, public), 64, b"WhisperRatchet", root)
    except CryptoError as error:
        raise InvalidKey("the ratchet key of this message is no usable point") from error
    return both[:32], both[32:]


def message_keys(message_key: bytes) -> bytes:
    """Cipher key, MAC key and IV: 80 bytes, from a seed (or as they were stored)."""
    return message_key if len(message_key) == 80 else hkdf(message_key, 80, b"WhisperMessageKeys")


def _open(state: State, message_key: bytes, message: Whisper) -> bytes:
    keys = message_keys(message_key)
    # The writer's identity comes first.
    mac = hmac_sha256(keys[32:64], DJB + state.their_identity + DJB + state.our_identity + message.signed)
    if not same(mac[:MAC], message.mac):
        raise BadMac("the MAC of this message does not fit")
    try:
        return cbc_decrypt(keys[:32], keys[64:], message.ciphertext)
    except CryptoError as error:
        raise InvalidMessage("a genuine message with damaged padding") from error
