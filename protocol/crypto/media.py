"""Encrypted files: streaming both ways in bounded memory, with every check before a file may be used.

The encrypted file is AES-256-CBC, then ten bytes of HMAC over iv and ciphertext; the iv is derived, not sent
(reference 03, 5.1 and 5.2). A decrypter hands out blocks as they come: whoever writes them must keep them under a
temporary name until `finish` has returned.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

import msgspec
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from protocol.crypto.primitives import gcm_open, gcm_seal, hkdf, same

MAC: Final = 10
KEY: Final = 32
HASH: Final = 32
BLOCK: Final = 16
#: A sidecar entry covers so much, plus the block that the next one starts with.
SIDECAR_CHUNK: Final = 65536

#: Kind → the info string under which its keys are derived.
INFO: Final = {
    "image": b"WhatsApp Image Keys",
    "sticker": b"WhatsApp Image Keys",
    "video": b"WhatsApp Video Keys",
    "gif": b"WhatsApp Video Keys",
    "ptv": b"WhatsApp Video Keys",
    "audio": b"WhatsApp Audio Keys",
    "ptt": b"WhatsApp Audio Keys",
    "document": b"WhatsApp Document Keys",
    "md-msg-hist": b"WhatsApp History Keys",
    "md-app-state": b"WhatsApp App State Keys",
    "thumbnail-link": b"WhatsApp Link Thumbnail Keys",
    "thumbnail-image": b"WhatsApp Image Thumbnail Keys",
    "thumbnail-video": b"WhatsApp Video Thumbnail Keys",
    "thumbnail-document": b"WhatsApp Document Thumbnail Keys",
    "sticker-pack": b"WhatsApp Sticker Pack Keys",
    "thumbnail-sticker-pack": b"WhatsApp Sticker Pack Thumbnail Keys",
    "payment-bg-image": b"WhatsApp Payment Background Keys",
    "group-history": b"Group History",
}
_RETRY_INFO: Final = b"WhatsApp Media Retry Notification"


class MediaError(Exception):
    """A file that must not be used; `code` names the check that failed."""

    def __init__(self, code: str, why: str) -> None:
        super().__init__(why)
        self.code = code


class MediaKeys(msgspec.Struct, frozen=True):
    """What a media key expands to."""

    iv: bytes
    cipher: bytes
    mac: bytes

    def __repr__(self) -> str:
        return "MediaKeys(…)"


def expand(media_key: bytes, kind: str) -> MediaKeys:
    """Derive a file's keys."""
    if len(media_key) != KEY:
        raise MediaError("bad_media_key", f"the media key has {len(media_key)} bytes, not {KEY}")
    if kind not in INFO:
        raise MediaError("bad_kind", f"no keys are derived for media of kind {kind!r}")
    okm = hkdf(media_key, 112, INFO[kind])
    return MediaKeys(okm[:16], okm[16:48], okm[48:80])


class Sealed(msgspec.Struct, frozen=True):
    """What is known of a file once it is encrypted."""

    file_sha256: bytes
    file_enc_sha256: bytes
    size: int
    sidecar: bytes


class Encrypter:
    """`update` with plaintext, write what comes out; `finish` gives the tail and the facts."""

    def __init__(self, media_key: bytes, kind: str, *, sidecar: bool = False) -> None:
        keys = expand(media_key, kind)
        self._cipher = Cipher(algorithms.AES(keys.cipher), modes.CBC(keys.iv)).encryptor()
        self._mac = hmac.new(keys.mac, keys.iv, "sha256")
        self._plain = hashlib.sha256()
        self._file = hashlib.sha256()
        self._size = 0
        self._sidecar = _Sidecar(keys.mac) if sidecar else None
        if self._sidecar:
            self._sidecar.update(keys.iv)

    def update(self, plaintext: bytes) -> bytes:
        """The ciphertext that is complete."""
        self._plain.update(plaintext)
        self._size += len(plaintext)
        return self._sealed(self._cipher.update(plaintext))

    def finish(self) -> tuple[bytes, Sealed]:
        """The last bytes of the file, and what is known of it."""
        pad = BLOCK - self._size % BLOCK
        tail = self._sealed(self._cipher.update(bytes((pad,)) * pad) + self._cipher.finalize())
        mac = self._mac.digest()[:MAC]
        self._file.update(mac)
        sidecar = b""
        if self._sidecar:
            self._sidecar.update(mac)
            sidecar = self._sidecar.finish()
        return tail + mac, Sealed(self._plain.digest(), self._file.digest(), self._size, sidecar)

    def _sealed(self, ciphertext: bytes) -> bytes:
        self._mac.update(ciphertext)
        self._file.update(ciphertext)
        if self._sidecar:
            self._sidecar.update(ciphertext)
        return ciphertext


class Decrypter:
    """`update` with the file, keep what comes out apart; only after `finish` it may be used."""

    def __init__(self, media_key: bytes, kind: str, *, file_sha256: bytes, file_enc_sha256: bytes) -> None:
        keys = expand(media_key, kind)
        for name, digest in (("fileEncSha256", file_enc_sha256), ("fileSha256", file_sha256)):
            if len(digest) != HASH:
                raise MediaError("bad_hash_length", f"{name} has {len(digest)} bytes, not {HASH}")
        self._cipher = Cipher(algorithms.AES(keys.cipher), modes.CBC(keys.iv)).decryptor()
        self._mac = hmac.new(keys.mac, keys.iv, "sha256")
        self._file, self._plain = hashlib.sha256(), hashlib.sha256()
        self._want_file, self._want_plain = file_enc_sha256, file_sha256
        #: The MAC and the last block (padding) are held back.
        self._held = b""
        self._size = 0

    def update(self, data: bytes) -> bytes:
        """Plaintext that is surely no padding."""
        self._file.update(data)
        self._size += len(data)
        self._held += data
        ready = (len(self._held) - MAC - BLOCK) // BLOCK * BLOCK
        if ready <= 0:
            return b""
        ciphertext, self._held = self._held[:ready], self._held[ready:]
        self._mac.update(ciphertext)
        plain = self._cipher.update(ciphertext)
        self._plain.update(plain)
        return plain

    def finish(self) -> bytes:
        """The last bytes, after all checks, in the order of the reference."""
        if self._size <= MAC:
            raise MediaError("too_short", f"the file has only {self._size} bytes")
        if not same(self._file.digest(), self._want_file):
            raise MediaError(
                "enc_sha256_mismatch", "the file is not the one that was announced (hash differs)"
            )
        ciphertext, mac = self._held[:-MAC], self._held[-MAC:]
        self._mac.update(ciphertext)
        if not same(self._mac.digest()[:MAC], mac):
            raise MediaError("mac_mismatch", "the file was changed or its key is wrong (MAC differs)")
        if not ciphertext or len(ciphertext) % BLOCK:
            raise MediaError("bad_length", "the file ends within a cipher block")
        padded = self._cipher.update(ciphertext) + self._cipher.finalize()
        pad = padded[-1]
        if not 1 <= pad <= BLOCK or padded[-pad:] != bytes((pad,)) * pad:
            raise MediaError("bad_padding", "the file's padding is wrong")
        plain = padded[:-pad]
        self._plain.update(plain)
        if not same(self._plain.digest(), self._want_plain):
            raise MediaError("sha256_mismatch", "the decrypted file is not the one that was announced")
        return plain


def encrypt(plaintext: bytes, media_key: bytes, kind: str, *, sidecar: bool = False) -> tuple[bytes, Sealed]:
    """A whole small file at once."""
    encrypter = Encrypter(media_key, kind, sidecar=sidecar)
    head = encrypter.update(plaintext)
    tail, sealed = encrypter.finish()
    return head + tail, sealed


def decrypt(data: bytes, media_key: bytes, kind: str, *, file_sha256: bytes, file_enc_sha256: bytes) -> bytes:
    """A whole small file at once."""
    decrypter = Decrypter(media_key, kind, file_sha256=file_sha256, file_enc_sha256=file_enc_sha256)
    return decrypter.update(data) + decrypter.finish()


def seal_retry(media_key: bytes, id: str, receipt: bytes, iv: bytes) -> bytes:
    """Encrypt the request that asks the phone to upload a file again."""
    return gcm_seal(hkdf(media_key, KEY, _RETRY_INFO), iv, receipt, id.encode())


def open_retry(media_key: bytes, id: str, payload: bytes, iv: bytes) -> bytes:
    """The phone's answer. Raises CryptoError."""
    return gcm_open(hkdf(media_key, KEY, _RETRY_INFO), iv, payload, id.encode())


class _Sidecar:
    """HMACs over chunks that overlap by one block, so that a player can check a part (reference 03, 5.3)."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._done = bytearray()
        self._at = 0
        self._open: list[tuple[int, hmac.HMAC]] = []

    def update(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            if self._at % SIDECAR_CHUNK == 0:
                self._open.append((self._at + SIDECAR_CHUNK + BLOCK, hmac.new(self._key, b"", "sha256")))
            until = min(self._open[0][0], (self._at // SIDECAR_CHUNK + 1) * SIDECAR_CHUNK)
            part, view = view[: until - self._at], view[until - self._at :]
            for _, digest in self._open:
                digest.update(part)
            self._at += len(part)
            if self._open[0][0] == self._at:
                self._done += self._open.pop(0)[1].digest()[:MAC]

    def finish(self) -> bytes:
        return bytes(self._done) + b"".join(digest.digest()[:MAC] for _, digest in self._open)
