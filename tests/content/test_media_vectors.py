"""Every vector of media.json, streamed in odd pieces."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest

from protocol.crypto.media import (
    Decrypter,
    Encrypter,
    MediaError,
    decrypt,
    encrypt,
    expand,
    open_retry,
    seal_retry,
)
from protocol.crypto.primitives import CryptoError
from protocol.pb.mms_pb2 import MediaRetryNotification
from protocol.stanza.media import BadDirectPath, delete_url, download_url, path_kind, token, upload_url

FILE = msgspec.json.decode((Path(__file__).parents[1] / "vectors/media.json").read_bytes())
pytestmark = pytest.mark.vectors


def unhex(text):
    return bytes.fromhex(text)


def pattern(generator):
    size, seed = map(int, re.findall(r"\d+", generator))
    return bytes((7 * i + seed + (i >> 8)) & 0xFF for i in range(size))


@pytest.mark.parametrize("vector", FILE["types"], ids=lambda v: v["type"])
def test_kinds(vector):
    media_key, kind = unhex(FILE["mediaKey"]), vector["type"]
    keys = expand(media_key, kind)
    assert (keys.iv.hex(), keys.cipher.hex(), keys.mac.hex()) == (
        vector["iv"], vector["cipherKey"], vector["macKey"],
    )  # fmt: skip
    assert path_kind(kind) == vector["mmsType"]
    data, sealed = encrypt(unhex(vector["plaintext"]), media_key, kind)
    assert data.hex() == vector["enc"] and len(data) == vector["encLength"]
    assert sealed.file_sha256.hex() == vector["fileSha256"]
    assert sealed.file_enc_sha256.hex() == vector["fileEncSha256"]
    again = decrypt(
        data, media_key, kind, file_sha256=sealed.file_sha256, file_enc_sha256=sealed.file_enc_sha256
    )
    assert again.hex() == vector["plaintext"]


@pytest.mark.parametrize("vector", FILE["sizes"], ids=lambda v: str(v["plaintextLength"]))
@pytest.mark.parametrize("step", [1, 15, 16, 17, 4096])
def test_sizes_in_pieces(vector, step):
    media_key, kind = unhex(vector["mediaKey"]), vector["type"]
    plain = unhex(vector["plaintext"]) if vector["plaintext"] is not None else pattern(vector["generator"])
    encrypter = Encrypter(media_key, kind)
    data = b"".join(encrypter.update(plain[i : i + step]) for i in range(0, len(plain), step))
    tail, sealed = encrypter.finish()
    data += tail
    assert len(data) == vector["encLength"]
    assert sealed.file_enc_sha256.hex() == vector["fileEncSha256"]
    if vector.get("enc"):
        assert data.hex() == vector["enc"]
    decrypter = Decrypter(
        media_key, kind, file_sha256=sealed.file_sha256, file_enc_sha256=sealed.file_enc_sha256
    )
    again = b"".join(decrypter.update(data[i : i + step]) for i in range(0, len(data), step))
    assert again + decrypter.finish() == plain


@pytest.mark.parametrize("vector", FILE["sidecars"], ids=lambda v: v["generator"])
def test_sidecars(vector):
    data, sealed = encrypt(
        pattern(vector["generator"]), unhex(vector["mediaKey"]), vector["type"], sidecar=True
    )
    assert sealed.sidecar.hex() == vector["streamingSidecar"]
    assert len(data) == vector["encLength"]
    assert sealed.file_sha256.hex() == vector["fileSha256"]


@pytest.mark.parametrize("vector", FILE["negative"], ids=lambda v: v["name"])
def test_refuses(vector):
    with pytest.raises(MediaError) as caught:
        decrypt(
            unhex(vector["enc"]),
            unhex(vector["mediaKey"]),
            vector["type"],
            file_sha256=unhex(vector["fileSha256"]),
            file_enc_sha256=unhex(vector["fileEncSha256"]),
        )
    assert caught.value.code == vector["expectError"]


@pytest.mark.parametrize("vector", FILE["retry"], ids=lambda v: v["name"])
def test_media_retry(vector):
    media_key, id = unhex(vector["mediaKey"]), vector["stanzaId"]
    payload, iv = unhex(vector["encP"]), unhex(vector["iv"])
    if "expectError" in vector:
        with pytest.raises(CryptoError):
            open_retry(media_key, id, payload, iv)
        return
    plain = open_retry(media_key, id, payload, iv)
    assert plain.hex() == vector["plaintext"]
    assert seal_retry(media_key, id, plain, iv) == payload
    if "message" in vector:
        notice = MediaRetryNotification.FromString(plain)
        assert notice.stanzaId == vector["message"]["stanzaId"]
        assert (notice.directPath or None) == vector["message"].get("directPath")
        assert MediaRetryNotification.ResultType.Name(notice.result) == vector["message"]["result"]


@pytest.mark.parametrize("vector", FILE["tokens"], ids=lambda v: v["hash"][:8])
def test_tokens(vector):
    assert token(unhex(vector["hash"])) == vector["urlsafeUnpadded"]
    assert token(unhex(vector["hash"]), padded=True) == vector["urlsafePadded"]


@pytest.mark.parametrize("vector", FILE["urls"], ids=lambda v: f"{v['name']} {v.get('directPath', '')}")
def test_urls(vector):
    if "expectError" in vector:
        with pytest.raises(BadDirectPath):
            download_url("mmg.whatsapp.net", vector["directPath"], b"", "image")
        return
    host, kind = vector["host"], vector["type"]
    if vector["method"] == "POST":
        plain = "fileEncSha256" not in vector
        digest = unhex(vector["fileSha256" if plain else "fileEncSha256"])
        url = upload_url(host, kind, digest, vector["auth"], newsletter=plain)
        assert url + ("&resume=1" if "resume=1" in vector["url"] else "") == vector["url"]
    elif vector["method"] == "GET":
        assert download_url(host, vector["directPath"], unhex(vector["fileEncSha256"]), kind) == vector["url"]
    else:
        url = delete_url(
            host, kind, vector["directPath"], unhex(vector["fileEncSha256"]), vector["auth"],
            enc_handle=vector.get("encHandle", ""),
        )  # fmt: skip
        parts = urlsplit(url)
        assert {name: values[0] for name, values in parse_qs(parts.query).items()} == vector["query"]
        assert parts.path == vector["path"]
