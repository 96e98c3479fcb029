"""Everything with a file."""

from tests.interop.kinds.shape import PICTURE, THUMB, Kind, body, buffer
from tests.support.files import b64, mp4, ogg, webp

FILM, NOTE, STICKER = mp4(12.5, 1280, 720), ogg(4), webp()
PAPER = b"%PDF-1.4 " * 999
WAVE = list(range(64))
_SQUARE = {"width": 1280, "height": 720, "seconds": 13}

KINDS = [
    Kind(
        "image",
        say={"image": {"data": b64(PICTURE)}, "caption": "look"},
        seen={"imageMessage": {"mimetype": "image/png", "caption": "look", "width": 3, "height": 2}},
        tell={
            "image": buffer(PICTURE),
            "caption": "look",
            "mimetype": "image/png",
            "width": 3,
            "height": 2,
            "jpegThumbnail": THUMB,
        },
        heard=body("image", caption="look")
        | {"media": {"mimetype": "image/png", "width": 3, "height": 2, "thumbnail": THUMB}},
        file=PICTURE,
    ),
    Kind(
        "video",
        say={"video": {"data": b64(FILM)}, "caption": "roll"},
        seen={"videoMessage": {"mimetype": "video/mp4", "caption": "roll", **_SQUARE}},
        tell={"video": buffer(FILM), "caption": "roll", **_SQUARE, "jpegThumbnail": THUMB},
        heard=body("video", caption="roll")
        | {
            "media": {
                "mimetype": "video/mp4",
                "width": 1280,
                "height": 720,
                "duration_s": 13,
                "thumbnail": THUMB,
            }
        },
        file=FILM,
    ),
    Kind(
        "GIF",
        say={"video": {"data": b64(FILM), "gif": True}},
        seen={"videoMessage": {"mimetype": "video/mp4", "gifPlayback": True, **_SQUARE}},
        tell={"video": buffer(FILM), "gifPlayback": True, **_SQUARE, "jpegThumbnail": THUMB},
        heard=body("video", gif=True)
        | {
            "media": {
                "mimetype": "video/mp4",
                "width": 1280,
                "height": 720,
                "duration_s": 13,
                "thumbnail": THUMB,
            }
        },
        file=FILM,
    ),
    Kind(
        "round video",
        say={"video_note": {"data": b64(FILM)}},
        seen={"ptvMessage": {"mimetype": "video/mp4", **_SQUARE}},
        tell={"video": buffer(FILM), "ptv": True, **_SQUARE, "jpegThumbnail": THUMB},
        # Of a round video it tells nothing else.
        heard=body("video_note") | {"media": {"mimetype": "video/mp4"}},
        file=FILM,
    ),
    Kind(
        "voice note: length and waveform",
        say={"voice": {"data": b64(NOTE), "waveform": WAVE}},
        seen={
            "audioMessage": {
                "mimetype": "audio/ogg; codecs=opus",
                "seconds": 4,
                "ptt": True,
                "waveform": b64(bytes(WAVE)),
            }
        },
        tell={
            "audio": buffer(NOTE),
            "ptt": True,
            "mimetype": "audio/ogg; codecs=opus",
            "seconds": 4,
            "waveform": buffer(bytes(WAVE)),
        },
        heard=body("audio", voice=True, waveform=WAVE)
        | {"media": {"mimetype": "audio/ogg; codecs=opus", "duration_s": 4}},
        file=NOTE,
    ),
    Kind(
        "audio",
        say={"audio": {"data": b64(NOTE)}},
        seen={"audioMessage": {"mimetype": "audio/ogg; codecs=opus", "seconds": 4, "ptt": False}},
        tell={"audio": buffer(NOTE), "mimetype": "audio/ogg; codecs=opus", "seconds": 4},
        heard=body("audio", voice=False) | {"media": {"mimetype": "audio/ogg; codecs=opus", "duration_s": 4}},
        file=NOTE,
    ),
    Kind(
        "document",
        say={"document": {"data": b64(PAPER), "file_name": "menu.pdf"}},
        seen={"documentMessage": {"mimetype": "application/pdf", "fileName": "menu.pdf"}},
        tell={"document": buffer(PAPER), "mimetype": "application/pdf", "fileName": "menu.pdf"},
        heard=body("document") | {"media": {"mimetype": "application/pdf", "file_name": "menu.pdf"}},
        file=PAPER,
    ),
    Kind(
        "document with a caption",
        say={"document": {"data": b64(PAPER), "file_name": "menu.pdf"}, "caption": "today's"},
        seen={
            "documentWithCaptionMessage": {
                "message": {
                    "documentMessage": {
                        "mimetype": "application/pdf",
                        "fileName": "menu.pdf",
                        "caption": "today's",
                    }
                }
            }
        },
        tell={
            "document": buffer(PAPER),
            "mimetype": "application/pdf",
            "fileName": "menu.pdf",
            "caption": "today's",
        },
        heard=body("document", caption="today's")
        | {"media": {"mimetype": "application/pdf", "file_name": "menu.pdf"}},
        file=PAPER,
    ),
    Kind(
        "sticker",
        say={"sticker": {"data": b64(STICKER)}},
        seen={"stickerMessage": {"mimetype": "image/webp", "width": 512, "height": 512, "isAnimated": False}},
        tell={
            "sticker": buffer(STICKER),
            "mimetype": "image/webp",
            "width": 512,
            "height": 512,
            "isAnimated": True,
        },
        heard=body("sticker", animated=True)
        | {"media": {"mimetype": "image/webp", "width": 512, "height": 512}},
        file=STICKER,
    ),
    Kind(
        "view once image",
        say={"image": {"data": b64(PICTURE)}, "view_once": True},
        seen={
            "viewOnceMessageV2": {
                "message": {
                    "imageMessage": {"mimetype": "image/png", "width": 3, "height": 2, "viewOnce": True}
                }
            }
        },
        tell={
            "image": buffer(PICTURE),
            "viewOnce": True,
            "mimetype": "image/png",
            "width": 3,
            "height": 2,
            "jpegThumbnail": THUMB,
        },
        heard=body("image", view_once=True)
        | {"media": {"mimetype": "image/png", "width": 3, "height": 2, "thumbnail": THUMB}},
        file=PICTURE,
    ),
    Kind(
        "view once voice note",
        say={"voice": {"data": b64(NOTE), "waveform": WAVE}, "view_once": True},
        seen={
            "viewOnceMessageV2Extension": {
                "message": {
                    "audioMessage": {
                        "mimetype": "audio/ogg; codecs=opus",
                        "seconds": 4,
                        "ptt": True,
                        "waveform": b64(bytes(WAVE)),
                        "viewOnce": True,
                    }
                }
            }
        },
        file=NOTE,
    ),
]
