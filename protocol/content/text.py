"""Text: bare or extended, with preview and style."""

from __future__ import annotations

import base64
from typing import Any

from protocol.content.keys import Fields, pick
from protocol.content.outgoing import Options, builds, has_context, put_context
from protocol.content.registry import Inner, reads
from protocol.content.wrappers import Peeled
from protocol.pb.e2e_pb2 import Message


@reads("conversation")
def conversation(text: str, whole: Peeled, inner: Inner) -> Fields:
    return {"type": "text", "text": text}


@reads("extendedTextMessage")
def extended(text: Any, whole: Peeled, inner: Inner) -> Fields:
    out: Fields = {"type": "text", "text": text.text}
    if text.matchedText.strip():
        preview: Fields = {"url": text.matchedText} | pick(text, title="title", description="description")
        if text.jpegThumbnail:
            preview["thumbnail"] = base64.b64encode(text.jpegThumbnail).decode()
        if text.thumbnailDirectPath:
            preview["hasHqThumbnail"] = True
        out["linkPreview"] = preview
    if style := pick(text, backgroundArgb="backgroundArgb", textArgb="textArgb", font="font"):
        out["style"] = style
    return out


@builds("text")
def build_text(text: str, options: Options) -> Message:
    if not (has_context(options) or options.preview or options.style):
        return Message(conversation=text)
    message = Message()
    extended = message.extendedTextMessage
    extended.text = text
    if options.preview:
        preview = options.preview
        extended.matchedText = preview.url
        if preview.title:
            extended.title = preview.title
        if preview.description:
            extended.description = preview.description
        if preview.thumbnail:
            extended.jpegThumbnail = preview.thumbnail
    if options.style:
        style = options.style
        if style.background is not None:
            extended.backgroundArgb = style.background
        if style.color is not None:
            extended.textArgb = style.color
        if style.font is not None:
            # Fonts that the schema does not know yet travel as their number.
            extended.font = style.font  # type: ignore[assignment]
    if has_context(options):
        put_context(extended.contextInfo, options)
    return message
