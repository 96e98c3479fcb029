"""Why something could not be decrypted or encrypted. Each error knows the reason code that a retry receipt names."""

from __future__ import annotations

from typing import ClassVar

from protocol.errors import RecordDamaged, RemoteProtocolError


class SignalError(RemoteProtocolError):
    """Base of all. Whoever catches it knows that no record was changed."""

    #: The `error` attribute of a retry receipt (reference 02, 9.6); 0 means: leave it out.
    retry_reason: ClassVar[int] = 0
    #: Ask the sender to send again? Not for what we have already.
    retry: ClassVar[bool] = True


class NoSession(SignalError):
    """No session with this device: nothing to encrypt or decrypt with."""

    retry_reason = 1


class SessionDamaged(NoSession):
    """The record of this session makes no sense. It is left as it is until a new session sets it aside."""

    retry_reason = 8

    def __init__(self, damage: RecordDamaged) -> None:
        super().__init__(str(damage))
        self.damage = damage


class NoSenderKey(SignalError):
    """A group message of a device whose sender key never arrived."""

    retry_reason = 1


class SenderKeyDamaged(NoSenderKey):
    """The record of this sender key makes no sense; the sender's next distribution sets it aside."""

    def __init__(self, damage: RecordDamaged) -> None:
        super().__init__(str(damage))
        self.damage = damage


class InvalidKey(SignalError):
    """A key of a wrong length, or a point of low order."""

    retry_reason = 2


class UntrustedIdentity(SignalError):
    """Another identity where it may not change: one of our own devices."""

    retry_reason = 2


class NoPreKey(SignalError):
    """The one-time prekey that this message names is used up or was never ours."""

    retry_reason = 3


class NoSignedPreKey(SignalError):
    """The signed prekey that this message names is not, or no longer, ours."""

    retry_reason = 3


class InvalidMessage(SignalError):
    """Not an envelope: wrong version, a field missing, lengths that do not fit."""

    retry_reason = 4


class UnknownKeyId(SignalError):
    """We have a sender key of this device, but not the one that this message was made with."""

    retry_reason = 4


class BadSignature(SignalError):
    """The signature of a group message or of a bundle does not verify."""

    retry_reason = 5


class TooFarAhead(SignalError):
    """More messages are missing before this one than we are willing to skip."""

    retry_reason = 6


class BadMac(SignalError):
    """No state of the session can open this message."""

    retry_reason = 7


class Duplicate(SignalError):
    """Its key was used already: this message was decrypted before."""

    retry = False


class BadPadding(SignalError):
    """Decrypted, but what is inside is not padded as it should be. The ratchet advanced; asking again is useless."""

    retry = False
