"""One send's way from parameters to a content that can be built; files are looked at and encrypted on the way."""

from __future__ import annotations

import base64
import binascii
import io
import secrets
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import anyio.to_thread
import msgspec

from protocol.content import Options, Uploaded, acts
from protocol.content.business import Product
from protocol.content.media import AlbumHeader, Captioned, PackSticker, StickerPack
from protocol.content.outgoing import Preview, Style
from protocol.content.places import Card, Place
from protocol.crypto.primitives import sha256
from protocol.errors import ProtocolError
from protocol.flows import roster
from protocol.flows.roster import GROUPS
from protocol.jid import Jid
from waconnd.account import NotReady
from waconnd.address import resolve
from waconnd.api.host import Daemon
from waconnd.compose import targets
from waconnd.compose.params import (
    CONTENT_KEYS,
    AlbumItem,
    CommentObject,
    Content,
    EventObject,
    GroupInviteObject,
    MediaObject,
    PollObject,
    PreviewObject,
    ProductObject,
    Said,
    StickerPackObject,
    StyleObject,
)
from waconnd.entropy import entropy
from waconnd.media import pictures, sealing
from waconnd.media.room import HANDLE_PREFIX, Waiting
from waconnd.media.sealing import BadMedia, Told
from waconnd.media.sources import Opened, opened
from waconnd.rpc.caller import Call
from waconnd.rpc.errors import RpcError
from waconnd.rpc.times import parse_time

#: Content key → the kind under which its file is encrypted and uploaded.
KINDS: Final = {
    "image": "image",
    "video": "video",
    "video_note": "ptv",
    "audio": "audio",
    "voice": "audio",
    "document": "document",
    "sticker": "sticker",
}
_CAPTIONED: Final = frozenset({"image", "video", "document", "sticker_pack"})
_ONCE: Final = frozenset({"image", "video", "voice"})
#: What a sender names when the file has no name.
_NAMELESS: Final = "file"
#: Width of a WhatsApp sticker.
STICKER_SIDE: Final = 512
#: One sticker of a pack; the pack is made in memory.
MAX_STICKER: Final = 1024 * 1024


class Desk:
    """Everything that belongs to one send."""

    def __init__(self, call: Call, daemon: Daemon, to: Jid) -> None:
        self._call, self._daemon, self.to = call, daemon, to
        self._fleet = daemon.fleet
        self._account = daemon.fleet.get(call.account)
        self._section = daemon.config.account_section(call.account)
        #: Files that must be uploaded before the message leaves.
        self.waiting: list[Waiting] = []

    # --- contents -----------------------------------------------------------------------------------------------------

    async def content(self, said: Content) -> tuple[str, Any]:
        """The content key and the value for `protocol.content.build`."""
        name = one_of(said)
        if said.caption and name not in _CAPTIONED:
            raise RpcError("invalid_params", f"a message of kind `{name}` has no caption", path="$.caption")
        value = getattr(said, name)
        match value:
            case MediaObject():
                return name, Captioned(await self.media(name, value), said.caption)
            case StickerPackObject():
                return name, await self._sticker_pack(value, said.caption)
            case PollObject():
                return name, _poll(value)
            case EventObject():
                return name, _event(value)
            case GroupInviteObject():
                return name, await self._invite(value)
            case CommentObject():
                target = await targets.find(self._fleet, self._account, value.target, str(self.to))
                return name, acts.Comment(key=targets.key(self._account, target), text=value.text)
            case ProductObject():
                return name, await self._product(value)
        if name == "location" and said.location is not None:
            return name, _place(said.location)
        if name == "contacts" and said.contacts is not None:
            return name, [Card(**msgspec.structs.asdict(card)) for card in said.contacts]
        if name == "raw":
            return name, _base64(value, "$.raw")
        return name, value

    def album(self, items: list[AlbumItem]) -> AlbumHeader:
        """What the header of an album says. Raises RpcError for an item that is neither or both."""
        for index, item in enumerate(items):
            if (item.image is None) == (item.video is None):
                raise RpcError(
                    "invalid_params", "an item of an album is an image or a video", path=f"$.album[{index}]"
                )
        images = sum(item.image is not None for item in items)
        return AlbumHeader(images, len(items) - images)

    async def media(self, name: str, media: MediaObject) -> Uploaded:
        """A file, encrypted; whether it still has to be uploaded stands in `waiting`."""
        kind = KINDS[name]
        if media.upload.startswith(HANDLE_PREFIX):
            owner = None if self._call.rights.allows("admin") else self._call.peer.uid
            held = self._fleet.media.held(media.upload, owner, self._call.account, kind)
            return sealing.described(held, _merged(media, held))
        room = self._fleet.media
        route = room.route(self._call.account, public_only=True)
        urls = self._section.media_urls
        try:
            async with opened(
                media, self._call, self._daemon.spool, room.scratch, urls=urls, route=route
            ) as file:
                told = _told(media, file, document=name == "document")
                uploaded, waiting = await room.prepare(
                    self._call.account,
                    file,
                    kind,
                    told,
                    voice=name == "voice",
                    newsletter=self.to.is_newsletter,
                )
        except BadMedia as error:
            raise RpcError("media_failed", str(error), cause=error.cause, retryable=False) from None
        if waiting is not None:
            self.waiting.append(waiting)
        if name == "document" and not uploaded.file_name:
            uploaded = msgspec.structs.replace(uploaded, file_name=_NAMELESS)
        return uploaded

    def forget(self) -> None:
        """The send came to nothing: its files go."""
        for waiting in self.waiting:
            with suppress(OSError):
                self._fleet.media.drop(waiting)

    async def _sticker_pack(self, pack: StickerPackObject, caption: str) -> StickerPack:
        files: dict[str, bytes] = {}
        stickers: list[PackSticker] = []
        for sticker in pack.stickers:
            data = await self._sticker(sticker.media)
            measured = pictures.measure(data)
            name = f"{base64.urlsafe_b64encode(sha256(data)).decode().rstrip('=')}.webp"
            files[name] = data
            stickers.append(PackSticker(name, bool(measured and measured.animated), tuple(sticker.emojis)))
        id = secrets.token_hex(16)
        tray = f"{id}.webp"
        files[tray] = await self._sticker(pack.tray) if pack.tray else files[stickers[0].file_name]
        path = self._fleet.media.temporary()
        try:
            await anyio.to_thread.run_sync(path.write_bytes, _zipped(files))
            uploaded, waiting = await self._fleet.media.prepare(
                self._call.account,
                Opened(path, path.stat().st_size),
                "sticker-pack",
                Told(mimetype="application/zip"),
            )
        finally:
            path.unlink(missing_ok=True)
        if waiting is not None:
            self.waiting.append(waiting)
        return StickerPack(
            id=id,
            name=pack.name,
            publisher=pack.publisher,
            stickers=tuple(stickers),
            tray=tray,
            media=uploaded,
            caption=caption,
        )

    async def _sticker(self, media: MediaObject) -> bytes:
        room = self._fleet.media
        route = room.route(self._call.account, public_only=True)
        urls = self._section.media_urls
        try:
            async with opened(
                media, self._call, self._daemon.spool, room.scratch, urls=urls, route=route
            ) as file:
                if file.size > MAX_STICKER:
                    raise BadMedia("too_large", f"a sticker may have {MAX_STICKER} bytes")
                data = await anyio.to_thread.run_sync(file.path.read_bytes)
        except BadMedia as error:
            raise RpcError("media_failed", str(error), cause=error.cause, retryable=False) from None
        if data[8:12] != b"WEBP":
            raise RpcError("media_failed", "a sticker is a WebP picture", cause="bad_media", retryable=False)
        return data

    async def _invite(self, invite: GroupInviteObject) -> acts.GroupInvite:
        group = await resolve(self._fleet, self._call.account, invite.group)
        return acts.GroupInvite(
            group=str(group),
            code=invite.code,
            expires_at=_seconds(invite.expires_at, "$.group_invite.expires_at"),
            name=invite.name,
            caption=invite.caption,
        )

    async def _product(self, product: ProductObject) -> Product:
        owner = targets.context(self._account).account.pn_jid.bare
        if product.business:
            owner = await resolve(self._fleet, self._call.account, product.business)
        image = await self.media("image", product.image) if product.image is not None else None
        fields = {
            name: value
            for name, value in msgspec.structs.asdict(product).items()
            if name not in ("business", "image")
        }
        return Product(business=str(owner), image=image, **fields)

    # --- options ------------------------------------------------------------------------------------------------------

    async def options(self, said: Said, name: str) -> Options:
        """What stands beside the content."""
        if said.view_once and name not in _ONCE:
            raise RpcError("invalid_params", "view once is for image, video and voice", path="$.view_once")
        if said.mention_all and not self.to.is_group:
            raise RpcError(
                "invalid_params", "everybody can be mentioned in groups only", path="$.mention_all"
            )
        quote = None
        if said.reply_to is not None:
            target = await targets.find(self._fleet, self._account, said.reply_to)
            quote = targets.quote(self._account, target, self.to)
        return Options(
            quote=quote,
            mentions=await self._mentions(said),
            mention_all=said.mention_all,
            ttl_s=await self.timer() if said.ttl_s is None else said.ttl_s,
            forward_score=int(said.forwarded),
            view_once=said.view_once,
            preview=await self._preview(said),
            style=_style(said.style),
            secret=entropy(32),
        )

    async def timer(self) -> int:
        """The chat's disappearing timer."""
        if self.to.is_newsletter or self.to.is_broadcast:
            return 0
        if self.to.is_group:
            return await self._group_timer()
        chat = str(targets.canonical(self._account, self.to))
        return await self._fleet.archive.chats.timer(self._call.account, chat)

    async def _group_timer(self) -> int:
        held = GROUPS.get(self._account.keystore, str(self.to))
        if held is None and self._account.ready:
            # The send would ask the same a moment later.
            with suppress(NotReady, ProtocolError):
                held = await self._account.flow(lambda ctx: roster.members_of(ctx, self.to))
        return held.about.timer_s if held is not None and held.about is not None else 0

    async def _mentions(self, said: Said) -> tuple[str, ...]:
        words = said.text or said.caption
        out: list[str] = []
        for index, mention in enumerate(said.mentions):
            jid = await resolve(self._fleet, self._call.account, mention)
            if f"@{jid.user}" not in words:
                raise RpcError(
                    "invalid_params",
                    f"the text does not hold `@{jid.user}`, which is what readers see of the mention",
                    path=f"$.mentions[{index}]",
                )
            out.append(str(jid))
        return tuple(dict.fromkeys(out))

    async def _preview(self, said: Said) -> Preview | None:
        wanted = said.link_preview
        if not wanted or said.text is None:
            return None
        if isinstance(wanted, PreviewObject):
            if wanted.url not in said.text:
                raise RpcError(
                    "invalid_params",
                    "the text does not hold the link of the preview",
                    path="$.link_preview.url",
                )
            picture = _base64(wanted.thumbnail, "$.link_preview.thumbnail")
            return Preview(
                url=wanted.url, title=wanted.title, description=wanted.description, thumbnail=picture
            )
        if not self._section.link_previews:
            raise RpcError(
                "permission_denied",
                "pages are not read for previews here",
                advice="set `link_previews = true` for the account, or give the preview yourself",
            )
        route = self._fleet.media.route(self._call.account, public_only=True)
        from waconnd.compose import preview

        return await preview.of_text(said.text, route)


def one_of(said: Content) -> str:
    """The one content key. Raises RpcError when there is none, or more."""
    given = [name for name in CONTENT_KEYS if getattr(said, name) is not None]
    if len(given) == 1:
        return given[0]
    what = "says nothing" if not given else f"has {len(given)} contents ({', '.join(given)})"
    raise RpcError("invalid_params", f"the message {what}: give exactly one of {', '.join(CONTENT_KEYS)}")


def _told(media: MediaObject, file: Opened, *, document: bool) -> Told:
    return Told(
        mimetype=media.mimetype or file.mimetype,
        file_name=media.file_name or (file.name if document else ""),
        title=media.title,
        page_count=media.page_count,
        duration_s=media.duration_s,
        width=media.width,
        height=media.height,
        thumbnail=_base64(media.thumbnail, "$.thumbnail"),
        waveform=bytes(media.waveform or ()),
        gif=media.gif,
        animated=media.animated,
    )


def _merged(media: MediaObject, held: Uploaded) -> Told:
    """What was found out at the upload, under what the caller says now."""
    said = _told(media, Opened(path=Path(), size=held.size), document=False)
    names = Told.__struct_fields__
    return Told(**{name: getattr(said, name) or getattr(held, name) for name in names})


def _base64(text: str, path: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise RpcError("invalid_params", "this is no base64", path=path) from None


def _seconds(text: str, path: str) -> int:
    if not text:
        return 0
    try:
        return int(parse_time(text))
    except ValueError as error:
        raise RpcError("invalid_params", str(error), path=path) from None


def _poll(poll: PollObject) -> acts.Poll:
    return acts.Poll(
        name=poll.name,
        options=tuple(poll.options),
        selectable_count=0 if poll.multiple_answers else poll.selectable_count,
        quiz=poll.quiz,
        correct_answer=poll.correct_answer,
        end_at=_seconds(poll.end_at, "$.poll.end_at"),
    )


def _event(event: EventObject) -> acts.Event:
    return acts.Event(
        name=event.name,
        start_at=_seconds(event.start_at, "$.event.start_at"),
        end_at=_seconds(event.end_at, "$.event.end_at"),
        description=event.description,
        location=_place(event.location) if event.location is not None else None,
        extra_guests_allowed=event.extra_guests_allowed,
        join_link=event.call,
    )


def _place(location: Any) -> Place:
    return Place(**msgspec.structs.asdict(location))


def _style(style: StyleObject | None) -> Style | None:
    if style is None:
        return None
    return Style(background=_argb(style.background), color=_argb(style.color), font=style.font)


def _argb(colour: str | None) -> int | None:
    if colour is None:
        return None
    digits = colour.removeprefix("#")
    return int(digits if len(digits) == 8 else f"FF{digits}", 16)


def _zipped(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()
