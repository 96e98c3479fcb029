"""Questions that pairing asks its host: work too long for the core, and what only a person can give."""

from __future__ import annotations

from protocol.effects import Question


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
