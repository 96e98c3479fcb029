"""The contents and options of a send, as a client writes them."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from waconnd.rpc.declare import Params

Bars = Annotated[list[Annotated[int, Meta(ge=0, le=100)]], Meta(min_length=64, max_length=64)]


class MediaObject(Params, frozen=True, kw_only=True):
    """A file: exactly one source, and what is known of it. What is absent is found out."""

    fd: Annotated[int, Meta(description="Index of a descriptor passed along with the line.")] | None = None
    upload: Annotated[str, Meta(description="Handle of `PUT /media` or `media.upload`; good for a day.")] = ""
    data: Annotated[str, Meta(description="Base64, at most 1 MiB decoded.")] = ""
    url: Annotated[str, Meta(description="Fetched by the daemon, if the account allows it.")] = ""
    path: Annotated[str, Meta(description="Only from root and the daemon's own user.")] = ""
    mimetype: Annotated[str, Meta(max_length=200)] = ""
    file_name: Annotated[str, Meta(max_length=255)] = ""
    title: Annotated[str, Meta(max_length=255)] = ""
    page_count: Annotated[int, Meta(ge=0)] = 0
    duration_s: Annotated[float, Meta(ge=0)] = 0.0
    width: Annotated[int, Meta(ge=0, le=65535)] = 0
    height: Annotated[int, Meta(ge=0, le=65535)] = 0
    thumbnail: Annotated[str, Meta(description="A small JPEG, base64.", max_length=65536)] = ""
    waveform: Annotated[Bars, Meta(description="Of a voice note: 64 bars.")] | None = None
    gif: Annotated[bool, Meta(description="Play a video like a GIF.")] = False
    animated: bool = False


class StickerObject(Params, frozen=True, kw_only=True):
    """A sticker of a pack."""

    media: MediaObject
    emojis: list[str] = []


class StickerPackObject(Params, frozen=True, kw_only=True):
    """A pack of stickers (WebP, 512 by 512)."""

    name: Annotated[str, Meta(min_length=1, max_length=128)]
    publisher: Annotated[str, Meta(max_length=128)] = ""
    stickers: Annotated[list[StickerObject], Meta(min_length=1, max_length=60)]
    tray: Annotated[MediaObject, Meta(description="The pack's icon. Absent: the first sticker.")] | None = (
        None
    )


class LocationObject(Params, frozen=True, kw_only=True):
    """A point on the map."""

    latitude: Annotated[float, Meta(ge=-90, le=90)]
    longitude: Annotated[float, Meta(ge=-180, le=180)]
    name: str = ""
    address: str = ""
    url: str = ""
    accuracy_m: Annotated[int, Meta(ge=0)] = 0
    live: Annotated[bool, Meta(description="The start of a live location; no updates follow.")] = False


class ContactObject(Params, frozen=True, kw_only=True):
    """A contact card: name and phone, or a finished vCard."""

    name: str = ""
    phone: str = ""
    organization: str = ""
    vcard: str = ""


class PollObject(Params, frozen=True, kw_only=True):
    """A question with 2 to 12 answers."""

    name: Annotated[str, Meta(min_length=1)]
    options: list[str]
    selectable_count: Annotated[int, Meta(ge=0, description="How many may be chosen; 0: any number.")] = 1
    multiple_answers: Annotated[bool, Meta(description="Any number may be chosen.")] = False
    quiz: bool = False
    correct_answer: str = ""
    end_at: Annotated[str, Meta(description="When voting ends.")] = ""


class EventObject(Params, frozen=True, kw_only=True):
    """An appointment."""

    name: Annotated[str, Meta(min_length=1)]
    start_at: str
    end_at: str = ""
    description: str = ""
    location: LocationObject | None = None
    extra_guests_allowed: bool = False
    call: Annotated[str, Meta(description="A link to join by (`call.link` makes one).")] = ""


class AlbumItem(Params, frozen=True, kw_only=True):
    """A picture or a video."""

    image: MediaObject | None = None
    video: MediaObject | None = None
    caption: str = ""


class GroupInviteObject(Params, frozen=True, kw_only=True):
    """An invitation to a group, for one person."""

    group: str
    code: str
    expires_at: str = ""
    name: str = ""
    caption: str = ""


class Reference(Params, frozen=True, kw_only=True):
    """An earlier message. What is absent is looked up in the archive."""

    id: str
    chat: str = ""
    sender: str = ""
    from_me: bool | None = None
    text: Annotated[str, Meta(description="What it said, when the archive does not know it.")] = ""


class CommentObject(Params, frozen=True, kw_only=True):
    """A comment under a message."""

    target: str | Reference
    text: Annotated[str, Meta(min_length=1)]


class ProductObject(Params, frozen=True, kw_only=True):
    """A product of a business account's catalogue."""

    id: str
    business: Annotated[str, Meta(description="Whose catalogue. Absent: our own.")] = ""
    title: str = ""
    description: str = ""
    currency: str = ""
    price_1000: Annotated[int, Meta(ge=0, description="The price times 1000.")] = 0
    retailer_id: str = ""
    url: str = ""
    image: MediaObject | None = None
    text: str = ""
    footer: str = ""


class PreviewObject(Params, frozen=True, kw_only=True):
    """What stands under a link."""

    url: str
    title: str = ""
    description: str = ""
    thumbnail: Annotated[str, Meta(description="A small JPEG, base64.", max_length=65536)] = ""


Colour = Annotated[
    str, Meta(pattern="^#([0-9A-Fa-f]{6}|[0-9A-Fa-f]{8})$", description="`#RRGGBB` or `#AARRGGBB`.")
]


class StyleObject(Params, frozen=True, kw_only=True):
    """Looks of a story."""

    background: Colour | None = None
    color: Colour | None = None
    font: Annotated[int, Meta(ge=0, le=99)] | None = None


class Content(Params, frozen=True, kw_only=True):
    """Exactly one content, and the caption of a picture, a video or a document."""

    text: Annotated[str, Meta(min_length=1, max_length=65536)] | None = None
    image: MediaObject | None = None
    video: MediaObject | None = None
    video_note: Annotated[MediaObject, Meta(description="A round video.")] | None = None
    audio: MediaObject | None = None
    voice: Annotated[MediaObject, Meta(description="A voice note: Ogg Opus.")] | None = None
    document: MediaObject | None = None
    sticker: Annotated[MediaObject, Meta(description="WebP, 512 by 512.")] | None = None
    sticker_pack: StickerPackObject | None = None
    location: LocationObject | None = None
    contacts: list[ContactObject] | None = None
    poll: PollObject | None = None
    event: EventObject | None = None
    album: Annotated[list[AlbumItem], Meta(min_length=2, max_length=100)] | None = None
    group_invite: GroupInviteObject | None = None
    comment: CommentObject | None = None
    product: ProductObject | None = None
    raw: Annotated[str, Meta(description="Base64 of an encoded `Message`, for experts.")] | None = None
    caption: Annotated[str, Meta(max_length=65536)] = ""


class Said(Content, frozen=True, kw_only=True):
    """A content and what it may carry."""

    reply_to: Annotated[str | Reference, Meta(description="The message that this answers.")] | None = None
    mentions: Annotated[list[str], Meta(description="Addresses; the text holds `@number` for each.")] = []
    mention_all: bool = False
    view_once: bool = False
    ttl_s: (
        Annotated[Literal[0, 86400, 604800, 7776000], Meta(description="Default: the chat's timer.")] | None
    ) = None
    forwarded: Annotated[bool | int, Meta(description="True, or how often it was forwarded.")] = False
    link_preview: Annotated[bool | PreviewObject, Meta(description="True: the daemon reads the page.")] = (
        False
    )
    style: StyleObject | None = None


#: In the order in which errors list them.
CONTENT_KEYS: tuple[str, ...] = tuple(name for name in Content.__struct_fields__ if name != "caption")
