"""Payloads encrypted under the secret of an earlier message: votes, event responses, encrypted reactions, edits, bots.

Addresses are texts without device, as the chat writes them (reference 02, 11).
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice, product
from typing import Final

import msgspec

from protocol.crypto.curve import Entropy
from protocol.crypto.primitives import CryptoError, gcm_open, gcm_seal, hkdf
from protocol.errors import RemoteProtocolError

SECRET: Final = 32
_IV: Final = 12
#: Both forms of two addresses: while people move to hidden ids, writer and reader may use different ones.
_MAX_TRIES: Final = 4


class UseCase:
    """What a secret is used for; the words go into the key."""

    POLL_VOTE: Final = "Poll Vote"
    EVENT_RESPONSE: Final = "Event Response"
    REACTION: Final = "Enc Reaction"
    COMMENT: Final = "Enc Comment"
    MESSAGE_EDIT: Final = "Message Edit"
    EVENT_EDIT: Final = "Event Edit"
    POLL_EDIT: Final = "Poll Edit"
    POLL_ADD_OPTION: Final = "Poll Add Option"
    REPORT: Final = "Report Token"
    #: Answers of bots name none.
    BOT: Final = ""


#: These bind message and writer once more, as associated data.
_BOUND: Final = frozenset({UseCase.POLL_VOTE, UseCase.EVENT_RESPONSE, UseCase.BOT})


class WrongSecret(RemoteProtocolError):
    """No combination of secret and addresses opens this payload."""


class Sealed(msgspec.Struct, frozen=True):
    """An encrypted payload with its tag, and its IV."""

    payload: bytes
    iv: bytes


def derive(secret: bytes, message_id: str, parent_sender: str, modifier: str, use_case: str) -> bytes:
    """The key of one use of a message's secret."""
    return hkdf(secret, 32, (message_id + parent_sender + modifier + use_case).encode())


def seal(
    secret: bytes,
    message_id: str,
    parent_sender: str,
    modifier: str,
    use_case: str,
    plaintext: bytes,
    *,
    entropy: Entropy,
) -> Sealed:
    """Encrypt something about message `message_id` of `parent_sender`, as `modifier`. Draws 12 bytes."""
    iv = entropy(_IV)
    key = derive(secret, message_id, parent_sender, modifier, use_case)
    return Sealed(gcm_seal(key, iv, plaintext, _aad(message_id, modifier, use_case)), iv)


def unseal(
    secret: bytes,
    message_id: str,
    parent_senders: Iterable[str],
    modifiers: Iterable[str],
    use_case: str,
    sealed: Sealed,
) -> bytes:
    """Decrypt; both addresses in the forms they may have, likeliest first. Raises WrongSecret."""
    if len(secret) != SECRET or len(sealed.iv) != _IV:
        raise WrongSecret("a message secret or an IV has a wrong length")
    # The order of forms is kept, each is tried once.
    forms = product(dict.fromkeys(parent_senders), dict.fromkeys(modifiers))
    for parent_sender, modifier in islice(forms, _MAX_TRIES):
        key = derive(secret, message_id, parent_sender, modifier, use_case)
        try:
            return gcm_open(key, sealed.iv, sealed.payload, _aad(message_id, modifier, use_case))
        except CryptoError:
            continue
    raise WrongSecret("this payload was not made with the secret of the message that it names")


def bot_secret(secret: bytes) -> bytes:
    """What a bot is given instead of the message's own secret; its answers are sealed under it (UseCase.BOT)."""
    return hkdf(secret, 32, b"Bot Message")


def _aad(message_id: str, modifier: str, use_case: str) -> bytes:
    return f"{message_id}\0{modifier}".encode() if use_case in _BOUND else b""
