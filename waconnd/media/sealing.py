"""From a local file to the encrypted one that is uploaded: streamed, in a thread, with what is known of the file."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any, BinaryIO, Final

import msgspec

from protocol.content import Uploaded
from protocol.crypto.media import KEY, Encrypter
from waconnd.media import ffmpeg, pictures, recordings, thumbnails
from waconnd.media.sniff import HEAD_BYTES, mimetype

#: Read and encrypted at once: large enough for speed, small enough for a hundred uploads side by side.
PIECE: Final = 256 * 1024
#: Kinds whose players want to check a part without the rest.
_WITH_SIDECAR: Final = frozenset({"video", "ptv", "audio", "gif"})


class BadMedia(Exception):
    """The file is not what it has to be; `cause` is for programs."""

    def __init__(self, cause: str, why: str) -> None:
        super().__init__(why)
        self.cause = cause


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What the caller says of a file; it goes before what is found out."""

    mimetype: str = ""
    file_name: str = ""
    title: str = ""
    page_count: int = 0
    duration_s: float = 0.0
    width: int = 0
    height: int = 0
    thumbnail: bytes = b""
    waveform: bytes = b""
    gif: bool = False
    animated: bool = False


def look(file: BinaryIO, size: int, told: Told, name: str = "") -> Told:
    """Fill in what can be found out. Blocks; for a thread."""
    file.seek(0)
    head = file.read(HEAD_BYTES)
    kind = told.mimetype or mimetype(head, told.file_name or name)
    found: dict[str, Any] = {"mimetype": kind}
    picture = pictures.measure(head)
    if picture is not None:
        found |= {"width": picture.width, "height": picture.height, "animated": picture.animated}
        found["thumbnail"] = b"" if told.thumbnail else thumbnails.thumbnail(file)
    else:
        recording = recordings.measure(file, size, mimetype(head))
        found |= {"duration_s": recording.duration_s, "width": recording.width, "height": recording.height}
        found["waveform"] = recording.waveform
    return msgspec.structs.replace(
        told, **{name: value for name, value in found.items() if value and not getattr(told, name)}
    )


def digest(file: BinaryIO) -> bytes:
    """The hash of a file as it is. Blocks; for a thread."""
    file.seek(0)
    hashed = hashlib.sha256()
    while piece := file.read(PIECE):
        hashed.update(piece)
    return hashed.digest()


def seal(file: BinaryIO, kind: str, target: Path, now: float) -> Uploaded:
    """Encrypt into `target` under a new key; a path on the hosts is still missing. Blocks; for a thread."""
    key = os.urandom(KEY)
    encrypter = Encrypter(key, kind, sidecar=kind in _WITH_SIDECAR)
    file.seek(0)
    try:
        with target.open("xb") as out:
            while piece := file.read(PIECE):
                out.write(encrypter.update(piece))
            tail, sealed = encrypter.finish()
            out.write(tail)
            out.flush()
            os.fsync(out.fileno())
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    return Uploaded(
        mimetype="",
        size=sealed.size,
        file_sha256=sealed.file_sha256,
        direct_path="",
        media_key=key,
        file_enc_sha256=sealed.file_enc_sha256,
        media_key_timestamp=int(now),
        sidecar=sealed.sidecar,
    )


def plain(file: BinaryIO, target: Path) -> Uploaded:
    """For channels, whose media is not encrypted: a copy. Blocks; for a thread."""
    hashed, size = hashlib.sha256(), 0
    file.seek(0)
    try:
        with target.open("xb") as out:
            while piece := file.read(PIECE):
                out.write(piece)
                hashed.update(piece)
                size += len(piece)
            out.flush()
            os.fsync(out.fileno())
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    return Uploaded(mimetype="", size=size, file_sha256=hashed.digest(), direct_path="")


def described(uploaded: Uploaded, told: Told) -> Uploaded:
    """The same with all that is known of the file."""
    return msgspec.structs.replace(
        uploaded,
        mimetype=told.mimetype,
        file_name=told.file_name,
        title=told.title,
        page_count=told.page_count,
        duration_s=told.duration_s,
        width=told.width,
        height=told.height,
        thumbnail=told.thumbnail,
        waveform=told.waveform,
        gif=told.gif,
        animated=told.animated,
    )


def as_sticker(source: Path, told: Told, folder: Path) -> tuple[Path, Told]:
    """A sticker must be WebP: other pictures are drawn anew when Pillow is there. Blocks; for a thread."""
    if told.mimetype == "image/webp":
        return source, told
    target = folder / f"sticker-{os.urandom(8).hex()}"
    try:
        thumbnails.sticker(source, target)
    except thumbnails.NotDrawn as error:
        target.unlink(missing_ok=True)
        raise BadMedia(
            "bad_media", f"a sticker must be WebP; this is {told.mimetype or 'unknown'}, and {error}"
        ) from None
    with target.open("rb") as file:
        fresh = look(file, target.stat().st_size, Told())
    return target, msgspec.structs.replace(
        told, mimetype=fresh.mimetype, width=fresh.width, height=fresh.height, animated=fresh.animated
    )


def as_voice(source: Path, told: Told, folder: Path) -> tuple[Path, Told]:
    """A voice note must be Ogg Opus: other sound is converted when ffmpeg is there. Blocks; for a thread."""
    if told.mimetype.startswith("audio/ogg") and "opus" in told.mimetype:
        bars = told.waveform or ffmpeg.waveform(source)
        return source, msgspec.structs.replace(told, waveform=bars)
    target = folder / f"voice-{os.urandom(8).hex()}"
    try:
        ffmpeg.voice(source, target)
    except ffmpeg.NotConverted as error:
        target.unlink(missing_ok=True)
        raise BadMedia(
            "bad_media", f"a voice note must be Ogg Opus; this is {told.mimetype or 'unknown'}, and {error}"
        ) from None
    with target.open("rb") as file:
        fresh = look(file, target.stat().st_size, Told())
    bars = told.waveform or ffmpeg.waveform(target)
    return target, msgspec.structs.replace(
        told, mimetype=fresh.mimetype, duration_s=told.duration_s or fresh.duration_s, waveform=bars
    )
