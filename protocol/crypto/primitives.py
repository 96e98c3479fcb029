"""Symmetric pieces: HKDF, HMAC, AES in the three modes that the protocol uses."""

from __future__ import annotations

import hashlib
import hmac as _hmac
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

NO_SALT: Final = bytes(32)
_SHA256: Final = SHA256()


class CryptoError(Exception):
    """A tag, a padding or a length does not fit. Says no more: the reason is of no use to an honest caller."""


def sha256(data: bytes) -> bytes:
    """SHA-256."""
    return hashlib.sha256(data).digest()


def hmac_sha256(key: bytes, data: bytes) -> bytes:
    """HMAC-SHA-256. Not by `hmac.digest`: that lets go of the interpreter for two microseconds of work, and a host with
    threads waits far longer to get it back.
    """
    mac = HMAC(key, _SHA256)
    mac.update(data)
    return mac.finalize()


def same(a: bytes, b: bytes) -> bool:
    """Equality in constant time."""
    return _hmac.compare_digest(a, b)


def hkdf(ikm: bytes, length: int, info: bytes, salt: bytes = NO_SALT) -> bytes:
    """HKDF-SHA-256, extract and expand."""
    return HKDF(_SHA256, length, salt, info).derive(ikm)


def cbc_encrypt(key: bytes, iv: bytes, plaintext: bytes) -> bytes:
    """AES-256-CBC with PKCS#7 padding."""
    pad = 16 - len(plaintext) % 16
    encryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor()
    return encryptor.update(plaintext + bytes((pad,)) * pad) + encryptor.finalize()


def cbc_decrypt(key: bytes, iv: bytes, ciphertext: bytes) -> bytes:
    """AES-256-CBC with PKCS#7 padding. Call it only after the MAC was checked."""
    if not ciphertext or len(ciphertext) % 16:
        raise CryptoError("ciphertext length")
    decryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).decryptor()
    padded = decryptor.update(ciphertext) + decryptor.finalize()
    pad = padded[-1]
    if not 1 <= pad <= 16 or padded[-pad:] != bytes((pad,)) * pad:
        raise CryptoError("padding")
    return padded[:-pad]


def ctr(key: bytes, counter_block: bytes, data: bytes) -> bytes:
    """AES-256-CTR, both directions."""
    cipher = Cipher(algorithms.AES(key), modes.CTR(counter_block)).encryptor()
    return cipher.update(data) + cipher.finalize()


def gcm_seal(key: bytes, iv: bytes, plaintext: bytes, aad: bytes = b"") -> bytes:
    """AES-256-GCM, the tag appended."""
    return AESGCM(key).encrypt(iv, plaintext, aad)


def gcm_open(key: bytes, iv: bytes, ciphertext: bytes, aad: bytes = b"") -> bytes:
    """AES-256-GCM, the tag appended. Raises CryptoError."""
    try:
        return AESGCM(key).decrypt(iv, ciphertext, aad)
    except (InvalidTag, ValueError) as error:
        raise CryptoError("tag") from error


def pbkdf2(password: bytes, salt: bytes, iterations: int, length: int = 32) -> bytes:
    """PBKDF2-HMAC-SHA-256."""
    return hashlib.pbkdf2_hmac("sha256", password, salt, iterations, length)
