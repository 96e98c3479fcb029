"""Who this device is: the one record without which there is no account (`creds.json`)."""

from __future__ import annotations

from typing import Final

import msgspec

from protocol.crypto.curve import Entropy, KeyPair, generate
from protocol.crypto.xeddsa import sign
from protocol.jid import Jid, parse
from protocol.keystore import Kind, Table

#: Signal's range for registration ids.
MAX_REGISTRATION_ID: Final = 16380


class SignedPreKey(msgspec.Struct, frozen=True):
    """A prekey signed by the identity; the signature covers the public half with its type byte."""

    id: int
    pair: KeyPair
    signature: bytes
    #: Unix seconds; rotation counts from here.
    made_at: float = 0.0


class Account(msgspec.Struct, frozen=True):
    """What pairing gave us. Its presence alone decides between registration and login."""

    #: Own addresses with device, as text: `15550001111:7@s.whatsapp.net`, `100000000000001:7@lid`.
    pn: str
    lid: str
    #: ADVSignedDeviceIdentity, complete: raw bytes of each part, never re-serialised.
    details: bytes
    account_key: bytes
    account_signature: bytes
    device_signature: bytes
    key_index: int = 0
    platform: str = ""
    business_name: str = ""

    @property
    def pn_jid(self) -> Jid:
        """Own device by number."""
        return parse(self.pn)

    @property
    def lid_jid(self) -> Jid | None:
        """Own device by hidden id; accounts from old stores may lack it."""
        return parse(self.lid) if self.lid else None


class Creds(msgspec.Struct, frozen=True, omit_defaults=True):
    """Keys made once, and the few facts that every login needs."""

    noise: KeyPair
    identity: KeyPair
    signed_pre_key: SignedPreKey
    registration_id: int
    adv_secret: bytes
    v: int = 1
    account: Account | None = None
    push_name: str = ""
    #: Counters never go back, whatever keys still exist (reference 02, 2.1).
    next_pre_key_id: int = 1
    #: Prekeys below this id were confirmed by the server.
    first_unuploaded_pre_key_id: int = 1
    #: Above that id, but given to a peer in a retry receipt: never offered to the server.
    lent_pre_key_ids: tuple[int, ...] = ()
    server_has_pre_keys: bool = False
    #: When the signed prekey was last rotated or, at first, checked.
    rotation_checked_at: float = 0.0
    login_count: int = 0
    #: Hidden ids on the wire for one-to-one chats: set once, never cleared (reference 02, 7.3).
    lid_migrated: bool = False
    routing_info: bytes = b""
    #: The server's verified certificate chain of the last XX, for resumption (reference 01, 2.8).
    server_chain: bytes = b""
    props_hash: str = ""
    my_app_state_key: str = ""
    #: Salt of cstokens (reference 02, 5.8).
    nct_salt: bytes = b""
    history_synced: bool = False
    #: App state keys up to this epoch are no longer used for writing (reference 04, 1.2).
    expired_key_epoch: int = 0

    def __repr__(self) -> str:
        return f"Creds({self.account.pn if self.account else 'unlinked'})"


#: Stored under the empty id: the file is `creds.json`.
CREDS: Final = Table(Kind.CREDS, Creds)
CREDS_ID: Final = ""


def new_creds(entropy: Entropy, now: float) -> Creds:
    """Fresh keys for a device that is not linked yet."""
    identity = generate(entropy)
    return Creds(
        noise=generate(entropy),
        identity=identity,
        signed_pre_key=sign_pre_key(identity, 1, generate(entropy), now, entropy),
        registration_id=1 + int.from_bytes(entropy(4), "big") % MAX_REGISTRATION_ID,
        adv_secret=entropy(32),
    )


def sign_pre_key(identity: KeyPair, id: int, pair: KeyPair, now: float, entropy: Entropy) -> SignedPreKey:
    """Sign a prekey with the identity."""
    return SignedPreKey(id, pair, sign(identity.private, pair.tagged, entropy), now)
