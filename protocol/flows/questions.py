"""Questions to the host: work too long for the core, files, and what only a person can give."""

from __future__ import annotations

from protocol.effects import Question
from protocol.errors import ProtocolError


class StretchCode(Question, frozen=True, tag="stretch_code"):
    """Run `protocol.crypto.primitives.pbkdf2(password, salt, iterations)` off the loop; answer its bytes."""

    password: bytes
    salt: bytes
    iterations: int


class NeedPasskey(Question, frozen=True, tag="passkey"):
    """A person's WebAuthn assertion for these options (both JSON): answer its bytes, or TimedOut."""

    options: bytes
    expires_at: float


class ConfirmCode(Question, frozen=True, tag="confirm_code"):
    """Does the phone show the same code? Answer a bool."""

    code: str
    expires_at: float


class WantBlob(Question, frozen=True, tag="blob"):
    """Download and decrypt a file that a stanza refers to, with every check; answer its bytes.

    Raises BlobGone when the hosts no longer have it, BlobFailed for anything that may pass.
    """

    kind: str
    direct_path: str
    media_key: bytes
    sha256: bytes
    enc_sha256: bytes

    def __repr__(self) -> str:
        return f"WantBlob({self.kind})"


class BlobFailed(ProtocolError):
    """A file could not be fetched; later it may work."""


class BlobGone(BlobFailed):
    """The hosts no longer have this file."""
