"""Text: bare or extended, with preview and style."""

from __future__ import annotations

import base64
from typing import Any

from protocol.content.keys import Fields, pick
from protocol.content.registry import Inner, reads
from protocol.content.wrappers import Peeled


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
