"""Sender keys: one chain for all readers of a group, one record for each device that writes there.

`group` is the text of a JID, `sender` a `Jid.signal_address`. All or nothing, as in `session.py`.
"""

from __future__ import annotations

from protocol.crypto.curve import Entropy
from protocol.keystore import Txn, View


def distribution(txn: Txn, group: str, sender: str, *, entropy: Entropy) -> bytes:
    """The SenderKeyDistributionMessage of our own key, at its present index; makes a key when there is none.

    Take it before the message that it shall open is encrypted.
    """
    raise NotImplementedError


def encrypt(txn: Txn, group: str, sender: str, plaintext: bytes, *, entropy: Entropy) -> bytes:
    """Encrypt (padded) plaintext with our own key. Raises NoSenderKey when `distribution` was never called."""
    raise NotImplementedError


def process_distribution(txn: Txn, group: str, sender: str, skdm: bytes) -> None:
    """Take in a sender key. Raises InvalidMessage, InvalidKey."""
    raise NotImplementedError


def decrypt(txn: Txn, group: str, sender: str, data: bytes) -> bytes:
    """Decrypt the content of an `enc` of type `skmsg`, to padded plaintext. Raises a SignalError."""
    raise NotImplementedError


def rotate(txn: Txn, group: str, sender: str) -> None:
    """Forget our own key: somebody left. The next `distribution` makes a new one."""
    raise NotImplementedError


def has_sender_key(view: View, group: str, sender: str) -> bool:
    """Is there a key of this device?"""
    raise NotImplementedError
