"""`message.*`: what is done to an earlier message. Each is a message of its own, in its chat's order."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from msgspec import Meta

from protocol.content import Options, acts, build
from protocol.content.media import Captioned
from protocol.flows.announce import CHANNEL_EDIT, CHANNEL_REVOKE
from protocol.flows.placeholder import ask_again
from protocol.jid import STATUS
from protocol.pb.e2e_pb2 import Message
from waconnd.account import Account
from waconnd.api.host import fleet
from waconnd.api.message import SEND_ERRORS, SendResult, WaitFor, shown
from waconnd.api.story import audience_of
from waconnd.compose import targets
from waconnd.compose.params import Reference
from waconnd.errands import Told, errand
from waconnd.outgoing import Parcel, digest, post
from waconnd.rpc.caller import Call
from waconnd.rpc.declare import Params, Result, Scope, method
from waconnd.rpc.errors import RpcError

#: Receivers ignore later edits; the apps offer it for 15 minutes, the protocol allows 20.
EDIT_SECONDS: Final = 20 * 60
_CAPTIONED: Final = frozenset({"image", "video", "document"})

MessageId = Annotated[str | Reference, Meta(description="The message: its id, or a reference.")]
InChat = Annotated[
    str, Meta(description="Where it stands; needed when the archive does not know the message.")
]


class ActParams(Params, frozen=True, kw_only=True):
    """What names the message, and how long to wait."""

    id: MessageId
    chat: InChat = ""
    wait: WaitFor = "server"


async def earlier(call: Call, params: ActParams, *, posts: bool = False) -> tuple[Account, targets.Target]:
    """`posts`: a channel's post will do, too."""
    account = fleet(call).get(call.account)
    target = await targets.find(fleet(call), account, params.id, params.chat)
    if target.chat.is_newsletter and not (posts and target.from_me):
        raise RpcError(
            "unsupported",
            "this can't be done to a channel's post",
            feature="channel posts",
            advice="own posts can be edited and revoked; `channel.update` reacts to them",
        )
    return account, target


async def act(
    call: Call,
    account: Account,
    target: targets.Target,
    message: Message,
    params: ActParams,
    *said: Any,
    id: str = "",
    edit: str = "",
    told: tuple[Told, ...] = (),
) -> SendResult:
    """Queue it. `said`: what the act says; with method and target that is what a key stands for."""
    parcel = Parcel(
        to=target.chat,
        audience=await _hearers(call, target),
        message=message,
        via=call.peer.user,
        key=call.key or "",
        hash=digest(call.method, [str(target.chat), target.id, *said]),
        free=True,
        id=id,
        edit=edit,
        told=told,
    )
    return shown(await post(fleet(call), account, parcel, params.wait, call.timeout_s))


async def _hearers(call: Call, target: targets.Target) -> tuple[str, ...]:
    """Who hears of what is done to a story: its author alone, or whoever could see it when it is ours."""
    if target.chat != STATUS:
        return ()
    if not target.from_me and target.sender is not None:
        return (str(target.sender),)
    posted = await fleet(call).archive.outbox.by_message(call.account, target.id)
    seers = errand(posted).audience if posted is not None else ()
    return seers or tuple(await audience_of(call, []))


def now_ms(account: Account) -> int:
    """The account's clock, as the wire counts."""
    return round(account.now() * 1000)


class EditParams(ActParams, frozen=True, kw_only=True):
    text: Annotated[str, Meta(min_length=1, max_length=65536)] | None = None
    caption: Annotated[str, Meta(max_length=65536)] | None = None
    mentions: list[str] = []


@method(
    "message.edit",
    scope=Scope.SEND,
    account=True,
    owns_key=True,
    deadline_s=3600,
    errors=SEND_ERRORS,
    example={"id": "3EB0A1B2C3D4E5F60718", "chat": "+15550002222", "text": "Your table is ready at 9"},
)
async def edit(call: Call, params: EditParams) -> SendResult:
    """Change the text or caption of a message of ours, within 20 minutes."""
    account, target = await earlier(call, params, posts=True)
    if not target.from_me:
        raise RpcError("invalid_params", "only messages of one's own can be edited", path="$.id")
    is_post = target.chat.is_newsletter
    if not is_post and target.row is not None and account.now() - target.row.sent_at / 1000 > EDIT_SECONDS:
        raise RpcError(
            "invalid_params",
            f"the message is older than {EDIT_SECONDS // 60} minutes: receivers would ignore the edit",
            cause="edit_window_passed",
        )
    if (params.text is None) == (params.caption is None):
        raise RpcError("invalid_params", "give `text` or `caption`, and not both")
    kind = str(target.data.get("body", {}).get("kind", "text"))
    options = Options(mentions=tuple(params.mentions))
    if params.text is not None:
        if kind != "text":
            raise RpcError("invalid_params", f"a message of kind {kind!r} has no text; edit its `caption`")
        new = build("text", params.text, options)
    else:
        if kind not in _CAPTIONED:
            raise RpcError("invalid_params", f"a message of kind {kind!r} has no caption")
        name, value = await targets.content_of(fleet(call), call.account, target)
        assert isinstance(value, Captioned)
        new = build(name, Captioned(value.media, params.caption or ""), options)
    said = [params.text, params.caption, params.mentions]
    if is_post:
        # A channel's post is replaced under its own id.
        return await act(call, account, target, new, params, *said, id=target.id, edit=CHANNEL_EDIT)
    change = acts.Edit(key=targets.key(account, target), message=new, at_ms=now_ms(account))
    message = build("edit", change, Options())
    return await act(call, account, target, message, params, *said)


@method(
    "message.revoke",
    scope=Scope.SEND,
    account=True,
    owns_key=True,
    deadline_s=3600,
    errors=SEND_ERRORS,
    example={"id": "3EB0A1B2C3D4E5F60718", "chat": "+15550002222"},
)
async def revoke(call: Call, params: ActParams) -> SendResult:
    """Delete a message for everybody: our own, or as admin of a group anybody's."""
    account, target = await earlier(call, params, posts=True)
    if not target.from_me and not target.chat.is_group:
        raise RpcError(
            "invalid_params", "what others wrote can be deleted in groups only, by an admin", path="$.id"
        )
    if target.chat.is_newsletter:
        return await act(call, account, target, Message(), params, id=target.id, edit=CHANNEL_REVOKE)
    message = build("revoke", targets.key(account, target), Options())
    return await act(call, account, target, message, params)


class ReactParams(ActParams, frozen=True, kw_only=True):
    emoji: Annotated[str, Meta(max_length=64, description="Empty takes the reaction back.")]


@method(
    "message.react",
    scope=Scope.SEND,
    account=True,
    owns_key=True,
    deadline_s=3600,
    errors=SEND_ERRORS,
    example={"id": "3EB0A1B2C3D4E5F60718", "chat": "+15550002222", "emoji": "👍"},
)
async def react(call: Call, params: ReactParams) -> SendResult:
    """React to a message, or take the reaction back."""
    account, target = await earlier(call, params)
    said = acts.Reaction(key=targets.key(account, target), emoji=params.emoji, at_ms=now_ms(account))
    message = build("reaction", said, Options())
    return await act(call, account, target, message, params, params.emoji)


class PinParams(ActParams, frozen=True, kw_only=True):
    on: bool = True
    for_s: Annotated[Literal[86400, 604800, 2592000], Meta(description="A day, a week or thirty days.")] = (
        604800
    )


@method(
    "message.pin",
    scope=Scope.SEND,
    account=True,
    owns_key=True,
    deadline_s=3600,
    errors=SEND_ERRORS,
    example={"id": "3EB0A1B2C3D4E5F60718", "chat": "+15550002222", "on": True, "for_s": 86400},
)
async def pin(call: Call, params: PinParams) -> SendResult:
    """Pin a message to the top of its chat for everybody, or take it off."""
    account, target = await earlier(call, params)
    said = acts.Pin(
        key=targets.key(account, target), for_s=params.for_s if params.on else 0, at_ms=now_ms(account)
    )
    return await act(call, account, target, build("pin", said, Options()), params, said.for_s)


class KeepParams(ActParams, frozen=True, kw_only=True):
    on: bool = True


@method(
    "message.keep",
    scope=Scope.SEND,
    account=True,
    owns_key=True,
    deadline_s=3600,
    errors=SEND_ERRORS,
    example={"id": "3EB0A1B2C3D4E5F60718", "chat": "+15550002222", "on": True},
)
async def keep(call: Call, params: KeepParams) -> SendResult:
    """Keep a message of a disappearing chat for everybody, or let it go."""
    account, target = await earlier(call, params)
    said = acts.Keep(key=targets.key(account, target), on=params.on, at_ms=now_ms(account))
    return await act(call, account, target, build("keep", said, Options()), params, params.on)


class RequestResult(Result, frozen=True):
    requested: Annotated[
        bool, Meta(description="The phone was asked; `message.recovered` follows if it knows it.")
    ]


class RequestParams(Params, frozen=True, kw_only=True):
    id: MessageId
    chat: InChat = ""


@method(
    "message.request",
    scope=Scope.SEND,
    account=True,
    errors=("not_ready", "not_found"),
    example={"id": "3EB0A1B2C3D4E5F60718", "chat": "+15550002222"},
)
async def request(call: Call, params: RequestParams) -> RequestResult:
    """Ask the own phone for a message that could not be read."""
    account = fleet(call).get(call.account)
    target = await targets.find(fleet(call), account, params.id, params.chat)
    sender = target.sender or target.chat
    await account.flow(
        lambda ctx: ask_again(ctx, target.chat, sender, target.id, from_me=target.from_me),
        lane=f"ask/{target.id}",
    )
    return RequestResult(requested=True)
