"""Pictures, videos, sound, documents, stickers: what a reader may know, and what a download needs."""

from __future__ import annotations

import base64
from typing import Any, Final

import msgspec

from protocol.content.keys import Fields, pick
from protocol.content.registry import Inner, reads
from protocol.content.wrappers import Peeled, peel
from protocol.pb.e2e_pb2 import Message

#: Field of Message → the kind under which its keys are derived and its host path is chosen.
MEDIA_FIELDS: Final = {
    "imageMessage": "image",
    "videoMessage": "video",
    "ptvMessage": "video",
    "audioMessage": "audio",
    "documentMessage": "document",
    "stickerMessage": "sticker",
    "stickerPackMessage": "sticker-pack",
}


class MediaRef(msgspec.Struct, frozen=True):
    """What a download needs. Stored beside the message, never shown to a client."""

    kind: str
    direct_path: str = ""
    url: str = ""
    media_key: bytes = b""
    file_sha256: bytes = b""
    file_enc_sha256: bytes = b""
    size: int = 0
    mimetype: str = ""
    file_name: str = ""

    def __repr__(self) -> str:
        return f"MediaRef(kind={self.kind!r}, size={self.size})"


def media_ref(message: Message) -> MediaRef | None:
    """The download reference of a message's own media, if it has one."""
    inner = peel(message).message
    for name, kind in MEDIA_FIELDS.items():
        if not inner.HasField(name):
            continue
        media: Any = getattr(inner, name)
        return MediaRef(
            kind=kind,
            direct_path=media.directPath,
            url=getattr(media, "url", ""),
            media_key=media.mediaKey,
            file_sha256=media.fileSha256,
            file_enc_sha256=media.fileEncSha256,
            size=media.fileLength,
            mimetype=getattr(media, "mimetype", "") or ("application/zip" if kind == "sticker-pack" else ""),
            file_name=getattr(media, "fileName", ""),
        )
    return None


def media_fields(media: Any) -> Fields:
    """The `media` object of a content."""
    known = media.DESCRIPTOR.fields_by_name
    names = {
        "mimetype": "mimetype",
        "size": "fileLength",
        "fileName": "fileName",
        "title": "title",
        "pageCount": "pageCount",
        "width": "width",
        "height": "height",
        "seconds": "seconds",
    }
    out = pick(media, **{ours: theirs for ours, theirs in names.items() if theirs in known})
    if media.fileSha256:
        out["sha256"] = media.fileSha256.hex()
    if "jpegThumbnail" in known and media.jpegThumbnail:
        out["thumbnail"] = base64.b64encode(media.jpegThumbnail).decode()
    located = media.directPath or ("url" in known and media.url)
    if located and not media.mediaKey:
        out["encrypted"] = False
    return out


def _captioned(kind: str, media: Any, whole: Peeled) -> Fields:
    out: Fields = {"type": kind, "media": media_fields(media)}
    if "caption" in media.DESCRIPTOR.fields_by_name and media.HasField("caption"):
        out["caption"] = media.caption
    if "viewOnce" in media.DESCRIPTOR.fields_by_name and media.viewOnce:
        out["viewOnce"] = True
    return out


@reads("imageMessage")
def image(media: Any, whole: Peeled, inner: Inner) -> Fields:
    return _captioned("image", media, whole)


@reads("videoMessage")
def video(media: Any, whole: Peeled, inner: Inner) -> Fields:
    return _captioned("video", media, whole) | ({"gif": True} if media.gifPlayback else {})


@reads("ptvMessage")
def video_note(media: Any, whole: Peeled, inner: Inner) -> Fields:
    return _captioned("videoNote", media, whole)


@reads("audioMessage")
def audio(media: Any, whole: Peeled, inner: Inner) -> Fields:
    out = _captioned("audio", media, whole) | {"voice": media.ptt}
    if media.waveform:
        out["waveform"] = list(media.waveform)
    return out


@reads("documentMessage")
def document(media: Any, whole: Peeled, inner: Inner) -> Fields:
    return _captioned("document", media, whole)


@reads("stickerMessage")
def sticker(media: Any, whole: Peeled, inner: Inner) -> Fields:
    out = _captioned("sticker", media, whole)
    if media.isAnimated:
        out["animated"] = True
    if media.isLottie or "lottieStickerMessage" in whole.layers:
        out["lottie"] = True
    return out


@reads("stickerPackMessage")
def sticker_pack(pack: Any, whole: Peeled, inner: Inner) -> Fields:
    about = pick(pack, id="stickerPackId", name="name", publisher="publisher")
    out: Fields = {"type": "stickerPack", "stickerPack": about | {"count": len(pack.stickers)}}
    if pack.HasField("caption"):
        out["caption"] = pack.caption
    return out | {"media": media_fields(pack)}


@reads("albumMessage")
def album(header: Any, whole: Peeled, inner: Inner) -> Fields:
    return {
        "type": "album",
        "album": {"images": header.expectedImageCount, "videos": header.expectedVideoCount},
    }
