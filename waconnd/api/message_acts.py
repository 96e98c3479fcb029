"""`message.*`: what is done to an earlier message. Each is a message of its own, in its chat's order."""

from __future__ import annotations

import os
from typing import Annotated, Any, Final, Literal

from msgspec import Meta

from protocol.content import Options, acts, build
from protocol.content.media import Captioned
from protocol.events.message import Chat, MessageEventResponse, MessagePollVote, Target
from protocol.flows import people, sealing
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
from waconnd.outgoing import Parcel, digest, message_id, post
from waconnd.pump import Told, errand
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


async def _target(call: Call, params: ActParams, *, posts: bool = False) -> tuple[Account, targets.Target]:
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


async def _act(
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


def _now_ms(account: Account) -> int:
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
    account, target = await _target(call, params, posts=True)
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
        return await _act(call, account, target, new, params, *said, id=target.id, edit=CHANNEL_EDIT)
    change = acts.Edit(key=targets.key(account, target), message=new, at_ms=_now_ms(account))
    message = build("edit", change, Options())
    return await _act(call, account, target, message, params, *said)


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
    account, target = await _target(call, params, posts=True)
    if not target.from_me and not target.chat.is_group:
        raise RpcError(
            "invalid_params", "what others wrote can be deleted in groups only, by an admin", path="$.id"
        )
    if target.chat.is_newsletter:
        return await _act(call, account, target, Message(), params, id=target.id, edit=CHANNEL_REVOKE)
    message = build("revoke", targets.key(account, target), Options())
    return await _act(call, account, target, message, params)


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
    account, target = await _target(call, params)
    said = acts.Reaction(key=targets.key(account, target), emoji=params.emoji, at_ms=_now_ms(account))
    message = build("reaction", said, Options())
    return await _act(call, account, target, message, params, params.emoji)


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
    account, target = await _target(call, params)
    said = acts.Pin(
        key=targets.key(account, target), for_s=params.for_s if params.on else 0, at_ms=_now_ms(account)
    )
    return await _act(call, account, target, build("pin", said, Options()), params, said.for_s)


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
    account, target = await _target(call, params)
    said = acts.Keep(key=targets.key(account, target), on=params.on, at_ms=_now_ms(account))
    return await _act(call, account, target, build("keep", said, Options()), params, params.on)


class VoteParams(ActParams, frozen=True, kw_only=True):
    options: Annotated[list[str], Meta(description="Names of the chosen options; none withdraws the vote.")]


@method(
    "message.vote",
    scope=Scope.SEND,
    account=True,
    owns_key=True,
    deadline_s=3600,
    errors=SEND_ERRORS,
    example={"id": "3EB0A1B2C3D4E5F60718", "chat": "+15550002222", "options": ["Tuesday"]},
)
async def vote(call: Call, params: VoteParams) -> SendResult:
    """Vote in a poll. The vote replaces an earlier one."""
    account, target = await _target(call, params)
    poll = target.data.get("body", {}).get("poll")
    if poll is None:
        raise RpcError("not_found", f"message {target.id} is no poll that the archive knows", path="$.id")
    unknown = [name for name in params.options if name not in poll["options"]]
    if unknown:
        raise RpcError(
            "invalid_params",
            f"the poll has no option {unknown[0]!r}",
            path="$.options",
            options=poll["options"],
        )
    most = int(poll.get("selectable_count", 0)) or len(poll["options"])
    if len(set(params.options)) > most:
        raise RpcError("invalid_params", f"at most {most} options may be chosen", path="$.options")
    secret = await _secret(call, target)
    ctx = targets.context(account)
    ctx.random = os.urandom
    names = sealing.names(ctx, target.chat, None if target.from_me else target.sender)
    chosen = list(dict.fromkeys(params.options))
    sealed = sealing.vote(ctx, targets.key(account, target), names, secret, chosen, _now_ms(account))
    id = message_id(target.chat)
    told = MessagePollVote(
        **_members(account, target, id), hashes=[sealing.option_hash(name).hex() for name in chosen]
    )
    message = build("vote", sealed, Options())
    return await _act(call, account, target, message, params, chosen, id=id, told=(told,))


class RsvpParams(ActParams, frozen=True, kw_only=True):
    response: Literal["going", "not_going", "maybe"]
    extra_guests: Annotated[int, Meta(ge=0, le=100)] = 0


@method(
    "message.rsvp",
    scope=Scope.SEND,
    account=True,
    owns_key=True,
    deadline_s=3600,
    errors=SEND_ERRORS,
    example={"id": "3EB0A1B2C3D4E5F60718", "chat": "+15550002222", "response": "going"},
)
async def rsvp(call: Call, params: RsvpParams) -> SendResult:
    """Answer an invitation to an event."""
    account, target = await _target(call, params)
    if target.row is not None and target.row.kind != "event":
        raise RpcError("invalid_params", f"message {target.id} is no event", path="$.id")
    secret = await _secret(call, target)
    ctx = targets.context(account)
    ctx.random = os.urandom
    names = sealing.names(ctx, target.chat, None if target.from_me else target.sender)
    key = targets.key(account, target)
    sealed = sealing.response(ctx, key, names, secret, params.response, params.extra_guests, _now_ms(account))
    id = message_id(target.chat)
    told = MessageEventResponse(
        **_members(account, target, id), response=params.response, extra_guests=params.extra_guests
    )
    message = build("rsvp", sealed, Options())
    said = [params.response, params.extra_guests]
    return await _act(call, account, target, message, params, said, id=id, told=(told,))


async def _secret(call: Call, target: targets.Target) -> bytes:
    secret = await fleet(call).archive.messages.secret(
        call.account, str(target.chat), target.id, str(target.sender or "")
    )
    if not secret:
        raise RpcError(
            "not_found", f"the secret of message {target.id} is not known here: it can't be answered"
        )
    return secret


def _members(account: Account, target: targets.Target, id: str) -> dict[str, Any]:
    """What the event of a sealed act says beside the act itself."""
    view, ctx = account.keystore, targets.context(account)
    own = ctx.account
    me = people.person(view, own.lid_jid or own.pn_jid)
    chat: Chat = people.chat(view, target.chat)
    author = me if target.from_me or target.sender is None else people.person(view, target.sender)
    return {
        "at": account.now(),
        "key": f"message/{chat.id}/{me.id}/{id}",
        "id": id,
        "sent_at": account.now(),
        "chat": chat,
        "target": Target(id=target.id, chat=chat, from_=author),
        "by": me,
        "from_me": True,
    }


class AnswerParams(ActParams, frozen=True, kw_only=True):
    choice: Annotated[str, Meta(min_length=1, description="Id of the button or the row.")]
    text: Annotated[str, Meta(description="What the answer shows. Absent: the button's own words.")] = ""


@method(
    "message.answer",
    scope=Scope.SEND,
    account=True,
    owns_key=True,
    deadline_s=3600,
    errors=SEND_ERRORS,
    example={"id": "3EB0A1B2C3D4E5F60718", "chat": "+15550002222", "choice": "yes"},
)
async def answer(call: Call, params: AnswerParams) -> SendResult:
    """Choose a button or a row of a message that offers some."""
    account, target = await _target(call, params)
    body = target.data.get("body", {})
    if not body:
        raise RpcError("not_found", f"the content of message {target.id} is not in the archive", path="$.id")
    offered = _choices(body)
    if offered and params.choice not in offered:
        raise RpcError("invalid_params", f"the message offers {', '.join(offered)}", path="$.choice")
    said = acts.Answer(
        kind=str(body.get("kind", "")),
        choice=params.choice,
        text=params.text or offered.get(params.choice, ""),
        index=list(offered).index(params.choice) if params.choice in offered else 0,
    )
    options = Options(quote=targets.quote(account, target, target.chat), secret=os.urandom(32))
    message = build("answer", said, options)
    return await _act(call, account, target, message, params, params.choice, params.text)


def _choices(body: dict[str, Any]) -> dict[str, str]:
    """Id → words of what a message offers."""
    rows = [row for section in body.get("list", {}).get("sections", ()) for row in section.get("rows", ())]
    offered = [*body.get("buttons", ()), *rows]
    return {str(one["id"]): str(one.get("text") or one.get("title", "")) for one in offered if one.get("id")}


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
