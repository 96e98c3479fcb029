"""`channel.*`: what WhatsApp calls channels, and its wire newsletters. Posts are sent by `message.send`."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Final, Literal

from google.protobuf.message import DecodeError
from msgspec import Meta

from protocol import content
from protocol.flows import channels
from protocol.jid import NEWSLETTER, Jid, parse
from protocol.pb.e2e_pb2 import Message
from protocol.stanza.channels import LINK, Channel, Counters, Post
from protocol.stanza.mex import MexError
from waconnd.api.host import fleet, host
from waconnd.compose.params import MediaObject
from waconnd.media.portrait import portrait
from waconnd.rpc.caller import Call
from waconnd.rpc.declare import Params, Result, Scope, method
from waconnd.rpc.errors import RpcError
from waconnd.rpc.times import rfc3339

ERRORS: Final = (
    "not_ready",
    "not_linked",
    "not_found",
    "forbidden_by_whatsapp",
    "rate_limited",
    "server_error",
)
MAX_POSTS: Final = channels.MAX_POSTS
ChannelId = Annotated[str, Meta(description="The channel's address, `…@newsletter`.")]


class ChannelView(Result, frozen=True, kw_only=True):
    """A channel."""

    id: str
    name: str = ""
    description: str = ""
    state: Annotated[str, Meta(description="active, suspended, geosuspended, deleted or non_existing")] = ""
    created_at: str = ""
    followers: int | None = None
    verified: bool = False
    handle: str = ""
    link: str = ""
    picture: bool = False
    reactions: Annotated[str, Meta(description="Which reactions posts take: ALL, BASIC, NONE.")] = ""
    role: Annotated[str, Meta(description="The account's own: owner, admin, subscriber or guest.")] = ""
    muted: bool = False
    pinned: list[str] = []


def view(channel: Channel) -> ChannelView:
    """A channel as the socket shows it."""
    return ChannelView(
        id=channel.id,
        name=channel.name,
        description=channel.description,
        state=channel.state,
        created_at=rfc3339(channel.created_at) if channel.created_at else "",
        followers=channel.followers,
        verified=channel.verified,
        handle=channel.handle,
        link=LINK + channel.invite if channel.invite else "",
        picture=bool(channel.picture),
        reactions=channel.reactions,
        role=channel.role,
        muted=channel.muted,
        pinned=channel.pinned,
    )


class ListParams(Params, frozen=True, kw_only=True):
    """Those that the account follows."""

    refresh: Annotated[bool, Meta(description="Ask WhatsApp for the list. Rarely needed.")] = False


class ListResult(Result, frozen=True):
    """By name."""

    channels: list[ChannelView]


@method("channel.list", scope=Scope.READ, account=True, errors=ERRORS, example={})
async def list_(call: Call, params: ListParams) -> ListResult:
    """The channels that the account follows or runs, as kept from notifications."""
    account = fleet(call).get(call.account)
    if params.refresh:
        await account.flow(channels.refresh_all, lane=channels.LANE)
    found = sorted(channels.known(account.keystore), key=lambda one: (one.name.casefold(), one.id))
    return ListResult([view(one) for one in found])


class GetParams(Params, frozen=True, kw_only=True):
    """By address or by link."""

    id: ChannelId = ""
    link: Annotated[str, Meta(description="`https://whatsapp.com/channel/…` or its code.")] = ""


@method(
    "channel.get",
    scope=Scope.READ,
    account=True,
    errors=ERRORS,
    example={"id": "120363000000000001@newsletter"},
)
async def get(call: Call, params: GetParams) -> ChannelView:
    """A channel as WhatsApp knows it now, followed or not."""
    if bool(params.id) == bool(params.link):
        raise RpcError("invalid_params", "give either the `id` of a channel or its `link`", path="$.id")
    account = fleet(call).get(call.account)
    with _translated():
        if params.link:
            code = params.link.strip().partition("?")[0].rstrip("/").rpartition("/")[2]
            return view(await account.flow(lambda ctx: channels.info(ctx, invite=code)))
        jid = channel_of(params.id)
        return view(await account.flow(lambda ctx: channels.info(ctx, jid)))


class UpdateParams(Params, frozen=True, kw_only=True):
    """`create` needs `name`; all else the `id`."""

    op: Literal[
        "create",
        "update",
        "delete",
        "follow",
        "unfollow",
        "mute",
        "unmute",
        "messages",
        "react",
        "viewed",
        "watch",
    ]
    id: ChannelId = ""
    name: Annotated[str, Meta(max_length=100)] = ""
    description: Annotated[str, Meta(max_length=2048)] = ""
    picture: MediaObject | None = None
    server_id: Annotated[str, Meta(description="react: which post.")] = ""
    server_ids: Annotated[list[str], Meta(max_length=100, description="viewed: which posts.")] = []
    emoji: Annotated[str, Meta(max_length=32, description="react: empty takes it back.")] = ""
    limit: Annotated[int, Meta(ge=1, le=MAX_POSTS, description="messages: how many.")] = 20
    before: Annotated[str, Meta(description="messages: older than this server id.")] = ""
    after: Annotated[str, Meta(description="messages: newer than this server id.")] = ""


class PostView(Result, frozen=True, kw_only=True):
    """A post."""

    id: str
    server_id: str
    at: str
    mine: bool = False
    edited: bool = False
    body: dict[str, Any] = {}
    media: dict[str, Any] = {}
    views: int | None = None
    forwards: int | None = None
    responses: int | None = None
    reactions: dict[str, int] = {}


class UpdateResult(Result, frozen=True, kw_only=True):
    """What the operation gives."""

    channel: ChannelView | None = None
    messages: list[PostView] = []
    for_s: Annotated[
        int, Meta(description="watch: so long `channel.updated` tells of views and reactions.")
    ] = 0


@method(
    "channel.update",
    scope=Scope.SEND,
    account=True,
    errors=(*ERRORS, "media_failed"),
    example={"op": "follow", "id": "120363000000000001@newsletter"},
)
async def update(call: Call, params: UpdateParams) -> UpdateResult:
    """Make, change and end channels; follow, unfollow, mute; read posts, react to them, say that they were seen."""
    with _translated():
        if params.op == "create":
            return await _create(call, params)
        return await _act(call, params, channel_of(params.id))


async def _create(call: Call, params: UpdateParams) -> UpdateResult:
    if not params.name:
        raise RpcError("invalid_params", "a channel needs a `name`", path="$.name")
    account = fleet(call).get(call.account)
    picture = await _picture(call, params)
    made = await account.flow(lambda ctx: channels.create(ctx, params.name, params.description, picture))
    return UpdateResult(channel=view(made))


async def _act(call: Call, params: UpdateParams, jid: Jid) -> UpdateResult:
    account = fleet(call).get(call.account)
    match params.op:
        case "follow":
            return UpdateResult(channel=view(await account.flow(lambda ctx: channels.follow(ctx, jid))))
        case "unfollow":
            await account.flow(lambda ctx: channels.unfollow(ctx, jid))
        case "mute" | "unmute":
            await account.flow(lambda ctx: channels.mute(ctx, jid, params.op == "mute"))
        case "delete":
            await account.flow(lambda ctx: channels.delete(ctx, jid))
        case "update":
            changes = {name: value for name in ("name", "description") if (value := getattr(params, name))}
            if params.picture is not None:
                changes["picture"] = await _picture(call, params)
            if not changes:
                raise RpcError("invalid_params", "give a `name`, a `description` or a `picture`", path="$")
            found = await account.flow(lambda ctx: channels.update(ctx, jid, **changes))
            return UpdateResult(channel=view(found))
        case "messages":
            posts = await account.flow(
                lambda ctx: channels.posts(ctx, jid, params.limit, before=params.before, after=params.after)
            )
            return UpdateResult(messages=[_post(post) for post in posts])
        case "react":
            if not params.server_id:
                raise RpcError(
                    "invalid_params", "`react` needs the `server_id` of a post", path="$.server_id"
                )
            await account.flow(lambda ctx: channels.react(ctx, jid, params.server_id, params.emoji))
        case "viewed":
            if not params.server_ids:
                raise RpcError("invalid_params", "`viewed` needs `server_ids`", path="$.server_ids")
            await account.flow(lambda ctx: channels.viewed(ctx, jid, params.server_ids))
        case "watch":
            return UpdateResult(for_s=await account.flow(lambda ctx: channels.watch(ctx, jid)))
    return UpdateResult()


async def _picture(call: Call, params: UpdateParams) -> str:
    if params.picture is None:
        return ""
    return base64.b64encode(await portrait(call, host(call), params.picture)).decode()


def _post(post: Post) -> PostView:
    shown: dict[str, Any] = {}
    try:
        if post.message:
            shown = content.tell(Message.FromString(post.message)) or {}
    except DecodeError:
        shown = {"body": {"kind": "unsupported"}}
    held: Counters = post.counters
    return PostView(
        id=post.id,
        server_id=post.server_id,
        at=rfc3339(float(post.at)),
        mine=post.mine,
        edited=bool(post.edit),
        body=shown.get("body", {}),
        media=shown.get("media", {}),
        views=held.views,
        forwards=held.forwards,
        responses=held.responses,
        reactions=held.reactions or {},
    )


def channel_of(text: str) -> Jid:
    """The address of a channel. Raises RpcError."""
    try:
        jid = parse(text if "@" in text else f"{text}@{NEWSLETTER}")
    except ValueError:
        jid = None
    if jid is None or not jid.is_newsletter or not jid.user.isdigit():
        raise RpcError(
            "invalid_params", f"{text[:80]!r} is no channel: give its address, …@newsletter", path="$.id"
        )
    return jid


@contextmanager
def _translated() -> Iterator[None]:
    """What GraphQL refuses, as an error of the socket."""
    try:
        yield
    except MexError as error:
        kinds = {
            400: "not_found",
            404: "not_found",
            401: "forbidden_by_whatsapp",
            403: "forbidden_by_whatsapp",
        }
        kind = "rate_limited" if error.code == 429 else kinds.get(error.code, "server_error")
        raise RpcError(kind, f"WhatsApp answered: {error.text or error.code}") from None
