"""One kind, as both sides say and see it; and samples that several kinds share."""

from dataclasses import dataclass, field

from tests.support.files import b64, png

PICTURE = png()
#: A white JPEG of one pixel.
THUMB = (
    "/9j/4AAQSkZJRgABAQEASABIAAD/2wBDAAMCAgICAgMCAgIDAwMDBAYEBAQEBAgGBgUGCQgKCgkICQkKDA8MCgsOCwkJDRENDg8QEBEQ"
    "CgwSExIQEw8QEBD/yQALCAABAAEBAREA/8wABgAQEAX/2gAIAQEAAD8A0s8g/9k="
)
LINK = "https://example.org/menu"


@dataclass(frozen=True)
class Kind:
    """`say` is the content of `message.send`, `seen` what Baileys shows of it (the JSON of its Message); `tell` is what
    its `sendMessage` is given (or under `relay`, for what it has no words for, the Message itself), `heard` the members
    of the event that tell the content.
    """

    name: str
    say: dict | None = None
    seen: dict | None = None
    tell: dict | None = None
    heard: dict | None = None
    #: Where it lies and how long it is are compared with the file, not written in the table.
    file: bytes = b""
    #: Of Baileys' `sendMessage`: what is no content.
    options: dict = field(default_factory=dict)
    #: Only in a direct chat, or only in a group.
    only: str = ""


def body(kind, **members):
    """What an event tells."""
    return {"body": {"kind": kind, **members}}


def buffer(data):
    """Bytes as Baileys' own JSON form knows them."""
    return {"type": "Buffer", "data": data if isinstance(data, str) else b64(data)}


def date(text):
    """A time as JavaScript holds it."""
    return {"type": "Date", "data": text}
