"""Pictures, videos, sound, documents, stickers: what a reader may know, and what a download needs."""

from __future__ import annotations

import base64
import math
from typing import Any, Final

import msgspec

from protocol.content.keys import Fields, pick
from protocol.content.outgoing import BuildError, Options, Uploaded, builds, has_context, put_context
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


#: Where the file of a business content stands: above its words.
_ABOVE: Final = (
    ("buttonsMessage",),
    ("templateMessage", "hydratedTemplate"),
    ("templateMessage", "hydratedFourRowTemplate"),
    ("interactiveMessage", "header"),
    ("productMessage", "product"),
)
_FILES: Final = MEDIA_FIELDS | {"productImage": "image"}


def file_in(holder: Any) -> tuple[str, Any] | None:
    """The kind and the part of a file that stands right in this message."""
    known = holder.DESCRIPTOR.fields_by_name
    for name, kind in _FILES.items():
        if name in known and holder.HasField(name):
            return kind, getattr(holder, name)
    return None


def own_file(message: Message) -> tuple[str, Any] | None:
    """The kind and the part of the message's own file: its content, or what stands above its words."""
    inner: Any = peel(message).message
    found = file_in(inner)
    for path in _ABOVE:
        holder = inner
        for name in path:
            holder = getattr(holder, name) if holder is not None and holder.HasField(name) else None
        if found is None and holder is not None:
            found = file_in(holder)
    return found


def media_ref(message: Message) -> MediaRef | None:
    """The download reference of a message's own media, if it has one."""
    found = own_file(message)
    if found is None:
        return None
    kind, media = found
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


class Captioned(msgspec.Struct, frozen=True):
    """Media to send, with the words under it."""

    media: Uploaded
    caption: str = ""


#: Waveforms have exactly this many bars of 0 to 100.
WAVEFORM: Final = 64
VOICE_MIMETYPE: Final = "audio/ogg; codecs=opus"


def _fill(part: Any, content: Captioned, options: Options) -> None:
    """What all kinds of media share."""
    media, known = content.media, part.DESCRIPTOR.fields_by_name
    part.mimetype = media.mimetype
    part.fileLength = media.size
    part.fileSha256 = media.file_sha256
    part.directPath = media.direct_path
    if media.url:
        part.url = media.url
    if media.media_key:
        part.mediaKey = media.media_key
        part.fileEncSha256 = media.file_enc_sha256
        part.mediaKeyTimestamp = media.media_key_timestamp
    optional = {
        "width": media.width,
        "height": media.height,
        "seconds": max(1, math.ceil(media.duration_s)) if media.duration_s > 0 else 0,
        "jpegThumbnail": media.thumbnail,
        "streamingSidecar": media.sidecar,
        "fileName": media.file_name,
        "title": media.title,
        "pageCount": media.page_count,
        "caption": content.caption,
    }
    for name, value in optional.items():
        if value and name in known:
            setattr(part, name, value)
    if has_context(options):
        put_context(part.contextInfo, options)


def _once(message: Message, part: Any, options: Options, wrapper: str) -> Message:
    """View once: the flag inside and the wrapper around, as current apps write it."""
    if not options.view_once:
        return message
    part.viewOnce = True
    wrapped = Message()
    getattr(wrapped, wrapper).message.CopyFrom(message)
    return wrapped


@builds("image")
def build_image(content: Captioned, options: Options) -> Message:
    message = Message()
    _fill(message.imageMessage, content, options)
    return _once(message, message.imageMessage, options, "viewOnceMessageV2")


@builds("video")
def build_video(content: Captioned, options: Options) -> Message:
    message = Message()
    _fill(message.videoMessage, content, options)
    if content.media.gif:
        message.videoMessage.gifPlayback = True
    return _once(message, message.videoMessage, options, "viewOnceMessageV2")


@builds("video_note")
def build_video_note(content: Captioned, options: Options) -> Message:
    message = Message()
    _fill(message.ptvMessage, content, options)
    return message


@builds("audio")
def build_audio(content: Captioned, options: Options) -> Message:
    message = Message()
    _fill(message.audioMessage, content, options)
    message.audioMessage.ptt = False
    return message


@builds("voice")
def build_voice(content: Captioned, options: Options) -> Message:
    message = Message()
    part = message.audioMessage
    _fill(part, content, options)
    part.mimetype = VOICE_MIMETYPE
    part.ptt = True
    if content.media.waveform:
        if len(content.media.waveform) != WAVEFORM or max(content.media.waveform) > 100:
            raise BuildError("voice.waveform", f"needs {WAVEFORM} numbers from 0 to 100")
        part.waveform = content.media.waveform
    if options.style and options.style.background is not None:
        part.backgroundArgb = options.style.background
    return _once(message, part, options, "viewOnceMessageV2Extension")


@builds("document")
def build_document(content: Captioned, options: Options) -> Message:
    message = Message()
    _fill(message.documentMessage, content, options)
    if not content.caption:
        return message
    wrapped = Message()
    wrapped.documentWithCaptionMessage.message.CopyFrom(message)
    return wrapped


@builds("sticker")
def build_sticker(content: Captioned, options: Options) -> Message:
    message = Message()
    _fill(message.stickerMessage, content, options)
    message.stickerMessage.isAnimated = content.media.animated
    return message


class AlbumHeader(msgspec.Struct, frozen=True):
    """How many pictures and videos follow."""

    images: int
    videos: int


@builds("album")
def build_album(header: AlbumHeader, options: Options) -> Message:
    message = Message()
    message.albumMessage.expectedImageCount = header.images
    message.albumMessage.expectedVideoCount = header.videos
    if has_context(options):
        put_context(message.albumMessage.contextInfo, options)
    return message


class PackSticker(msgspec.Struct, frozen=True):
    """One sticker of a pack, by the name of its file in the archive."""

    file_name: str
    animated: bool = False
    emojis: tuple[str, ...] = ()


class StickerPack(msgspec.Struct, frozen=True, kw_only=True):
    """A pack: an archive with all files and its icon."""

    id: str
    name: str
    publisher: str
    stickers: tuple[PackSticker, ...]
    tray: str
    media: Uploaded
    caption: str = ""


@builds("sticker_pack")
def build_sticker_pack(pack: StickerPack, options: Options) -> Message:
    message = Message()
    part, media = message.stickerPackMessage, pack.media
    part.stickerPackId, part.name, part.publisher = pack.id, pack.name, pack.publisher
    part.trayIconFileName = pack.tray
    for sticker in pack.stickers:
        part.stickers.add(
            fileName=sticker.file_name,
            isAnimated=sticker.animated,
            emojis=sticker.emojis,
            mimetype="image/webp",
        )
    part.fileLength = part.stickerPackSize = media.size
    part.fileSha256, part.fileEncSha256 = media.file_sha256, media.file_enc_sha256
    part.mediaKey, part.mediaKeyTimestamp = media.media_key, media.media_key_timestamp
    part.directPath = media.direct_path
    part.stickerPackOrigin = part.USER_CREATED
    if pack.caption:
        part.caption = pack.caption
    if has_context(options):
        put_context(part.contextInfo, options)
    return message


def uploaded_of(message: Message) -> Uploaded:
    """What a message's file is on the hosts, or will be: keys and hashes, for another message with the same file."""
    found = own_file(message)
    assert found is not None, "only messages with a file are uploaded for"
    part = found[1]
    known = part.DESCRIPTOR.fields_by_name
    return Uploaded(
        mimetype=part.mimetype if "mimetype" in known else "",
        size=part.fileLength,
        file_sha256=part.fileSha256,
        direct_path=part.directPath,
        url=part.url if "url" in known else "",
        media_key=part.mediaKey,
        file_enc_sha256=part.fileEncSha256,
        media_key_timestamp=part.mediaKeyTimestamp if "mediaKeyTimestamp" in known else 0,
        sidecar=part.streamingSidecar if "streamingSidecar" in known else b"",
    )


def located(message: Message, uploaded: Uploaded) -> Message:
    """A copy whose file lies where it was uploaded to: messages are built before their upload."""
    copy = Message()
    copy.CopyFrom(message)
    found = own_file(copy)
    if found is not None:
        part = found[1]
        part.directPath = uploaded.direct_path
        if uploaded.url and "url" in part.DESCRIPTOR.fields_by_name:
            part.url = uploaded.url
    return copy
