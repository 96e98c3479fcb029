"""`message.*`: answers to what a message asks: votes, replies to invitations, choices of buttons and rows."""

from __future__ import annotations

import os
from typing import Annotated, Any, Literal

from msgspec import Meta

from protocol.content import Options, acts, build
from protocol.events.message import Chat, MessageEventResponse, MessagePollVote, Target
from protocol.flows import people, sealing
from waconnd.account import Account
from waconnd.api.host import fleet
from waconnd.api.message import SEND_ERRORS, SendResult
from waconnd.api.message_acts import ActParams, act, earlier, now_ms
from waconnd.compose import targets
from waconnd.outgoing import message_id
from waconnd.rpc.caller import Call
from waconnd.rpc.declare import Scope, method
from waconnd.rpc.errors import RpcError


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
    account, target = await earlier(call, params)
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
    sealed = sealing.vote(ctx, targets.key(account, target), names, secret, chosen, now_ms(account))
    id = message_id(target.chat)
    told = MessagePollVote(
        **_members(account, target, id), hashes=[sealing.option_hash(name).hex() for name in chosen]
    )
    message = build("vote", sealed, Options())
    return await act(call, account, target, message, params, chosen, id=id, told=(told,))


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
    account, target = await earlier(call, params)
    if target.row is not None and target.row.kind != "event":
        raise RpcError("invalid_params", f"message {target.id} is no event", path="$.id")
    secret = await _secret(call, target)
    ctx = targets.context(account)
    ctx.random = os.urandom
    names = sealing.names(ctx, target.chat, None if target.from_me else target.sender)
    key = targets.key(account, target)
    sealed = sealing.response(ctx, key, names, secret, params.response, params.extra_guests, now_ms(account))
    id = message_id(target.chat)
    told = MessageEventResponse(
        **_members(account, target, id), response=params.response, extra_guests=params.extra_guests
    )
    message = build("rsvp", sealed, Options())
    said = [params.response, params.extra_guests]
    return await act(call, account, target, message, params, said, id=id, told=(told,))


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
    account, target = await earlier(call, params)
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
    return await act(call, account, target, message, params, params.choice, params.text)


def _choices(body: dict[str, Any]) -> dict[str, str]:
    """Id → words of what a message offers."""
    rows = [row for section in body.get("list", {}).get("sections", ()) for row in section.get("rows", ())]
    offered = [*body.get("buttons", ()), *rows]
    return {str(one["id"]): str(one.get("text") or one.get("title", "")) for one in offered if one.get("id")}
